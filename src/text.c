/* text.c: appends formatted text to a buffer. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

void
text_add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text->bytes + text->length, text->size - text->length, format, arguments);
	va_end(arguments);
	text->length += strlen(text->bytes + text->length);
}
