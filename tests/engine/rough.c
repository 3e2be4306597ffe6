/*
 * rough.c: wraps the C library's calls in libspool (ld --wrap) and makes them fail.
 *
 * A call that is made to fail has no effect, just as a refused system call has none. The calls of the I/O threads are
 * wrapped too; the seed does not determine which thread comes first.
 */
#include <config.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rough.h"

bool rough_on;
enum rough_lasting rough_lasts;
unsigned rough_fail_in, rough_shake, rough_count;
const char *rough_failed;

static uint64_t state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* for all variables above */

void
rough_seed(unsigned seed)
{
	state = seed * 0x9E3779B97F4A7C15U + 1;
}

unsigned
rough_random(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 11) % below;
}

static bool
fails(const char *name, int error)
{
	bool now;

	if (!rough_on)
		return false;
	pthread_mutex_lock(&lock);
	rough_count++;
	now = (rough_fail_in > 0 && --rough_fail_in == 0)
	    || (rough_failed != NULL && (rough_lasts == ROUGH_ALL
	    || (rough_lasts == ROUGH_SAME && strcmp(rough_failed, name) == 0)));
	if (now)
		rough_failed = name;
	pthread_mutex_unlock(&lock);
	if (now)
		errno = error;
	return now;
}

/* A random number below a bound, for any thread; 1, which means no, if no call is to be interrupted or cut short. */
static unsigned
shaken(unsigned below)
{
	unsigned number;

	if (!rough_on || rough_shake == 0)
		return 1;
	pthread_mutex_lock(&lock);
	number = rough_random(below);
	pthread_mutex_unlock(&lock);
	return number;
}

/* By a signal; or, if the call may block, by EAGAIN for a descriptor that poll(2) finds ready. */
static bool
interrupted(int other)
{
	if (shaken(rough_shake) != 0)
		return false;
	errno = shaken(2) == 0 ? EINTR : other;
	return true;
}

/* Direct I/O moves multiples of the disk's block size, so half of the short counts are such multiples. */
static size_t
shortened(size_t length)
{
	if (length < 2 || shaken(rough_shake) != 0)
		return length;
	if (length % 4096 == 0 && length > 4096 && shaken(2) == 0)
		return length - 4096;
	return 1 + shaken((unsigned)length - 1);
}

/* A call that moves length bytes and may be interrupted. */
#define WRAP_IO(name, error, other, parameters, arguments) \
	ssize_t __real_##name parameters; \
	ssize_t __wrap_##name parameters; \
	ssize_t __wrap_##name parameters \
	{ \
		if (fails(#name, error) || interrupted(other)) \
			return -1; \
		length = shortened(length); \
		return __real_##name arguments; \
	}

#define WRAP(type, name, failure, error, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails(#name, error) ? (failure) : __real_##name arguments; \
	}

WRAP_IO(read, EIO, EAGAIN, (int fd, void *data, size_t length), (fd, data, length))
WRAP_IO(write, ENOSPC, EAGAIN, (int fd, const void *data, size_t length), (fd, data, length))
WRAP_IO(pread, EIO, EINTR, (int fd, void *data, size_t length, off_t at), (fd, data, length, at))
WRAP_IO(pwrite, ENOSPC, EINTR, (int fd, const void *data, size_t length, off_t at), (fd, data, length, at))
WRAP_IO(splice, EIO, EAGAIN, (int in, off_t *from, int out, off_t *to, size_t length, unsigned flags),
    (in, from, out, to, length, flags))
WRAP(ssize_t, vmsplice, -1, EINVAL, (int fd, const struct iovec *pieces, size_t count, unsigned flags),
    (fd, pieces, count, flags))
WRAP(int, memfd_create, -1, EMFILE, (const char *name, unsigned flags), (name, flags))
WRAP(off_t, lseek, -1, EIO, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP(int, fstat, -1, EIO, (int fd, struct stat *status), (fd, status))
WRAP(int, fchmod, -1, EPERM, (int fd, mode_t mode), (fd, mode))
WRAP(int, mkostemps, -1, EACCES, (char *path, int suffix, int flags), (path, suffix, flags))
WRAP(void *, mmap, MAP_FAILED, ENOMEM, (void *at, size_t length, int how, int flags, int fd, off_t offset),
    (at, length, how, flags, fd, offset))
WRAP(int, madvise, -1, EINVAL, (void *at, size_t length, int advice), (at, length, advice))
#ifdef HAVE_STATX
WRAP(int, statx, -1, EINVAL,
    (int fd, const char *restrict path, int flags, unsigned mask, struct statx *restrict status),
    (fd, path, flags, mask, status))
#endif
WRAP(int, fstatfs, -1, EIO, (int fd, struct statfs *status), (fd, status))
WRAP(int, pthread_create, EAGAIN, 0, (pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
    void *(*run)(void *), void *restrict cookie), (thread, attributes, run, cookie))
WRAP(void *, malloc, NULL, ENOMEM, (size_t size), (size))
WRAP(void *, calloc, NULL, ENOMEM, (size_t count, size_t size), (count, size))
WRAP(void *, reallocarray, NULL, ENOMEM, (void *old, size_t count, size_t size), (old, count, size))
WRAP(char *, strdup, NULL, ENOMEM, (const char *text), (text))

int __real_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_attr_init(pthread_attr_t *attributes);

int
__wrap_pthread_attr_init(pthread_attr_t *attributes)
{
	/* The thread sanitizer itself calls this in each new thread. */
	if (gettid() == getpid() && fails("pthread_attr_init", 0))
		return ENOMEM;
	return __real_pthread_attr_init(attributes);
}

ssize_t __real_readv(int fd, const struct iovec *pieces, int count);
ssize_t __wrap_readv(int fd, const struct iovec *pieces, int count);

ssize_t
__wrap_readv(int fd, const struct iovec *pieces, int count)
{
	if (fails("readv", EIO) || interrupted(EAGAIN))
		return -1;
	return __real_readv(fd, pieces, count > 1 && shaken(rough_shake) == 0 ? 1 : count);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);

int
__wrap_ftruncate(int fd, off_t size)
{
	return fails("ftruncate", EIO) || interrupted(EINTR) ? -1 : __real_ftruncate(fd, size);
}

/* unlink(2) is not wrapped: if it failed, the name would stay. tests/faults/races.bats tests that. */

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);	/* undefined if it was not given, and then not used */
	va_end(arguments);
	return fails("open", EMFILE) ? -1 : __real_open(path, flags, mode);
}

int __real_fcntl(int fd, int command, intptr_t argument);
int __wrap_fcntl(int fd, int command, ...);

int
__wrap_fcntl(int fd, int command, ...)
{
	va_list arguments;
	intptr_t argument;

	va_start(arguments, command);
	argument = va_arg(arguments, intptr_t);
	va_end(arguments);
	return fails("fcntl", EMFILE) ? -1 : __real_fcntl(fd, command, argument);
}
