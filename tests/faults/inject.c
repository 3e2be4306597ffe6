/*
 * inject.c: is loaded before libc (LD_PRELOAD, ld.so(8)); then calls of spool fail, or move less than asked.
 *
 *	FAIL		"CALL:ERROR:FIRST[-LAST],...": which calls, counted from 1 for each of these rules, over all threads,
 *			and with what errno. The CALL "allocate" stands for malloc, calloc, realloc and reallocarray. The
 *			ERROR NOTHING: the call gives 0; GO: the call is made, after FAIL_DO
 *	FAIL_DO		what the shell does before such a call, for which spool waits
 *	FAIL_TYPE	what fstatfs says that each file system is, in hexadecimal digits
 *	FAIL_LOG	a file to make when a call has failed
 *	FAIL_SEED	a number: reads, writes and splices move less than asked, or fail with EINTR, as this seed has it
 *
 * The programs that spool starts are left alone, and so is what gcov does at the end.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The stand-ins hand on words; and the calls have no other names for large files. */
_Static_assert(sizeof(long) == sizeof(off_t) && sizeof(long) == sizeof(size_t), "64 bits");

#define RULES 8
#define GO (-2)

static struct rule {
	char call[32];
	int error;
	long first, last;
	atomic_long count;
} rules[RULES];

static atomic_bool on, begun;
static bool rough;
static _Atomic uint64_t seed;

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EACCES", EACCES }, { "EAGAIN", EAGAIN }, { "EBADF", EBADF }, { "EBADFD", EBADFD }, { "EBUSY", EBUSY },
	{ "ECHILD", ECHILD }, { "EEXIST", EEXIST }, { "EINTR", EINTR }, { "EINVAL", EINVAL }, { "EIO", EIO }, { "EMFILE", EMFILE },
	{ "ENODATA", ENODATA }, { "ENODEV", ENODEV }, { "ENOENT", ENOENT }, { "ENOMEM", ENOMEM }, { "ENOSPC", ENOSPC },
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EROFS", EROFS }, { "NOTHING", 0 },
	{ "ECONNRESET", ECONNRESET }, { "ENOLCK", ENOLCK }, { "ENOTTY", ENOTTY }, { "ENOTSUP", ENOTSUP },
	{ "EOPNOTSUPP", EOPNOTSUPP }, { "ESTALE", ESTALE },
	{ "GO", GO },
};

/* For coverage/dump.c: while gcov is writing, nothing fails. */
void	fail_pause(bool pause);

void
fail_pause(bool pause)
{
	atomic_store(&on, !pause && rules[0].first > 0);
}

static void
end(void)
{
	fail_pause(true);
}

/* "CALL:ERROR:FIRST-LAST" */
static void
read_rule(struct rule *rule, const char *text)
{
	char error[16] = "";
	int n = sscanf(text, "%31[^:]:%15[^:]:%ld-%ld", rule->call, error, &rule->first, &rule->last);

	if (n == 3)
		rule->last = rule->first;
	for (size_t i = 0; n >= 3 && i < sizeof(errors) / sizeof(*errors); i++) {
		if (strcmp(error, errors[i].name) == 0) {
			rule->error = errors[i].number;
			return;
		}
	}
	fprintf(stderr, "inject.c: what is %s?\n", text);
	_exit(99);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAIL"), *number = getenv("FAIL_SEED");

	if (strcmp(program_invocation_short_name, "spool") != 0 && strcmp(program_invocation_short_name, "sponge") != 0)
		return;
	unsetenv("LD_PRELOAD");
	for (int i = 0; i < RULES && text != NULL; i++) {
		read_rule(&rules[i], text);
		text = strchr(text, ',');
		if (text != NULL)
			text++;
	}
	if (number != NULL) {
		seed = strtoull(number, NULL, 10) * 0x9e3779b97f4a7c15U + 1;
		rough = true;
	}
	fail_pause(false);
}

static void
do_before(void)
{
	const char *script = getenv("FAIL_DO");

	if (script == NULL || system(script) != 0)
		_exit(99);
}

/* Whether this call fails, and with what. */
static bool
fails(const char *call, int *error)
{
	bool now = false;

	if (!atomic_load(&on))
		return false;
	/* What is registered once the program runs is called before gcov writes. */
	if (!atomic_exchange(&begun, true))
		(void)atexit(end);
	for (int i = 0; i < RULES; i++) {
		long count;

		if (strcmp(rules[i].call, call) != 0)
			continue;
		count = atomic_fetch_add(&rules[i].count, 1) + 1;
		if (now || count < rules[i].first || count > rules[i].last)
			continue;
		*error = rules[i].error;
		if (*error == GO) {
			do_before();
			continue;
		}
		if (getenv("FAIL_LOG") != NULL)
			(void)syscall(SYS_mknodat, AT_FDCWD, getenv("FAIL_LOG"), 0100644, 0);
		now = true;
	}
	return now;
}

static void *
real(const char *call, void **found)
{
	if (*found == NULL)
		*found = dlsym(RTLD_NEXT, call);
	return *found;
}

/*
 * Rough transfers
 */

/* splitmix64; threads that draw at the same time may draw in another order when run again. */
static uint64_t
draw(uint64_t below)
{
	uint64_t x = atomic_fetch_add(&seed, 0x9e3779b97f4a7c15U);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return (x ^ (x >> 31)) % below;
}

/* Whether the call is to be interrupted; else how much of length it may move, at least one byte. */
static bool
interrupt(long *length)
{
	if (!rough || *length == 0)
		return false;
	if (draw(8) == 0) {
		errno = EINTR;
		return true;
	}
	if (draw(3) == 0)
		*length = 1 + (long)draw((uint64_t)(*length < 5000 || draw(4) == 0 ? *length : 5000));
	return false;
}

/* O_DIRECT knows whole blocks only. */
static bool
interrupt_at(long fd, long *length)
{
	const long asked = *length;

	if (interrupt(length))
		return true;
	if (*length < asked && (fcntl((int)fd, F_GETFL) & O_DIRECT) != 0)
		*length = *length < 4096 ? asked : *length / 4096 * 4096;
	return false;
}

/* Several pieces: a part of the first, which is put into *first, or all. */
static bool
interrupt_pieces(long *pieces, long *count, struct iovec *first)
{
	const struct iovec *given = (const struct iovec *)*pieces;
	long length;

	if (!rough || *count < 1)
		return false;
	*first = given[0];
	length = (long)first->iov_len;
	if (interrupt(&length))
		return true;
	if (length < (long)given[0].iov_len) {
		first->iov_len = (size_t)length;
		*pieces = (long)first;
		*count = 1;
	}
	return false;
}

/*
 * A stand-in for each call: it hands on six words, as many as any takes. failure: what the call then gives; error: the
 * errno, and what those give that return it. interrupted: what is asked when the call does not fail.
 */
#define STAND_IN_FOR(name, failure, interrupted) \
	long fail_##name(long a, long b, long c, long d, long e, long f) __asm__(#name); \
	long \
	fail_##name(long a, long b, long c, long d, long e, long f) \
	{ \
		static void *found; \
		long (*next)(long, long, long, long, long, long); \
		struct iovec piece; \
		int error; \
	\
		(void)piece; \
		if (fails(#name, &error)) { \
			errno = error; \
			return failure; \
		} \
		if (interrupted) \
			return -1; \
		*(void **)&next = real(#name, &found); \
		return next(a, b, c, d, e, f); \
	}
#define STAND_IN(name, failure) STAND_IN_FOR(name, failure, false)

#define GIVES_ERROR error
#define GIVES_MINUS_ONE error == 0 ? 0 : -1
#define GIVES_NULL 0

STAND_IN(access, GIVES_MINUS_ONE)
STAND_IN(clock_gettime, GIVES_MINUS_ONE)
STAND_IN(connect, GIVES_MINUS_ONE)
STAND_IN(dup, GIVES_MINUS_ONE)
STAND_IN(dup2, GIVES_MINUS_ONE)
STAND_IN(faccessat, GIVES_MINUS_ONE)
STAND_IN(fallocate, GIVES_MINUS_ONE)
STAND_IN(fchmod, GIVES_MINUS_ONE)
STAND_IN(fchown, GIVES_MINUS_ONE)
STAND_IN(fcntl, GIVES_MINUS_ONE)
STAND_IN(fgetxattr, GIVES_MINUS_ONE)
STAND_IN(flistxattr, GIVES_MINUS_ONE)
STAND_IN(fremovexattr, GIVES_MINUS_ONE)
STAND_IN(fsetxattr, GIVES_MINUS_ONE)
STAND_IN(fstat, GIVES_MINUS_ONE)
STAND_IN(fstatat, GIVES_MINUS_ONE)
STAND_IN(flock, GIVES_MINUS_ONE)
STAND_IN(fopen, GIVES_NULL)
STAND_IN(ftruncate, GIVES_MINUS_ONE)
STAND_IN(futimens, GIVES_MINUS_ONE)
STAND_IN(getrlimit, GIVES_MINUS_ONE)
STAND_IN(getrusage, GIVES_MINUS_ONE)
STAND_IN(ioctl, GIVES_MINUS_ONE)
STAND_IN(kill, GIVES_MINUS_ONE)
STAND_IN(linkat, GIVES_MINUS_ONE)
STAND_IN(lseek, GIVES_MINUS_ONE)
STAND_IN(madvise, GIVES_MINUS_ONE)
STAND_IN(memfd_create, GIVES_MINUS_ONE)
STAND_IN(mkostemp, GIVES_MINUS_ONE)
STAND_IN(mkostemps, GIVES_MINUS_ONE)
STAND_IN(mmap, -1)
STAND_IN(munmap, GIVES_MINUS_ONE)
STAND_IN(open, GIVES_MINUS_ONE)
STAND_IN(openat, GIVES_MINUS_ONE)
STAND_IN(pipe2, GIVES_MINUS_ONE)
STAND_IN(poll, GIVES_MINUS_ONE)
STAND_IN(ppoll, GIVES_MINUS_ONE)
STAND_IN(posix_spawn, GIVES_ERROR)
STAND_IN(posix_spawn_file_actions_adddup2, GIVES_ERROR)
STAND_IN(posix_spawn_file_actions_init, GIVES_ERROR)
STAND_IN(posix_spawnattr_init, GIVES_ERROR)
STAND_IN(posix_spawnattr_setflags, GIVES_ERROR)
STAND_IN(posix_spawnattr_setsigdefault, GIVES_ERROR)
STAND_IN(posix_spawnattr_setsigmask, GIVES_ERROR)
STAND_IN_FOR(pread, GIVES_MINUS_ONE, interrupt_at(a, &c))
STAND_IN(pthread_attr_init, GIVES_ERROR)
STAND_IN(pthread_create, GIVES_ERROR)
STAND_IN_FOR(pwrite, GIVES_MINUS_ONE, interrupt_at(a, &c))
STAND_IN_FOR(read, GIVES_MINUS_ONE, interrupt(&c))
STAND_IN(readlink, GIVES_MINUS_ONE)
STAND_IN_FOR(readv, GIVES_MINUS_ONE, interrupt_pieces(&b, &c, &piece))
STAND_IN(renameat, GIVES_MINUS_ONE)
STAND_IN(renameat2, GIVES_MINUS_ONE)
STAND_IN(setenv, GIVES_MINUS_ONE)
STAND_IN(rmdir, GIVES_MINUS_ONE)
STAND_IN(sigaction, GIVES_MINUS_ONE)
STAND_IN(sigpending, GIVES_MINUS_ONE)
STAND_IN(sigtimedwait, GIVES_MINUS_ONE)
STAND_IN(sigwait, GIVES_ERROR)
STAND_IN(socket, GIVES_MINUS_ONE)
STAND_IN_FOR(splice, GIVES_MINUS_ONE, interrupt(&e))
STAND_IN(stat, GIVES_MINUS_ONE)
STAND_IN(statx, GIVES_MINUS_ONE)
STAND_IN(sync_file_range, GIVES_MINUS_ONE)
STAND_IN(unlink, GIVES_MINUS_ONE)
STAND_IN(unlinkat, GIVES_MINUS_ONE)
STAND_IN_FOR(vmsplice, GIVES_MINUS_ONE, interrupt_pieces(&b, &c, &piece))
STAND_IN(waitid, GIVES_MINUS_ONE)
STAND_IN(waitpid, GIVES_MINUS_ONE)
/* A message is written once; half of it would be no better. */
STAND_IN_FOR(write, GIVES_MINUS_ONE, a != STDERR_FILENO && interrupt(&c))
STAND_IN(asprintf, -1)
STAND_IN(fdopen, GIVES_NULL)
STAND_IN(fdopendir, GIVES_NULL)
STAND_IN(mkdtemp, GIVES_NULL)
STAND_IN(strdup, GIVES_NULL)

int
fstatfs(int fd, struct statfs *system)
{
	const char *type = getenv("FAIL_TYPE");
	int error, result = (int)syscall(SYS_fstatfs, fd, system);

	if (fails("fstatfs", &error)) {
		errno = error;
		return -1;
	}
	if (result == 0 && type != NULL && atomic_load(&on))
		system->f_type = (long)strtoul(type, NULL, 16);
	return result;
}

/* One that fails has closed all the same. */
int
close(int fd)
{
	int error, result = (int)syscall(SYS_close, fd);

	if (result == -1 || !fails("close", &error))
		return result;
	errno = error;
	return -1;
}

/* Nobody cuts the power here, so nothing waits for the disk. */
#define WITHOUT_WAITING(name) \
	int \
	name(int fd) \
	{ \
		int error; \
	\
		(void)fd; \
		if (!fails(#name, &error)) \
			return 0; \
		errno = error; \
		return -1; \
	}

WITHOUT_WAITING(fsync)
WITHOUT_WAITING(syncfs)

/* glibc's own, which need no dlsym(3): that allocates, and so does the loader. */
void	*__libc_malloc(size_t size);
void	*__libc_calloc(size_t count, size_t size);
void	*__libc_realloc(void *old, size_t size);

static bool
no_memory(const char *call)
{
	int error;

	if (!fails(call, &error) && !fails("allocate", &error))
		return false;
	errno = error;
	return true;
}

void *
malloc(size_t size)
{
	return no_memory("malloc") ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return no_memory("calloc") ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return no_memory("realloc") ? NULL : __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * size);
}
