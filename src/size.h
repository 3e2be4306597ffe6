/* size.h: sizes as people write them, such as 64M. */
#ifndef SIZE_H
#define SIZE_H

#include <sys/types.h>

enum { SIZE_TEXT = 16 };	/* the room that size_format() needs */

/* "64M" -> bytes. Returns NULL, or what is wrong with the text, for a message that quotes the text before. */
const char *size_parse(const char *text, off_t *bytes);

/* Bytes -> "1.21GiB", "64MiB". Returns text. */
char	*size_format(char text[SIZE_TEXT], off_t bytes);

#endif
