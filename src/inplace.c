/* inplace.c: overwrites a file or appends to it, and undoes that if it fails. */
#include <config.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "chattr.h"
#include "compare.h"
#include "inplace.h"
#include "io.h"
#include "message.h"
#include "old.h"
#include "place.h"
#include "signals.h"
#include "spool.h"
#include "store.h"

/* The old contents: a clone, which shares the blocks of the file, or a copy. */
struct aside {
	struct stat old;
	int clone;		/* or -1 */
	struct spool *copy;	/* or NULL */
};

/*
 * Makes the file system reserve the space for [at, at + length), beyond the end too, without changing the size. A file
 * system that cannot do that is not a failure. posix_fallocate(3) would then write to the file.
 */
static int
reserve_space(int fd, off_t at, off_t length)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
	    && (rlim_t)at + (rlim_t)length > limit.rlim_cur)
		return io_fail(EFBIG);
#ifdef HAVE_FALLOCATE
	while (length > 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, at, length) == -1) {
		if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL || errno == ENODEV)
			break;
		if (errno != EINTR)
			return -1;
	}
#else
	(void)fd, (void)at, (void)length;
#endif
	return 0;
}

static void
aside_free(struct aside *aside)
{
	io_discard(aside->clone);	/* nobody needs its contents any more */
	(void)spool_close(aside->copy);
}

/* Copies the old contents from fd. */
static int
copy_from(const struct inplace *file, int fd, struct aside *aside)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	int error;

	options.hold = signals_hold;
	options.release = signals_release;
	options.memory_limit = file->memory;
	options.directory = file->directory;
	aside->copy = spool_open(&options);
	/* The copy may be needed to undo the write, so it must not be lost later. */
	if (aside->copy != NULL && lseek(fd, 0, SEEK_SET) == 0
	    && spool_fill(aside->copy, fd, aside->old.st_size, NULL) != -1 && spool_flush(aside->copy) == 0)
		return 0;
	error = errno;
	if (aside->copy != NULL && spool_leftover(aside->copy) != NULL)
		message("%s: cannot remove; it is empty", spool_leftover(aside->copy));
	/* A part of the contents must not pass for the whole. */
	(void)spool_close(aside->copy);
	aside->copy = NULL;
	return io_fail(error);
}

static int
put_aside(const struct inplace *file, struct aside *aside)
{
	*aside = (struct aside){ .clone = -1 };
	if (fstat(file->fd, &aside->old) == -1)
		return -1;
	if (aside->old.st_size == 0)
		return 0;
	aside->clone = place_anonymous(file->place, 0600);
	if (aside->clone != -1) {
		if (store_clone(aside->clone, file->fd) == 0)
			return 0;
		io_discard(aside->clone);	/* it is empty */
		aside->clone = -1;
	}
	return copy_from(file, file->fd, aside);
}

/* Writes the first length bytes of the spool to the beginning of the file. */
static int
write_first(int fd, struct spool *spool, off_t length)
{
	static char buffer[64 << 10];	/* the stack may be small */

	if (lseek(fd, 0, SEEK_SET) == -1 || spool_seek(spool, 0, SEEK_SET) == -1)
		return -1;
	while (length > 0) {
		size_t wanted = length < (off_t)sizeof(buffer) ? (size_t)length : sizeof(buffer);
		ssize_t n = spool_read(spool, buffer, wanted);

		if (n <= 0)
			return (int)n;
		if (io_write_all(fd, buffer, (size_t)n) == -1)
			return -1;
		length -= n;
	}
	return 0;
}

static int
rewrite(int fd, struct spool *spool, const struct spool_progress *progress)
{
	return lseek(fd, 0, SEEK_SET) == -1 ? -1 : store_stream(fd, spool, progress);
}

/* A full file system may lose what it has accepted, so this reads the old contents again. */
static int
prove_put_back(int fd, struct spool *copy, off_t touched)
{
	const int same = store_sync(fd) == -1 ? -1 : compare_contents(copy, 0, fd, 0, touched);

	return same == 0 ? io_fail(EIO) : same == 1 ? 0 : -1;
}

/*
 * touched: how many of the old bytes may have changed. Only these are written again: a hole beyond them then needs no
 * space. The old size comes first: this frees the space that the new contents took, and the file system refuses to
 * clone a file into a longer one.
 */
static int
put_back(const struct inplace *file, struct aside *aside, off_t touched)
{
	if (io_truncate(file->fd, aside->old.st_size) == -1)
		return -1;
	/* This takes the error of a lost write, which the next fsync(2) would report otherwise. */
	(void)store_sync(file->fd);
	if (aside->clone == -1 || store_clone(file->fd, aside->clone) == -1) {
		if (aside->clone != -1 && aside->copy == NULL && copy_from(file, aside->clone, aside) == -1)
			return -1;
		if (aside->copy != NULL && (write_first(file->fd, aside->copy, touched) == -1
		    || prove_put_back(file->fd, aside->copy, touched) == -1))
			return -1;
	}
	io_set_times(file->fd, &aside->old);
	return store_settle(file->fd, file->sync);
}

/* The last resort: a file with the old contents beside the damaged one. */
static int
rescue(const struct inplace *file, struct aside *aside, char name[NAME_MAX + 1])
{
	int fd, result;

	place_beside(file->place, "", name);
	/* A clone is a file already, and complete. */
	if (aside->clone != -1 && place_link(file->place, aside->clone, name) == 0)
		return store_sync(aside->clone);
	if (aside->copy == NULL)
		return -1;
	fd = openat(file->place->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	result = store_stream(fd, aside->copy, NULL);
	if (store_close(fd, true) == -1)
		result = -1;
	if (result == -1)
		(void)unlinkat(file->place->directory, name, 0);
	return result;
}

/* error: the errno of the failure to overwrite. */
static void
undo_overwrite(const struct inplace *file, struct aside *aside, off_t touched, int error)
{
	char name[NAME_MAX + 1];
	int why_not;

	if (put_back(file, aside, touched) == 0) {
		message("%s: cannot overwrite: %s; its old contents were put back, the file is unchanged", file->file,
		    strerror(error));
		return;
	}
	why_not = errno;
	message("%s: cannot overwrite: %s", file->file, strerror(error));
	if (rescue(file, aside, name) == 0)
		message("%s: cannot put its old contents back: %s; they are in %s/%s", file->file, strerror(why_not),
		    file->place->path, name);
	else
		message("%s: cannot put its old contents back: %s; the file is damaged", file->file,
		    strerror(why_not));
}

/* Asks whether the spilled data has arrived, before the file is changed. */
static int
flush_stream(const struct inplace *file, struct spool *spool)
{
	if (spool_flush(spool) == 0)
		return 0;
	message("%s: cannot read its new contents: %s; the file is unchanged", file->file, strerror(errno));
	return -1;
}

/* Copies the old file when only the writing is left. */
static int
make_backup(const struct inplace *file)
{
	if (file->backup == NULL || backup_make(file->place, file->old, file->backup, false, file->sync) == 0)
		return 0;
	message("%s: cannot make its backup %s: %s; the file is unchanged", file->file, file->backup, strerror(errno));
	return -1;
}

static int
overwrite(const struct inplace *file, struct spool *spool)
{
	const off_t size = spool_size(spool);
	struct aside aside;
	off_t touched, reserved_from;
	bool ready;

	if (flush_stream(file, spool) == -1)
		return STATUS_FAILED;
	if (put_aside(file, &aside) == -1) {
		message("%s: cannot put its old contents aside: %s; the file is unchanged", file->file, strerror(errno));
		aside_free(&aside);
		return STATUS_FAILED;
	}
	signals_hold();
	/* The holes of a sparse file are not reserved: undoing could not make them holes again. */
	reserved_from = (off_t)aside.old.st_blocks * 512 < aside.old.st_size ? aside.old.st_size : 0;
	ready = reserve_space(file->fd, reserved_from, size - reserved_from) == 0;
	if (!ready)
		message("%s: cannot reserve space: %s; the file is unchanged", file->file, strerror(errno));
	if (!ready || make_backup(file) == -1) {
		(void)io_truncate(file->fd, aside.old.st_size);	/* frees the space that was reserved */
		io_set_times(file->fd, &aside.old);
		aside_free(&aside);
		return STATUS_FAILED;
	}
	if (rewrite(file->fd, spool, file->progress) == -1 || io_truncate(file->fd, size) == -1
	    || store_settle(file->fd, file->sync) == -1) {
		int error = errno;

		/* If all was written, the file may have been truncated as well. */
		touched = spool_tell(spool);
		if (touched == size || touched > aside.old.st_size)
			touched = aside.old.st_size;
		undo_overwrite(file, &aside, touched, error);
		aside_free(&aside);
		return STATUS_FAILED;
	}
	aside_free(&aside);
	return STATUS_DONE;
}

/*
 * Cuts the file to its old length. When the times are set, NFS 4.2 may send the former last page once more, which makes
 * the file longer again; the next attempt holds.
 */
static int
cut(int fd, const struct stat *old)
{
	struct stat now;

	for (int i = 0; i < 3; i++) {
		if (io_truncate(fd, old->st_size) == -1)
			return -1;
		io_set_times(fd, old);
		if (store_sync(fd) == -1 || fstat(fd, &now) == -1)
			return -1;
		if (now.st_size == old->st_size)
			return 0;
	}
	return io_fail(EIO);
}

/*
 * Whether the bytes of the file after those that were appended are of the stream, too: a failed write may have left
 * them.
 */
static bool
goes_on(int fd, struct spool *spool, off_t appended, off_t end, off_t now)
{
	return now - end <= spool_size(spool) - appended && compare_to_end(spool, appended, fd, end, now - end) == 1;
}

/*
 * Cuts the file back to what it was, if only spool has appended since. What somebody else appends between these calls
 * is lost: no system call both looks and cuts. A network file system knows the size only when all has been sent or
 * given up. Returns NULL, or why the file cannot be cut; then *stays is the number of bytes of the stream in it, or -1:
 * unknown.
 */
static const char *
cut_back(int fd, struct spool *spool, const struct stat *old, off_t *stays)
{
	const off_t appended = spool_tell(spool), end = old->st_size + appended;
	struct stat now;
	const char *why_not;

	*stays = -1;
	(void)store_sync(fd);	/* what was lost shows in the size */
	if (fstat(fd, &now) == -1)
		return strerror(errno);
	if (now.st_size > end && !goes_on(fd, spool, appended, end, now.st_size)) {
		*stays = appended;
		return "it has grown by more than that";
	}
	if (now.st_size < old->st_size)
		return "it is shorter than it was";
	if (cut(fd, old) == 0)
		return NULL;
	why_not = strerror(errno);
	if (fstat(fd, &now) == 0)
		*stays = now.st_size - old->st_size;
	return why_not;
}

/* error: the errno of the failure to append. */
static void
undo_append(const struct inplace *file, struct spool *spool, const struct stat *old, int error)
{
	off_t stays;
	const char *why_not = cut_back(file->fd, spool, old, &stays);

	if (why_not == NULL)
		message("%s: cannot append: %s; it was cut back to its old length, the file is unchanged", file->file,
		    strerror(error));
	else if (stays < 0)
		message("%s: cannot append: %s; it cannot be cut back (%s), a part of the stream may stay in it", file->file,
		    strerror(error), why_not);
	else
		message("%s: cannot append: %s; it cannot be cut back (%s), %jd bytes of the stream stay in it", file->file,
		    strerror(error), why_not, (intmax_t)stays);
}

static int
append(const struct inplace *file, struct spool *spool)
{
	/* A file that is append-only (chattr) cannot be cut back. */
	const bool only_grows = chattr_append_only(file->place->directory, file->place->name);
	struct stat old, now;
	bool ready;

	if (flush_stream(file, spool) == -1)
		return STATUS_FAILED;
	signals_hold();
	if (fstat(file->fd, &old) == -1) {
		message("%s: cannot append: %s; the file is unchanged", file->file, strerror(errno));
		return STATUS_FAILED;
	}
	ready = only_grows || reserve_space(file->fd, old.st_size, spool_size(spool)) == 0;
	if (!ready)
		message("%s: cannot reserve space: %s; the file is unchanged", file->file, strerror(errno));
	if (!ready || make_backup(file) == -1) {
		/* This frees the space that was reserved. */
		if (!only_grows && fstat(file->fd, &now) == 0 && now.st_size == old.st_size)
			(void)cut(file->fd, &old);
		return STATUS_FAILED;
	}
	if (store_stream(file->fd, spool, file->progress) == 0 && store_settle(file->fd, file->sync) == 0)
		return STATUS_DONE;
	if (spool_tell(spool) == 0 && only_grows)
		message("%s: cannot append: %s; the file is unchanged", file->file, strerror(errno));
	else
		undo_append(file, spool, &old, errno);
	return STATUS_FAILED;
}

int
inplace_open(const struct place *place, bool append)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (append ? O_APPEND : 0);
	int fd = openat(place->directory, place->name, O_RDWR | flags);

	/* Appending reads the file only to undo a failure. */
	if (fd == -1 && errno == EACCES && append)
		fd = openat(place->directory, place->name, O_WRONLY | flags);
	return fd;
}

/*
 * Whether a FUSE file system has stored at least so many bytes: it may do so only after the last close, see staged.c.
 */
static bool
has_arrived(const struct place *place, off_t least)
{
	struct stat status;
	bool arrived;
	int fd;

	if (!place_is_fuse(place))
		return true;
	fd = openat(place->directory, place->name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return errno == EACCES;
	arrived = fstat(fd, &status) == 0 && status.st_size >= least;
	(void)close(fd);	/* nothing was written to it */
	errno = EIO;
	return arrived;
}

int
inplace_write(const struct inplace *file, struct spool *spool)
{
	const off_t least = spool_size(spool) + (file->append ? file->old->status.st_size : 0);
	const int status = file->append ? append(file, spool) : overwrite(file, spool);

	if (status != STATUS_DONE) {
		io_discard(file->fd);		/* what became of it is said already */
	} else if (io_close(file->fd) == -1 || !has_arrived(file->place, least)) {
		message("%s: cannot close: %s; it may be incomplete", file->file, strerror(errno));
		return STATUS_FAILED;
	}
	return status;
}
