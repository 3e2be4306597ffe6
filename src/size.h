/* size.h: sizes as people write them. */
#ifndef SIZE_H
#define SIZE_H

#include <sys/types.h>

enum { SIZE_TEXT = 16 };	/* room for what size_format() writes */

/* "64M" -> bytes. NULL if it is a size, else what is wrong with it, to follow the text in a message. */
const char *size_parse(const char *text, off_t *bytes);

/* Bytes -> "1.21GiB", "64MiB". Returns text. */
char	*size_format(char text[SIZE_TEXT], off_t bytes);

#endif
