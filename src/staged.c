/* staged.c: makes, names, publishes and drops a staged file. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "chattr.h"
#include "hidden.h"
#include "io.h"
#include "place.h"
#include "signals.h"
#include "staged.h"

/* How many random names are tried. */
#define ATTEMPTS 100

/* Makes a file without a name, if it could also get one. */
static int
open_anonymous(struct staged *staged, mode_t mode)
{
	staged->fd = place_anonymous(staged->place, mode);
	if (staged->fd == -1)
		return -1;
	if (access(io_path(staged->fd).text, F_OK) == 0)
		return 0;
	(void)close(staged->fd);	/* it is empty */
	staged->fd = -1;
	return -1;
}

/* Does not touch the name before it holds the signals: the watch may be reading the name. */
int
staged_open(struct staged *staged, const char *suffix, mode_t mode)
{
	const struct place *place = staged->place;

	staged->reopened = false;
	if (open_anonymous(staged, mode) == 0)
		return 0;
	/* A name in an append-only directory could not be removed. */
	if (chattr_append_only(place->directory, ""))
		return io_fail(EPERM);
	signals_hold();
	for (int i = 0; i < ATTEMPTS; i++) {
		place_beside(place, suffix, staged->name);
		staged->fd = openat(place->directory, staged->name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (staged->fd != -1 || errno != EEXIST)
			break;
	}
	if (staged->fd == -1)
		*staged->name = '\0';
	signals_release();
	return staged->fd == -1 ? -1 : 0;
}

/* A file without a name is private: file systems that have such files also have modes. */
bool
staged_is_private(const struct staged *staged)
{
	struct stat status;

	return *staged->name == '\0' || (fstat(staged->fd, &status) == 0 && (status.st_mode & 022) == 0
	    && fchmod(staged->fd, 0700) == 0 && fchmod(staged->fd, 0600) == 0);
}

void
staged_unlink(struct staged *staged)
{
	signals_hold();
	if (*staged->name != '\0')
		hidden_remove(staged->place, staged->name);
	*staged->name = '\0';
	signals_release();
}

/* Closes the file first: on rclone, a file that is removed while it is open may come back. */
void
staged_drop(struct staged *staged)
{
	signals_hold();
	io_discard(staged->fd);		/* nobody needs its contents */
	staged->fd = -1;
	staged_unlink(staged);
	signals_release();
}

int
staged_link(struct staged *staged, const char *suffix)
{
	int result = -1;

	if (*staged->name != '\0')
		return 0;
	signals_hold();
	for (int i = 0; i < ATTEMPTS && result == -1; i++) {
		char name[NAME_MAX + 1];

		place_beside(staged->place, suffix, name);
		result = place_link(staged->place, staged->fd, name);
		if (result == 0)
			strlcpy(staged->name, name, sizeof(staged->name));
		else if (errno != EEXIST)
			break;
	}
	signals_release();
	return result;
}

int
staged_take(struct staged *staged, int fd, int directory, const char *name, const char *suffix)
{
	const struct place *place = staged->place;
	int result;

	signals_hold();
	staged_drop(staged);
	staged->fd = fd;
	place_beside(place, suffix, staged->name);
	result = hidden_move(directory, name, place, staged->name);
	if (result == -1)
		*staged->name = '\0';
	else if (!place_has(place, staged->name, fd))
		result = io_fail(ESTALE);
	signals_release();
	return result;
}

/* Opens a file for reading as this descriptor, which the engine uses. open(2) may return a lower one: that is copied. */
static int
open_with_number(int directory, const char *name, int number)
{
	const int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int copy;

	if (fd == -1 || fd == number)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, number);
	io_discard(fd);		/* nothing was written to it */
	return copy;
}

/*
 * Some FUSE file systems (davfs2, rclone) store a file only after its last close, and report a failure to nobody.
 * open(2) waits until they have stored the file. A file without a name cannot be opened again, nor can one that already
 * has its final mode if that does not allow reading.
 */
int
staged_reopen(struct staged *staged, off_t size)
{
	const int fd = staged->fd, directory = staged->place->directory;
	struct stat status;

	if (*staged->name == '\0' || !place_is_fuse(staged->place)
	    || faccessat(directory, staged->name, R_OK, AT_EACCESS) == -1)
		return 0;
	staged->fd = -1;
	if (io_close(fd) == -1)
		return -1;
	staged->fd = open_with_number(directory, staged->name, fd);
	staged->reopened = true;
	if (staged->fd == -1 || fstat(staged->fd, &status) == -1 || io_reach(staged->fd, size) == -1)
		return -1;
	return status.st_size == size ? 0 : io_fail(EIO);
}

void
staged_close_for_writing(const struct staged *staged)
{
	const int fd = io_reopen(staged->fd, O_RDONLY);

	if (fd == -1)
		return;
	(void)dup2(fd, staged->fd);
	(void)fcntl(staged->fd, F_SETFD, FD_CLOEXEC);
	io_discard(fd);		/* it is open for reading */
}

typedef int renaming(const struct place *place, const char *hidden, const char *name);

/*
 * On rclone, a file that is open while it is renamed may later lack a part, or fail to be read with EIO: so did 11 of
 * 120 files when 30 processes replaced the same file at a time, and none of 120 that were not open.
 */
static int
rename_closed(struct staged *staged, const char *name, renaming *rename_it)
{
	const int number = staged->fd;
	int result, error;

	io_discard(staged->fd);		/* it is open for reading */
	result = rename_it(staged->place, staged->name, name);
	error = errno;
	if (number != -1)
		staged->fd = open_with_number(staged->place->directory, result == 0 ? name : staged->name, number);
	if (result == 0 || staged->fd != -1)
		errno = error;		/* otherwise no other attempt can succeed */
	return result;
}

int
staged_publish(struct staged *staged, const char *name, bool replace)
{
	renaming *const rename_it = replace ? hidden_rename_over : hidden_rename_new;

	if (*staged->name == '\0') {
		if (!replace)
			return place_link(staged->place, staged->fd, name);
		if (staged_link(staged, "") == -1)
			return -1;
	} else if (staged->fd != -1 && !place_has(staged->place, staged->name, staged->fd)) {
		return io_fail(ESTALE);		/* somebody has put another file there */
	}
	if ((staged->reopened ? rename_closed(staged, name, rename_it)
	    : rename_it(staged->place, staged->name, name)) == -1)
		return -1;
	*staged->name = '\0';
	return 0;
}
