/*
 * counts.h: how many bytes spool has soaked up and sent on, and how long each phase has taken.
 *
 *	counts_begin()		the soak begins
 *	counts_soaked()		...
 *	counts_enter()		the next phase begins, and the one before has ended
 *	counts_moved()		...
 *	counts_end()		the last phase has ended; a second call does nothing
 *
 * The main thread counts. Any thread can look.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include <sys/types.h>

enum counts_phase {
	COUNTS_SOAK,
	COUNTS_CHECK,
	COUNTS_WAIT,		/* until COMMAND, whose output has been read, ends */
	COUNTS_REPLAY,		/* to standard output */
	COUNTS_SAVE,		/* into the file of -o */
	COUNTS_PHASES
};

struct counts {
	enum counts_phase phase;
	double seconds;		/* since the phase began */
	off_t soaked;		/* bytes of the stream */
	off_t in_memory;	/* of these */
	off_t moved;		/* sent on in this phase */
};

void	counts_begin(void);
void	counts_soaked(off_t bytes, off_t in_memory);
void	counts_enter(enum counts_phase phase);
/* A report function for struct spool_progress. */
void	counts_moved(void *unused, off_t bytes);
void	counts_end(void);

void	counts_look(struct counts *counts);

/* How long a phase took that has ended; negative if there was none. */
double	counts_seconds(enum counts_phase phase);

#endif
