/* line.c: the text of a progress line. */
#include <config.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "line.h"
#include "size.h"

enum { TIME_TEXT = 32, BAR_TEXT = 80, BAR_LEAST = 10 };

static off_t
bytes_done(const struct counts *counts)
{
	return counts->phase == COUNTS_SOAK ? counts->soaked : counts->moved;
}

static double
bytes_per_second(double seconds, off_t bytes)
{
	return (double)bytes / (seconds + 1e-9);	/* no time may have passed */
}

double
line_average(const struct counts *counts)
{
	return bytes_per_second(counts->seconds, bytes_done(counts));
}

double
line_rate(struct line_history *history, const struct counts *counts, size_t window)
{
	const off_t done = bytes_done(counts);
	double seconds = 0;
	off_t bytes = 0;

	if (counts->phase != history->phase)
		*history = (struct line_history){ .phase = counts->phase };
	if (history->count >= window) {
		const size_t oldest = (history->count - window) % LINE_SAMPLES;

		seconds = history->samples[oldest].seconds;
		/* A file that is written a second time begins anew. */
		bytes = history->samples[oldest].bytes < done ? history->samples[oldest].bytes : done;
	}
	history->samples[history->count % LINE_SAMPLES].seconds = counts->seconds;
	history->samples[history->count % LINE_SAMPLES].bytes = done;
	history->count++;
	return bytes_per_second(counts->seconds - seconds, done - bytes);
}

static const char *
format_time(char text[TIME_TEXT], double seconds)
{
	const intmax_t whole = (intmax_t)seconds;

	(void)snprintf(text, TIME_TEXT, "%jd:%02d:%02d", whole / 3600, (int)(whole / 60 % 60), (int)(whole % 60));
	return text;
}

/* Without the place of the bytes where the columns do not suffice. */
static void
format_soak(char text[LINE_TEXT], const struct counts *counts, double rate, size_t columns)
{
	char total[SIZE_TEXT], speed[SIZE_TEXT], memory[SIZE_TEXT], spilled[SIZE_TEXT], elapsed[TIME_TEXT];
	char where[64] = " (in memory)";

	size_format(total, counts->soaked);
	size_format(speed, (off_t)rate);
	size_format(memory, counts->in_memory);
	size_format(spilled, counts->soaked - counts->in_memory);
	format_time(elapsed, counts->seconds);
	if (counts->in_memory < counts->soaked)
		(void)snprintf(where, sizeof(where), " (%s in memory, %s on disk)", memory, spilled);
	(void)snprintf(text, LINE_TEXT, "soaking %s %s %s/s", total, elapsed, speed);
	if (strlen(text) + strlen(where) <= columns)
		strlcat(text, where, LINE_TEXT);
}

/* What came in, what went out, and where the rest is. */
static void
format_stream(char text[LINE_TEXT], const struct counts *counts, double rate, size_t columns)
{
	const off_t waiting = counts->soaked - counts->moved;
	char in[SIZE_TEXT], out[SIZE_TEXT], speed[SIZE_TEXT], memory[SIZE_TEXT], disk[SIZE_TEXT], elapsed[TIME_TEXT];
	char where[80];

	size_format(in, counts->soaked);
	size_format(out, counts->moved);
	size_format(speed, (off_t)rate);
	size_format(memory, waiting > counts->on_disk ? waiting - counts->on_disk : 0);
	size_format(disk, counts->on_disk);
	format_time(elapsed, counts->seconds);
	(void)snprintf(text, LINE_TEXT, "streaming %s in, %s out %s %s/s", in, out, elapsed, speed);
	(void)snprintf(where, sizeof(where), ", %s waiting in memory, %s on disk", memory, disk);
	if (strlen(text) + strlen(where) <= columns)
		strlcat(text, where, LINE_TEXT);
}

/* The bar, with its brackets and a space. */
static void
format_bar(char bar[BAR_TEXT], int percent, size_t columns)
{
	const size_t brackets = strlen("[] "), most = BAR_TEXT - 1 - brackets;
	const size_t width = columns - brackets < most ? columns - brackets : most;
	const size_t full = (size_t)percent * (width - 1) / 100;

	(void)snprintf(bar, BAR_TEXT, "[%-*s] ", (int)width, "");
	memset(bar + 1, '=', full);
	bar[1 + full] = '>';
}

/* The bar takes the columns that the words leave, if these are enough. */
static void
format_replay(char text[LINE_TEXT], const struct counts *counts, double rate, const char *doing, size_t columns,
    bool with_bar)
{
	char total[SIZE_TEXT], speed[SIZE_TEXT], left[TIME_TEXT] = "?", words[160], bar[BAR_TEXT] = "";
	const off_t whole = counts->soaked > 0 ? counts->soaked : 1;
	const int percent = (int)((double)counts->moved * 100 / (double)whole);
	size_t length;

	size_format(total, counts->soaked);
	size_format(speed, (off_t)rate);
	if (rate >= 1)
		format_time(left, (double)(counts->soaked - counts->moved) / rate);
	(void)snprintf(words, sizeof(words), "%3d%% of %s %s/s, %s left", percent, total, speed, left);
	length = strlen(doing) + strlen(" ") + strlen(words);
	if (length > columns)
		(void)snprintf(words, sizeof(words), "%d%%, %s left", percent, left);
	else if (with_bar && columns - length >= BAR_LEAST + strlen("[] "))
		format_bar(bar, percent, columns - length);
	(void)snprintf(text, LINE_TEXT, "%s %s%s", doing, bar, words);
}

void
line_format(char text[LINE_TEXT], const struct counts *counts, double rate, size_t columns)
{
	const size_t room = columns == 0 ? SIZE_MAX : columns;
	char total[SIZE_TEXT], elapsed[TIME_TEXT];

	size_format(total, counts->soaked);
	format_time(elapsed, counts->seconds);
	switch (counts->phase) {
	case COUNTS_CHECK:
		(void)snprintf(text, LINE_TEXT, "checking %s %s", total, elapsed);
		return;
	case COUNTS_WAIT:
		(void)snprintf(text, LINE_TEXT, "soaked %s, waiting for the command to end %s", total, elapsed);
		return;
	case COUNTS_REPLAY:
		format_replay(text, counts, rate, "replaying", room, columns > 0);
		return;
	case COUNTS_SAVE:
		/* What was spilled beside the file is not copied, and the disk does not say how far it is. */
		if (counts->moved > 0 && counts->moved < counts->soaked)
			format_replay(text, counts, rate, "saving", room, columns > 0);
		else
			(void)snprintf(text, LINE_TEXT, "saving %s %s", total, elapsed);
		return;
	case COUNTS_STREAM:
		format_stream(text, counts, rate, room);
		return;
	default:
		format_soak(text, counts, rate, room);
	}
}

size_t
line_fit(const char *text, size_t columns)
{
	size_t length = strlen(text);

	if (length <= columns)
		return length;
	length = columns;
	while (length > 0 && text[length] != ' ')
		length--;
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == ','))
		length--;
	return length;
}
