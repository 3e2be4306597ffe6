/* access.c: reads and writes bytes of a spool, and makes it shorter or longer. spool.c has the invariant. */
#include <config.h>

#include <errno.h>
#include <limits.h>

#include "internal.h"
#include "io.h"

/* Copies at most length bytes from at on. Returns their number, or -1. */
static ssize_t
load(struct spool *spool, char *buffer, size_t length, off_t at)
{
	const struct memory *memory = &spool->memory;
	size_t from_memory = 0;

	if (at >= spool->size)
		return 0;
	if (length > SSIZE_MAX)
		length = SSIZE_MAX;
	if ((off_t)length > spool->size - at)
		length = (size_t)(spool->size - at);
	if (at < memory->size) {
		from_memory = length;
		if ((off_t)from_memory > memory->size - at)
			from_memory = (size_t)(memory->size - at);
		if (memory_read(memory, buffer, from_memory, at) == -1)
			return spool_fail(spool, SPOOL_MEMORY);
	}
	if (length > from_memory && (io_read_at(spool->spill.fd, buffer + from_memory, length - from_memory,
	    at + (off_t)from_memory) == -1 || spill_check(&spool->spill) == -1))
		return spool_fail(spool, SPOOL_SPILL);
	return (ssize_t)length;
}

ssize_t
spool_read(struct spool *spool, void *buffer, size_t length)
{
	ssize_t n;

	if (spool_begin(spool, false) == -1)
		return -1;
	n = load(spool, buffer, length, spool->offset);
	if (n <= 0)
		return n;
	spool->offset += n;
	return spool_end(spool) == -1 ? -1 : n;
}

ssize_t
spool_read_at(struct spool *spool, void *buffer, size_t length, off_t at)
{
	if (spool_begin(spool, false) == -1)
		return -1;
	if (at < 0)
		return spool_refuse(spool, EINVAL);
	if (spool->read_once && at < spool->offset)
		return spool_refuse(spool, ESPIPE);
	return load(spool, buffer, length, at);
}

const char *
spool_bytes(const struct spool *spool, off_t at, size_t *length)
{
	const struct memory *memory = &spool->memory;

	if (at < 0 || at >= memory->size || memory->fd != -1 || (spool->read_once && at < spool->offset))
		return NULL;
	return memory_piece(memory, at, length);
}

/* Where the memory part will end after a write of [at, end), if there is memory. */
static off_t
memory_end(struct spool *spool, off_t at, off_t end)
{
	struct memory *memory = &spool->memory;
	off_t limit;

	if (spool_is_rolled(spool))
		return memory->size;
	limit = memory_limit(memory, end);
	if (at > limit)
		return memory->size;
	if (end <= limit)
		return end > memory->size ? end : memory->size;
	/* A gap before the write becomes a hole in the file, and needs no memory. */
	return at <= memory->size ? limit : memory->size;
}

/* Some network file systems cannot truncate a file that has no name, so this is not done without need. */
int
spool_cut_rest(struct spool *spool)
{
	if (!spool->rest)
		return 0;
	if (io_truncate(spool->spill.fd, spool->size) == -1)
		return -1;
	spool->rest = false;
	return 0;
}

/* Writes data to [from, from + length) of the spill file, rolling over if need be. After spool_fileno(), bytes written
   before a failure stay in the stream, since nothing may cut them off. */
static int
store_spilled(struct spool *spool, const char *data, size_t length, off_t from)
{
	const off_t end = from + (off_t)length;

	if (!spool_is_rolled(spool) && spill_open(&spool->spill) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	/* Bytes that a failed write has left beyond the end must not show in the gap. */
	if (from > spool->size && spool_cut_rest(spool) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	while (from < end) {
		const ssize_t n = io_write_some_at(spool->spill.fd, data, (size_t)(end - from), from);

		if (n == -1)
			return spool_fail(spool, SPOOL_SPILL);
		data += n;
		from += n;
		if (spool->exposed && from > spool->size)
			spool->size = from;
	}
	return 0;
}

/* After a write up to end has failed: cuts the memory part to held bytes, and the file to the old end. Keeps errno. */
static void
undo_store(struct spool *spool, off_t held, bool was_rolled, off_t end)
{
	const int error = errno;

	if (spool->memory.size > held)
		memory_shrink(&spool->memory, held);
	if (!was_rolled)
		spill_discard(&spool->spill);
	else if (end > spool->size && !spool->exposed)
		spool->rest = io_truncate(spool->spill.fd, spool->size) == -1;
	errno = error;
}

/* The pieces beyond the old end come first, since they can fail and be undone. A piece inside the memory part comes
   last. */
int
spool_store(struct spool *spool, const char *data, size_t length, off_t at)
{
	struct memory *memory = &spool->memory;
	const off_t held = memory->size;
	const bool was_rolled = spool_is_rolled(spool);
	off_t end, cut;

	if (length == 0)
		return 0;
	if ((off_t)length > spool->size_limit || at > spool->size_limit - (off_t)length) {
		errno = EFBIG;
		return spool_fail(spool, SPOOL_LIMIT);
	}
	end = at + (off_t)length;
	cut = memory_end(spool, at, end);

	if (cut > held) {
		off_t from = at > held ? at : held;

		if (memory_write(memory, data + (from - at), (size_t)(cut - from), from) == -1) {
			if (memory->limit == SPOOL_UNLIMITED)
				return spool_fail(spool, SPOOL_MEMORY);
			cut = held;	/* the disk may have space for what memory cannot hold */
		}
	}
	if (end > cut) {
		off_t from = at > cut ? at : cut;

		if (store_spilled(spool, data + (from - at), (size_t)(end - from), from) == -1) {
			undo_store(spool, held, was_rolled, end);
			return -1;
		}
	}
	if (at < held && memory_write(memory, data, (size_t)((end < held ? end : held) - at), at) == -1) {
		undo_store(spool, held, was_rolled, end);
		return spool_fail(spool, SPOOL_MEMORY);
	}
	if (end > spool->size)
		spool->size = end;
	return 0;
}

ssize_t
spool_write(struct spool *spool, const void *buffer, size_t length)
{
	if (spool_begin(spool, true) == -1)
		return -1;
	if (length > SSIZE_MAX)
		return spool_refuse(spool, EINVAL);
	if (spool_store(spool, buffer, length, spool->offset) == -1)
		return -1;
	spool->offset += (off_t)length;
	return spool_end(spool) == -1 ? -1 : (ssize_t)length;
}

ssize_t
spool_write_at(struct spool *spool, const void *buffer, size_t length, off_t at)
{
	if (spool_begin(spool, true) == -1)
		return -1;
	if (length > SSIZE_MAX || at < 0)
		return spool_refuse(spool, EINVAL);
	return spool_store(spool, buffer, length, at) == -1 ? -1 : (ssize_t)length;
}

/* Rolls over to a file of size bytes, all of them a hole; the memory part stays. */
static int
roll(struct spool *spool, off_t size)
{
	if (spill_open(&spool->spill) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	if (io_truncate(spool->spill.fd, size) == -1) {
		spill_discard(&spool->spill);
		return spool_fail(spool, SPOOL_SPILL);
	}
	return 0;
}

int
spool_truncate(struct spool *spool, off_t size)
{
	struct memory *memory = &spool->memory;

	if (spool_begin(spool, true) == -1)
		return -1;
	if (size < 0)
		return spool_refuse(spool, EINVAL);
	if (size > spool->size_limit) {
		errno = EFBIG;
		return spool_fail(spool, SPOOL_LIMIT);
	}
	if (!spool_is_rolled(spool)) {
		if (size <= memory->size) {
			memory_shrink(memory, size);
		} else if (size > memory_limit(memory, size) || memory_grow(memory, size) == -1) {
			if (memory->limit == SPOOL_UNLIMITED)
				return spool_fail(spool, SPOOL_MEMORY);
			if (roll(spool, size) == -1)
				return -1;
		}
	} else {
		if ((size > spool->size && spool_cut_rest(spool) == -1) || io_truncate(spool->spill.fd, size) == -1)
			return spool_fail(spool, SPOOL_SPILL);
		if (size < memory->size)
			memory_shrink(memory, size);
	}
	spool->size = size;
	return 0;
}
