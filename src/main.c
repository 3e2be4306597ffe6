/*
 * main.c: options -> source -> soak -> gate -> sink.
 *
 *	main			the story, and the only place that exits (but options.c on usage, and signals.c
 *				where spool has to die of a signal)
 *	  options_parse		options.c	argv -> struct options; size.c: "64M" -> bytes
 *	  hold_streams		here: the standard streams that are used must be open
 *	  figures_open		figures.c	the file of --stats
 *	  check_before_reading	command.c	COMMAND is found, or nothing is read; the spill directory
 *	  signals_watch		signals.c	who cleans up when a signal comes
 *	  target_prepare	target.c	the file of -o: place.c finds it, attributes.c tries to keep its owner
 *	  begin_named		named.c		the file that {} in CHECK stands for, in a private directory
 *	  spool_open		libspool/spool.c	the engine: see libspool/spool.h
 *	  begin_source		command.c	with -o, COMMAND is started; else the source is standard input
 *	  progress_begin	progress.c	the line of -p, and the answer to SIGUSR1, from here on
 *	  soak			libspool/transfer.c	fill: source -> memory.c, then -> spill.c, and when that is
 *				all that the page cache may have (cache.c), -> ring.c; io.c below all
 *	  gate			command.c	CHECK, on what spool_seal, target_show or named_show returns; braces.c:
 *				{} in it; fingerprint.c sees whether it has changed the stream
 *	  end_source		signals.c	COMMAND's end, and its status
 *	  target_commit		target.c	-o: the file is replaced; inplace.c: or written into, for -w and -a;
 *				compare.c: or left alone, for -u
 *	  replay		libspool/transfer.c	or drain: memory.c, spill.c, ring.c -> standard output
 *	  run_command		command.c	or COMMAND, on what spool_seal returns
 *	  figures_write		figures.c	--stats; figures_summary: -v
 *
 * message.c prints every diagnostic, in which utf8.c finds the characters, and message.h names the exit statuses.
 * libspool/stream.c, a stdio view of a spool, is for the engine's other users.
 */
#include <config.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "braces.h"
#include "command.h"
#include "figures.h"
#include "io.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "place.h"
#include "progress.h"
#include "signals.h"
#include "spool.h"
#include "target.h"

/* What became of the stream, for the end of a message. */
#define NOTHING_READ "nothing was read"
#define NOTHING_RELEASED "nothing was released"

/*
 * A closed standard stream is an error where spool uses it. Where it does not, its number is kept taken, lest
 * a file of spool's own get it; the holder is closed on execution, so a COMMAND finds the stream as closed as it
 * was.
 */
static int
hold_stream(int fd, const char *name, int unwanted, int holder, bool needed)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags != -1) {
		if (!needed || (flags & O_ACCMODE) != unwanted)
			return STATUS_DONE;
		message("%s: not open for %s; " NOTHING_READ, name, fd == STDIN_FILENO ? "reading" : "writing");
		return STATUS_FAILED;
	}
	if (needed) {
		message("%s: it is closed; " NOTHING_READ, name);
		return STATUS_FAILED;
	}
	/* Opening takes the lowest free number, and those below are taken. */
	if (open("/dev/null", holder | O_CLOEXEC) == -1) {
		message("/dev/null: cannot open: %s; " NOTHING_READ, strerror(errno));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int
hold_streams(const struct options *options)
{
	const bool to_file = options->output != NULL;
	int status = hold_stream(STDIN_FILENO, "standard input", O_WRONLY, O_WRONLY,
	    !to_file || options->command == NULL);

	if (status == STATUS_DONE)
		status = hold_stream(STDOUT_FILENO, "standard output", O_RDONLY, O_RDONLY,
		    !to_file && options->command == NULL);
	/* Messages, also those of CHECK, then go nowhere. */
	if (status == STATUS_DONE)
		status = hold_stream(STDERR_FILENO, "standard error", O_RDONLY, O_RDWR, false);
	return status;
}

/* What the functions below share. */
struct job {
	const struct options *options;
	struct spool *spool;
	struct target *target;		/* of -o, or NULL */
	struct named *named;		/* what {} in CHECK stands for, if it is not a file of the target's; or NULL */
	char *path;			/* COMMAND's */
	int source;			/* what is read */
	pid_t producer;			/* COMMAND, where it is the source; or 0 */
	bool watched;			/* there is the watch of signals.h from the beginning to the end */
	bool spilled;			/* the figures know of the spill file */
};

/* The end of a message, while nothing has been released. */
static const char *
state(const struct job *job)
{
	return job->target != NULL ? target_state(job->target) : NOTHING_RELEASED;
}

/* Whether CHECK wants a path. */
static bool
has_braces(const struct options *options)
{
	return options->check != NULL && braces_in(options->check);
}

static const char *
source_name(const struct job *job)
{
	const struct options *options = job->options;

	return options->output != NULL && options->command != NULL ? options->command[0] : "standard input";
}

static int
report_command(const struct options *options, int status, const char *state)
{
	const char *name = options->command[0];
	const char *hint = "";
	int error = errno;

	/* "sort f | spool f" */
	if (options->output == NULL && access(name, F_OK) == 0 && access(name, X_OK) == -1)
		hint = "; to write to the file of that name, use -o";
	if (status == STATUS_FAILED)
		message("%s: cannot be started: %s; %s", name, strerror(error), state);
	else if (status == STATUS_NOT_FOUND && error == ENOENT)
		message("%s: command not found%s; %s", name, hint, state);
	else
		message("%s: cannot be run: %s%s; %s", name, strerror(error), hint, state);
	return status;
}

static int
check_command(const struct options *options, char **path)
{
	int found;

	if (options->command == NULL)
		return STATUS_DONE;
	found = command_find(options->command[0], path);
	return found == STATUS_DONE ? STATUS_DONE : report_command(options, found, NOTHING_READ);
}

/* Whether a file that is made there for its owner alone can be written by others: there are no modes. */
static bool
has_no_modes(const char *directory)
{
	char path[PATH_MAX];
	struct stat status;
	bool open_to_all;
	int fd, n = snprintf(path, sizeof(path), "%s/spool-XXXXXX", directory);

	/* Only then is something made there. */
	if (!place_may_lack_modes(directory))
		return false;
	signals_hold();
	fd = (size_t)n < sizeof(path) ? mkostemp(path, O_CLOEXEC) : -1;
	open_to_all = fd != -1 && fstat(fd, &status) == 0 && (status.st_mode & 022) != 0;
	if (fd != -1) {
		(void)close(fd);	/* it is empty */
		if (unlink(path) == -1)
			message("%s: cannot remove; it is empty", path);
	}
	signals_release();
	return open_to_all;
}

/* The directory of the spill file, if there has to be one. */
static int
check_directory(const char *directory)
{
	struct stat status;
	int error = stat(directory, &status) == -1 ? errno : !S_ISDIR(status.st_mode) ? ENOTDIR
	    : access(directory, W_OK | X_OK) == -1 ? errno : 0;

	if (error == 0 && has_no_modes(directory))
		message("%s: others can write into a spill file there; -T names another directory", directory);
	if (error == 0)
		return STATUS_DONE;
	message("%s: cannot make a spill file there%s: %s; " NOTHING_READ, directory,
	    directory == getenv("TMPDIR") ? " (it is $TMPDIR)" : "", strerror(error));
	return STATUS_FAILED;
}

/* One sentence for a failure inside the engine. */
static void
report_engine(const struct job *job, const char *doing, const char *state)
{
	const char *why = strerror(errno);
	const char *directory = job->options->directory;

	if (spool_fault(job->spool) != SPOOL_SPILL) {
		message("cannot %s the stream in memory: %s; %s", doing, why, state);
		return;
	}
	if (job->target != NULL && target_spill(job->target) != -1) {
		message("%s: cannot %s its new contents: %s; %s", job->options->output, doing, why, state);
		return;
	}
	if (job->target != NULL)
		directory = target_directory(job->target);
	message("%s: cannot %s the spill file: %s; %s", spool_directory(directory), doing, why, state);
}

/* The stream cannot be given to a program as its standard input. */
static void
report_seal(const struct job *job, const char *state)
{
	if (errno == EOPNOTSUPP)
		message("%s: programs cannot look at a spill file there, since it has no name; -T names another directory; %s",
		    spool_directory(job->options->directory), state);
	else
		report_engine(job, "write", state);
}

/* COMMAND was found before, but cannot be started. */
static int
report_start(const struct job *job, int status)
{
	if (status != STATUS_NOT_FOUND)
		return report_command(job->options, status, state(job));
	message("%s: cannot be run: it or its interpreter is missing; %s", job->options->command[0], state(job));
	return status;
}

/* With -o, COMMAND is what is read. */
static int
begin_source(struct job *job)
{
	int status;

	if (job->target == NULL || job->options->command == NULL)
		return STATUS_DONE;
	status = command_start(job->path, job->options->command, &job->source, &job->producer);
	return status == STATUS_DONE ? STATUS_DONE : report_start(job, status);
}

/* Where the stream spills to, once it does. */
static void
note_spill(struct job *job)
{
	const char *directory = job->target != NULL ? target_directory(job->target) : job->options->directory;

	/* The watch may be asking for it. */
	signals_hold();
	figures_spilled(spool_directory(directory), spool_spills_to_memory(job->spool));
	signals_release();
	job->spilled = true;
}

/* While the stream is soaked up. */
static void
soaked(void *cookie, off_t bytes)
{
	struct job *job = cookie;

	if (job->target != NULL)
		target_soaked(job->target, bytes);
	if (!job->spilled && spool_is_rolled(job->spool))
		note_spill(job);
	progress_soaked(bytes, spool_in_memory(job->spool));
}

static int
soak(struct job *job)
{
	const char *name = source_name(job);
	const struct spool_progress progress = { .report = soaked, .cookie = job };

	progress_begin(job->options->progress, job->source);
	if (spool_fill(job->spool, job->source, SPOOL_UNLIMITED, &progress) != -1)
		return STATUS_DONE;
	switch (spool_fault(job->spool)) {
	case SPOOL_LIMIT:
		message("%s: longer than %s (-l); %s", name, job->options->limit_text, state(job));
		return STATUS_REFUSED;
	case SPOOL_SOURCE:
		message("%s: cannot read: %s; %s", name, strerror(errno), state(job));
		return STATUS_FAILED;
	default:
		report_engine(job, "write", state(job));
		return STATUS_FAILED;
	}
}

/* Waits for COMMAND, whose status decides. One whose output is not wanted any more is told to end. */
static int
end_source(struct job *job, int status)
{
	const char *name = source_name(job);
	int ended;

	progress_enter(PROGRESS_WAIT);
	(void)close(job->source);	/* only read */
	if (status != STATUS_DONE)
		signals_tell(job->producer, SIGTERM);
	if (signals_wait(job->producer, &ended) == -1) {
		message("%s: cannot wait for it: %s; %s", name, strerror(errno), state(job));
		return STATUS_FAILED;
	}
	if (status != STATUS_DONE)
		return status;
	if (WIFSIGNALED(ended)) {
		message("%s: was ended by signal %d (%s); %s", name, WTERMSIG(ended), strsignal(WTERMSIG(ended)),
		    state(job));
		return 128 + WTERMSIG(ended);
	}
	if (WEXITSTATUS(ended) != 0)
		message("%s: exited with status %d; %s", name, WEXITSTATUS(ended), state(job));
	return WEXITSTATUS(ended);
}

/* Whether the stream that CHECK has read is the one that will be released: 1 yes, 0 no, -1 after a message. */
static int
is_intact(const struct job *job)
{
	int intact = job->named != NULL ? named_is_intact(job->named) : spool_is_intact(job->spool);

	if (intact == -1)
		report_engine(job, "read", state(job));
	return intact == 1 && job->target != NULL ? target_is_intact(job->target) : intact;
}

/* What CHECK has decided. status is as waitpid(2) gives it. */
static int
judge(const struct job *job, int status)
{
	const char *check = job->options->check;
	int intact;

	if (WIFSIGNALED(status)) {
		message("the check '%.200s' was ended by signal %d (%s); %s", check, WTERMSIG(status),
		    strsignal(WTERMSIG(status)), state(job));
		return STATUS_REFUSED;
	}
	if (WEXITSTATUS(status) != 0) {
		message("the check '%.200s' exited with status %d; %s", check, WEXITSTATUS(status), state(job));
		return STATUS_REFUSED;
	}
	intact = is_intact(job);
	if (intact == 0)
		message("the check '%.200s' has changed the stream; %s", check, state(job));
	return intact == 1 ? STATUS_DONE : intact == 0 ? STATUS_REFUSED : STATUS_FAILED;
}

/* Completes the file that {} stands for, and returns a descriptor for reading it. -1 after a message. */
static int
show_named(struct job *job)
{
	const off_t size = spool_size(job->spool);
	int stream;

	if (spool_rollover(job->spool) == -1 || spool_flush(job->spool) == -1) {
		report_engine(job, "write", state(job));
		return -1;
	}
	spool_freeze(job->spool);
	stream = named_show(job->named, size);
	if (stream == -1)
		message("%s: cannot show the stream to the check: %s; %s", named_path(job->named), strerror(errno), state(job));
	return stream;
}

/* A descriptor with the stream for CHECK, and in *path, to be freed, what {} stands for. -1 after a message. */
static int
stream_for_check(struct job *job, char **path)
{
	int stream;

	*path = NULL;
	if (job->named != NULL) {
		stream = show_named(job);
		*path = stream == -1 ? NULL : strdup(named_path(job->named));
	} else if (has_braces(job->options)) {
		return target_show(job->target, job->spool, path);
	} else {
		stream = spool_seal(job->spool);
		/* Without /proc, only what has a name can be opened once more. */
		if (stream == -1 && errno == ENOENT && job->target != NULL)
			return target_show(job->target, job->spool, path);
		if (stream == -1)
			report_seal(job, state(job));
		else
			*path = strdup("");
	}
	if (stream == -1 || *path != NULL)
		return stream;
	message("cannot start the check: %s; %s", strerror(errno), state(job));
	(void)close(stream);	/* only to be read */
	return -1;
}

/* The check is over: nobody opens the stream by its name any more. Only while signals are held. */
static void
remove_named(const struct job *job)
{
	if (named_remove(job->named) == -1)
		message("%s: cannot remove: %s", named_left(job->named), strerror(errno));
}

/* Lets CHECK read the stream, and decides. There is a watch. */
static int
check_stream(struct job *job)
{
	const char *check = job->options->check;
	char *path;
	int stream = stream_for_check(job, &path), status;

	if (stream == -1)
		return STATUS_FAILED;
	if (command_set_size(spool_size(job->spool)) == 0 && command_check(check, path, stream, &status) == 0) {
		status = judge(job, status);
	} else {
		message("cannot run the check '%.200s': %s; %s", check, strerror(errno), state(job));
		status = STATUS_FAILED;
	}
	(void)close(stream);	/* only read */
	free(path);
	if (job->named != NULL) {
		signals_hold();
		remove_named(job);
		signals_release();
	}
	return status;
}

static int
gate(struct job *job)
{
	int status;

	if (job->options->check == NULL)
		return STATUS_DONE;
	progress_enter(PROGRESS_CHECK);
	if (job->watched)
		return check_stream(job);
	if (signals_watch(NULL, NULL) == -1) {
		message("cannot run the check '%.200s': %s; %s", job->options->check, strerror(errno), state(job));
		return STATUS_FAILED;
	}
	status = check_stream(job);
	signals_unwatch();
	return status;
}

/*
 * Where there is a watch, a broken pipe is an error and not a death. But whoever reads a part and goes ends spool
 * without a word, as any filter; here after the line has been wiped away, and the figures have been told.
 */
static void
die_of_broken_pipe(void)
{
	progress_end();
	signals_hold();
	figures_write(128 + SIGPIPE);
	signals_release();
	signals_unwatch();
	(void)raise(SIGPIPE);	/* returns if it is ignored */
}

/* What standard output has after the spill file could not be read. */
static const char *
released(off_t bytes, off_t size)
{
	if (bytes == 0)
		return NOTHING_RELEASED;
	return bytes < size ? "standard output has only a part of it" : "what standard output has may be wrong";
}

static int
replay(const struct job *job)
{
	const struct spool_progress progress = { .report = progress_moved };
	struct spool *spool = job->spool;
	off_t size = spool_size(spool);

	progress_enter(PROGRESS_REPLAY);
	if (job->options->ignore_epipe)
		(void)signal(SIGPIPE, SIG_IGN);
	spool_expend(spool);
	if (spool_drain(spool, STDOUT_FILENO, &progress) == -1) {
		const enum spool_part fault = spool_fault(spool);
		const int error = errno;

		if (fault == SPOOL_SINK && (error == EPIPE || error == ECONNRESET)
		    && job->options->ignore_epipe)
			return STATUS_DONE;
		if (fault != SPOOL_SINK) {
			report_engine(job, "read", released(spool_tell(spool), size));
			return STATUS_FAILED;
		}
		if (error == EPIPE && job->watched)
			die_of_broken_pipe();
		message("standard output: cannot write: %s; it has %jd of %jd bytes", strerror(error),
		    (intmax_t)spool_tell(spool), (intmax_t)size);
		return STATUS_FAILED;
	}
	/* Some file systems tell only now that they had no room. */
	if (io_close(STDOUT_FILENO) == -1) {
		message("standard output: cannot close: %s; what it has may not be whole", strerror(errno));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int
run_command(struct job *job)
{
	int stream = job->named != NULL ? named_reader(job->named) : spool_seal(job->spool), status;

	if (stream == -1) {
		report_seal(job, NOTHING_RELEASED);
		return STATUS_FAILED;
	}
	progress_end();
	/* COMMAND takes this process's place, so what is to be said is said before. */
	if (job->options->verbose)
		figures_summary();
	if (job->watched) {
		signals_hold();
		figures_write(-1);
		signals_release();
		signals_unwatch();
		job->watched = false;
	}
	if (command_set_size(spool_size(job->spool)) == -1)
		status = STATUS_FAILED;
	else
		status = command_exec(job->path, job->options->command, stream);
	/* There will be no COMMAND that has to find it as it was; and who reads the figures may have gone. */
	(void)signal(SIGPIPE, SIG_IGN);
	report_start(job, status);
	(void)close(stream);
	return status;
}

/* From the soak on. */
static int
transact(struct job *job)
{
	const struct options *options = job->options;
	bool skip = false;
	int status = soak(job);

	if (status == STATUS_DONE) {
		skip = options->skip_empty && spool_size(job->spool) == 0;
		if (!skip)
			status = gate(job);
	}
	if (job->producer != 0)
		status = end_source(job, status);
	if (status != STATUS_DONE)
		return status;
	if (!skip && job->target != NULL) {
		progress_enter(PROGRESS_SAVE);
		status = target_commit(job->target, job->spool);
	} else if (!skip && options->command != NULL) {
		return run_command(job);
	} else if (!skip) {
		status = replay(job);
	}
	progress_end();
	if (status == STATUS_DONE && options->verbose)
		figures_summary();
	return status;
}

/* For the watch: a signal ends spool. What is not to stay behind goes. */
static void
abandon(void *cookie, int signal)
{
	const struct job *job = cookie;

	if (job->target != NULL)
		target_abandon(job->target);
	remove_named(job);
	progress_end();
	figures_write(128 + signal);
}

/* Until the end of the process; or until COMMAND takes its place. */
static int
begin_watch(struct job *job)
{
	if (job->watched)
		return STATUS_DONE;
	if (signals_watch(abandon, job) == -1) {
		message("cannot start: %s; " NOTHING_READ, strerror(errno));
		return STATUS_FAILED;
	}
	job->watched = true;
	return STATUS_DONE;
}

/* Makes the target of -o. */
static int
begin_target(struct job *job)
{
	static const struct spool_progress progress = { .report = progress_moved };
	const struct options *options = job->options;
	const struct target_options wanted = {
		.file = options->output,
		.mode = options->append ? TARGET_APPEND : options->overwrite ? TARGET_OVERWRITE : TARGET_REPLACE,
		.fall_back = options->fall_back, .only_if_changed = options->if_changed, .sync = options->sync,
		.backup = options->backup, .shown = has_braces(options),
		.directory = options->directory,
		.progress = &progress
	};

	job->target = target_create(&wanted);
	if (job->target == NULL) {
		message("cannot start: %s; " NOTHING_READ, strerror(errno));
		return STATUS_FAILED;
	}
	return begin_watch(job) == STATUS_DONE ? target_prepare(job->target) : STATUS_FAILED;
}

/* The file that {} in CHECK stands for, where it cannot be beside the file of -o. */
static int
begin_named(struct job *job)
{
	const struct options *options = job->options;
	const char *directory = spool_directory(job->target != NULL ? target_directory(job->target) : options->directory);
	/* That of -T has been looked at. */
	int status = directory == options->directory ? STATUS_DONE : check_directory(directory);

	if (status == STATUS_DONE)
		status = begin_watch(job);
	if (status != STATUS_DONE)
		return status;
	if (!named_is_safe(directory)) {
		message("%s: everybody can rename files there, so {} would not be safe; -T names another directory; " NOTHING_READ,
		    directory);
		return STATUS_FAILED;
	}
	signals_hold();
	job->named = named_create(directory, "stream");
	signals_release();
	if (job->named != NULL)
		return STATUS_DONE;
	message("%s: cannot make a directory for {} there: %s; " NOTHING_READ, directory, strerror(errno));
	return STATUS_FAILED;
}

enum {
	MOST_NEEDED = 16,
	/* For the stream in memory, and for its reader; a spill file is open twice. */
#ifdef HAVE_MEMFD_CREATE
	SEALED = 2
#else
	SEALED = 3
#endif
};

/* How many descriptors there have to be at once, beside those that are open, if the limit of -m suffices. */
static int
descriptors_needed(const struct options *options)
{
	const bool to_file = options->output != NULL, in_place = options->append || options->overwrite;
	const bool named = has_braces(options) && (!to_file || in_place);
	int needed = to_file ? 3 : 0;	/* its directory, the file as it is, and the new one */

	if (named)
		needed += 5;	/* the file for {}, open three times, and its two directories */
	else if (options->check != NULL || (options->command != NULL && !to_file))
		needed += options->memory != 0 ? SEALED : 1;
	/* A pipe. */
	if (options->command != NULL && to_file)
		needed += 2;
	/* A spill file, which is open twice; and one for the old contents. */
	if (options->memory == 0 && ((!to_file && !named) || in_place || options->directory != NULL))
		needed += options->overwrite ? 4 : 2;
	if (in_place && options->backup != NULL)
		needed++;
	return needed;
}

/* Takes them all, and gives them back. */
static int
check_descriptors(int needed)
{
	int copies[MOST_NEEDED], count = 0, status = STATUS_DONE;

	while (count < needed && (copies[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) != -1)
		count++;
	if (count < needed) {
		message("cannot start: %s; " NOTHING_READ, strerror(errno));
		status = STATUS_FAILED;
	}
	while (count > 0)
		(void)close(copies[--count]);	/* nothing was written to them */
	return status;
}

/* Everything that can be known before reading. */
static int
check_before_reading(struct job *job)
{
	const struct options *options = job->options;
	int status = check_descriptors(descriptors_needed(options));

	if (status == STATUS_DONE)
		status = check_command(options, &job->path);
	if (status == STATUS_DONE && options->directory != NULL)
		status = check_directory(options->directory);
	if (status == STATUS_DONE && options->output != NULL)
		status = begin_target(job);
	if (status == STATUS_DONE && has_braces(options) && (job->target == NULL || !target_can_show(job->target)))
		return begin_named(job);
	/* Where the directory was not asked for, and memory may suffice, it need not be any good. */
	if (status == STATUS_DONE && job->target == NULL && options->directory == NULL && options->memory == 0)
		status = check_directory(spool_directory(NULL));
	return status;
}

/*
 * Where -o waits for the disk, the time that the disk takes is to be spent while the source is read. The page cache
 * only puts that off: the kernel writes later than asked, and has to be waited for in the end. So the new contents go
 * straight to the disk from here on; before, the fsync has so little left to do that it is not worth two threads.
 * 1 GiB, -m 0, medians of 4, with so much through the page cache first: 0 or 16 MiB 0.72 s, 64 MiB 0.74, 256 MiB
 * 0.76, all that the kernel would not write soon (SPOOL_AUTOMATIC) 0.83; `cat >tmp && sync tmp && mv tmp f` 1.08.
 */
#define CACHED_BEFORE_SYNC ((off_t)16 << 20)

static int
run(struct job *job)
{
	const struct options *options = job->options;
	struct spool_options engine = SPOOL_OPTIONS_DEFAULT;
	int status;

	engine.memory_limit = options->memory;
	engine.size_limit = options->limit;
	engine.directory = options->directory;
	engine.hold = signals_hold;
	engine.release = signals_release;
	if (job->target != NULL) {
		engine.directory = target_directory(job->target);
		engine.spill_fd = target_spill(job->target);
		/* With -u they may turn out to be what the file has already. */
		if (engine.spill_fd != -1 && options->sync && !options->if_changed)
			engine.cache_limit = CACHED_BEFORE_SYNC;
	}
	if (job->named != NULL)
		engine.spill_fd = named_fd(job->named);
	/* COMMAND and CHECK read through a descriptor, so the memory part is a memfd; but a file with a name will be. */
	engine.memfd = job->named == NULL
	    && ((options->command != NULL && job->target == NULL) || options->check != NULL);
	job->spool = spool_open(&engine);
	if (job->spool == NULL) {
		message("cannot start: %s; " NOTHING_READ, strerror(errno));
		return STATUS_FAILED;
	}
	status = begin_source(job);
	if (status == STATUS_DONE)
		status = transact(job);
	if (spool_leftover(job->spool) != NULL)
		message("%s: cannot remove; it is empty", spool_leftover(job->spool));
	(void)spool_close(job->spool);	/* of scratch data, already delivered or given up */
	return status;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct job job = { .options = &options, .source = STDIN_FILENO };
	int status;

	options_parse(&options, argc, argv);
	status = hold_streams(&options);
	if (status != STATUS_DONE)
		return status;
	signals_begin();
	if (options.progress || options.stats != NULL)
		status = begin_watch(&job);
	if (status == STATUS_DONE && options.stats != NULL) {
		signals_hold();		/* the watch writes into it, or does not */
		status = figures_open(options.stats, options.output);
		signals_release();
	}
	if (status == STATUS_DONE)
		status = check_before_reading(&job);
	if (status == STATUS_DONE)
		status = run(&job);
	signals_stop();		/* the watch must not look at a target that has gone */
	progress_end();
	figures_write(status);
	target_close(job.target);
	remove_named(&job);
	named_close(job.named);
	free(job.path);
	return status;
}
