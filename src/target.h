/*
 * target.h: the file that -o names, replaced as a whole or not at all.
 *
 * The protocol, and what it leaves behind at each step if it is cut short there, by a kill or a power cut:
 *
 *	target_prepare		The symbolic links are followed, and the directory is opened. All that can be known
 *				before reading is tried: that the file may be written, that a new one can be made
 *				beside it, that the owner can be kept. The new file, the staged file, has no
 *				name and mode 0600.				Left: nothing (but see below).
 *	  (the soak)		The engine spills into the staged file: see target_spill().	Left: nothing.
 *	  target_show		Only for a check that wants a path: the staged file is completed, gets its final
 *				owner and mode and a hidden name.		Left: .NAME.spool-XXXXXX.SUFFIX
 *	target_commit
 *	  contents complete	What is in memory is written too.
 *	  attributes		Owner, group, mode, access control list and extended attributes as those that the old
 *				file has now; a new file's as for any file made there.
 *	  fsync			The contents are on the disk before a name leads to them.	Left: nothing.
 *	  (backup)		The old file gets its second name.		Left: FILE~, the same file.
 *	  link			The staged file gets a hidden name.		Left: .NAME.spool-XXXXXX, complete.
 *	  rename		It takes the place of the old one.		Left: the new file.
 *	  fsync			of the directory: no power cut brings the old one back.
 *	target_abandon		instead of target_commit, whenever the answer is no.
 *
 * A file that does not exist yet is linked straight to its name, which fails if somebody else has made one since;
 * that one is then replaced. At every moment the name has the old contents or the new, never a part.
 *
 * Where the file system knows no files without names (O_TMPFILE), or there is no /proc to link them, the staged file
 * has its hidden name from the beginning, and stays if spool is killed; target_abandon() removes it, also when a signal
 * ends spool. Such file systems have other habits:
 *
 *	no modes, or chmod is refused	The staged file cannot be private. So it comes only at the commit, with its final
 *				mode, and is compared with the stream.
 *	FUSE			The staged file is closed, opened again and looked at before it is published: only
 *				then is it known whether the server has it.
 *	SMB			A file that is open cannot be replaced. So the old file is renamed to a hidden name, the
 *				new one takes its place, and the old one is removed.	Left in between: the old file
 *				under the hidden name, and none under its own.
 *
 * After a rename that failed, spool looks what is there before it says so.
 *
 * A file that is to be appended to, or overwritten (inplace.h), is opened when all is there, once, so that a watcher
 * hears of it when it has its new contents. Before, spool only asks whether it may be read and written. Anything but a
 * regular file, a FIFO or a device or /dev/stdout, is written directly, and may be left with a part.
 *
 * Functions that fail print their own message, which says what became of the file.
 */
#ifndef TARGET_H
#define TARGET_H

#include <sys/types.h>

#include <stdbool.h>

struct spool;
struct spool_progress;
struct target;

enum target_mode {
	TARGET_REPLACE,
	TARGET_OVERWRITE,		/* -w */
	TARGET_APPEND			/* -a */
};

struct target_options {
	const char *file;		/* what -o names */
	enum target_mode mode;
	bool fall_back;			/* as sponge: see "As sponge" in the manual */
	bool only_if_changed;		/* -u */
	bool sync;			/* wait for the disk */
	const char *backup;		/* -b: the suffix, or NULL */
	bool shown;			/* a check will want a path */
	const char *directory;		/* -T, or NULL */
	const struct spool_progress *progress;	/* told of what is copied into the file, or NULL */
};

/*
 * A target that nothing has been done for yet. The options are copied, but not what they point at. NULL: ENOMEM. Ends
 * with target_close().
 */
struct target *target_create(const struct target_options *options);

/* Everything before the first byte is read: an exit status. */
int	target_prepare(struct target *target);

/*
 * The staged file, for the engine to spill into (struct spool_options, spill_fd), or -1: it has to make one of its
 * own, in target_directory(), which may be NULL. The descriptor is the target's.
 */
int	target_spill(const struct target *target);
const char *target_directory(const struct target *target);

/* To be told how far the soak has come, as struct spool_progress does: the disk may begin to write. */
void	target_soaked(void *cookie, off_t bytes);

/* What has become of the file if nothing is committed, for the end of a message. */
const char *target_state(const struct target *target);

/* Whether target_show() can do so: not for a device, nor where a file of -w or -a cannot have a neighbour. */
bool	target_can_show(const struct target *target);

/*
 * Gives the complete stream a path for a check, in *path, to be freed: with the target's suffix, in its directory,
 * with its final owner and mode. Returns a descriptor to read it from, the caller's to close, or -1 after a message.
 */
int	target_show(struct target *target, struct spool *spool, char **path);

/* Whether the shown file is still what it was, contents and name: 1 yes, 0 no, -1 after a message. */
int	target_is_intact(const struct target *target);

/*
 * Makes the stream the contents of the file, or appends it: an exit status. STATUS_DONE means that a power cut now
 * leaves the new contents (unless sync is false). From the first step that cannot be taken back, the signals are
 * held (signals.h).
 */
int	target_commit(struct target *target, struct spool *spool);

/* Removes the hidden names. Also called by the watch for signals, while the main thread may be anywhere. */
void	target_abandon(const struct target *target);

/* Abandons what was not committed, and ends the target. NULL is allowed. */
void	target_close(struct target *target);

#endif
