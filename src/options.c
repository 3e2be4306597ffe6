/* options.c: argv -> struct options; usage, help, version. */
#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "options.h"
#include "size.h"
#include "spool.h"

enum { IGNORE_EPIPE = 256, NO_SYNC, STATS };

static const struct option long_options[] = {
	{ "append", no_argument, NULL, 'a' },
	{ "backup", optional_argument, NULL, 'b' },
	{ "check", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "if-changed", no_argument, NULL, 'u' },
	{ "ignore-epipe", no_argument, NULL, IGNORE_EPIPE },
	{ "limit", required_argument, NULL, 'l' },
	{ "memory", required_argument, NULL, 'm' },
	{ "no-sync", no_argument, NULL, NO_SYNC },
	{ "output", required_argument, NULL, 'o' },
	{ "overwrite", no_argument, NULL, 'w' },
	{ "progress", no_argument, NULL, 'p' },
	{ "skip-empty", no_argument, NULL, 'n' },
	{ "stats", required_argument, NULL, STATS },
	{ "temporary-directory", required_argument, NULL, 'T' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

enum { LONGEST_NAME = 31 };	/* or longer than the longest */

static const char help[] =
    "usage: spool [-npv] [-c check] [-l limit] [-m size] [-T dir] [command [arg ...]]\n"
    "       spool [-abnpuvw] [-c check] [-l limit] [-m size] [-T dir] -o file\n"
    "             [command [arg ...]]\n"
    "Read all of standard input, then send it on: to standard output, or to COMMAND\n"
    "as a seekable standard input. With -o, replace FILE by it, or by what COMMAND\n"
    "prints. If the input, a check or COMMAND fails, nothing happens.\n"
    "  -o, --output FILE              replace FILE as a whole, keep owner and mode\n"
    "  -a, --append                   append to FILE, all or nothing\n"
    "  -w, --overwrite                write into FILE itself, keep its links\n"
    "  -b, --backup[=SUFFIX]          keep the old file as FILE~, or as FILESUFFIX\n"
    "  -u, --if-changed               leave FILE alone if it would not change\n"
    "      --no-sync                  do not wait until FILE is on the disk\n"
    "  -c, --check CHECK              sh -c CHECK, reading stdin or {}, must succeed\n"
    "  -l, --limit SIZE               refuse a stream longer than SIZE\n"
    "  -n, --skip-empty               do nothing if the stream is empty\n"
    "  -m, --memory SIZE              at most SIZE, unlimited or N% in memory\n"
    "  -T, --temporary-directory DIR  the rest in DIR, not $TMPDIR or /var/tmp\n"
    "      --ignore-epipe             a reader that stops early is no error\n"
    "  -p, --progress                 show progress (SIGUSR1 prints it once)\n"
    "  -v, --verbose                  print one line of summary\n"
    "      --stats FILE               write figures to FILE, as a JSON object\n"
    "  -h, --help, -V, --version      print this, or the version\n"
    "SIZE: bytes, or with a suffix K, M, G, T, P, E (powers of 1024). -m: 64M.\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 refused, 126 and 127; or COMMAND's.\n";

static const char sponge_help[] =
    "usage: sponge [-a] [file]\n"
    "Read all of standard input, then replace FILE by it, or append it to FILE (-a).\n"
    "Without FILE, send it on to standard output. This is spool under the name of\n"
    "sponge; see spool(1).\n";

static const char *program = "spool";

static _Noreturn void
usage_exit(void)
{
	message("try '%s --help'", program);
	exit(STATUS_USAGE);
}

/* Prints what was asked for; that it arrived is the whole job, so it is checked. */
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
parse_size(char option, const char *text)
{
	off_t bytes = 0;
	const char *wrong = size_parse(text, &bytes);

	if (wrong != NULL) {
		message("-%c '%s': %s", option, text, wrong);
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
parse_memory(const char *text)
{
	size_t length = strlen(text);

	if (strcmp(text, "unlimited") == 0)
		return SPOOL_UNLIMITED;
	if (length > 0 && text[length - 1] == '%')
		return parse_percentage(text);
	return parse_size('m', text);
}

/* How many letters have to be added, left out or replaced to make one name of the other (Levenshtein's distance). */
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

/* Tells of a long option that is none, or more than one. */
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

/* getopt_long has found something that is not in the list, in this word. */
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

/* What is given once and not twice, and not empty: a gate or a sink is not to be lost for an unset variable. */
static const char *
parse_word(const char *option, const char *text, const char *before, const char *hint)
{
	if (*text == '\0' || before != NULL) {
		message("%s '%s': %s", option, text, *text == '\0' ? "it is empty" : hint);
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

/* "-b .bak" is easily written, where -b.bak is meant. */
static void
requires_file(const struct options *options, const char *option)
{
	const char *word = options->command != NULL ? options->command[0] : "";

	if (strcmp(option, "-b") == 0 && *word == '.' && strchr(word, '/') == NULL)
		message("-b requires -o FILE; '%s' was taken for COMMAND, since a suffix is written -b%s", word, word);
	else
		message("%s requires -o FILE", option);
}

/* Which options go together. only_for_file: the last one given that needs -o, or NULL. */
static void
check_together(const struct options *options, const char *only_for_file)
{
	if (options->output == NULL && only_for_file != NULL)
		requires_file(options, only_for_file);
	else if (options->append && options->overwrite)
		message("-a and -w cannot be together");
	else if (options->ignore_epipe && options->output != NULL)
		message("--ignore-epipe is for standard output; here '%s' gets the stream", options->output);
	else if (options->ignore_epipe && options->command != NULL)
		message("--ignore-epipe is for standard output; here '%s' is what reads the stream",
		    options->command[0]);
	else
		return;
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
		options->output = parse_word("file", argv[optind], NULL, NULL);
	if (argc - optind > 1)
		message("'%s': it is ignored; only the first file is written", argv[optind + 1]);
	options->fall_back = true;
}

void
options_parse(struct options *options, int argc, char **argv)
{
	/* LCOV_EXCL_BR_START: Linux 5.18 and later give every program a name */
	const char *only_for_file = NULL, *base = argc > 0 ? strrchr(argv[0], '/') : NULL;
	/* LCOV_EXCL_BR_STOP */
	int found, word = 1;

	*options = (struct options){ .memory = SPOOL_AUTOMATIC, .limit = SPOOL_UNLIMITED, .sync = true };
	opterr = 0;
	if (argc > 0 && strcmp(base == NULL ? argv[0] : base + 1, "sponge") == 0) {	/* LCOV_EXCL_BR_LINE: as above */
		program = "sponge";
		message_name(program);
		parse_as_sponge(options, argc, argv);
		return;
	}
	/* "+": options end at the first operand, so COMMAND keeps its own. */
	while ((found = getopt_long(argc, argv, "+:ab::c:hl:m:no:pT:uvVw", long_options, NULL)) != -1) {
		switch (found) {
		case 'a':
			options->append = true;
			only_for_file = "-a";
			break;
		case 'b':
			options->backup = parse_suffix(optarg);
			only_for_file = "-b";
			break;
		case 'c':
			options->check = parse_word("-c", optarg, options->check,
			    "given twice; combine the checks with &&");
			break;
		case 'h':
			print_exit(help);
		case 'l':
			options->limit = parse_size('l', optarg);
			options->limit_text = optarg;
			break;
		case 'm':
			options->memory = parse_memory(optarg);
			break;
		case 'n':
			options->skip_empty = true;
			break;
		case 'o':
			options->output = parse_word("-o", optarg, options->output,
			    "given twice; only one file can be written");
			break;
		case 'p':
			options->progress = true;
			break;
		case 'T':
			options->directory = optarg;
			break;
		case 'u':
			options->if_changed = true;
			only_for_file = "-u";
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'V':
			print_exit(PACKAGE_STRING "\n");
		case 'w':
			options->overwrite = true;
			only_for_file = "-w";
			break;
		case IGNORE_EPIPE:
			options->ignore_epipe = true;
			break;
		case NO_SYNC:
			options->sync = false;
			only_for_file = "--no-sync";
			break;
		case STATS:
			options->stats = parse_word("--stats", optarg, options->stats,
			    "given twice; only one file gets the figures");
			break;
		default:
			reject(found, argv[word], long_options);
		}
		word = optind;
	}
	if (optind < argc)
		options->command = argv + optind;
	check_together(options, only_for_file);
}
