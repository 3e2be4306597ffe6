/* braces.h: {} in an argument or a shell script, which stands for a path. */
#ifndef BRACES_H
#define BRACES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text contains {}. */
bool	braces_in(const char *text);

/*
 * Copies an argument to copy, with path for each {}, and {} for each \{}. Returns where the copy ends, after its '\0'.
 * copy has room for braces_room() bytes.
 */
char	*braces_fill(const char *argument, const char *path, char *copy);
size_t	 braces_room(const char *argument, const char *path);

/* Whether braces_fill() would put a path into the argument. */
bool	braces_want(const char *argument);

/*
 * A copy of a script for sh(1), to be freed, in which each {} expands to the value of BRACES_VARIABLE, as one word or a
 * part of one, inside single or double quotes or outside. The shell does not parse that value, so it may be any path.
 * A backslash before {} has no effect. NULL: ENOMEM.
 */
char	*braces_expand(const char *script);

#define BRACES_VARIABLE "SPOOL_FILE"

#endif
