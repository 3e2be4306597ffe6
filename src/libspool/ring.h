/* ring.h: a ring of buffers for direct I/O (O_DIRECT) on a file, with its threads. */
#ifndef RING_H
#define RING_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stddef.h>

struct ring;

/* Opens a ring for writing to a file from offset at on. The file stays the caller's, and open until ring_close().
   NULL, with errno meaning nothing: the file or the system has no direct I/O, or there are no threads or memory. */
struct ring *ring_to_file(int file, off_t at);

/* The same for reading [at, end). */
struct ring *ring_from_file(int file, off_t at, off_t end);

/* Ends the threads and frees the ring; NULL is allowed. 0, or -1: errno of close(2); the ring is gone in either
   case. */
int	 ring_close(struct ring *ring);

/* Writing: waits for free space of at least 512 KiB, in two parts. 0, or -1: errno of the write that failed. */
int	 ring_room(struct ring *ring, struct iovec room[2]);

/* Writing: the caller has put length bytes into the space of ring_room(). */
void	 ring_commit(struct ring *ring, size_t length);

/* Writing: waits until all bytes are in the file. 0, or -1: errno of the write that failed. Then ring_unwritten() has
   the bytes that are missing, and only its two functions, ring_consume() and ring_close() may be called. */
int	 ring_finish(struct ring *ring);

/* After ring_finish() has failed: the next bytes that are not in the file, *length of them in a row; and how many there
   are in all. */
const char *ring_unwritten(const struct ring *ring, size_t *length);
off_t	 ring_unwritten_size(const struct ring *ring);

/* Reading: waits for the next bytes, at least one, *length of them in a row. NULL: errno of the read that failed. */
const char *ring_piece(struct ring *ring, size_t *length);

/* The caller is done with the first length bytes of ring_piece() or ring_unwritten(). */
void	 ring_consume(struct ring *ring, size_t length);

#endif
