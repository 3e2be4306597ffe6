/*
 * staged.h: a file in the directory of a place that has no name, or a hidden one, until it gets its final name.
 *
 * A file has a hidden name from the beginning only where the file system knows no files without names.
 */
#ifndef STAGED_H
#define STAGED_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>

struct place;

struct staged {
	const struct place *place;
	int fd;				/* or -1 */
	char name[NAME_MAX + 1];	/* its hidden name, or "": it has none */
	bool reopened;			/* it has been closed, and is now open for reading: see staged_reopen() */
};

/*
 * Functions that return int: 0, or -1 with errno. Those that change the name hold the signals meanwhile (signals.h), so
 * that the watch can remove the file at any time; the caller of staged_publish() holds them.
 */

/* Makes the file. staged has no file yet, and place is set. suffix: for a hidden name. EPERM: none could be removed. */
int	staged_open(struct staged *staged, const char *suffix, mode_t mode);

/* Whether no other user can read or write it, and it can get its final mode later. */
bool	staged_is_private(const struct staged *staged);

/*
 * Takes the file behind fd, which is in this directory under this name, instead of the one that it has made: moves it to
 * a hidden name, with suffix. fd now belongs to staged, also after a failure.
 */
int	staged_take(struct staged *staged, int fd, int directory, const char *name, const char *suffix);

/* Gives it a hidden name, if it has none. */
int	staged_link(struct staged *staged, const char *suffix);

/* Closes and opens the file on FUSE, where only this shows whether the file system has stored all size bytes. */
int	staged_reopen(struct staged *staged, off_t size);

/*
 * Leaves the published file open for reading only, where it can be read: a program that is open for writing cannot be
 * executed (ETXTBSY, execve(2)).
 */
void	staged_close_for_writing(const struct staged *staged);

/* Gives it its final name, which may exist if replace is set; otherwise that fails with EEXIST. */
int	staged_publish(struct staged *staged, const char *name, bool replace);

/* Removes the hidden name, if it has one. The file stays open. errno stays. */
void	staged_unlink(struct staged *staged);

/* Closes the file and removes its hidden name. May be called twice. errno stays. */
void	staged_drop(struct staged *staged);

#endif
