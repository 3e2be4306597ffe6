/* fifo.h: bytes in memory, taken out in the order in which they were put in. Not for several threads at once. */
#ifndef FIFO_H
#define FIFO_H

#include <sys/types.h>

struct fifo_chunk;

struct fifo {
	struct fifo_chunk *first;	/* the oldest bytes are in it; NULL: there are none */
	struct fifo_chunk *last;	/* the newest bytes are in it; NULL: there are none */
	struct fifo_chunk *spare;	/* empty ones: memory that was used before is faster than new memory */
	off_t size;			/* bytes held */
};

/* Appends a copy of length bytes. Returns how many were appended: fewer if there is no memory. An all-zero structure is
   an empty fifo. */
size_t	 fifo_put(struct fifo *fifo, const char *data, size_t length);

/* Moves at most length of the oldest bytes to data. Returns their number. */
size_t	 fifo_get(struct fifo *fifo, char *data, size_t length);

/* Frees everything; the fifo is empty afterwards. */
void	 fifo_free(struct fifo *fifo);

#endif
