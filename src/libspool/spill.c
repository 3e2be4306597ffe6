/*
 * spill.c: the spill file, which holds the bytes beyond the memory part, each at its own offset.
 *
 * Below the memory part's end the file has a hole, until everything has to be in the file. It is anonymous
 * from its first moment (O_TMPFILE), or else loses its name at once, so nothing can stay behind.
 *
 * Its first part goes through the page cache, and the rest past it, by ring.c. That is for speed alone: at any time
 * each byte can be read and written through spill->fd.
 */
#include <config.h>

#include <sys/stat.h>
#ifdef HAVE_LINUX_MAGIC_H
#include <sys/vfs.h>
#endif

#include <errno.h>
#include <fcntl.h>
#ifdef HAVE_LINUX_MAGIC_H
#include <linux/magic.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

const char *
spool_directory(const char *directory)
{
	const char *from_environment = getenv("TMPDIR");

	if (directory != NULL)
		return directory;
	if (from_environment != NULL && *from_environment != '\0')
		return from_environment;
	return access("/var/tmp", W_OK | X_OK) == 0 ? "/var/tmp" : "/tmp";
}

bool
spill_is_in_memory(int fd)
{
#ifdef HAVE_LINUX_MAGIC_H
	struct statfs system;

	if (fstatfs(fd, &system) == -1)
		return false;
	/* Its type is a long here, an int or an unsigned there; the numbers have 32 bits. */
	return (uint32_t)system.f_type == TMPFS_MAGIC || (uint32_t)system.f_type == RAMFS_MAGIC;
#else
	(void)fd;
	return false;
#endif
}

int
spill_init(struct spill *spill, const struct spool_options *options)
{
	*spill = (struct spill){ .fd = -1, .reader = -1, .spill_fd = options->spill_fd,
	    .cache_limit = options->cache_limit, .direct_from = SPOOL_UNLIMITED,
	    .hold = options->hold, .release = options->release };
	if (options->directory != NULL && (spill->directory = strdup(options->directory)) == NULL)
		return -1;
	spill->prefix = strdup(options->prefix != NULL ? options->prefix : "spool-");
	spill->suffix = strdup(options->suffix != NULL ? options->suffix : "");
	return spill->prefix == NULL || spill->suffix == NULL ? -1 : 0;
}

void
spill_free(struct spill *spill)
{
	free(spill->directory);
	free(spill->prefix);
	free(spill->suffix);
	free(spill->leftover);
	free(spill->old_path);
}

/* The umask may have taken away the owner's right to open it once more; if it cannot be given back, that open
   says so. */
static void
make_private(int fd)
{
	(void)fchmod(fd, 0600);
}

/* A file without a name, that nobody can give one (O_EXCL, open(2)). */
static int
open_nameless(struct spill *spill, const char *directory)
{
#if HAVE_DECL_O_TMPFILE
	spill->fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (spill->fd == -1)
		return -1;
	make_private(spill->fd);
	spill->reader = io_reopen(spill->fd, O_RDONLY);
	if (spill->reader == -1) {
		(void)spill_close(spill);
		return -1;
	}
	return 0;
#else
	(void)spill;
	(void)directory;
	return -1;
#endif
}

/* A file that has a name for as long as it takes to open it a second time and to remove the name. */
static int
open_named(struct spill *spill, const char *directory)
{
	size_t length = strlen(directory) + 1 + strlen(spill->prefix) + 6 + strlen(spill->suffix) + 1;
	char *path = malloc(length);
	int error = 0;

	if (path == NULL)
		return -1;
	(void)snprintf(path, length, "%s/%sXXXXXX%s", directory, spill->prefix, spill->suffix);
	if (spill->hold != NULL)
		spill->hold();
	spill->fd = mkostemps(path, (int)strlen(spill->suffix), O_CLOEXEC);
	if (spill->fd == -1) {
		error = errno;
	} else {
		make_private(spill->fd);
		spill->reader = open(path, O_RDONLY | O_CLOEXEC);
		if (spill->reader == -1)
			error = errno;
		if (unlink(path) == -1) {
			if (error == 0)
				error = errno;
			free(spill->leftover);
			spill->leftover = path;
		} else {
			free(spill->old_path);
			spill->old_path = path;
		}
		path = NULL;
	}
	if (spill->release != NULL)
		spill->release();
	free(path);
	if (error != 0) {
		(void)spill_close(spill);
		errno = error;
		return -1;
	}
	return 0;
}

/* Starts the spill file. The named way is tried after any failure of the other: where both fail, its errno
   is the one that a person would see when creating a file there. */
int
spill_open(struct spill *spill)
{
	const char *directory;

	if (spill->spill_fd != -1) {
		/* An earlier roll over may have failed halfway. */
		if (io_truncate(spill->spill_fd, 0) == -1)
			return -1;
		spill->fd = spill->spill_fd;
		return 0;
	}
	directory = spool_directory(spill->directory);
	if (open_nameless(spill, directory) == 0)
		return 0;
	return open_named(spill, directory);
}

/* Ends the spill file; afterwards it can be started again. */
int
spill_close(struct spill *spill)
{
	const int saved = errno;	/* success leaves it alone */
	int error = 0;

	if (spill->fd == -1)
		return 0;
	if (spill->reader != -1 && io_close(spill->reader) == -1)
		error = errno;
	if (spill->fd != spill->spill_fd && io_close(spill->fd) == -1)
		error = errno;
	spill->fd = spill->reader = -1;
	spill->lost = 0;
	/* Where a file is removed while it is open, it may come back when it is closed (rclone). */
	if (spill->old_path != NULL)
		(void)unlink(spill->old_path);
	free(spill->old_path);
	spill->old_path = NULL;
	spill->direct_from = SPOOL_UNLIMITED;
	errno = error == 0 ? saved : error;
	return error == 0 ? 0 : -1;
}

/* Writes the memory part into the hole. buffer: BUFFER_SIZE bytes if the memory part is a memfd. */
int
spill_fill_hole(struct spill *spill, const struct memory *memory, char *buffer)
{
	off_t at = 0;

	while (at < memory->size) {
		const char *piece = buffer;
		size_t length = BUFFER_SIZE;

		if (memory->fd == -1) {
			piece = memory_piece(memory, at, &length);
		} else {
			if (memory->size - at < (off_t)length)
				length = (size_t)(memory->size - at);
			if (memory_read(memory, buffer, length, at) == -1)
				return -1;
		}
		if (io_write_at(spill->fd, piece, length, at) == -1)
			return -1;
		at += (off_t)length;
	}
	return 0;
}

/* Asks, and keeps a failure: the kernel reports it only once. */
static int
record_loss(struct spill *spill, int (*ask)(int fd))
{
	if (spill->lost == 0 && spill->fd != -1 && ask(spill->fd) == -1)
		spill->lost = errno;
	if (spill->lost == 0)
		return 0;
	errno = spill->lost;
	return -1;
}

int
spill_flush(struct spill *spill)
{
	return record_loss(spill, io_flush);
}

int
spill_check(struct spill *spill)
{
	return record_loss(spill, io_lost);
}

int
spill_is_intact(struct spill *spill)
{
	if (!spill->sealed)
		return 1;
	return spill_check(spill) == -1 ? -1 : fingerprint_matches(spill->fd, &spill->fingerprint);
}

/*
 * Another descriptor of the file, only for reading, at offset 0. Where the file has lost its name, some network file
 * systems open another, empty one under it; so the last of size bytes is read.
 */
static int
open_reader(const struct spill *spill, off_t size)
{
	int fd = io_reopen(spill->fd, O_RDONLY);

	if (fd != -1 && io_reach(fd, size) == 0)
		return fd;
	if (fd != -1)
		(void)close(fd);	/* only opened to be read */
	if (spill->reader == -1) {
		errno = fd == -1 ? errno : EIO;
		return -1;
	}
	fd = fcntl(spill->reader, F_DUPFD_CLOEXEC, 0);
	if (fd == -1 || (lseek(fd, 0, SEEK_SET) == 0 && io_reach(fd, size) == 0))
		return fd;
	(void)close(fd);	/* only opened to be read */
	errno = EIO;
	return -1;
}

/* A new read-only descriptor of the file, at offset 0. The file cannot be opened for writing any more, but by root,
   and unless it is borrowed, or on a file system that refuses to change its mode. */
int
spill_seal(struct spill *spill, off_t size)
{
	struct stat status;
	int fd, error;

	if (spill_flush(spill) == -1)
		return -1;
	fd = open_reader(spill, size);
	if (fd == -1 || spill->sealed)
		return fd;
	if (spill->fd != spill->spill_fd)
		(void)fchmod(spill->fd, 0400);	/* it only says what the fingerprint sees to */
	spill->sealed = fingerprint_take(spill->fd, size, false, &spill->fingerprint) == 0;
	error = errno;
	/* Some network file systems (9p) cannot look at a file that has lost its name, and hardly a program does without. */
	if (spill->sealed && fstat(fd, &status) == -1) {
		spill->sealed = false;
		error = EOPNOTSUPP;
	}
	if (spill->sealed)
		return fd;
	(void)close(fd);	/* only opened to be read */
	errno = error;
	return -1;
}
