/* rough.h: system calls that fail, are interrupted, or do less than asked, when told to. */
#ifndef ROUGH_H
#define ROUGH_H

#include <stdbool.h>

enum rough_lasting { ROUGH_ONCE, ROUGH_SAME, ROUGH_ALL };

extern bool rough_on;			/* otherwise all calls are let through */
extern unsigned rough_fail_in;		/* so many calls from now one fails; 0: none does */
extern enum rough_lasting rough_lasts;	/* and then others fail, too: those of its name, as on a full disk, or all */
extern unsigned rough_shake;		/* one call in so many is interrupted or cut short; 0: none is */
extern const char *rough_failed;	/* the last call that was made to fail; set it to NULL before each */
extern unsigned rough_count;		/* calls seen */

unsigned	rough_random(unsigned below);
void		rough_seed(unsigned seed);

#endif
