/* same.c: whether two results of stat(2) are of the same file, and say the same of it. */
#include <config.h>

#include "same.h"

bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
same_state(const struct stat *a, const struct stat *b)
{
	return same_file(a, b) && a->st_size == b->st_size && a->st_mode == b->st_mode
	    && a->st_uid == b->st_uid && a->st_gid == b->st_gid && same_time(&a->st_mtim, &b->st_mtim);
}

bool
same_state_and_ctime(const struct stat *a, const struct stat *b)
{
	return same_state(a, b) && same_time(&a->st_ctim, &b->st_ctim);
}
