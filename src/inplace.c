/* inplace.c: overwrites a file, or appends to it, and takes that back if it fails. */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#if HAVE_DECL_FICLONE
#include <linux/fs.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "inplace.h"
#include "io.h"
#include "message.h"
#include "signals.h"
#include "spool.h"

/* The old contents: a clone, which shares the blocks of the file, or a copy. */
struct aside {
	struct stat old;
	int clone;		/* or -1 */
	struct spool *copy;	/* or NULL */
};

/* Nothing has changed, so neither has the time when it last did. */
static void
restore_times(int fd, const struct stat *old)
{
	const struct timespec times[2] = { old->st_atim, old->st_mtim };

	(void)futimens(fd, times);	/* only its owner may */
}

/*
 * Has the file system set aside the space for [at, at + length), beyond the end too, without changing the size.
 * That it knows no such thing is no failure. posix_fallocate(3) would then write to the file.
 */
static int
reserve(int fd, off_t at, off_t length)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
	    && (rlim_t)at + (rlim_t)length > limit.rlim_cur) {
		errno = EFBIG;
		return -1;
	}
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

static int
clone_to(int to, int from)
{
#if HAVE_DECL_FICLONE
	return ioctl(to, FICLONE, from);
#else
	(void)to, (void)from;
	errno = EOPNOTSUPP;
	return -1;
#endif
}

static void
aside_free(struct aside *aside)
{
	if (aside->clone != -1)
		(void)close(aside->clone);	/* nobody needs it any more */
	(void)spool_close(aside->copy);
}

/* A copy of what fd has from its offset on. */
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
	/* Undoing needs it, so it must not be lost later. */
	if (aside->copy != NULL && lseek(fd, 0, SEEK_SET) == 0
	    && spool_fill(aside->copy, fd, aside->old.st_size, NULL) != -1 && spool_flush(aside->copy) == 0)
		return 0;
	error = errno;
	if (aside->copy != NULL && spool_leftover(aside->copy) != NULL)
		message("%s: cannot remove; it is empty", spool_leftover(aside->copy));
	/* A part of it must not pass for the whole. */
	(void)spool_close(aside->copy);
	aside->copy = NULL;
	errno = error;
	return -1;
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
		if (clone_to(aside->clone, file->fd) == 0)
			return 0;
		(void)close(aside->clone);	/* it is empty */
		aside->clone = -1;
	}
	return copy_from(file, file->fd, aside);
}

/* The first length bytes of it. */
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
write_stream(int fd, struct spool *spool, const struct spool_progress *progress)
{
	spool_freeze(spool);
	if (lseek(fd, 0, SEEK_SET) == -1 || spool_seek(spool, 0, SEEK_SET) == -1)
		return -1;
	return spool_drain(spool, fd, progress) == -1 ? -1 : 0;
}

/* What a full file system has taken may be lost all the same. */
static int
prove_put_back(int fd, struct spool *copy, off_t touched)
{
	int same = place_flush(fd) == -1 ? -1 : compare_contents(copy, 0, fd, 0, touched);

	if (same == 0)
		errno = EIO;
	return same == 1 ? 0 : -1;
}

/*
 * touched: how many of its old bytes may have changed. Only these are written again: what may have been a hole beyond
 * them needs no space. The old size comes first, which gives back what the new contents took, and since a clone of a
 * shorter file is refused.
 */
static int
put_back(const struct inplace *file, struct aside *aside, off_t touched)
{
	if (io_truncate(file->fd, aside->old.st_size) == -1)
		return -1;
	/* The next write would report what was lost before. */
	(void)place_flush(file->fd);
	if (aside->clone == -1 || clone_to(file->fd, aside->clone) == -1) {
		if (aside->clone != -1 && aside->copy == NULL && copy_from(file, aside->clone, aside) == -1)
			return -1;
		if (aside->copy != NULL && (write_first(file->fd, aside->copy, touched) == -1
		    || prove_put_back(file->fd, aside->copy, touched) == -1))
			return -1;
	}
	restore_times(file->fd, &aside->old);
	return place_settle(file->fd, file->sync);
}

/* The last resort: a file beside it with its old contents. */
static int
rescue(const struct inplace *file, struct aside *aside, char name[NAME_MAX + 1])
{
	int fd, result;

	place_beside(file->place, "", name);
	/* A clone is a file already, and complete. */
	if (aside->clone != -1 && place_link(file->place, aside->clone, name) == 0)
		return place_flush(aside->clone);
	if (aside->copy == NULL)
		return -1;
	fd = openat(file->place->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	result = write_stream(fd, aside->copy, NULL);
	if (place_flush(fd) == -1)
		result = -1;
	if (io_close(fd) == -1)
		result = -1;
	if (result == -1)
		(void)unlinkat(file->place->directory, name, 0);
	return result;
}

/* error: why it failed. */
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

/* Whether the stream is whole is known before the file is touched. */
static int
flush_stream(const struct inplace *file, struct spool *spool)
{
	if (spool_flush(spool) == 0)
		return 0;
	message("%s: cannot read its new contents: %s; the file is unchanged", file->file, strerror(errno));
	return -1;
}

int
inplace_overwrite(const struct inplace *file, struct spool *spool)
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
	/* The holes of a sparse file are not filled: nobody could make them holes again. */
	reserved_from = (off_t)aside.old.st_blocks * 512 < aside.old.st_size ? aside.old.st_size : 0;
	ready = reserve(file->fd, reserved_from, size - reserved_from) == 0;
	if (!ready)
		message("%s: cannot reserve space: %s; the file is unchanged", file->file, strerror(errno));
	if (!ready || file->before_writing(file->cookie) == -1) {
		(void)io_truncate(file->fd, aside.old.st_size);	/* gives back what it did get */
		restore_times(file->fd, &aside.old);
		aside_free(&aside);
		return STATUS_FAILED;
	}
	if (write_stream(file->fd, spool, file->progress) == -1 || io_truncate(file->fd, size) == -1
	    || place_settle(file->fd, file->sync) == -1) {
		int error = errno;

		/* After the last byte is written the file may have been made shorter. */
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
 * Cuts the file to its old length. NFS 4.2 may send the page that was the last one once more, when the times are set, and
 * the file is longer again; the next attempt holds.
 */
static int
cut(int fd, const struct stat *old)
{
	struct stat now;

	for (int i = 0; i < 3; i++) {
		if (io_truncate(fd, old->st_size) == -1)
			return -1;
		restore_times(fd, old);
		if (place_flush(fd) == -1 || fstat(fd, &now) == -1)
			return -1;
		if (now.st_size == old->st_size)
			return 0;
	}
	errno = EIO;
	return -1;
}

/* Whether what the file has beyond the bytes that were appended is the stream's, too: of a write that failed. */
static bool
goes_on(int fd, struct spool *spool, off_t appended, off_t end, off_t now)
{
	return now - end <= spool_size(spool) - appended && compare_to_end(spool, appended, fd, end, now - end) == 1;
}

/*
 * Cuts the file back to what it was, if nobody but spool has appended since. Somebody who does so between these calls
 * loses it: no call does both. A network file system knows the size only when all has been sent or given up. NULL, or
 * why not; then *stays bytes of the stream are in it, or -1 if that is not known.
 */
static const char *
cut_back(int fd, struct spool *spool, const struct stat *old, off_t *stays)
{
	const off_t appended = spool_tell(spool), end = old->st_size + appended;
	struct stat now;
	const char *why_not;

	*stays = -1;
	(void)place_flush(fd);	/* all that matters is what it leaves */
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

/* error: why it failed. */
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

int
inplace_append(const struct inplace *file, struct spool *spool)
{
	struct stat old, now;
	bool ready;

	if (flush_stream(file, spool) == -1)
		return STATUS_FAILED;
	signals_hold();
	if (fstat(file->fd, &old) == -1) {
		message("%s: cannot append: %s; the file is unchanged", file->file, strerror(errno));
		return STATUS_FAILED;
	}
	ready = file->only_grows || reserve(file->fd, old.st_size, spool_size(spool)) == 0;
	if (!ready)
		message("%s: cannot reserve space: %s; the file is unchanged", file->file, strerror(errno));
	if (!ready || file->before_writing(file->cookie) == -1) {
		/* That gives back what it did get. */
		if (!file->only_grows && fstat(file->fd, &now) == 0 && now.st_size == old.st_size)
			(void)cut(file->fd, &old);
		return STATUS_FAILED;
	}
	spool_freeze(spool);
	if (spool_seek(spool, 0, SEEK_SET) == 0 && spool_drain(spool, file->fd, file->progress) != -1
	    && place_settle(file->fd, file->sync) == 0)
		return STATUS_DONE;
	if (spool_tell(spool) == 0 && file->only_grows)
		message("%s: cannot append: %s; the file is unchanged", file->file, strerror(errno));
	else
		undo_append(file, spool, &old, errno);
	return STATUS_FAILED;
}
