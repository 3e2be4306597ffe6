/* message.c: prints all diagnostics. */
#include <config.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "utf8.h"

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

/* Control characters, including the C1 set of ISO 6429 (two bytes in UTF-8), and bytes that are not UTF-8. */
static bool
is_control(const char *text, size_t length)
{
	const unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

	return length == 0 || first < ' ' || first == 0x7f || (first == 0xc2 && second < 0xa0);
}

/* Writes the first character of the text so that a terminal can show it. Returns how many bytes of the text it was. */
static size_t
escape(char shown[5], const char *text)
{
	const size_t length = utf8_length(text);

	if (!is_control(text, length)) {
		(void)snprintf(shown, 5, "%.*s", (int)length, text);
		return length;
	}
	if (*text >= '\a' && *text <= '\r')
		(void)snprintf(shown, 5, "\\%c", "abtnvfr"[*text - '\a']);
	else
		(void)snprintf(shown, 5, "\\%03o", (unsigned char)*text);
	return 1;
}

void
message(const char *format, ...)
{
	char text[8192], line[sizeof(text)];	/* a path and its sentence fit; a longer text is cut */
	char shown[5];
	size_t length;
	va_list arguments;
	void (*wipe)(void);

	strlcpy(line, name, sizeof(line));
	length = strlcat(line, ": ", sizeof(line));
	*text = '\0';
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (const char *at = text; *at != '\0';) {
		at += escape(shown, at);
		if (length + strlen(shown) > sizeof(line) - 2)
			break;
		length += strlcpy(line + length, shown, sizeof(shown));
	}
	line[length++] = '\n';
	wipe = atomic_load(&before);
	if (wipe != NULL)
		wipe();
	/* If this fails, there is nowhere to report it. */
	if (write(STDERR_FILENO, line, length) == -1)
		return;
}
