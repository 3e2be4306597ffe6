/* pace.h: how long a pipe is left alone, so that it is read in larger pieces. */
#ifndef PACE_H
#define PACE_H

#include <stddef.h>
#include <time.h>

struct pace {
	int pipe;
	size_t wanted;		/* bytes: half of what the pipe can hold; 0: it is no pipe */
	struct timespec last;	/* when the last piece had been read */
};

/* capacity: of the pipe, in bytes, or 0. */
void	 pace_begin(struct pace *pace, int pipe, size_t capacity);

/*
 * Called before the next piece is read. length: of the last one, in bytes, and not 0. If the pieces are small and come
 * fast, waits until the pipe is half full at that speed, but not longer than its writers have it open, nor than half a
 * millisecond.
 */
void	 pace_wait(struct pace *pace, size_t length);

#endif
