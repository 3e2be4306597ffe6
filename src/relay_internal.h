/* relay_internal.h: what the two threads of --stream share: relay.c and intake.c. */
#ifndef RELAY_INTERNAL_H
#define RELAY_INTERNAL_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "spool.h"

struct job;

/* The most that one call moves. As large as the engine's buffer, so that no message of a source is cut. */
#define RELAY_PIECE ((size_t)256 << 10)

enum fault { NO_FAULT, NO_THREAD, NO_SINK, SOURCE_UNREAD, SPILL_UNWRITTEN, SPILL_UNREAD, SINK_UNWRITTEN };

struct relay {
	struct job *job;
	int source;
	int sink;
	atomic_int watched;		/* the sink if it is a pipe, or -1 */
	bool fast;			/* both are pipes, and splice(2) has not failed */
	int status;			/* of starting COMMAND */
	pid_t child;			/* COMMAND, or 0: it was not started */
	int wake[2];			/* a pipe to the reading thread. A byte: watched has changed. Its end: stop reading */
	off_t out;			/* bytes sent on, by either thread: see intake.c */

	/* The reading thread's own */
	char *buffer;			/* RELAY_PIECE bytes */
	off_t in;			/* bytes read */
	long waited;			/* microseconds, for the sink; see PATIENCE */
	bool enlarged;			/* the pipes, as far as possible */
	bool spill_noted;
	enum fault fault;
	int error;			/* errno of the fault */
};

/* Looks at the queue, and counts what waits. By either thread. */
struct spool_queue_state relay_count_waiting(const struct relay *relay);

/* The reading thread; the cookie is a struct relay. Reads the source to its end, or until wake ends or something fails;
   then the queue is at its end. Returns NULL. */
void	*intake_run(void *cookie);

#endif
