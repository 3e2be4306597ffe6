/* consumer.c: gives COMMAND a file that has the stream, and waits for COMMAND. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "consumer.h"
#include "engine.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "signals.h"
#include "spool.h"

/* Completes the file. Returns a descriptor for reading, or -1 after a message. */
static int
give_file(struct job *job)
{
	int stream;

	if (engine_complete_named(job) == -1)
		return -1;
	engine_count(job);
	stream = named_give(job->named, spool_size(job->spool));
	if (stream == -1)
		message("%s: cannot give the stream to '%s': %s; %s", named_path(job->named), job->options->command[0],
		    strerror(errno), report_state(job));
	return stream;
}

static int
start(const struct job *job, int stream, pid_t *child)
{
	char **arguments = command_fill(job->options->command, named_path(job->named));
	int status = STATUS_FAILED;

	if (arguments != NULL && command_set_size(spool_size(job->spool)) == 0)
		status = command_start_with_path(job->path, arguments, stream, child);
	free(arguments);
	if (status != STATUS_DONE)
		report_start(job, status);
	return status;
}

/* A COMMAND that dies of a broken pipe has said enough. */
static int
exit_status(const struct job *job, int ended)
{
	if (!WIFSIGNALED(ended))
		return WEXITSTATUS(ended);
	if (WTERMSIG(ended) != SIGPIPE)
		message("%s: was ended by signal %d (%s)", job->options->command[0], WTERMSIG(ended),
		    strsignal(WTERMSIG(ended)));
	return 128 + WTERMSIG(ended);
}

int
consumer_end(const struct job *job, pid_t child)
{
	int ended;

	if (signals_wait(child, &ended) == 0)
		return exit_status(job, ended);
	message("%s: cannot wait for it: %s", job->options->command[0], strerror(errno));
	return STATUS_FAILED;
}

int
consumer_run(struct job *job)
{
	const int stream = give_file(job);
	pid_t child;
	int status;

	if (stream == -1)
		return STATUS_FAILED;
	progress_end();
	status = start(job, stream, &child);
	io_discard(stream);	/* it is only read */
	return status == STATUS_DONE ? consumer_end(job, child) : status;
}
