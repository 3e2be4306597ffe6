/*
 * target.h: the file that -o names, replaced as a whole or not at all.
 *
 * The protocol, and what each step leaves behind if a kill or a power cut follows it:
 *
 *	target_prepare		Follows the symbolic links and opens the directory. Checks, before anything is read,
 *				that the file may be written, that a new one can be made beside it, and that the
 *				owner can be kept. The new file, the staged file, has no name and mode 0600.
 *				Left: nothing (but see below).
 *	  (the soak)		The engine spills into the staged file: see target_spill().	Left: nothing.
 *	  target_adopt		Only with -f, instead of the soak: the file that COMMAND has made in a private directory
 *				(product.h) gets mode 0600 and a hidden name, and becomes the staged file.
 *								Left: .NAME.spool-XXXXXX.SUFFIX
 *	  target_show		Only for a check that wants a path: completes the staged file, and gives it its final
 *				owner and mode and a hidden name.		Left: .NAME.spool-XXXXXX.SUFFIX
 *	target_commit
 *	  contents		What is in memory is written too.
 *	  attributes		Owner, group, mode, access control list and extended attributes become those that the
 *				old file has now; those of a new file are as for any file made there, but with -f its
 *				mode is the one that COMMAND gave it.
 *	  fsync			The contents are on the disk before a name leads to them.	Left: nothing.
 *	  (backup)		The old file gets its second name.		Left: FILE~, the same file.
 *	  link			The staged file gets a hidden name.		Left: .NAME.spool-XXXXXX, complete.
 *	  rename		The staged file takes the place of the old one.	Left: the new file.
 *	  fsync			of the directory: no power cut brings the old file back.
 *	target_close		Without target_commit: removes the staged file.
 *	target_abandon		The same, called by the watch when a signal ends spool.
 *
 * With -g, the two files exchange their names (guard.h), spool looks at what came back, and removes it. Left in between:
 * the old file under the hidden name.
 *
 * A file that does not exist yet is linked straight to its name. This fails if somebody else has made a file there
 * since; that file is then replaced, or with -g left alone. At every moment the name has the old contents or the new,
 * never a part.
 *
 * Where the file system knows no files without names (O_TMPFILE), or there is no /proc to link them, the staged file
 * has its hidden name from the beginning, and stays if spool is killed by SIGKILL. Such file systems have other habits:
 *
 *	no modes, or chmod is refused	The staged file cannot be private. So it is made only at the commit, with its
 *				final mode, and is compared with the stream.
 *	FUSE			The staged file is closed, opened again and looked at before it is published: only
 *				then is it known whether the server has it.
 *	SMB			An open file cannot be replaced. So the old file is renamed to a hidden name, the new
 *				one takes its place, and the old one is removed.	Left in between: the old file
 *				under the hidden name, and no file under its own.
 *
 * With --try, the old file gets a hidden name beside its own before the new one takes its place (undo.h). The trial
 * follows. If it fails, the two files exchange their names, and the new one is removed. If it succeeds, the hidden name is
 * removed, or becomes that of the backup. Left in between: one of the two files under each name.
 *
 * After a failed rename, spool checks which file has the name before it reports the failure.
 *
 * A file that is to be appended to or overwritten (inplace.h) is opened once, when the whole stream is there, so that a
 * watcher is notified when the file has its new contents. Before that, spool only asks whether the file may be read and
 * written. A device, a FIFO, a socket or a descriptor such as /dev/stdout (special.h) is written directly, and may be
 * left with a part of the stream.
 *
 * Functions that fail print their own message, which says what became of the file. The files that they use print nothing,
 * except backup.c, hidden.c and inplace.c, which have more to say.
 */
#ifndef TARGET_H
#define TARGET_H

#include <sys/types.h>

#include <limits.h>
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
	bool fall_back;			/* overwrite where replacing fails: see "As sponge" in the manual */
	bool only_if_changed;		/* -u */
	bool guarded;			/* -g, and --no-clobber */
	bool must_be_new;		/* --no-clobber */
	bool sync;			/* wait for the disk */
	const char *backup;		/* -b: the suffix, or NULL */
	bool shown;			/* a check will want a path */
	bool tried;			/* --try: what is committed may be taken back */
	bool edited;			/* target_copy_old() will be called */
	const char *directory;		/* -T, or NULL */
	const struct spool_progress *progress;	/* told of what is copied into the file, or NULL */
};

/*
 * Makes a target, and touches no file. The options are copied, but not what they point at. The caller ends the target
 * with target_close(). NULL: ENOMEM.
 */
struct target *target_create(const struct target_options *options);

/* Does all that comes before the first byte is read: an exit status. */
int	target_prepare(struct target *target);

/*
 * The staged file, for the engine to spill into (struct spool_options, spill_fd). -1: the engine has to make a spill
 * file of its own, in target_directory(), which may be NULL. The descriptor belongs to the target.
 */
int	target_spill(const struct target *target);
const char *target_directory(const struct target *target);

/*
 * Where a private directory for the new contents has to be, so that target_adopt() can succeed: the path of a directory,
 * and in template (as for mkdtemp(3)) a name. The path belongs to the target. NULL: anywhere, since the contents will be
 * copied.
 */
const char *target_neighbour(const struct target *target, char template[NAME_MAX + 1]);

/* Copies the contents that the file has now to fd, and the times: an exit status. Needs options.edited. */
int	target_copy_old(struct target *target, int fd);

/* Whether the file exists. Only after target_prepare(). */
bool	target_exists(const struct target *target);

/*
 * Makes the file behind fd, which is in this directory under this name, the staged file: target_spill() returns it then,
 * and has the whole stream. The caller closes fd. false: the contents have to be copied. In both cases, if the file of -o
 * does not exist, it will have the mode of this one.
 */
bool	target_adopt(struct target *target, int fd, int directory, const char *name);

/* Notes how far the soak has come, as struct spool_progress does: the disk may begin to write. */
void	target_soaked(void *cookie, off_t bytes);

/* What became of the file if nothing is committed, for the end of a message. */
const char *target_state(const struct target *target);

/* Whether target_show() can succeed: not for a device, nor if -w or -a is used where no other file can be made. */
bool	target_can_show(const struct target *target);

/*
 * Gives the complete stream a path for a check, with the target's suffix, in its directory, with its final owner and
 * mode. Returns a descriptor to read the stream from, or -1 after a message. The caller closes it and frees *path.
 */
int	target_show(struct target *target, struct spool *spool, char **path);

/* Whether the shown file is still what it was, contents and name: 1 yes, 0 no, -1 after a message. */
int	target_is_intact(const struct target *target);

/*
 * Makes the stream the contents of the file, or appends it: an exit status. STATUS_DONE means that the new contents
 * survive a power cut (unless sync is false). From the first step that cannot be undone, the signals are held
 * (signals.h).
 */
int	target_commit(struct target *target, struct spool *spool);

/*
 * What target_commit() has done, for the line of -v: "replaced", "created", "appended", "overwritten", "written" (not a
 * regular file), "found unchanged"; or NULL: nothing. changed: whether the file has been written, also after a failure.
 */
const char *target_outcome(const struct target *target, bool *changed);

/*
 * Whether the new file is there, and must be kept or taken back: after a target_commit() with options.tried that did not
 * find the file unchanged. The signals are held then, and the caller releases them for the trial alone.
 */
bool	target_is_on_trial(const struct target *target);

/* Whether the file on trial is still as it was published. Its status tells, not its contents. */
bool	target_is_as_tried(const struct target *target);

/* Ends the trial: the new contents are to stay. An exit status, as that of target_commit(). */
int	target_keep(struct target *target);

/*
 * Ends the trial: the very same old file takes its place again. why: the beginning of the message, whose end says what
 * became of the file. STATUS_REFUSED, or STATUS_FAILED if the new file stays.
 */
int	target_take_back(struct target *target, const char *why);

/* Removes the hidden name, and takes back what is on trial. Also called by the watch for signals, while the main thread
   may be anywhere. */
void	target_abandon(struct target *target);

/* Abandons what was not committed, and frees the target. NULL is allowed. */
void	target_close(struct target *target);

#endif
