/* named.h: the stream as a real file with a name, in a private directory, for a program that opens it by its path. */
#ifndef NAMED_H
#define NAMED_H

#include <sys/types.h>

#include <stdbool.h>

struct named;

/* Whether nobody but its owner and root can rename the private directory of another user there. */
bool	 named_is_safe(const char *directory);

/*
 * Makes a private directory (mode 0700, spool-XXXXXX) in directory, and in it an empty file called name. To be called
 * while signals are held (signals.h), if a signal has to end with named_remove(). Ends with named_close().
 * NULL: errno of mkdtemp(3), open(2), malloc(3); nothing was left there.
 */
struct named *named_create(const char *directory, const char *name);

/* The file, open for reading and writing, for the engine to spill into (struct spool_options, spill_fd). It is closed by
   named_close(). */
int	 named_fd(const struct named *named);

/* The path of the file. It belongs to named. */
const char *named_path(const struct named *named);

/*
 * The file is complete, of size bytes: makes it read-only and notes what it is. Returns a descriptor for reading it, the
 * caller's to close. -1: errno of fchmod(2), open(2), fstat(2), pread(2); EIO.
 */
int	 named_show(struct named *named, off_t size);

/* Another descriptor of the file that was shown, with an offset of its own: what still reads the other one does not
   take bytes from it. It belongs to named. */
int	 named_reader(const struct named *named);

/* Whether the file that was shown is still what it was, contents and name: 1 yes, 0 no. -1: errno of fstat(2),
   pread(2). */
int	 named_is_intact(const struct named *named);

/*
 * Removes the directory and all that is in it. Descriptors of the file stay valid. 0, or -1 with the errno of unlink(2)
 * or rmdir(2). A second call does nothing, nor does one for NULL.
 */
int	 named_remove(struct named *named);

/* The path of what named_remove() could not remove. It belongs to named. */
const char *named_left(const struct named *named);

/* Removes the file, unless named_remove() has done so, and closes it. NULL is allowed. */
void	 named_close(struct named *named);

#endif
