/* compare.h: whether a file has the contents of a spool. */
#ifndef COMPARE_H
#define COMPARE_H

#include <sys/types.h>

struct spool;

/*
 * Compares length bytes of a spool, from an offset on, with those of a file from another. fd: open for reading. The offsets
 * of both move. 1: they are the same. 0: they are not, or the file or the stream is shorter. -1: errno of lseek(2), read(2),
 * spool_seek(), spool_read(), spool_flush().
 */
int	compare_contents(struct spool *spool, off_t at, int fd, off_t file_at, off_t length);

/* The same, but a file that ends early is as far as it goes the same: after a failed write SMB gives it a wrong length. */
int	compare_to_end(struct spool *spool, off_t at, int fd, off_t file_at, off_t length);

#endif
