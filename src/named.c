/* named.c: makes, shows and removes a file with a name in a private directory. */
#include <config.h>

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fingerprint.h"
#include "io.h"
#include "named.h"
#include "same.h"

struct named {
	char *directory;		/* its path */
	char *path;			/* of the file */
	const char *name;		/* the last part of that path */
	char *outside;			/* the path of the file just before it is removed: see leave() */
	const char *left;		/* the path that could not be removed, or NULL */
	int parent, inside;		/* the directory above, and the private one; or -1 */
	bool made;			/* the private directory exists */
	int fd, reader;			/* the file, and once more for reading; or -1 */
	mode_t mode;			/* of the file as it was made */
	struct fingerprint fingerprint;	/* of the file as it was shown */
};

bool
named_is_safe(const char *directory)
{
	struct stat status;

	/* If stat(2) fails, the error is reported when the directory is used. */
	return stat(directory, &status) == -1 || (status.st_mode & (S_IWOTH | S_ISVTX)) != S_IWOTH;
}

/* The texts as one, to be freed. NULL: ENOMEM. */
static char *
join(const char *first, const char *second, const char *third, const char *fourth)
{
	char *text;

	return asprintf(&text, "%s%s%s%s", first, second, third, fourth) == -1 ? NULL : text;
}

/* Makes the private directory. */
static int
make_directory(struct named *named, const char *directory, const char *template, const char *name)
{
	mode_t mask;

	/* The path must not look like an option. */
	named->directory = join(*directory == '-' ? "./" : "", directory, "/", template);
	if (named->directory == NULL)
		return -1;
	/* The umask may deny the owner to look into it. */
	mask = umask(077);
	named->made = mkdtemp(named->directory) != NULL;
	(void)umask(mask);
	if (!named->made)
		return -1;
	named->path = join("", named->directory, "/", name);
	named->outside = join("", named->directory, ".", name);
	if (named->path == NULL || named->outside == NULL)
		return -1;
	named->name = named->path + strlen(named->directory) + 1;
	return 0;
}

/* Lists a directory. Its descriptor stays as it is. NULL: errno. */
static DIR *
open_list(int directory)
{
	const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy == -1 ? NULL : fdopendir(copy);

	if (list == NULL)
		io_discard(copy);	/* never written to */
	return list;
}

/* The next file in the list, or NULL. */
static const char *
next_name(DIR *list)
{
	const struct dirent *entry;

	while ((entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	return NULL;
}

/*
 * Whoever may rename files in the directory above may have put another directory there before this one was opened. Its
 * files must not be removed at the end. 0, or -1 with errno.
 */
static int
expect_empty(struct named *named)
{
	DIR *list = open_list(named->inside);

	if (list == NULL)
		return -1;
	named->made = next_name(list) == NULL;
	(void)closedir(list);
	return named->made ? 0 : io_fail(ENOTEMPTY);
}

/* The name of the private directory in the one above. */
static const char *
name_above(const struct named *named)
{
	return strrchr(named->directory, '/') + 1;
}

struct named *
named_create(const char *directory, const char *template, const char *name)
{
	struct named *named = malloc(sizeof(*named));
	int error;

	if (named == NULL)
		return NULL;
	*named = (struct named){ .parent = -1, .inside = -1, .fd = -1, .reader = -1 };
	if (make_directory(named, directory, template, name) == 0
	    && (named->parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) != -1
	    && (named->inside = openat(named->parent, name_above(named),
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != -1
	    && expect_empty(named) == 0)
		return named;
	error = errno;
	named_close(named);
	errno = error;
	return NULL;
}

int
named_make(struct named *named)
{
	struct stat status;

	named->fd = openat(named->inside, named->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (named->fd == -1 || fstat(named->fd, &status) == -1)
		return -1;
	/* The umask may deny the owner what the owner needs here. */
	named->mode = (status.st_mode & 0777) | 0600;
	return named->fd;
}

int
named_close_file(struct named *named)
{
	const int fd = named->fd;

	named->fd = -1;
	return io_close(fd);
}

int
named_open(struct named *named)
{
	struct stat status;

	/* O_NONBLOCK: it may be a FIFO, which would wait for a writer. */
	named->fd = openat(named->inside, named->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (named->fd == -1)
		return errno == ELOOP || errno == ENXIO ? io_fail(EINVAL) : -1;
	if (fstat(named->fd, &status) == 0) {
		if (S_ISREG(status.st_mode))
			return named->fd;
		errno = EINVAL;
	}
	io_discard(named->fd);		/* nothing was read from it */
	named->fd = -1;
	return -1;
}

off_t
named_size(const struct named *named)
{
	struct stat status;

	if (fstatat(named->inside, named->name, &status, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(status.st_mode))
		return -1;
	return status.st_size;
}

int
named_fd(const struct named *named)
{
	return named->fd;
}

int
named_directory(const struct named *named)
{
	return named->inside;
}

const char *
named_path(const struct named *named)
{
	return named->path;
}

const char *
named_name(const struct named *named)
{
	return named->name;
}

/* Opens the file for reading. Some network file systems (davfs2) show the old size for about a second. */
static int
open_whole(const struct named *named, off_t size)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (int i = 0; i < 20; i++) {
		const int fd = openat(named->inside, named->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		int error;

		if (fd == -1 || io_reach(fd, size) == 0)
			return fd;
		error = errno;
		(void)close(fd);	/* only opened to be read */
		(void)nanosleep(&pause, NULL);
		errno = error;
	}
	return -1;
}

int
named_show(struct named *named, off_t size)
{
	int fd;

	if (fchmod(named->fd, 0400) == -1)
		return -1;
	fd = open_whole(named, size);
	if (fd == -1)
		return -1;
	named->reader = open_whole(named, size);
	if (named->reader != -1 && fingerprint_take(named->fd, size, false, &named->fingerprint) == 0)
		return fd;
	io_discard(fd);		/* only opened to be read */
	return -1;
}

int
named_give(struct named *named, off_t size)
{
	int fd;

	if (fchmod(named->fd, named->mode) == -1)
		return -1;
	fd = open_whole(named, size);
	if (fd == -1)
		return -1;
	/* The system refuses to execute a file that is open for writing, and COMMAND may execute this one. */
	if (dup2(fd, named->fd) == -1) {
		io_discard(fd);		/* only opened to be read */
		return -1;
	}
	(void)fcntl(named->fd, F_SETFD, FD_CLOEXEC);	/* cannot fail for an open descriptor */
	return fd;
}

int
named_reader(const struct named *named)
{
	return named->reader;
}

/* Whether the file has its name: 1 yes, 0 no. -1: errno. */
static int
is_there(const struct named *named)
{
	struct stat there, here;

	if (fstatat(named->inside, named->name, &there, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(named->fd, &here) == -1)
		return -1;
	return same_file(&there, &here);
}

int
named_is_intact(const struct named *named)
{
	const int there = is_there(named);

	if (there != 1)
		return there;
	return io_lost(named->fd) == -1 ? -1 : fingerprint_matches(named->fd, &named->fingerprint);
}

/*
 * Removing
 */

static int	remove_all(int directory);

/* NOLINTBEGIN(misc-no-recursion): a tree, whose depth the limit of descriptors bounds */

/* Removes a file, or a directory and its contents. */
static int
remove_one(int directory, const char *name)
{
	int inner, result;

	if (unlinkat(directory, name, 0) == 0)
		return 0;
	/* POSIX: EPERM for a directory; Linux: EISDIR. */
	if (errno != EISDIR && errno != EPERM)
		return -1;
	inner = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner == -1)
		return errno == ENOTDIR ? io_fail(EPERM) : -1;
	result = remove_all(inner);
	io_discard(inner);	/* never written to */
	return result == -1 ? -1 : unlinkat(directory, name, AT_REMOVEDIR);
}

/* Removes the contents of the directory. */
static int
remove_all(int directory)
{
	DIR *list = open_list(directory);
	const char *name;
	int result = 0, error;

	if (list == NULL)
		return -1;
	(void)fchmod(directory, 0700);	/* COMMAND may have made it read-only; if this fails, unlinkat(2) says so */
	while (result == 0 && (name = next_name(list)) != NULL)
		result = remove_one(directory, name);
	error = errno;
	(void)closedir(list);
	errno = error;
	return result;
}

/* NOLINTEND(misc-no-recursion) */

/*
 * Network file systems rename a file that is removed while it is open, so that its directory is not empty and cannot be
 * removed. So the file is moved out of the private directory first. Where that fails, it is removed where it is. A file
 * that cannot be removed is moved back, so that the message about the directory is about all that is left.
 */
static int
leave(struct named *named)
{
	struct stat status;
	const char *name;

	if (named->fd == -1 || is_there(named) != 1)
		return 0;	/* it is not open, or has gone */
	if (fstat(named->fd, &status) == 0 && status.st_nlink > 1)
		return 0;	/* its mode is also that of a name that COMMAND knows, and must stay */
	(void)fchmod(named->fd, 0600);	/* others could read the file outside */
	name = strrchr(named->outside, '/') + 1;
	if (renameat(named->inside, named->name, named->parent, name) == -1 || unlinkat(named->parent, name, 0) == 0
	    || renameat(named->parent, name, named->inside, named->name) == 0)
		return 0;
	named->left = named->outside;
	return -1;
}

/* Whether others have put something else in place of the private directory. */
static bool
is_replaced(const struct named *named)
{
	struct stat there, here;

	return fstatat(named->parent, name_above(named), &there, AT_SYMLINK_NOFOLLOW) == 0
	    && fstat(named->inside, &here) == 0 && !same_file(&there, &here);
}

/* Removes the private directory if it is empty. */
static int
remove_empty(const struct named *named)
{
	if (named->inside == -1)
		return rmdir(named->directory);
	if (is_replaced(named))
		return io_fail(ENOENT);
	return unlinkat(named->parent, name_above(named), AT_REMOVEDIR);
}

/* Most often the directory is empty by now, and removing it needs no descriptor. */
static int
remove_directory(struct named *named)
{
	if (remove_empty(named) == 0
	    || (named->inside != -1 && remove_all(named->inside) == 0 && (remove_empty(named) == 0 || errno == ENOENT)))
		return 0;
	named->left = named->directory;
	return -1;
}

int
named_remove(struct named *named)
{
	int left;

	if (named == NULL || !named->made)
		return 0;
	named->made = false;
	left = leave(named);
	return remove_directory(named) == -1 ? -1 : left;
}

const char *
named_left(const struct named *named)
{
	return named->left;
}

void
named_close(struct named *named)
{
	if (named == NULL)
		return;
	(void)named_remove(named);
	io_discard(named->reader);	/* only opened to be read */
	io_discard(named->fd);		/* scratch data, already delivered or given up */
	io_discard(named->inside);	/* never written to */
	io_discard(named->parent);	/* never written to */
	free(named->path);
	free(named->outside);
	free(named->directory);
	free(named);
}
