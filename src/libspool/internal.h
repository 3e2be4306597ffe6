/* internal.h: struct spool, and what its parts offer each other; nothing outside libspool includes it. */
#ifndef SPOOL_INTERNAL_H
#define SPOOL_INTERNAL_H

#include <sys/uio.h>

#include "fingerprint.h"
#include "io.h"
#include "spool.h"

/* The memory part: bytes [0, size) of the stream. */
struct memory {
	off_t limit;		/* the most it may hold; outside memory.c, memory_limit() */
	bool automatic;		/* it may turn out to be less */
	off_t size;		/* what it holds */
	off_t dirty;		/* chunks: from here on nothing but zeros was ever there */
	char **chunks;		/* anonymous mappings, in order; memory.c knows their lengths */
	size_t chunk_count;
	size_t freed;	/* so many of them, from the first, are no longer mapped */
	bool memfd;		/* to be a memfd instead of chunks, where it can */
	int fd;			/* that memfd, or -1: none yet */
	bool sealed;		/* and it has been sealed */
};

/* The spill file: bytes [memory.size, end) of the stream, each at its own offset. */
struct spill {
	int fd;			/* read-write, or -1: not rolled over */
	int reader;		/* the same file read-only, or -1 */
	int spill_fd;		/* options.spill_fd */
	struct fingerprint fingerprint;	/* what spill_seal() left, for spill_is_intact() */
	bool sealed;
	int lost;		/* the errno with which a write was lost after it had succeeded, or 0 */
	off_t cache_limit;	/* options.cache_limit; SPOOL_AUTOMATIC until it is known */
	off_t direct_from;	/* from this offset on some of it went past the page cache; for speed alone */
	char *directory, *prefix, *suffix;
	char *leftover;		/* the path of one that could not be removed, or NULL */
	char *old_path;		/* the path that this one had for a moment, or NULL */
	void (*hold)(void), (*release)(void);
};

struct spool {
	off_t offset;
	off_t size;
	off_t size_limit;
	struct memory memory;
	struct spill spill;
	bool exposed;		/* spool_fileno() was called: the kernel's offset and size are the true ones */
	bool frozen;
	bool read_once;		/* and what is behind the offset need not be kept */
	char *buffer;		/* BUFFER_SIZE bytes, made when first needed */
	char *pending_buffer;	/* another one, or NULL: bytes that were read from a source and could not be */
	size_t pending_at;		/* stored yet, kept of them from pending_at on */
	size_t pending;
	struct ring *pending_ring;	/* or NULL: the same, of direct I/O that failed */
	enum spool_part fault;
};

/* The most that one call of a transfer moves, and that one progress report counts. */
#define PIECE_SIZE ((size_t)1 << 20)
/* For copying where nothing faster works. With PIECE_SIZE it stays far below the 4 MiB that spool may use
   besides the memory part. */
#define BUFFER_SIZE ((size_t)256 << 10)

/* ring.c */
struct ring;

/* A ring for writing to a file from at on, or for reading [at, end) of it. NULL: the file or the system does not
   have it; that is no error. */
struct ring *ring_to_file(int file, off_t at);
struct ring *ring_from_file(int file, off_t at, off_t end);
/* -1 with errno of close(2); the ring is gone all the same. */
int	 ring_close(struct ring *ring);
/* Writing: the room there is, at least 512 KiB; waits for it. -1 with errno: writing has failed. */
int	 ring_room(struct ring *ring, struct iovec room[2]);
/* So much has been put into it. */
void	 ring_commit(struct ring *ring, size_t length);
/* Waits until all is in the file. -1 with errno: it is not, ring_unwritten() tells what is left, and only
   that, ring_consume() and ring_close() may follow. */
int	 ring_finish(struct ring *ring);
const char *ring_unwritten(const struct ring *ring, size_t *length);
off_t	 ring_unwritten_size(const struct ring *ring);
/* Reading: the next bytes, at least one; waits for them. NULL with errno. */
const char *ring_piece(struct ring *ring, size_t *length);
/* So much of ring_piece() or ring_unwritten() is not needed any more. */
void	 ring_consume(struct ring *ring, size_t length);

/* cache.c */
/* What the control groups of this process (cgroups(7), both versions) leave it of memory. */
off_t	 cache_group_limit(void);
/* How large a spill file, of which so much is written, may become in the page cache. */
off_t	 cache_allowance(off_t spilled);

/* spool.c */
int	 spool_begin(struct spool *spool, bool change);
int	 spool_end(struct spool *spool);
int	 spool_fail(struct spool *spool, enum spool_part part);
int	 spool_refuse(struct spool *spool, int error);
int	 spool_store(struct spool *spool, const char *data, size_t length, off_t at);
char	*spool_buffer(struct spool *spool);
void	 spool_free_buffer(struct spool *spool);

/* memory.c */
void	 memory_init(struct memory *memory, off_t limit, bool memfd);
/* The limit of a memory part that is to reach so far. */
off_t	 memory_limit(struct memory *memory, off_t end);
void	 memory_free(struct memory *memory);
int	 memory_descriptor(struct memory *memory);
char	*memory_room(struct memory *memory, size_t *length);
const char *memory_piece(const struct memory *memory, off_t at, size_t *length);
int	 memory_read(const struct memory *memory, char *data, size_t length, off_t at);
int	 memory_write(struct memory *memory, const char *data, size_t length, off_t at);
char	*memory_map(size_t length);
void	 memory_unmap(char *base, size_t length);
void	 memory_free_before(struct memory *memory, off_t before);
void	 memory_shrink(struct memory *memory, off_t size);
int	 memory_grow(struct memory *memory, off_t size);
int	 memory_seal(struct memory *memory);

/* spill.c */
int	 spill_init(struct spill *spill, const struct spool_options *options);
/* tmpfs or ramfs; false too where that is not known. */
bool	 spill_is_in_memory(int fd);
void	 spill_free(struct spill *spill);
int	 spill_open(struct spill *spill);
int	 spill_close(struct spill *spill);
int	 spill_fill_hole(struct spill *spill, const struct memory *memory, char *buffer);
/* Whether all that was written is there: asked with a flush before the first byte is read back, and without one while
   reading goes on. -1: errno of the write that was lost, every time from then on. */
int	 spill_flush(struct spill *spill);
int	 spill_check(struct spill *spill);
int	 spill_seal(struct spill *spill, off_t size);
int	 spill_is_intact(struct spill *spill);

#endif
