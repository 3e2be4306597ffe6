/*
 * main.c: options -> source -> soak -> gate -> sink. What follows stands in the order in which it happens.
 *
 *	main			returns the exit status. spool also ends in options.c (help, usage errors), in
 *				signals.c, in run_command (exec), and by a broken pipe
 *	  options_parse		options.c	argv -> struct options; size.c: "64M" -> bytes
 *	  streams_hold		streams.c	checks the standard streams, and occupies the numbers of closed ones
 *	  begin_figures		figures.c	the file of --stats
 *	  preflight_check	preflight.c	fails if COMMAND is not found, or the spill directory cannot be used
 *	  begin_target		target.c	the file of -o: place.c finds it, old.c looks at it, new.c stages the new one
 *				(staged.c, attributes.c), if chattr.c and prepare.c allow that; special.c: a device
 *	  begin_named		named.c		the file that {} in CHECK or COMMAND stands for, in a private
 *				directory; private.c: its messages
 *	  product_begin		product.c	with -o and -f, COMMAND is started on the path of a file to make;
 *				the next two steps are left out then
 *	  engine_open		engine.c	the engine: libspool/spool.c, see libspool/spool.h
 *	  source_begin		source.c	with -o, COMMAND is started; else the source is standard input
 *	  progress_begin	progress.c	the line of -p, and the answer to SIGUSR1, from here on; line.c:
 *				their text; counts.c: what they, -v and --stats show
 *	  engine_soak		libspool/fill.c	source -> memory.c, then -> spill.c, and when that is
 *				all that the page cache may have (cache.c), -> ring.c; pace.c: how often
 *				a pipe is read; io.c below all
 *	  product_soak		product.c	or the file that COMMAND has made becomes the stream
 *	  ending_take_off	ending.c	the last line, for -e
 *	  gate			gate.c		CHECK, on what spool_seal, target_show or named_show returns; braces.c:
 *				{} in it; fingerprint.c: whether CHECK has changed the stream
 *	  source_end		source.c	COMMAND's end, and its status
 *	  target_commit		commit.c	-o: the file is replaced: new.c, staged.c, hidden.c; backup.c: -b;
 *				guard.c, exchange.c: only if nobody else has changed the file, for -g;
 *				inplace.c: or written into, for -w and -a; compare.c: or left alone, for -u;
 *				special.c: or opened, if it is a device; store.c waits for the disk
 *	  trial_run		trial.c		CMD of --try; tried.c keeps the new file or has undo.c put the old one back
 *	  replay		libspool/drain.c	memory.c, spill.c, ring.c -> standard output; transfer.c: what
 *				fill.c and drain.c share; access.c: single reads and writes
 *	  consumer_run		consumer.c	or COMMAND, on the file that {} stands for, with -f
 *	  run_command		command.c	or COMMAND, on what spool_seal returns
 *	  relay_begin, relay_run	relay.c	with --stream, instead of all steps from engine_open on: source ->
 *				libspool/queue.c (fifo.c, spill.c) -> standard output or COMMAND, at the same time
 *	  figures_summary	figures.c	-v; figures_write: --stats. Both come before run_command executes COMMAND
 *
 * The second column is the file that does the work. The first step that makes a file or a child starts the watch
 * (begin_watch; signals.c), which removes what must not stay behind when a signal ends spool. The steps share job.h.
 * message.c prints every diagnostic, in which utf8.c finds the characters, and message.h names the exit statuses;
 * report.c has what several steps say of COMMAND. command.c finds and starts programs. text.c formats --help and
 * --stats. libspool/stream.c, a stdio view of a spool, is for the engine's other users.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "braces.h"
#include "command.h"
#include "consumer.h"
#include "ending.h"
#include "engine.h"
#include "figures.h"
#include "gate.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "preflight.h"
#include "private.h"
#include "product.h"
#include "progress.h"
#include "relay.h"
#include "report.h"
#include "signals.h"
#include "source.h"
#include "special.h"
#include "spool.h"
#include "streams.h"
#include "target.h"
#include "trial.h"

static bool watched;			/* begin_watch() was called, and end_watch() was not */

static int
cannot_start(void)
{
	message("cannot start: %s; nothing was read", strerror(errno));
	return STATUS_FAILED;
}

/* Whether FILE has been written to. Also by the watch. */
static bool
has_changed(const struct job *job)
{
	bool changed = false;

	if (job->target != NULL)
		(void)target_outcome(job->target, &changed);
	return changed;
}

/* The reader of a FIFO need not wait any more if nothing was written. Also by the watch. */
static void
leave_output(const struct job *job)
{
	if (job->sink == TO_FILE && !has_changed(job))
		special_leave(job->options->output);
}

/* The watch calls this when a signal is about to end spool. */
static void
abandon(void *cookie, int signal)
{
	const struct job *job = cookie;

	if (job->target != NULL) {
		target_abandon(job->target);
		figures_outcome(NULL, has_changed(job));
	}
	leave_output(job);
	private_remove(job->named);
	private_remove(job->product);
	if (job->queue != NULL)
		relay_abandon();
	progress_end();
	figures_write(128 + signal);
}

/* Starts the watch if it is not running: before a file or a child is made. 0, or -1: errno of signals_watch(). */
static int
begin_watch(struct job *job)
{
	if (watched)
		return 0;
	if (signals_watch(abandon, job) == -1)
		return -1;
	watched = true;
	return 0;
}

/* Writes the figures and stops the watch: COMMAND takes the place of spool, or SIGPIPE ends spool. */
static void
end_watch(int status)
{
	signals_hold();
	figures_write(status);
	signals_release();
	signals_unwatch();
	watched = false;
}

/*
 * Before the first byte is read
 */

/* -p needs the watch, too, because a signal must clear the progress line. */
static int
begin_figures(struct job *job)
{
	const struct options *options = job->options;

	if (job->sink == TO_FILE)
		figures_outcome(NULL, false);
	if (!options->progress && options->stats == NULL)
		return STATUS_DONE;
	if (begin_watch(job) == -1)
		return cannot_start();
	if (options->stats == NULL)
		return STATUS_DONE;
	return figures_open(options->stats, options->output);
}

static int
begin_target(struct job *job)
{
	static const struct spool_progress progress = { .report = counts_moved };
	const struct options *options = job->options;
	const struct target_options wanted = {
		.file = options->output,
		.mode = options->append ? TARGET_APPEND : options->overwrite ? TARGET_OVERWRITE : TARGET_REPLACE,
		.fall_back = options->fall_back, .only_if_changed = options->if_changed,
		.guarded = options->guard || options->no_clobber, .must_be_new = options->no_clobber, .sync = !options->no_sync,
		.backup = options->backup, .shown = job->check_has_path, .tried = options->trial != NULL,
		.edited = options->edit, .directory = options->directory,
		.progress = &progress
	};

	if (begin_watch(job) == -1)
		return cannot_start();
	signals_hold();
	job->target = target_create(&wanted);
	signals_release();
	return job->target == NULL ? cannot_start() : target_prepare(job->target);
}

/* Makes the file that {} stands for, in CHECK or COMMAND. */
static int
begin_named(struct job *job)
{
	const char *name = job->options->name;
	int status = begin_watch(job) == -1 ? cannot_start() : STATUS_DONE, fd;

	if (status == STATUS_DONE)
		status = private_begin(job, &job->named, NULL, NULL, name != NULL ? name : "stream");
	if (status != STATUS_DONE)
		return status;
	signals_hold();
	fd = named_make(job->named);
	signals_release();
	if (fd != -1)
		return STATUS_DONE;
	message("%s: cannot make it: %s; nothing was read", named_path(job->named), strerror(errno));
	return STATUS_FAILED;
}

/* Whether {} stands for a file in the spill directory. */
static bool
needs_named(const struct job *job)
{
	if (job->sink == TO_FILE)
		return job->check_has_path && !target_can_show(job->target);
	return job->check_has_path || job->options->file;
}

static int
begin(struct job *job)
{
	int status = begin_figures(job);

	if (status == STATUS_DONE)
		status = preflight_check(job);
	if (status == STATUS_DONE && job->sink == TO_FILE)
		status = begin_target(job);
	if (status == STATUS_DONE && needs_named(job))
		status = begin_named(job);
	if (status == STATUS_DONE && job->makes_file)
		return product_begin(job);
	if (status == STATUS_DONE && job->options->stream)
		return begin_watch(job) == -1 ? cannot_start() : relay_begin(job);
	if (status == STATUS_DONE)
		status = engine_open(job, false);
	return status == STATUS_DONE ? source_begin(job) : status;
}

/* Whether COMMAND gets the file that {} stands for. */
static bool
keeps_named(const struct job *job)
{
	return job->sink == TO_COMMAND && job->options->file;
}

static int
gate(struct job *job)
{
	const char *check = job->options->check;
	const bool only_here = !watched;
	int status;

	if (check == NULL)
		return STATUS_DONE;
	progress_enter(COUNTS_CHECK);
	if (begin_watch(job) == -1) {
		message("cannot run the check '%.200s': %s; %s", check, strerror(errno), report_state(job));
		return STATUS_FAILED;
	}
	status = gate_check(job);
	if (job->named != NULL && !keeps_named(job)) {
		signals_hold();
		private_remove(job->named);
		signals_release();
	}
	if (only_here) {
		signals_unwatch();
		watched = false;
	}
	return status;
}

/*
 * The sinks; that of -o is target.c
 */

/*
 * While the watch runs, SIGPIPE is blocked, and a write to a broken pipe fails with EPIPE. spool still has to die of
 * SIGPIPE, without a message, as other filters do. Before that, it clears the progress line and writes the figures.
 */
static void
die_of_broken_pipe(void)
{
	progress_end();
	end_watch(128 + SIGPIPE);
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

/* What standard output has received if the stream cannot be read any more after so many bytes. */
static const char *
released(off_t bytes, off_t size)
{
	if (bytes == 0)
		return "nothing was released";
	return bytes < size ? "standard output has received only a part of the stream"
	    : "the data on standard output may be wrong";
}

/* The reader of standard output has gone. Returns if spool is to report that. */
static void
end_by_sigpipe(void)
{
	if (watched && !ignores_broken_pipe())
		die_of_broken_pipe();
}

static int
report_replay(const struct job *job, off_t size)
{
	const int error = errno;
	const bool broken = error == EPIPE || error == ECONNRESET;
	const off_t bytes = spool_tell(job->spool);

	if (spool_fault(job->spool) != SPOOL_SINK) {
		errno = error;
		engine_report(job, "read", released(bytes, size));
		return STATUS_FAILED;
	}
	if (broken && job->options->ignore_epipe)
		return STATUS_DONE;
	if (error == EPIPE)
		end_by_sigpipe();
	message("standard output: cannot write: %s; it has %jd of %jd bytes", strerror(error), (intmax_t)bytes,
	    (intmax_t)size);
	return STATUS_FAILED;
}

static int
replay(const struct job *job)
{
	const struct spool_progress progress = { .report = counts_moved };
	struct spool *spool = job->spool;
	off_t size = spool_size(spool);

	progress_enter(COUNTS_REPLAY);
	if (job->options->ignore_epipe)
		(void)signal(SIGPIPE, SIG_IGN);
	spool_read_once(spool);
	if (spool_drain(spool, STDOUT_FILENO, &progress) == -1)
		return report_replay(job, size);
	/* Some file systems report a full disk only when the file is closed. */
	if (io_close(STDOUT_FILENO) == -1) {
		message("standard output: cannot close: %s; it may be incomplete", strerror(errno));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

/* Returns only if COMMAND cannot be started: COMMAND takes the place of spool, so all messages are printed before. */
static int
run_command(const struct job *job)
{
	int stream = job->named != NULL ? named_reader(job->named) : spool_seal(job->spool), status;

	if (stream == -1) {
		engine_report_seal(job, report_state(job));
		return STATUS_FAILED;
	}
	progress_end();
	if (job->options->verbose)
		figures_summary();
	if (watched)
		end_watch(-1);
	if (command_set_size(spool_size(job->spool)) == -1)
		status = STATUS_FAILED;
	else
		status = command_exec(job->path, job->options->command, stream);
	/* Writing the figures to a FIFO without a reader must not kill spool. No COMMAND inherits this any more. */
	(void)signal(SIGPIPE, SIG_IGN);
	report_start(job, status);
	if (job->named == NULL)
		(void)close(stream);	/* it is only read */
	return status;
}

static int
save(const struct job *job)
{
	int status = target_commit(job->target, job->spool);
	const char *outcome;
	bool changed;

	if (target_is_on_trial(job->target)) {
		progress_enter(COUNTS_CHECK);
		status = trial_run(job);
	}
	signals_hold();		/* the watch writes the figures, too */
	outcome = target_outcome(job->target, &changed);
	figures_outcome(outcome, changed);
	signals_release();
	return status;
}

static int
release(struct job *job)
{
	if (job->sink == TO_STDOUT)
		return replay(job);
	if (keeps_named(job))
		return consumer_run(job);
	if (job->sink == TO_COMMAND)
		return run_command(job);
	progress_enter(COUNTS_SAVE);
	return save(job);
}

/* STATUS_DONE, or what stands for that where FILE did not change. */
static int
done(const struct job *job)
{
	return has_changed(job) ? STATUS_DONE : job->options->unchanged_status;
}

static int
end_source(struct job *job, int status)
{
	progress_enter(COUNTS_WAIT);
	status = source_end(job, status);
	job->producer = 0;
	return status;
}

static int
transact(struct job *job)
{
	const bool ended = job->options->end != NULL;
	bool skip;
	int status;

	progress_begin(job->options->progress, job->source, COUNTS_SOAK);
	status = job->makes_file ? product_soak(job) : engine_soak(job);
	/* That COMMAND has failed says more than that its last line is missing. */
	if (status == STATUS_DONE && ended && job->producer != 0)
		status = end_source(job, status);
	if (status == STATUS_DONE && ended)
		status = ending_take_off(job);
	skip = status == STATUS_DONE && job->options->skip_empty && spool_size(job->spool) == 0;
	if (status == STATUS_DONE && !skip)
		status = gate(job);
	if (job->producer != 0)
		status = end_source(job, status);
	if (status == STATUS_DONE && !skip)
		status = release(job);
	progress_end();
	if (status == STATUS_DONE && job->options->verbose)
		figures_summary();
	return status == STATUS_DONE ? done(job) : status;
}

/* --stream: all steps at once. */
static int
send_on(struct job *job)
{
	int status;

	progress_begin(job->options->progress, job->source, COUNTS_STREAM);
	status = relay_run(job, end_by_sigpipe);
	progress_end();
	if (status == STATUS_DONE && job->options->verbose)
		figures_summary();
	return status;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct job job = { .options = &options, .source = STDIN_FILENO };
	int status;

	options_parse(&options, argc, argv);
	job.sink = options.output != NULL ? TO_FILE : options.command != NULL ? TO_COMMAND : TO_STDOUT;
	job.makes_file = job.sink == TO_FILE && options.file;
	job.check_has_path = options.check != NULL && braces_in(options.check);
	status = streams_hold(&job);
	if (status != STATUS_DONE)
		return status;
	signals_begin();
	status = begin(&job);
	if (status == STATUS_DONE)
		status = options.stream ? send_on(&job) : transact(&job);
	engine_close(&job);
	relay_close(&job);
	signals_stop();		/* the watch must not look at a target that has gone */
	progress_end();
	figures_write(status);
	leave_output(&job);
	target_close(job.target);
	private_end(&job.named);
	private_end(&job.product);
	free(job.path);
	return status;
}
