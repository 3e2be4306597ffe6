/* chattr.h: what statx(2) says about a file that rename(2) would refuse to replace. */
#ifndef CHATTR_H
#define CHATTR_H

#include <stdbool.h>

/*
 * The name is that of a file in the directory, or "" for the directory itself. Symbolic links are not followed. Where
 * the system or the file system does not say, the answer is false.
 */

/* chattr +a: a file can only be appended to; the files in a directory can be neither renamed nor removed. */
bool	chattr_append_only(int directory, const char *name);

/* chattr +i: neither the contents nor the name can change; a directory takes no new file. */
bool	chattr_immutable(int directory, const char *name);

/* Not an attribute of chattr(1), but reported by the same call: something is mounted on the name. */
bool	chattr_mount_point(int directory, const char *name);

/* Why no file in the directory can be renamed or removed, if chattr(1) is the reason; else NULL. */
const char *chattr_locks(int directory);

#endif
