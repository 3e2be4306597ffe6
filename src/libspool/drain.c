/* drain.c: spool_drain: sends the rest of the stream to a sink. transfer.h lists the ways a byte can take. */
#include <config.h>

#include <sys/uio.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "io.h"
#include "transfer.h"

#ifdef HAVE_SPLICE
/* 0 from splice(2) is a failure too: the file has fewer bytes than it should, and the plain path reports that. */
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

/* Sends from the ring. 0: there is no direct I/O, or it has failed. */
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
	size_t length = PIECE_SIZE;

	if (end - spool->offset < (off_t)length)
		length = (size_t)(end - spool->offset);
	/*
	 * A memfd cannot be sealed while a pipe holds its pages (EBUSY), so it is only spliced once it is sealed. A file of
	 * the caller's may change while a pipe holds its pages.
	 */
	if (transfer->fast && (part == SPOOL_MEMORY ? spool->memory.sealed : spool->spill.spill_fd == -1)) {
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

	/* Bytes that the disk or the server has lost meanwhile may read as zeros. */
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
	struct spool *spool = transfer->spool;
	const int moved = spool_end(spool);

	(void)ring_close(transfer->ring);	/* only read */
	/* Bytes may have been lost just before they were read. */
	return spill_check(&spool->spill) == -1 ? spool_fail(spool, SPOOL_SPILL) : moved;
}

off_t
spool_drain(struct spool *spool, int fd, const struct spool_progress *progress)
{
	struct transfer transfer = { .spool = spool, .fd = fd, .direct = true, .progress = progress };
	ssize_t n = 0;

	/* If the rest is lost, not even the memory part may be sent. */
	if (spool_begin(spool, false) == -1 || spool_flush(spool) == -1)
		return -1;
	if (spool->size - spool->offset > SMALL_TRANSFER) {
		(void)io_enlarge_pipe(fd);
		transfer.fast = spool->frozen;
	}
	while (spool->offset < spool->size) {
		n = transfer_count(&transfer, drain_piece(&transfer));
		if (n == -1)
			break;
		spool->offset += n;
		if (spool->read_once)
			memory_free_before(&spool->memory, spool->offset);
	}
	return transfer_end(&transfer, n, end_drain);
}
