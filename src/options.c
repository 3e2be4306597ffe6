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

enum { IGNORE_EPIPE = 256 };

static const struct option long_options[] = {
	{ "check", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "ignore-epipe", no_argument, NULL, IGNORE_EPIPE },
	{ "limit", required_argument, NULL, 'l' },
	{ "memory", required_argument, NULL, 'm' },
	{ "skip-empty", no_argument, NULL, 'n' },
	{ "temporary-directory", required_argument, NULL, 'T' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const char help[] =
    "usage: spool [-nv] [-c check] [-l limit] [-m size] [-T dir] [command [argument ...]]\n"
    "Read all of standard input, then send it on: to standard output, or to COMMAND as\n"
    "a seekable standard input. If the input or a check fails, nothing is sent.\n"
    "\n"
    "  -m, --memory SIZE              at most SIZE in memory, the rest on disk (64M);\n"
    "                                 0, unlimited, N% of physical memory\n"
    "  -T, --temporary-directory DIR  the disk: DIR, else $TMPDIR, else /var/tmp, else /tmp\n"
    "  -l, --limit SIZE               refuse a stream longer than SIZE\n"
    "  -n, --skip-empty               do nothing if the stream is empty\n"
    "  -c, --check CHECK              send it only if sh -c CHECK, reading it, exits 0;\n"
    "                                 {} in CHECK stands for the stream's path\n"
    "      --ignore-epipe             a reader that stops early is no error\n"
    "  -v, --verbose                  one line of summary on standard error\n"
    "  -h, --help, -V, --version      print this, or the version\n"
    "\n"
    "SIZE is bytes, or has a suffix K, M, G, T, P, E (powers of 1024).\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 refused by -l or -c; COMMAND's own, 126 if\n"
    "it cannot be run, 127 if it is not found.\n";

static _Noreturn void
usage_exit(void)
{
	message("try 'spool --help'");
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

/* getopt_long has found something that is not in the list, in this word. */
static _Noreturn void
reject(int found, const char *word)
{
	const bool is_long = strncmp(word, "--", 2) == 0;

	if (found == ':' && is_long)
		message("option '%s' needs an argument", word);
	else if (found == ':')
		message("option '-%c' needs an argument", optopt);
	else if (!is_long)
		message("unknown option '-%c'", optopt);
	else if (optopt == 0)
		message("unknown or ambiguous option '%s'", word);
	else
		message("option '%.*s' takes no argument", (int)strcspn(word, "="), word);
	usage_exit();
}

void
options_parse(struct options *options, int argc, char **argv)
{
	int found, word = 1;

	*options = (struct options){ .memory = (off_t)64 << 20, .limit = SPOOL_UNLIMITED };
	opterr = 0;
	/* "+": options end at the first operand, so COMMAND keeps its own. */
	while ((found = getopt_long(argc, argv, "+:c:hl:m:nT:vV", long_options, NULL)) != -1) {
		switch (found) {
		case 'c':
			/* Gates are not to be lost for an unset variable or another -c. */
			if (*optarg == '\0' || options->check != NULL) {
				message("-c '%s': %s", optarg, *optarg == '\0' ? "it is empty"
				    : "there is another one, and both cannot be; join them by &&");
				usage_exit();
			}
			options->check = optarg;
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
		case 'T':
			options->directory = optarg;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'V':
			print_exit(PACKAGE_STRING "\n");
		case IGNORE_EPIPE:
			options->ignore_epipe = true;
			break;
		default:
			reject(found, argv[word]);
		}
		word = optind;
	}
	if (optind < argc)
		options->command = argv + optind;
	if (options->ignore_epipe && options->command != NULL) {
		message("--ignore-epipe is for standard output; here '%s' is what reads the stream",
		    options->command[0]);
		usage_exit();
	}
}
