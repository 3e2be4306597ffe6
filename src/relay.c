/*
 * relay.c: --stream: one thread reads the source into a queue (libspool/queue.c), and the main thread sends the queue on.
 *
 * A thread that waits for a slow reader cannot read, and a descriptor that others share must not be made non-blocking: so
 * there are two. Where source and sink are pipes and nothing waits, the reading thread moves the pages by splice(2); the
 * main thread then waits for the queue, and does not write.
 */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "consumer.h"
#include "counts.h"
#include "figures.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "relay.h"
#include "report.h"
#include "signals.h"
#include "spool.h"

/* The most that one call moves. As large as the engine's buffer, so that no message of a source is cut. */
#define PIECE_SIZE ((size_t)256 << 10)

/* Larger pipes are worth their system calls from here on. */
#define SMALL_STREAM ((off_t)64 << 10)

/*
 * Milliseconds that a reader may take before what it does not take is copied into the queue. The source's own pipe holds
 * the writer's bytes meanwhile.
 */
enum { PATIENCE = 1 };

enum fault { NO_FAULT, SOURCE_UNREAD, SPILL_UNWRITTEN, SPILL_UNREAD, SINK_UNWRITTEN };

struct relay {
	struct job *job;
	int source;
	int sink;
	bool sink_is_pipe;
	bool fast;			/* both are pipes, and splice(2) has not failed */
	int stop[2];			/* a pipe; the reading thread ends when the main thread closes the second end */
	off_t out;			/* bytes sent on, by either thread: see pass_on() */

	/* The reading thread's own */
	char *buffer;			/* PIECE_SIZE bytes */
	size_t held;			/* bytes in the buffer that were read before the thread was started */
	off_t in;			/* bytes read */
	bool enlarged;			/* the pipes, as far as possible */
	bool spill_noted;
	enum fault fault;
	int error;			/* errno of the fault */
};

/* Of the reading thread. */
static void
fail(struct relay *relay, enum fault fault)
{
	relay->error = errno;
	relay->fault = fault;
}

/* The queue calls this, in the reading thread. */
static void
disk_is_full(void *cookie, int error)
{
	const struct job *job = cookie;

	if (job->options->verbose)
		message("%s: %s: the source waits until the reader has made room", spool_directory(job->options->directory),
		    strerror(error));
}

int
relay_begin(struct job *job)
{
	const struct options *options = job->options;
	const struct spool_queue_options queue = { .memory_limit = options->memory, .backlog_limit = options->backlog,
	    .directory = options->directory, .hold = signals_hold, .release = signals_release,
	    .full = disk_is_full, .cookie = job };

	job->queue = spool_queue_open(&queue);
	if (job->queue != NULL)
		return STATUS_DONE;
	message("cannot start: %s; nothing was read", strerror(errno));
	return STATUS_FAILED;
}

void
relay_close(struct job *job)
{
	if (job->queue != NULL && spool_queue_leftover(job->queue) != NULL)
		message("%s: cannot remove; it is empty", spool_queue_leftover(job->queue));
	spool_queue_close(job->queue);
	job->queue = NULL;
}

/*
 * The reading thread
 */

/* For the progress line and the figures. */
static void
count_in(struct relay *relay, off_t bytes)
{
	const struct job *job = relay->job;
	struct spool_queue_state state;

	relay->in += bytes;
	spool_queue_look(job->queue, &state);
	if (!relay->spill_noted && state.spilled > 0) {
		signals_hold();		/* the watch may be writing the figures */
		figures_spilled(spool_directory(job->options->directory), spool_queue_spills_to_memory(job->queue));
		signals_release();
		relay->spill_noted = true;
	}
	if (!relay->enlarged && relay->in > SMALL_STREAM) {
		io_enlarge_pipe(relay->source);
		io_enlarge_pipe(relay->sink);
		relay->enlarged = true;
	}
	counts_waiting(state.on_disk, state.most);
	progress_soaked(relay->in, relay->in - state.spilled);
}

/* Waits until the source has something. false: there is no need for it any more. */
static bool
wait_for_source(struct relay *relay)
{
	/* A pipe whose reader has gone says so without being asked. Others are asked by writing to them. */
	struct pollfd waiting[] = { { .fd = relay->source, .events = POLLIN }, { .fd = relay->stop[0] },
	    { .fd = relay->sink_is_pipe ? relay->sink : -1 } };

	while (poll(waiting, 3, -1) == -1)
		if (errno != EINTR)
			return true;	/* reading waits, too */
	if (waiting[1].revents != 0)
		return false;
	if (waiting[0].revents == 0 && waiting[2].revents != 0) {
		errno = EPIPE;
		fail(relay, SINK_UNWRITTEN);
		return false;
	}
	return true;
}

/* Whether a pipe has room, or soon has. */
static bool
has_room(int pipe)
{
	struct pollfd descriptor = { .fd = pipe, .events = POLLOUT };

	return poll(&descriptor, 1, PATIENCE) > 0;
}

#ifdef HAVE_SPLICE
static ssize_t
splice_now(const struct relay *relay)
{
	/* The flag makes this call alone non-blocking. */
	return splice(relay->source, NULL, relay->sink, NULL, PIECE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
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
 * Moves pages from pipe to pipe, if nothing waits. The main thread then waits for the queue, and only this thread can end
 * that: so no two threads write to the sink or to relay->out. The source has something. Returns the bytes moved. 0: the
 * source is to be read.
 */
static ssize_t
pass_on(struct relay *relay)
{
	ssize_t n;

	if (!relay->fast || !spool_queue_is_idle(relay->job->queue))
		return 0;
	do
		n = splice_now(relay);
	while (n == -1 && (errno == EINTR || (errno == EAGAIN && has_room(relay->sink))));
	if (n > 0) {
		relay->out += n;
		counts_moved(NULL, relay->out);
		return n;
	}
	/* The end is found by reading, and a broken pipe by writing. */
	relay->fast = n == -1 && errno == EAGAIN;
	return 0;
}

/* Puts what is in the buffer into the queue. */
static void
put(struct relay *relay, size_t length)
{
	if (spool_queue_put(relay->job->queue, relay->buffer, length) == -1)
		fail(relay, SPILL_UNWRITTEN);
	count_in(relay, (off_t)length);
}

/* One piece. false: there are no more. */
static bool
take_in(struct relay *relay)
{
	ssize_t n;

	if (!wait_for_source(relay))
		return false;
	n = pass_on(relay);
	if (n > 0) {
		count_in(relay, n);
		return true;
	}
	n = io_read(relay->source, relay->buffer, PIECE_SIZE);
	if (n > 0)
		put(relay, (size_t)n);
	else if (n == -1)
		fail(relay, SOURCE_UNREAD);
	return n > 0 && relay->fault == NO_FAULT;
}

static void *
read_source(void *cookie)
{
	struct relay *relay = cookie;

	if (relay->held > 0)
		put(relay, relay->held);
	while (relay->fault == NO_FAULT && take_in(relay))
		continue;
	spool_queue_end(relay->job->queue);
	/* That tells the source's writer that nobody reads any more. */
	io_discard(relay->source);
	return NULL;
}

/*
 * The main thread
 */

static int
send_piece(struct relay *relay, const char *data, size_t length)
{
	while (length > 0) {
		const ssize_t n = io_write(relay->sink, data, length);

		if (n == -1)
			return -1;
		data += n;
		length -= (size_t)n;
		relay->out += n;
		counts_moved(NULL, relay->out);
	}
	return 0;
}

/* Sends on what comes until the end. */
static enum fault
send_on(struct relay *relay, char *buffer)
{
	struct spool_queue *queue = relay->job->queue;
	struct spool_queue_state state;
	ssize_t n;

	while ((n = spool_queue_get(queue, buffer, PIECE_SIZE)) > 0) {
		if (send_piece(relay, buffer, (size_t)n) == -1)
			return SINK_UNWRITTEN;
		spool_queue_look(queue, &state);
		counts_waiting(state.on_disk, state.most);
	}
	return n == 0 ? NO_FAULT : SPILL_UNREAD;
}

/* The same with a reading thread beside it. The first fault, with errno. */
static enum fault
run_threads(struct relay *relay, char *buffer)
{
	pthread_t reader;
	enum fault fault;
	int error = pthread_create(&reader, NULL, read_source, relay);

	if (error != 0) {
		errno = error;
		return SOURCE_UNREAD;
	}
	fault = send_on(relay, buffer);
	error = errno;
	spool_queue_stop(relay->job->queue);
	(void)close(relay->stop[1]);	/* nothing was written to it */
	relay->stop[1] = -1;
	pthread_join(reader, NULL);
	errno = error;
	if (fault != NO_FAULT)
		return fault;
	errno = relay->error;
	return relay->fault;
}

/* Says what failed, and how far the stream has come. */
static int
report_fault(const struct relay *relay, enum fault fault)
{
	const char *why = strerror(errno);
	const char *sink = relay->job->sink == TO_COMMAND ? relay->job->options->command[0] : "standard output";
	const char *directory = spool_directory(relay->job->options->directory);
	const intmax_t in = relay->in, out = relay->out;

	if (fault == SOURCE_UNREAD)
		message("standard input: cannot read: %s; %s has the %jd bytes before", why, sink, out);
	else if (fault == SPILL_UNWRITTEN)
		message("%s: cannot write the spill file: %s; %s has the %jd bytes before, and more are lost", directory, why,
		    sink, out);
	else if (fault == SPILL_UNREAD)
		message("%s: cannot read the spill file: %s; %s has %jd of %jd bytes", directory, why, sink, out, in);
	else
		message("%s: cannot write: %s; it has %jd of %jd bytes", sink, why, out, in);
	return STATUS_FAILED;
}

/* A reader that has gone has all that it wants. */
static bool
is_enough(const struct relay *relay, int error)
{
	return relay->job->sink == TO_COMMAND ? error == EPIPE
	    : relay->job->options->ignore_epipe && (error == EPIPE || error == ECONNRESET);
}

/* An exit status for this fault and errno. */
static int
judge(const struct relay *relay, enum fault fault, void (*end_by_sigpipe)(void))
{
	const int error = errno;

	if (fault == NO_FAULT || (fault == SINK_UNWRITTEN && is_enough(relay, error)))
		return STATUS_DONE;
	if (fault == SINK_UNWRITTEN && error == EPIPE)
		end_by_sigpipe();
	errno = error;
	return report_fault(relay, fault);
}

/* Starts COMMAND, or has standard output. */
static int
begin_sink(struct relay *relay, pid_t *child)
{
	const struct job *job = relay->job;
	struct stat source, sink;
	int status = STATUS_DONE;

	if (job->sink == TO_COMMAND)
		status = command_start_with_pipe(job->path, job->options->command, &relay->sink, child);
	if (status != STATUS_DONE) {
		report_start(job, status);
		return status;
	}
	relay->sink_is_pipe = fstat(relay->sink, &sink) == 0 && S_ISFIFO(sink.st_mode);
	relay->fast = relay->sink_is_pipe && fstat(relay->source, &source) == 0 && S_ISFIFO(source.st_mode);
	return STATUS_DONE;
}

/* Closing can fail only for standard output: some file systems report a full disk only then. */
static int
end_sink(const struct relay *relay, pid_t child, int status)
{
	int ended;

	if (child == 0) {
		if (status != STATUS_DONE || io_close(relay->sink) == 0)
			return status;
		message("standard output: cannot close: %s; it may be incomplete", strerror(errno));
		return STATUS_FAILED;
	}
	(void)close(relay->sink);	/* a pipe */
	progress_end();
	ended = consumer_end(relay->job, child);
	return status == STATUS_DONE ? ended : status;
}

static int
run(struct relay *relay, char *buffer, void (*end_by_sigpipe)(void))
{
	pid_t child = 0;
	int status;

	/* Before the first byte, nothing is started. */
	if (relay->job->options->skip_empty) {
		const ssize_t n = io_read(relay->source, relay->buffer, PIECE_SIZE);

		if (n <= 0)
			return n == 0 ? STATUS_DONE : report_fault(relay, SOURCE_UNREAD);
		relay->held = (size_t)n;
	}
	status = begin_sink(relay, &child);
	if (status != STATUS_DONE)
		return status;
	status = judge(relay, run_threads(relay, buffer), end_by_sigpipe);
	return end_sink(relay, child, status);
}

int
relay_run(struct job *job, void (*end_by_sigpipe)(void))
{
	struct relay relay = { .job = job, .source = job->source, .sink = STDOUT_FILENO, .stop = { -1, -1 } };
	char *buffers = malloc(2 * PIECE_SIZE);
	int status = STATUS_FAILED;

	relay.buffer = buffers;
	if (buffers == NULL || io_pipe(relay.stop) == -1)
		message("cannot start: %s; nothing was read", strerror(errno));
	else
		status = run(&relay, buffers + PIECE_SIZE, end_by_sigpipe);
	free(buffers);
	io_discard(relay.stop[0]);
	io_discard(relay.stop[1]);
	return status;
}
