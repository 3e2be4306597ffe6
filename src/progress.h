/* progress.h: what spool says of its work besides errors. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <sys/types.h>

struct figures {
	off_t bytes;			/* of the stream */
	off_t memory_bytes;		/* of these, in memory */
	const char *spill_directory;	/* where the others are, or NULL */
	double soak_seconds;
	double replay_seconds;		/* negative: COMMAND reads the stream, spool does not see it */
};

/* Seconds of a clock that only goes forward. */
double	progress_clock(void);

/* One line on standard error. */
void	progress_summary(const struct figures *figures);

#endif
