/*
 * main.c: options -> source -> soak -> gate -> sink.
 *
 *	main			the story, and the only place that exits (but options.c on usage, and signals.c
 *				where spool has to die of a signal)
 *	  options_parse		options.c	argv -> struct options; size.c: "64M" -> bytes
 *	  hold_streams		here: standard input and output must be open
 *	  check_before_reading	command.c	COMMAND is found, or nothing is read; the spill directory
 *	  spool_open		libspool/spool.c	the engine: see libspool/spool.h
 *	  soak			libspool/transfer.c	fill: source -> memory.c, then -> spill.c; io.c below all
 *	  gate			command.c	CHECK, waited for by signals.c
 *	  replay		libspool/transfer.c	drain: memory.c, spill.c -> standard output
 *	  run_command		command.c	COMMAND, on what spool_seal returns
 *
 * message.c prints every diagnostic, and message.h names the exit statuses; progress.c prints the summary of
 * -v. libspool/stream.c, a stdio view of a spool, is for the engine's other users.
 */
#include <config.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "signals.h"
#include "spool.h"

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
	int status = hold_stream(STDIN_FILENO, "standard input", O_WRONLY, O_WRONLY, true);

	if (status == STATUS_DONE)
		status = hold_stream(STDOUT_FILENO, "standard output", O_RDONLY, O_RDONLY,
		    options->command == NULL);
	/* Messages, also those of CHECK, then go nowhere. */
	if (status == STATUS_DONE)
		status = hold_stream(STDERR_FILENO, "standard error", O_RDONLY, O_RDWR, false);
	return status;
}

static int
report_command(const char *name, int status, const char *state)
{
	const char *hint = "";
	int error = errno;

	/* "sort f | spool f" */
	if (access(name, F_OK) == 0 && access(name, X_OK) == -1)
		hint = "; to write to the file of that name, use -o";
	if (status == STATUS_FAILED)
		message("%s: cannot be given the stream: %s; %s", name, strerror(error), state);
	else if (status == STATUS_NOT_FOUND && error == ENOENT)
		message("%s: command not found%s; %s", name, hint, state);
	else
		message("%s: cannot be run: %s%s; %s", name, strerror(error), hint, state);
	return status;
}

static int
check_before_reading(const struct options *options, char **path)
{
	if (options->command != NULL) {
		int found = command_find(options->command[0], path);

		if (found != STATUS_DONE)
			return report_command(options->command[0], found, NOTHING_READ);
	}
	/* Where the directory was not asked for, and memory may suffice, it need not be any good. */
	if (options->directory != NULL || options->memory == 0) {
		const char *directory = spool_directory(options->directory);
		struct stat status;
		int error = stat(directory, &status) == -1 ? errno : !S_ISDIR(status.st_mode) ? ENOTDIR
		    : access(directory, W_OK | X_OK) == -1 ? errno : 0;

		if (error != 0) {
			message("%s: cannot make a spill file there%s: %s; " NOTHING_READ, directory,
			    directory == getenv("TMPDIR") ? " (it is $TMPDIR)" : "", strerror(error));
			return STATUS_FAILED;
		}
	}
	return STATUS_DONE;
}

/* One sentence for a failure inside the engine. */
static void
report_engine(struct spool *spool, const struct options *options, const char *doing, const char *state)
{
	const char *why = strerror(errno);

	if (spool_fault(spool) == SPOOL_SPILL)
		message("%s: cannot %s the spill file: %s; %s", spool_directory(options->directory), doing, why,
		    state);
	else
		message("cannot %s the stream in memory: %s; %s", doing, why, state);
}

static int
soak(struct spool *spool, const struct options *options)
{
	if (spool_fill(spool, STDIN_FILENO, SPOOL_UNLIMITED, NULL) != -1)
		return STATUS_DONE;
	switch (spool_fault(spool)) {
	case SPOOL_LIMIT:
		message("standard input: longer than %s (-l); " NOTHING_RELEASED, options->limit_text);
		return STATUS_REFUSED;
	case SPOOL_SOURCE:
		message("standard input: cannot read: %s; " NOTHING_RELEASED, strerror(errno));
		return STATUS_FAILED;
	default:
		report_engine(spool, options, "write", NOTHING_RELEASED);
		return STATUS_FAILED;
	}
}

/* Lets CHECK read the stream, and decides. */
static int
gate(struct spool *spool, const struct options *options)
{
	int stream, status = 0, result;

	stream = spool_seal(spool);
	if (stream == -1) {
		report_engine(spool, options, "write", NOTHING_RELEASED);
		return STATUS_FAILED;
	}
	result = command_set_size(spool_size(spool));
	if (result == 0)
		result = command_check(options->check, stream, &status);
	if (result == -1) {
		message("cannot run the check '%.200s': %s; " NOTHING_RELEASED, options->check, strerror(errno));
		status = STATUS_FAILED;
	} else if (WIFSIGNALED(status)) {
		message("the check '%.200s' was ended by signal %d (%s); " NOTHING_RELEASED, options->check,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		status = STATUS_REFUSED;
	} else if (WEXITSTATUS(status) != 0) {
		message("the check '%.200s' exited with status %d; " NOTHING_RELEASED, options->check,
		    WEXITSTATUS(status));
		status = STATUS_REFUSED;
	} else if (spool_is_intact(spool) != 1) {
		message("the check '%.200s' has changed the stream; " NOTHING_RELEASED, options->check);
		status = STATUS_REFUSED;
	} else {
		status = STATUS_DONE;
	}
	(void)close(stream);	/* only read */
	return status;
}

static int
replay(struct spool *spool, const struct options *options)
{
	off_t size = spool_size(spool);
	enum spool_part fault;

	if (options->ignore_epipe)
		signal(SIGPIPE, SIG_IGN);
	spool_freeze(spool);
	if (spool_drain(spool, STDOUT_FILENO, NULL) == -1) {
		fault = spool_fault(spool);
		if (fault == SPOOL_SINK && (errno == EPIPE || errno == ECONNRESET)
		    && options->ignore_epipe)
			return STATUS_DONE;
		if (fault != SPOOL_SINK) {
			report_engine(spool, options, "read", "standard output has only a part of it");
			return STATUS_FAILED;
		}
		message("standard output: cannot write: %s; it has %jd of %jd bytes", strerror(errno),
		    (intmax_t)spool_tell(spool), (intmax_t)size);
		return STATUS_FAILED;
	}
	/* Some file systems tell only now that they had no room. */
	if (close(STDOUT_FILENO) == -1 && errno != EINTR) {
		message("standard output: cannot close: %s; what it has may not be whole", strerror(errno));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int
run_command(struct spool *spool, const struct options *options, const char *path)
{
	char *name = options->command[0];
	int stream = spool_seal(spool), status;

	if (stream == -1) {
		report_engine(spool, options, "write", NOTHING_RELEASED);
		return STATUS_FAILED;
	}
	if (command_set_size(spool_size(spool)) == -1)
		status = STATUS_FAILED;
	else
		status = command_exec(path, options->command, stream);
	/* It was there before the soak. */
	if (status == STATUS_NOT_FOUND)
		message("%s: cannot be run: it or its interpreter is missing; " NOTHING_RELEASED, name);
	else
		report_command(name, status, NOTHING_RELEASED);
	(void)close(stream);
	return status;
}

/* From the soak on, when the spool is open. path: COMMAND's. */
static int
transact(struct spool *spool, const struct options *options, const char *path)
{
	struct figures figures = { .replay_seconds = -1 };
	double started = 0, soaked = 0;
	int status;

	if (options->verbose)
		started = progress_clock();
	status = soak(spool, options);
	if (status != STATUS_DONE)
		return status;
	if (options->verbose) {
		soaked = progress_clock();
		figures.bytes = spool_size(spool);
		figures.memory_bytes = spool_in_memory(spool);
		figures.spill_directory = spool_is_rolled(spool) ? spool_directory(options->directory) : NULL;
		figures.soak_seconds = soaked - started;
	}
	if (options->skip_empty && spool_size(spool) == 0) {
		if (options->verbose)
			progress_summary(&figures);
		return STATUS_DONE;
	}
	if (options->check != NULL) {
		status = gate(spool, options);
		if (status != STATUS_DONE)
			return status;
	}
	if (options->command != NULL) {
		/* COMMAND takes this process's place, so what is to be said is said before. */
		if (options->verbose)
			progress_summary(&figures);
		return run_command(spool, options, path);
	}
	if (options->verbose)
		soaked = progress_clock();
	status = replay(spool, options);
	if (status == STATUS_DONE && options->verbose) {
		figures.replay_seconds = progress_clock() - soaked;
		progress_summary(&figures);
	}
	return status;
}

int
main(int argc, char **argv)
{
	struct spool_options engine = SPOOL_OPTIONS_DEFAULT;
	struct options options;
	struct spool *spool;
	char *path = NULL;
	int status;

	options_parse(&options, argc, argv);
	status = hold_streams(&options);
	if (status == STATUS_DONE)
		status = check_before_reading(&options, &path);
	if (status != STATUS_DONE)
		return status;

	signals_begin();
	engine.memory_limit = options.memory;
	engine.size_limit = options.limit;
	engine.directory = options.directory;
	/* Who reads the stream as a descriptor gets the memory part as it is. */
	engine.memfd = options.command != NULL || options.check != NULL;
	spool = spool_open(&engine);
	if (spool == NULL) {
		message("cannot start: %s; " NOTHING_READ, strerror(errno));
		return STATUS_FAILED;
	}
	status = transact(spool, &options, path);
	free(path);
	(void)spool_close(spool);	/* of scratch data, already delivered or given up */
	return status;
}
