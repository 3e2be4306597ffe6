/* new.c: makes the new file: contents, attributes, and what a check sees of it. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "chattr.h"
#include "compare.h"
#include "guard.h"
#include "io.h"
#include "new.h"
#include "old.h"
#include "place.h"
#include "signals.h"
#include "spool.h"
#include "store.h"

/* The suffix of the hidden name. A check may depend on the suffix of a file. */
static const char *
suffix_of(const struct new *new)
{
	const char *dot = strrchr(new->staged.place->name, '.');

	return !new->for_check || dot == NULL ? "" : dot;
}

/* Opens the staged file. A late one has its final mode from the beginning, as far as open(2) gives that. */
static int
stage(struct new *new)
{
	mode_t mode = 0600;

	if (new->late)
		mode = new->old->exists ? new->old->status.st_mode & 0777 : 0666;
	new->complete = false;
	return staged_open(&new->staged, suffix_of(new), mode);
}

/* Tries whether a file can be made, and whether it can have the attributes of the old one. */
static int
try_staging(struct new *new, char *why, size_t size)
{
	if (stage(new) == -1) {
		const int error = errno;
		const char *reason = error == EPERM ? chattr_locks(new->staged.place->directory) : NULL;

		if (reason == NULL)
			reason = error == EACCES || error == EPERM || error == EROFS
			    ? "its directory cannot be written" : "no file can be made beside it";
		(void)snprintf(why, size, "%s: %s", reason, strerror(error));
		return -1;
	}
	/*
	 * If others have just replaced the file, the commit will see whether the attributes of the next one can be
	 * kept.
	 */
	if (!new->old->exists || old_give(new->old, new->staged.fd, new->late, new->what, sizeof(new->what)) == 0
	    || place_gone(errno))
		return 0;
	(void)snprintf(why, size, "%s cannot be kept: %s", new->what, strerror(errno));
	staged_drop(&new->staged);
	return -1;
}

/*
 * Some file systems refuse to change a mode, or have no modes. Other users could read or write a staged file there. So
 * such a file is staged only at the commit, with its final mode, and is compared with the stream.
 */
int
new_prepare(struct new *new, char *why, size_t size)
{
	const struct place *place = new->staged.place;
	const char *known = NULL;

	if (new->old->exists && chattr_mount_point(place->directory, place->name))
		known = "it is a mount point";
	else if (new->old->exists || chattr_immutable(place->directory, ""))
		known = chattr_locks(place->directory);
	if (known != NULL) {
		strlcpy(why, known, size);
		return -1;
	}
	if (try_staging(new, why, size) == -1)
		return -1;
	new->late = !staged_is_private(&new->staged);
	if (!new->late)
		return 0;
	staged_drop(&new->staged);
	if (try_staging(new, why, size) == -1)
		return -1;
	staged_drop(&new->staged);
	return 0;
}

/*
 * Whether the file can become the new one: no other name leads to it, and it belongs to the same user as a file that
 * spool makes there.
 */
static bool
is_fit(const struct new *new, int fd)
{
	struct stat made, own;

	return fstat(fd, &made) == 0 && fstat(new->staged.fd, &own) == 0 && made.st_nlink == 1
	    && made.st_uid == own.st_uid && made.st_dev == own.st_dev;
}

int
new_adopt(struct new *new, int fd, int directory, const char *name)
{
	int copy;

	/* It must not be open to others once it has left its private directory. */
	if (!is_fit(new, fd) || fchmod(fd, 0600) == -1)
		return -1;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy == -1)
		return -1;
	if (staged_take(&new->staged, copy, directory, name, suffix_of(new)) == 0)
		return 0;
	staged_drop(&new->staged);
	new->is_spill = stage(new) == 0;
	return -1;
}

/*
 * Where the commit will wait for the disk, writing begins with each 8 MiB, while the source is still being read: 1 GiB
 * then took 0.60 s, 0.75 of the time of "cat big >tmp; sync tmp", and 0.96 s otherwise (2 MiB: 0.80 s, 128 MiB: 0.80
 * s). Beginning to write is advice: if it fails, fsync(2) will report that.
 */
#define STEP ((off_t)8 << 20)

void
new_soaked(struct new *new, off_t bytes)
{
#ifdef HAVE_SYNC_FILE_RANGE
	if (!new->is_spill || bytes - new->begun < STEP)
		return;
	(void)sync_file_range(new->staged.fd, new->begun, bytes - new->begun, SYNC_FILE_RANGE_WRITE);
	new->begun = bytes;
#else
	(void)new, (void)bytes;
#endif
}

/* Gives the staged file the contents, once. */
static int
complete(struct new *new, struct spool *spool)
{
	if (new->staged.fd == -1 && stage(new) == -1)
		return -1;
	if (!new->complete
	    && (new->is_spill ? spool_rollover(spool) : store_stream(new->staged.fd, spool, new->progress)) == -1)
		return -1;
	new->complete = true;
	return 0;
}

/* Gives the staged file the attributes of a file that is made there. */
static int
give_default_attributes(struct new *new)
{
	struct staged model = { .place = new->staged.place, .fd = -1 };
	int result;

	/* Signals are held: the watch would not remove the model's hidden name. */
	signals_hold();
	strlcpy(new->what, "its mode", sizeof(new->what));
	result = staged_open(&model, "", 0666);
	if (result == 0) {
		result = attributes_take(model.fd, new->staged.fd, new->what, sizeof(new->what));
		staged_drop(&model);
	}
	signals_release();
	return result;
}

static int
give_attributes(struct new *new)
{
	if (new->old->exists)
		return old_give(new->old, new->staged.fd, true, new->what, sizeof(new->what));
	if (give_default_attributes(new) == -1)
		return -1;
	/* Where modes cannot be changed, it keeps the default. */
	if (new->mode != 0)
		(void)fchmod(new->staged.fd, new->mode);
	return 0;
}

/* A descriptor for the check. Opened before the file gets its final mode, which may not allow reading. */
static int
open_to_check(const struct staged *staged)
{
	(void)fchmod(staged->fd, 0600);		/* the umask may have taken even the owner's rights */
	return openat(staged->place->directory, staged->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int
new_show(struct new *new, struct spool *spool)
{
	struct staged *staged = &new->staged;
	const off_t size = spool_size(spool);
	int fd;

	/* A name in an append-only directory could not be removed. */
	if (chattr_append_only(staged->place->directory, ""))
		return io_fail(EPERM);
	if (complete(new, spool) == -1 || staged_link(staged, suffix_of(new)) == -1
	    || staged_reopen(staged, size) == -1)
		return -1;
	fd = open_to_check(staged);
	if (fd == -1)
		return -1;
	new->shown = give_attributes(new) == 0 && io_flush(staged->fd) == 0 && io_reach(fd, size) == 0
	    && fingerprint_take(staged->fd, size, true, &new->fingerprint) == 0;
	if (new->shown)
		return fd;
	io_discard(fd);		/* it is open for reading */
	return -1;
}

int
new_is_intact(const struct new *new)
{
	const struct staged *staged = &new->staged;

	if (!new->shown)
		return 1;
	if (!place_has(staged->place, staged->name, staged->fd))
		return 0;
	return io_lost(staged->fd) == -1 ? -1 : fingerprint_matches(staged->fd, &new->fingerprint);
}

/* Whether it has the contents of the stream, where others could write into it, too. 1 yes, 0 no, -1: errno. */
static int
has_stream(const struct staged *staged, struct spool *spool)
{
	const off_t size = spool_size(spool), end = lseek(staged->fd, 0, SEEK_END);

	return end == size ? compare_contents(spool, 0, staged->fd, 0, size) : end == -1 ? -1 : 0;
}

static int
fail_with(struct new *new, enum new_fault fault)
{
	new->fault = fault;
	return -1;
}

int
new_finish(struct new *new, struct spool *spool, bool sync)
{
	struct staged *staged = &new->staged;
	int same = 1;

	if (complete(new, spool) == -1)
		return fail_with(new, !new->is_spill && spool_fault(spool) == SPOOL_SPILL ? NEW_UNREADABLE : NEW_FAILED);
	if (staged_reopen(staged, spool_size(spool)) == -1)
		return fail_with(new, NEW_FAILED);
	if (give_attributes(new) == -1)
		return fail_with(new, place_gone(errno) ? NEW_RACE : NEW_NOT_KEPT);
	/* Where this fails, the time of modification is that of the last write. */
	(void)futimens(staged->fd, NULL);
	if (store_settle(staged->fd, sync) == -1)
		return fail_with(new, NEW_FAILED);
	if (new->late)
		same = has_stream(staged, spool);
	return same == 1 ? 0 : fail_with(new, same == -1 ? NEW_UNREADABLE : NEW_ALTERED);
}

/* A new file needs no guard: it is linked to its name, which fails if there is one. */
static bool
is_guarded(const struct new *new)
{
	return new->guarded && new->old->exists;
}

/* Whether this errno of the renaming comes from what others do at the same time. */
static bool
is_race(const struct new *new, int error)
{
	const bool smb = place_is_smb(new->staged.place);

	if (is_guarded(new) && (error == EEXIST || error == EWOULDBLOCK))
		return true;
	/* SMB refuses the name of a file that others have removed until its last close. */
	return new->old->exists ? error == EEXIST && smb : error == EEXIST || (error == EACCES && smb);
}

/* Why the file could not get its name. Looks for the old file, which some file systems remove before the rename fails. */
static enum new_fault
find_fault(const struct new *new, int error)
{
	const struct place *place = new->staged.place;
	const bool for_good = error == EBUSY || error == EPERM || error == ENOSYS || error == ENOTSUP;
	struct stat now;

	if (is_guarded(new) && *new->what != '\0')
		return NEW_MIXED;
	if (is_race(new, error))
		return NEW_RACE;
	if (new->old->exists && fstatat(place->directory, place->name, &now, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return NEW_LOST;
		new->old->unknown = true;
	}
	return for_good && new->old->exists ? NEW_REFUSED : NEW_FAILED;
}

static int
publish(struct new *new)
{
	const struct old *old = new->old;

	if (is_guarded(new))
		return guard_publish(&new->staged, &old->status, new->what);
	return staged_publish(&new->staged, new->staged.place->name, old->exists);
}

int
new_publish(struct new *new)
{
	const char *name = new->staged.place->name;
	int error;

	if (publish(new) == 0)
		return 0;
	error = errno;
	new->fault = find_fault(new, error);
	if (new->fault == NEW_LOST) {
		if (staged_publish(&new->staged, name, false) == 0)
			return 0;
		strlcpy(new->what, new->staged.name, sizeof(new->what));
		*new->staged.name = '\0';	/* so that nothing removes the new contents */
	}
	return io_fail(error);
}

void
new_abandon(struct new *new)
{
	if (new->is_spill)
		staged_unlink(&new->staged);
	else
		staged_drop(&new->staged);
}
