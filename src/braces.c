/* braces.c: replaces {} in an argument by a path, and in a shell script by a variable. */
#include <config.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "braces.h"

#define IN_DOUBLE_QUOTES "${" BRACES_VARIABLE "}"
#define UNQUOTED "\"" IN_DOUBLE_QUOTES "\""
#define IN_SINGLE_QUOTES "'" UNQUOTED "'"

bool
braces_in(const char *text)
{
	return strstr(text, "{}") != NULL;
}

#define PLAIN "\\{}"

bool
braces_want(const char *argument)
{
	const char *at = argument;

	while ((at = strstr(at, "{}")) != NULL && at > argument && at[-1] == '\\')
		at += strlen("{}");
	return at != NULL;
}

/* More than the copy can take. */
size_t
braces_room(const char *argument, const char *path)
{
	return strlen(argument) / strlen("{}") * strlen(path) + strlen(argument) + 1;
}

char *
braces_fill(const char *argument, const char *path, char *copy)
{
	while (*argument != '\0') {
		if (strncmp(argument, PLAIN, strlen(PLAIN)) == 0) {
			copy = stpcpy(copy, "{}");
			argument += strlen(PLAIN);
		} else if (strncmp(argument, "{}", strlen("{}")) == 0) {
			copy = stpcpy(copy, path);
			argument += strlen("{}");
		} else {
			*copy++ = *argument++;
		}
	}
	*copy++ = '\0';
	return copy;
}

/*
 * If a quotation, substitution or comment begins at `at`, returns the character that will end it, else '\0'. end: the
 * character that ends the part of the script that `at` is in. Quotes begin anew in $(...). A comment is like single
 * quotes that end with the line.
 */
static char
begins(const char *script, const char *at, char end)
{
	const bool in_quotes = end == '"';

	if (end == '\'' || end == '\n')
		return '\0';
	switch (*at) {
	case '"':
	case '`':
		return *at;
	case '\'':
		return in_quotes ? '\0' : '\'';
	case '(':
		return !in_quotes || at[-1] == '$' ? ')' : '\0';
	case '#':
		return !in_quotes && (at == script || strchr(" \t\n;&|(", at[-1]) != NULL) ? '\n' : '\0';
	default:
		return '\0';
	}
}

/* Expands the script from *at to the character `end`, or to its own end. Returns the end of the copy. */
/* NOLINTBEGIN(misc-no-recursion): as deep as the script nests quotes and parentheses */
static char *
expand(const char *script, const char **at, char end, char *copy)
{
	while (**at != '\0' && **at != end) {
		const char inner = begins(script, *at, end);

		if (strncmp(*at, "{}", 2) == 0) {
			copy = stpcpy(copy, end == '"' ? IN_DOUBLE_QUOTES : end == '\'' ? IN_SINGLE_QUOTES : UNQUOTED);
			*at += 2;
			continue;
		}
		if (**at == '\\' && end != '\'' && end != '\n' && (*at)[1] != '\0')
			*copy++ = *(*at)++;
		*copy++ = *(*at)++;
		if (inner != '\0') {
			copy = expand(script, at, inner, copy);
			if (**at != '\0')
				*copy++ = *(*at)++;
		}
	}
	return copy;
}
/* NOLINTEND(misc-no-recursion) */

char *
braces_expand(const char *script)
{
	size_t found = 0;
	const char *at;
	char *copy;

	for (at = script; (at = strstr(at, "{}")) != NULL; at += 2)
		found++;
	copy = malloc(strlen(script) + found * sizeof(IN_SINGLE_QUOTES) + 1);
	if (copy == NULL)
		return NULL;
	at = script;
	*expand(script, &at, '\0', copy) = '\0';
	return copy;
}
