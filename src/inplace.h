/*
 * inplace.h: writes a spool into an existing file, for -w and -a: the inode, its owner and its other names stay.
 *
 * Overwriting is not atomic. So all that can fail is tried before the first byte changes: the old contents are
 * put aside, and the space for the new ones is reserved, as far as the file system can. A file system cannot reserve
 * space for blocks that the file shares with another one; in the holes of a sparse file none is reserved. If writing
 * fails all the same, the old contents are put back. Only a SIGKILL or a power cut in between leaves a part of each.
 */
#ifndef INPLACE_H
#define INPLACE_H

#include <sys/types.h>

#include <stdbool.h>

struct old;
struct place;
struct spool;
struct spool_progress;

struct inplace {
	const char *file;		/* its path as the user gave it, for messages */
	const struct place *place;
	const struct old *old;		/* the file as it was found */
	int fd;				/* of inplace_open() */
	bool append;			/* -a; otherwise -w */
	bool sync;			/* wait for the disk */
	off_t memory;			/* how much of the old contents may be put aside in memory */
	const char *directory;		/* where the rest is put aside, as in struct spool_options */
	const char *backup;		/* the name of a backup to make first, or NULL */
	const struct spool_progress *progress;	/* told of what is written, or NULL */
};

/* Opens the file once, since a watcher takes each close for new contents. -1: errno of openat(2). */
int	inplace_open(const struct place *place, bool append);

/*
 * Writes the stream and closes file->fd: an exit status. Prints its own message, which says what became of the file.
 * From the first byte that changes, the signals are held (signals.h) and not released. What other processes append
 * meanwhile is kept. Then the part of a stream that failed cannot be removed again.
 */
int	inplace_write(const struct inplace *file, struct spool *spool);

#endif
