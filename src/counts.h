/*
 * counts.h: how many bytes spool has soaked up and sent on, and how long each phase has taken.
 *
 *	counts_begin()		the first phase begins
 *	counts_soaked()		...
 *	counts_enter()		the next phase begins, and the one before has ended
 *	counts_moved()		...
 *	counts_end()		the last phase has ended; a second call does nothing
 *
 * The main thread counts; with --stream, the reading thread (intake.c), too. Any thread can look.
 */
#ifndef COUNTS_H
#define COUNTS_H

#include <sys/types.h>

#include <stdbool.h>

enum counts_phase {
	COUNTS_SOAK,
	COUNTS_CHECK,
	COUNTS_WAIT,		/* until COMMAND, whose output has been read, ends */
	COUNTS_REPLAY,		/* to standard output */
	COUNTS_SAVE,		/* into the file of -o */
	COUNTS_STREAM,		/* all at once, with --stream */
	COUNTS_PHASES
};

struct counts {
	enum counts_phase phase;
	double seconds;		/* since the phase began */
	off_t soaked;		/* bytes of the stream */
	off_t in_memory;	/* of these */
	off_t moved;		/* sent on in this phase */
	const char *spill_directory;	/* or NULL: there is no spill file */
	bool spill_in_memory;	/* that directory is on a file system in memory */
	off_t on_disk;		/* of those that wait, with --stream */
	off_t most;		/* the most that have waited, with --stream; else -1 */
};

/* There is a spill file in this directory, whose string stays. */
void	counts_spilled(const char *directory, bool in_memory);
void	counts_begin(enum counts_phase phase);
void	counts_soaked(off_t bytes, off_t in_memory);
void	counts_enter(enum counts_phase phase);
/* A report function for struct spool_progress. */
void	counts_moved(void *unused, off_t bytes);
/* With --stream: so many bytes wait on disk, and so many have waited at most, there and in memory. */
void	counts_waiting(off_t on_disk, off_t most);
void	counts_end(void);

void	counts_look(struct counts *counts);

/* How long a phase took that has ended; negative if there was none. */
double	counts_seconds(enum counts_phase phase);

#endif
