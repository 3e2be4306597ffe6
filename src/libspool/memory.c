/*
 * memory.c: the memory part, bytes [0, size) of the stream.
 *
 * It is a list of chunks: anonymous mappings that never move, so growing copies nothing. Or it is a memfd,
 * which a child can be given as a descriptor.
 */
#include <config.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0
#endif

/*
 * The first chunk is in small pages, so that a small stream touches only what it needs; clearing a huge page
 * for five bytes would take longer than all the rest. The others are in huge pages, which halve the time of
 * a gigabyte: one page fault for 2 MiB instead of 512.
 */
#define HUGE_PAGE ((size_t)2 << 20)
#define FIRST_CHUNK HUGE_PAGE
#define LATER_CHUNK ((size_t)16 << 20)

/* What is automatic, where no control group has less. */
#define USUAL_LIMIT ((off_t)64 << 20)

static off_t
smaller(off_t a, off_t b)
{
	return a < b ? a : b;
}

/* The chunk that holds an offset; *start: where in the stream that chunk begins. */
static size_t
chunk_at(off_t at, off_t *start)
{
	off_t number;

	if (at < (off_t)FIRST_CHUNK) {
		*start = 0;
		return 0;
	}
	number = (at - (off_t)FIRST_CHUNK) / (off_t)LATER_CHUNK;
	*start = (off_t)FIRST_CHUNK + number * (off_t)LATER_CHUNK;
	return (size_t)number + 1;
}

/* No chunk reaches beyond the limit, so what is mapped is never more than may be held. */
static size_t
chunk_length(const struct memory *memory, off_t start)
{
	return (size_t)smaller(memory->limit - start, (off_t)(start == 0 ? FIRST_CHUNK : LATER_CHUNK));
}

/* What is in it does not go into core dumps, where the system can leave it out. */
static char *
map(size_t length)
{
	char *base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
#if HAVE_DECL_MADV_DONTDUMP
	(void)madvise(base, length, MADV_DONTDUMP);
#endif
	return base;
}

#if HAVE_DECL_MADV_HUGEPAGE
/* A mapping that begins where a huge page can; failing to ask for one, or to trim, costs nothing but speed
   and address space. */
static char *
map_huge(size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *base, *start;
	size_t before;

	length = (length + page - 1) / page * page;
	base = map(length + HUGE_PAGE);
	if (base == NULL)
		return map(length);
	before = (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE) % HUGE_PAGE;
	start = base + before;
	/* LCOV_EXCL_START: Linux 6.7 and later begin each mapping of this size where a huge page can */
	if (before > 0)
		(void)munmap(base, before);
	/* LCOV_EXCL_STOP */
	(void)munmap(start + length, HUGE_PAGE - before);
	(void)madvise(start, length, MADV_HUGEPAGE);
	return start;
}
#else
static char *
map_huge(size_t length)
{
	return map(length);
}
#endif

/* Memory of zeros, in huge pages if it is as large; the caller returns it. NULL: ENOMEM. */
char *
memory_map(size_t length)
{
	return length < HUGE_PAGE ? map(length) : map_huge(length);
}

void
memory_unmap(char *base, size_t length)
{
	if (base != NULL)
		(void)munmap(base, length);
}

static int
add_chunk(struct memory *memory, size_t length)
{
	char **chunks = reallocarray(memory->chunks, memory->chunk_count + 1, sizeof(*chunks));
	char *chunk;

	if (chunks == NULL)
		return -1;
	memory->chunks = chunks;
	chunk = length > FIRST_CHUNK ? map_huge(length) : map(length);
	if (chunk == NULL)
		return -1;
	chunks[memory->chunk_count++] = chunk;
	return 0;
}

/* Where in the stream a chunk begins. */
static off_t
chunk_start(size_t number)
{
	return number == 0 ? 0 : (off_t)(FIRST_CHUNK + (number - 1) * LATER_CHUNK);
}

/* The kernel may have merged it with its neighbours, and have no memory to split them: then it stays mapped,
   unused. */
static void
unmap(const struct memory *memory, size_t number)
{
	(void)munmap(memory->chunks[number], chunk_length(memory, chunk_start(number)));
}

/* Frees all chunks from number count on. */
static void
free_chunks(struct memory *memory, size_t count)
{
	while (memory->chunk_count > count) {
		size_t number = --memory->chunk_count;

		if (number >= memory->freed)
			unmap(memory, number);
	}
}

/* Frees all chunks that end at an offset or before it. What they held can not be read any more. */
void
memory_free_before(struct memory *memory, off_t before)
{
	while (memory->freed < memory->chunk_count && chunk_start(memory->freed + 1) <= before)
		unmap(memory, memory->freed++);
}

/* Makes sure that there are chunks for [0, end), at least one byte; if that fails, there are those that there were. */
static int
reserve(struct memory *memory, off_t end)
{
	const size_t before = memory->chunk_count;
	off_t start;
	size_t needed;

	/* LCOV_EXCL_START: an offset may be larger than a pointer only on machines of 32 bits */
	if ((uintmax_t)end > PTRDIFF_MAX) {
		errno = ENOMEM;
		return -1;
	}
	/* LCOV_EXCL_STOP */
	needed = chunk_at(end - 1, &start) + 1;
	while (memory->chunk_count < needed)
		if (add_chunk(memory, chunk_length(memory, chunk_start(memory->chunk_count))) == -1) {
			int error = errno;
			free_chunks(memory, before);
			errno = error;
			return -1;
		}
	return 0;
}

void
memory_init(struct memory *memory, off_t limit, bool memfd)
{
	const bool automatic = limit == SPOOL_AUTOMATIC;

	*memory = (struct memory){ .limit = automatic ? USUAL_LIMIT : limit, .automatic = automatic, .memfd = memfd,
	    .fd = -1 };
}

/* The control groups are asked when there is more than the first chunk: for five bytes, that would take longer than
   all the rest. */
off_t
memory_limit(struct memory *memory, off_t end)
{
	off_t part;

	if (!memory->automatic || end <= (off_t)FIRST_CHUNK)
		return memory->limit;
	memory->automatic = false;
	part = cache_group_limit() / 4;
	memory->limit = smaller(memory->limit, part > (off_t)FIRST_CHUNK ? part : (off_t)FIRST_CHUNK);
	return memory->limit;
}

/* Gives everything back and holds nothing. */
void
memory_free(struct memory *memory)
{
	free_chunks(memory, 0);
	free(memory->chunks);
	memory->chunks = NULL;
	memory->freed = 0;
	if (memory->fd != -1)
		(void)close(memory->fd);	/* nobody has been told that its bytes are kept */
	memory->fd = -1;
	memory->size = memory->dirty = 0;
}

/* The memfd; -1 if the memory part is chunks, because that was asked for or a memfd cannot be had. */
int
memory_descriptor(struct memory *memory)
{
	if (!memory->memfd || memory->fd != -1)
		return memory->fd;
#ifdef HAVE_MEMFD_CREATE
	memory->fd = memfd_create("spool", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	/* Linux before 6.3 knows no MFD_NOEXEC_SEAL. */
	if (memory->fd == -1 && errno == EINVAL)
		memory->fd = memfd_create("spool", MFD_CLOEXEC | MFD_ALLOW_SEALING);
#endif
	memory->memfd = memory->fd != -1;
	return memory->fd;
}

static void
mark_dirty(struct memory *memory, off_t end)
{
	if (end > memory->dirty)
		memory->dirty = end;
}

/* Room for the bytes from memory->size on, *length of them in a row, if the memory part is chunks and not
   full. The caller adds what it put there to memory->size. */
char *
memory_room(struct memory *memory, size_t *length)
{
	off_t start;
	size_t number = chunk_at(memory->size, &start);

	if (reserve(memory, memory->size + 1) == -1)
		return NULL;
	*length = chunk_length(memory, start) - (size_t)(memory->size - start);
	/* A read that fails may have left anything there. */
	mark_dirty(memory, memory->size + (off_t)*length);
	return memory->chunks[number] + (memory->size - start);
}

static char *
bytes_at(const struct memory *memory, off_t at, off_t end, size_t *length)
{
	off_t start;
	size_t number = chunk_at(at, &start);

	*length = (size_t)smaller(end - at, start + (off_t)chunk_length(memory, start) - at);
	return memory->chunks[number] + (at - start);
}

/* The bytes held from at on, *length of them in a row, if the memory part is chunks. */
const char *
memory_piece(const struct memory *memory, off_t at, size_t *length)
{
	return bytes_at(memory, at, memory->size, length);
}

/* Reads [at, at + length), all of it held. */
int
memory_read(const struct memory *memory, char *data, size_t length, off_t at)
{
	if (memory->fd != -1)
		return io_read_at(memory->fd, data, length, at);
	while (length > 0) {
		size_t n;
		const char *piece = bytes_at(memory, at, at + (off_t)length, &n);

		memcpy(data, piece, n);
		data += n;
		length -= n;
		at += (off_t)n;
	}
	return 0;
}

/* Copies data, or zeros if it is NULL, to [at, end), which has been reserved. New chunks are zeros already, and
   touching them would only take memory. */
static void
put(struct memory *memory, const char *data, off_t at, off_t end)
{
	if (data == NULL)
		end = smaller(end, memory->dirty);
	else
		mark_dirty(memory, end);
	while (at < end) {
		size_t n;
		char *piece = bytes_at(memory, at, end, &n);

		if (data == NULL) {
			memset(piece, 0, n);
		} else {
			memcpy(piece, data, n);
			data += n;
		}
		at += (off_t)n;
	}
}

/* Writes [at, at + length), within the limit; a gap before it becomes zeros. If it fails, the size is as it
   was. */
int
memory_write(struct memory *memory, const char *data, size_t length, off_t at)
{
	off_t end = at + (off_t)length;
	int fd = memory_descriptor(memory);

	if (fd != -1) {
		/* What may be left beyond the size must not show in a gap. */
		if (at > memory->size && io_truncate(fd, memory->size) == -1)
			return -1;
		if (io_write_at(fd, data, length, at) == -1)
			return -1;
	} else {
		if (reserve(memory, end) == -1)
			return -1;
		if (at > memory->size)
			put(memory, NULL, memory->size, at);
		put(memory, data, at, end);
	}
	if (end > memory->size)
		memory->size = end;
	return 0;
}

/* Cuts the memory part to size, at most what it has. It cannot fail: a memfd that will not shrink keeps bytes
   that nobody looks at. */
void
memory_shrink(struct memory *memory, off_t size)
{
	off_t start;

	if (memory->fd != -1)
		(void)io_truncate(memory->fd, size);
	else
		free_chunks(memory, size == 0 ? 0 : chunk_at(size - 1, &start) + 1);
	memory->size = size;
}

/* Adds zeros up to size, which is within the limit. If it fails, the size is as it was. */
int
memory_grow(struct memory *memory, off_t size)
{
	int fd = memory_descriptor(memory);

	if (fd != -1) {
		if (io_truncate(fd, memory->size) == -1 || io_truncate(fd, size) == -1)
			return -1;
	} else {
		if (reserve(memory, size) == -1)
			return -1;
		put(memory, NULL, memory->size, size);
	}
	memory->size = size;
	return 0;
}

/* Seals the memfd against every change and returns a new descriptor of it, at offset 0: read-only, or where /proc
   is missing, one that fails to write all the same. */
int
memory_seal(struct memory *memory)
{
#ifdef HAVE_MEMFD_CREATE
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = io_reopen(memory->fd, O_RDONLY);

	if (fd == -1)
		fd = fcntl(memory->fd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)fchmod(memory->fd, 0400);		/* it only says what the seals see to */
	if (lseek(fd, 0, SEEK_SET) == -1 || io_truncate(memory->fd, memory->size) == -1
	    || (!memory->sealed && fcntl(memory->fd, F_ADD_SEALS, seals) == -1)) {
		io_discard(fd);
		return -1;
	}
	memory->sealed = true;
	return fd;
#else
	(void)memory;
	errno = ENOSYS;
	return -1;
#endif
}
