/* internal.h: struct spool, and what the files of libspool call of spool.c and access.c. */
#ifndef SPOOL_INTERNAL_H
#define SPOOL_INTERNAL_H

#include "memory.h"
#include "spill.h"
#include "spool.h"

struct ring;

struct spool {
	off_t offset;
	off_t size;
	off_t size_limit;
	struct memory memory;
	struct spill spill;
	bool exposed;		/* spool_fileno() was called: the descriptor has the true offset and size */
	bool rest;		/* a write that failed has left bytes beyond the end, which could not be cut off */
	bool frozen;
	bool read_once;		/* bytes before the offset need not be kept */
	char *buffer;		/* BUFFER_SIZE bytes, allocated when first needed */
	char *pending_buffer;	/* bytes that were read from a source and are not stored yet; or NULL */
	size_t pending_at;	/* where they begin in the buffer */
	size_t pending;		/* their number */
	struct ring *pending_ring;	/* or NULL: the same for direct I/O that failed */
	enum spool_part fault;
};

/* Comes first in every function that uses the offset or the size, or (change) changes the stream. 0, or -1 with the
   fault set: EPERM (frozen), errno of lseek(2), fstat(2). */
int	 spool_begin(struct spool *spool, bool change);

/* Comes last in every function that moved the offset. 0, or -1 with the fault set: errno of lseek(2). */
int	 spool_end(struct spool *spool);

/* Sets the fault, and returns -1 with errno unchanged. Every failure of a public function ends here. */
int	 spool_fail(struct spool *spool, enum spool_part part);

/* The same for a call that was wrong: sets errno to error. */
int	 spool_refuse(struct spool *spool, int error);

/* Writes [at, at + length), growing the stream if that is beyond its end; the offset stays. 0, or -1 with the fault
   set, as spool_write(): nothing is stored beyond the old end, unless the file is exposed. */
int	 spool_store(struct spool *spool, const char *data, size_t length, off_t at);

/* Cuts off what a write that failed has left beyond the end of the file, and nothing else: other processes may have
   written there. 0, or -1: errno of ftruncate(2). */
int	 spool_cut_rest(struct spool *spool);

/* The transfer buffer, BUFFER_SIZE bytes that belong to the spool. NULL with the fault set: ENOMEM. */
char	*spool_buffer(struct spool *spool);

/* Frees the transfer buffer; a transfer that allocates a ring does this first, so that it never holds both. */
void	 spool_free_buffer(struct spool *spool);

#endif
