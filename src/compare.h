/* compare.h: whether a file has the contents of a spool. */
#ifndef COMPARE_H
#define COMPARE_H

#include <sys/types.h>

struct spool;

/*
 * Compares length bytes of a spool, from offset at on, with those of a file, from file_at on. fd is open for reading.
 * The offsets of both move. 1: the bytes are the same. 0: they differ, or the file or the stream is shorter. -1: errno
 * of lseek(2), read(2), spool_seek(), spool_read(), spool_flush().
 */
int	compare_contents(struct spool *spool, off_t at, int fd, off_t file_at, off_t length);

/* As compare_contents(), but the file may end early: after a failed write, SMB gives it a wrong length. */
int	compare_to_end(struct spool *spool, off_t at, int fd, off_t file_at, off_t length);

#endif
