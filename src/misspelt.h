/* misspelt.h: what is said of a long option that is unknown or ambiguous. */
#ifndef MISSPELT_H
#define MISSPELT_H

struct option;

/* Reports the word, which begins with "--", and names those of the known options that may have been meant. known ends with
   a row whose name is NULL; no name has more than LONGEST_NAME letters. */
void	misspelt_report(const char *word, const struct option *known);

#endif
