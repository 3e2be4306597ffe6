/* options.c: argv -> struct options; usage, help, version. */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "braces.h"
#include "message.h"
#include "options.h"
#include "size.h"
#include "spool.h"
#include "text.h"

/* Where an option makes sense. */
enum where { ANYWHERE, WITH_FILE, WITHOUT_FILE, WITH_STDOUT, WITH_STREAM, WHOLE };

enum type { SETS_FLAG, SETS_WORD, HAS_CASE };

#define FLAG(letter, name, member, where, without, help) \
	{ name, "", without, help, offsetof(struct options, member), SETS_FLAG, where, letter },
#define WORD(letter, name, argument, member, where, twice, help) \
	{ name, argument, twice, help, offsetof(struct options, member), SETS_WORD, where, letter },
#define VALUE(letter, name, argument, where, values, help) \
	{ name, argument, "", help, 0, HAS_CASE, where, letter },
#define ACTION(letter, name, help) \
	{ name, "", "", help, 0, HAS_CASE, ANYWHERE, letter },

static const struct row {
	const char *name;
	const char *argument;		/* or "" */
	const char *note;		/* of a FLAG: not with; of a WORD: twice */
	const char *help;
	size_t member;			/* its offset in struct options */
	enum type type;
	enum where where;
	char letter;			/* or 0 */
} rows[] = {
#include "options.def"
};

enum {
	ROWS = sizeof(rows) / sizeof(*rows),
	LONG_NAME = 256,		/* getopt_long returns this and the row's index for a long name */
	LONGEST_NAME = 31,		/* or longer than the longest */
	NAME_TEXT = LONGEST_NAME + 3
};

static const char sponge_help[] =
    "usage: sponge [-a] [file]\n"
    "Read all of standard input, then replace FILE with it, or append it to FILE (-a).\n"
    "Without FILE, send it on to standard output. This is spool under the name of\n"
    "sponge; see spool(1).\n";

static const char *program = "spool";

static _Noreturn void
usage_exit(void)
{
	message("try '%s --help'", program);
	exit(STATUS_USAGE);
}

/* Prints what was asked for. That the text has arrived is the whole job, so closing is checked. */
static _Noreturn void
print_exit(const char *text)
{
	if (fputs(text, stdout) == EOF || fclose(stdout) == EOF) {
		message("standard output: cannot write: %s", strerror(errno));
		exit(STATUS_FAILED);
	}
	exit(STATUS_DONE);
}

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

static _Noreturn void
help_exit(void)
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
	print_exit(help.bytes);
}

static off_t
parse_size(const char *option, const char *text)
{
	off_t bytes = 0;
	const char *wrong = size_parse(text, &bytes);

	if (wrong != NULL) {
		message("%s '%s': %s", option, text, wrong);
		usage_exit();
	}
	return bytes;
}

/* "N%" of physical memory. */
static off_t
parse_percentage(const char *text)
{
	char number[32];
	off_t percent, pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	const char *wrong = "it is too large";

	if (strlcpy(number, text, sizeof(number)) < sizeof(number)) {
		number[strlen(number) - 1] = '\0';
		wrong = *number == '\0' || strpbrk(number, "KMGTPEkmgtpe") != NULL ? "it is not a number"
		    : size_parse(number, &percent);
		if (wrong == NULL && percent > SPOOL_UNLIMITED / pages / page)
			wrong = "it is too large";
	}
	if (wrong != NULL) {
		message("-m '%s': %s", text, wrong);
		usage_exit();
	}
	return pages * page / 100 * percent;
}

static off_t
parse_backlog(const char *text)
{
	const off_t bytes = parse_size("--backlog", text);

	if (bytes == 0) {
		message("--backlog '%s': nothing could be sent on", text);
		usage_exit();
	}
	return bytes;
}

static int
parse_status(const char *option, const char *text)
{
	const char *wrong;
	const long long status = strtonum(text, 1, 125, &wrong);

	if (wrong != NULL) {
		message("--%s '%s': it is not a number from 1 to 125", option, text);
		usage_exit();
	}
	return (int)status;
}

static off_t
parse_memory(const char *text)
{
	size_t length = strlen(text);

	if (strcmp(text, "unlimited") == 0)
		return SPOOL_UNLIMITED;
	if (length > 0 && text[length - 1] == '%')
		return parse_percentage(text);
	return parse_size("-m", text);
}

/* Levenshtein's distance: how many letters are to be added, removed or replaced to make one name the other. */
static size_t
distance(const char *a, size_t length, const char *b)
{
	size_t row[LONGEST_NAME + 1], columns = strlen(b);

	for (size_t column = 0; column <= columns; column++)
		row[column] = column;
	for (size_t line = 1; line <= length; line++) {
		size_t diagonal = row[0];

		row[0] = line;
		for (size_t column = 1; column <= columns; column++) {
			size_t best = diagonal + (a[line - 1] != b[column - 1]);

			diagonal = row[column];
			if (best > row[column] + 1)
				best = row[column] + 1;
			if (best > row[column - 1] + 1)
				best = row[column - 1] + 1;
			row[column] = best;
		}
	}
	return row[columns];
}

/* Reports an unknown or ambiguous long option. */
static void
reject_name(const char *word, const struct option *known)
{
	const char *name = word + 2, *nearest = NULL;
	const size_t length = strcspn(name, "=");
	size_t smallest = 3;	/* a name that is further away was not meant */
	char several[256] = "";

	for (; known->name != NULL; known++) {
		size_t steps;

		if (length > 0 && strncmp(known->name, name, length) == 0) {
			strlcat(several, *several == '\0' ? "'--" : ", '--", sizeof(several));
			strlcat(several, known->name, sizeof(several));
			strlcat(several, "'", sizeof(several));
		}
		steps = distance(name, length, known->name);
		if (steps < smallest) {
			smallest = steps;
			nearest = known->name;
		}
	}
	if (*several != '\0')
		message("option '%s' is ambiguous: %s", word, several);
	else if (nearest != NULL)
		message("unknown option '%s'; did you mean '--%s'?", word, nearest);
	else
		message("unknown option '%s'", word);
}

/* Reports what getopt_long has refused in this word. */
static _Noreturn void
reject(int found, const char *word, const struct option *known)
{
	const bool is_long = strncmp(word, "--", 2) == 0;

	if (found == ':' && is_long)
		message("option '%s' needs an argument", word);
	else if (found == ':')
		message("option '-%c' needs an argument", optopt);
	else if (!is_long)
		message("unknown option '-%c'", optopt);
	else if (optopt == 0)
		reject_name(word, known);
	else
		message("option '%.*s' takes no argument", (int)strcspn(word, "="), word);
	usage_exit();
}

/* The option as messages have it. */
static const char *
name_of(const struct row *row, char text[NAME_TEXT])
{
	if (row->letter != 0)
		(void)snprintf(text, NAME_TEXT, "-%c", row->letter);
	else
		(void)snprintf(text, NAME_TEXT, "--%s", row->name);
	return text;
}

/* An empty word often comes from a variable that is not set, so it is an error and not ignored. */
static const char *
parse_word(const char *option, const char *text)
{
	if (*text == '\0') {
		message("%s '%s': it is empty", option, text);
		usage_exit();
	}
	return text;
}

static const char *
parse_suffix(const char *text)
{
	if (text == NULL)
		return "~";
	if (*text == '\0' || strchr(text, '/') != NULL) {
		message("-b '%s': %s", text, *text == '\0' ? "it is empty" : "a suffix has no slash");
		usage_exit();
	}
	return text;
}

/* A user may write "-b .bak" and mean -b.bak. */
static void
requires_file(const struct options *options, const struct row *row)
{
	const char *word = options->command != NULL ? options->command[0] : "";

	if (options->backup != NULL && *word == '.' && strchr(word, '/') == NULL) {
		message("-b requires -o FILE; '%s' was taken for COMMAND, since a suffix is written -b%s", word, word);
	} else {
		char name[NAME_TEXT];

		message("%s requires -o FILE", name_of(row, name));
	}
	usage_exit();
}

static void
requires_stdout(const struct options *options, const char *name)
{
	if (options->output != NULL)
		message("%s is for standard output; here '%s' gets the stream", name, options->output);
	else if (options->command != NULL)
		message("%s is for standard output; here '%s' is what reads the stream", name, options->command[0]);
	else
		return;
	usage_exit();
}

/* Rejects an option that does not go together with the rest of the command line. */
static void
check_row(const struct options *options, const struct row *row, const bool given[ROWS])
{
	char name[NAME_TEXT];

	if (row->where == WITH_FILE && options->output == NULL)
		requires_file(options, row);
	if (row->where == WITHOUT_FILE && options->output != NULL) {
		message("%s and -o cannot be used together", name_of(row, name));
		usage_exit();
	}
	/* WITHOUT_FILE: --name implies -f. */
	if ((row->where == WHOLE || row->where == WITHOUT_FILE) && options->stream) {
		message("-s sends the stream on before its end is known; %s needs the whole stream", name_of(row, name));
		usage_exit();
	}
	if (row->where == WITH_STREAM && !options->stream) {
		message("%s requires -s", name_of(row, name));
		usage_exit();
	}
	if (row->where == WITH_STDOUT)
		requires_stdout(options, name_of(row, name));
	for (size_t i = 0; row->type == SETS_FLAG && i < ROWS; i++)
		if (given[i] && rows[i].letter != 0 && strchr(row->note, rows[i].letter) != NULL) {
			message("%s and -%c cannot be used together", name_of(row, name), rows[i].letter);
			usage_exit();
		}
}

static const char *
objection_to_name(const char *name)
{
	if (strchr(name, '/') != NULL)
		return "a name has no slash";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "it is a directory";
	return strlen(name) > NAME_MAX ? "it is too long" : NULL;
}

/* -f, and what implies it. */
static void
check_file(struct options *options)
{
	const char *option = options->edit ? "--edit" : options->name != NULL ? "--name" : "-f";
	const char *wrong = options->name == NULL ? NULL : objection_to_name(options->name);

	options->file = options->file || options->edit || options->name != NULL;
	if (!options->file)
		return;
	if (wrong != NULL) {
		message("--name '%s': %s", options->name, wrong);
		usage_exit();
	}
	if (options->end != NULL && options->output != NULL) {
		message("%s and -e cannot be used together with -o", option);
		usage_exit();
	}
	if (options->command == NULL) {
		message("%s requires COMMAND", option);
		usage_exit();
	}
	for (char **argument = options->command + 1; *argument != NULL; argument++)
		if (braces_want(*argument))
			return;
	message("%s requires {} in an argument of COMMAND, for the path of the file", option);
	usage_exit();
}

/* The command line of moreutils' sponge. */
static void
parse_as_sponge(struct options *options, int argc, char **argv)
{
	static const struct option longer[] = {
		{ "append", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int found, word = 1;

	while ((found = getopt_long(argc, argv, ":ah", longer, NULL)) != -1) {
		switch (found) {
		case 'a':
			options->append = true;
			break;
		case 'h':
			print_exit(sponge_help);
		default:
			/* The operands before it have been moved behind it. */
			reject(found, argv[optopt == 0 || argv[optind - 1][1] == '-' ? optind - 1 : word], longer);
		}
		word = optind;
	}
	if (optind < argc)
		options->output = parse_word("file", argv[optind]);
	if (argc - optind > 1)
		message("'%s': it is ignored; only the first file is written", argv[optind + 1]);
	options->fall_back = true;
}

/* A VALUE or an ACTION. */
static void
take_case(struct options *options, const struct row *row, const char *argument)
{
	switch (row->letter) {
	case 0:
		if (strcmp(row->name, "backlog") == 0)
			options->backlog = parse_backlog(argument);
		else
			options->unchanged_status = parse_status(row->name, argument);
		break;
	case 'b':
		options->backup = parse_suffix(argument);
		break;
	case 'h':
		help_exit();
	case 'l':
		options->limit = parse_size("-l", argument);
		options->limit_text = argument;
		break;
	case 'm':
		options->memory = parse_memory(argument);
		break;
	case 'T':
		options->directory = argument;
		break;
	default:	/* 'V' */
		print_exit(PACKAGE_STRING "\n");
	}
}

static void
take_word(const char **member, const struct row *row, bool again, const char *argument)
{
	char name[NAME_TEXT];

	*member = parse_word(name_of(row, name), argument);
	if (again) {
		message("%s '%s': given twice; %s", name, argument, row->note);
		usage_exit();
	}
}

static void
take(struct options *options, const struct row *row, bool again, const char *argument)
{
	void *member = (char *)options + row->member;

	if (row->type == SETS_FLAG)
		*(bool *)member = true;
	else if (row->type == SETS_WORD)
		take_word(member, row, again, argument);
	else
		take_case(options, row, argument);
}

/* What getopt_long is to know of the rows. */
static void
list_options(struct text *letters, struct option names[ROWS + 1])
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

static size_t
row_of(int found)
{
	size_t i = 0;

	if (found >= LONG_NAME)
		return (size_t)(found - LONG_NAME);
	while (rows[i].letter != found)
		i++;
	return i;
}

static void
parse_as_spool(struct options *options, int argc, char **argv)
{
	char bytes[3 * ROWS + 3];	/* each letter with at most two colons */
	struct text letters = { .bytes = bytes, .size = sizeof(bytes) };
	struct option names[ROWS + 1];
	bool given[ROWS] = { false };
	int found, word = 1;

	list_options(&letters, names);
	while ((found = getopt_long(argc, argv, letters.bytes, names, NULL)) != -1) {
		size_t i;

		if (found == '?' || found == ':')
			reject(found, argv[word], names);
		i = row_of(found);
		take(options, &rows[i], given[i], optarg);
		given[i] = true;
		word = optind;
	}
	if (optind < argc)
		options->command = argv + optind;
	for (size_t i = 0; i < ROWS; i++)
		if (given[i])
			check_row(options, &rows[i], given);
	if (options->unchanged_status != 0 && !options->if_changed) {
		message("--unchanged-status requires -u");
		usage_exit();
	}
	if (options->trial != NULL && (options->append || options->overwrite)) {
		message("--try and %s cannot be used together", options->append ? "-a" : "-w");
		usage_exit();
	}
	if (options->end != NULL && strchr(options->end, '\n') != NULL) {
		message("-e '%s': it is more than one line", options->end);
		usage_exit();
	}
	check_file(options);
}

void
options_parse(struct options *options, int argc, char **argv)
{
	/* LCOV_EXCL_BR_START: Linux 5.18 and later give every program a name */
	const char *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	/* LCOV_EXCL_BR_STOP */

	*options = (struct options){ .memory = SPOOL_AUTOMATIC, .limit = SPOOL_UNLIMITED,
	    .backlog = SPOOL_UNLIMITED };
	opterr = 0;
	if (argc > 0 && strcmp(base == NULL ? argv[0] : base + 1, "sponge") == 0) {	/* LCOV_EXCL_BR_LINE: as above */
		program = "sponge";
		message_name(program);
		parse_as_sponge(options, argc, argv);
	} else {
		parse_as_spool(options, argc, argv);
	}
}
