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

#include "inplace.h"
#include "message.h"
#include "signals.h"
#include "spool.h"

/* The old contents: a clone, which shares the blocks of the file, or a copy. */
struct aside {
	struct stat old;
	int clone;		/* or -1 */
	struct spool *copy;	/* or NULL */
};

static int
truncate_to(int fd, off_t size)
{
	while (ftruncate(fd, size) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

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
	if (aside->copy != NULL && lseek(fd, 0, SEEK_SET) == 0
	    && spool_fill(aside->copy, fd, aside->old.st_size, NULL) != -1)
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
	char buffer[64 << 10];

	if (lseek(fd, 0, SEEK_SET) == -1 || spool_seek(spool, 0, SEEK_SET) == -1)
		return -1;
	while (length > 0) {
		size_t wanted = length < (off_t)sizeof(buffer) ? (size_t)length : sizeof(buffer);
		ssize_t n = spool_read(spool, buffer, wanted);

		for (ssize_t done = 0, more; done < n; done += more) {
			while ((more = write(fd, buffer + done, (size_t)(n - done))) == -1 && errno == EINTR)
				continue;
			if (more == 0)
				errno = EIO;
			if (more <= 0)
				return -1;
		}
		if (n <= 0)
			return (int)n;
		length -= n;
	}
	return 0;
}

static int
write_all(int fd, struct spool *spool, const struct spool_progress *progress)
{
	spool_freeze(spool);
	if (lseek(fd, 0, SEEK_SET) == -1 || spool_seek(spool, 0, SEEK_SET) == -1)
		return -1;
	return spool_drain(spool, fd, progress) == -1 ? -1 : 0;
}

/*
 * touched: how many of its old bytes may have changed. Only these are written again: what may have been a hole beyond
 * them needs no space. The old size comes first, which gives back what the new contents took, and since a clone of a
 * shorter file is refused.
 */
static int
put_back(const struct inplace *file, struct aside *aside, off_t touched)
{
	if (truncate_to(file->fd, aside->old.st_size) == -1)
		return -1;
	if (aside->clone == -1 || clone_to(file->fd, aside->clone) == -1) {
		if (aside->clone != -1 && aside->copy == NULL && copy_from(file, aside->clone, aside) == -1)
			return -1;
		if (aside->copy != NULL && write_first(file->fd, aside->copy, touched) == -1)
			return -1;
	}
	restore_times(file->fd, &aside->old);
	return file->sync ? place_flush(file->fd) : 0;
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
	result = write_all(fd, aside->copy, NULL);
	if (place_flush(fd) == -1)
		result = -1;
	if (close(fd) == -1)
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

int
inplace_overwrite(const struct inplace *file, struct spool *spool)
{
	const off_t size = spool_size(spool);
	struct aside aside;
	off_t touched, reserved_from;
	bool ready;

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
		(void)truncate_to(file->fd, aside.old.st_size);	/* gives back what it did get */
		restore_times(file->fd, &aside.old);
		aside_free(&aside);
		return STATUS_FAILED;
	}
	if (write_all(file->fd, spool, file->progress) == -1 || truncate_to(file->fd, size) == -1
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
 * Cuts the file back to what it was, if nobody but spool has appended since. Somebody who does so between these two
 * calls loses it: no call does both. NULL, or why not.
 */
static const char *
cut_back(int fd, const struct stat *old, off_t appended)
{
	struct stat now;

	if (fstat(fd, &now) == -1)
		return strerror(errno);
	if (now.st_size != old->st_size + appended)
		return "others have appended too";
	if (truncate_to(fd, old->st_size) == -1)
		return strerror(errno);
	restore_times(fd, old);
	return NULL;
}

int
inplace_append(const struct inplace *file, struct spool *spool)
{
	struct stat old;
	const char *why_not;
	bool ready;
	int error;

	signals_hold();
	if (fstat(file->fd, &old) == -1) {
		message("%s: cannot append: %s; the file is unchanged", file->file, strerror(errno));
		return STATUS_FAILED;
	}
	ready = file->only_grows || reserve(file->fd, old.st_size, spool_size(spool)) == 0;
	if (!ready)
		message("%s: cannot reserve space: %s; the file is unchanged", file->file, strerror(errno));
	if (!ready || file->before_writing(file->cookie) == -1) {
		if (!file->only_grows)
			(void)cut_back(file->fd, &old, 0);
		return STATUS_FAILED;
	}
	spool_freeze(spool);
	if (spool_seek(spool, 0, SEEK_SET) == 0 && spool_drain(spool, file->fd, file->progress) != -1
	    && place_settle(file->fd, file->sync) == 0)
		return STATUS_DONE;
	error = errno;
	if (spool_tell(spool) == 0 && file->only_grows) {
		message("%s: cannot append: %s; the file is unchanged", file->file, strerror(error));
		return STATUS_FAILED;
	}
	why_not = cut_back(file->fd, &old, spool_tell(spool));
	if (why_not == NULL) {
		if (file->sync)
			(void)place_flush(file->fd);	/* nothing is left to do if it fails */
		message("%s: cannot append: %s; it was cut back to its old length, the file is unchanged", file->file,
		    strerror(error));
	} else {
		message("%s: cannot append: %s; it cannot be cut back (%s), %jd bytes of the stream stay in it",
		    file->file, strerror(error), why_not, (intmax_t)spool_tell(spool));
	}
	return STATUS_FAILED;
}
