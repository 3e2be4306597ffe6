/* message.c: the one door for diagnostics. */
#include <config.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

static const char *name = "spool";
static void (*_Atomic before)(void);

void
message_name(const char *new_name)
{
	name = new_name;
}

void
message_before(void (*function)(void))
{
	atomic_store(&before, function);
}

void
message(const char *format, ...)
{
	char line[8192];	/* more than a path and its sentence need; a longer one is cut */
	size_t length, room;
	va_list arguments;
	void (*wipe)(void);
	int n;

	strlcpy(line, name, sizeof(line));
	length = strlcat(line, ": ", sizeof(line));
	room = sizeof(line) - 1 - length;
	va_start(arguments, format);
	n = vsnprintf(line + length, room, format, arguments);
	va_end(arguments);
	if (n > 0)
		length += (size_t)n < room ? (size_t)n : room - 1;
	line[length++] = '\n';
	wipe = atomic_load(&before);
	if (wipe != NULL)
		wipe();
	/* If this fails there is nobody left to tell. */
	if (write(STDERR_FILENO, line, length) == -1)
		return;
}
