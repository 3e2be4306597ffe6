/* trial.c: --try: runs CMD when the new file is in its place, and has the old one put back if CMD fails. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "report.h"
#include "signals.h"
#include "spool.h"
#include "target.h"
#include "trial.h"

/* Runs CMD without input. 0 with *status as waitpid(2) sets it, or -1 with errno. */
static int
run(const struct job *job, const char *file, int *status)
{
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int result = nothing == -1 ? -1 : command_set_size(spool_size(job->spool));

	if (result == 0)
		result = command_check(job->options->trial, file, nothing, status);
	io_discard(nothing);
	return result;
}

/* As run(), on the path of the file, which must not look like an option. */
static int
run_on_file(const struct job *job, int *status)
{
	const char *file = job->options->output;
	char *path;
	int result;

	if (asprintf(&path, "%s%s", *file == '-' ? "./" : "", file) == -1)
		return -1;
	result = run(job, path, status);
	free(path);
	return result;
}

int
trial_run(const struct job *job)
{
	const char *script = job->options->trial;
	char why[REPORT_WHY];
	int status, result;

	signals_release();
	result = run_on_file(job, &status);
	if (result == -1)
		(void)snprintf(why, sizeof(why), "cannot run the trial '%.200s': %s", script, strerror(errno));
	signals_hold();
	if (result == 0 && report_verdict("trial", script, status, why)) {
		if (target_is_as_tried(job->target))
			return target_keep(job->target);
		(void)snprintf(why, sizeof(why), "the file was changed, replaced or removed during the trial '%.200s'", script);
	}
	status = target_take_back(job->target, why);
	return result == -1 ? STATUS_FAILED : status;
}
