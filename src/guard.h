/* guard.h: lets a staged file take the place of one that must still be what it was, for -g. */
#ifndef GUARD_H
#define GUARD_H

#include <limits.h>

struct staged;
struct stat;

/*
 * As staged_publish(), if the old file is still what expected says. Exchanges the two files where the system can do
 * that, looks at what came back, and removes it; elsewhere it looks just before it renames. Meanwhile the directory is
 * locked by flock(2), against other calls of this function.
 *
 * 0, or -1 with errno. EEXIST: another process has changed, replaced or removed the file, which is back under its name.
 * EWOULDBLOCK: the lock is held. stays: empty; or, if what came back cannot be put back, the hidden name that it keeps.
 */
int	guard_publish(struct staged *staged, const struct stat *expected, char stays[NAME_MAX + 1]);

#endif
