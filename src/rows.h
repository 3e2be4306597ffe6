/* rows.h: the table of the options, options.def, and what messages and getopt_long(3) get from it. */
#ifndef ROWS_H
#define ROWS_H

#include <getopt.h>
#include <stddef.h>

struct text;

/* Where an option makes sense, and what a row is: see options.def. */
enum where { ANYWHERE, WITH_FILE, WITHOUT_FILE, WITH_STDOUT, WITH_STREAM, WHOLE };

enum type { SETS_FLAG, SETS_WORD, HAS_CASE };

struct row {
	const char *name;
	const char *argument;		/* or "" */
	const char *note;		/* FLAG: letters of options that exclude it. WORD: advice if it is given twice */
	const char *help;
	size_t member;			/* its offset in struct options */
	enum type type;
	enum where where;
	char letter;			/* or 0 */
};

/* The rows are counted. NOLINTBEGIN(bugprone-macro-parentheses): a sum */
#define FLAG(letter, name, member, where, without, help) + 1
#define WORD(letter, name, argument, member, where, twice, help) + 1
#define VALUE(letter, name, argument, where, values, help) + 1
#define ACTION(letter, name, help) + 1
/* NOLINTEND(bugprone-macro-parentheses) */
enum {
	ROWS = 0
#include "options.def"
	, LONGEST_NAME = 31,		/* at least that of the longest name */
	NAME_TEXT = LONGEST_NAME + 3
};
#undef FLAG
#undef WORD
#undef VALUE
#undef ACTION

extern const struct row rows[ROWS];

/* The option as messages have it: -x, or --name. Returns text. */
const char *row_name(const struct row *row, char text[NAME_TEXT]);

/* Makes the two lists for getopt_long(3). The text needs three bytes for each row, and three more. */
void	rows_list(struct text *letters, struct option names[ROWS + 1]);

/* The index of the row for what getopt_long(3) has returned, which must not be '?' or ':'. */
size_t	rows_find(int found);

#endif
