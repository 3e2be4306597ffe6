/* line.c: tests of the text of the progress line. */
#include <config.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "line.h"
#include "test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define MIB ((off_t)1 << 20)

static void
check_text(const struct counts *counts, double rate, size_t columns, const char *expected)
{
	char text[LINE_TEXT];

	memset(text, 'x', sizeof(text));
	line_format(text, counts, rate, columns);
	if (strcmp(text, expected) != 0)
		fprintf(stderr, "# %zu columns: '%s', not '%s'\n", columns, text, expected);
	CHECK(strcmp(text, expected) == 0);
}

static void
soaking(void)
{
	struct counts counts = { .phase = COUNTS_SOAK };

	check_text(&counts, 0, 0, "soaking 0B 0:00:00 0B/s (in memory)");
	counts = (struct counts){ .phase = COUNTS_SOAK, .seconds = 3661.9, .soaked = 30 * MIB, .in_memory = 30 * MIB };
	check_text(&counts, 1536, 0, "soaking 30MiB 1:01:01 1.50KiB/s (in memory)");
	counts.in_memory = 20 * MIB;
	check_text(&counts, 1536, 0, "soaking 30MiB 1:01:01 1.50KiB/s (20MiB in memory, 10MiB on disk)");
	check_text(&counts, 1536, 65, "soaking 30MiB 1:01:01 1.50KiB/s (20MiB in memory, 10MiB on disk)");
	check_text(&counts, 1536, 64, "soaking 30MiB 1:01:01 1.50KiB/s (20MiB in memory, 10MiB on disk)");
	check_text(&counts, 1536, 63, "soaking 30MiB 1:01:01 1.50KiB/s");
	check_text(&counts, 1536, 5, "soaking 30MiB 1:01:01 1.50KiB/s");
}

static void
waiting(void)
{
	struct counts counts = { .phase = COUNTS_CHECK, .seconds = 59.99, .soaked = 5 };

	check_text(&counts, 0, 0, "checking 5B 0:00:59");
	counts.phase = COUNTS_WAIT;
	counts.seconds = 360000;
	check_text(&counts, 0, 80, "soaked 5B, waiting for the command to end 100:00:00");
}

static void
replaying(void)
{
	struct counts counts = { .phase = COUNTS_REPLAY, .seconds = 2, .soaked = 100 * MIB, .moved = 43 * MIB };
	const double rate = 20.0 * MIB;
	const char *all = "replaying  43% of 100MiB 20MiB/s, 0:00:02 left";

	check_text(&counts, rate, 0, all);
	check_text(&counts, rate, strlen(all), all);
	check_text(&counts, rate, strlen(all) - 1, "replaying 43%, 0:00:02 left");
	check_text(&counts, rate, strlen(all) + 12, all);
	check_text(&counts, rate, strlen(all) + 13, "replaying [===>      ]  43% of 100MiB 20MiB/s, 0:00:02 left");
	check_text(&counts, 0.5, 0, "replaying  43% of 100MiB 0B/s, ? left");
	counts.moved = counts.soaked;
	check_text(&counts, rate, 59, "replaying [=========>] 100% of 100MiB 20MiB/s, 0:00:00 left");
	counts.moved = 0;
	check_text(&counts, rate, 59, "replaying [>         ]   0% of 100MiB 20MiB/s, 0:00:05 left");
	counts.soaked = 0;
	check_text(&counts, 0, 0, "replaying   0% of 0B 0B/s, ? left");
	counts.soaked = counts.moved = 5;
	check_text(&counts, 5, 0, "replaying 100% of 5B 5B/s, 0:00:00 left");
}

/* The bar is never longer than this. */
static void
wide(void)
{
	const struct counts counts = { .phase = COUNTS_REPLAY, .soaked = 2 * MIB, .moved = MIB };
	char text[LINE_TEXT];

	for (size_t columns = 48; columns < 600; columns++) {
		line_format(text, &counts, 0, columns);
		CHECK(strchr(text, ']') - strchr(text, '[') == (columns < 114 ? (ptrdiff_t)columns - 37 : 77));
	}
}

static void
saving(void)
{
	struct counts counts = { .phase = COUNTS_SAVE, .seconds = 7, .soaked = 8 * MIB };

	check_text(&counts, 0, 0, "saving 8MiB 0:00:07");
	counts.moved = 2 * MIB;
	check_text(&counts, MIB, 0, "saving  25% of 8MiB 1MiB/s, 0:00:06 left");
	check_text(&counts, MIB, 20, "saving 25%, 0:00:06 left");
	counts.moved = counts.soaked;
	check_text(&counts, MIB, 0, "saving 8MiB 0:00:07");
}

/* The largest numbers, in terminals of all widths. */
static void
longest(void)
{
	struct counts counts = { .seconds = 1e15, .soaked = INT64_MAX, .in_memory = INT64_MAX / 2,
	    .moved = INT64_MAX - 1 };
	char text[LINE_TEXT];

	for (int phase = 0; phase < COUNTS_PHASES; phase++)
		for (size_t columns = 0; columns < 600; columns++) {
			counts.phase = (enum counts_phase)phase;
			line_format(text, &counts, columns % 2 == 0 ? 1 : 9e18, columns);
			CHECK(strlen(text) < LINE_TEXT - 1);
		}
}

static void
whole_words(void)
{
	const char *text = "soaked 44.0MiB, waiting";
	static const struct {
		size_t columns, length;
	} rows[] = { { 0, 0 }, { 5, 0 }, { 6, 6 }, { 7, 6 }, { 13, 6 }, { 14, 6 }, { 15, 14 }, { 16, 14 }, { 22, 14 },
	    { 23, 23 }, { 500, 23 } };

	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK(line_fit(text, rows[i].columns) == rows[i].length);
	CHECK(line_fit("", 0) == 0);
}

static void
check_rate(double rate, double expected)
{
	CHECK(fabs(rate - expected) < 0.01);
}

static void
rates(void)
{
	struct line_history history = { 0 };
	struct counts counts = { .phase = COUNTS_SOAK };

	/* Two samples back; from the beginning, where there are not so many. */
	check_rate(line_rate(&history, &counts, 2), 0);
	counts.seconds = 1;
	counts.soaked = 100;
	check_rate(line_rate(&history, &counts, 2), 100);
	counts.seconds = 2;
	counts.soaked = 300;
	check_rate(line_rate(&history, &counts, 2), 150);
	counts.seconds = 3;
	counts.soaked = 900;
	check_rate(line_rate(&history, &counts, 2), 400);
	check_rate(line_average(&counts), 300);
	/* Another phase has no samples yet, and counts what is sent on. */
	counts.phase = COUNTS_SAVE;
	counts.seconds = 2;
	counts.moved = 10;
	check_rate(line_rate(&history, &counts, 1), 5);
	check_rate(line_average(&counts), 5);
	/* What is written a second time. */
	counts.seconds = 3;
	counts.moved = 4;
	check_rate(line_rate(&history, &counts, 1), 0);
}

/* More samples than the history keeps. */
static void
long_history(void)
{
	struct line_history history = { 0 };
	struct counts counts = { .phase = COUNTS_SOAK };

	for (int i = 0; i < 100; i++) {
		double rate;

		counts.seconds = i;
		counts.soaked = (off_t)i * i;
		rate = line_rate(&history, &counts, LINE_SAMPLES);
		/* (i^2 - (i-16)^2) / 16 */
		check_rate(rate, i < LINE_SAMPLES ? i : 2.0 * i - LINE_SAMPLES);
	}
}

int
main(void)
{
	static const struct test tests[] = {
		{ "the soak, and where the bytes are", soaking },
		{ "a check, and COMMAND's end", waiting },
		{ "the replay and its bar", replaying },
		{ "a bar in wide terminals", wide },
		{ "a file that is written", saving },
		{ "the longest text", longest },
		{ "only whole words fit", whole_words },
		{ "rates of late and on average", rates },
		{ "a history that is full", long_history },
	};

	return test_main("line", tests, COUNT(tests));
}
