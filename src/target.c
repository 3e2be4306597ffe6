/* target.c: the file that -o names: what it is made of, what a soak and a check need of it, and its end. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hidden.h"
#include "io.h"
#include "message.h"
#include "store.h"
#include "target_internal.h"

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
 * What the steps share
 */

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

int
target_look(struct target *target)
{
	return old_look(&target->old, &target->place, purpose_of_reading(target),
	    target->options.fall_back && target->mode == TARGET_REPLACE);
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

int
target_fail(const struct target *target, const char *doing)
{
	message("%s: cannot %s: %s; %s", target->options.file, doing, place_strerror(&target->place),
	    target_state(target));
	return STATUS_FAILED;
}

int
target_fail_backup(const struct target *target, const char *why, const char *state)
{
	message("%s: cannot make its backup %s: %s; %s", target->options.file, target->backup, why, state);
	return STATUS_FAILED;
}

int
target_sync_names(const struct target *target)
{
	return target->options.sync ? store_sync_names(target->place.directory, target->new.staged.fd) : 0;
}

int
target_sync_directory(const struct target *target)
{
	if (target_sync_names(target) == 0)
		return STATUS_DONE;
	message("%s: cannot sync its directory: %s; it has the new contents, but a power cut may bring back the old",
	    target->options.file, strerror(errno));
	return STATUS_FAILED;
}

const char *
target_outcome(const struct target *target, bool *changed)
{
	*changed = target->changed;
	return target->outcome;
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

int
target_copy_old(struct target *target, int fd)
{
	if (old_copy(&target->old, fd, true) == -1)
		return target_fail(target, "copy the file for COMMAND");
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
	(void)target_fail(target, "stage the stream for the check");
	*path = NULL;
	io_discard(fd);		/* it is open for reading */
	return -1;
}

int
target_is_intact(const struct target *target)
{
	const int intact = new_is_intact(&target->new);

	if (intact == -1)
		(void)target_fail(target, "read its new contents");
	return intact;
}

/*
 * Abandon
 */

void
target_abandon(struct target *target)
{
	const struct staged *staged = &target->new.staged;

	if (target->undo.armed)
		target_end_trial(target);
	/* The name stays noted: the main thread may be reading it. */
	if (*staged->name != '\0')
		hidden_remove(&target->place, staged->name);
}

void
target_close(struct target *target)
{
	if (target == NULL)
		return;
	staged_drop(&target->new.staged);
	old_close(&target->old);
	place_close(&target->place);
	free(target);
}
