/*
 * transfer.c: spool_fill and spool_drain, and every decision to take a fast path or the plain one.
 *
 *	source -> memory part    read(2) straight into it, while there is room; into a memfd, splice(2) if the
 *	                         source is a pipe
 *	source -> spill file     splice(2) if the source is a pipe; beyond the cache limit, ring.c
 *	memory part -> sink      vmsplice(2) if the sink is a pipe and the spool is frozen; else write(2) from it
 *	memfd, spill -> sink     splice(2) if the sink is a pipe and the spool is frozen; where the spill file went past
 *	                         the page cache, ring.c
 *	whatever is left         read and write through the buffer
 *
 * A fast path that fails, for whatever reason, has moved nothing (and direct I/O gives back what it has not written:
 * end_direct); the plain one takes over for the rest of the transfer, and if there is a real error it meets it again
 * and knows which side it is on.
 *
 * Lending a page to a pipe and changing it later would change what the reader sees. So only the pages of a
 * frozen spool are lent.
 */
#include <config.h>

#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/* So much must have been spilled before it is worth some system calls to ask how large the page cache is. */
#define ENOUGH_TO_ASK ((off_t)8 << 20)

/* A pipe's usual capacity. What is not larger is moved by plain calls: they are as fast, and need no
   preparation. */
#define SMALL_TRANSFER ((off_t)64 << 10)

struct transfer {
	struct spool *spool;
	int fd;
	bool fast;		/* no fast path has failed yet */
	bool direct;		/* nor has direct I/O */
	struct ring *ring;	/* for it, or NULL */
	off_t moved;
	const struct spool_progress *progress;
};

static size_t
at_most(off_t length, size_t limit)
{
	return length < (off_t)limit ? (size_t)length : limit;
}

/* Asks for a pipe of 1 MiB, so that each system call moves more. Not a pipe, not allowed, not Linux: no
   matter. */
static void
enlarge_pipe(int fd)
{
#if HAVE_DECL_F_SETPIPE_SZ
	int size = fcntl(fd, F_GETPIPE_SZ);

	if (size != -1 && size < (int)PIECE_SIZE)
		(void)fcntl(fd, F_SETPIPE_SZ, (int)PIECE_SIZE);
#else
	(void)fd;
#endif
}

static ssize_t
add_moved(struct transfer *transfer, ssize_t n)
{
	const struct spool_progress *progress = transfer->progress;

	if (n <= 0)
		return n;
	transfer->moved += n;
	if (progress != NULL)
		progress->report(progress->cookie, transfer->moved);
	return n;
}

#ifdef HAVE_SPLICE
static ssize_t
splice_in(int pipe, int file, off_t at, size_t length)
{
	off_t end = at;
	ssize_t n;

	while ((n = splice(pipe, NULL, file, &end, length, 0)) == -1)
		if (!io_again(pipe, POLLIN))
			break;
	return n;
}

/* Here 0 is a failure too: the file has fewer bytes than it should, which the plain path reports. */
static ssize_t
splice_out(int file, off_t at, int pipe, size_t length)
{
	off_t from = at;
	ssize_t n;

	while ((n = splice(file, &from, pipe, NULL, length, 0)) == -1)
		if (!io_again(pipe, POLLOUT))
			break;
	return n > 0 ? n : -1;
}
#else
static ssize_t
splice_in(int pipe, int file, off_t at, size_t length)
{
	(void)pipe, (void)file, (void)at, (void)length;
	return -1;
}

static ssize_t
splice_out(int file, off_t at, int pipe, size_t length)
{
	(void)file, (void)at, (void)pipe, (void)length;
	return -1;
}
#endif

#if defined(HAVE_VMSPLICE) && defined(HAVE_SPLICE)
static ssize_t
vmsplice_out(int pipe, const char *data, size_t length)
{
	struct iovec piece = { .iov_base = (void *)data, .iov_len = length };
	ssize_t n;

	while ((n = vmsplice(pipe, &piece, 1, 0)) == -1)
		if (!io_again(pipe, POLLOUT))
			break;
	return n;
}
#else
static ssize_t
vmsplice_out(int pipe, const char *data, size_t length)
{
	(void)pipe, (void)data, (void)length;
	return -1;
}
#endif

/* So much of length as the size limit allows. At the limit, or beyond it after spool_fileno(), all of it: then storing
   fails, and tells why. */
static size_t
clip(const struct spool *spool, size_t length)
{
	return spool->size >= spool->size_limit ? length : at_most(spool->size_limit - spool->size, length);
}

/* Stores what is kept, but no more than room bytes. */
static ssize_t
store_pending(struct spool *spool, size_t room)
{
	size_t n = clip(spool, spool->pending < room ? spool->pending : room);

	if (spool_store(spool, spool->pending_buffer + spool->pending_at, n, spool->size) == -1)
		return -1;
	spool->pending_at += n;
	spool->pending -= n;
	if (spool->pending == 0) {
		memory_unmap(spool->pending_buffer, BUFFER_SIZE);
		spool->pending_buffer = NULL;
	}
	return (ssize_t)n;
}

/* Puts the buffer aside, with what is in it from at to end. */
static void
keep_pending(struct spool *spool, size_t at, size_t end)
{
	spool->pending_buffer = spool->buffer;
	spool->buffer = NULL;
	spool->pending_at = at;
	spool->pending = end - at;
}

/* Stores what direct I/O left, but no more than room bytes. */
static ssize_t
store_unwritten(struct spool *spool, size_t room)
{
	size_t length;
	const char *rest = ring_unwritten(spool->pending_ring, &length);

	length = clip(spool, length < room ? length : room);
	if (spool_store(spool, rest, length, spool->size) == -1)
		return -1;
	ring_consume(spool->pending_ring, length);
	if (ring_unwritten_size(spool->pending_ring) == 0) {
		struct ring *ring = spool->pending_ring;

		spool->pending_ring = NULL;
		if (ring_close(ring) == -1)
			return spool_fail(spool, SPOOL_SPILL);
	}
	return (ssize_t)length;
}

/* Ends direct I/O. What it could not write is taken out of the stream again, and stored by the page cache. */
static int
end_direct(struct transfer *transfer)
{
	struct spool *spool = transfer->spool;
	struct ring *ring = transfer->ring;

	if (ring == NULL)
		return 0;
	transfer->ring = NULL;
	transfer->direct = false;
	if (ring_finish(ring) == 0)
		return ring_close(ring) == 0 ? 0 : spool_fail(spool, SPOOL_SPILL);
	spool->size -= ring_unwritten_size(ring);
	spool->pending_ring = ring;
	while (spool->pending_ring != NULL)
		if (store_unwritten(spool, SIZE_MAX) == -1)
			return -1;
	return 0;
}

/* Whether the next bytes go past the page cache. Nobody starts threads for a call that wants less than a piece. */
static bool
begin_direct(struct transfer *transfer, off_t wanted)
{
	struct spool *spool = transfer->spool;
	struct spill *spill = &spool->spill;
	const off_t spilled = spool->size - spool->memory.size;

	if (transfer->ring != NULL)
		return true;
	if (!transfer->direct || spool->exposed || wanted < (off_t)PIECE_SIZE)
		return false;
	if (spill->cache_limit == SPOOL_AUTOMATIC && spilled >= ENOUGH_TO_ASK)
		spill->cache_limit = cache_allowance(spilled);
	if (spill->cache_limit == SPOOL_AUTOMATIC || spilled < spill->cache_limit)
		return false;
	transfer->ring = ring_to_file(spill->fd, spool->size);
	transfer->direct = transfer->ring != NULL;
	if (!transfer->direct)
		return false;
	if (spill->direct_from > spool->size)
		spill->direct_from = spool->size;
	spool_free_buffer(spool);
	return true;
}

/* Reads into the ring, where there is room for two pieces, but no more than room bytes. */
static ssize_t
fill_ring(struct transfer *transfer, struct iovec pieces[2], size_t room)
{
	struct spool *spool = transfer->spool;
	ssize_t n;

	if (pieces[0].iov_len > room)
		pieces[0].iov_len = room;
	if (pieces[1].iov_len > room - pieces[0].iov_len)
		pieces[1].iov_len = room - pieces[0].iov_len;
	n = io_read_pieces(transfer->fd, pieces, 2);
	if (n == -1)
		return spool_fail(spool, SPOOL_SOURCE);
	ring_commit(transfer->ring, (size_t)n);
	spool->size += n;
	return n;
}

/* What does not fit under the size limit is kept, and fails to be stored the next time. */
static ssize_t
fill_by_buffer(struct spool *spool, int fd, size_t room)
{
	char *buffer = spool_buffer(spool);
	size_t fits;
	ssize_t n;

	if (buffer == NULL)
		return -1;
	n = io_read(fd, buffer, room < BUFFER_SIZE ? room : BUFFER_SIZE);
	if (n == -1)
		return spool_fail(spool, SPOOL_SOURCE);
	fits = clip(spool, (size_t)n);
	if (spool_store(spool, buffer, fits, spool->size) == -1) {
		keep_pending(spool, 0, (size_t)n);
		return -1;
	}
	if (fits < (size_t)n)
		keep_pending(spool, fits, (size_t)n);
	return (ssize_t)fits;
}

/* Reads into the memory part itself. */
static ssize_t
fill_memory(struct spool *spool, int fd, char *data, size_t length)
{
	ssize_t n = io_read(fd, data, length);

	if (n == -1)
		return spool_fail(spool, SPOOL_SOURCE);
	spool->memory.size += n;
	spool->size += n;
	return n;
}

/*
 * Moves one piece of at most wanted bytes, 0 at the end of the source.
 *
 * Sources with messages (SOCK_SEQPACKET, packet pipes, some files of /proc) throw away what of a message does not
 * fit into a read. So none is cut short by a limit or the end of a chunk: where less room is left than the buffer
 * has, the buffer takes what comes. That is also the way to roll over, so the spill file is made only when there
 * is something to put into it, and to learn whether the source ends at the size limit.
 */
static ssize_t
fill_piece(struct transfer *transfer, off_t wanted)
{
	struct spool *spool = transfer->spool;
	struct memory *memory = &spool->memory;
	const bool rolled = spool_is_rolled(spool);
	size_t room = at_most(wanted, PIECE_SIZE), fits;
	const bool in_memory = !rolled && spool->size < memory_limit(memory, spool->size + (off_t)room);
	struct iovec pieces[2];
	ssize_t n;

	if (spool->pending > 0)
		return store_pending(spool, room);
	if (spool->pending_ring != NULL)
		return store_unwritten(spool, room);
	fits = spool->size >= spool->size_limit ? 0 : at_most(spool->size_limit - spool->size, room);
	if (rolled && (fits >= BUFFER_SIZE || fits == room) && begin_direct(transfer, wanted)
	    && ring_room(transfer->ring, pieces) == 0)
		return fill_ring(transfer, pieces, fits);
	if (end_direct(transfer) == -1)
		return -1;
	if (fits == 0)
		return fill_by_buffer(spool, transfer->fd, room);
	if (in_memory) {
		fits = at_most(memory->limit - spool->size, fits);
		if (memory_descriptor(memory) == -1) {
			size_t length = 0;
			char *data = memory_room(memory, &length);

			/* Without memory spool_store() will have to do, and knows what to do. */
			if (length > fits)
				length = fits;
			if (data != NULL && (length >= BUFFER_SIZE || length == room))
				return fill_memory(spool, transfer->fd, data, length);
		} else if (transfer->fast) {
			n = splice_in(transfer->fd, memory->fd, spool->size, fits);
			if (n != -1) {
				memory->size += n;
				spool->size += n;
				return n;
			}
			transfer->fast = false;
		}
	} else if (rolled && transfer->fast) {
		n = splice_in(transfer->fd, spool->spill.fd, spool->size, fits);
		if (n != -1) {
			spool->size += n;
			return n;
		}
		transfer->fast = false;
	}
	return fill_by_buffer(spool, transfer->fd, room);
}

/* Ends a transfer, by end, after its last piece. A failure of that piece, n = -1, is reported first. */
static off_t
end_transfer(struct transfer *transfer, ssize_t n, int (*end)(struct transfer *))
{
	const enum spool_part part = transfer->spool->fault;
	const int error = errno;
	int result = end(transfer);

	if (n != -1)
		return result == -1 ? -1 : transfer->moved;
	errno = error;
	return spool_fail(transfer->spool, part);
}

off_t
spool_fill(struct spool *spool, int fd, off_t limit, const struct spool_progress *progress)
{
	struct transfer transfer = { .spool = spool, .fd = fd, .fast = true, .direct = true, .progress = progress };
	bool enlarged = false;
	ssize_t n = 0;

	if (spool_begin(spool, true) == -1)
		return -1;
	while (transfer.moved < limit) {
		n = add_moved(&transfer, fill_piece(&transfer, limit - transfer.moved));
		if (n <= 0)
			break;
		if (!enlarged && transfer.moved >= SMALL_TRANSFER) {
			enlarge_pipe(fd);
			enlarged = true;
		}
	}
	return end_transfer(&transfer, n, end_direct);
}

static ssize_t
drain_by_buffer(struct transfer *transfer, int file, enum spool_part part, size_t length)
{
	struct spool *spool = transfer->spool;
	char *buffer = spool_buffer(spool);
	ssize_t n;

	if (buffer == NULL)
		return -1;
	if (length > BUFFER_SIZE)
		length = BUFFER_SIZE;
	if (io_read_at(file, buffer, length, spool->offset) == -1)
		return spool_fail(spool, part);
	n = io_write(transfer->fd, buffer, length);
	return n == -1 ? spool_fail(spool, SPOOL_SINK) : n;
}

/* Sends what the I/O threads have read. 0: that is not the way, or has failed. */
static ssize_t
drain_ring(struct transfer *transfer)
{
	struct spool *spool = transfer->spool;
	const char *piece;
	size_t length;
	ssize_t n;

	if (transfer->ring == NULL && transfer->direct) {
		transfer->ring = ring_from_file(spool->spill.fd, spool->offset, spool->size);
		transfer->direct = transfer->ring != NULL;
		if (transfer->direct)
			spool_free_buffer(spool);
	}
	if (transfer->ring == NULL)
		return 0;
	piece = ring_piece(transfer->ring, &length);
	if (piece == NULL) {
		transfer->direct = false;
		(void)ring_close(transfer->ring);	/* only read */
		transfer->ring = NULL;
		return 0;
	}
	n = io_write(transfer->fd, piece, length);
	if (n == -1)
		return spool_fail(spool, SPOOL_SINK);
	ring_consume(transfer->ring, (size_t)n);
	return n;
}

static ssize_t
drain_file(struct transfer *transfer, int file, enum spool_part part, off_t end)
{
	struct spool *spool = transfer->spool;
	size_t length = at_most(end - spool->offset, PIECE_SIZE);

	/* A memfd whose pages are lent cannot be sealed (EBUSY), so that comes first. */
	if (transfer->fast && (part != SPOOL_MEMORY || spool->memory.sealed)) {
		ssize_t n = splice_out(file, spool->offset, transfer->fd, length);

		if (n != -1)
			return n;
		transfer->fast = false;
	}
	return drain_by_buffer(transfer, file, part, length);
}

static ssize_t
drain_spill(struct transfer *transfer)
{
	struct spool *spool = transfer->spool;
	const off_t direct_from = spool->spill.direct_from;

	/* What the disk or the server has lost meanwhile may read as zeros. */
	if (spill_check(&spool->spill) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	if (spool->offset >= direct_from && (transfer->ring != NULL || spool->size - spool->offset > SMALL_TRANSFER)) {
		ssize_t n = drain_ring(transfer);

		if (n != 0)
			return n;
	}
	return drain_file(transfer, spool->spill.fd, SPOOL_SPILL,
	    spool->offset < direct_from && direct_from < spool->size ? direct_from : spool->size);
}

static ssize_t
drain_chunks(struct transfer *transfer)
{
	struct spool *spool = transfer->spool;
	size_t length;
	const char *piece = memory_piece(&spool->memory, spool->offset, &length);
	ssize_t n;

	if (length > PIECE_SIZE)
		length = PIECE_SIZE;
	if (transfer->fast) {
		n = vmsplice_out(transfer->fd, piece, length);
		if (n != -1)
			return n;
		transfer->fast = false;
	}
	n = io_write(transfer->fd, piece, length);
	return n == -1 ? spool_fail(spool, SPOOL_SINK) : n;
}

static ssize_t
drain_piece(struct transfer *transfer)
{
	struct spool *spool = transfer->spool;
	struct memory *memory = &spool->memory;

	if (spool->offset >= memory->size)
		return drain_spill(transfer);
	if (memory->fd != -1)
		return drain_file(transfer, memory->fd, SPOOL_MEMORY, memory->size);
	return drain_chunks(transfer);
}

static int
end_drain(struct transfer *transfer)
{
	(void)ring_close(transfer->ring);	/* only read */
	/* Bytes may have been lost just before they were read. */
	if (spill_check(&transfer->spool->spill) == -1)
		return spool_fail(transfer->spool, SPOOL_SPILL);
	return spool_end(transfer->spool);
}

off_t
spool_drain(struct spool *spool, int fd, const struct spool_progress *progress)
{
	struct transfer transfer = { .spool = spool, .fd = fd, .direct = true, .progress = progress };
	ssize_t n = 0;

	/* The memory part must not be released either if the rest is lost. */
	if (spool_begin(spool, false) == -1 || spool_flush(spool) == -1)
		return -1;
	if (spool->size - spool->offset > SMALL_TRANSFER) {
		enlarge_pipe(fd);
		transfer.fast = spool->frozen;
	}
	while (spool->offset < spool->size) {
		n = add_moved(&transfer, drain_piece(&transfer));
		if (n == -1)
			break;
		spool->offset += n;
		if (spool->read_once)
			memory_free_before(&spool->memory, spool->offset);
	}
	return end_transfer(&transfer, n, end_drain);
}
