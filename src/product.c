/* product.c: lets COMMAND make or edit a file in a private directory, and takes the file as the stream. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "counts.h"
#include "engine.h"
#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "private.h"
#include "product.h"
#include "report.h"
#include "signals.h"
#include "source.h"
#include "spool.h"
#include "target.h"

/*
 * Before COMMAND
 */

/* Beside FILE, so that the file can take its place; or in the spill directory, if its contents will be copied. */
static int
make_directory(struct job *job)
{
	const char *slash = strrchr(job->options->output, '/');
	const char *name = slash == NULL ? job->options->output : slash + 1;
	char template[NAME_MAX + 1];
	const char *beside = target_neighbour(job->target, template);

	if (beside != NULL)
		return private_begin(job, &job->product, beside, template, name);
	return private_begin(job, &job->product, NULL, NULL, name);
}

/* With --edit, a file that exists is copied. */
static int
copy_old(const struct job *job)
{
	int fd, status, closed;

	if (!job->options->edit || !target_exists(job->target))
		return STATUS_DONE;
	signals_hold();
	fd = named_make(job->product);
	signals_release();
	if (fd == -1) {
		message("%s: cannot make the copy: %s; %s", named_path(job->product), strerror(errno), report_state(job));
		return STATUS_FAILED;
	}
	status = target_copy_old(job->target, fd);
	signals_hold();
	closed = named_close_file(job->product);
	signals_release();
	if (closed == -1) {
		message("%s: cannot write: %s; %s", named_path(job->product), strerror(errno), report_state(job));
		status = STATUS_FAILED;
	}
	return status;
}

int
product_begin(struct job *job)
{
	int status = make_directory(job);
	char **arguments;

	if (status == STATUS_DONE)
		status = copy_old(job);
	if (status != STATUS_DONE)
		return status;
	job->source = -1;
	arguments = command_fill(job->options->command, named_path(job->product));
	status = arguments == NULL ? STATUS_FAILED
	    : command_start_with_path(job->path, arguments, -1, &job->producer);
	free(arguments);
	if (status != STATUS_DONE)
		report_start(job, status);
	return status;
}

/*
 * While COMMAND runs
 */

/* How often the size of the file is looked at, in milliseconds. */
#define LOOK 100

/* A thread that looks at the size of the file: for -l and the progress line. */
struct lookout {
	const struct job *job;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool runs;			/* the thread was started */
	bool over;			/* it has to end */
	bool too_long;			/* the file was longer than -l, and COMMAND was told to end */
};

static void
look(struct lookout *lookout)
{
	const struct job *job = lookout->job;
	const off_t size = named_size(job->product);

	if (size == -1)
		return;
	counts_soaked(size, 0);
	if (size <= job->options->limit || lookout->too_long)
		return;
	lookout->too_long = true;
	signals_tell(job->producer, SIGTERM);
}

static void *
keep_looking(void *cookie)
{
	struct lookout *lookout = cookie;
	struct timespec time;

	pthread_mutex_lock(&lookout->lock);
	(void)clock_gettime(CLOCK_REALTIME, &time);	/* the clock of pthread_cond_timedwait(3) */
	while (!lookout->over) {
		time.tv_nsec += LOOK * 1000000L;
		time.tv_sec += time.tv_nsec / 1000000000;
		time.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&lookout->ended, &lookout->lock, &time) == ETIMEDOUT)
			look(lookout);
	}
	pthread_mutex_unlock(&lookout->lock);
	return NULL;
}

/* Without the thread, -l is only looked at when COMMAND has ended. */
static void
lookout_begin(struct lookout *lookout)
{
	(void)pthread_mutex_init(&lookout->lock, NULL);
	(void)pthread_cond_init(&lookout->ended, NULL);
	lookout->runs = pthread_create(&lookout->thread, NULL, keep_looking, lookout) == 0;
}

static void
lookout_end(struct lookout *lookout)
{
	pthread_mutex_lock(&lookout->lock);
	lookout->over = true;
	pthread_cond_signal(&lookout->ended);
	pthread_mutex_unlock(&lookout->lock);
	if (lookout->runs)
		(void)pthread_join(lookout->thread, NULL);
	(void)pthread_cond_destroy(&lookout->ended);
	(void)pthread_mutex_destroy(&lookout->lock);
}

/* Waits for COMMAND. The lookout ends before the process number can get another meaning. */
static int
wait_for_command(struct job *job)
{
	struct lookout lookout = { .job = job };

	lookout_begin(&lookout);
	(void)signals_wait_only(job->producer);		/* if that fails, source_end() reports it */
	lookout_end(&lookout);
	return source_end(job, lookout.too_long ? engine_refuse_length(job) : STATUS_DONE);
}

/*
 * After COMMAND
 */

static int
open_product(struct job *job)
{
	const char *path = named_path(job->product), *name = source_name(job);

	signals_hold();
	job->source = named_open(job->product);
	signals_release();
	if (job->source != -1)
		return STATUS_DONE;
	if (errno == ENOENT)
		message("%s: left no file at %s; %s", name, path, report_state(job));
	else if (errno == EINVAL)
		message("%s: what it left at %s is not a regular file; %s", name, path, report_state(job));
	else
		message("%s: cannot open what '%s' left there: %s; %s", path, name, strerror(errno), report_state(job));
	return STATUS_FAILED;
}

static void
remove_product(struct job *job)
{
	signals_hold();
	private_end(&job->product);
	signals_release();
	job->source = -1;
}

static int
take_product(struct job *job)
{
	const bool adopted = target_adopt(job->target, job->source, named_directory(job->product),
	    named_name(job->product));
	int status = engine_open(job, adopted);

	if (status == STATUS_DONE && !adopted)
		return engine_soak(job);
	if (status == STATUS_DONE && spool_size(job->spool) > job->options->limit)
		return engine_refuse_length(job);
	if (status == STATUS_DONE)
		engine_count(job);
	return status;
}

int
product_soak(struct job *job)
{
	int status = wait_for_command(job);

	job->producer = 0;
	if (status == STATUS_DONE)
		status = open_product(job);
	if (status == STATUS_DONE)
		status = take_product(job);
	remove_product(job);
	return status;
}
