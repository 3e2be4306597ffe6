/* spill.h: the spill file of a spool, bytes [memory.size, end) of the stream, each at its own offset. */
#ifndef SPILL_H
#define SPILL_H

#include <sys/types.h>

#include <stdbool.h>

#include "fingerprint.h"
#include "memory.h"
#include "spool.h"

struct spill {
	int fd;			/* read-write, or -1: not rolled over */
	int reader;		/* the same file read-only, or -1 */
	int spill_fd;		/* options.spill_fd, the caller's file; or -1: the engine makes one */
	struct fingerprint fingerprint;	/* taken by spill_seal(), for spill_is_intact() */
	bool sealed;
	int lost;		/* errno of a write that was lost after it had succeeded, or 0 */
	off_t cache_limit;	/* options.cache_limit; SPOOL_AUTOMATIC until it is computed */
	off_t direct_from;	/* below this offset nothing was written by direct I/O; for speed alone */
	char *directory, *prefix, *suffix;
	char *leftover;		/* path of a file that could not be removed, or NULL */
	char *old_path;		/* its path before it was unlinked, or NULL */
	void (*hold)(void), (*release)(void);
};

/* Copies what it needs of the options; makes no file. 0, or -1: ENOMEM. The caller calls spill_free() in either
   case. */
int	 spill_init(struct spill *spill, const struct spool_options *options);

/* Frees the names. The file must be closed already. */
void	 spill_free(struct spill *spill);

/* Makes the spill file, or truncates the caller's. 0, or -1: errno of open(2), unlink(2), ftruncate(2). */
int	 spill_open(struct spill *spill);

/* Closes the spill file, if there is one; the caller's stays open. It can be opened again. 0 with errno unchanged, or
   -1: errno of close(2). */
int	 spill_close(struct spill *spill);

/* Closes the spill file after a failure, and gives back the space that it took: errno stays as it is. */
void	 spill_discard(struct spill *spill);

/* Writes the memory part into the hole below it. buffer: BUFFER_SIZE bytes if the memory part is a memfd, else unused.
   0, or -1: errno of pread(2), pwrite(2), and what was written is a hole again, where there can be holes. */
int	 spill_fill_hole(struct spill *spill, const struct memory *memory, char *buffer);

/* Whether all writes have arrived: io_flush() before the first byte is read back, io_lost() while reading goes on.
   0, also without a file. -1: errno of the write that was lost, the same from then on. */
int	 spill_flush(struct spill *spill);
int	 spill_check(struct spill *spill);

/* Makes the file of size bytes read-only where that is possible, and notes its fingerprint. Returns a new read-only
   descriptor of it at offset 0, the caller's to close. -1: as spill_flush(); errno of open(2), fcntl(2), fstat(2),
   pread(2); EIO, EOPNOTSUPP (see spool_seal()). */
int	 spill_seal(struct spill *spill, off_t size);

/* Whether the file is as spill_seal() found it: 1 yes, or not sealed; 0 no. -1: as spill_flush(); errno of fstat(2),
   pread(2). */
int	 spill_is_intact(struct spill *spill);

/* Whether a descriptor is on tmpfs or ramfs; false if the file system is unknown. */
bool	 spill_is_in_memory(int fd);

#endif
