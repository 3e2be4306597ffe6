/* exchange.h: two files exchange their names, if the one that comes is the one that was expected. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>

struct place;
struct stat;

/* Whether both are of the same file, as far as the caller wants to know. */
typedef bool exchange_same(const struct stat *a, const struct stat *b);

/*
 * The file with the hidden name, which is ours, and the one with the place's own name exchange their names. Then this
 * looks at what came; if that is not what was expected, both names are exchanged again.
 *
 * 0: the hidden name has what was expected. -1: EEXIST (another file came, and it or a newer one has its name again), EIO
 * (what came cannot be looked at; each file has its own name again), ENOENT (no file has the place's name), ENOSYS or
 * EINVAL (the system cannot exchange names), errno of renameat2(2). 1: the exchange could not be undone, and one version
 * of the file has the hidden name: EBUSY, EEXIST, errno of renameat2(2).
 */
int	exchange_names(const struct place *place, const char *hidden, const struct stat *ours, const struct stat *expected,
    exchange_same *same);

#endif
