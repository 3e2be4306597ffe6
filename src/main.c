/*
 * main.c: options -> source -> soak -> gate -> sink. What follows stands in the order in which it happens.
 *
 *	main			returns the exit status. spool also ends in options.c (help, usage errors), in
 *				signals.c, in run_command (exec), and by a broken pipe (watch.c)
 *	  options_parse		options.c	argv -> struct options; rows.c: the table of options; help.c: --help;
 *				misspelt.c: a name that is unknown; size.c: "64M" -> bytes
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
 *	  source_end		source.c	COMMAND's end, and its status (with -e, before ending_take_off)
 *	  target_commit		commit.c	-o: the file is replaced: new.c, staged.c, hidden.c; backup.c: -b;
 *				guard.c, exchange.c: only if nobody else has changed the file, for -g;
 *				inplace.c: or written into, for -w and -a; compare.c: or left alone, for -u;
 *				special.c: or opened, if it is a device; store.c waits for the disk
 *	  trial_run		trial.c		CMD of --try; tried.c keeps the new file, or has undo.c put the old one back,
 *				with exchange.c where the system can
 *	  replay		replay.c	libspool/drain.c: memory.c, spill.c, ring.c -> standard output;
 *				transfer.c: what fill.c and drain.c share; access.c: read, write, truncate
 *	  consumer_run		consumer.c	or COMMAND, on the file that {} stands for, with -f
 *	  run_command		command.c	or COMMAND, on what spool_seal returns
 *	  relay_begin, relay_run	relay.c	with --stream, instead of the engine's steps: source ->
 *				libspool/queue.c (fifo.c, spill.c) -> standard output or COMMAND, at the same time;
 *				intake.c reads the source
 *	  figures_summary	figures.c	-v; figures_write: --stats. Both come before run_command executes COMMAND
 *
 * The second column is the file that does the work. The first step that makes a file or a child, or draws a progress line,
 * starts the watch (watch.c; signals.c), which removes what must not stay behind when a signal ends spool. The steps share job.h.
 * message.c prints every diagnostic, in which utf8.c finds the characters, and message.h names the exit statuses;
 * report.c has what several steps say of COMMAND. command.c finds and starts programs. same.c compares what stat(2) says.
 * text.c formats --help and --stats. libspool/stream.c, a stdio view of a spool, is for the engine's other users.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
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
#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "preflight.h"
#include "private.h"
#include "product.h"
#include "progress.h"
#include "relay.h"
#include "replay.h"
#include "report.h"
#include "signals.h"
#include "source.h"
#include "spool.h"
#include "streams.h"
#include "target.h"
#include "trial.h"
#include "watch.h"

static int
cannot_start(void)
{
	message("cannot start: %s; nothing was read", strerror(errno));
	return STATUS_FAILED;
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
	if (watch_begin(job) == -1)
		return cannot_start();
	if (options->stats == NULL)
		return STATUS_DONE;
	return figures_open(job);
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

	if (watch_begin(job) == -1)
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
	int status = watch_begin(job) == -1 ? cannot_start() : STATUS_DONE, fd;

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
		return watch_begin(job) == -1 ? cannot_start() : relay_begin(job);
	if (status == STATUS_DONE)
		status = engine_open(job, false);
	return status == STATUS_DONE ? source_begin(job) : status;
}

/*
 * When the whole stream is there
 */

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
	const bool only_here = !watch_runs();
	int status;

	if (check == NULL)
		return STATUS_DONE;
	progress_enter(COUNTS_CHECK);
	if (watch_begin(job) == -1) {
		message("cannot run the check '%.200s': %s; %s", check, strerror(errno), report_state(job));
		return STATUS_FAILED;
	}
	status = gate_check(job);
	if (job->named != NULL && !keeps_named(job)) {
		signals_hold();
		private_remove(job->named);
		signals_release();
	}
	if (only_here)
		watch_end();
	return status;
}

/*
 * The sinks; standard output is replay.c, the file of -o target.c
 */

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
	if (watch_runs())
		watch_end_with(-1);
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

/* STATUS_DONE, or the status of --unchanged-status if FILE did not change. */
static int
done(const struct job *job)
{
	return watch_has_changed(job) ? STATUS_DONE : job->options->unchanged_status;
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
	status = relay_run(job, watch_broken_pipe);
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
	if (status != STATUS_DONE) {
		watch_leave_output(&job);
		return status;
	}
	signals_begin();
	status = begin(&job);
	if (status == STATUS_DONE)
		status = options.stream ? send_on(&job) : transact(&job);
	engine_close(&job);
	relay_close(&job);
	signals_stop();		/* the watch must not look at a target that has gone */
	progress_end();
	figures_write(status);
	watch_leave_output(&job);
	target_close(job.target);
	private_end(&job.named);
	private_end(&job.product);
	free(job.path);
	return status;
}
