/*
 * sort.c: sorts the lines of standard input, in a bounded amount of memory; an example for libspool.
 *
 *	cc sort.c $(pkg-config --cflags --libs libspool) -o sort
 *	sort <lines
 *
 * The lines are in a spool, of which 1 MiB is in memory. Only where each line begins, 16 bytes a line, is always there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spool.h>

enum { LONGEST = 4096 };

struct line {
	off_t at;
	size_t length;
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
	text[line->length] = '\0';
}

static int
compare(const void *a, const void *b)
{
	char left[LONGEST + 1], right[LONGEST + 1];

	load(a, left);
	load(b, right);
	return strcmp(left, right);
}

int
main(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct line *lines = NULL;
	char text[LONGEST + 1];
	size_t count = 0, room = 0;
	FILE *stream;

	options.memory_limit = 1 << 20;
	spool = spool_open(&options);
	if (spool == NULL || spool_fill(spool, 0, SPOOL_UNLIMITED, NULL) == -1)
		fail("standard input");
	stream = spool_stream(spool, false);
	if (stream == NULL)
		fail("spool_stream");
	for (off_t at = 0; fgets(text, sizeof(text), stream) != NULL; at += (off_t)strlen(text)) {
		if (count == room && (lines = realloc(lines, (room = room * 2 + 1000) * sizeof(*lines))) == NULL)
			fail("realloc");
		lines[count++] = (struct line){ at, strlen(text) };
	}
	if (ferror(stream) || fclose(stream) == EOF)
		fail("the spool");
	if (count > 0)
		qsort(lines, count, sizeof(*lines), compare);
	for (size_t i = 0; i < count; i++) {
		load(&lines[i], text);
		if (fputs(text, stdout) == EOF)
			fail("standard output");
	}
	free(lines);
	return fflush(stdout) == EOF || spool_close(spool) == -1;
}
