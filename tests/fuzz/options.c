/*
 * options.c: fuzz target: options_parse() against the command line read plainly, as the manual has it.
 *
 * The input is the words of the command line, beginning with the program's name, a newline between two.
 */
/* The source itself, so that the name of the program can be set back. */
#include "../../src/options.c"

#include <inttypes.h>
#include <setjmp.h>

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
same_list(char **a, char **b)
{
	if (a == NULL || b == NULL)
		return a == b;
	while (*a != NULL && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool
same(const struct options *a, const struct options *b)
{
	for (size_t i = 0; i < ROWS; i++) {
		const void *here = (const char *)a + rows[i].member, *there = (const char *)b + rows[i].member;

		if (rows[i].type == SETS_FLAG && *(const bool *)here != *(const bool *)there)
			return false;
		if (rows[i].type == SETS_WORD && !same_text(*(const char *const *)here, *(const char *const *)there))
			return false;
	}
	return a->memory == b->memory && a->limit == b->limit && a->backlog == b->backlog
	    && a->unchanged_status == b->unchanged_status && same_text(a->limit_text, b->limit_text)
	    && same_text(a->directory, b->directory) && same_text(a->output, b->output)
	    && same_text(a->backup, b->backup) && a->append == b->append && a->fall_back == b->fall_back
	    && same_list(a->command, b->command);
}

/* An option, for reading the command line plainly. */
struct word {
	char letter;		/* 0: it has none */
	const char *name;
	char argument;		/* n: none, r: required, o: optional */
};

static const struct word sponge_words[] = { { 'a', "append", 'n' }, { 'h', "help", 'n' }, { 0, NULL, 0 } };

/* The rows of the table. */
static const struct word *
spool_words(void)
{
	static struct word words[ROWS + 1];

	for (size_t i = 0; i < ROWS; i++)
		words[i] = (struct word){ rows[i].letter, rows[i].name,
		    *rows[i].argument == '\0' ? 'n' : *rows[i].argument == '[' ? 'o' : 'r' };
	return words;
}

/* The one word that a letter stands for, or a name of this length or its beginning; NULL: none, or several. */
static const struct word *
find_word(const struct word *words, char letter, const char *name, size_t length)
{
	const struct word *found = NULL;
	int count = 0;

	for (; words->name != NULL; words++) {
		if (name == NULL ? letter != words->letter : strncmp(words->name, name, length) != 0)
			continue;
		found = words;
		count++;
		if (name != NULL && words->name[length] == '\0')
			return words;
	}
	return count == 1 ? found : NULL;
}

static bool
is_memory(const char *text, off_t *bytes)
{
	const size_t digits = strspn(text, "0123456789");
	const off_t page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES);
	intmax_t percent;

	if (strcmp(text, "unlimited") == 0) {
		*bytes = SPOOL_UNLIMITED;
		return true;
	}
	if (digits == 0 || strcmp(text + digits, "%") != 0)
		return size_parse(text, bytes) == NULL;
	errno = 0;
	percent = strtoimax(text, NULL, 10);
	if (digits > 30 || errno != 0 || percent > SPOOL_UNLIMITED / pages / page)
		return false;
	*bytes = pages * page / 100 * percent;
	return true;
}

/* Takes an option without a case of its own: a flag, or a word that is given once. */
static int
take_row(struct options *options, const char *name, const char *argument)
{
	const struct row *row = rows;
	void *member;

	while (strcmp(row->name, name) != 0)
		row++;
	member = (char *)options + row->member;
	if (row->type == SETS_FLAG) {
		*(bool *)member = true;
		return RETURNED;
	}
	MUST(row->type == SETS_WORD);
	if (*argument == '\0' || *(const char **)member != NULL)
		return STATUS_USAGE;
	*(const char **)member = argument;
	return RETURNED;
}

static bool backlog_given;

static int
take_backlog(struct options *options, const char *argument)
{
	backlog_given = true;
	return size_parse(argument, &options->backlog) == NULL && options->backlog > 0 ? RETURNED : STATUS_USAGE;
}

static int
take_unchanged(struct options *options, const char *argument)
{
	char *end;
	const long number = strtol(argument, &end, 10);

	if (end == argument || *end != '\0' || number < 1 || number > 125)
		return STATUS_USAGE;
	options->unchanged_status = (int)number;
	return RETURNED;
}

/* Takes one option. RETURNED: go on; else the status to exit with. */
static int
take_word_of(struct options *options, const struct word *word, const char *argument)
{
	if (strcmp(word->name, "backlog") == 0)
		return take_backlog(options, argument);
	if (strcmp(word->name, "unchanged-status") == 0)
		return take_unchanged(options, argument);
	switch (word->letter) {
	case 'b':
		if (argument != NULL && (*argument == '\0' || strchr(argument, '/') != NULL))
			return STATUS_USAGE;
		options->backup = argument != NULL ? argument : "~";
		return RETURNED;
	case 'h':
	case 'V':
		return world.deaf ? STATUS_FAILED : STATUS_DONE;
	case 'l':
		options->limit_text = argument;
		return size_parse(argument, &options->limit) == NULL ? RETURNED : STATUS_USAGE;
	case 'm':
		return is_memory(argument, &options->memory) ? RETURNED : STATUS_USAGE;
	case 'T':
		options->directory = argument;
		return *argument != '\0' ? RETURNED : STATUS_USAGE;
	default:
		return take_row(options, word->name, argument);
	}
}

/* Reads one word of options, and the next if it is the argument. */
static int
read_word(struct options *options, const struct word *words, char **argv, int *i)
{
	const char *text = argv[*i] + 1;
	const bool is_long = *text == '-';

	do {
		const char *equals = is_long ? strchr(text, '=') : NULL, *argument = NULL;
		const struct word *word;
		int status;

		if (is_long) {
			text++;
			word = find_word(words, 0, text, equals != NULL ? (size_t)(equals - text) : strlen(text));
			if (equals != NULL)
				argument = equals + 1;
		} else {
			word = find_word(words, *text++, NULL, 0);
			if (word != NULL && word->argument != 'n' && *text != '\0')
				argument = text;
		}
		if (word == NULL || (word->argument == 'n' && argument != NULL))
			return STATUS_USAGE;
		if (word->argument == 'r' && argument == NULL && (argument = argv[++*i]) == NULL)
			return STATUS_USAGE;
		status = take_word_of(options, word, argument);
		if (status != RETURNED || is_long || argument != NULL)
			return status;
	} while (*text != '\0');
	return RETURNED;
}

/* Reads all. The operands go into a list; with in_order they begin with the first. */
static int
read_plainly(struct options *options, const struct word *words, bool in_order, char **argv, char **operands)
{
	bool ended = argv[0] == NULL;

	backlog_given = false;
	*options = (struct options){ .memory = SPOOL_AUTOMATIC, .limit = SPOOL_UNLIMITED,
	    .backlog = SPOOL_UNLIMITED };
	for (int i = ended ? 0 : 1; argv[i] != NULL; i++) {
		if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			*operands++ = argv[i];
			ended = ended || in_order;
		} else if (strcmp(argv[i], "--") == 0) {
			ended = true;
		} else {
			int status = read_word(options, words, argv, &i);

			if (status != RETURNED)
				return status;
		}
	}
	*operands = NULL;
	return RETURNED;
}

/* Whether {}, without a backslash before it, is in an argument. */
static bool
has_braces(char **arguments)
{
	for (; *arguments != NULL; arguments++)
		for (const char *at = *arguments; *at != '\0'; at++)
			if (at[0] == '{' && at[1] == '}' && (at == *arguments || at[-1] != '\\'))
				return true;
	return false;
}

static int
read_file(struct options *options)
{
	const char *name = options->name;

	options->file = options->file || name != NULL || options->edit;
	if (options->end != NULL && strchr(options->end, '\n') != NULL)
		return STATUS_USAGE;
	if (!options->file)
		return RETURNED;
	if (options->end != NULL && options->output != NULL)
		return STATUS_USAGE;
	if (options->command == NULL || !has_braces(options->command + 1))
		return STATUS_USAGE;
	return name != NULL && (strchr(name, '/') != NULL || strlen(name) > NAME_MAX || strcmp(name, ".") == 0
	    || strcmp(name, "..") == 0) ? STATUS_USAGE : RETURNED;
}

static int
read_as_spool(struct options *options, char **argv, char **operands)
{
	int status = read_plainly(options, spool_words(), true, argv, operands);
	const bool for_file = options->append || options->overwrite || options->if_changed || options->no_sync || options->edit
	    || options->backup != NULL || options->guard || options->no_clobber || options->unchanged_status != 0
	    || options->trial != NULL;

	if (status != RETURNED)
		return status;
	options->command = operands[0] != NULL ? operands : NULL;
	if ((for_file && options->output == NULL) || (options->append && (options->overwrite || options->edit))
	    || ((options->no_clobber || options->trial != NULL) && (options->append || options->overwrite))
	    || (options->unchanged_status != 0 && !options->if_changed)
	    || (options->name != NULL && options->output != NULL)
	    || (options->stream && (options->output != NULL || options->check != NULL || options->end != NULL
	    || options->file || options->name != NULL || options->limit_text != NULL)) || (backlog_given && !options->stream)
	    || (options->ignore_epipe && (options->output != NULL || options->command != NULL)))
		return STATUS_USAGE;
	return read_file(options);
}

static int
read_as_sponge(struct options *options, char **argv, char **operands)
{
	int status = read_plainly(options, sponge_words, false, argv, operands);

	if (status != RETURNED)
		return status;
	if (operands[0] != NULL && *operands[0] == '\0')
		return STATUS_USAGE;
	options->output = operands[0];
	options->fall_back = true;
	return RETURNED;
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
		MUST(strcmp(world.printed, help_as_sponge()) == 0);
	else
		MUST(strncmp(world.printed, "usage: spool ", 13) == 0 || strcmp(world.printed, PACKAGE_STRING "\n") == 0);
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
	char *words[MOST_WORDS + 1], *argv[MOST_WORDS + 1], *operands[MOST_WORDS + 1];
	struct options options, plain;
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
	if (strcmp(name, "sponge") == 0) {
		MUST(status == read_as_sponge(&plain, words, operands));
	} else {
		MUST(status == read_as_spool(&plain, words, operands));
		MUST(memcmp(argv, words, (size_t)(argc + 1) * sizeof(*argv)) == 0);	/* the words keep their order */
	}
	if (status == RETURNED) {
		/* Under the name of sponge a second file is only named. */
		MUST((world.length > 0) == (plain.fall_back && operands[0] != NULL && operands[1] != NULL));
		MUST(world.printed == NULL);
		MUST(same(&options, &plain));
	} else if (status == STATUS_USAGE) {
		MUST(world.printed == NULL);
		check_usage(name);
	} else {
		check_print(name, status);
	}
	return 0;
}
