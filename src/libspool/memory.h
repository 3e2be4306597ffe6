/* memory.h: the memory part of a spool, bytes [0, size) of the stream. */
#ifndef MEMORY_H
#define MEMORY_H

#include <sys/types.h>

#include <stdbool.h>

/* The size of the buffer for copying where nothing faster works. With a transfer's PIECE_SIZE it stays far below the
   4 MiB that spool may use besides the memory part. */
#define BUFFER_SIZE ((size_t)256 << 10)

struct memory {
	off_t limit;		/* the most bytes it may hold; outside memory.c, call memory_limit() */
	bool automatic;		/* the limit was not computed yet, and may still fall */
	off_t size;		/* bytes held */
	off_t dirty;		/* chunks: everything at or beyond this offset is still zero */
	char **chunks;		/* anonymous mappings, in order; memory.c knows their lengths */
	size_t chunk_count;
	size_t freed;		/* this many chunks, counted from the first, are unmapped */
	bool memfd;		/* use a memfd instead of chunks, where there is one */
	int fd;			/* the memfd, or -1: not made yet */
	bool sealed;		/* the memfd has been sealed */
};

/* Starts an empty memory part of at most limit bytes, or SPOOL_AUTOMATIC. Allocates nothing. */
void	 memory_init(struct memory *memory, off_t limit, bool memfd);

/* Frees everything. The memory part is empty afterwards, and can be used again. */
void	 memory_free(struct memory *memory);

/* The limit in bytes. end: the size that the memory part should reach. An automatic limit is computed by the first call
   with an end beyond 2 MiB. */
off_t	 memory_limit(struct memory *memory, off_t end);

/* The memfd, made if the memory part is to be one and is still empty. It belongs to the memory part. -1: it is chunks;
   errno means nothing. */
int	 memory_descriptor(struct memory *memory);

/* Free space behind the last byte of a memory part that is chunks and not full, *length bytes of it. The caller adds
   what it stores there to memory->size. NULL: ENOMEM. */
char	*memory_room(struct memory *memory, size_t *length);

/* The bytes from offset at on, *length of them in a row, of a memory part that is chunks. at is below its size. */
const char *memory_piece(const struct memory *memory, off_t at, size_t *length);

/* Copies [at, at + length), all of it held, to data. 0, or -1 for a memfd: errno of pread(2). */
int	 memory_read(const struct memory *memory, char *data, size_t length, off_t at);

/* Copies data to [at, at + length), which ends at the limit or before; a gap before it becomes zeros. 0, or -1 with the
   size as before: ENOMEM, for a memfd errno of ftruncate(2), pwrite(2). */
int	 memory_write(struct memory *memory, const char *data, size_t length, off_t at);

/* Cuts the memory part to size bytes, at most what it has. */
void	 memory_shrink(struct memory *memory, off_t size);

/* Appends zeros up to size bytes, at most the limit. 0, or -1 as memory_write(). */
int	 memory_grow(struct memory *memory, off_t size);

/* Unmaps all chunks that end at or before an offset. Those bytes must not be read again. */
void	 memory_free_before(struct memory *memory, off_t before);

/* Seals the memfd against every change, and returns a new descriptor of it at offset 0, the caller's to close. It is
   read-only, or, where /proc is missing, fails to write because of the seals. -1: errno of fcntl(2), ftruncate(2). */
int	 memory_seal(struct memory *memory);

/* length bytes of zeros, in huge pages if there are enough for one. The caller unmaps them. NULL: ENOMEM. */
char	*memory_map(size_t length);

/* Unmaps what memory_map() returned for that length. NULL is allowed. */
void	 memory_unmap(char *base, size_t length);

#endif
