/* target.c: the file that -o names: prepare, commit, abandon. The protocol is in target.h. */
#include <config.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attributes.h"
#include "inplace.h"
#include "message.h"
#include "place.h"
#include "signals.h"
#include "spool.h"
#include "target.h"

#ifndef O_NOATIME
#define O_NOATIME 0
#endif
/* The one socket is opened when no more programs are executed. */
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif

/* How often another random name is tried. */
#define ATTEMPTS 100

/* A new file in the target's directory. */
struct staged {
	int fd;				/* or -1 */
	char name[NAME_MAX + 1];	/* its hidden name, or "": it has none */
	bool complete;			/* it has the whole stream */
};

struct target {
	struct target_options options;
	enum target_mode mode;		/* options.mode, or what it has fallen back to */
	bool direct;			/* no regular file: written straight to */
	int descriptor;			/* and it is this one of the process's own, or -1 */
	struct place place;
	int old;			/* the file as it is, to look at; or -1 */
	struct stat old_status;
	bool exists;
	struct staged staged;
	bool lent;			/* the engine spills into the staged file */
	off_t begun;			/* and of that, the disk has been asked to write so much */
	bool shown;			/* a check may have seen it, when it was: */
	struct stat shown_status;
	char backup_name[NAME_MAX + 1];
};

const char *
target_state(const struct target *target)
{
	if (target->direct)
		return "nothing was released";
	return target->exists ? "the file is unchanged" : "no file was made";
}

/* The end of a message in target_prepare(). */
static const char *
unread(const struct target *target)
{
	return target->exists ? "nothing was read, the file is unchanged" : "nothing was read";
}

static int
fail(const struct target *target, const char *doing)
{
	message("%s: cannot %s: %s; %s", target->options.file, doing, strerror(errno), target_state(target));
	return STATUS_FAILED;
}

/*
 * What rename(2) would refuse, as far as the system says so beforehand. name: "" for the directory itself.
 */

#ifdef HAVE_STATX
static bool
has_attribute(int directory, const char *name, uint64_t attribute)
{
	struct statx status;
	const int flags = AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0);

	return statx(directory, name, flags, 0, &status) == 0 && (status.stx_attributes & attribute) != 0;
}
#endif

/* chattr +a: a file that can only be appended to, a directory that does not let go of its files. */
static bool
is_append_only(int directory, const char *name)
{
#ifdef HAVE_STATX
	return has_attribute(directory, name, STATX_ATTR_APPEND);
#else
	(void)directory, (void)name;
	return false;
#endif
}

static bool
is_mount_point(int directory, const char *name)
{
#if defined(HAVE_STATX) && defined(STATX_ATTR_MOUNT_ROOT)
	return has_attribute(directory, name, STATX_ATTR_MOUNT_ROOT);
#else
	(void)directory, (void)name;
	return false;
#endif
}

/*
 * The staged file
 */

/* Without a name if that is possible, and possible to end, else with a hidden one. What is given has none yet: to write
   that here would be a race with the watch, which may look at it. */
static int
staged_open(const struct target *target, struct staged *staged, mode_t mode)
{
	const struct place *place = &target->place;

	staged->complete = false;
	staged->fd = place_anonymous(place, mode);
	if (staged->fd != -1) {
		char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", staged->fd);
		if (access(path, F_OK) == 0)
			return 0;
		(void)close(staged->fd);	/* it is empty */
	}
	/* A name there could not be removed. */
	if (is_append_only(place->directory, "")) {
		staged->fd = -1;
		errno = EPERM;
		return -1;
	}
	signals_hold();
	for (int i = 0; i < ATTEMPTS; i++) {
		place_beside(place, "", staged->name);
		staged->fd = openat(place->directory, staged->name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (staged->fd != -1 || errno != EEXIST)
			break;
	}
	if (staged->fd == -1)
		*staged->name = '\0';
	signals_release();
	return staged->fd == -1 ? -1 : 0;
}

/* Removes a hidden name. Where the directory does not let go of its files, telling is all one can do; errno stays. */
static void
remove_hidden(const struct place *place, const char *name)
{
	int error = errno;

	if (unlinkat(place->directory, name, 0) == -1 && errno != ENOENT)
		message("%s/%s: cannot remove: %s", place->path, name, strerror(errno));
	errno = error;
}

static void
staged_unlink(const struct target *target, struct staged *staged)
{
	if (*staged->name != '\0')
		remove_hidden(&target->place, staged->name);
	*staged->name = '\0';
}

/* Gives the file up; errno stays. */
static void
staged_drop(const struct target *target, struct staged *staged)
{
	int error = errno;

	signals_hold();
	staged_unlink(target, staged);
	if (staged->fd != -1)
		(void)close(staged->fd);	/* nobody needs what is in it */
	staged->fd = -1;
	signals_release();
	errno = error;
}

/* Gives it a hidden name, if it has none. */
static int
staged_link(const struct target *target, struct staged *staged, const char *suffix)
{
	int result = -1;

	signals_hold();
	for (int i = 0; i < ATTEMPTS && result == -1; i++) {
		char name[NAME_MAX + 1];

		place_beside(&target->place, suffix, name);
		result = place_link(&target->place, staged->fd, name);
		if (result == 0)
			strlcpy(staged->name, name, sizeof(staged->name));
		else if (errno != EEXIST)
			break;
	}
	signals_release();
	return result;
}

/* Renames, if there is no such name yet: one step where the system has it, else two. */
static int
rename_new(const struct place *place, const char *from, const char *to)
{
	const int directory = place->directory;

#ifdef HAVE_RENAMEAT2
	if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
#endif
	if (linkat(directory, from, directory, to, 0) == 0) {
		remove_hidden(place, from);
		return 0;
	}
	if (errno == EEXIST)
		return -1;
	/* A file system without hard links. */
	return renameat(directory, from, directory, to);
}

/* Makes name the staged file's own. replace: also where there is such a file; else that is EEXIST. */
static int
staged_publish(const struct target *target, struct staged *staged, const char *name, bool replace)
{
	const int directory = target->place.directory;

	if (*staged->name == '\0') {
		if (!replace)
			return place_link(&target->place, staged->fd, name);
		if (staged_link(target, staged, "") == -1)
			return -1;
	} else if (!place_has(&target->place, staged->name, staged->fd)) {
		/* Somebody has put another file in its place. */
		errno = ESTALE;
		return -1;
	}
	if ((replace ? renameat(directory, staged->name, directory, name)
	    : rename_new(&target->place, staged->name, name)) == -1)
		return -1;
	*staged->name = '\0';
	return 0;
}

/*
 * Looking at the file
 */

static void
close_old(struct target *target)
{
	if (target->old != -1)
		(void)close(target->old);	/* only looked at */
	target->old = -1;
}

/* Opens the file to look at it, without leaving a trace if possible. */
static int
open_old(const struct target *target)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	const int directory = target->place.directory;
	const char *name = target->place.name;
	int fd = openat(directory, name, O_RDONLY | O_NOATIME | flags);

	if (fd == -1 && errno == EPERM)
		fd = openat(directory, name, O_RDONLY | flags);
	/* One that may only be written can be replaced, but not compared or copied. */
	if (fd == -1 && errno == EACCES && !target->options.only_if_changed && target->options.backup == NULL)
		fd = openat(directory, name, O_WRONLY | O_APPEND | flags);
	return fd;
}

/* Finds out what there is under the name now. -1: errno says why it is nothing to write to. */
static int
look(struct target *target)
{
	const int directory = target->place.directory;
	const char *name = target->place.name;
	struct stat status;

	target->exists = false;
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	target->exists = true;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	/* As a shell's redirection would: that the directory may be written does not make it right. */
	if (faccessat(directory, name, W_OK, AT_EACCESS) == -1)
		return -1;
	close_old(target);
	target->old = open_old(target);
	if (target->old == -1 && errno == ENOENT)
		target->exists = false;		/* it has just gone */
	if (target->old == -1)
		return target->exists ? -1 : 0;
	if (fstat(target->old, &target->old_status) == -1)
		return -1;
	if (S_ISREG(target->old_status.st_mode))
		return 0;
	errno = EINVAL;
	return -1;
}

/* Opens the staged file, and tries what can be tried now. Otherwise why has a sentence. */
static int
try_replacing(struct target *target, char *why, size_t size)
{
	const int directory = target->place.directory;
	const char *known = NULL;
	char what[NAME_MAX + 64];

	if (target->exists && is_mount_point(directory, target->place.name))
		known = "it is a mount point";
	else if (target->exists && is_append_only(directory, target->place.name))
		known = "it is append-only";
	else if (target->exists && is_append_only(directory, ""))
		known = "its directory is append-only";
	if (known != NULL) {
		strlcpy(why, known, size);
		return -1;
	}
	if (staged_open(target, &target->staged, 0600) == -1) {
		(void)snprintf(why, size, "%s: %s", errno == EACCES || errno == EPERM || errno == EROFS
		    ? "its directory cannot be written" : "no file can be made beside it", strerror(errno));
		return -1;
	}
	if (target->exists && attributes_keep(target->old, target->staged.fd, false, what, sizeof(what)) == -1) {
		(void)snprintf(why, size, "%s cannot be kept: %s", what, strerror(errno));
		staged_drop(target, &target->staged);
		return -1;
	}
	return 0;
}

/* Opens the file to write into it. */
static int
open_in_place(const struct target *target)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	return openat(target->place.directory, target->place.name,
	    flags | (target->mode == TARGET_APPEND ? O_WRONLY | O_APPEND : O_RDWR));
}

static int
prepare_in_place(struct target *target)
{
	int fd = open_in_place(target);

	if (fd == -1) {
		message("%s: cannot open to %s: %s; %s", target->options.file,
		    target->mode == TARGET_APPEND ? "append to it" : "overwrite it", strerror(errno),
		    unread(target));
		return -1;
	}
	(void)close(fd);	/* nothing was written */
	return 0;
}

static int
prepare_backup(struct target *target)
{
	const int directory = target->place.directory;
	struct stat status;
	int n = snprintf(target->backup_name, sizeof(target->backup_name), "%s%s", target->place.name,
	    target->options.backup);

	if ((size_t)n >= sizeof(target->backup_name))
		errno = ENAMETOOLONG;
	else if (fstatat(directory, target->backup_name, &status, AT_SYMLINK_NOFOLLOW) == 0
	    && S_ISDIR(status.st_mode))
		errno = EISDIR;
	else if (is_append_only(directory, ""))
		errno = EPERM;
	else if (!target->exists || faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	message("%s: cannot make its backup %s: %s; %s", target->options.file, target->backup_name, strerror(errno),
	    unread(target));
	return -1;
}

static int
prepare_regular(struct target *target)
{
	char why[NAME_MAX + 256];

	if (look(target) == -1) {
		message("%s: cannot write: %s; %s", target->options.file, strerror(errno), unread(target));
		return -1;
	}
	if (target->options.backup != NULL && prepare_backup(target) == -1)
		return -1;
	if (target->exists && target->mode != TARGET_REPLACE)
		return prepare_in_place(target);
	if (try_replacing(target, why, sizeof(why)) == 0) {
		target->lent = target->options.directory == NULL;
		return 0;
	}
	if (!target->exists) {
		message("%s: cannot create: %s; %s", target->options.file, why, unread(target));
		return -1;
	}
	if (target->options.fall_back) {
		target->mode = TARGET_OVERWRITE;
		return prepare_in_place(target);
	}
	message("%s: cannot replace: %s; -w overwrites the file itself; %s", target->options.file, why, unread(target));
	return -1;
}

static int
prepare_descriptor(const struct target *target)
{
	const int flags = fcntl(target->descriptor, F_GETFL), kept = fcntl(target->descriptor, F_GETFD);
	/* Whoever started spool cannot have left one open that is closed on execution: such a one is spool's own, made
	   only to take the number. */
	const bool is_closed = flags == -1 || kept == -1 || (kept & FD_CLOEXEC) != 0;

	if (!is_closed && (flags & O_ACCMODE) != O_RDONLY)
		return 0;
	message("%s: cannot write: it is %s; nothing was read", target->options.file,
	    is_closed ? "closed" : "not open for writing");
	return -1;
}

struct target *
target_create(const struct target_options *options)
{
	struct target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return NULL;
	target->options = *options;
	target->mode = options->mode;
	target->descriptor = target->old = target->staged.fd = target->place.directory = -1;
	return target;
}

/* What is written straight to. */
static int
prepare_direct(const struct target *target)
{
	const char *file = target->options.file;

	if (target->options.backup != NULL) {
		message("%s: cannot make a backup: it is not a regular file; nothing was read", file);
		return -1;
	}
	if (target->descriptor != -1)
		return prepare_descriptor(target);
	if (faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) == 0)
		return 0;
	message("%s: cannot write: %s; nothing was read", file, strerror(errno));
	return -1;
}

/*
 * Finds the directory and the name. The kernel has its own ideas of which links are to be followed, and they count: so
 * what it finds has to be what place_find() has found. Others may replace it in between. 1: it is no regular file.
 */
static int
find(struct target *target)
{
	const char *file = target->options.file;
	struct place *place = &target->place;
	struct stat status, found;

	for (int i = 0; i < ATTEMPTS; i++) {
		const bool is_there = stat(file, &status) == 0;

		if (!is_there && errno != ENOENT)
			return -1;
		if (is_there && S_ISDIR(status.st_mode)) {
			errno = EISDIR;
			return -1;
		}
		if (is_there && !S_ISREG(status.st_mode))
			return 1;
		place_close(place);
		if (place_find(place, file) == -1)
			return -1;
		/* Asked again, since what place_find() has followed may not have been there before. */
		if (stat(file, &status) == -1) {
			if (errno != ENOENT)
				return -1;
			if (fstatat(place->directory, place->name, &found, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
				return 0;
		} else if (fstatat(place->directory, place->name, &found, AT_SYMLINK_NOFOLLOW) == 0
		    && found.st_dev == status.st_dev && found.st_ino == status.st_ino) {
			return 0;
		}
	}
	errno = ESTALE;
	return -1;
}

int
target_prepare(struct target *target)
{
	int found = 1;

	target->descriptor = place_descriptor(target->options.file);
	if (target->descriptor == -1)
		found = find(target);
	if (found == -1) {
		message("%s: cannot write: %s; nothing was read", target->options.file, strerror(errno));
		return STATUS_FAILED;
	}
	target->direct = found == 1;
	return (target->direct ? prepare_direct(target) : prepare_regular(target)) == 0 ? STATUS_DONE : STATUS_FAILED;
}

int
target_spill(const struct target *target)
{
	return target->lent ? target->staged.fd : -1;
}

const char *
target_directory(const struct target *target)
{
	const struct place *place = &target->place;

	if (target->options.directory != NULL || target->direct)
		return target->options.directory;
	if (target->lent || (faccessat(place->directory, ".", W_OK | X_OK, AT_EACCESS) == 0
	    && !is_append_only(place->directory, "")))
		return place->path;
	return NULL;
}

/*
 * Where the end will have to wait for the disk, it begins with each 8 MiB, while the source is still being read: 1 GiB
 * then took 0.60 s, 0.75 as long as "cat big >tmp; sync tmp", and 0.96 s without (2 MiB: 0.80 s, 128 MiB: 0.80 s).
 * Beginning to write is advice: if it fails, fsync will tell.
 */
#define STEP ((off_t)8 << 20)

void
target_soaked(void *cookie, off_t bytes)
{
#ifdef HAVE_SYNC_FILE_RANGE
	struct target *target = cookie;

	if (!target->lent || !target->options.sync || target->options.only_if_changed
	    || bytes - target->begun < STEP)
		return;
	(void)sync_file_range(target->staged.fd, target->begun, bytes - target->begun, SYNC_FILE_RANGE_WRITE);
	target->begun = bytes;
#else
	(void)cookie;
	(void)bytes;
#endif
}

/*
 * Completing the staged file
 */

static int
write_stream(const struct target *target, struct spool *spool, int fd)
{
	spool_freeze(spool);
	return spool_seek(spool, 0, SEEK_SET) == -1 || spool_drain(spool, fd, target->options.progress) == -1 ? -1 : 0;
}

static int
complete(struct target *target, struct spool *spool)
{
	if (target->staged.complete)
		return 0;
	if ((target->lent ? spool_rollover(spool) : write_stream(target, spool, target->staged.fd)) == -1)
		return -1;
	target->staged.complete = true;
	return 0;
}

/* Owner, mode and all: those of the old file, or those that a new one gets here. */
static int
dress(struct target *target, char *what, size_t size)
{
	struct staged model = { .fd = -1 };
	int result;

	if (target->exists)
		return attributes_keep(target->old, target->staged.fd, true, what, size);
	/* The watch does not know of the model, which may have a name. */
	signals_hold();
	strlcpy(what, "its mode", size);
	result = staged_open(target, &model, 0666);
	if (result == 0) {
		result = attributes_keep(model.fd, target->staged.fd, true, what, size);
		staged_drop(target, &model);
	}
	signals_release();
	return result;
}

/* The part of the name from its last dot on. */
static const char *
suffix_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	/* A short one: the hidden name must have room for it. */
	return dot == NULL || strlen(dot) > NAME_MAX / 2 ? "" : dot;
}

/* Sets the time of modification back, to one that no later write can give the file, however coarse the clock. */
static void
set_time_back(int fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = 0 } };

	if (clock_gettime(CLOCK_REALTIME, &times[1]) == 0) {
		times[1].tv_sec -= 10;
		(void)futimens(fd, times);
	}
}

/* Gives the staged file a hidden name that ends in this, whether it has one already or not. */
static int
staged_name(const struct target *target, struct staged *staged, const char *suffix)
{
	char name[NAME_MAX + 1];
	int result;

	if (*staged->name == '\0')
		return staged_link(target, staged, suffix);
	if (*suffix == '\0')
		return 0;
	place_beside(&target->place, suffix, name);
	signals_hold();
	result = rename_new(&target->place, staged->name, name);
	if (result == 0)
		strlcpy(staged->name, name, sizeof(staged->name));
	signals_release();
	return result;
}

/* Completes the staged file, under a name. It is opened first: its final mode may not let everybody read it. */
static int
show(struct target *target, struct spool *spool)
{
	struct staged *staged = &target->staged;
	char what[NAME_MAX + 64];
	int fd, error;

	/* A name there could not be removed. */
	if (is_append_only(target->place.directory, "")) {
		errno = EPERM;
		return -1;
	}
	if (staged->fd == -1 && staged_open(target, staged, 0600) == -1)
		return -1;
	if (complete(target, spool) == -1 || staged_name(target, staged, suffix_of(target->place.name)) == -1)
		return -1;
	/* The umask may have taken even the owner's rights. */
	if (fchmod(staged->fd, 0600) == -1)
		return -1;
	fd = openat(target->place.directory, staged->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (dress(target, what, sizeof(what)) == 0) {
		set_time_back(staged->fd);
		target->shown = fstat(staged->fd, &target->shown_status) == 0;
	}
	if (target->shown)
		return fd;
	error = errno;
	(void)close(fd);	/* only to be read */
	errno = error;
	return -1;
}

int
target_show(struct target *target, struct spool *spool, char **path)
{
	const bool may_lack = target->direct || (target->exists && target->mode != TARGET_REPLACE);
	int fd = -1;

	*path = NULL;
	if (!target->direct)
		fd = show(target, spool);
	if (fd != -1) {
		/* It must not look like an option. */
		if (asprintf(path, "%s%s/%s", *target->place.path == '-' ? "./" : "", target->place.path,
		    target->staged.name) == -1)
			*path = NULL;
	} else if (may_lack) {
		staged_drop(target, &target->staged);
		fd = spool_seal(spool);
		if (fd != -1)
			*path = strdup("/dev/stdin");
	}
	if (*path != NULL)
		return fd;
	(void)fail(target, "stage the stream for the check");
	if (fd != -1)
		(void)close(fd);	/* only to be read */
	return -1;
}

bool
target_is_intact(const struct target *target)
{
	const struct stat *then = &target->shown_status;
	struct stat now;

	return !target->shown || (place_has(&target->place, target->staged.name, target->staged.fd)
	    && fstat(target->staged.fd, &now) == 0 && now.st_size == then->st_size
	    && now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec);
}

/*
 * Backup
 */

/* A second name for the old file. */
static int
link_backup(const struct target *target)
{
	const int directory = target->place.directory;
	int result = -1;

	for (int i = 0; i < ATTEMPTS && result == -1; i++) {
		char name[NAME_MAX + 1];

		place_beside(&target->place, "", name);
		result = linkat(directory, target->place.name, directory, name, 0);
		if (result == 0) {
			result = renameat(directory, name, directory, target->backup_name);
			/* Where the backup is the same file already, renaming does nothing, and succeeds. */
			remove_hidden(&target->place, name);
			return result;
		}
		if (errno != EEXIST)
			break;
	}
	return result;
}

/* A copy of the old file, for a file that is to be written itself, or where there are no hard links. */
static int
copy_backup(const struct target *target)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	const struct timespec times[2] = { target->old_status.st_atim, target->old_status.st_mtim };
	struct staged copy = { .fd = -1 };
	struct spool *spool;
	int result = -1;

	if (staged_open(target, &copy, 0600) == -1)
		return -1;
	options.memory_limit = 0;
	options.spill_fd = copy.fd;
	spool = spool_open(&options);
	if (spool != NULL && lseek(target->old, 0, SEEK_SET) == 0
	    && spool_fill(spool, target->old, SPOOL_UNLIMITED, NULL) != -1) {
		char what[NAME_MAX + 64];

		/* A copy that cannot have the owner of the file stays private. */
		(void)attributes_keep(target->old, copy.fd, true, what, sizeof(what));
		(void)futimens(copy.fd, times);
		if (place_settle(copy.fd, target->options.sync) == 0)
			result = staged_publish(target, &copy, target->backup_name, true);
		/* It must be there before the file is overwritten. */
		if (result == 0 && target->options.sync)
			result = place_sync(&target->place, copy.fd);
	}
	(void)spool_close(spool);	/* the descriptor is not its own */
	staged_drop(target, &copy);
	return result;
}

static int
back_up(const struct target *target)
{
	int result = -1;

	if (!target->exists || target->options.backup == NULL)
		return 0;
	if (target->mode == TARGET_REPLACE)
		result = link_backup(target);
	if (result == -1)
		result = copy_backup(target);
	if (result == -1)
		message("%s: cannot make its backup %s: %s; %s", target->options.file, target->backup_name,
		    strerror(errno), target_state(target));
	return result;
}

/*
 * Commit
 */

/* Whether the old file has the contents of the stream already. -1: errno. */
static int
is_same(const struct target *target, struct spool *spool)
{
	char ours[64 << 10], theirs[sizeof(ours)];
	ssize_t n;

	if (target->mode == TARGET_APPEND)
		return spool_size(spool) == 0;
	if (spool_size(spool) != target->old_status.st_size)
		return 0;
	if (spool_seek(spool, 0, SEEK_SET) == -1 || lseek(target->old, 0, SEEK_SET) == -1)
		return -1;
	while ((n = spool_read(spool, ours, sizeof(ours))) > 0) {
		ssize_t got = 0;

		while (got < n) {
			ssize_t more = read(target->old, theirs + got, (size_t)(n - got));

			if (more == -1 && errno == EINTR)
				continue;
			if (more == -1)
				return -1;
			if (more == 0)
				return 0;	/* it has become shorter */
			got += more;
		}
		if (memcmp(ours, theirs, (size_t)n) != 0)
			return 0;
	}
	return n == -1 ? -1 : 1;
}

static int
commit_nothing(const struct target *target)
{
	/* Whoever has written it may not have waited for the disk. */
	if (target->options.sync && (place_flush(target->old) == -1 || place_sync(&target->place, target->old) == -1))
		return fail(target, "sync");
	return STATUS_DONE;
}

static int
back_up_before_writing(void *target)
{
	return back_up(target);
}

static int
commit_in_place(struct target *target, struct spool *spool)
{
	struct inplace file = {
		.file = target->options.file, .place = &target->place, .sync = target->options.sync,
		.only_grows = is_append_only(target->place.directory, target->place.name),
		.directory = target_directory(target), .before_writing = back_up_before_writing, .cookie = target,
		.progress = target->options.progress
	};
	int status;

	/* A check may have seen it under its hidden name. */
	if (target->lent) {
		signals_hold();
		staged_unlink(target, &target->staged);
		signals_release();
	} else {
		staged_drop(target, &target->staged);
	}
	/* The old contents may have what memory the stream does not use. */
	file.memory = target->options.memory - spool_in_memory(spool);
	file.fd = open_in_place(target);
	if (file.fd == -1)
		return fail(target, target->mode == TARGET_APPEND ? "append" : "overwrite");
	status = target->mode == TARGET_APPEND ? inplace_append(&file, spool) : inplace_overwrite(&file, spool);
	if (close(file.fd) == -1 && errno != EINTR && status == STATUS_DONE) {
		message("%s: cannot close: %s; what it has may not be whole", target->options.file, strerror(errno));
		status = STATUS_FAILED;
	}
	return status;
}

/* The staged file takes the place of the old one. AGAIN: the place has changed; look again. */
#define AGAIN (-1)

static int
replace(struct target *target, struct spool *spool)
{
	const char *doing = target->exists ? "replace" : "create";
	struct staged *staged = &target->staged;
	char what[NAME_MAX + 64];

	if ((staged->fd == -1 && staged_open(target, staged, 0600) == -1) || complete(target, spool) == -1)
		return fail(target, doing);
	if (dress(target, what, sizeof(what)) == -1) {
		if (target->exists && target->options.fall_back) {
			target->mode = TARGET_OVERWRITE;
			return AGAIN;
		}
		message("%s: cannot %s: %s cannot be kept: %s; %s", target->options.file, doing, what, strerror(errno),
		    target_state(target));
		return STATUS_FAILED;
	}
	if (futimens(staged->fd, NULL) == -1 || place_settle(staged->fd, target->options.sync) == -1)
		return fail(target, doing);

	signals_hold();
	if (back_up(target) == -1)
		return STATUS_FAILED;
	if (staged_publish(target, staged, target->place.name, target->exists) == -1) {
		if (errno == EEXIST && !target->exists) {
			signals_release();
			return AGAIN;
		}
		if (errno == EBUSY && target->options.fall_back) {
			target->mode = TARGET_OVERWRITE;
			signals_release();
			return AGAIN;
		}
		if (errno == EBUSY)
			message("%s: cannot replace: it is a mount point; -w overwrites the file itself; %s",
			    target->options.file, target_state(target));
		else
			(void)fail(target, doing);
		return STATUS_FAILED;
	}
	if (target->options.sync && place_sync(&target->place, staged->fd) == -1) {
		message("%s: cannot sync its directory: %s; it has the new contents, but a power cut may bring back "
		    "the old", target->options.file, strerror(errno));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

/* Opens a device, a FIFO or a socket. */
static int
open_direct(const char *file, int flags)
{
	int fd = open(file, O_WRONLY | O_NOCTTY | O_CLOEXEC | flags);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd != -1 || errno != ENXIO)
		return fd;
	if (strlcpy(address.sun_path, file, sizeof(address.sun_path)) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		int error = errno;

		(void)close(fd);	/* nothing was written */
		errno = error;
		return -1;
	}
	return fd;
}

static int
commit_direct(const struct target *target, struct spool *spool)
{
	const char *file = target->options.file;
	const off_t size = spool_size(spool);
	bool written;
	int fd = -1, error;

	/* What the shell makes of >>. */
	if (target->descriptor == -1 || target->mode == TARGET_APPEND)
		fd = open_direct(file, target->mode == TARGET_APPEND ? O_APPEND : 0);
	if (fd == -1 && target->descriptor != -1)
		fd = fcntl(target->descriptor, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return fail(target, "open");
	if (write_stream(target, spool, fd) == -1) {
		message("%s: cannot write: %s; it has %jd of %jd bytes", file, strerror(errno),
		    (intmax_t)spool_tell(spool), (intmax_t)size);
		(void)close(fd);
		return STATUS_FAILED;
	}
	written = !target->options.sync || place_flush(fd) == 0;
	error = errno;
	if (close(fd) == -1 && errno != EINTR && written) {
		written = false;
		error = errno;
	}
	if (!written) {
		message("%s: cannot close: %s; what it has may not be whole", file, strerror(error));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

int
target_commit(struct target *target, struct spool *spool)
{
	int status = AGAIN;

	if (target->direct)
		return commit_direct(target, spool);
	for (int i = 0; i < ATTEMPTS && status == AGAIN; i++) {
		if (look(target) == -1) {
			if (errno != EINVAL)
				return fail(target, "write");
			message("%s: cannot write: it is not a regular file any more; nothing was released",
			    target->options.file);
			return STATUS_FAILED;
		}
		if (target->exists && target->options.only_if_changed) {
			int same = is_same(target, spool);

			if (same == -1)
				return fail(target, "compare");
			if (same == 1)
				return commit_nothing(target);
		}
		if (target->exists && target->mode != TARGET_REPLACE)
			status = commit_in_place(target, spool);
		else
			status = replace(target, spool);
	}
	if (status != AGAIN)
		return status;
	errno = EEXIST;
	return fail(target, "create");
}

void
target_abandon(const struct target *target)
{
	/* The name stays noted: the main thread may be reading it. */
	if (*target->staged.name != '\0')
		remove_hidden(&target->place, target->staged.name);
}

void
target_close(struct target *target)
{
	if (target == NULL)
		return;
	staged_drop(target, &target->staged);
	close_old(target);
	place_close(&target->place);
	free(target);
}
