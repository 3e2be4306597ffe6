/* braces.h: the {} in a shell script that stands for a path. */
#ifndef BRACES_H
#define BRACES_H

#include <stdbool.h>

/* Whether there is a {} in the text. */
bool	braces_in(const char *text);

/*
 * A copy of a script for sh(1), to be freed, in which each {} is the value of BRACES_VARIABLE, as one word or a part of
 * one, within quotes of both kinds and without. The shell does not read that value as a part of its script, so it may be
 * any path. A backslash before {} keeps it. NULL: ENOMEM.
 */
char	*braces_expand(const char *script);

#define BRACES_VARIABLE "SPOOL_FILE"

#endif
