/* rough.h: makes system calls fail, be interrupted, or move fewer bytes than asked. */
#ifndef ROUGH_H
#define ROUGH_H

#include <stdbool.h>

enum rough_lasting { ROUGH_ONCE, ROUGH_SAME, ROUGH_ALL };

extern bool rough_on;			/* false: all calls work */
extern unsigned rough_fail_in;		/* the number of calls until one fails, itself included; 0: none does */
extern enum rough_lasting rough_lasts;	/* later calls of its name fail too, as on a full disk; or all calls */
extern unsigned rough_shake;		/* one call in this many is interrupted or cut short; 0: none is */
extern const char *rough_failed;	/* the last call that was made to fail; set it to NULL before each */
extern unsigned rough_count;		/* calls made */

unsigned	rough_random(unsigned below);
void		rough_seed(unsigned seed);

#endif
