/*
 * fill.c: spool_fill: appends what a source delivers. transfer.h lists the ways a byte can take.
 *
 * Bytes that were read and could not be stored are pending: they stay in their buffer or ring, and are stored first by
 * the next spool_fill().
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "cache.h"
#include "io.h"
#include "pace.h"
#include "transfer.h"

/* Only a spill file of this size is worth the system calls that find out how large the page cache is. */
#define ENOUGH_TO_ASK ((off_t)8 << 20)

static size_t
at_most(off_t length, size_t limit)
{
	return length < (off_t)limit ? (size_t)length : limit;
}

/* The part of length that fits under the size limit. Where none fits, all of length, so that storing fails with EFBIG;
   after spool_fileno() the size may be beyond the limit. */
static size_t
clip(const struct spool *spool, size_t length)
{
	return spool->size >= spool->size_limit ? length : at_most(spool->size_limit - spool->size, length);
}

/* Appends data to the stream, and sets the number of bytes that this stored: less than length only after a failure. */
static int
append_bytes(struct spool *spool, const char *data, size_t length, size_t *stored)
{
	const off_t before = spool->size;
	const int result = spool_store(spool, data, length, before);

	*stored = (size_t)(spool->size - before);
	return result;
}

/* Stores at most room of the pending bytes. Returns their number, or -1. */
static ssize_t
store_pending(struct spool *spool, size_t room)
{
	const size_t length = clip(spool, spool->pending < room ? spool->pending : room);
	size_t stored;
	const int result = append_bytes(spool, spool->pending_buffer + spool->pending_at, length, &stored);

	spool->pending_at += stored;
	spool->pending -= stored;
	if (result == -1)
		return -1;
	if (spool->pending == 0) {
		memory_unmap(spool->pending_buffer, BUFFER_SIZE);
		spool->pending_buffer = NULL;
	}
	return (ssize_t)stored;
}

/* Makes the bytes [at, end) of the buffer pending. */
static void
keep_pending(struct spool *spool, size_t at, size_t end)
{
	spool->pending_buffer = spool->buffer;
	spool->buffer = NULL;
	spool->pending_at = at;
	spool->pending = end - at;
}

/* Stores at most room of the bytes that direct I/O could not write. Returns their number, or -1. */
static ssize_t
store_unwritten(struct spool *spool, size_t room)
{
	size_t length, stored;
	const char *bytes = ring_unwritten(spool->pending_ring, &length);
	int result;

	length = clip(spool, length < room ? length : room);
	result = append_bytes(spool, bytes, length, &stored);
	ring_consume(spool->pending_ring, stored);
	if (result == -1)
		return -1;
	if (ring_unwritten_size(spool->pending_ring) == 0) {
		struct ring *ring = spool->pending_ring;

		spool->pending_ring = NULL;
		if (ring_close(ring) == -1)
			return spool_fail(spool, SPOOL_SPILL);
	}
	return (ssize_t)stored;
}

/* Ends direct I/O. What it could not write is taken out of the stream again, and stored through the page cache. */
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

/* Whether the next bytes are written by direct I/O. Starting its threads is not worth it for less than a piece. */
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

/* Reads at most room bytes into the two parts of the ring's free space. */
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

/* Bytes beyond the size limit become pending; storing them fails the next time. */
static ssize_t
fill_by_buffer(struct spool *spool, int fd, size_t room)
{
	char *buffer = spool_buffer(spool);
	size_t fits, stored;
	ssize_t n;

	if (buffer == NULL)
		return -1;
	n = io_read(fd, buffer, room < BUFFER_SIZE ? room : BUFFER_SIZE);
	if (n == -1)
		return spool_fail(spool, SPOOL_SOURCE);
	fits = clip(spool, (size_t)n);
	if (append_bytes(spool, buffer, fits, &stored) == -1) {
		keep_pending(spool, stored, (size_t)n);
		return -1;
	}
	if (fits < (size_t)n)
		keep_pending(spool, fits, (size_t)n);
	return (ssize_t)fits;
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
#else
static ssize_t
splice_in(int pipe, int file, off_t at, size_t length)
{
	(void)pipe, (void)file, (void)at, (void)length;
	return -1;
}
#endif

/* Splices into the file that holds the stream's end. -1: nothing was moved, and splice(2) is not tried again. */
static ssize_t
fill_by_splice(struct transfer *transfer, int file, size_t length)
{
	struct spool *spool = transfer->spool;
	ssize_t n;

	if (!transfer->fast)
		return -1;
	n = splice_in(transfer->fd, file, spool->size, length);
	if (n == -1)
		transfer->fast = false;
	else
		spool->size += n;
	return n;
}

/* Reads into a chunk of the memory part itself. */
static ssize_t
fill_chunk(struct spool *spool, int fd, char *data, size_t length)
{
	ssize_t n = io_read(fd, data, length);

	if (n == -1)
		return spool_fail(spool, SPOOL_SOURCE);
	spool->memory.size += n;
	spool->size += n;
	return n;
}

/* Fills the memory part, which can take fits of the room bytes that are wanted. */
static ssize_t
fill_memory(struct transfer *transfer, size_t fits, size_t room)
{
	struct spool *spool = transfer->spool;
	struct memory *memory = &spool->memory;
	const int memfd = memory_descriptor(memory);

	if (memfd != -1) {
		ssize_t n = fill_by_splice(transfer, memfd, fits);

		if (n != -1) {
			memory->size += n;
			return n;
		}
	} else {
		size_t length = 0;
		char *data = memory_room(memory, &length);

		if (length > fits)
			length = fits;
		/* Without memory spool_store() is called, which can roll over. */
		if (data != NULL && (length >= BUFFER_SIZE || length == room))
			return fill_chunk(spool, transfer->fd, data, length);
	}
	return fill_by_buffer(spool, transfer->fd, room);
}

/*
 * Moves one piece of at most wanted bytes. Returns its size, 0 at the end of the source, or -1.
 *
 * Sources with messages (SOCK_SEQPACKET, packet pipes, some files of /proc) discard the part of a message that does not
 * fit into a read. No limit and no end of a chunk may cut a message, so where less space than BUFFER_SIZE is left, the
 * source is read into the buffer. That is also the way to roll over, so that the spill file is only made when there is
 * a byte for it; and the way to find out whether the source ends at the size limit.
 */
static ssize_t
fill_piece(struct transfer *transfer, off_t wanted)
{
	struct spool *spool = transfer->spool;
	struct memory *memory = &spool->memory;
	const bool rolled = spool_is_rolled(spool);
	size_t room = at_most(wanted, PIECE_SIZE), fits;
	struct iovec pieces[2];

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
	if (fits > 0 && rolled) {
		ssize_t n = fill_by_splice(transfer, spool->spill.fd, fits);

		if (n != -1)
			return n;
	} else if (fits > 0 && spool->size < memory_limit(memory, spool->size + (off_t)fits)) {
		return fill_memory(transfer, at_most(memory->limit - spool->size, fits), room);
	}
	return fill_by_buffer(spool, transfer->fd, room);
}

off_t
spool_fill(struct spool *spool, int fd, off_t limit, const struct spool_progress *progress)
{
	struct transfer transfer = { .spool = spool, .fd = fd, .fast = true, .direct = true, .progress = progress };
	struct pace pace = { .pipe = -1 };
	ssize_t n = 0;

	if (spool_begin(spool, true) == -1)
		return -1;
	if (limit < 0)
		return spool_refuse(spool, EINVAL);
	while (transfer.moved < limit) {
		if (pace.pipe != -1)
			pace_wait(&pace, (size_t)n);
		else if (transfer.moved >= SMALL_TRANSFER)
			pace_begin(&pace, fd, io_enlarge_pipe(fd));
		n = transfer_count(&transfer, fill_piece(&transfer, limit - transfer.moved));
		if (n <= 0)
			break;
	}
	return transfer_end(&transfer, n, end_direct);
}
