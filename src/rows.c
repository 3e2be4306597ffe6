/* rows.c: the table of the options, options.def, and what messages and getopt_long(3) get from it. */
#include <config.h>

#include <stdio.h>

#include "options.h"
#include "rows.h"
#include "text.h"

/* For a long name, getopt_long(3) returns this plus the row's index. */
#define LONG_NAME 256

#define FLAG(letter, name, member, where, without, help) \
	{ name, "", without, help, offsetof(struct options, member), SETS_FLAG, where, letter },
#define WORD(letter, name, argument, member, where, twice, help) \
	{ name, argument, twice, help, offsetof(struct options, member), SETS_WORD, where, letter },
#define VALUE(letter, name, argument, where, values, help) \
	{ name, argument, "", help, 0, HAS_CASE, where, letter },
#define ACTION(letter, name, help) \
	{ name, "", "", help, 0, HAS_CASE, ANYWHERE, letter },

const struct row rows[ROWS] = {
#include "options.def"
};

const char *
row_name(const struct row *row, char text[NAME_TEXT])
{
	if (row->letter != 0)
		(void)snprintf(text, NAME_TEXT, "-%c", row->letter);
	else
		(void)snprintf(text, NAME_TEXT, "--%s", row->name);
	return text;
}

void
rows_list(struct text *letters, struct option names[ROWS + 1])
{
	/* "+": options end at the first operand, so that COMMAND keeps its own. ":": a missing argument is told apart. */
	text_add(letters, "+:");
	for (size_t i = 0; i < ROWS; i++) {
		const int argument = *rows[i].argument == '\0' ? no_argument
		    : *rows[i].argument == '[' ? optional_argument : required_argument;

		names[i] = (struct option){ rows[i].name, argument, NULL, LONG_NAME + (int)i };
		if (rows[i].letter != 0)
			text_add(letters, "%c%.*s", rows[i].letter, argument, "::");
	}
	names[ROWS] = (struct option){ NULL, 0, NULL, 0 };
}

size_t
rows_find(int found)
{
	size_t i = 0;

	if (found >= LONG_NAME)
		return (size_t)(found - LONG_NAME);
	while (rows[i].letter != found)
		i++;
	return i;
}
