/* misspelt.c: what is said of a long option that is unknown or ambiguous. */
#include <config.h>

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "message.h"
#include "misspelt.h"
#include "rows.h"

/* Levenshtein's distance: how many letters are to be added, removed or replaced to make one name the other. */
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

void
misspelt_report(const char *word, const struct option *known)
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
