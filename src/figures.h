/* figures.h: what spool says of its work when it is done: the summary of -v, and the file of --stats. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>

struct job;

/* What has become of the file of -o: see target_outcome(). Not called where there is none. */
void	figures_outcome(const char *word, bool is_changed);

/* The summary: one line on standard error. */
void	figures_summary(void);

/*
 * Opens the file of --stats for figures_write(). Empties a regular file, and makes the file if there is none. The file must
 * be neither standard input nor the sink of the stream, nor a regular file that is COMMAND's standard output. Where it is
 * standard error, or standard output with -o, the figures come behind what is there. Returns an exit status, after a
 * message if that is not STATUS_DONE.
 */
int	figures_open(const struct job *job);

/*
 * Writes the figures of the work until now in place of the former ones; into a FIFO or a terminal, behind them. status:
 * the exit status, or 128+N for an end by signal N; negative: that of COMMAND, which is not known. Does nothing unless
 * a file is open. Reports a failure, which does not change the exit status.
 */
void	figures_write(int status);

#endif
