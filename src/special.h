/* special.h: what -o names and is not a regular file: a device, a FIFO, a socket, or a descriptor of this process. */
#ifndef SPECIAL_H
#define SPECIAL_H

#include <stdbool.h>

/* In both functions, descriptor is the number that file stands for (place_descriptor()), or -1. */

/* NULL, or why it cannot be written to. */
const char *special_refusal(const char *file, int descriptor);

/*
 * Opens it for writing. A descriptor keeps its offset, unless append is set. -1: errno of open(2), socket(2),
 * connect(2), fcntl(2).
 */
int	special_open(const char *file, int descriptor, bool append);

/* Opens and closes a FIFO whose reader waits for a writer: the reader finds the end. */
void	special_leave(const char *file);

#endif
