/* undo.c: keeps the old file under a hidden name, and puts it back. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "hidden.h"
#include "io.h"
#include "place.h"
#include "same.h"
#include "signals.h"
#include "staged.h"
#include "undo.h"

static int
look(const struct place *place, const char *name, struct stat *status)
{
	return fstatat(place->directory, name, status, AT_SYMLINK_NOFOLLOW);
}

/* File systems that have files without a name also have hard links. */
int
undo_try_links(const struct staged *staged)
{
	char hidden[NAME_MAX + 1];
	int result;

	if (*staged->name == '\0')
		return 0;
	signals_hold();		/* the watch does not know this name */
	result = hidden_link(staged->place, staged->name, hidden);
	if (result == 0)
		hidden_remove(staged->place, hidden);
	signals_release();
	return result;
}

int
undo_prepare(struct undo *undo, const struct place *place, bool exists, int fd)
{
	if (fstat(fd, &undo->published) == -1)
		return -1;
	if (!exists)
		return 0;
	if (hidden_link(place, place->name, undo->name) == -1) {
		*undo->name = '\0';
		return -1;
	}
	if (look(place, undo->name, &undo->old) == 0)
		return 0;
	hidden_remove(place, undo->name);
	*undo->name = '\0';
	return -1;
}

/* The times of network file systems may move when the file is read. */
static bool
has_same_contents(const struct place *place, const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size
	    && (place_is_smb(place) || place_is_fuse(place) || same_time(&a->st_mtim, &b->st_mtim));
}

/* Whether it is the new file. On FUSE, a file may get another inode number when it is looked up again (rclone). */
static bool
is_new(const struct undo *undo, const struct place *place, const struct stat *now)
{
	const struct stat *published = &undo->published;

	return same_file(now, published)
	    || (place_is_fuse(place) && now->st_size == published->st_size && same_time(&now->st_mtim, &published->st_mtim));
}

/* On FUSE, a file may have another inode number under another name. */
void
undo_arm(struct undo *undo, const struct place *place)
{
	struct stat named;

	if (look(place, place->name, &named) == 0 && has_same_contents(place, &named, &undo->published))
		undo->published = named;
	undo->armed = true;
}

bool
undo_is_published(const struct undo *undo, const struct place *place)
{
	struct stat now;

	return look(place, place->name, &now) == 0 && is_new(undo, place, &now)
	    && has_same_contents(place, &now, &undo->published);
}

/* Whether the old file still has its hidden name. 0, or -1: ENOENT, ESTALE. */
static int
find_old(const struct undo *undo, const struct place *place)
{
	struct stat now;

	if (look(place, undo->name, &now) == -1)
		return -1;
	/* FUSE may tell the status of the file that has the other name now (gocryptfs). */
	return place_is_fuse(place) || same_file(&now, &undo->old) ? 0 : io_fail(ESTALE);
}

/* Other processes have replaced the file at the same time, and what has the hidden name need not be the old file. */
static int
fail_mixed(struct undo *undo, int error)
{
	undo->mixed = true;
	return io_fail(error);
}

/* The old file takes the place of the new one, which is removed. */
static int
replace(struct undo *undo, const struct place *place)
{
	/* exchange_names() tells files apart by their inode numbers, which FUSE may change. */
	const int result = place_is_fuse(place) ? io_fail(ENOSYS)
	    : exchange_names(place, undo->name, &undo->old, &undo->published, same_file);

	if (result == 0)
		hidden_remove(place, undo->name);
	if (result != -1)
		return result == 0 ? 0 : fail_mixed(undo, errno);
	/* While the old file had the place's name, another process may have replaced it. */
	if (errno == EEXIST && find_old(undo, place) == -1)
		return fail_mixed(undo, EBUSY);
	if (errno == ENOENT)
		return hidden_rename_new(place, undo->name, place->name);
	return errno == ENOSYS || errno == EINVAL ? hidden_rename_over(place, undo->name, place->name) : -1;
}

/* Removes the new file, unless another process has just replaced it: so it leaves its name first. */
static int
remove_new(struct undo *undo, const struct place *place)
{
	char hidden[NAME_MAX + 1];
	struct stat now;
	int error;

	place_beside(place, "", hidden);
	if (hidden_rename_new(place, place->name, hidden) == -1)
		return errno == ENOENT ? 0 : -1;
	error = look(place, hidden, &now) == -1 ? errno : is_new(undo, place, &now) ? 0 : EEXIST;
	if (error == 0) {
		hidden_remove(place, hidden);
		return 0;
	}
	if (hidden_rename_new(place, hidden, place->name) == 0)
		return io_fail(error);
	strlcpy(undo->name, hidden, sizeof(undo->name));
	return fail_mixed(undo, errno);
}

int
undo_take_back(struct undo *undo, const struct place *place)
{
	const bool had_old = *undo->name != '\0';
	struct stat now;
	const bool exists = look(place, place->name, &now) == 0;
	int result = 0;

	if (!exists && errno != ENOENT)
		return -1;
	if (had_old && find_old(undo, place) == -1)
		return -1;
	if (exists && !is_new(undo, place, &now))
		return io_fail(EEXIST);
	if (had_old)
		result = exists ? replace(undo, place) : hidden_rename_new(place, undo->name, place->name);
	else if (exists)
		result = remove_new(undo, place);
	if (result == -1)
		return -1;
	*undo->name = '\0';
	undo->armed = false;
	return 0;
}

int
undo_forget(struct undo *undo, const struct place *place)
{
	if (*undo->name == '\0')
		return 0;
	if (unlinkat(place->directory, undo->name, 0) == -1 && errno != ENOENT)
		return -1;
	*undo->name = '\0';
	return 0;
}
