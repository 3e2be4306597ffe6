/*
 * inplace.h: writes a spool into a file as it is, for -w and -a: the inode, its owner and its other names stay.
 *
 * That cannot be done in one step. So all that can fail is tried before the first byte changes: the old contents
 * are put aside, and the space for the new ones is reserved, as far as the file system can: not for what it shares
 * with another file, nor in the holes of a sparse one. If writing fails all the same, the file is made again
 * what it was. Only a kill -9 or a power cut in between leaves a part of each.
 *
 * Both functions print their own message, which says what became of the file, and return an exit status. From the
 * first byte that changes they hold the signals (signals.h) and do not release them.
 */
#ifndef INPLACE_H
#define INPLACE_H

#include <sys/types.h>

#include <stdbool.h>

#include "place.h"

struct spool;
struct spool_progress;

struct inplace {
	const char *file;		/* its path as the user gave it, for messages */
	const struct place *place;
	int fd;				/* open for reading and writing; to append, with O_APPEND */
	bool sync;			/* wait for the disk */
	bool only_grows;		/* what chattr has made append-only cannot be cut back */
	off_t memory;			/* how much of the old contents may be put aside in memory */
	const char *directory;		/* and where the rest goes, as in struct spool_options */
	const struct spool_progress *progress;	/* told of what is written, or NULL */
	/* Called when nothing is left but to write. -1 gives up; it has told why. */
	int (*before_writing)(void *cookie);
	void *cookie;
};

int	inplace_overwrite(const struct inplace *file, struct spool *spool);

/* What others append meanwhile is kept; where they did, a stream that failed halfway cannot be taken back. */
int	inplace_append(const struct inplace *file, struct spool *spool);

#endif
