/* report.c: prints what several steps have to say of COMMAND, and what has become of the stream. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "message.h"
#include "options.h"
#include "report.h"
#include "target.h"

const char *
report_state(const struct job *job)
{
	return job->sink == TO_FILE ? target_state(job->target) : "nothing was released";
}

bool
report_verdict(const char *what, const char *script, int status, char why[REPORT_WHY])
{
	if (WIFSIGNALED(status))
		(void)snprintf(why, REPORT_WHY, "the %s '%.200s' was ended by signal %d (%s)", what, script,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		(void)snprintf(why, REPORT_WHY, "the %s '%.200s' exited with status %d", what, script,
		    WEXITSTATUS(status));
	else
		return true;
	return false;
}

void
report_command(const struct job *job, int status, const char *state)
{
	const char *name = job->options->command[0];
	const char *hint = "";
	int error = errno;

	/* "sort f | spool f" */
	if (job->sink == TO_COMMAND && access(name, F_OK) == 0 && access(name, X_OK) == -1)
		hint = "; to write to the file of that name, use -o";
	else if (status == STATUS_NOT_FOUND && error == ENOENT && strpbrk(name, " |;&<>") != NULL)
		hint = "; if it is for the shell, put sh -c before it";
	if (status == STATUS_FAILED)
		message("%s: cannot be started: %s; %s", name, strerror(error), state);
	else if (status == STATUS_NOT_FOUND && error == ENOENT)
		message("%s: command not found%s; %s", name, hint, state);
	else
		message("%s: cannot be run: %s%s; %s", name, strerror(error), hint, state);
}

void
report_start(const struct job *job, int status)
{
	const char *state = report_state(job);

	if (status == STATUS_NOT_FOUND)
		message("%s: cannot be run: it or its interpreter is missing; %s", job->options->command[0], state);
	else
		report_command(job, status, state);
}
