/* same.h: whether two results of stat(2) are of the same file, and say the same of it. */
#ifndef SAME_H
#define SAME_H

#include <sys/stat.h>

#include <stdbool.h>

/* The same inode. */
static inline bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool	same_time(const struct timespec *a, const struct timespec *b);

/* The same inode with the same size, owner, mode and time of modification. */
bool	same_state(const struct stat *a, const struct stat *b);

/* The same, also with the time of status change, which a rename or another link changes, too. */
bool	same_state_and_ctime(const struct stat *a, const struct stat *b);

#endif
