/* store.h: puts a stream into a file, and makes sure that what was written arrives. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>

struct spool;
struct spool_progress;

/* Freezes the spool and writes all of it at the offset of fd. 0, or -1: errno of spool_seek(), spool_drain(). */
int	store_stream(int fd, struct spool *spool, const struct spool_progress *progress);

/*
 * Lets one file share the blocks of another, so that both have the same contents (ioctl_ficlone(2)). 0, or -1: errno of
 * ioctl(2), and EOPNOTSUPP where there is no such call.
 */
int	store_clone(int to, int from);

/* Waits until the contents of a file are on the disk. Succeeds for a device or a pipe. 0, or -1: errno of fsync(2). */
int	store_sync(int fd);

/* With sync, as store_sync(). Without, as io_flush(): does not wait for a local disk. */
int	store_settle(int fd, bool sync);

/* Closes a file that was written to; with sync, after store_sync(). 0, or -1: errno of the first failure. */
int	store_close(int fd, bool sync);

/* Waits until the names in a directory are on the disk. fd: any file on the same file system. As store_sync(). */
int	store_sync_names(int directory, int fd);

#endif
