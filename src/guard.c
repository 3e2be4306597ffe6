/* guard.c: lets a staged file take the place of one that must still be what it was, for -g. */
#include <config.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "exchange.h"
#include "guard.h"
#include "io.h"
#include "place.h"
#include "same.h"
#include "staged.h"

/* Whether the file is what it was. */
static bool
is_expected(const struct place *place, const struct stat *expected)
{
	struct stat now;

	return fstatat(place->directory, place->name, &now, AT_SYMLINK_NOFOLLOW) == 0 && same_state(&now, expected);
}

/* ENOSYS, EINVAL: nothing was done. Otherwise as guard_publish(). */
static int
exchange(struct staged *staged, const struct stat *expected, char stays[NAME_MAX + 1])
{
	const struct place *place = staged->place;
	struct stat ours;
	int result;

	if (staged->reopened)
		return io_fail(ENOSYS);
	if (staged_link(staged, "") == -1 || fstat(staged->fd, &ours) == -1)
		return -1;
	if (!place_has(place, staged->name, staged->fd))
		return io_fail(ESTALE);		/* somebody has put another file there */
	result = exchange_names(place, staged->name, &ours, expected, same_state);
	if (result == 0)
		staged_unlink(staged);
	if (result <= 0)
		return result == -1 && errno == ENOENT ? io_fail(EEXIST) : result;
	strlcpy(stays, staged->name, NAME_MAX + 1);
	*staged->name = '\0';	/* so that nothing removes it */
	return -1;
}

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
