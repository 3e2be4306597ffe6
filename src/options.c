/* options.c: argv -> struct options; rows.c has the table. */
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
#include "help.h"
#include "message.h"
#include "misspelt.h"
#include "options.h"
#include "rows.h"
#include "size.h"
#include "spool.h"
#include "text.h"

static const char *program = "spool";

static _Noreturn void
usage_exit(void)
{
	message("try '%s --help'", program);
	exit(STATUS_USAGE);
}

/* Prints what was asked for. Printing is the only task, so a failure of fclose(3) is reported, too. */
static _Noreturn void
print_exit(const char *text)
{
	if (fputs(text, stdout) == EOF || fclose(stdout) == EOF) {
		message("standard output: cannot write: %s", strerror(errno));
		exit(STATUS_FAILED);
	}
	exit(STATUS_DONE);
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
		misspelt_report(word, known);
	else
		message("option '%.*s' takes no argument", (int)strcspn(word, "="), word);
	usage_exit();
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

/* Reports that -o is missing, and explains -b SUFFIX, which users write for -bSUFFIX. */
static void
requires_file(const struct options *options, const struct row *row)
{
	const char *word = options->command != NULL ? options->command[0] : "";

	if (options->backup != NULL && *word == '.' && strchr(word, '/') == NULL) {
		message("-b requires -o FILE; '%s' was taken for COMMAND, since a suffix is written -b%s", word, word);
	} else {
		char name[NAME_TEXT];

		message("%s requires -o FILE", row_name(row, name));
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
		message("%s and -o cannot be used together", row_name(row, name));
		usage_exit();
	}
	/* WITHOUT_FILE is --name, which implies -f, and -f needs the whole stream. */
	if ((row->where == WHOLE || row->where == WITHOUT_FILE) && options->stream) {
		message("-s sends the stream on before its end is known; %s needs the whole stream", row_name(row, name));
		usage_exit();
	}
	if (row->where == WITH_STREAM && !options->stream) {
		message("%s requires -s", row_name(row, name));
		usage_exit();
	}
	if (row->where == WITH_STDOUT)
		requires_stdout(options, row_name(row, name));
	for (size_t i = 0; row->type == SETS_FLAG && i < ROWS; i++)
		if (given[i] && rows[i].letter != 0 && strchr(row->note, rows[i].letter) != NULL) {
			message("%s and -%c cannot be used together", row_name(row, name), rows[i].letter);
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
			print_exit(help_as_sponge());
		default:
			/* getopt_long(3) has moved the operands behind the option, so argv[word] may be an operand. */
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
		print_exit(help_text());
	case 'l':
		options->limit = parse_size("-l", argument);
		options->limit_text = argument;
		break;
	case 'm':
		options->memory = parse_memory(argument);
		break;
	case 'T':
		options->directory = parse_word("-T", argument);
		break;
	default:	/* 'V' */
		print_exit(PACKAGE_STRING "\n");
	}
}

static void
take_word(const char **member, const struct row *row, bool again, const char *argument)
{
	char name[NAME_TEXT];

	*member = parse_word(row_name(row, name), argument);
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

static void
parse_as_spool(struct options *options, int argc, char **argv)
{
	char bytes[3 * ROWS + 3];	/* each letter with at most two colons */
	struct text letters = { .bytes = bytes, .size = sizeof(bytes) };
	struct option names[ROWS + 1];
	bool given[ROWS] = { false };
	int found, word = 1;

	rows_list(&letters, names);
	while ((found = getopt_long(argc, argv, letters.bytes, names, NULL)) != -1) {
		size_t i;

		if (found == '?' || found == ':')
			reject(found, argv[word], names);
		i = rows_find(found);
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
