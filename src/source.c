/* source.c: starts COMMAND if it is the source, and waits for its end. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "command.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "report.h"
#include "signals.h"
#include "source.h"

bool
source_is_command(const struct job *job)
{
	return job->sink == TO_FILE && job->options->command != NULL;
}

const char *
source_name(const struct job *job)
{
	return source_is_command(job) ? job->options->command[0] : "standard input";
}

int
source_begin(struct job *job)
{
	int status;

	if (!source_is_command(job))
		return STATUS_DONE;
	status = command_start(job->path, job->options->command, &job->source, &job->producer);
	if (status != STATUS_DONE)
		report_start(job, status);
	return status;
}

/* status is as waitpid(2) gives it. Whatever is not a success is reported. */
static int
exit_status(const struct job *job, int status)
{
	const char *name = source_name(job);

	if (WIFSIGNALED(status)) {
		message("%s: was ended by signal %d (%s); %s", name, WTERMSIG(status), strsignal(WTERMSIG(status)),
		    report_state(job));
		return 128 + WTERMSIG(status);
	}
	if (WEXITSTATUS(status) != 0)
		message("%s: exited with status %d; %s", name, WEXITSTATUS(status), report_state(job));
	return WEXITSTATUS(status);
}

int
source_end(const struct job *job, int status)
{
	int ended;

	io_discard(job->source);	/* only read */
	if (status != STATUS_DONE)
		signals_tell(job->producer, SIGTERM);
	if (signals_wait(job->producer, &ended) == -1) {
		message("%s: cannot wait for it: %s; %s", source_name(job), strerror(errno), report_state(job));
		return STATUS_FAILED;
	}
	return status == STATUS_DONE ? exit_status(job, ended) : status;
}
