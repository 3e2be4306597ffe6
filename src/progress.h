/*
 * progress.h: how far the work has come, for people who watch: the line of -p, and the answer to SIGUSR1.
 *
 *	progress_begin()	before the soak
 *	progress_soaked()	...
 *	progress_enter()	each time that the work changes
 *	progress_moved()	...
 *	progress_end()		the line is wiped away; only an answer that is being printed may still come
 *
 * A thread prints, so that neither a source that pauses nor a terminal that has been stopped matters to the other. It
 * waits for the signals of signals_status(), which all threads hold back. Where it cannot be had, nothing is printed.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <sys/types.h>

#include <stdbool.h>

enum progress_phase {
	PROGRESS_SOAK,
	PROGRESS_CHECK,
	PROGRESS_WAIT,		/* until COMMAND, whose output has been read, ends */
	PROGRESS_REPLAY,	/* to standard output */
	PROGRESS_SAVE,		/* into the file of -o */
	PROGRESS_PHASES
};

/*
 * The soak of the descriptor source begins. show: -p, a line on standard error. Without it the thread is started only
 * when there will be time to ask (see ENOUGH_TO_ASK in progress.c).
 */
void	progress_begin(bool show, int source);

/* So many bytes have been soaked up so far, and of these so many are in memory. */
void	progress_soaked(off_t bytes, off_t in_memory);

void	progress_enter(enum progress_phase phase);

/* So many of them have been sent on: for struct spool_progress, which calls it with a cookie. */
void	progress_moved(void *unused, off_t bytes);

void	progress_end(void);

/* What was soaked up, and what of it is in memory. */
off_t	progress_bytes(off_t *in_memory);

/* For how long spool was in a phase that has ended; negative if it was not. */
double	progress_seconds(enum progress_phase phase);

#endif
