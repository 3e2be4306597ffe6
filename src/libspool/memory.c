/*
 * memory.c: the memory part, bytes [0, size) of the stream.
 *
 * It is a list of chunks: anonymous mappings that never move, so growing copies nothing. Or it is a memfd, whose
 * descriptor can be given to a child.
 */
#include <config.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "io.h"
#include "memory.h"
#include "spool.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0
#endif

/*
 * The first chunk is in small pages, so that a small stream touches only what it needs: clearing a huge page for five
 * bytes would take longer than everything else. The other chunks are in huge pages, which halve the time of a gigabyte:
 * one page fault for 2 MiB instead of 512.
 */
#define HUGE_PAGE ((size_t)2 << 20)
#define FIRST_CHUNK HUGE_PAGE
#define LATER_CHUNK ((size_t)16 << 20)

/* The automatic limit, where no control group has less memory. */
#define USUAL_LIMIT ((off_t)64 << 20)

static off_t
smaller(off_t a, off_t b)
{
	return a < b ? a : b;
}

/* The number of the chunk that holds an offset; *start is the chunk's own offset. */
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

/* No chunk reaches beyond the limit, so no more is mapped than may be held. */
static size_t
chunk_length(const struct memory *memory, off_t start)
{
	return (size_t)smaller(memory->limit - start, (off_t)(start == 0 ? FIRST_CHUNK : LATER_CHUNK));
}

/* The stream does not go into core dumps, where the system can leave it out. */
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
/* A mapping that is aligned for huge pages. If the kernel grants none, or cannot trim the mapping, that only costs
   speed and address space. */
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
	/* LCOV_EXCL_START: Linux 6.7 and later align each mapping of this size for huge pages */
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

static off_t
chunk_start(size_t number)
{
	return number == 0 ? 0 : (off_t)(FIRST_CHUNK + (number - 1) * LATER_CHUNK);
}

/* munmap(2) can fail: the kernel may have merged the mapping with its neighbours, and lack memory to split them. Then
   the chunk stays mapped, unused. */
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

void
memory_free_before(struct memory *memory, off_t before)
{
	while (memory->freed < memory->chunk_count && chunk_start(memory->freed + 1) <= before)
		unmap(memory, memory->freed++);
}

/* Maps chunks for all of [0, end), at least one byte. If that fails, those that are new are unmapped again. */
static int
reserve(struct memory *memory, off_t end)
{
	const size_t before = memory->chunk_count;
	off_t start;
	size_t needed;

	/* LCOV_EXCL_START: only on 32-bit machines can an offset be larger than a pointer */
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

/* The limits of the control groups are only read when the stream outgrows the first chunk: for five bytes, reading them
   would take longer than everything else. */
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

void
memory_free(struct memory *memory)
{
	free_chunks(memory, 0);
	free(memory->chunks);
	memory->chunks = NULL;
	memory->freed = 0;
	io_discard(memory->fd);		/* a memfd has no writes that could be lost */
	memory->fd = -1;
	memory->size = memory->dirty = 0;
}

/* A memfd counts as a file: beyond RLIMIT_FSIZE a write to it fails, and raises SIGXFSZ, which would end the process. */
static bool
may_be_file(off_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t)size);
}

int
memory_descriptor(struct memory *memory)
{
	if (!memory->memfd || memory->fd != -1)
		return memory->fd;
	memory->memfd = may_be_file(memory->limit);
	if (!memory->memfd)
		return -1;
#ifdef HAVE_MEMFD_CREATE
	memory->fd = memfd_create("spool", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	/* Linux before 6.3 has no MFD_NOEXEC_SEAL. */
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

char *
memory_room(struct memory *memory, size_t *length)
{
	off_t start;
	size_t number = chunk_at(memory->size, &start);

	if (reserve(memory, memory->size + 1) == -1)
		return NULL;
	*length = chunk_length(memory, start) - (size_t)(memory->size - start);
	/* A read that fails may still have changed this memory. */
	mark_dirty(memory, memory->size + (off_t)*length);
	return memory->chunks[number] + (memory->size - start);
}

/* The bytes from at on, up to end or the end of their chunk. */
static char *
bytes_at(const struct memory *memory, off_t at, off_t end, size_t *length)
{
	off_t start;
	size_t number = chunk_at(at, &start);

	*length = (size_t)smaller(end - at, start + (off_t)chunk_length(memory, start) - at);
	return memory->chunks[number] + (at - start);
}

const char *
memory_piece(const struct memory *memory, off_t at, size_t *length)
{
	return bytes_at(memory, at, memory->size, length);
}

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

/* Copies data, or zeros if it is NULL, to [at, end), for which there are chunks. Memory beyond memory->dirty is zero
   already, and writing zeros there would only allocate pages. */
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

int
memory_write(struct memory *memory, const char *data, size_t length, off_t at)
{
	off_t end = at + (off_t)length;
	int fd = memory_descriptor(memory);

	if (fd != -1) {
		/* An earlier write may have left bytes beyond the size, which must not show in the gap. */
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

/* If a memfd cannot be truncated, it keeps bytes beyond the size, which are never read. */
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
	(void)fchmod(memory->fd, 0400);		/* only informs; the seals protect */
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
