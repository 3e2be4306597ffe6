/* old.c: looks at the file that is to be replaced or written to. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "attributes.h"
#include "compare.h"
#include "io.h"
#include "old.h"
#include "place.h"
#include "spool.h"
#include "store.h"

#ifndef O_NOATIME
#define O_NOATIME 0
#endif
#if HAVE_DECL_O_PATH
#define ONLY_TO_LOOK O_PATH
#else
#define ONLY_TO_LOOK (O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY)
#endif

void
old_close(struct old *old)
{
	io_discard(old->fd);	/* nothing was written to it */
	old->fd = -1;
}

/* Opens the file without changing its time of access if possible. */
static int
open_to_look(const struct place *place, bool read)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(place->directory, place->name, O_RDONLY | O_NOATIME | flags);

	if (fd == -1 && errno == EPERM)
		fd = openat(place->directory, place->name, O_RDONLY | flags);
	/* A file that cannot be read can be replaced. O_PATH, since a watcher must not see a writer yet. */
	if (fd == -1 && errno == EACCES && !read)
		fd = openat(place->directory, place->name, ONLY_TO_LOOK | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

bool
old_sponge_renames(const struct place *place)
{
	const char *directory = getenv("TMPDIR");
	struct stat there, here;

	if (directory == NULL || *directory == '\0')
		directory = "/tmp";
	return !place->linked && stat(directory, &there) == 0 && fstat(place->directory, &here) == 0
	    && there.st_dev == here.st_dev;
}

static int
may_write(struct old *old, const struct place *place, bool adopt)
{
	old->adopted = adopt && faccessat(place->directory, place->name, R_OK | W_OK, AT_EACCESS) == -1
	    && errno == EACCES && old_sponge_renames(place);
	if (old->adopted)
		return 0;
	/* As with a shell's redirection, write permission for the directory is not enough. */
	return faccessat(place->directory, place->name, W_OK, AT_EACCESS);
}

/*
 * As fstatat(2). A name may still lead to a file that others have just replaced: then another attempt finds the file
 * that has replaced it.
 */
static int
look_up(const struct place *place, struct stat *status)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int result = -1;

	for (int i = 0; i < 10; i++) {
		result = fstatat(place->directory, place->name, status, AT_SYMLINK_NOFOLLOW);
		if (result == 0 || errno == ENOENT || !place_gone(errno))
			break;
		(void)nanosleep(&pause, NULL);
		errno = ESTALE;		/* EBADFD would puzzle the user, and nanosleep(2) may have failed */
	}
	return result;
}

/*
 * After a failure: 0 if others have removed the file meanwhile, else -1. On SMB, opening a removed file fails with
 * EINVAL.
 */
static int
fail_unless_gone(struct old *old)
{
	old->exists = !place_gone(errno) && errno != EINVAL;
	return old->exists ? -1 : 0;
}

int
old_look(struct old *old, const struct place *place, const char *purpose, bool adopt)
{
	struct stat status;

	old->doing = "write";
	old->exists = false;
	if (look_up(place, &status) == -1) {
		old->unknown = errno != ENOENT;
		return old->unknown ? -1 : 0;
	}
	old->unknown = false;
	old->exists = true;
	if (!S_ISREG(status.st_mode))
		return io_fail(S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
	if (may_write(old, place, adopt) == -1)
		return fail_unless_gone(old);
	old_close(old);
	if (purpose != NULL)
		old->doing = purpose;
	old->fd = open_to_look(place, purpose != NULL);
	if (old->fd == -1 || fstat(old->fd, &old->status) == -1)
		return fail_unless_gone(old);
	return S_ISREG(old->status.st_mode) ? 0 : io_fail(EINVAL);
}

int
old_give(const struct old *old, int fd, bool with_access, char *what, size_t size)
{
	if (old->adopted)
		return attributes_adopt(old->fd, fd, with_access, what, size);
	return attributes_keep(old->fd, fd, with_access, what, size);
}

int
old_has(const struct old *old, struct spool *spool)
{
	const off_t size = spool_size(spool);

	return size == old->status.st_size ? compare_contents(spool, 0, old->fd, 0, size) : 0;
}

int
old_copy(const struct old *old, int fd, bool clone)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	int result = -1;

	if (clone && store_clone(fd, old->fd) == 0)
		return 0;
	options.memory_limit = 0;
	options.spill_fd = fd;
	spool = spool_open(&options);
	if (spool != NULL && lseek(old->fd, 0, SEEK_SET) == 0
	    && spool_fill(spool, old->fd, SPOOL_UNLIMITED, NULL) != -1)
		result = 0;
	(void)spool_close(spool);	/* which leaves fd open */
	return result;
}

void
old_wait(struct old *old, const struct place *place, int attempts)
{
	const int longest = attempts >= 50 && place_is_smb(place) ? 100 : 20;
	const struct timespec pause = { .tv_nsec = (attempts < longest ? attempts : longest) * 1000000L };

	old_close(old);
	if (attempts > 2)
		(void)nanosleep(&pause, NULL);
}
