/* hidden.c: renames and removes hidden names, as the file systems allow. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hidden.h"
#include "io.h"
#include "message.h"
#include "place.h"

/* How many random names are tried. */
#define ATTEMPTS 100

void
hidden_remove(const struct place *place, const char *hidden)
{
	const int error = errno;

	if (unlinkat(place->directory, hidden, 0) == -1 && errno != ENOENT)
		message("%s/%s: cannot remove: %s", place->path, hidden, strerror(errno));
	errno = error;
}

int
hidden_link(const struct place *place, const char *name, char hidden[NAME_MAX + 1])
{
	for (int i = 0; i < ATTEMPTS; i++) {
		place_beside(place, "", hidden);
		if (linkat(place->directory, name, place->directory, hidden, 0) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -1;
}

int
hidden_move(int directory, const char *name, const struct place *place, const char *hidden)
{
	struct stat status;

	if (fstatat(place->directory, hidden, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return io_fail(EEXIST);		/* six random characters: hardly ever */
	return renameat(directory, name, place->directory, hidden);
}

/* In one step where the system can do that, else in two. */
int
hidden_rename_new(const struct place *place, const char *from, const char *to)
{
	const int directory = place->directory;
	struct stat status;

#ifdef HAVE_RENAMEAT2
	if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
#endif
	if (linkat(directory, from, directory, to, 0) == 0) {
		hidden_remove(place, from);
		return 0;
	}
	if (errno == EEXIST)
		return -1;
	/* A file system without hard links fails with EPERM, or with anything else (rclone: EIO). */
	if (fstatat(directory, to, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return io_fail(EEXIST);
	return errno == ENOENT ? renameat(directory, from, directory, to) : -1;
}

/*
 * SMB does not replace a file that somebody has open: the client removes the file and reports EACCES, and the file is
 * gone after the last close. But a file that is open can be renamed. So the old file gets a hidden name first, and for
 * a moment there is no file under its own name.
 */
static int
rename_aside(const struct place *place, const char *hidden, const char *name)
{
	char aside[NAME_MAX + 1];
	int error;

	place_beside(place, "", aside);
	if (hidden_rename_new(place, name, aside) == -1)
		return errno == ENOENT ? hidden_rename_new(place, hidden, name) : -1;
	if (hidden_rename_new(place, hidden, name) == 0) {
		hidden_remove(place, aside);
		return 0;
	}
	error = errno;
	if (hidden_rename_new(place, aside, name) == -1) {
		if (errno == EEXIST)
			hidden_remove(place, aside);	/* others have replaced the file */
		else
			message("%s/%s: cannot rename it to %s: %s; it has the old contents", place->path, aside, name,
			    strerror(errno));
	}
	return io_fail(error);
}

int
hidden_rename_over(const struct place *place, const char *hidden, const char *name)
{
	if (place_is_smb(place))
		return rename_aside(place, hidden, name);
	return renameat(place->directory, hidden, place->directory, name);
}
