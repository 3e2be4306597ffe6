/*
 * transfer.h: what spool_fill (fill.c) and spool_drain (drain.c) have in common.
 *
 * Every decision between a fast path and the plain one is in these two files:
 *
 *	source -> memory part    read(2) straight into it, while there is room; into a memfd, splice(2) if the
 *	                         source is a pipe
 *	source -> spill file     splice(2) if the source is a pipe; beyond the cache limit, direct I/O (ring.c)
 *	memory part -> sink      vmsplice(2) if the sink is a pipe and the spool is frozen; else write(2) from it
 *	memfd, spill -> sink     splice(2) if the sink is a pipe and the spool is frozen; where the spill file was
 *	                         written by direct I/O, direct I/O
 *	everything else          read and write through the buffer
 *
 * A fast path that fails, for whatever reason, has moved nothing (direct I/O gives back what it has not written:
 * end_direct). The plain path takes over for the rest of the transfer. If there is a real error, the plain path meets
 * it again, and knows whether the source, the sink, or the spool has failed.
 *
 * vmsplice(2) and splice(2) put pages into a pipe without copying them. If such a page changes later, the reader sees
 * the change. So this is only done with the pages of a frozen spool.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "internal.h"
#include "ring.h"

/* The most bytes that one call of a transfer moves, and that one progress report counts. */
#define PIECE_SIZE ((size_t)1 << 20)

/* A pipe's usual capacity. No more than this is moved by plain calls, which are as fast and need no preparation. */
#define SMALL_TRANSFER ((off_t)64 << 10)

struct transfer {
	struct spool *spool;
	int fd;			/* the source or sink */
	bool fast;		/* no fast path has failed yet */
	bool direct;		/* direct I/O has not failed yet */
	struct ring *ring;	/* for direct I/O, or NULL */
	off_t moved;		/* bytes, in this transfer */
	const struct spool_progress *progress;
};

/* Counts n bytes moved and reports the progress, if n is positive. Returns n. */
ssize_t	 transfer_count(struct transfer *transfer, ssize_t n);

/* Ends a transfer by calling end, after its last piece gave n. Returns the bytes moved. -1 with errno and the fault of
   that piece if n is -1, else with those of end. */
off_t	 transfer_end(struct transfer *transfer, ssize_t n, int (*end)(struct transfer *));

#endif
