/* text.h: a text that grows in a buffer. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

struct text {
	char *bytes;			/* the caller's buffer; a string */
	size_t size;			/* of the buffer */
	size_t length;			/* of the text */
};

/* Appends as printf(3) does. What does not fit is cut. */
void	text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
