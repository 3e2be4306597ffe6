/* tried.c: a file that has been replaced on trial: it is kept, or the old one is put back. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "backup.h"
#include "message.h"
#include "target_internal.h"

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

	if (backup_take(&target->place, undo->name, target->backup) == 0) {
		*undo->name = '\0';
		return STATUS_DONE;
	}
	if (errno == ENOENT)
		message("%s: cannot make its backup %s: the old file was removed during the trial; it has the new contents",
		    target->options.file, target->backup);
	else
		message("%s: cannot make its backup %s: %s; it has the new contents, and the old file is %s/%s",
		    target->options.file, target->backup, strerror(errno), target->place.path, undo->name);
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
	synced = target_sync_directory(target);
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
		return "it has been replaced";
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

	if (undo->mixed)
		message("%s: %s; this cannot be undone: %s; other processes have replaced the file in the same moment, one "
		    "version is %s/%s", file, why, strerror(errno), target->place.path, undo->name);
	else if (*undo->name == '\0')
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
	if (target_sync_names(target) == 0) {
		message("%s: %s; %s", file, why, back);
		return STATUS_REFUSED;
	}
	message("%s: %s; %s, but its directory cannot be synced: %s; a power cut may undo that", file, why, back,
	    strerror(errno));
	return STATUS_FAILED;
}

/* The status is that of the signal, whatever the disk does. */
void
target_end_trial(struct target *target)
{
	if (undo_take_back(&target->undo, &target->place) == -1) {
		report_kept(target, "a signal has ended the trial");
		return;
	}
	target->changed = false;
	(void)target_sync_names(target);
}
