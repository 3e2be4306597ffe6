/* intake.c: --stream: the thread that reads the source into the queue, or moves pages from pipe to pipe. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "counts.h"
#include "io.h"
#include "job.h"
#include "options.h"
#include "progress.h"
#include "relay_internal.h"

/* Larger pipes are worth their system calls from here on. */
#define SMALL_STREAM ((off_t)64 << 10)

/*
 * Copying is slower than splice(2), so this thread waits for a sink that is full: for PATIENCE microseconds in all. The
 * count starts again when a piece of ENOUGH bytes moves without a wait. When the patience is used up, the bytes are copied
 * into the queue, so the writer does not wait for a slow reader. `cat 1GiB | spool -s | cat`, as a ratio to
 * `cat | cat | cat`: 0.65; without waiting 1.19.
 */
enum { PATIENCE = 5000, ENOUGH = 16 << 10 };

static void
fail(struct relay *relay, enum fault fault)
{
	relay->error = errno;
	relay->fault = fault;
}

/* Counts bytes for the progress line and the figures, and enlarges the pipes once the stream is worth that. */
static void
count_in(struct relay *relay, off_t bytes)
{
	const struct job *job = relay->job;
	const struct spool_queue_state state = relay_count_waiting(relay);

	relay->in += bytes;
	if (!relay->spill_noted && state.spilled > 0) {
		counts_spilled(spool_directory(job->options->directory), spool_queue_spills_to_memory(job->queue));
		relay->spill_noted = true;
	}
	if (!relay->enlarged && relay->in > SMALL_STREAM) {
		(void)io_enlarge_pipe(relay->source);
		(void)io_enlarge_pipe(atomic_load(&relay->watched));
		relay->enlarged = true;
	}
	progress_soaked(relay->in, relay->in - state.spilled);
}

/* What poll(2) says of the source, of wake, and of the sink if that is a pipe. A pipe whose reader has gone says so; of
   other sinks only a write tells. -1: errno. */
static int
poll_all(const struct relay *relay, struct pollfd waiting[3])
{
	int result;

	waiting[0] = (struct pollfd){ .fd = relay->source, .events = POLLIN };
	waiting[1] = (struct pollfd){ .fd = relay->wake[0], .events = POLLIN };
	waiting[2] = (struct pollfd){ .fd = atomic_load(&relay->watched) };
	while ((result = poll(waiting, 3, -1)) == -1 && errno == EINTR)
		continue;
	return result;
}

/* Waits until the source has something. false: the source is not needed any more, or something has failed. */
static bool
wait_for_source(struct relay *relay)
{
	struct pollfd waiting[3];
	char byte;

	do {
		ssize_t n = 1;

		if (poll_all(relay, waiting) == -1)
			return true;	/* reading waits, too */
		if (waiting[1].revents != 0)
			n = io_read(relay->wake[0], &byte, 1);
		if (n == -1)
			fail(relay, SOURCE_UNREAD);
		if (n <= 0)
			return false;
	} while (waiting[1].revents != 0);
	if (waiting[0].revents != 0)
		return true;
	errno = EPIPE;
	fail(relay, SINK_UNWRITTEN);
	return false;
}

static bool
has_room(int pipe, int milliseconds)
{
	struct pollfd descriptor = { .fd = pipe, .events = POLLOUT };

	return poll(&descriptor, 1, milliseconds) > 0;
}

/* Waits for a moment if there is still patience. Whether the sink has room then. */
static bool
soon_has_room(struct relay *relay)
{
	struct timespec from = { 0 }, to = { 0 };
	bool room = false;

	if (relay->waited < PATIENCE) {
		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		room = has_room(relay->sink, 1);
		(void)clock_gettime(CLOCK_MONOTONIC, &to);
		/* Some clocks are too coarse for a short wait. */
		relay->waited += 1 + (long)(to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	}
	return room;
}

#ifdef HAVE_SPLICE
static ssize_t
splice_now(const struct relay *relay)
{
	/* The flag makes this call alone non-blocking. */
	return splice(relay->source, NULL, relay->sink, NULL, RELAY_PIECE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}
#else
static ssize_t
splice_now(const struct relay *relay)
{
	(void)relay;
	errno = ENOSYS;
	return -1;
}
#endif

/*
 * Moves pages from pipe to pipe, if nothing waits. The main thread then waits for the queue. Only this thread can end that
 * wait, so two threads never write to the sink or to relay->out at once. Returns the bytes moved; 0: the source is to be
 * read; -1: another process has read the source.
 */
static ssize_t
pass_on(struct relay *relay)
{
	const long before = relay->waited;
	ssize_t n;

	if (!spool_queue_is_idle(relay->job->queue) || !relay->fast)
		return 0;
	do
		n = splice_now(relay);
	while (n == -1 && (errno == EINTR || (errno == EAGAIN && soon_has_room(relay))));
	if (n >= ENOUGH && relay->waited == before)
		relay->waited = 0;
	if (n > 0) {
		relay->out += n;
		counts_moved(NULL, relay->out);
		return n;
	}
	/* The end is found by reading, and a broken pipe by writing. */
	relay->fast = n == -1 && errno == EAGAIN;
	return relay->fast && has_room(relay->sink, 0) ? -1 : 0;
}

/* Puts what is in the buffer into the queue. */
static void
put(struct relay *relay, size_t length)
{
	relay->waited = 0;
	if (spool_queue_put(relay->job->queue, relay->buffer, length) == -1)
		fail(relay, SPILL_UNWRITTEN);
	count_in(relay, (off_t)length);
}

/* Takes in one piece of the source. false: there are no more, or something has failed. */
static bool
take_in(struct relay *relay)
{
	ssize_t n;

	if (!wait_for_source(relay))
		return false;
	n = pass_on(relay);
	if (n > 0)
		count_in(relay, n);
	if (n != 0)
		return true;
	n = io_read(relay->source, relay->buffer, RELAY_PIECE);
	if (n > 0)
		put(relay, (size_t)n);
	else if (n == -1)
		fail(relay, SOURCE_UNREAD);
	return n > 0 && relay->fault == NO_FAULT;
}

void *
intake_run(void *cookie)
{
	struct relay *relay = cookie;

	while (take_in(relay))
		continue;
	spool_queue_end(relay->job->queue);
	return NULL;
}
