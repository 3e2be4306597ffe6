/* figures.h: what spool says of its work when it is done: the summary of -v, and the file of --stats. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdbool.h>

/*
 * There is a spill file in this directory. in_memory: that is memory as well. To be called while signals are held
 * (signals.h): the watch may write the figures.
 */
void	figures_spilled(const char *directory, bool in_memory);

/* The summary: one line on standard error. */
void	figures_summary(void);

/*
 * Opens file for figures_write(): emptied if it is a regular one, and made if there is none. It must not be the file of
 * -o, nor standard input or output; if it is that of standard error, the figures come behind the messages. An exit
 * status, after a message.
 */
int	figures_open(const char *file, const char *output);

/*
 * Writes the figures of the work until now, in place of those before; in a FIFO or a terminal, behind them. status: the
 * exit status, 128+N for an end by signal N; negative: it is COMMAND's. Does nothing unless a file is open. A failure
 * is reported, and changes nothing else.
 */
void	figures_write(int status);

#endif
