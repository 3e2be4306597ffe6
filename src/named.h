/* named.h: the stream as a real file with a name, in a private directory, for a program that opens it by its path. */
#ifndef NAMED_H
#define NAMED_H

#include <sys/types.h>

#include <stdbool.h>

struct named;

/* Whether nobody but root and the owners can rename a private directory in this one. */
bool	 named_is_safe(const char *directory);

/*
 * Where the watch calls named_remove(), signals must be held (signals.h) while named_create(), named_make(),
 * named_close_file(), named_open() and named_close() are called.
 */

/*
 * Makes a private directory (mode 0700) in directory, called as template with XXXXXX replaced, for a file called name.
 * The caller ends with named_close(). NULL: errno of mkdtemp(3), open(2), fdopendir(3), malloc(3); nothing is left there.
 * ENOTEMPTY: others have put another directory in its place.
 */
struct named *named_create(const char *directory, const char *template, const char *name);

/*
 * Makes the file, empty, with the mode of any new file. Returns a descriptor for reading and writing, which belongs to
 * named. The engine can spill into it (struct spool_options, spill_fd). -1: errno of open(2), fstat(2).
 */
int	 named_make(struct named *named);

/*
 * Opens for reading the file that another program has made. The descriptor belongs to named. -1: errno of open(2),
 * fstat(2); EINVAL: it is not a regular file.
 */
int	 named_open(struct named *named);

/* The size that the file has now; -1: there is no regular file. */
off_t	 named_size(const struct named *named);

/* Closes a file that named_make() has made, and that was written to. 0, or -1: errno of close(2). */
int	 named_close_file(struct named *named);

/* The descriptors of the file, or -1, and of the private directory. They belong to named. */
int	 named_fd(const struct named *named);
int	 named_directory(const struct named *named);

/* The path of the file, and its last part; both belong to named. */
const char *named_path(const struct named *named);
const char *named_name(const struct named *named);

/*
 * To be called when the file is complete and has size bytes. Makes it read-only, and takes its fingerprint. Returns a
 * descriptor for reading, which the caller closes. -1: errno of fchmod(2), open(2), fstat(2), pread(2); EIO.
 */
int	 named_show(struct named *named, off_t size);

/*
 * Lets another program have the file, which is complete and has size bytes: its owner may write again. Returns a
 * descriptor for reading, which the caller closes. -1: as named_show().
 */
int	 named_give(struct named *named, off_t size);

/* A second descriptor of the shown file. Its offset is its own: a process that CHECK has left running may still read
   from the first. It belongs to named. */
int	 named_reader(const struct named *named);

/* Whether the shown file has kept its contents and name: 1 yes, 0 no. -1: errno of fstat(2), pread(2). */
int	 named_is_intact(const struct named *named);

/*
 * Removes the private directory and its contents. Descriptors of the file stay valid. Returns 0, or -1 with the errno
 * of unlink(2) or rmdir(2). A second call does nothing. NULL is allowed.
 */
int	 named_remove(struct named *named);

/* The path that named_remove() could not remove; it belongs to named. */
const char *named_left(const struct named *named);

/* Removes the file, unless named_remove() has done so, and closes it. NULL is allowed. */
void	 named_close(struct named *named);

#endif
