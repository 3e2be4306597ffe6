/* attributes.h: what a file is besides its contents: owner, group, mode, access control list, extended attributes. */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Gives the file behind the descriptor to what the one behind from has. Not carried over: the set-id bits and file
 * capabilities, as a write would clear them; and what the kernel computes from the contents (security.ima, .evm).
 *
 * open: also what opens the file to others, the mode and the access control list. Without it they are left as they
 * are, so that it can be learnt early whether the rest can be kept.
 *
 * Returns 0, or -1 with errno and in what (of size bytes) a few words on what could not be kept.
 */
int	attributes_keep(int from, int to, bool open, char *what, size_t size);

#endif
