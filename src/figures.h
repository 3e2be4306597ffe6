/* figures.h: what spool says of its work when it is done: the summary of -v, and the file of --stats. */
#ifndef FIGURES_H
#define FIGURES_H

#include <sys/types.h>

#include <stdbool.h>

struct figures {
	off_t bytes;			/* of the stream, so far as it was soaked up */
	off_t memory_bytes;		/* of these, in memory */
	const char *spill_directory;	/* where the others are, or NULL */
	bool spill_in_memory;		/* though that is memory as well */
	double soak_seconds;		/* negative: it was not begun */
	double replay_seconds;		/* negative: nor this; or COMMAND reads the stream, and spool does not see it */
	int status;			/* the exit status, 128+N for an end by signal N; negative: it is COMMAND's */
};

/* One line on standard error. */
void	figures_summary(const struct figures *figures);

/*
 * Opens file for figures_write(): emptied if it is a regular one, and made if there is none. It must not be the file of
 * -o, nor standard input or output; if it is that of standard error, the figures come behind the messages. An exit
 * status, after a message.
 */
int	figures_open(const char *file, const char *output);

/*
 * Writes the figures, in place of those before; in a FIFO or a terminal, behind them. Does nothing unless a file is
 * open. A failure is told, and changes nothing else.
 */
void	figures_write(const struct figures *figures);

#endif
