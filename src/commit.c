/* commit.c: the last step of target.h's protocol: the new contents take the place of the old ones, or are left. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "hidden.h"
#include "inplace.h"
#include "io.h"
#include "message.h"
#include "same.h"
#include "signals.h"
#include "special.h"
#include "spool.h"
#include "store.h"
#include "target_internal.h"

/* An attempt returns an exit status, or AGAIN: the file, its directory or the mode has changed. */
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
		return target_fail(target, "read its new contents");
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
		return target_fail(target, verb(target));
	}
	return STATUS_FAILED;
}

/* The new file could not be finished or published. AGAIN if another attempt may succeed; else the status, after a
   message. */
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
	return place_gone(errno) ? again(target) : target_fail_backup(target, strerror(errno), target_state(target));
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

/* After a publication that failed: removes the second name of the old file, or puts the old file back by that name. */
static void
forget(struct target *target)
{
	struct undo *undo = &target->undo;

	/* Where the file system has removed the old file, this is what is left of it. */
	if (target->new.fault == NEW_LOST && hidden_rename_new(&target->place, undo->name, target->place.name) == 0) {
		*undo->name = '\0';
		message("%s: the old file is back, by its second name", target->options.file);
	} else if (undo_forget(undo, &target->place) == -1) {
		message("%s/%s: cannot remove: %s; it is another name of the old file", target->place.path, undo->name,
		    strerror(errno));
	}
}

/* Publishes the new file so that it can be taken back. */
static int
publish_on_trial(struct target *target)
{
	int status;

	target->linked = true;
	if (undo_prepare(&target->undo, &target->place, target->old.exists, target->new.staged.fd) == -1)
		return place_gone(errno) ? again(target) : target_fail(target, TARGET_LINKING);
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
		status = target_sync_directory(target);
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
		return place_gone(errno) ? again(target) : target_fail(target, file.append ? "append" : "overwrite");
	status = inplace_write(&file, spool);
	if (status == STATUS_DONE)
		return note(target, file.append ? "appended" : "overwritten");
	target->changed = fstatat(target->place.directory, target->place.name, &now, AT_SYMLINK_NOFOLLOW) == 0
	    && !same_state(&now, &target->old.status);
	return status;
}

/* Whether the file is what it was before anything was read, or still not there. */
static bool
is_as_before(const struct target *target)
{
	if (!target->old.exists || !target->existed)
		return target->old.exists == target->existed;
	return target->linked ? same_state(&target->before, &target->old.status)
	    : same_state_and_ctime(&target->before, &target->old.status);
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
		return target_fail(target, "sync");
	target->outcome = "found unchanged";
	return STATUS_DONE;
}

static int
try_to_commit(struct target *target, struct spool *spool)
{
	int done;

	if (target->options.guarded && place_confirm(&target->place, target->options.file) == 0)
		return refuse_changed(target);
	if (target_look(target) == -1) {
		if (target->options.guarded && (errno == EINVAL || errno == EISDIR))
			return refuse_changed(target);
		if (errno != EINVAL)
			return target_fail(target, target->old.doing);
		message("%s: cannot write: it is not a regular file any more; nothing was released",
		    target->options.file);
		return STATUS_FAILED;
	}
	if (target->options.guarded && !is_as_before(target))
		return refuse_changed(target);
	done = is_up_to_date(target, spool);
	if (done == -1)
		return place_gone(errno) ? again(target) : target_fail(target, "compare");
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
		return target_fail(target, "open");
	target->changed = true;
	if (store_stream(fd, spool, target->options.progress) == -1) {
		message("%s: cannot %s: %s; it has %jd of %jd bytes", file,
		    spool_fault(spool) == SPOOL_SINK ? "write" : "read the stream for it", strerror(errno),
		    (intmax_t)spool_tell(spool), (intmax_t)spool_size(spool));
		target->changed = spool_tell(spool) > 0;
		io_discard(fd);		/* the failure is reported already */
		return STATUS_FAILED;
	}
	/* What others print behind the stream must not be written over it. */
	if (target->mode == TARGET_APPEND && target->descriptor != -1)
		(void)lseek(target->descriptor, 0, SEEK_END);	/* fails where there are no offsets */
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
		return target_fail(target, verb(target));
	message("%s: cannot replace: another process has locked its directory (flock); %s", target->options.file,
	    target_state(target));
	return STATUS_FAILED;
}
