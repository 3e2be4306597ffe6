/* place.h: where a file is: its directory, held open, and its name there. */
#ifndef PLACE_H
#define PLACE_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>

struct place {
	int directory;			/* for openat(2) and its like, or -1; not always fit for fsync(2) */
	char *path;			/* the directory's */
	bool linked;			/* a symbolic link led there */
	char name[NAME_MAX + 1];	/* of the file in it; it need not exist, and is no symbolic link */
};

/*
 * Follows the symbolic links of path to the place of the file, even where the last one dangles, and opens the
 * directory. The caller ends the place with place_close(). Returns 0, or -1 with EISDIR for a path that only a
 * directory can have, or the errno of open(2), readlink(2), malloc(3); place_close() is allowed then too. Where
 * the directory cannot be opened, path names it.
 */
int	place_find(struct place *place, const char *path);
void	place_close(struct place *place);

/*
 * The number of a descriptor of this process that path names: /dev/stdout and its like, /dev/fd/N and
 * /proc/self/fd/N, also through symbolic links. -1: none.
 */
int	place_descriptor(const char *path);

/*
 * A hidden name in the same directory: ".NAME.spool-", six random characters, suffix. NAME is cut, and a long suffix is
 * left out, so that the file system has room for it.
 */
void	place_beside(const struct place *place, const char *suffix, char name[NAME_MAX + 1]);

/* A file without a name in the directory, for reading and writing, mode less umask. -1: errno of openat(2). */
int	place_anonymous(const struct place *place, mode_t mode);

/* Gives the file behind fd, which has no name, this one. 0, or -1: errno of linkat(2). Needs /proc. */
int	place_link(const struct place *place, int fd, const char *name);

/* Whether the name in the directory is that of the file behind fd. */
bool	place_has(const struct place *place, const char *name, int fd);

/* Whether the directory is a network share that SMB serves, or a program's file system (FUSE), as far as the kernel says. */
bool	place_is_smb(const struct place *place);
bool	place_is_fuse(const struct place *place);

/* Whether a directory is on a file system that may have no modes, as far as the kernel says. */
bool	place_may_lack_modes(const char *directory);

/* Waits until the contents of a file are on the disk, if it has one. 0, or -1: errno of fsync(2). */
int	place_flush(int fd);

/* Makes sure that what was written to a file is there: sync waits for the disk; else as io_flush(). */
int	place_settle(int fd, bool sync);

/* Waits until the names in the directory are on the disk; fd: any file on the same file system. As place_flush(). */
int	place_sync(const struct place *place, int fd);

#endif
