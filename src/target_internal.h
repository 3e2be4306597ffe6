/* target_internal.h: struct target, and what target.c, prepare.c, commit.c and tried.c call of each other. */
#ifndef TARGET_INTERNAL_H
#define TARGET_INTERNAL_H

#include <sys/stat.h>

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "new.h"
#include "old.h"
#include "place.h"
#include "target.h"
#include "undo.h"

struct target {
	struct target_options options;
	enum target_mode mode;		/* options.mode, or what it has fallen back to */
	bool special;			/* not a regular file: see special.h */
	int descriptor;			/* of this process, which the special file stands for; or -1 */
	struct place place;
	struct old old;
	struct new new;
	char backup[NAME_MAX + 1];	/* the name of the backup */
	bool existed;			/* before anything was read, with this status */
	struct stat before;
	bool linked;			/* it has got a second name since, and so another st_ctim */
	struct undo undo;		/* of the commit, while --try is not decided */
	const char *outcome;		/* see target_outcome() */
	atomic_bool changed;		/* the watch asks, too */
	int refusal;			/* the errno of the last attempt to commit: see again() */
};

/* What --try does with the old file, for a message that it cannot be done. */
#define TARGET_LINKING "make a hard link to keep the old file during the trial"

/* Looks at the file that the place names now, as old_look(), for what the options need of it. */
int	target_look(struct target *target);

/* Print that doing, or the backup, failed; the reason (errno, or why); and what became of the file. STATUS_FAILED. */
int	target_fail(const struct target *target, const char *doing);
int	target_fail_backup(const struct target *target, const char *why, const char *state);

/* Waits until the names in the directory are on the disk, unless sync is false. 0, or -1 with errno. */
int	target_sync_names(const struct target *target);

/* The same at the end of a commit: an exit status. */
int	target_sync_directory(const struct target *target);

/* Ends a trial because of a signal, by the watch. The status is that of the signal, whatever the disk does. */
void	target_end_trial(struct target *target);

#endif
