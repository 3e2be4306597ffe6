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
#include "compare.h"
#include "fingerprint.h"
#include "inplace.h"
#include "io.h"
#include "message.h"
#include "place.h"
#include "signals.h"
#include "spool.h"
#include "target.h"

#ifndef O_NOATIME
#define O_NOATIME 0
#endif
#if HAVE_DECL_O_PATH
#define ONLY_TO_LOOK O_PATH
#else
#define ONLY_TO_LOOK (O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY)
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
	bool reopened;			/* it has been closed since, and is open for reading: see staged_reopen() */
};

struct target {
	struct target_options options;
	enum target_mode mode;		/* options.mode, or what it has fallen back to */
	bool direct;			/* a device, a FIFO or a socket, which is written directly */
	int descriptor;			/* and it is this one of the process's own, or -1 */
	struct place place;
	int old;			/* the file as it is, to look at; or -1 */
	struct stat old_status;
	const char *doing;		/* what look() has failed to do */
	bool exists;
	bool adopted;			/* replaced as sponge does it, though it becomes one's own */
	int refusal;			/* the errno of the last attempt to commit: see again() */
	bool unseen;			/* whether it exists is not known: looking has failed */
	struct staged staged;
	bool late;			/* it is staged only at the commit: see has_to_be_late() */
	bool lent;			/* the engine spills into the staged file */
	off_t begun;			/* and of that, the disk has been asked to write so much */
	bool shown;			/* a check may have seen it, when it was: */
	struct fingerprint fingerprint;
	char backup_name[NAME_MAX + 1];
};

const char *
target_state(const struct target *target)
{
	if (target->direct)
		return "nothing was released";
	if (target->unseen)
		return "the file was not touched";
	return target->exists ? "the file is unchanged" : "no file was made";
}

/* The end of a message in target_prepare(). */
static const char *
unread(const struct target *target)
{
	return target->exists ? "nothing was read, the file is unchanged" : "nothing was read";
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

/* chattr +i. */
static bool
is_immutable(int directory, const char *name)
{
#ifdef HAVE_STATX
	return has_attribute(directory, name, STATX_ATTR_IMMUTABLE);
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

/* Why no name in the directory can change, if chattr is the reason; else NULL. */
static const char *
shut(int directory)
{
	if (is_append_only(directory, ""))
		return "its directory is append-only";
	return is_immutable(directory, "") ? "its directory is immutable (chattr -i)" : NULL;
}

/* As strerror(3), which cannot know why something is not permitted. */
static const char *
reason(const struct target *target)
{
	const int error = errno;

	if (error == EPERM && is_immutable(target->place.directory, target->place.name))
		return "it is immutable (chattr -i)";
	return strerror(error);
}

static int
fail(const struct target *target, const char *doing)
{
	message("%s: cannot %s: %s; %s", target->options.file, doing, reason(target), target_state(target));
	return STATUS_FAILED;
}

/*
 * The staged file
 */

/* The part of the name from its last dot on. */
static const char *
suffix_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot == NULL ? "" : dot;
}

/* Without a name if that is possible, and possible to end, else with a hidden one. What is given has none yet: to write
   that here would be a race with the watch, which may look at it. */
static int
staged_open(const struct target *target, struct staged *staged, mode_t mode)
{
	const struct place *place = &target->place;

	staged->complete = staged->reopened = false;
	staged->fd = place_anonymous(place, mode);
	if (staged->fd != -1) {
		if (access(io_path(staged->fd).text, F_OK) == 0)
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
		place_beside(place, target->options.shown ? suffix_of(place->name) : "", staged->name);
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

/* Gives the file up; errno stays. Closed first: a file that is removed while it is open may come back (rclone). */
static void
staged_drop(const struct target *target, struct staged *staged)
{
	int error = errno;

	signals_hold();
	if (staged->fd != -1)
		(void)close(staged->fd);	/* nobody needs what is in it */
	staged->fd = -1;
	staged_unlink(target, staged);
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
	struct stat status;

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
	/* A file system without hard links: EPERM, or any other error (rclone: EIO). */
	if (fstatat(directory, to, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(directory, from, directory, to) : -1;
}

/*
 * SMB does not replace a file that somebody has open: the client removes the file, reports EACCES, and the last close ends
 * it. But a file that is open can be renamed. So the old file gets a hidden name first, and for a moment there is none
 * under its own.
 */
static int
rename_aside(const struct place *place, const char *from, const char *to)
{
	char aside[NAME_MAX + 1];
	int error;

	place_beside(place, "", aside);
	if (rename_new(place, to, aside) == -1)
		return errno == ENOENT ? rename_new(place, from, to) : -1;
	if (rename_new(place, from, to) == 0) {
		remove_hidden(place, aside);
		return 0;
	}
	error = errno;
	if (rename_new(place, aside, to) == -1) {
		if (errno == EEXIST)
			remove_hidden(place, aside);	/* others have replaced the file */
		else
			message("%s/%s: cannot rename it to %s: %s; it has the old contents", place->path, aside, to,
			    strerror(errno));
	}
	errno = error;
	return -1;
}

static int
rename_over(const struct place *place, const char *from, const char *to)
{
	if (place_is_smb(place))
		return rename_aside(place, from, to);
	return renameat(place->directory, from, place->directory, to);
}

/* Opens a file to read it. The engine knows it by this number; a lower one is free if the old file has gone meanwhile. */
static int
open_with_number(int directory, const char *name, int number)
{
	const int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int copy;

	if (fd == -1 || fd == number)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, number);
	io_discard(fd);		/* only opened */
	return copy;
}

/*
 * rclone may later give a part of a file, or EIO, if that was open while it was renamed: 30 at a time replaced the same
 * file, and 11 of 120 times it could not be read. None of 120 times if it was not open.
 */
static int
rename_closed(const struct place *place, struct staged *staged, const char *to,
    int (*rename_it)(const struct place *place, const char *from, const char *to))
{
	const int number = staged->fd;
	int result, error;

	io_discard(staged->fd);		/* only opened to be read */
	result = rename_it(place, staged->name, to);
	error = errno;
	staged->fd = open_with_number(place->directory, result == 0 ? to : staged->name, number);
	if (result == 0 || staged->fd != -1)
		errno = error;		/* else there is no other attempt */
	return result;
}

/* Makes name the staged file's own. replace: also where there is such a file; else that is EEXIST. */
static int
staged_publish(const struct target *target, struct staged *staged, const char *name, bool replace)
{
	const struct place *place = &target->place;
	int (*const rename_it)(const struct place *, const char *, const char *) = replace ? rename_over : rename_new;

	if (*staged->name == '\0') {
		if (!replace)
			return place_link(place, staged->fd, name);
		if (staged_link(target, staged, "") == -1)
			return -1;
	} else if (!place_has(place, staged->name, staged->fd)) {
		/* Somebody has put another file in its place. */
		errno = ESTALE;
		return -1;
	}
	if ((staged->reopened ? rename_closed(place, staged, name, rename_it) : rename_it(place, staged->name, name)) == -1)
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

/* What the old file has to be read for, or NULL: it is only to be written or replaced. */
static const char *
reading(const struct target *target)
{
	if (target->options.only_if_changed)
		return "read it to compare";
	if (target->options.backup != NULL)
		return "read it to make its backup";
	return target->mode == TARGET_OVERWRITE ? "read it to put its old contents aside" : NULL;
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
	/* One that may only be written can be replaced. Whoever watches it is not to hear of a writer yet. */
	if (fd == -1 && errno == EACCES && reading(target) == NULL)
		fd = openat(directory, name, ONLY_TO_LOOK | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/*
 * Whether moreutils' sponge would rename its new file, which it makes in $TMPDIR or /tmp, to this one, and not write
 * into it. Then the old file need not be writable, and its other names keep the old contents.
 */
static bool
sponge_renames(const struct target *target)
{
	const char *directory = getenv("TMPDIR");
	struct stat there, here;

	if (directory == NULL || *directory == '\0')
		directory = "/tmp";
	return !target->place.linked && stat(directory, &there) == 0 && fstat(target->place.directory, &here) == 0
	    && there.st_dev == here.st_dev;
}

static int
may_write(struct target *target)
{
	const int directory = target->place.directory;
	const char *name = target->place.name;

	target->adopted = target->options.fall_back && target->mode == TARGET_REPLACE
	    && faccessat(directory, name, R_OK | W_OK, AT_EACCESS) == -1 && errno == EACCES && sponge_renames(target);
	if (target->adopted)
		return 0;
	/* As a shell's redirection would: that the directory may be written does not make it right. */
	return faccessat(directory, name, W_OK, AT_EACCESS);
}

#ifndef EBADFD
#define EBADFD ESTALE
#endif

/* A file that others have just removed or replaced: ESTALE on FUSE and network file systems, EBADFD on GlusterFS. */
static bool
is_stale(int error)
{
	return error == ESTALE || error == EBADFD;
}

static bool
is_gone(int error)
{
	return is_stale(error) || error == ENOENT;
}

/* As fstatat(2). Where the name leads to a file that has just gone, another attempt finds what has replaced that file. */
static int
look_up(const struct place *place, struct stat *status)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int result = -1;

	for (int i = 0; i < 10; i++) {
		result = fstatat(place->directory, place->name, status, AT_SYMLINK_NOFOLLOW);
		if (result == 0 || !is_stale(errno))
			break;
		(void)nanosleep(&pause, NULL);
		errno = ESTALE;		/* EBADFD would puzzle the user, and nanosleep may have failed */
	}
	return result;
}

/* After a failure while looking: -1, or 0 for a file that is not there any more. SMB has EINVAL for one that is removed. */
static int
vanished(struct target *target)
{
	target->exists = !is_gone(errno) && errno != EINVAL;
	return target->exists ? -1 : 0;
}

/* Finds out what there is under the name now. -1: errno says why it is nothing to write to. */
static int
look(struct target *target)
{
	struct stat status;

	target->doing = "write";
	target->exists = false;
	if (look_up(&target->place, &status) == -1) {
		target->unseen = errno != ENOENT;
		return target->unseen ? -1 : 0;
	}
	target->unseen = false;
	target->exists = true;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	if (may_write(target) == -1)
		return vanished(target);
	close_old(target);
	if (reading(target) != NULL)
		target->doing = reading(target);
	target->old = open_old(target);
	if (target->old == -1 || fstat(target->old, &target->old_status) == -1)
		return vanished(target);
	if (S_ISREG(target->old_status.st_mode))
		return 0;
	errno = EINVAL;
	return -1;
}

/* Gives the staged file what the old one is besides its contents: see attributes_keep(). */
static int
keep(const struct target *target, bool open, char *what, size_t size)
{
	if (target->adopted)
		return attributes_adopt(target->old, target->staged.fd, open, what, size);
	return attributes_keep(target->old, target->staged.fd, open, what, size);
}

/* Opens the staged file. One that comes late has its final mode from the beginning, if it gets that. */
static int
stage(struct target *target)
{
	mode_t mode = 0600;

	if (target->late)
		mode = target->exists ? target->old_status.st_mode & 0777 : 0666;
	return staged_open(target, &target->staged, mode);
}

/*
 * Where file systems refuse to change a mode, or have none, a file cannot be private first and have its final mode
 * later. Others could read it while it is staged, or even write into it. So there it is staged only at the commit, and
 * compared. All such file systems want files to have names.
 */
static bool
has_to_be_late(const struct staged *staged)
{
	struct stat status;

	return *staged->name != '\0' && (fstat(staged->fd, &status) == -1 || (status.st_mode & 022) != 0
	    || fchmod(staged->fd, 0700) == -1 || fchmod(staged->fd, 0600) == -1);
}

/* Tries whether a file can be made, and whether it can have the attributes of the old one. */
static int
try_staging(struct target *target, char *why, size_t size)
{
	char what[NAME_MAX + 64];

	if (stage(target) == -1) {
		(void)snprintf(why, size, "%s: %s", errno == EACCES || errno == EPERM || errno == EROFS
		    ? "its directory cannot be written" : "no file can be made beside it", strerror(errno));
		return -1;
	}
	/* Where others have just replaced the file, the commit will see whether those of the next one can be kept. */
	if (!target->exists || keep(target, target->late, what, sizeof(what)) == 0 || is_gone(errno))
		return 0;
	(void)snprintf(why, size, "%s cannot be kept: %s", what, strerror(errno));
	staged_drop(target, &target->staged);
	return -1;
}

/* Opens the staged file, and tries what can be tried now. Otherwise why has a sentence. */
static int
try_replacing(struct target *target, char *why, size_t size)
{
	const int directory = target->place.directory;
	const char *known = NULL;

	if (target->exists && is_mount_point(directory, target->place.name))
		known = "it is a mount point";
	else if (target->exists || is_immutable(directory, ""))
		known = shut(directory);
	if (known != NULL) {
		strlcpy(why, known, size);
		return -1;
	}
	if (try_staging(target, why, size) == -1)
		return -1;
	target->late = has_to_be_late(&target->staged);
	if (!target->late)
		return 0;
	staged_drop(target, &target->staged);
	if (try_staging(target, why, size) == -1)
		return -1;
	staged_drop(target, &target->staged);
	return 0;
}

/* Opens the file to write into it: once, since whoever watches it takes each closing for new contents. */
static int
open_in_place(const struct target *target)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (target->mode == TARGET_APPEND ? O_APPEND : 0);
	const int directory = target->place.directory;
	const char *name = target->place.name;
	int fd = openat(directory, name, O_RDWR | flags);

	/* What was appended is only read if that has failed. */
	if (fd == -1 && errno == EACCES && target->mode == TARGET_APPEND)
		fd = openat(directory, name, O_WRONLY | flags);
	return fd;
}

static int
prepare_backup(struct target *target)
{
	const int directory = target->place.directory;
	const char *why = shut(directory);
	struct stat status;
	int n = snprintf(target->backup_name, sizeof(target->backup_name), "%s%s", target->place.name,
	    target->options.backup);
	int found = fstatat(directory, target->backup_name, &status, AT_SYMLINK_NOFOLLOW);

	if ((size_t)n >= sizeof(target->backup_name))
		errno = ENAMETOOLONG;
	else if (found == -1 ? errno != ENOENT : S_ISDIR(status.st_mode))
		errno = found == -1 ? errno : EISDIR;
	else if (why == NULL && (!target->exists || faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0))
		return 0;
	message("%s: cannot make its backup %s: %s; %s", target->options.file, target->backup_name,
	    why != NULL ? why : strerror(errno), unread(target));
	return -1;
}

static int
prepare_look(struct target *target)
{
	if (look(target) == 0)
		return 0;
	message("%s: cannot %s: %s; %s", target->options.file, target->doing, reason(target), unread(target));
	return -1;
}

/* As sponge, instead of replacing it. Now it has to be readable. */
static int
prepare_overwriting(struct target *target)
{
	target->mode = TARGET_OVERWRITE;
	return prepare_look(target);
}

static int
prepare_regular(struct target *target)
{
	char why[NAME_MAX + 256];

	if (prepare_look(target) == -1)
		return -1;
	/* Neither a new file nor -w would do. */
	if (target->exists && target->mode != TARGET_APPEND
	    && is_append_only(target->place.directory, target->place.name)) {
		message("%s: cannot %s: it is append-only; -a appends to it; %s", target->options.file,
		    target->mode == TARGET_REPLACE ? "replace" : "overwrite", unread(target));
		return -1;
	}
	if (target->options.backup != NULL && prepare_backup(target) == -1)
		return -1;
	/* Its other names follow, as with sponge. */
	if (target->options.fall_back && target->mode == TARGET_REPLACE && target->exists
	    && target->old_status.st_nlink > 1 && !sponge_renames(target))
		return prepare_overwriting(target);
	if (target->exists && target->mode != TARGET_REPLACE)
		return 0;
	if (try_replacing(target, why, sizeof(why)) == 0) {
		target->lent = target->options.directory == NULL && !target->late;
		return 0;
	}
	if (!target->exists) {
		message("%s: cannot create: %s; %s", target->options.file, why, unread(target));
		return -1;
	}
	if (target->options.fall_back)
		return prepare_overwriting(target);
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
 * what it finds has to be what place_find() has found. Others may replace it in between. 1: it is not a regular file.
 */
static int
find(struct target *target)
{
	const char *file = target->options.file;
	struct place *place = &target->place;
	struct stat status, found;

	for (int i = 0; i < ATTEMPTS; i++) {
		const bool is_there = stat(file, &status) == 0;

		if (!is_there && !is_gone(errno))
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
			if (!is_gone(errno))
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
	if (found == -1 && target->place.linked && target->place.path != NULL && target->place.directory == -1) {
		message("%s: cannot write: it is a link into %s: %s; nothing was read", target->options.file,
		    target->place.path, strerror(errno));
		return STATUS_FAILED;
	}
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

/* Whether another file can be made in its directory, and removed. */
static bool
can_have_neighbours(const struct target *target)
{
	const int directory = target->place.directory;

	return faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0 && !is_append_only(directory, "");
}

const char *
target_directory(const struct target *target)
{
	const struct place *place = &target->place;

	if (target->options.directory != NULL || target->direct || target->late)
		return target->options.directory;
	return target->lent || can_have_neighbours(target) ? place->path : NULL;
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
		return keep(target, true, what, size);
	/* The watch does not know of the model, which may have a name. */
	signals_hold();
	strlcpy(what, "its mode", size);
	result = staged_open(target, &model, 0666);
	if (result == 0) {
		result = attributes_take(model.fd, target->staged.fd, what, size);
		staged_drop(target, &model);
	}
	signals_release();
	return result;
}

/*
 * Some file systems of programs (davfs2, rclone) store a file only after its last close, and tell nobody if they cannot.
 * Opening waits until they have done so. So where the staged file has a name it is closed, opened again, and looked at;
 * but not if it has its final mode already, and that does not let it be read.
 */
static int
staged_reopen(const struct target *target, struct staged *staged, off_t size)
{
	const int fd = staged->fd, directory = target->place.directory;
	struct stat status;

	if (*staged->name == '\0' || !place_is_fuse(&target->place)
	    || faccessat(directory, staged->name, R_OK, AT_EACCESS) == -1)
		return 0;
	staged->fd = -1;
	if (io_close(fd) == -1)
		return -1;
	staged->fd = open_with_number(directory, staged->name, fd);
	staged->reopened = true;
	if (staged->fd == -1 || fstat(staged->fd, &status) == -1 || io_reach(staged->fd, size) == -1)
		return -1;
	errno = EIO;
	return status.st_size == size ? 0 : -1;
}

/* Completes the staged file, under a name. It is opened first: its final mode may not let everybody read it. */
static int
show(struct target *target, struct spool *spool)
{
	struct staged *staged = &target->staged;
	char what[NAME_MAX + 64];
	int fd;
	off_t size;

	/* A name there could not be removed. */
	if (is_append_only(target->place.directory, "")) {
		errno = EPERM;
		return -1;
	}
	if (staged->fd == -1 && stage(target) == -1)
		return -1;
	if (complete(target, spool) == -1
	    || (*staged->name == '\0' && staged_link(target, staged, suffix_of(target->place.name)) == -1)
	    || staged_reopen(target, staged, spool_size(spool)) == -1)
		return -1;
	(void)fchmod(staged->fd, 0600);		/* the umask may have taken even the owner's rights */
	fd = openat(target->place.directory, staged->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	size = spool_size(spool);
	target->shown = dress(target, what, sizeof(what)) == 0 && io_flush(staged->fd) == 0 && io_reach(fd, size) == 0
	    && fingerprint_take(staged->fd, size, true, &target->fingerprint) == 0;
	if (target->shown)
		return fd;
	io_discard(fd);		/* only to be read */
	return -1;
}

bool
target_can_show(const struct target *target)
{
	return !target->direct && (!target->exists || target->mode == TARGET_REPLACE || can_have_neighbours(target));
}

int
target_show(struct target *target, struct spool *spool, char **path)
{
	int fd = show(target, spool);

	*path = NULL;
	/* It must not look like an option. */
	if (fd != -1 && asprintf(path, "%s%s/%s", *target->place.path == '-' ? "./" : "", target->place.path,
	    target->staged.name) != -1)
		return fd;
	(void)fail(target, "stage the stream for the check");
	*path = NULL;
	if (fd != -1)
		(void)close(fd);	/* only to be read */
	return -1;
}

int
target_is_intact(const struct target *target)
{
	const struct staged *staged = &target->staged;
	int intact = 1;

	if (!target->shown)
		return 1;
	if (!place_has(&target->place, staged->name, staged->fd))
		return 0;
	if (io_lost(staged->fd) == -1 || (intact = fingerprint_matches(staged->fd, &target->fingerprint)) == -1) {
		(void)fail(target, "read its new contents");
		return -1;
	}
	return intact;
}

/*
 * Backup
 */

/* A second name for the old file. */
static int
link_backup(const struct target *target)
{
	const int directory = target->place.directory;

	for (int i = 0; i < ATTEMPTS; i++) {
		char name[NAME_MAX + 1];

		place_beside(&target->place, "", name);
		if (linkat(directory, target->place.name, directory, name, 0) == 0) {
			int result = rename_over(&target->place, name, target->backup_name);

			/* Where the backup is the same file already, renaming does nothing, and succeeds. */
			remove_hidden(&target->place, name);
			return result;
		}
		if (errno != EEXIST)
			break;
	}
	return -1;
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
	if (!target->exists || target->options.backup == NULL
	    || (target->mode == TARGET_REPLACE && link_backup(target) == 0))
		return 0;
	return copy_backup(target);
}

static int
fail_backup(const struct target *target)
{
	message("%s: cannot make its backup %s: %s; %s", target->options.file, target->backup_name, strerror(errno),
	    target_state(target));
	return STATUS_FAILED;
}

/*
 * Commit
 */

/* Whether the old file has the contents of the stream already. -1: errno. */
static int
is_same(const struct target *target, struct spool *spool)
{
	const off_t size = spool_size(spool);

	if (target->mode == TARGET_APPEND)
		return size == 0;
	return size == target->old_status.st_size ? compare_contents(spool, 0, target->old, 0, size) : 0;
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
	if (back_up(target) == 0)
		return 0;
	(void)fail_backup(target);
	return -1;
}

/* Whether the file is so long, at least, after its last close: see staged_reopen(). */
static bool
has_arrived(const struct target *target, off_t least)
{
	struct stat status;
	bool arrived;
	int fd;

	if (!place_is_fuse(&target->place))
		return true;
	fd = openat(target->place.directory, target->place.name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return errno == EACCES;
	arrived = fstat(fd, &status) == 0 && status.st_size >= least;
	(void)close(fd);	/* only looked at */
	errno = EIO;
	return arrived;
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
	const off_t least = spool_size(spool) + (target->mode == TARGET_APPEND ? target->old_status.st_size : 0);
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
	file.memory = spool_memory_limit(spool) - spool_in_memory(spool);
	file.fd = open_in_place(target);
	if (file.fd == -1)
		return fail(target, target->mode == TARGET_APPEND ? "append" : "overwrite");
	status = target->mode == TARGET_APPEND ? inplace_append(&file, spool) : inplace_overwrite(&file, spool);
	if ((io_close(file.fd) == -1 || (status == STATUS_DONE && !has_arrived(target, least)))
	    && status == STATUS_DONE) {
		message("%s: cannot close: %s; what it has may not be whole", target->options.file, strerror(errno));
		status = STATUS_FAILED;
	}
	return status;
}

/* The staged file takes the place of the old one. AGAIN: the place has changed; look again. */
#define AGAIN (-1)

/* errno is what the last attempt will have failed with. */
static int
again(struct target *target)
{
	target->refusal = errno;
	return AGAIN;
}

static bool
may_overwrite(const struct target *target)
{
	return target->exists && target->options.fall_back;
}

static int
overwrite_instead(struct target *target)
{
	target->mode = TARGET_OVERWRITE;
	return AGAIN;
}

/* Whether the staged file has what was written into it, where others could write, too. -1: errno. */
static int
has_the_stream(const struct staged *staged, struct spool *spool)
{
	const off_t size = spool_size(spool), end = lseek(staged->fd, 0, SEEK_END);

	return end == size ? compare_contents(spool, 0, staged->fd, 0, size) : end == -1 ? -1 : 0;
}

/* Completes the staged file: what is left to do then is to give it its name. An exit status, or AGAIN. */
static int
make_ready(struct target *target, struct spool *spool, const char *doing)
{
	struct staged *staged = &target->staged;
	char what[NAME_MAX + 64];
	int same = 1;

	if ((staged->fd == -1 && stage(target) == -1) || complete(target, spool) == -1)
		return fail(target, !target->lent && spool_fault(spool) == SPOOL_SPILL ? "read its new contents" : doing);
	if (staged_reopen(target, staged, spool_size(spool)) == -1)
		return fail(target, doing);
	if (dress(target, what, sizeof(what)) == -1) {
		if (is_gone(errno))
			return again(target);
		if (may_overwrite(target))
			return overwrite_instead(target);
		message("%s: cannot %s: %s cannot be kept: %s; %s", target->options.file, doing, what, strerror(errno),
		    target_state(target));
		return STATUS_FAILED;
	}
	/* The time of modification is that of its last write where it cannot be set. */
	(void)futimens(staged->fd, NULL);
	if (place_settle(staged->fd, target->options.sync) == -1)
		return fail(target, doing);
	if (target->late)
		same = has_the_stream(staged, spool);
	if (same == 1)
		return STATUS_DONE;
	if (same == -1)
		return fail(target, "read its new contents");
	message("%s: cannot %s: others have written into its new contents; %s", target->options.file, doing,
	    target_state(target));
	return STATUS_FAILED;
}

/* Some file systems remove the old file before they refuse the new one. Then that gets the name, or keeps its own. */
static int
publish_again(struct target *target, int error)
{
	struct staged *staged = &target->staged;

	if (*staged->name == '\0' ? place_link(&target->place, staged->fd, target->place.name) == 0
	    : rename_new(&target->place, staged->name, target->place.name) == 0) {
		*staged->name = '\0';
		return STATUS_DONE;
	}
	if (*staged->name == '\0')
		message("%s: cannot replace: %s; the file system has removed the file", target->options.file, strerror(error));
	else
		message("%s: cannot replace: %s; the file system has removed the file; its new contents are in %s/%s",
		    target->options.file, strerror(error), target->place.path, staged->name);
	*staged->name = '\0';	/* it stays */
	return STATUS_FAILED;
}

/* The staged file could not be given its name. An exit status, or AGAIN. */
static int
refuse(struct target *target, const char *doing)
{
	const int error = errno;
	const bool for_good = error == EBUSY || error == EPERM || error == ENOSYS || error == ENOTSUP;
	const bool smb = place_is_smb(&target->place);
	struct stat now;

	/* SMB refuses a name that others have removed until its last close. */
	if (target->exists ? error == EEXIST && smb : error == EEXIST || (error == EACCES && smb)) {
		signals_release();
		errno = error;
		return again(target);
	}
	if (target->exists && fstatat(target->place.directory, target->place.name, &now, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno == ENOENT)
			return publish_again(target, error);
		target->unseen = true;
	}
	errno = error;
	if (for_good && may_overwrite(target)) {
		signals_release();
		return overwrite_instead(target);
	}
	if (!for_good || !target->exists)
		return fail(target, doing);
	message("%s: cannot replace: %s; -w overwrites the file itself; %s", target->options.file,
	    error == EBUSY ? "it is a mount point" : reason(target), target_state(target));
	return STATUS_FAILED;
}

static int
replace(struct target *target, struct spool *spool)
{
	const char *doing = target->exists ? "replace" : "create";
	int status = make_ready(target, spool, doing);

	if (status != STATUS_DONE)
		return status;
	signals_hold();
	if (back_up(target) == -1) {
		if (!is_gone(errno))
			return fail_backup(target);
		signals_release();
		return again(target);
	}
	close_old(target);	/* SMB: see rename_aside() */
	if (staged_publish(target, &target->staged, target->place.name, target->exists) == -1) {
		status = refuse(target, doing);
		if (status != STATUS_DONE)
			return status;
	}
	if (target->options.sync && place_sync(&target->place, target->staged.fd) == -1) {
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
		io_discard(fd);		/* nothing was written */
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
	if (io_close(fd) == -1 && written) {
		written = false;
		error = errno;
	}
	if (!written) {
		message("%s: cannot close: %s; what it has may not be whole", file, strerror(error));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

/*
 * Before another attempt. SMB keeps the name of a file that others have removed until its last close: so it is not held
 * open, and after some attempts there are pauses, of four seconds in all, or two elsewhere.
 */
static void
wait_for_others(struct target *target, int attempts)
{
	const int longest = attempts >= 50 && place_is_smb(&target->place) ? 100 : 20;
	const struct timespec pause = { .tv_nsec = (attempts < longest ? attempts : longest) * 1000000L };

	close_old(target);
	if (attempts > 2)
		(void)nanosleep(&pause, NULL);
}

/* An exit status, or AGAIN. */
static int
try_to_commit(struct target *target, struct spool *spool)
{
	int same = 0;

	if (look(target) == -1) {
		if (errno != EINVAL)
			return fail(target, target->doing);
		message("%s: cannot write: it is not a regular file any more; nothing was released",
		    target->options.file);
		return STATUS_FAILED;
	}
	if (target->exists && target->options.only_if_changed)
		same = is_same(target, spool);
	if (same == -1)
		return is_gone(errno) ? again(target) : fail(target, "compare");
	if (same == 1)
		return commit_nothing(target);
	if (target->exists && target->mode != TARGET_REPLACE)
		return commit_in_place(target, spool);
	return replace(target, spool);
}

int
target_commit(struct target *target, struct spool *spool)
{
	int status = AGAIN;

	if (target->direct)
		return commit_direct(target, spool);
	for (int i = 0; i < ATTEMPTS && status == AGAIN; i++) {
		wait_for_others(target, i);
		status = try_to_commit(target, spool);
	}
	if (status != AGAIN)
		return status;
	errno = target->refusal;
	return fail(target, target->exists ? "replace" : "create");
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
