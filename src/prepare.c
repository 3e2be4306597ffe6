/* prepare.c: the first step of target.h's protocol: all that can be known of the file before anything is read. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <string.h>

#include "backup.h"
#include "chattr.h"
#include "message.h"
#include "special.h"
#include "target_internal.h"

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
prepare_look(struct target *target)
{
	return target_look(target) == 0 ? STATUS_DONE : refuse(target, target->old.doing, place_strerror(&target->place));
}

/* Overwrites the file, as sponge does. The file must then be readable, so it is looked at again. */
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
	if (target->old.exists && undo_try_links(&target->new.staged) == -1)
		return refuse(target, TARGET_LINKING, strerror(errno));
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
		return target_fail_backup(target, why, unread(target));
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
