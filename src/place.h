/* place.h: where a file is: its directory, held open, and its name there. */
#ifndef PLACE_H
#define PLACE_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>

struct place {
	int directory;			/* for openat(2) and the like, or -1; fsync(2) may refuse this descriptor */
	char *path;			/* of the directory */
	bool linked;			/* a symbolic link led there */
	char name[NAME_MAX + 1];	/* of the file, which need not exist, and is not a symbolic link */
};

/*
 * Follows the symbolic links of path to the place of the file, even where the last one dangles, and opens the
 * directory. place was zeroed, with directory -1, or used before; the caller ends it with place_close(). Returns 0; 1
 * if the file exists and is not a regular file; or -1 with EISDIR for a path that only a directory can have, ESTALE if
 * others replace the file all the time, or the errno of stat(2), open(2), readlink(2), malloc(3). place_close() is
 * allowed then too. If the directory cannot be opened, place->path names it.
 */
int	place_find(struct place *place, const char *path);
void	place_close(struct place *place);

/* Whether path still leads to this place: 1 yes, 0 no. -1: errno of stat(2). */
int	place_confirm(const struct place *place, const char *path);

/*
 * The number of a descriptor of this process that path names: /dev/stdout and its like, /dev/fd/N and
 * /proc/self/fd/N, also through symbolic links. -1: path names no descriptor.
 */
int	place_descriptor(const char *path);

/*
 * Makes a hidden name for the same directory: ".NAME.spool-", six random characters, suffix. NAME is cut, and a long
 * suffix left out, if the file system might not take a name of that length.
 */
void	place_beside(const struct place *place, const char *suffix, char name[NAME_MAX + 1]);

/* As place_beside(), with XXXXXX instead of the random characters, for mkdtemp(3). */
void	place_template(const struct place *place, char name[NAME_MAX + 1]);

/* Makes a file without a name in the directory, open for reading and writing. -1: errno of openat(2). */
int	place_anonymous(const struct place *place, mode_t mode);

/* Gives this name to the file behind fd, which has no name yet. 0, or -1: errno of linkat(2). Needs /proc. */
int	place_link(const struct place *place, int fd, const char *name);

/* Whether the name in the directory is that of the file behind fd. */
bool	place_has(const struct place *place, const char *name, int fd);

/* Whether the directory is on SMB (cifs), or on FUSE, as far as the kernel says. */
bool	place_is_smb(const struct place *place);
bool	place_is_fuse(const struct place *place);

/* Whether a directory is on a file system that may have no modes, as far as the kernel says. */
bool	place_may_lack_modes(const char *directory);

/* Whether another file can be made in the directory, and removed. */
bool	place_can_have_neighbours(const struct place *place);

/* As strerror(3) of errno, but explains an EPERM that comes from an attribute of the file (chattr(1)). */
const char *place_strerror(const struct place *place);

/* Whether this errno says that others have just removed or replaced the file. */
bool	place_gone(int error);

#endif
