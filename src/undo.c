/* undo.c: keeps the old file under a hidden name, and puts it back. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hidden.h"
#include "io.h"
#include "place.h"
#include "undo.h"

/* How many random names are tried. */
#define ATTEMPTS 100

int
undo_prepare(struct undo *undo, const struct place *place, bool exists, int fd)
{
	if (fstat(fd, &undo->published) == -1)
		return -1;
	for (int i = 0; exists && i < ATTEMPTS; i++) {
		place_beside(place, "", undo->name);
		if (linkat(place->directory, place->name, place->directory, undo->name, 0) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	*undo->name = '\0';
	return exists ? -1 : 0;
}

/* On FUSE, a file may have another inode number under another name. */
void
undo_arm(struct undo *undo, const struct place *place)
{
	struct stat *published = &undo->published, named;

	if (fstatat(place->directory, place->name, &named, AT_SYMLINK_NOFOLLOW) == 0
	    && named.st_size == published->st_size && named.st_mtim.tv_sec == published->st_mtim.tv_sec
	    && named.st_mtim.tv_nsec == published->st_mtim.tv_nsec)
		*published = named;
	undo->armed = true;
}

/* Puts the old file where no file is, or over the new one. */
static int
put_back(const struct undo *undo, const struct place *place, bool over)
{
	if (*undo->name != '\0')
		return over ? hidden_rename_over(place, undo->name, place->name)
		    : hidden_rename_new(place, undo->name, place->name);
	return over ? unlinkat(place->directory, place->name, 0) : 0;
}

int
undo_take_back(struct undo *undo, const struct place *place)
{
	struct stat now;
	const bool exists = fstatat(place->directory, place->name, &now, AT_SYMLINK_NOFOLLOW) == 0;

	if (!exists && errno != ENOENT)
		return -1;
	if (exists && (now.st_dev != undo->published.st_dev || now.st_ino != undo->published.st_ino))
		return io_fail(EEXIST);
	if (put_back(undo, place, exists) == -1)
		return -1;
	*undo->name = '\0';
	undo->armed = false;
	return 0;
}

void
undo_forget(struct undo *undo, const struct place *place)
{
	if (*undo->name != '\0')
		hidden_remove(place, undo->name);
	*undo->name = '\0';
	undo->armed = false;
}
