/* hidden.h: gives a file its final name instead of its hidden one, or removes the hidden one. */
#ifndef HIDDEN_H
#define HIDDEN_H

#include <limits.h>

struct place;

/*
 * These functions print a message themselves, and only then, when a hidden name stays in the directory. The caller has
 * often succeeded by then, so there is no failure to return, and removing comes deep in several calls.
 */

/* Removes a hidden name. errno stays. */
void	hidden_remove(const struct place *place, const char *hidden);

/* Gives a file of the place's directory a second, hidden name. 0, or -1: errno of linkat(2). */
int	hidden_link(const struct place *place, const char *name, char hidden[NAME_MAX + 1]);

/* Moves a file from another directory to a hidden name, which must not exist. 0, or -1: errno of rename(2). */
int	hidden_move(int directory, const char *name, const struct place *place, const char *hidden);

/* Renames from to to, which must not exist; one of the names is hidden. 0, or -1: EEXIST, or errno of rename(2). */
int	hidden_rename_new(const struct place *place, const char *from, const char *to);

/* Renames hidden to name, which may exist. 0, or -1: errno of rename(2). */
int	hidden_rename_over(const struct place *place, const char *hidden, const char *name);

#endif
