/* attributes.h: copies owner, group, mode, access control list, extended attributes and those of chattr(1). */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies the attributes of the file behind from to the one behind to. Not copied: the set-id bits and file
 * capabilities, which a write would clear; what the kernel computes from the contents (security.ima, .evm); and
 * attributes of chattr(1) that the file system refuses, or that would lock the file.
 *
 * with_access: also copies what gives others access, the mode and the access control list. Without, a caller can learn
 * early whether the rest can be kept, and attributes that say how the contents are written (chattr +C) are set before
 * the first byte.
 *
 * Returns 0, or -1 with errno and in what (of size bytes) a few words that name what could not be kept.
 */
int	attributes_keep(int from, int to, bool with_access, char *what, size_t size);

/*
 * As attributes_keep(), but an owner or group that cannot be kept is not a failure: the file belongs to the user, and
 * its group gets no permission that others do not have.
 */
int	attributes_adopt(int from, int to, bool with_access, char *what, size_t size);

/*
 * Gives a new file the attributes that another new file, from, has got in the same directory. As attributes_keep(), but
 * a mode that the file system refuses to change is not a failure.
 */
int	attributes_take(int from, int to, char *what, size_t size);

#endif
