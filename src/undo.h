/* undo.h: keeps the old file under a hidden name during --try, and can put it back. */
#ifndef UNDO_H
#define UNDO_H

#include <sys/stat.h>

#include <limits.h>
#include <stdbool.h>

struct place;
struct staged;

/*
 *	undo_prepare	The old file gets a second name, a hidden one.
 *	  (the new file takes the place of the old one)
 *	undo_arm	From here on it can be taken back.
 *	undo_take_back	The old file takes its place again, in one step where the system can exchange names (exchange.h),
 *			else as hidden.h says; and the new one is removed.
 *	undo_forget	Or the hidden name is removed: the new file stays.
 *
 * These are called while the signals are held (signals.h), or by the watch. The structure begins zeroed.
 */
struct undo {
	char name[NAME_MAX + 1];	/* the hidden name of the old file, or "": there was none */
	struct stat old, published;	/* the old file, under that name; the new one */
	bool armed;			/* the new file has the name: undo_take_back() may be called */
	bool mixed;			/* undo_take_back() has failed because others replaced the file at the same time: the
					   hidden name has one of the versions */
};

/* fd: the new file. exists: there is an old one. 0, or -1: errno of fstat(2), linkat(2) (EPERM: no hard links). */
int	undo_prepare(struct undo *undo, const struct place *place, bool exists, int fd);

/* The new file has the name. */
void	undo_arm(struct undo *undo, const struct place *place);

/* Whether the new file is there as it was published, as far as its status tells. */
bool	undo_is_published(const struct undo *undo, const struct place *place);

/*
 * 0, or -1, and the old file keeps its hidden name, unless mixed is set. EEXIST: another process has replaced the new
 * file, and its file is left alone. ESTALE: another file has the hidden name; ENOENT: no file has it. EBUSY: others have
 * replaced the file at the same time. Otherwise errno of fstatat(2), renameat2(2), rename(2).
 */
int	undo_take_back(struct undo *undo, const struct place *place);

/* Removes the hidden name. 0, or -1: errno of unlink(2). */
int	undo_forget(struct undo *undo, const struct place *place);

/* Before all of them: whether a file there can have two names, as far as that can be tried. 0, or -1: errno of
   linkat(2). */
int	undo_try_links(const struct staged *staged);

#endif
