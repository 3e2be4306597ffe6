/*
 * relay.c: --stream: one thread (intake.c) reads the source into a queue (libspool/queue.c), and the main thread sends
 * the queue on.
 *
 * A thread that waits for a slow reader cannot read. A descriptor that other processes share must not be made
 * non-blocking. So there are two threads. Where source and sink are pipes and nothing waits, the reading thread moves the pages by splice(2); the
 * main thread then waits for the queue, and does not write.
 */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "consumer.h"
#include "counts.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "relay.h"
#include "relay_internal.h"
#include "report.h"
#include "same.h"
#include "spool.h"

/* Held while there is a spill file with a name, and for ever when a signal is about to end spool. */
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

static void
begin_naming(void)
{
	pthread_mutex_lock(&naming);
}

static void
end_naming(void)
{
	pthread_mutex_unlock(&naming);
}

void
relay_abandon(void)
{
	begin_naming();
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

/* Whether what is written to standard output would be read again: cat(1) refuses that, too. */
static bool
is_circle(const struct job *job)
{
	struct stat source, sink;

	return job->sink == TO_STDOUT && fstat(job->source, &source) == 0 && fstat(STDOUT_FILENO, &sink) == 0
	    && S_ISREG(source.st_mode) && same_file(&source, &sink);
}

int
relay_begin(struct job *job)
{
	const struct options *options = job->options;
	const struct spool_queue_options queue = { .memory_limit = options->memory, .backlog_limit = options->backlog,
	    .directory = options->directory, .hold = begin_naming, .release = end_naming,
	    .full = disk_is_full, .cookie = job };

	if (is_circle(job)) {
		message("standard input is also standard output, and would not end; nothing was read");
		return STATUS_FAILED;
	}
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

struct spool_queue_state
relay_count_waiting(const struct relay *relay)
{
	struct spool_queue_state state;

	spool_queue_look(relay->job->queue, &state);
	counts_waiting(state.on_disk, state.most);
	return state;
}

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

/* Starts COMMAND, or has standard output. -1: relay->status, after a message. */
static int
begin_sink(struct relay *relay)
{
	const struct job *job = relay->job;
	struct stat source, sink;

	if (job->sink == TO_COMMAND) {
		command_clear_size();
		relay->status = command_start_with_pipe(job->path, job->options->command, &relay->sink, &relay->child);
	}
	if (relay->status != STATUS_DONE) {
		report_start(job, relay->status);
		return -1;
	}
	if (fstat(relay->sink, &sink) == 0 && S_ISFIFO(sink.st_mode)) {
		atomic_store(&relay->watched, relay->sink);
		(void)write(relay->wake[1], "", 1);	/* or the sink would be polled only after the next bytes */
		relay->fast = fstat(relay->source, &source) == 0 && S_ISFIFO(source.st_mode);
	}
	return 0;
}

/* With -n, COMMAND is not started before the first byte. */
static bool
is_late(const struct relay *relay)
{
	return relay->job->options->skip_empty && relay->job->sink == TO_COMMAND;
}

/* Sends on what comes until the end. */
static enum fault
send_on(struct relay *relay, char *buffer)
{
	struct spool_queue *queue = relay->job->queue;
	ssize_t n;

	if (!is_late(relay) && begin_sink(relay) == -1)
		return NO_SINK;
	while ((n = spool_queue_get(queue, buffer, RELAY_PIECE)) > 0) {
		if (relay->sink == -1 && begin_sink(relay) == -1)
			return NO_SINK;
		if (send_piece(relay, buffer, (size_t)n) == -1)
			return SINK_UNWRITTEN;
		(void)relay_count_waiting(relay);
	}
	return n == 0 ? NO_FAULT : SPILL_UNREAD;
}

/* The same with a reading thread beside it. The first fault, with errno. */
static enum fault
run_threads(struct relay *relay, char *buffer)
{
	pthread_t reader;
	enum fault fault;
	int error = pthread_create(&reader, NULL, intake_run, relay);

	if (error != 0) {
		errno = error;
		return NO_THREAD;
	}
	fault = send_on(relay, buffer);
	error = errno;
	spool_queue_stop(relay->job->queue);
	(void)close(relay->wake[1]);	/* nothing was written to it */
	relay->wake[1] = -1;
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
	char state[256] = "nothing was released";

	if (out > 0)
		(void)snprintf(state, sizeof(state), "%.100s has %jd of the %jd bytes that were read", sink, out, in);
	if (fault == SOURCE_UNREAD)
		message("standard input: cannot read: %s; %s", why, state);
	else if (fault == SPILL_UNWRITTEN)
		message("%s: cannot write the spill file: %s; %s", directory, why, state);
	else if (fault == SPILL_UNREAD)
		message("%s: cannot read the spill file: %s; %s", directory, why, state);
	else if (fault == SINK_UNWRITTEN)
		message("%s: cannot write: %s; it has %jd of %jd bytes", sink, why, out, in);
	else
		message("cannot start: %s; nothing was read", why);
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
	if (fault == NO_SINK)
		return relay->status;
	if (fault == SINK_UNWRITTEN && error == EPIPE)
		end_by_sigpipe();
	errno = error;
	return report_fault(relay, fault);
}

/* Waits for COMMAND; or closes standard output: some file systems report a full disk only then. */
static int
end_sink(const struct relay *relay, int status)
{
	if (relay->child != 0) {
		int ended;

		(void)close(relay->sink);	/* a pipe does not fail */
		io_discard(relay->source);	/* its writer learns that nobody reads any more */
		progress_end();
		ended = consumer_end(relay->job, relay->child);
		return status == STATUS_DONE ? ended : status;
	}
	if (status != STATUS_DONE || relay->job->sink == TO_COMMAND || io_close(relay->sink) == 0)
		return status;
	message("standard output: cannot close: %s; it may be incomplete", strerror(errno));
	return STATUS_FAILED;
}

int
relay_run(struct job *job, void (*end_by_sigpipe)(void))
{
	struct relay relay = { .job = job, .source = job->source, .sink = job->sink == TO_STDOUT ? STDOUT_FILENO : -1,
	    .watched = -1, .wake = { -1, -1 } };
	char *buffers = malloc(2 * RELAY_PIECE);
	int status;

	relay.buffer = buffers;
	counts_waiting(0, 0);
	if (buffers == NULL || io_pipe(relay.wake) == -1)
		status = report_fault(&relay, NO_THREAD);
	else
		status = judge(&relay, run_threads(&relay, buffers + RELAY_PIECE), end_by_sigpipe);
	status = end_sink(&relay, status);
	free(buffers);
	io_discard(relay.wake[0]);
	io_discard(relay.wake[1]);
	return status;
}
