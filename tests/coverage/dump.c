/* dump.c: writes what gcov has counted before a process ends, or becomes another, without having exited. */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <gcov.h>
#include <stdbool.h>
#include <stddef.h>

/* By ld's --wrap these are called instead of raise(3) and execv(3). */
int	__real_raise(int signal);
int	__wrap_raise(int signal);
int	__real_execv(const char *path, char *const *arguments);
int	__wrap_execv(const char *path, char *const *arguments);

/* The counts begin at 0 again, lest what comes after a call that has failed is not counted, or all else twice. */
static void
dump(void)
{
	void (*pause)(bool);

	*(void **)&pause = dlsym(RTLD_DEFAULT, "fail_pause");	/* of fail.c, if that is preloaded */
	if (pause != NULL)
		pause(true);
	__gcov_dump();
	__gcov_reset();
	if (pause != NULL)
		pause(false);
}

int
__wrap_raise(int signal)
{
	dump();
	return __real_raise(signal);
}

int
__wrap_execv(const char *path, char *const *arguments)
{
	dump();
	return __real_execv(path, arguments);
}
