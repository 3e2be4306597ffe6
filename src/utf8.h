/* utf8.h: UTF-8 characters, whatever the locale is. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/* The bytes of the first character of the text; 0 if the text is empty or does not begin with UTF-8 (RFC 3629). */
size_t	utf8_length(const char *text);

#endif
