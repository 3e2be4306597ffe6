/*
 * shim.c: is loaded before libc (LD_PRELOAD, ld.so(8)) and makes the system rough.
 *
 *	SHIM_SEED=N		reads, writes and splices move less than asked, or fail with EINTR, as this seed has it
 *	SHIM_FAIL=NAME:N	the Nth call of malloc (calloc, realloc, ... too) or mmap fails with ENOMEM; N+: all from there
 *	SHIM_REPORT=FILE	is made when such a call has failed
 *
 * Programs that spool starts are spared.
 */
#include <config.h>

#include <sys/mman.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MALLOC, MMAP, KINDS };
static const char *const names[KINDS] = { "malloc", "mmap" };

static struct {
	bool rough;
	_Atomic uint64_t random;
	struct {
		long first;		/* the call that fails, or 0 */
		bool all;		/* and those after it */
		atomic_long calls;
	} fail[KINDS];
	const char *report;
} shim;

static void
read_fail(const char *text)
{
	for (int kind = 0; kind < KINDS; kind++) {
		size_t length = strlen(names[kind]);
		char *end;

		if (strncmp(text, names[kind], length) != 0 || text[length] != ':')
			continue;
		shim.fail[kind].first = strtol(text + length + 1, &end, 10);
		shim.fail[kind].all = *end == '+';
	}
}

__attribute__((constructor)) static void
begin(void)
{
	const char *seed = getenv("SHIM_SEED"), *fail = getenv("SHIM_FAIL");

	shim.report = getenv("SHIM_REPORT");
	if (seed != NULL) {
		shim.random = strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15U + 1;
		shim.rough = true;
	}
	if (fail != NULL)
		read_fail(fail);
	unsetenv("LD_PRELOAD");
	for (int kind = 0; kind < KINDS; kind++)
		shim.fail[kind].calls = 0;	/* from here on is the program */
}

/* What is behind the name, in libc. */
static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/*
 * Rough transfers
 */

/* splitmix64; threads that draw at the same time may draw in another order when run again. */
static uint64_t
draw(uint64_t below)
{
	uint64_t x = atomic_fetch_add(&shim.random, 0x9e3779b97f4a7c15U);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return (x ^ (x >> 31)) % below;
}

/* Whether the call is to be interrupted; else how much of length it may move, at least one byte. */
static bool
interrupt(size_t *length)
{
	if (!shim.rough || *length == 0)
		return false;
	if (draw(8) == 0) {
		errno = EINTR;
		return true;
	}
	if (draw(3) == 0)
		*length = 1 + (size_t)draw(*length < 5000 || draw(4) == 0 ? *length : 5000);
	return false;
}

ssize_t
read(int fd, void *data, size_t length)
{
	static ssize_t (*next)(int, void *, size_t);

	if (next == NULL)
		*(void **)&next = real("read");
	return interrupt(&length) ? -1 : next(fd, data, length);
}

ssize_t
readv(int fd, const struct iovec *pieces, int count)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	struct iovec first;

	if (next == NULL)
		*(void **)&next = real("readv");
	if (count < 1)
		return next(fd, pieces, count);
	first = pieces[0];
	if (interrupt(&first.iov_len))
		return -1;
	return first.iov_len < pieces[0].iov_len ? next(fd, &first, 1) : next(fd, pieces, count);
}

ssize_t
write(int fd, const void *data, size_t length)
{
	static ssize_t (*next)(int, const void *, size_t);

	if (next == NULL)
		*(void **)&next = real("write");
	/* A message is written once; half of it would be no better. */
	return fd != STDERR_FILENO && interrupt(&length) ? -1 : next(fd, data, length);
}

/* With and without AC_SYS_LARGEFILE, which renames them. O_DIRECT knows whole blocks only. */
static bool
interrupt_at(int fd, size_t *length)
{
	size_t asked = *length;

	if (interrupt(length))
		return true;
	if (*length < asked && (fcntl(fd, F_GETFL) & O_DIRECT) != 0)
		*length = *length < 4096 ? asked : *length / 4096 * 4096;
	return false;
}

#define AT(name, pointer, type) \
ssize_t name(int fd, pointer data, size_t length, type at); \
ssize_t \
name(int fd, pointer data, size_t length, type at) \
{ \
	static ssize_t (*next)(int, pointer, size_t, type); \
\
	if (next == NULL) \
		*(void **)&next = real(#name); \
	return interrupt_at(fd, &length) ? -1 : next(fd, data, length, at); \
}
AT(pread, void *, off_t)
AT(pwrite, const void *, off_t)
#ifdef __GLIBC__
AT(pread64, void *, off64_t)
AT(pwrite64, const void *, off64_t)
#endif

ssize_t
splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t length, unsigned flags)
{
	static ssize_t (*next)(int, off64_t *, int, off64_t *, size_t, unsigned);

	if (next == NULL)
		*(void **)&next = real("splice");
	return interrupt(&length) ? -1 : next(in, in_at, out, out_at, length, flags);
}

ssize_t
vmsplice(int fd, const struct iovec *pieces, size_t count, unsigned flags)
{
	static ssize_t (*next)(int, const struct iovec *, size_t, unsigned);
	struct iovec first;

	if (next == NULL)
		*(void **)&next = real("vmsplice");
	if (count < 1)
		return next(fd, pieces, count, flags);
	first = pieces[0];
	return interrupt(&first.iov_len) ? -1 : next(fd, &first, 1, flags);
}

/*
 * Allocations
 */

static bool
fails(int kind)
{
	long number = ++shim.fail[kind].calls, first = shim.fail[kind].first;
	int fd;

	if (first == 0 || number < first || (number > first && !shim.fail[kind].all))
		return false;
	if (shim.report != NULL) {
		fd = open(shim.report, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd != -1)
			(void)close(fd);
	}
	errno = ENOMEM;
	return true;
}

/* glibc's own, which need no dlsym(3): that may allocate. */
void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);

void *
malloc(size_t length)
{
	return fails(MALLOC) ? NULL : __libc_malloc(length);
}

void *
calloc(size_t count, size_t length)
{
	return fails(MALLOC) ? NULL : __libc_calloc(count, length);
}

void *
realloc(void *old, size_t length)
{
	return fails(MALLOC) ? NULL : __libc_realloc(old, length);
}

void *
reallocarray(void *old, size_t count, size_t length)
{
	if (length != 0 && count > SIZE_MAX / length) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * length);
}

#define MAP(name, type) \
void *name(void *address, size_t length, int protection, int flags, int fd, type at); \
void * \
name(void *address, size_t length, int protection, int flags, int fd, type at) \
{ \
	static void *(*next)(void *, size_t, int, int, int, type); \
\
	if (next == NULL) \
		*(void **)&next = real(#name); \
	return fails(MMAP) ? MAP_FAILED : next(address, length, protection, flags, fd, at); \
}
MAP(mmap, off_t)
#ifdef __GLIBC__
MAP(mmap64, off64_t)
#endif
