/* watch.c: what must still happen when a signal, or a broken pipe, is about to end spool. */
#include <config.h>

#include <signal.h>
#include <stddef.h>

#include "figures.h"
#include "job.h"
#include "options.h"
#include "private.h"
#include "progress.h"
#include "relay.h"
#include "signals.h"
#include "special.h"
#include "target.h"
#include "watch.h"

static bool running;

bool
watch_runs(void)
{
	return running;
}

bool
watch_has_changed(const struct job *job)
{
	bool changed = false;

	if (job->target != NULL)
		(void)target_outcome(job->target, &changed);
	return changed;
}

void
watch_leave_output(const struct job *job)
{
	if (job->sink == TO_FILE && !watch_has_changed(job))
		special_leave(job->options->output);
}

static void
abandon(void *cookie, int signal)
{
	const struct job *job = cookie;

	if (job->target != NULL) {
		target_abandon(job->target);
		figures_outcome(NULL, watch_has_changed(job));
	}
	watch_leave_output(job);
	private_remove(job->named);
	private_remove(job->product);
	if (job->queue != NULL)
		relay_abandon();
	progress_end();
	figures_write(128 + signal);
}

int
watch_begin(struct job *job)
{
	if (running)
		return 0;
	if (signals_watch(abandon, job) == -1)
		return -1;
	running = true;
	return 0;
}

void
watch_end(void)
{
	signals_unwatch();
	running = false;
}

void
watch_end_with(int status)
{
	signals_hold();
	figures_write(status);
	signals_release();
	watch_end();
}

/*
 * While the watch runs, SIGPIPE is blocked, and a write to a broken pipe fails with EPIPE. spool still has to die of
 * SIGPIPE, without a message, as other filters do. Before that, it clears the progress line and writes the figures.
 */
static void
die_of_broken_pipe(void)
{
	progress_end();
	watch_end_with(128 + SIGPIPE);
	(void)raise(SIGPIPE);	/* returns if SIGPIPE was blocked when spool was started */
}

/* Whether SIGPIPE was ignored already when spool was started. */
static bool
ignores_broken_pipe(void)
{
	struct sigaction now = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGPIPE, NULL, &now);
	return now.sa_handler == SIG_IGN;
}

void
watch_broken_pipe(void)
{
	if (running && !ignores_broken_pipe())
		die_of_broken_pipe();
}
