/* new.h: the new file that takes the place of the old one: its contents, its attributes, and what a check sees. */
#ifndef NEW_H
#define NEW_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>

#include "fingerprint.h"
#include "staged.h"

struct old;
struct spool;
struct spool_progress;

/* Why new_finish() or new_publish() has failed. errno says more. */
enum new_fault {
	NEW_FAILED,			/* a system call has failed that another attempt would not mend */
	NEW_RACE,			/* others change the old file at the same time: another attempt may succeed */
	NEW_UNREADABLE,			/* the stream, or the file that was to be compared with the stream */
	NEW_ALTERED,			/* others have written into the file; errno has no meaning */
	NEW_NOT_KEPT,			/* an attribute of the old file, see struct new, what */
	NEW_REFUSED,			/* the old file can only be written into */
	NEW_MIXED,			/* others have changed the old file in the same moment; what: a hidden name that stays */
	NEW_LOST			/* the file system has removed the old file; what: the new one, or "" */
};

struct new {
	struct staged staged;
	struct old *old;
	bool guarded;			/* the old file must be what it was when it was looked at: see guard.h */
	bool for_check;			/* its hidden name has the suffix of its final one */
	const struct spool_progress *progress;	/* told of what is copied into the file, or NULL */
	bool late;			/* cannot be private, so it is staged at the commit only: see new_prepare() */
	bool is_spill;			/* the engine spills into the staged file, or it has the stream already */
	mode_t mode;			/* of the file that COMMAND has made, for a file that did not exist; or 0 */
	off_t begun;			/* writeback was started for this many bytes of the spill file */
	bool complete;			/* the staged file has the whole stream */
	bool shown;			/* new_show() has succeeded */
	struct fingerprint fingerprint;	/* of the file when it was shown */
	enum new_fault fault;
	char what[NAME_MAX + 64];	/* the attribute that cannot be kept, in words; or the hidden name that stays */
};

/*
 * Opens the staged file, and tries all that can be tried before reading: whether a file can be made there and can
 * replace the old one, and whether that one's attributes can be kept. Sets late, and does not leave the file open then.
 * 0, or -1 with a reason in why (of size bytes).
 */
int	new_prepare(struct new *new, char *why, size_t size);

/*
 * Takes a file that has the whole stream, and is in this directory under this name, as the staged file. Needs is_spill.
 * fd is copied. -1: the file cannot become the new one itself, so its contents have to be copied; errno has no meaning.
 */
int	new_adopt(struct new *new, int fd, int directory, const char *name);

/* Starts writeback of the spill file, which has this many bytes now. Only for a commit that will sync. */
void	new_soaked(struct new *new, off_t bytes);

/*
 * Completes the file under a hidden name, for a check, and notes what it is. Returns a descriptor to read it from, the
 * caller's to close. -1: errno.
 */
int	new_show(struct new *new, struct spool *spool);

/* Whether the shown file is still what it was, contents and name: 1 yes, 0 no. -1: errno. */
int	new_is_intact(const struct new *new);

/*
 * Completes the staged file: contents, attributes, times. sync: waits until they are on the disk. 0, or -1 with errno,
 * and fault is set.
 */
int	new_finish(struct new *new, struct spool *spool, bool sync);

/* Renames or links the staged file to its final name. 0, or -1 with errno, and fault is set. */
int	new_publish(struct new *new);

/* Removes the file, which is not needed. A spill file stays open for the engine. */
void	new_abandon(struct new *new);

#endif
