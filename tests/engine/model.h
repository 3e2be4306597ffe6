/* model.h: compares a spool with an array of bytes. The program that uses it chooses the operations. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>

struct model_options {
	const char *name;	/* of this run, for messages */
	const char *directory;	/* of the spill file */
	bool large;		/* the stream may have several megabytes */
};

/* Runs operations until model_goes_on() is false. Ends the program if the two disagree. */
void	model_run(const struct model_options *chosen);

/* Defined by the program: a number below a bound of at least 1; and whether there is another operation. */
unsigned model_choose(unsigned below);
bool	model_goes_on(void);

#endif
