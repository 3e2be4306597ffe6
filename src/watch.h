/* watch.h: what must still happen when a signal, or a broken pipe, is about to end spool. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>

struct job;

/* Starts the watch (signals.h) if it is not running: before a file or a child is made. 0, or -1: errno of
   signals_watch(). */
int	watch_begin(struct job *job);

bool	watch_runs(void);

/* Stops the watch, which runs. */
void	watch_end(void);

/* Writes the figures with this status, as figures_write(), and stops the watch: COMMAND takes the place of spool, or
   SIGPIPE ends spool. */
void	watch_end_with(int status);

/* The reader of standard output has gone. Ends spool by SIGPIPE; returns if spool is to report that as an error. */
void	watch_broken_pipe(void);

/* Whether FILE has been written to. The watch calls this, too. */
bool	watch_has_changed(const struct job *job);

/* Lets the reader of a FIFO go if nothing was written. The watch calls this, too. */
void	watch_leave_output(const struct job *job);

#endif
