/*
 * fail.c: a library to preload, by which spool's calls of the C library fail, or some of them.
 *
 *	FAIL		"call:error:first[-last],...": which of its calls, counted from 1, and with what errno; a number
 *			is counted for each rule, over all threads. NOTHING: it gives 0. GO: it is made, after FAIL_DO
 *	FAIL_DO		what the shell does before such a call, for which spool waits
 *	FAIL_LOG	a file to make when one has failed
 *
 * What gcov does at the end is left alone, and so are the programs that spool starts.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULES 8
#define GO (-2)

static struct rule {
	char call[32];
	int error;
	long first, last;
	atomic_long count;
} rules[RULES];

static atomic_bool on, begun;

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EACCES", EACCES }, { "EAGAIN", EAGAIN }, { "EBADF", EBADF }, { "EBUSY", EBUSY }, { "ECHILD", ECHILD },
	{ "EEXIST", EEXIST }, { "EINTR", EINTR }, { "EINVAL", EINVAL }, { "EIO", EIO }, { "EMFILE", EMFILE },
	{ "ENODATA", ENODATA }, { "ENODEV", ENODEV }, { "ENOENT", ENOENT }, { "ENOMEM", ENOMEM }, { "ENOSPC", ENOSPC },
	{ "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EROFS", EROFS }, { "NOTHING", 0 },
	{ "ECONNRESET", ECONNRESET }, { "ENOTSUP", ENOTSUP }, { "EOPNOTSUPP", EOPNOTSUPP }, { "GO", GO },
};

/* For dump.c: while gcov is writing, nothing fails. */
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

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("FAIL");

	if (text == NULL || (strcmp(program_invocation_short_name, "spool") != 0
	    && strcmp(program_invocation_short_name, "sponge") != 0))
		return;
	for (int i = 0; i < RULES && text != NULL; i++) {
		char error[16] = "";
		struct rule *rule = &rules[i];
		int n = sscanf(text, "%31[^:]:%15[^:]:%ld-%ld", rule->call, error, &rule->first, &rule->last);

		if (n == 3)
			rule->last = rule->first;
		rule->error = -1;
		for (size_t k = 0; k < sizeof(errors) / sizeof(*errors); k++)
			if (strcmp(error, errors[k].name) == 0)
				rule->error = errors[k].number;
		if (n < 3 || rule->error == -1) {
			fprintf(stderr, "fail.c: what is %s?\n", text);
			_exit(99);
		}
		text = strchr(text, ',');
		if (text != NULL)
			text++;
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
 * A stand-in for each call: it hands on six words, as many as any takes. failure: what the call then gives; error: the
 * errno, and what those give that return it.
 */
#define STAND_IN(name, failure) \
	long fail_##name(long a, long b, long c, long d, long e, long f) __asm__(#name); \
	long \
	fail_##name(long a, long b, long c, long d, long e, long f) \
	{ \
		static void *found; \
		long (*next)(long, long, long, long, long, long); \
		int error; \
	\
		if (fails(#name, &error)) { \
			errno = error; \
			return failure; \
		} \
		*(void **)&next = real(#name, &found); \
		return next(a, b, c, d, e, f); \
	}

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
STAND_IN(fstatfs, GIVES_MINUS_ONE)
STAND_IN(fopen, GIVES_NULL)
STAND_IN(ftruncate, GIVES_MINUS_ONE)
STAND_IN(futimens, GIVES_MINUS_ONE)
STAND_IN(getrlimit, GIVES_MINUS_ONE)
STAND_IN(getrusage, GIVES_MINUS_ONE)
STAND_IN(ioctl, GIVES_MINUS_ONE)
STAND_IN(linkat, GIVES_MINUS_ONE)
STAND_IN(lseek, GIVES_MINUS_ONE)
STAND_IN(madvise, GIVES_MINUS_ONE)
STAND_IN(memfd_create, GIVES_MINUS_ONE)
STAND_IN(mkostemps, GIVES_MINUS_ONE)
STAND_IN(mmap, -1)
STAND_IN(munmap, GIVES_MINUS_ONE)
STAND_IN(open, GIVES_MINUS_ONE)
STAND_IN(openat, GIVES_MINUS_ONE)
STAND_IN(pipe2, GIVES_MINUS_ONE)
STAND_IN(poll, GIVES_MINUS_ONE)
STAND_IN(posix_spawn, GIVES_ERROR)
STAND_IN(posix_spawn_file_actions_adddup2, GIVES_ERROR)
STAND_IN(posix_spawn_file_actions_init, GIVES_ERROR)
STAND_IN(posix_spawnattr_init, GIVES_ERROR)
STAND_IN(posix_spawnattr_setflags, GIVES_ERROR)
STAND_IN(posix_spawnattr_setsigdefault, GIVES_ERROR)
STAND_IN(posix_spawnattr_setsigmask, GIVES_ERROR)
STAND_IN(pread, GIVES_MINUS_ONE)
STAND_IN(pthread_attr_init, GIVES_ERROR)
STAND_IN(pthread_create, GIVES_ERROR)
STAND_IN(pthread_kill, GIVES_ERROR)
STAND_IN(pwrite, GIVES_MINUS_ONE)
STAND_IN(read, GIVES_MINUS_ONE)
STAND_IN(readlink, GIVES_MINUS_ONE)
STAND_IN(readv, GIVES_MINUS_ONE)
STAND_IN(renameat, GIVES_MINUS_ONE)
STAND_IN(renameat2, GIVES_MINUS_ONE)
STAND_IN(setenv, GIVES_MINUS_ONE)
STAND_IN(sigaction, GIVES_MINUS_ONE)
STAND_IN(sigpending, GIVES_MINUS_ONE)
STAND_IN(sigwait, GIVES_ERROR)
STAND_IN(socket, GIVES_MINUS_ONE)
STAND_IN(splice, GIVES_MINUS_ONE)
STAND_IN(stat, GIVES_MINUS_ONE)
STAND_IN(statx, GIVES_MINUS_ONE)
STAND_IN(unlink, GIVES_MINUS_ONE)
STAND_IN(unlinkat, GIVES_MINUS_ONE)
STAND_IN(vmsplice, GIVES_MINUS_ONE)
STAND_IN(waitid, GIVES_MINUS_ONE)
STAND_IN(waitpid, GIVES_MINUS_ONE)
STAND_IN(write, GIVES_MINUS_ONE)
STAND_IN(asprintf, -1)
STAND_IN(fdopen, GIVES_NULL)
STAND_IN(strdup, GIVES_NULL)

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

/* The loader and dlsym allocate, too. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *
malloc(size_t size)
{
	int error;

	if (!fails("malloc", &error))
		return __libc_malloc(size);
	errno = error;
	return NULL;
}

void *
calloc(size_t count, size_t size)
{
	int error;

	if (!fails("calloc", &error))
		return __libc_calloc(count, size);
	errno = error;
	return NULL;
}

void *
realloc(void *old, size_t size)
{
	int error;

	if (!fails("realloc", &error))
		return __libc_realloc(old, size);
	errno = error;
	return NULL;
}
