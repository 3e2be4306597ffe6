/* target.c: the file that -o names: prepare, soak, show, commit, abandon. The protocol is in target.h. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "chattr.h"
#include "hidden.h"
#include "inplace.h"
#include "io.h"
#include "message.h"
#include "new.h"
#include "old.h"
#include "place.h"
#include "signals.h"
#include "special.h"
#include "spool.h"
#include "staged.h"
#include "store.h"
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

struct target *
target_create(const struct target_options *options)
{
	struct target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return NULL;
	target->options = *options;
	target->mode = options->mode;
	target->descriptor = target->old.fd = target->new.staged.fd = target->place.directory = -1;
	target->new.staged.place = &target->place;
	target->new.old = &target->old;
	target->new.for_check = options->shown;
	target->new.guarded = options->guarded;
	target->new.progress = options->progress;
	return target;
}

/*
 * Prepare
 */

/* The end of a message before anything is read. */
static const char *
unread(const struct target *target)
{
	return target->old.exists ? "nothing was read, the file is unchanged" : "nothing was read";
}

static int
refuse(const struct target *target, const char *doing, const char *why)
{
	message("%s: cannot %s: %s; %s", target->options.file, doing, why, unread(target));
	return STATUS_FAILED;
}

static int
fail_backup(const struct target *target, const char *why, const char *state)
{
	message("%s: cannot make its backup %s: %s; %s", target->options.file, target->backup, why, state);
	return STATUS_FAILED;
}

/* What the old file has to be read for, or NULL: it is only written to or replaced. */
static const char *
purpose_of_reading(const struct target *target)
{
	if (target->options.only_if_changed)
		return "read it to compare";
	if (target->options.edited)
		return "read it to edit";
	if (target->options.backup != NULL)
		return "read it to make its backup";
	return target->mode == TARGET_OVERWRITE ? "read it to put its old contents aside" : NULL;
}

static int
look(struct target *target)
{
	return old_look(&target->old, &target->place, purpose_of_reading(target),
	    target->options.fall_back && target->mode == TARGET_REPLACE);
}

static int
prepare_look(struct target *target)
{
	return look(target) == 0 ? STATUS_DONE : refuse(target, target->old.doing, place_strerror(&target->place));
}

/* As sponge does. The file now has to be readable. */
static int
prepare_overwriting(struct target *target)
{
	target->mode = TARGET_OVERWRITE;
	return prepare_look(target);
}

static int
prepare_replacing(struct target *target)
{
	const struct old *old = &target->old;
	char why[NAME_MAX + 256];

	/* With sponge, the other names of the file lead to the new contents, too. */
	if (old->exists && target->options.fall_back && old->status.st_nlink > 1 && !old_sponge_renames(&target->place))
		return prepare_overwriting(target);
	if (new_prepare(&target->new, why, sizeof(why)) == 0) {
		target->new.is_spill = target->options.directory == NULL && !target->new.late;
		return STATUS_DONE;
	}
	if (!old->exists)
		return refuse(target, "create", why);
	if (target->options.fall_back)
		return prepare_overwriting(target);
	strlcat(why, "; use -w to overwrite the file in place", sizeof(why));
	return refuse(target, "replace", why);
}

/* Whether what is committed could be taken back. */
static int
prepare_trial(const struct target *target)
{
	if (chattr_append_only(target->place.directory, ""))
		return refuse(target, "try", "its directory is append-only, so it could not be taken back");
	if (target->old.exists && undo_try_links(&target->new.staged) == -1) {
		message("%s: cannot make a hard link to keep the old file during the trial: %s; %s", target->options.file,
		    strerror(errno), unread(target));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int
prepare_regular(struct target *target)
{
	const char *why = NULL;
	int status;

	if (prepare_look(target) == STATUS_FAILED)
		return STATUS_FAILED;
	target->existed = target->old.exists;
	target->before = target->old.status;
	if (target->old.exists && target->mode != TARGET_APPEND
	    && chattr_append_only(target->place.directory, target->place.name))
		return refuse(target, target->mode == TARGET_REPLACE ? "replace" : "overwrite",
		    "it is append-only; use -a to append");
	if (target->options.backup != NULL)
		why = backup_refusal(&target->place, &target->old, target->options.backup, target->backup);
	if (why != NULL)
		return fail_backup(target, why, unread(target));
	if (target->old.exists && target->mode != TARGET_REPLACE)
		return STATUS_DONE;
	status = prepare_replacing(target);
	return status == STATUS_DONE && target->options.tried ? prepare_trial(target) : status;
}

static int
prepare_special(const struct target *target)
{
	const char *why;

	if (target->options.backup != NULL)
		return refuse(target, "make a backup", "it is not a regular file");
	if (target->options.edited)
		return refuse(target, "edit", "it is not a regular file");
	if (target->options.guarded)
		return refuse(target, "guard", "it is not a regular file");
	if (target->options.tried)
		return refuse(target, "try", "it is not a regular file");
	why = special_refusal(target->options.file, target->descriptor);
	return why == NULL ? STATUS_DONE : refuse(target, "write", why);
}

int
target_prepare(struct target *target)
{
	const struct place *place = &target->place;
	struct stat status;
	int found = 1;

	if (target->options.must_be_new && stat(target->options.file, &status) == 0) {
		target->special = !S_ISREG(status.st_mode);
		message("%s: it exists, and --no-clobber was given; nothing was read", target->options.file);
		return STATUS_REFUSED;
	}
	target->descriptor = place_descriptor(target->options.file);
	if (target->descriptor == -1)
		found = place_find(&target->place, target->options.file);
	if (found == -1 && place->linked && place->path != NULL && place->directory == -1) {
		message("%s: cannot write: it is a link into %s: %s; nothing was read", target->options.file,
		    place->path, strerror(errno));
		return STATUS_FAILED;
	}
	if (found == -1)
		return refuse(target, "write", strerror(errno));
	target->special = found == 1;
	return target->special ? prepare_special(target) : prepare_regular(target);
}

/*
 * Soak
 */

int
target_spill(const struct target *target)
{
	return target->new.is_spill ? target->new.staged.fd : -1;
}

const char *
target_directory(const struct target *target)
{
	if (target->options.directory != NULL || target->special || target->new.late)
		return target->options.directory;
	return target->new.is_spill || place_can_have_neighbours(&target->place) ? target->place.path : NULL;
}

/*
 * Whether a file beside the target can become it. On rclone, a file that is open while it is renamed may have no contents
 * later, and the engine reads this one.
 */
static bool
can_adopt(const struct target *target)
{
	return target->new.is_spill && !place_is_fuse(&target->place);
}

const char *
target_neighbour(const struct target *target, char template[NAME_MAX + 1])
{
	if (!can_adopt(target))
		return NULL;
	place_template(&target->place, template);
	return target->place.path;
}

bool
target_exists(const struct target *target)
{
	return target->old.exists;
}

bool
target_adopt(struct target *target, int fd, int directory, const char *name)
{
	struct stat made;

	if (fstat(fd, &made) == 0)
		target->new.mode = made.st_mode & 0777;
	return can_adopt(target) && new_adopt(&target->new, fd, directory, name) == 0;
}

void
target_soaked(void *cookie, off_t bytes)
{
	struct target *target = cookie;

	if (target->options.sync && !target->options.only_if_changed)
		new_soaked(&target->new, bytes);
}

const char *
target_state(const struct target *target)
{
	if (target->special)
		return "nothing was released";
	if (target->old.unknown)
		return "the file was not touched";
	return target->old.exists ? "the file is unchanged" : "no file was made";
}

static int
fail(const struct target *target, const char *doing)
{
	message("%s: cannot %s: %s; %s", target->options.file, doing, place_strerror(&target->place),
	    target_state(target));
	return STATUS_FAILED;
}

int
target_copy_old(struct target *target, int fd)
{
	if (old_copy(&target->old, fd, true) == -1)
		return fail(target, "copy the file for COMMAND");
	io_set_times(fd, &target->old.status);
	return STATUS_DONE;
}

/*
 * Show
 */

bool
target_can_show(const struct target *target)
{
	return !target->special
	    && (!target->old.exists || target->mode == TARGET_REPLACE || place_can_have_neighbours(&target->place));
}

int
target_show(struct target *target, struct spool *spool, char **path)
{
	const char *directory = target->place.path;
	const int fd = new_show(&target->new, spool);

	/* The path must not look like an option. */
	if (fd != -1
	    && asprintf(path, "%s%s/%s", *directory == '-' ? "./" : "", directory, target->new.staged.name) != -1)
		return fd;
	(void)fail(target, "stage the stream for the check");
	*path = NULL;
	io_discard(fd);		/* it is open for reading */
	return -1;
}

int
target_is_intact(const struct target *target)
{
	const int intact = new_is_intact(&target->new);

	if (intact == -1)
		(void)fail(target, "read its new contents");
	return intact;
}

/*
 * Commit
 *
 * Beside an exit status, an attempt gives AGAIN: the place has changed, or the mode.
 */
#define AGAIN (-1)
#define ATTEMPTS 100

/* Notes errno, which is reported if this was the last attempt. */
static int
again(struct target *target)
{
	target->refusal = errno;
	return AGAIN;
}

static const char *
verb(const struct target *target)
{
	return target->old.exists ? "replace" : "create";
}

/* Prints why the new file could not be finished or published. */
static int
report(const struct target *target)
{
	const char *file = target->options.file, *what = target->new.what;

	switch (target->new.fault) {
	case NEW_UNREADABLE:
		return fail(target, "read its new contents");
	case NEW_ALTERED:
		message("%s: cannot %s: another process has written into its new contents; %s", file, verb(target),
		    target_state(target));
		break;
	case NEW_NOT_KEPT:
		message("%s: cannot %s: %s cannot be kept: %s; %s", file, verb(target), what, strerror(errno),
		    target_state(target));
		break;
	case NEW_REFUSED:
		message("%s: cannot replace: %s; use -w to overwrite the file in place; %s", file,
		    errno == EBUSY ? "it is a mount point" : place_strerror(&target->place), target_state(target));
		break;
	case NEW_MIXED:
		message("%s: cannot replace: %s; other processes have changed it in the same moment, one version is %s/%s",
		    file, strerror(errno), target->place.path, what);
		break;
	case NEW_LOST:
		if (*what == '\0')
			message("%s: cannot replace: %s; the file system has removed the file", file, strerror(errno));
		else
			message("%s: cannot replace: %s; the file system has removed the file; its new contents are in %s/%s",
			    file, strerror(errno), target->place.path, what);
		break;
	default:
		return fail(target, verb(target));
	}
	return STATUS_FAILED;
}

/* The new file could not be finished or published. */
static int
give_up(struct target *target)
{
	const enum new_fault fault = target->new.fault;

	if (fault == NEW_RACE)
		return again(target);
	if (target->old.exists && target->options.fall_back && (fault == NEW_NOT_KEPT || fault == NEW_REFUSED)) {
		target->mode = TARGET_OVERWRITE;
		return AGAIN;
	}
	return report(target);
}

static int
back_up(struct target *target)
{
	if (!target->old.exists || target->options.backup == NULL)
		return STATUS_DONE;
	target->linked = true;
	if (backup_make(&target->place, &target->old, target->backup, true, target->options.sync) == 0)
		return STATUS_DONE;
	return place_gone(errno) ? again(target) : fail_backup(target, strerror(errno), target_state(target));
}

/* Notes what was done. */
static int
note(struct target *target, const char *outcome)
{
	target->outcome = outcome;
	target->changed = true;
	return STATUS_DONE;
}

static int
publish(struct target *target)
{
	old_close(&target->old);	/* SMB does not replace an open file */
	if (new_publish(&target->new) == -1) {
		target->changed = target->new.fault == NEW_MIXED;
		return give_up(target);
	}
	return note(target, target->old.exists ? "replaced" : "created");
}

static int
sync_names(const struct target *target)
{
	return target->options.sync ? store_sync_names(target->place.directory, target->new.staged.fd) : 0;
}

static int
sync_directory(const struct target *target)
{
	if (sync_names(target) == 0)
		return STATUS_DONE;
	message("%s: cannot sync its directory: %s; it has the new contents, but a power cut may bring back the old",
	    target->options.file, strerror(errno));
	return STATUS_FAILED;
}

/* The new file could not be published, and the old one is there as before: its second name goes. */
static void
forget(struct target *target)
{
	struct undo *undo = &target->undo;

	/* Where the file system has removed the old file, this is what is left of it. */
	if (target->new.fault == NEW_LOST && hidden_rename_new(&target->place, undo->name, target->place.name) == 0)
		*undo->name = '\0';
	else if (undo_forget(undo, &target->place) == -1)
		message("%s/%s: cannot remove: %s; it is another name of the old file", target->place.path, undo->name,
		    strerror(errno));
}

/* Publishes the new file so that it can be taken back. */
static int
publish_on_trial(struct target *target)
{
	int status;

	target->linked = true;
	if (undo_prepare(&target->undo, &target->place, target->old.exists, target->new.staged.fd) == -1)
		return place_gone(errno) ? again(target) : fail(target, "make a hard link to keep the old file during the trial");
	status = publish(target);
	if (status == STATUS_DONE) {
		undo_arm(&target->undo, &target->place);
		staged_close_for_writing(&target->new.staged);
	} else {
		forget(target);
	}
	return status;
}

/* With --try, the backup is made when the trial has succeeded. */
static int
replace_now(struct target *target)
{
	int status;

	if (target->options.tried)
		return publish_on_trial(target);
	status = back_up(target);
	if (status == STATUS_DONE)
		status = publish(target);
	if (status == STATUS_DONE)
		status = sync_directory(target);
	return status;
}

static int
replace(struct target *target, struct spool *spool)
{
	int status;

	if (new_finish(&target->new, spool, target->options.sync) == -1)
		return give_up(target);
	signals_hold();
	status = replace_now(target);
	if (status == AGAIN)
		signals_release();
	return status;
}

static int
write_in_place(struct target *target, struct spool *spool)
{
	int status;
	struct stat now;
	struct inplace file = {
		.file = target->options.file, .place = &target->place, .old = &target->old,
		.append = target->mode == TARGET_APPEND, .sync = target->options.sync, .progress = target->options.progress,
		.backup = target->options.backup != NULL ? target->backup : NULL, .directory = target_directory(target)
	};

	/* A check may have seen the new file under its hidden name. */
	new_abandon(&target->new);
	/* The old contents may have the memory that the stream does not use. */
	file.memory = spool_memory_limit(spool) - spool_in_memory(spool);
	file.fd = inplace_open(&target->place, file.append);
	if (file.fd == -1)
		return place_gone(errno) ? again(target) : fail(target, file.append ? "append" : "overwrite");
	status = inplace_write(&file, spool);
	if (status == STATUS_DONE)
		return note(target, file.append ? "appended" : "overwritten");
	target->changed = fstatat(target->place.directory, target->place.name, &now, AT_SYMLINK_NOFOLLOW) == 0
	    && !old_is_same(&now, &target->old.status);
	return status;
}

/* Whether the file is what it was before anything was read, or still not there. */
static bool
is_as_before(const struct target *target)
{
	if (!target->old.exists || !target->existed)
		return target->old.exists == target->existed;
	return target->linked ? old_is_same(&target->before, &target->old.status)
	    : old_is_same_with_ctime(&target->before, &target->old.status);
}

static int
refuse_changed(const struct target *target)
{
	const char *what = !target->existed ? "it was created" : target->old.exists ? "it was changed" : "it was removed";

	message("%s: %s by another process since spool was started; spool has left it alone", target->options.file, what);
	return STATUS_REFUSED;
}

/* Whether the old file is already what it should become. 1 yes, 0 no, -1: errno. */
static int
is_up_to_date(const struct target *target, struct spool *spool)
{
	if (!target->old.exists || !target->options.only_if_changed)
		return 0;
	return target->mode == TARGET_APPEND ? spool_size(spool) == 0 : old_has(&target->old, spool);
}

/* The process that wrote the file may not have waited for the disk. */
static int
leave_alone(struct target *target)
{
	const int fd = target->old.fd, directory = target->place.directory;

	if (target->options.sync && (store_sync(fd) == -1 || store_sync_names(directory, fd) == -1))
		return fail(target, "sync");
	target->outcome = "found unchanged";
	return STATUS_DONE;
}

static int
try_to_commit(struct target *target, struct spool *spool)
{
	int done;

	if (target->options.guarded && place_confirm(&target->place, target->options.file) == 0)
		return refuse_changed(target);
	if (look(target) == -1) {
		if (target->options.guarded && (errno == EINVAL || errno == EISDIR))
			return refuse_changed(target);
		if (errno != EINVAL)
			return fail(target, target->old.doing);
		message("%s: cannot write: it is not a regular file any more; nothing was released",
		    target->options.file);
		return STATUS_FAILED;
	}
	if (target->options.guarded && !is_as_before(target))
		return refuse_changed(target);
	done = is_up_to_date(target, spool);
	if (done == -1)
		return place_gone(errno) ? again(target) : fail(target, "compare");
	if (done == 1)
		return leave_alone(target);
	if (target->old.exists && target->mode != TARGET_REPLACE)
		return write_in_place(target, spool);
	return replace(target, spool);
}

static int
commit_special(struct target *target, struct spool *spool)
{
	const char *file = target->options.file;
	const int fd = special_open(file, target->descriptor, target->mode == TARGET_APPEND);

	if (fd == -1)
		return fail(target, "open");
	target->changed = true;
	if (store_stream(fd, spool, target->options.progress) == -1) {
		message("%s: cannot %s: %s; it has %jd of %jd bytes", file,
		    spool_fault(spool) == SPOOL_SINK ? "write" : "read the stream for it", strerror(errno),
		    (intmax_t)spool_tell(spool), (intmax_t)spool_size(spool));
		target->changed = spool_tell(spool) > 0;
		io_discard(fd);		/* the failure is reported already */
		return STATUS_FAILED;
	}
	if (store_close(fd, target->options.sync) == 0)
		return note(target, "written");
	message("%s: cannot close: %s; it may be incomplete", file, strerror(errno));
	return STATUS_FAILED;
}

int
target_commit(struct target *target, struct spool *spool)
{
	int status = AGAIN;

	if (target->special)
		return commit_special(target, spool);
	for (int i = 0; i < ATTEMPTS && status == AGAIN; i++) {
		old_wait(&target->old, &target->place, i);
		status = try_to_commit(target, spool);
	}
	if (status != AGAIN)
		return status;
	errno = target->refusal;
	if (errno != EWOULDBLOCK)
		return fail(target, verb(target));
	message("%s: cannot replace: another process has locked its directory (flock); %s", target->options.file,
	    target_state(target));
	return STATUS_FAILED;
}

const char *
target_outcome(const struct target *target, bool *changed)
{
	*changed = target->changed;
	return target->outcome;
}

/*
 * Trial
 */

bool
target_is_on_trial(const struct target *target)
{
	return target->undo.armed;
}

bool
target_is_as_tried(const struct target *target)
{
	return undo_is_published(&target->undo, &target->place);
}

/* The old file becomes the backup. */
static int
back_up_tried(struct target *target)
{
	struct undo *undo = &target->undo;

	if (hidden_rename_over(&target->place, undo->name, target->backup) == 0) {
		*undo->name = '\0';
		return STATUS_DONE;
	}
	message("%s: cannot make its backup %s: %s; it has the new contents, and the old file is %s/%s", target->options.file,
	    target->backup, strerror(errno), target->place.path, undo->name);
	return STATUS_FAILED;
}

int
target_keep(struct target *target)
{
	struct undo *undo = &target->undo;
	int status = STATUS_DONE, synced;

	if (*undo->name != '\0' && target->options.backup != NULL)
		status = back_up_tried(target);
	else if (undo_forget(undo, &target->place) == -1)
		message("%s: the old file stays, as %s/%s: cannot remove it: %s", target->options.file, target->place.path,
		    undo->name, strerror(errno));
	undo->armed = false;
	synced = sync_directory(target);
	return status == STATUS_DONE ? synced : status;
}

static const char *
why_kept(const struct target *target)
{
	switch (errno) {
	case EEXIST:
		return "the new one has been replaced";
	case ENOENT:
		return "it has been removed";
	case ESTALE:
		return "it has been changed or replaced";
	default:
		return place_strerror(&target->place);
	}
}

/* The new file could not be taken back. */
static void
report_kept(const struct target *target, const char *why)
{
	const struct undo *undo = &target->undo;
	const char *file = target->options.file, *reason = why_kept(target);

	if (*undo->name == '\0')
		message("%s: %s; the file cannot be removed again: %s", file, why, reason);
	else
		message("%s: %s; the old file, %s/%s, cannot be put back: %s", file, why, target->place.path, undo->name, reason);
}

int
target_take_back(struct target *target, const char *why)
{
	const char *file = target->options.file;
	const char *back = *target->undo.name == '\0' ? "the file was removed again" : "the old file is back";

	if (undo_take_back(&target->undo, &target->place) == -1) {
		report_kept(target, why);
		return STATUS_FAILED;
	}
	target->changed = false;
	if (sync_names(target) == 0) {
		message("%s: %s; %s", file, why, back);
		return STATUS_REFUSED;
	}
	message("%s: %s; %s, but its directory cannot be synced: %s; a power cut may undo that", file, why, back,
	    strerror(errno));
	return STATUS_FAILED;
}

/*
 * Abandon
 */

/* Nothing was written: a process that waits for the writer of a FIFO has waited for spool. */
static void
leave_special(const struct target *target)
{
	if (target->special && !target->changed)
		special_leave(target->options.file);
}

/* The status is that of the signal, whatever the disk does. */
static void
end_trial(struct target *target)
{
	if (undo_take_back(&target->undo, &target->place) == -1) {
		report_kept(target, "a signal has ended the trial");
		return;
	}
	target->changed = false;
	(void)sync_names(target);
}

void
target_abandon(struct target *target)
{
	const struct staged *staged = &target->new.staged;

	if (target->undo.armed)
		end_trial(target);
	leave_special(target);
	/* The name stays noted: the main thread may be reading it. */
	if (*staged->name != '\0')
		hidden_remove(&target->place, staged->name);
}

void
target_close(struct target *target)
{
	if (target == NULL)
		return;
	leave_special(target);
	staged_drop(&target->new.staged);
	old_close(&target->old);
	place_close(&target->place);
	free(target);
}
