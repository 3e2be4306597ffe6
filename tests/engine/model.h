/* model.h: operations on a spool, and the same on an array of bytes. The program that uses it makes the choices. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>

struct model_options {
	const char *name;	/* of this run, for messages */
	const char *directory;	/* where the spill file goes */
	bool large;		/* the stream may have megabytes */
};

/* One run, until model_goes_on() is false. Ends the program if the two disagree. */
void	model_run(const struct model_options *chosen);

/* The program has these two: a number below a bound, at least 1; and whether there is another operation. */
unsigned model_choose(unsigned below);
bool	model_goes_on(void);

#endif
