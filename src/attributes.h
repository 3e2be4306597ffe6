/*
 * attributes.h: what a file is besides its contents: owner, group, mode, access control list, extended attributes, and
 * the attributes of chattr(1).
 */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Gives the file behind the descriptor to what the one behind from has. Not carried over: the set-id bits and file
 * capabilities, as a write would clear them; what the kernel computes from the contents (security.ima, .evm); and those
 * of chattr(1) that the file system refuses, or that would lock the file.
 *
 * open: also what opens the file to others, the mode and the access control list. Without it they are left as they
 * are, so that it can be learnt early whether the rest can be kept, and what tells the file system how to write the
 * contents (chattr +C) is there before the first byte.
 *
 * Returns 0, or -1 with errno and in what (of size bytes) a few words on what could not be kept.
 */
int	attributes_keep(int from, int to, bool open, char *what, size_t size);

/*
 * The same, but an owner or group that cannot be kept is no failure: the file becomes one's own, and its group has no
 * right that all do not have.
 */
int	attributes_adopt(int from, int to, bool open, char *what, size_t size);

/*
 * Gives a new file what another new one, from, has got in the same directory. As attributes_keep(), but what the file
 * system refuses to change for anybody, it is left without.
 */
int	attributes_take(int from, int to, char *what, size_t size);

#endif
