/* gate.c: runs CHECK on the complete stream, and decides. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "engine.h"
#include "gate.h"
#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "report.h"
#include "spool.h"
#include "target.h"

/* Completes the file that {} stands for, and returns a descriptor for reading it. -1 after a message. */
static int
show_named(const struct job *job)
{
	const off_t size = spool_size(job->spool);
	int stream;

	if (engine_complete_named(job) == -1)
		return -1;
	stream = named_show(job->named, size);
	if (stream == -1)
		message("%s: cannot show the stream to the check: %s; %s", named_path(job->named), strerror(errno),
		    report_state(job));
	return stream;
}

/* A descriptor with the stream for CHECK, and in *path, to be freed, what {} stands for. -1 after a message. */
static int
open_stream(const struct job *job, char **path)
{
	int stream;

	*path = NULL;
	if (job->named != NULL) {
		stream = show_named(job);
		*path = stream == -1 ? NULL : strdup(named_path(job->named));
	} else if (job->check_has_path) {
		return target_show(job->target, job->spool, path);
	} else {
		stream = spool_seal(job->spool);
		/* Without /proc, only a file with a name can be opened a second time. */
		if (stream == -1 && errno == ENOENT && job->sink == TO_FILE && target_can_show(job->target))
			return target_show(job->target, job->spool, path);
		if (stream == -1)
			engine_report_seal(job, report_state(job));
		else
			*path = strdup("");
	}
	if (stream == -1 || *path != NULL)
		return stream;
	message("cannot start the check: %s; %s", strerror(errno), report_state(job));
	(void)close(stream);	/* it is only read */
	return -1;
}

static int
is_named_intact(const struct job *job)
{
	const int intact = named_is_intact(job->named);

	if (intact == -1)
		message("%s: cannot read: %s; %s", named_path(job->named), strerror(errno), report_state(job));
	return intact;
}

static int
is_spool_intact(const struct job *job)
{
	const int intact = spool_is_intact(job->spool);

	if (intact == -1)
		engine_report(job, "read", report_state(job));
	return intact;
}

/* Whether the stream that CHECK has read is the one that will be released: 1 yes, 0 no, -1 after a message. */
static int
is_intact(const struct job *job)
{
	const int intact = job->named != NULL ? is_named_intact(job) : is_spool_intact(job);

	return intact == 1 && job->sink == TO_FILE ? target_is_intact(job->target) : intact;
}

/* What CHECK has decided. status is as waitpid(2) gives it. */
static int
judge(const struct job *job, int status)
{
	const char *check = job->options->check;
	char why[REPORT_WHY];
	int intact;

	if (!report_verdict("check", check, status, why)) {
		message("%s; %s", why, report_state(job));
		return STATUS_REFUSED;
	}
	intact = is_intact(job);
	if (intact == 0)
		message("the check '%.200s' has changed the stream; %s", check, report_state(job));
	return intact == 1 ? STATUS_DONE : intact == 0 ? STATUS_REFUSED : STATUS_FAILED;
}

int
gate_check(const struct job *job)
{
	const char *check = job->options->check;
	char *path;
	int stream = open_stream(job, &path), status;

	if (stream == -1)
		return STATUS_FAILED;
	if (command_set_size(spool_size(job->spool)) == 0 && command_check(check, path, stream, &status) == 0) {
		status = judge(job, status);
	} else {
		message("cannot run the check '%.200s': %s; %s", check, strerror(errno), report_state(job));
		status = STATUS_FAILED;
	}
	(void)close(stream);	/* it is only read */
	free(path);
	return status;
}
