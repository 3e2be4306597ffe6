/*
 * options.c: fuzz target: options_parse(), which must keep what the manual says of the options, whatever it is given.
 *
 * The input is the words of the command line, beginning with the program's name, a newline between two.
 */
/* The source itself, so that the name of the program can be set back. */
#include "../../src/options.c"

#include <setjmp.h>
#include <stdint.h>

#include "fuzz.h"

enum { MOST_WORDS = 64, RETURNED = -1 };

static struct {
	bool on;		/* options_parse() is running */
	bool deaf;		/* standard output cannot be written */
	jmp_buf back;
	char said[3 * 8192];	/* to standard error */
	size_t length;
	const char *printed;	/* to standard output, or NULL */
	bool closed;
} world;

_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);
ssize_t	__real_write(int fd, const void *data, size_t length);
ssize_t	__wrap_write(int fd, const void *data, size_t length);
int	__real_fputs(const char *restrict text, FILE *restrict file);
int	__wrap_fputs(const char *restrict text, FILE *restrict file);
int	__real_fclose(FILE *file);
int	__wrap_fclose(FILE *file);

_Noreturn void
__wrap_exit(int status)
{
	if (!world.on)
		__real_exit(status);
	world.on = false;
	longjmp(world.back, 1 + status);
}

ssize_t
__wrap_write(int fd, const void *data, size_t length)
{
	if (!world.on)
		return __real_write(fd, data, length);
	MUST(fd == STDERR_FILENO && world.length + length < sizeof(world.said));
	memcpy(world.said + world.length, data, length);
	world.length += length;
	return (ssize_t)length;
}

int
__wrap_fputs(const char *restrict text, FILE *restrict file)
{
	if (!world.on)
		return __real_fputs(text, file);
	MUST(file == stdout && world.printed == NULL);
	if (world.deaf)
		return EOF;
	world.printed = text;
	return 0;
}

int
__wrap_fclose(FILE *file)
{
	if (!world.on)
		return __real_fclose(file);
	MUST(file == stdout && world.printed != NULL && !world.closed);
	world.closed = true;
	return 0;
}

/* The exit status, or RETURNED. argv is a null-terminated list, as main has it. */
static int
parse(struct options *options, int argc, char **argv)
{
	int status;

	optind = 0;	/* glibc's way to begin anew */
	program = "spool";
	message_name(program);
	world.length = 0;
	world.printed = NULL;
	world.closed = false;
	status = setjmp(world.back);
	if (status == 0) {
		world.on = true;
		options_parse(options, argc, argv);
		world.on = false;
	}
	MUST(!world.on);
	world.said[world.length] = '\0';
	return status - 1;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same(const struct options *a, const struct options *b)
{
	return a->memory == b->memory && a->limit == b->limit && same_text(a->limit_text, b->limit_text)
	    && same_text(a->directory, b->directory) && same_text(a->check, b->check)
	    && same_text(a->output, b->output) && same_text(a->backup, b->backup)
	    && a->append == b->append && a->overwrite == b->overwrite && a->fall_back == b->fall_back
	    && a->if_changed == b->if_changed && a->sync == b->sync && a->skip_empty == b->skip_empty
	    && a->verbose == b->verbose && a->ignore_epipe == b->ignore_epipe;
}

/* One of the words, or the end of one. */
static bool
is_given(const char *text, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (text >= argv[i] && text <= argv[i] + strlen(argv[i]))
			return true;
	return false;
}

static bool
may_be_given(const char *text, int argc, char **argv)
{
	return text == NULL || is_given(text, argc, argv);
}

/* The same options, written in another way, must mean the same. */
static void
check_again(const struct options *options)
{
	static char backup[8192], memory[32], name[] = "spool";
	struct options again;
	char *argv[40], *text;
	int argc = 0;

#define ADD(condition, word) \
	do { \
		if (condition) \
			argv[argc++] = (char *)(uintptr_t)(word); \
	} while (0)

	ADD(true, name);
	ADD(options->verbose, "--verbose");
	ADD(options->skip_empty, "--skip-empty");
	ADD(options->ignore_epipe, "--ignore-epipe");
	ADD(!options->sync, "--no-sync");
	ADD(options->if_changed, "--if-changed");
	ADD(options->overwrite, "--overwrite");
	ADD(options->append, "--append");
	if (options->backup != NULL) {
		snprintf(backup, sizeof(backup), "--backup=%s", options->backup);
		ADD(true, backup);
	}
	ADD(options->output != NULL, "--output");
	ADD(options->output != NULL, options->output);
	ADD(options->check != NULL, "--check");
	ADD(options->check != NULL, options->check);
	ADD(options->directory != NULL, "--temporary-directory");
	ADD(options->directory != NULL, options->directory);
	ADD(options->limit_text != NULL, "--limit");
	ADD(options->limit_text != NULL, options->limit_text);
	snprintf(memory, sizeof(memory), "--memory=%jd", (intmax_t)options->memory);
	ADD(true, memory);
	ADD(options->command != NULL, "--");
	text = options->command != NULL ? options->command[0] : NULL;
	ADD(text != NULL, text);
	argv[argc] = NULL;
	MUST(parse(&again, argc, argv) == RETURNED);
	MUST(same(options, &again));
	MUST(text == NULL ? again.command == NULL : again.command != NULL && again.command[0] == text);
}

static void
check_as_spool(const struct options *options, int argc, char **argv, char *const *words)
{
	off_t limit;

	MUST(memcmp(argv, words, (size_t)argc * sizeof(*argv)) == 0);	/* COMMAND's words keep their order */
	MUST(options->memory >= 0 && options->limit >= 0);
	MUST(may_be_given(options->limit_text, argc, argv));
	MUST(options->limit_text == NULL ? options->limit == SPOOL_UNLIMITED
	    : size_parse(options->limit_text, &limit) == NULL && limit == options->limit);
	MUST(may_be_given(options->directory, argc, argv));
	MUST(may_be_given(options->check, argc, argv) && may_be_given(options->output, argc, argv));
	MUST(options->check == NULL || *options->check != '\0');
	MUST(options->output == NULL || *options->output != '\0');
	MUST(options->backup == NULL || strcmp(options->backup, "~") == 0 || is_given(options->backup, argc, argv));
	MUST(options->backup == NULL || (*options->backup != '\0' && strchr(options->backup, '/') == NULL));
	MUST(!options->append || !options->overwrite);
	MUST(options->output != NULL || (!options->append && !options->overwrite && !options->if_changed
	    && options->sync && options->backup == NULL));
	MUST(!options->ignore_epipe || (options->output == NULL && options->command == NULL));
	MUST(!options->fall_back);
	if (options->command != NULL) {
		const int first = (int)(options->command - argv);
		struct options before;
		char *cut = argv[first];

		MUST(first >= 1 && first < argc);
		MUST(*cut != '-' || cut[1] == '\0' || strcmp(argv[first - 1], "--") == 0);
		/* What is before COMMAND is all that counts. */
		argv[first] = NULL;
		MUST(parse(&before, first, argv) == RETURNED);
		argv[first] = cut;
		MUST(before.command == NULL && same(options, &before));
	}
	check_again(options);
}

static void
check_as_sponge(const struct options *options, int argc, char **argv)
{
	struct options plain = { .memory = (off_t)64 << 20, .limit = SPOOL_UNLIMITED, .sync = true, .fall_back = true };

	plain.append = options->append;
	plain.output = options->output;
	MUST(same(options, &plain) && options->command == NULL);
	MUST(may_be_given(options->output, argc, argv));
	MUST(options->output == NULL || *options->output != '\0');
}

/* Something was wrong: each line of the message has the program's name, and the last one says where help is. */
static void
check_usage(const char *name)
{
	char first[16], last[64];
	const size_t length = (size_t)snprintf(last, sizeof(last), "\n%s: try '%s --help'\n", name, name);

	snprintf(first, sizeof(first), "%s: ", name);
	MUST(strncmp(world.said, first, strlen(first)) == 0);
	MUST(world.length > length + strlen(first) && world.length == strlen(world.said));
	MUST(strcmp(world.said + world.length - length, last) == 0);
}

static void
check_print(const char *name, int status)
{
	if (status == STATUS_FAILED) {
		MUST(world.deaf && world.printed == NULL);
		MUST(strstr(world.said, "standard output: cannot write") != NULL);
		return;
	}
	MUST(status == STATUS_DONE && !world.deaf && world.closed && world.length == 0);
	if (strcmp(name, "sponge") == 0)
		MUST(world.printed == sponge_help);
	else
		MUST(world.printed == help || strcmp(world.printed, PACKAGE_STRING "\n") == 0);
}

/* Puts the words of text, which it cuts, into the list. */
static int
split(char *text, size_t size, char **words)
{
	int count = 0;

	for (size_t at = 0; at < size && count < MOST_WORDS;) {
		words[count++] = text + at;
		at += strcspn(text + at, "\n");
		text[at++] = '\0';
	}
	words[count] = NULL;
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static char text[4096];
	char *words[MOST_WORDS + 1], *argv[MOST_WORDS + 1];
	struct options options;
	const char *name = "spool";
	int argc, status;

	if (size >= sizeof(text))
		return -1;
	memcpy(text, input, size);
	text[size] = '\0';
	argc = split(text, size, words);
	memcpy(argv, words, sizeof(argv));
	if (argc > 0) {
		const char *slash = strrchr(argv[0], '/');

		if (strcmp(slash == NULL ? argv[0] : slash + 1, "sponge") == 0)
			name = "sponge";
	}
	world.deaf = fuzz_hash(input, size) % 16 == 0;
	status = parse(&options, argc, argv);
	if (status == RETURNED) {
		MUST(world.length == 0 && world.printed == NULL);
		if (strcmp(name, "sponge") == 0)
			check_as_sponge(&options, argc, argv);
		else
			check_as_spool(&options, argc, argv, words);
	} else if (status == STATUS_USAGE) {
		MUST(world.printed == NULL);
		check_usage(name);
	} else {
		check_print(name, status);
	}
	return 0;
}
