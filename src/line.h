/* line.h: the text of a progress line. Nothing here prints, waits or looks at a clock. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>

#include "counts.h"

enum { LINE_TEXT = 256 };

/* The rate of a phase is measured over so many samples at most. */
enum { LINE_SAMPLES = 16 };

/* The samples of one phase; {0} at first. */
struct line_history {
	enum counts_phase phase;
	size_t count;
	struct {
		double seconds;
		off_t bytes;
	} samples[LINE_SAMPLES];
};

/* Bytes in a second since the phase began. */
double	line_average(const struct counts *counts);

/*
 * Bytes in a second since `window` samples ago, at most LINE_SAMPLES; since the phase began where there are fewer. Adds
 * a sample.
 */
double	line_rate(struct line_history *history, const struct counts *counts, size_t window);

/*
 * Writes the text for these counts and this rate. Leaves out fields or adds a bar to suit the columns, but the text may
 * still be longer: see line_fit(). columns 0: all fields, and no bar.
 */
void	line_format(char text[LINE_TEXT], const struct counts *counts, double rate, size_t columns);

/* How many characters of the text fit: whole words only, since a part of a number would be another number. */
size_t	line_fit(const char *text, size_t columns);

#endif
