/*
 * model.c: does the same operations on a spool and on an array of bytes. After each operation the two must agree.
 *
 * An interrupted call or a short count must have no visible effect. After a call that is made to fail, the
 * contents of the spool must be as before, and the operation must work when it is tried again.
 */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "rough.h"
#include "spool.h"
#include "test.h"

#define MOST ((off_t)12 << 20)
#define MOST_IF_SMALL ((off_t)300000)
#define MOST_IN_PIPE ((off_t)300000)
#define MOST_CHECKED ((off_t)20000)	/* a longer stream is not read as a whole after every operation */

static struct {
	char bytes[MOST];
	off_t size, offset;
	char kept[MOST];	/* bytes that spool_fill() has read and could not store */
	off_t kept_size;
	off_t memory_limit, size_limit;
	bool no_disk;		/* no spill file can be made */
	bool sealable;		/* the memory part is a memfd */
	bool troubled;		/* a call was made to fail */
	bool may_roll, rolled;	/* it may have rolled over; it has */
	bool frozen, read_once;
	bool in_file;		/* spool_rollover() or the like was called, so no byte is in memory */
	int fd;			/* spool_fileno(), or -1 */
	int sealed;		/* spool_seal(), or -1 */
	bool sealed_spill;
	bool intact;
} model;

static struct spool *spool;
static const char *name, *doing;
static unsigned operation;
static off_t most;
static char pool[2 * MOST], got[MOST];
static bool faulty;
static off_t changed_from;	/* where the last write began; MOST: it could change nothing */
static int held;		/* calls of hold() minus calls of release() */

#define AGREE(condition) \
	do { \
		if (!(condition)) { \
			rough_on = false; \
			printf("# %s, operation %u (%s), failed call: %s\n", name, operation, doing, \
			    rough_failed != NULL ? rough_failed : "none"); \
			fflush(stdout); \
			test_fail(__FILE__, __LINE__, #condition); \
		} \
	} while (0)

static void
hold(void)
{
	held++;
}

static void
release(void)
{
	held--;
}

/* Begins and ends a call that may be made to fail. */
static void
expect_trouble(void)
{
	rough_failed = NULL;
	rough_fail_in = faulty && model_choose(2) ? 1 + model_choose(8) : 0;
	rough_lasts = rough_fail_in > 0 && model_choose(2) ? (enum rough_lasting)model_choose(3) : ROUGH_ONCE;
	/* After spool_fileno() the file's size is the stream's, so the bytes of a failed write must be truncated
	   away. */
	if (rough_lasts == ROUGH_ALL && model.fd != -1)
		rough_lasts = ROUGH_SAME;
	rough_on = true;
}

static void
no_trouble(void)
{
	rough_on = false;
	rough_fail_in = 0;
	AGREE(held == 0);
	if (rough_failed != NULL)
		model.troubled = true;
}

/* Makes a call that may be made to fail. If it was, makes it again without failures, or gives up and returns. */
#define TRY(result, call, bad) \
	do { \
		expect_trouble(); \
		(result) = (call); \
		no_trouble(); \
		if ((result) == (bad) && rough_failed != NULL) { \
			if (check_after_failure() && model_choose(3) == 0) \
				return; \
			(result) = (call); \
		} \
	} while (0)

static bool
failed_by(int error, enum spool_part part)
{
	return errno == error && spool_fault(spool) == part;
}

/* Checks everything that can be checked without reading. */
static void
check_state(void)
{
	const off_t in_memory = spool_in_memory(spool);
	const bool rolled = spool_is_rolled(spool);

	AGREE(spool_size(spool) == model.size);
	AGREE(spool_tell(spool) == model.offset);
	AGREE(in_memory >= 0 && in_memory <= model.memory_limit && in_memory <= model.size);
	AGREE(rolled || in_memory == model.size);
	AGREE(rolled || !model.rolled);
	if (model.size > model.memory_limit)
		model.may_roll = true;
	AGREE(!rolled || model.may_roll || model.troubled);
	AGREE(!rolled || !model.no_disk);
	AGREE(!model.in_file || (rolled && in_memory == 0));
	AGREE(model.fd != -1 || model.size <= model.size_limit);
	model.rolled = rolled;
}

static void
read_all(void)
{
	off_t offset = spool_tell(spool);

	AGREE(spool_seek(spool, 0, SEEK_SET) == 0);
	AGREE(spool_read(spool, got, (size_t)MOST) == model.size);
	AGREE(spool_seek(spool, offset, SEEK_SET) == offset);
}

static void
check(void)
{
	check_state();
	if (model.read_once)
		return;
	read_all();
	AGREE(memcmp(got, model.bytes, (size_t)model.size) == 0);
}

/* Size and offset must be as before. A write that failed may have changed bytes inside the old size. Returns whether
   the operation need not be tried again. */
static bool
check_after_failure(void)
{
	const enum spool_part part = spool_fault(spool);

	AGREE(part == SPOOL_MEMORY || part == SPOOL_SPILL);
	if (strcmp(rough_failed, "lseek") == 0)
		return false;	/* the work is done, but the offset could not be moved: see spool_fileno() */
	/* Once the descriptor is out, bytes beyond the end may be those of others, and nothing cuts them off. */
	if (model.fd != -1 && spool_size(spool) > model.size)
		AGREE(ftruncate(model.fd, model.size) == 0);
	if (strncmp(doing, "write", strlen("write")) == 0) {
		AGREE(spool_tell(spool) == model.offset && spool_size(spool) == model.size);
		read_all();
		AGREE(memcmp(got, model.bytes, (size_t)(model.size < changed_from ? model.size : changed_from)) == 0);
		memcpy(model.bytes, got, (size_t)model.size);
		return true;
	}
	check();
	return true;
}

static off_t
least(off_t a, off_t b)
{
	return a < b ? a : b;
}

/* Most are small; some are multiples of the sizes of pages and segments. */
static off_t
some_length(void)
{
	static const unsigned small[] = { 2, 20, 300, 5000, 70000 }, large[] = { 300, 70000, 600000, 1200000, 4000000 };
	const unsigned which = model_choose(8);

	if (which == 7)
		return (off_t)model_choose(most == MOST ? 10 : 3) << 19 >> (most == MOST ? 0 : 3);
	if (which >= 5)
		return (off_t)model_choose(20) * 4096;
	return model_choose(most == MOST ? large[which] : small[which]);
}

/* Any number, even one that is larger than any stream. */
static off_t
some_number(void)
{
	if (model_choose(16) != 0)
		return some_length() * (model_choose(4) == 0 ? -1 : 1);
	switch (model_choose(4)) {
	case 0:
		return SPOOL_UNLIMITED - (off_t)model_choose(3);
	case 1:
		return INT64_MIN + (off_t)model_choose(3);
	default:
		return (off_t)1 << (21 + model_choose(41));
	}
}

/* A round number, or one byte more or less. */
static off_t
some_limit(void)
{
	static const off_t limits[] = { 0, 1, 100, 4096, 65536, 100000, 2 << 20, 3 << 20 };
	const unsigned which = model_choose(12);

	if (which < 8)
		return limits[which] + (which > 0 ? (off_t)model_choose(3) - 1 : 0);
	return which == 8 ? some_length() : SPOOL_UNLIMITED;
}

/* Different bytes almost every time. */
static const char *
some_bytes(void)
{
	return pool + model_choose((unsigned)MOST);
}

static void
zeros_up_to(off_t size)
{
	if (size > model.size)
		memset(model.bytes + model.size, 0, (size_t)(size - model.size));
}

static void
put(const char *data, off_t length, off_t at)
{
	zeros_up_to(at);
	memcpy(model.bytes + at, data, (size_t)length);
	if (at + length > model.size)
		model.size = at + length;
}

/* Whether a stream of this size would exceed the limits. Checks that the call failed with the right errno then. */
static bool
cannot_be(off_t size, bool failed)
{
	if (size > model.size_limit) {
		AGREE(failed && failed_by(EFBIG, SPOOL_LIMIT));
		return true;
	}
	if (model.no_disk && size > model.memory_limit) {
		AGREE(failed && failed_by(ENOENT, SPOOL_SPILL));
		return true;
	}
	return false;
}

static bool
is_refused(int error, bool failed)
{
	AGREE(failed && failed_by(error, SPOOL_NOTHING));
	return true;
}

/* The call that is made: at the spool's own offset, or at another one. */
static ssize_t
write_from(const char *data, size_t length, off_t at, bool moves)
{
	return moves ? spool_write(spool, data, length) : spool_write_at(spool, data, length, at);
}

static void
write_somewhere(off_t at, bool moves)
{
	const bool absurd = model_choose(64) == 0;
	const off_t length = absurd ? 0 : some_length();
	const char *data = some_bytes();
	ssize_t n;

	changed_from = at >= 0 ? at : MOST;
	if (absurd) {
		n = write_from(data, (size_t)SSIZE_MAX + 1 + model_choose(3), at, moves);
		(void)is_refused(model.frozen ? EPERM : EINVAL, n == -1);
		return;
	}
	if (at > most - length && length <= model.size_limit && at <= model.size_limit - length && !model.frozen)
		return;
	TRY(n, write_from(data, (size_t)length, at, moves), -1);
	if (model.frozen && is_refused(EPERM, n == -1))
		return;
	if (at < 0 && is_refused(EINVAL, n == -1))
		return;
	if (length > 0 && at > model.size_limit - least(length, model.size_limit)) {
		AGREE(n == -1 && failed_by(EFBIG, SPOOL_LIMIT));
		return;
	}
	if (length > 0 && cannot_be(at + length, n == -1))
		return;
	AGREE(n == length);
	if (length == 0)
		return;
	put(data, length, at);
	if (moves)
		model.offset += length;
}

static void
do_write(void)
{
	write_somewhere(model.offset, true);
}

static void
do_write_at(void)
{
	write_somewhere(some_number(), false);
}

static void
read_somewhere(off_t at, bool moves)
{
	const bool absurd = model_choose(16) == 0;
	const size_t length = absurd ? SIZE_MAX : (size_t)some_length();
	const off_t left = at >= 0 && model.size > at ? model.size - at : 0;
	ssize_t n;

	TRY(n, moves ? spool_read(spool, got, length) : spool_read_at(spool, got, length, at), -1);
	if (at < 0 && is_refused(EINVAL, n == -1))
		return;
	if (model.read_once && at < model.offset && is_refused(ESPIPE, n == -1))
		return;
	AGREE(n == (absurd ? left : least((off_t)length, left)));
	if (n > 0)
		AGREE(memcmp(got, model.bytes + at, (size_t)n) == 0);
	if (moves)
		model.offset += n;
}

static void
do_read(void)
{
	read_somewhere(model.offset, true);
}

static void
do_read_at(void)
{
	read_somewhere(some_number(), false);
}

/* All bytes in memory, piece by piece. */
static void
do_bytes(void)
{
	off_t at = model.read_once ? model.offset : 0;
	size_t length = 0;
	const char *bytes;

	AGREE(spool_bytes(spool, -1, &length) == NULL);
	while ((bytes = spool_bytes(spool, at, &length)) != NULL) {
		AGREE(length > 0 && at + (off_t)length <= spool_in_memory(spool));
		AGREE(memcmp(bytes, model.bytes + at, length) == 0);
		at += (off_t)length;
	}
	AGREE(model.sealable || at >= spool_in_memory(spool));
}

static void
do_seek(void)
{
	static const int all[] = { SEEK_SET, SEEK_CUR, SEEK_END, 77 };
	const int whence = all[model_choose(64) == 0 ? 3 : model_choose(3)];
	const off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? model.offset : model.size, by = some_number();
	const bool overflows = by > 0 && base > SPOOL_UNLIMITED - by;
	off_t result;

	/* A file cannot be that long. */
	if (model.fd != -1 && !overflows && base + by > MOST)
		return;
	TRY(result, spool_seek(spool, by, whence), -1);
	if (whence == 77 && is_refused(EINVAL, result == -1))
		return;
	if (overflows && is_refused(EOVERFLOW, result == -1))
		return;
	if (base + by < 0 && is_refused(EINVAL, result == -1))
		return;
	if (model.read_once && base + by < model.offset && is_refused(ESPIPE, result == -1))
		return;
	AGREE(result == base + by);
	model.offset = result;
}

static void
do_truncate(void)
{
	const off_t size = some_number();
	int result;

	if (size > most && size <= model.size_limit && !model.frozen)
		return;
	TRY(result, spool_truncate(spool, size), -1);
	if (model.frozen && is_refused(EPERM, result == -1))
		return;
	if (size < 0 && is_refused(EINVAL, result == -1))
		return;
	if (cannot_be(size, result == -1))
		return;
	AGREE(result == 0);
	zeros_up_to(size);
	model.size = size;
	if (size > model.memory_limit)
		model.may_roll = true;
}

/* Whether everything would have to be in the file and cannot be. */
static bool
has_no_file(bool failed)
{
	if (model.read_once)
		return is_refused(EPERM, failed);
	if (model.no_disk) {
		AGREE(failed && failed_by(ENOENT, SPOOL_SPILL));
		return true;
	}
	model.may_roll = model.in_file = true;
	return false;
}

static void
do_rollover(void)
{
	int result;

	model.may_roll = true;
	TRY(result, spool_rollover(spool), -1);
	if (!has_no_file(result == -1))
		AGREE(result == 0);
}

static void
do_fileno(void)
{
	int fd;

	/* A file cannot be that long. */
	if (model.offset > MOST)
		return;
	model.may_roll = true;
	TRY(fd, spool_fileno(spool), -1);
	if ((model.frozen && is_refused(EPERM, fd == -1)) || has_no_file(fd == -1))
		return;
	AGREE(fd != -1 && (model.fd == -1 || fd == model.fd));
	model.fd = fd;
	AGREE(lseek(fd, 0, SEEK_CUR) == model.offset);
	AGREE(lseek(fd, 0, SEEK_END) == model.size && lseek(fd, model.offset, SEEK_SET) == model.offset);
}

/* A change that the caller makes to the spill file through its descriptor is a change of the spool. */
static void
do_descriptor(void)
{
	const off_t length = some_length(), at = some_length();
	const char *data = some_bytes();

	if (model.fd == -1)
		return;
	switch (model_choose(4)) {
	case 0:
		if (at > most - length)
			return;
		AGREE(pwrite(model.fd, data, (size_t)length, at) == length);
		if (length > 0)
			put(data, length, at);
		break;
	case 1:
		if (model.offset > most - length)
			return;
		AGREE(write(model.fd, data, (size_t)length) == length);
		if (length > 0)
			put(data, length, model.offset);
		model.offset += length;
		break;
	case 2:
		AGREE(lseek(model.fd, at, SEEK_SET) == at);
		model.offset = at;
		return;
	default:
		if (at == model.size)
			return;
		AGREE(ftruncate(model.fd, at) == 0);
		zeros_up_to(at);
		model.size = at;
		model.intact = !model.sealed_spill;
		return;
	}
	if (length > 0 && model.sealed_spill)
		model.intact = false;
}

/* A pipe that never becomes full, even by many small writes. */
static void
make_pipe(int ends[2])
{
	AGREE(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) != -1);
}

/* A pipe that holds these bytes, or a file. */
static int
source_of(const char *bytes, off_t length, bool as_pipe)
{
	int ends[2], fd;

	if (as_pipe && length <= MOST_IN_PIPE) {
		make_pipe(ends);
		AGREE(length == 0 || write(ends[1], bytes, (size_t)length) == length);
		close(ends[1]);
		return ends[0];
	}
	fd = memfd_create("source", 0);
	AGREE(fd != -1 && pwrite(fd, bytes, (size_t)length, 0) == length);
	return fd;
}

/* The number of bytes that have been read from a source of this length. */
static off_t
taken_from(int fd, off_t length)
{
	off_t at = lseek(fd, 0, SEEK_CUR);
	int left = 0;

	if (at != -1)
		return at;
	AGREE(ioctl(fd, FIONREAD, &left) == 0);
	return length - left;
}

static off_t reported;

static void
report(void *cookie, off_t bytes)
{
	(void)cookie;
	AGREE(bytes > reported);
	AGREE(bytes - reported <= 1 << 20);
	reported = bytes;
}

static const struct spool_progress progress = { .report = report };

/* After a fill with this result: the bytes that it appended must be the kept ones, then those of the source. The others
   of the taken bytes are kept now. Returns the number of bytes appended. */
static off_t
account(off_t result, const char *data, off_t taken)
{
	const off_t added = spool_size(spool) - model.size, from_kept = least(added, model.kept_size);
	const off_t from_source = added - from_kept, kept = model.kept_size - from_kept;

	AGREE(added >= 0 && from_source <= taken);
	AGREE(result == -1 || (result == added && reported == added));
	if (from_kept > 0)
		put(model.kept, from_kept, model.size);
	if (from_source > 0)
		put(data, from_source, model.size);
	memmove(model.kept, model.kept + from_kept, (size_t)kept);
	memcpy(model.kept + kept, data + from_source, (size_t)(taken - from_source));
	model.kept_size = kept + taken - from_source;
	return added;
}

static void
do_fill(void)
{
	const off_t length = some_length();
	const char *data = some_bytes();
	const off_t room = model.size < model.size_limit ? model.size_limit - model.size : 0;
	const off_t in_memory = model.size < model.memory_limit ? model.memory_limit - model.size : 0;
	const bool is_readable = model_choose(32) != 0;
	off_t limit = model_choose(3) == 0 ? some_length() : SPOOL_UNLIMITED, wanted, added, taken, result;
	bool meets_error;
	int fd, error;

	wanted = least(model.kept_size + length, limit);
	if (model.size + model.kept_size + length > most)
		return;
	fd = is_readable ? source_of(data, length, model_choose(2)) : open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!is_readable)
		wanted = least(model.kept_size, limit);
	meets_error = !is_readable && limit > model.kept_size;
	reported = 0;
	expect_trouble();
	result = spool_fill(spool, fd, limit, &progress);
	error = errno;
	no_trouble();
	taken = taken_from(fd, length);
	added = account(result, data, taken);
	if (result == -1 && rough_failed != NULL) {
		/* Some bytes are appended; the next call goes on after them. */
		const off_t before = taken;

		AGREE(spool_fault(spool) != SPOOL_SINK && spool_fault(spool) != SPOOL_NOTHING);
		check();
		if (model_choose(3) == 0) {
			close(fd);
			return;
		}
		limit -= limit == SPOOL_UNLIMITED ? 0 : added;
		reported = 0;
		result = spool_fill(spool, fd, limit, &progress);
		error = errno;
		taken = taken_from(fd, length);
		added += account(result, data + before, taken - before);
		if (result != -1)
			result = added;
	}
	close(fd);
	errno = error;
	if (model.frozen) {
		(void)is_refused(EPERM, result == -1);
		AGREE(added == 0);
	} else if (model.no_disk && wanted > in_memory) {
		AGREE(result == -1 && (failed_by(ENOENT, SPOOL_SPILL)
		    || (wanted > room && failed_by(EFBIG, SPOOL_LIMIT)) || !is_readable));
		AGREE(added <= in_memory && added <= room);
	} else if (wanted > room) {
		AGREE(result == -1 && failed_by(EFBIG, SPOOL_LIMIT) && added == room);
	} else if (meets_error) {
		AGREE(result == -1 && failed_by(EBADF, SPOOL_SOURCE) && added == wanted);
	} else {
		AGREE(result == added && added == wanted);
	}
	if (model.size > model.memory_limit)
		model.may_roll = true;
}

/* Drains into a pipe whose reader has closed it, or into /dev/full. */
static void
drain_in_vain(bool into_pipe)
{
	const off_t left = model.size > model.offset ? model.size - model.offset : 0;
	int ends[2] = { -1, -1 };
	off_t n;

	if (into_pipe) {
		AGREE(pipe(ends) == 0);
		close(ends[0]);
	} else {
		ends[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
	}
	n = spool_drain(spool, ends[1], NULL);
	AGREE(left == 0 ? n == 0 : n == -1 && failed_by(into_pipe ? EPIPE : ENOSPC, SPOOL_SINK));
	close(ends[1]);
}

/* Checks that a drain has sent exactly the bytes [from, from + length) of the stream. */
static void
check_sink(const int ends[2], off_t from, off_t length)
{
	off_t total = 0;

	while (total < length) {
		ssize_t n = ends[0] != -1 ? read(ends[0], got + total, (size_t)(length - total))
		    : pread(ends[1], got + total, (size_t)(length - total), total);

		AGREE(n > 0);
		total += n;
	}
	AGREE(length == 0 || memcmp(got, model.bytes + from, (size_t)length) == 0);
	if (ends[0] != -1) {
		int more;

		AGREE(ioctl(ends[0], FIONREAD, &more) == 0 && more == 0);
	} else {
		AGREE(lseek(ends[1], 0, SEEK_CUR) == length);
	}
}

static void
do_drain(void)
{
	const off_t from = model.offset, left = model.size > from ? model.size - from : 0;
	int ends[2] = { -1, -1 };
	off_t n;

	if (model_choose(16) == 0) {
		drain_in_vain(model_choose(2));
		return;
	}
	if (model_choose(2) && left <= MOST_IN_PIPE) {
		make_pipe(ends);
	} else {
		ends[1] = memfd_create("sink", 0);
	}
	reported = 0;
	expect_trouble();
	n = spool_drain(spool, ends[1], &progress);
	no_trouble();
	if (n == -1 && rough_failed != NULL) {
		AGREE(spool_fault(spool) != SPOOL_SOURCE && spool_fault(spool) != SPOOL_NOTHING);
		if (strcmp(rough_failed, "lseek") == 0) {
			/* The offset stays, whatever has been sent. */
			check_sink(ends, from, reported);
			if (ends[0] == -1)
				AGREE(ftruncate(ends[1], 0) == 0 && lseek(ends[1], 0, SEEK_SET) == 0);
		} else {
			model.offset += reported;
		}
		check();
		reported = 0;
		n = spool_drain(spool, ends[1], &progress);
	}
	AGREE(n == reported && n == from + left - model.offset);
	model.offset = from + left;
	check_sink(ends, from, left);
	if (ends[0] != -1)
		close(ends[0]);
	close(ends[1]);
}

/* Reads and writes through stdio. After fflush the spool must have the offset of the stdio stream. */
static void
do_stream(void)
{
	const bool wide = model_choose(4) == 0;
	FILE *stream;

	if (model.read_once || model.offset > most)
		return;
	rough_failed = NULL;
	stream = spool_stream(spool, wide);
	if (wide && model.frozen) {
		(void)is_refused(EPERM, stream == NULL);
		return;
	}
	if (wide && has_no_file(stream == NULL))
		return;
	AGREE(stream != NULL);
	if (wide && model.fd == -1)
		model.fd = spool_fileno(spool);
	for (unsigned i = model_choose(4); i > 0; i--) {
		const off_t at = some_length(), length = some_length(), end = at + length;

		if (at > most - length || end > model.size_limit || (model.no_disk && end > model.memory_limit))
			continue;
		AGREE(fseeko(stream, at, SEEK_SET) == 0);
		if (!model.frozen && model_choose(2)) {
			const char *data = some_bytes();

			AGREE(length == 0 || fwrite(data, (size_t)length, 1, stream) == 1);
			AGREE(fflush(stream) == 0);
			if (length > 0)
				put(data, length, at);
			model.offset = end;
		} else {
			const off_t there = model.size > at ? least(length, model.size - at) : 0;

			AGREE(fread(got, 1, (size_t)length, stream) == (size_t)there);
			AGREE(there == 0 || memcmp(got, model.bytes + at, (size_t)there) == 0);
			AGREE(fseeko(stream, at + there, SEEK_SET) == 0 && fflush(stream) == 0);
			model.offset = at + there;
		}
		AGREE(ftello(stream) == model.offset && spool_tell(spool) == model.offset);
	}
	AGREE(fclose(stream) == 0);
}

static void
do_freeze(void)
{
	spool_freeze(spool);
	model.frozen = true;
}

static void
do_read_once(void)
{
	spool_read_once(spool);
	model.frozen = model.read_once = true;
}

/* The descriptor from spool_seal() must have the whole stream, and an offset of its own. */
static void
check_sealed(void)
{
	struct stat status;

	AGREE(fstat(model.sealed, &status) == 0 && status.st_size == model.size);
	AGREE(pread(model.sealed, got, (size_t)MOST, 0) == model.size);
	AGREE(memcmp(got, model.bytes, (size_t)model.size) == 0);
	AGREE(lseek(model.sealed, 0, SEEK_CUR) == 0);
	AGREE((fcntl(model.sealed, F_GETFL) & O_ACCMODE) == O_RDONLY || model.troubled);
}

static void
do_seal(void)
{
	const bool in_memory = model.sealable && !model.rolled;
	int fd;

	TRY(fd, spool_seal(spool), -1);
	if (!in_memory || model.troubled)
		model.may_roll = true;
	if (model.read_once && is_refused(EPERM, fd == -1))
		return;
	if (fd == -1 && model.no_disk && (!in_memory || model.troubled)) {
		AGREE(failed_by(ENOENT, SPOOL_SPILL));
		return;
	}
	AGREE(fd != -1);
	model.frozen = true;
	if (model.sealed != -1)
		close(model.sealed);
	model.sealed = fd;
	if (spool_is_rolled(spool))
		model.in_file = model.sealed_spill = true;
	AGREE(write(fd, "x", 1) == -1);
	check_sealed();
}

static void
do_is_intact(void)
{
	int intact;

	TRY(intact, spool_is_intact(spool), -1);
	AGREE(intact == model.intact);
}

static void
run_operation(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
		unsigned weight;
	} operations[] = {
		{ "write", do_write, 32 }, { "read", do_read, 20 }, { "seek", do_seek, 32 },
		{ "truncate", do_truncate, 12 }, { "fill", do_fill, 24 }, { "drain", do_drain, 16 },
		{ "rollover", do_rollover, 4 }, { "fileno", do_fileno, 4 }, { "descriptor", do_descriptor, 8 },
		{ "stream", do_stream, 8 }, { "freeze", do_freeze, 2 }, { "read_once", do_read_once, 2 },
		{ "seal", do_seal, 4 }, { "is_intact", do_is_intact, 2 },
		{ "write at", do_write_at, 6 }, { "read at", do_read_at, 6 }, { "bytes", do_bytes, 4 },
	};
	unsigned total = 0, pick, i = 0;

	for (size_t k = 0; k < sizeof(operations) / sizeof(*operations); k++)
		total += operations[k].weight;
	for (pick = model_choose(total); pick >= operations[i].weight; i++)
		pick -= operations[i].weight;
	doing = operations[i].name;
	operations[i].run();
}

static void
open_spool(struct spool_options *options)
{
	doing = "open";
	operation = 0;
	expect_trouble();
	spool = spool_open(options);
	no_trouble();
	if (options->memory_limit < SPOOL_AUTOMATIC || options->cache_limit < SPOOL_AUTOMATIC
	    || options->size_limit < 0) {
		AGREE(spool == NULL && (errno == EINVAL));
		options->memory_limit = options->cache_limit = options->size_limit = SPOOL_UNLIMITED;
		spool = spool_open(options);
	}
	if (spool == NULL) {
		AGREE(rough_failed != NULL && (errno == ENOMEM || options->spill_fd != -1));
		spool = spool_open(options);
	}
	AGREE(spool != NULL && spool_fault(spool) == SPOOL_NOTHING);
}

static void
prepare(const struct model_options *chosen)
{
	name = chosen->name;
	most = chosen->large ? MOST : MOST_IF_SMALL;
	if (pool[1] == '\0')
		test_fill(pool, 0, sizeof(pool));
	signal(SIGPIPE, SIG_IGN);
	model.size = model.offset = model.kept_size = 0;
	model.troubled = model.may_roll = model.rolled = model.frozen = model.read_once = model.in_file = false;
	model.sealed_spill = false;
	model.intact = true;
	model.fd = model.sealed = -1;
}

/* The number of open descriptors among the first 20: if each run leaks one, it soon shows there. */
static int
open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 20; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

void
model_run(const struct model_options *chosen)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	const int descriptors = open_descriptors();
	const unsigned regime = model_choose(4);

	prepare(chosen);
	faulty = regime % 2 == 1;
	rough_shake = regime >= 2 ? 2 + model_choose(5) : 0;
	options.memory_limit = some_limit();
	options.size_limit = model_choose(4) == 0 ? some_limit() : SPOOL_UNLIMITED;
	options.cache_limit = model_choose(2) ? SPOOL_AUTOMATIC : some_limit();
	if (model_choose(100) == 0)
		*(off_t *[]){ &options.memory_limit, &options.cache_limit, &options.size_limit }[model_choose(3)] = -2;
	options.memfd = model_choose(3) == 0;
	options.directory = chosen->directory;
	if (model_choose(2)) {
		options.hold = hold;
		options.release = release;
		options.prefix = "model-";
		options.suffix = ".spill";
	}
	if (model_choose(4) == 0)
		options.spill_fd = open(options.directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	model.no_disk = options.spill_fd == -1 && access(options.directory, F_OK) == -1;
	open_spool(&options);
	model.memory_limit = options.memory_limit;
	model.size_limit = options.size_limit;
#ifdef HAVE_MEMFD_CREATE
	model.sealable = options.memfd;
#endif

	for (operation = 1; model_goes_on(); operation++) {
		run_operation();
		if (model.size <= MOST_CHECKED || model_choose(4) == 0)
			check();
		else
			check_state();
	}
	doing = "end";
	check();
	AGREE(spool_close(spool) == 0);
	if (model.sealed != -1) {
		check_sealed();
		close(model.sealed);
	}
	if (options.spill_fd != -1)
		close(options.spill_fd);
	AGREE(open_descriptors() == descriptors);
}
