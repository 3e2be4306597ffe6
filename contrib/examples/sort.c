/*
 * sort.c: sorts the lines of standard input, most of which may be on the disk; an example for libspool.
 *
 *	cc sort.c $(pkg-config --cflags --libs libspool) -o sort
 *	sort <lines
 *
 * The lines are in a spool, of which 1 MiB is in memory. Where each line begins, 16 bytes a line, is always in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spool.h>

enum { LONGEST = 4096 };

struct line {
	off_t at;
	size_t length;		/* with its newline */
};

static struct spool *spool;

static _Noreturn void
fail(const char *what)
{
	perror(what);
	exit(1);
}

/* spool_read_at() leaves the offset alone: both lines are read by the same spool. */
static void
load(const struct line *line, char *text)
{
	if (spool_read_at(spool, text, line->length, line->at) != (ssize_t)line->length)
		fail("spool_read_at");
}

static int
compare(const void *a, const void *b)
{
	const struct line *left = a, *right = b;
	const size_t shorter = left->length < right->length ? left->length : right->length;
	char one[LONGEST], other[LONGEST];
	int order;

	load(left, one);
	load(right, other);
	order = memcmp(one, other, shorter - 1);
	return order != 0 ? order : left->length < right->length ? -1 : left->length > right->length;
}

/* Notes where each line begins. The last one may lack its newline, which is added. */
static struct line *
find_lines(size_t *count)
{
	FILE *stream = spool_stream(spool, false);
	struct line *lines = NULL;
	size_t room = 0, size = 0;
	char *text = NULL;
	off_t at = 0;
	ssize_t n;

	if (stream == NULL)
		fail("spool_stream");
	while ((n = getline(&text, &size, stream)) > 0) {
		if (text[n - 1] != '\n' && spool_write_at(spool, "\n", 1, at + n++) == -1)
			fail("spool_write_at");
		if (n > LONGEST) {
			fprintf(stderr, "a line is longer than %d bytes\n", LONGEST);
			exit(1);
		}
		if (*count == room && (lines = realloc(lines, (room = room * 2 + 1000) * sizeof(*lines))) == NULL)
			fail("realloc");
		lines[(*count)++] = (struct line){ at, (size_t)n };
		at += n;
	}
	if (ferror(stream) || fclose(stream) == EOF)
		fail("the spool");
	free(text);
	return lines;
}

int
main(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct line *lines;
	char text[LONGEST];
	size_t count = 0;

	options.memory_limit = 1 << 20;
	spool = spool_open(&options);
	if (spool == NULL || spool_fill(spool, 0, SPOOL_UNLIMITED, NULL) == -1)
		fail("standard input");
	lines = find_lines(&count);
	if (count > 0)
		qsort(lines, count, sizeof(*lines), compare);
	for (size_t i = 0; i < count; i++) {
		load(&lines[i], text);
		if (fwrite(text, 1, lines[i].length, stdout) != lines[i].length)
			fail("standard output");
	}
	free(lines);
	return fflush(stdout) == EOF || spool_close(spool) == -1;
}
