/* utf8.h: characters, whatever the locale is. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/* The length of the character that text begins with, if it is one in UTF-8 (RFC 3629), or 0: it is none, or "". */
size_t	utf8_length(const char *text);

#endif
