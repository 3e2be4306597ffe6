/*
 * spill.c: the spill file, which holds the bytes beyond the memory part, each at its own offset.
 *
 * Below the memory part's end the file has a hole, until everything has to be in the file. The file never has a name
 * (O_TMPFILE), or its name is removed at once, so it cannot be left behind.
 *
 * Its first part is written through the page cache, and the rest by direct I/O (ring.c). That is for speed alone: at
 * any time each byte can be read and written through spill->fd.
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

#include "io.h"
#include "spill.h"

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
	/* The type of f_type depends on the system; the numbers have 32 bits. */
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

/* The umask may deny the owner to open the file again. If the mode cannot be changed, that open reports the failure. */
static void
make_private(int fd)
{
	(void)fchmod(fd, 0600);
}

/* A file without a name, which cannot be given one (O_EXCL, open(2)). */
static int
open_nameless(struct spill *spill, const char *directory)
{
#if HAVE_DECL_O_TMPFILE
	spill->fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (spill->fd == -1)
		return -1;
	make_private(spill->fd);
	spill->reader = io_reopen(spill->fd, O_RDONLY);
	if (spill->reader == -1)
		spill_discard(spill);
	return spill->reader == -1 ? -1 : 0;
#else
	(void)spill;
	(void)directory;
	return -1;
#endif
}

/* Creates the file, opens it a second time, and removes its name. Takes ownership of the path. Returns 0, or the errno
   of the call that failed. */
static int
create_and_unlink(struct spill *spill, char *path)
{
	int error = 0;

	spill->fd = mkostemps(path, (int)strlen(spill->suffix), O_CLOEXEC);
	if (spill->fd == -1) {
		error = errno;
		free(path);
		return error;
	}
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
	return error;
}

/* A file that has a name for a moment. */
static int
open_named(struct spill *spill, const char *directory)
{
	size_t length = strlen(directory) + 1 + strlen(spill->prefix) + 6 + strlen(spill->suffix) + 1;
	char *path = malloc(length);
	int error;

	if (path == NULL)
		return -1;
	(void)snprintf(path, length, "%s/%sXXXXXX%s", directory, spill->prefix, spill->suffix);
	if (spill->hold != NULL)
		spill->hold();
	error = create_and_unlink(spill, path);
	if (spill->release != NULL)
		spill->release();
	if (error == 0)
		return 0;
	errno = error;
	spill_discard(spill);
	return -1;
}

/* After any failure of open_nameless(), open_named() is tried: if both fail, its errno is the one that a user would see
   when creating a file in that directory. */
int
spill_open(struct spill *spill)
{
	const char *directory;
	struct stat status;

	if (spill->spill_fd != -1) {
		/* A roll over that failed may have left bytes. An empty file is not truncated: ext4 would then write it to the
		   disk as soon as it is closed (auto_da_alloc). */
		if (fstat(spill->spill_fd, &status) == -1 ||
		    (status.st_size > 0 && io_truncate(spill->spill_fd, 0) == -1))
			return -1;
		spill->fd = spill->spill_fd;
		return 0;
	}
	directory = spool_directory(spill->directory);
	if (*directory == '\0')
		return io_fail(ENOENT);		/* as open(2); with a slash behind it, it would be the root directory */
	if (open_nameless(spill, directory) == 0)
		return 0;
	return open_named(spill, directory);
}

int
spill_close(struct spill *spill)
{
	const int saved = errno;
	int error = 0;

	if (spill->fd == -1)
		return 0;
	if (spill->reader != -1 && io_close(spill->reader) == -1)
		error = errno;
	if (spill->fd != spill->spill_fd && io_close(spill->fd) == -1)
		error = errno;
	spill->fd = spill->reader = -1;
	spill->lost = 0;
	/* A file that was removed while it was open may reappear when it is closed (rclone). */
	if (spill->old_path != NULL)
		(void)unlink(spill->old_path);
	free(spill->old_path);
	spill->old_path = NULL;
	spill->direct_from = SPOOL_UNLIMITED;
	errno = error == 0 ? saved : error;
	return error == 0 ? 0 : -1;
}

/* Also of the caller's file, which stays open. */
static void
free_space(const struct spill *spill)
{
	if (spill->fd != -1 && spill->fd == spill->spill_fd)
		(void)io_truncate(spill->fd, 0);
}

void
spill_discard(struct spill *spill)
{
	const int saved = errno;

	free_space(spill);
	(void)spill_close(spill);	/* the call has failed already */
	errno = saved;
}

int
spill_fill_hole(struct spill *spill, const struct memory *memory, char *buffer)
{
	off_t at = 0;
	int error;

	while (at < memory->size) {
		const char *piece = buffer;
		size_t length = BUFFER_SIZE;

		if (memory->fd == -1) {
			piece = memory_piece(memory, at, &length);
		} else {
			if (memory->size - at < (off_t)length)
				length = (size_t)(memory->size - at);
			if (memory_read(memory, buffer, length, at) == -1)
				break;
		}
		if (io_write_at(spill->fd, piece, length, at) == -1)
			break;
		at += (off_t)length;
	}
	if (at >= memory->size)
		return 0;
	error = errno;
	(void)io_punch_hole(spill->fd, 0, memory->size);	/* all of it is in memory */
	return io_fail(error);
}

/* Remembers a lost write, since the kernel reports it only once. */
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
 * Another descriptor of the file, only for reading, at offset 0. Where the name was removed, some network file systems
 * open another, empty file under it. So the last of size bytes is read.
 */
static int
open_reader(const struct spill *spill, off_t size)
{
	int fd = io_reopen(spill->fd, O_RDONLY);

	if (fd != -1 && io_reach(fd, size) == 0)
		return fd;
	io_discard(fd);			/* only opened for reading */
	if (spill->reader == -1) {
		errno = fd == -1 ? errno : EIO;
		return -1;
	}
	fd = fcntl(spill->reader, F_DUPFD_CLOEXEC, 0);
	if (fd == -1 || (lseek(fd, 0, SEEK_SET) == 0 && io_reach(fd, size) == 0))
		return fd;
	io_discard(fd);			/* only opened for reading */
	errno = EIO;
	return -1;
}

int
spill_seal(struct spill *spill, off_t size)
{
	struct stat status;
	int fd;

	if (spill_flush(spill) == -1)
		return -1;
	fd = open_reader(spill, size);
	if (fd == -1 || spill->sealed)
		return fd;
	if (spill->fd != spill->spill_fd)
		(void)fchmod(spill->fd, 0400);	/* only keeps honest programs out; the fingerprint shows a change */
	if (fingerprint_take(spill->fd, size, false, &spill->fingerprint) == 0) {
		spill->sealed = fstat(fd, &status) == 0;
		if (spill->sealed)
			return fd;
		/* On some network file systems (9p) fstat(2) fails without a name, and hardly any program does without
		   it. */
		errno = EOPNOTSUPP;
	}
	io_discard(fd);			/* only opened for reading */
	return -1;
}
