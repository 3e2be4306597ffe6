/* figures.h: what spool reports at its end: the summary of -v, and the file of --stats. */
#ifndef FIGURES_H
#define FIGURES_H

#include <sys/types.h>

#include <stdbool.h>

struct figures {
	off_t bytes;			/* soaked up */
	off_t memory_bytes;		/* of these, kept in memory */
	const char *spill_directory;	/* where the others are, or NULL if there are none */
	bool spill_in_memory;		/* the spill directory is in memory (tmpfs) */
	double soak_seconds;		/* negative: the soak did not begin */
	double replay_seconds;		/* negative: there was no replay, or COMMAND reads the stream unseen */
	int status;			/* the exit status; 128+N: ended by signal N; negative: COMMAND's, not known */
};

/* One line on standard error. */
void	figures_summary(const struct figures *figures);

/*
 * Opens the file for figures_write(). Empties a regular file, and makes the file if there is none. The file must not be
 * that of -o, standard input or standard output. Where it is standard error, the figures come behind the messages.
 * output: the file of -o, or NULL. Returns an exit status, after a message if that is not STATUS_DONE.
 */
int	figures_open(const char *file, const char *output);

/*
 * Writes the figures in place of the former ones; into a FIFO or a terminal, behind them. Does nothing unless a file is
 * open. Reports a failure, which does not change the exit status.
 */
void	figures_write(const struct figures *figures);

#endif
