/* help.c: the texts of --help. */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "help.h"
#include "rows.h"
#include "text.h"

/* The rows that share a line with the next one, so that the help has 24 lines, as a terminal. */
static const char *const shared[] = { "append", "guard", "edit", "file", "stream", "skip-empty",
    "progress", "help" };

static bool
shares_line(const struct row *row)
{
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (strcmp(row->name, shared[i]) == 0)
			return true;
	return false;
}

/* indent: a row without a letter begins where the names are. */
static void
add_names(struct text *left, const struct row *row, bool indent)
{
	const bool optional = *row->argument == '[';

	if (row->letter != 0)
		text_add(left, "-%c, ", row->letter);
	text_add(left, "%s--%s%s%s", row->letter != 0 || !indent ? "" : "    ", row->name,
	    optional ? "[=" : *row->argument != '\0' ? " " : "", row->argument + optional);
}

/* The line of one row, or of this one and the next. */
static void
add_line(struct text *help, const struct row *row, bool two)
{
	char bytes[2 * (NAME_TEXT + 32)];
	struct text left = { .bytes = bytes, .size = sizeof(bytes) };

	add_names(&left, row, true);
	if (two) {
		text_add(&left, "; ");
		add_names(&left, row + 1, false);
	}
	text_add(help, "  %-30s %s%s%s\n", left.bytes, row->help, two ? "; " : "", two ? row[1].help : "");
}

const char *
help_text(void)
{
	static char bytes[4096];
	struct text help = { .bytes = bytes, .size = sizeof(bytes) };

	text_add(&help, "usage: spool [options] [-o file] [command [arg ...]]\n"
	    "Read all of standard input, then send it to standard output or COMMAND. With -o,\n"
	    "replace FILE with it, or with the output of COMMAND. On a failure, do nothing.\n");
	for (size_t i = 0; i < ROWS; i++) {
		const bool two = shares_line(&rows[i]);

		add_line(&help, &rows[i], two);
		i += two;
	}
	text_add(&help, "SIZE: bytes, or with a suffix K, M, G, T, P, E (powers of 1024). -m: 64M.\n"
	    "Exit status: 0 done, 1 failed, 2 usage, 3 refused, 126 and 127; or COMMAND's.\n");
	return help.bytes;
}

const char *
help_as_sponge(void)
{
	return "usage: sponge [-a] [file]\n"
	    "Read all of standard input, then replace FILE with it, or append it to FILE (-a).\n"
	    "Without FILE, send it on to standard output. This is spool under the name of\n"
	    "sponge; see spool(1).\n";
}
