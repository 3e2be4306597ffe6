/* old.h: the existing file: its status, whether it may be written, and the attributes that the new file gets. */
#ifndef OLD_H
#define OLD_H

#include <sys/stat.h>

#include <stdbool.h>
#include <stddef.h>

struct place;
struct spool;

struct old {
	bool exists;
	bool unknown;			/* whether it exists is not known: looking has failed */
	bool adopted;			/* read-only, but replaced as sponge does: see attributes_adopt() */
	int fd;				/* the file, open for reading if it can be read; or -1 */
	struct stat status;
	const char *doing;		/* what old_look() has failed to do, for a message */
};

/*
 * Opens the file that the place names now, if there is one. purpose: what the file has to be read for, as "read it to
 * compare", or NULL. adopt: whether a file that cannot be written may be replaced all the same, where sponge would do
 * so. 0, or -1: EISDIR, EINVAL (not a regular file), or errno of fstatat(2), faccessat(2), openat(2), fstat(2).
 */
int	old_look(struct old *old, const struct place *place, const char *purpose, bool adopt);
void	old_close(struct old *old);

/*
 * Whether moreutils' sponge would rename its new file, which it makes in $TMPDIR or /tmp, to this one, and not write
 * into this one. Then the old file need not be writable, and its other names keep the old contents.
 */
bool	old_sponge_renames(const struct place *place);

/*
 * Gives the file behind fd the attributes of this one: see attributes_keep(), or attributes_adopt() if it is adopted.
 */
int	old_give(const struct old *old, int fd, bool with_access, char *what, size_t size);

/*
 * Copies the contents to the file behind fd, which is empty and open for reading and writing. clone: the two may share
 * their blocks, where the file system can do that. 0, or -1: errno of lseek(2), those of spool_open(), spool_fill().
 */
int	old_copy(const struct old *old, int fd, bool clone);

/*
 * Closes the file and sleeps before the next attempt. attempts: how many have failed so far. SMB keeps the name of a
 * removed file until its last close. So the file is closed here, and after some attempts there are pauses: four seconds
 * in all on SMB, two elsewhere.
 */
void	old_wait(struct old *old, const struct place *place, int attempts);

/* Whether it has the contents of the spool. 1 yes, 0 no, -1: as compare_contents(). */
int	old_has(const struct old *old, struct spool *spool);

#endif
