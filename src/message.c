/* message.c: the one door for diagnostics. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "message.h"

void
message(const char *format, ...)
{
	char line[8192] = "spool: ";	/* more than a path and its sentence need; a longer one is cut */
	size_t length = sizeof("spool: ") - 1;
	size_t room = sizeof(line) - 1 - length;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line + length, room, format, arguments);
	va_end(arguments);
	if (n > 0)
		length += (size_t)n < room ? (size_t)n : room - 1;
	line[length++] = '\n';
	/* If this fails there is nobody left to tell. */
	if (write(STDERR_FILENO, line, length) == -1)
		return;
}
