/* guard.c: lets a staged file take the place of one that must still be what it was, for -g. */
#include <config.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "hidden.h"
#include "io.h"
#include "old.h"
#include "place.h"
#include "staged.h"

/* How often others may come in between. */
#define ATTEMPTS 10

/* Whether the file is what it was. */
static bool
is_expected(const struct place *place, const struct stat *expected)
{
	struct stat now;

	return fstatat(place->directory, place->name, &now, AT_SYMLINK_NOFOLLOW) == 0 && old_is_same(&now, expected);
}

#ifdef HAVE_RENAMEAT2
/* Exchanges the two names. came: what has the hidden one then; zeroed if that cannot be looked at. */
static int
swap(const struct staged *staged, struct stat *came)
{
	const int directory = staged->place->directory;

	*came = (struct stat){ 0 };
	if (renameat2(directory, staged->name, directory, staged->place->name, RENAME_EXCHANGE) == -1)
		return -1;
	(void)fstatat(directory, staged->name, came, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/*
 * came, which has the hidden name, was not expected: it gets its name back. If another process has replaced the file
 * again meanwhile, that file comes back instead: it is newer, and gets the name. EBUSY: another process has written into
 * ours, which has the hidden name now, or others do not stop.
 */
static int
swap_back(const struct staged *staged, const struct stat *ours, struct stat came)
{
	const struct place *place = staged->place;
	struct stat put = *ours, next;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (swap(staged, &next) == -1)
			return errno == ENOENT ? hidden_rename_new(place, staged->name, place->name) : -1;
		if (next.st_nlink == 0 || old_is_same(&next, &put))
			return 0;
		if (next.st_dev == ours->st_dev && next.st_ino == ours->st_ino)
			break;
		put = came;
		came = next;
	}
	return io_fail(EBUSY);
}

/* ENOSYS, EINVAL: nothing was done. Otherwise as guard_publish(). */
static int
exchange(struct staged *staged, const struct stat *expected, char stays[NAME_MAX + 1])
{
	const struct place *place = staged->place;
	struct stat ours, came;

	if (staged->reopened || place_is_smb(place))
		return io_fail(ENOSYS);
	if (staged_link(staged, "") == -1 || fstat(staged->fd, &ours) == -1)
		return -1;
	if (!place_has(place, staged->name, staged->fd))
		return io_fail(ESTALE);		/* somebody has put another file there */
	if (swap(staged, &came) == -1)
		return errno == ENOENT ? io_fail(EEXIST) : -1;
	if (old_is_same(&came, expected)) {
		staged_unlink(staged);
		return 0;
	}
	if (swap_back(staged, &ours, came) == 0)
		return io_fail(EEXIST);
	strlcpy(stays, staged->name, NAME_MAX + 1);
	*staged->name = '\0';	/* so that nothing removes it */
	return -1;
}
#else
static int
exchange(struct staged *staged, const struct stat *expected, char stays[NAME_MAX + 1])
{
	(void)staged, (void)expected, (void)stays;
	return io_fail(ENOSYS);
}
#endif

int
guard_publish(struct staged *staged, const struct stat *expected, char stays[NAME_MAX + 1])
{
	const struct place *place = staged->place;
	int result = -1, error = EEXIST;

	*stays = '\0';
	/* Not all file systems can lock a directory. */
	if (flock(place->directory, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK)
		return -1;
	if (is_expected(place, expected)) {
		result = exchange(staged, expected, stays);
		if (result == -1 && *stays == '\0' && (errno == ENOSYS || errno == EINVAL))
			result = staged_publish(staged, place->name, true);
		error = errno;
	}
	(void)flock(place->directory, LOCK_UN);
	errno = error;
	return result;
}
