/* preflight.c: checks descriptors, COMMAND and the spill directory, and begins nothing. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "place.h"
#include "preflight.h"
#include "report.h"
#include "signals.h"
#include "source.h"
#include "spool.h"

enum {
	MOST_NEEDED = 16,
	/* Descriptors of spool_seal(): the memfd, or a spill file, which is open twice; and the reader. */
#ifdef HAVE_MEMFD_CREATE
	SEALED = 2
#else
	SEALED = 3
#endif
};

/* How many descriptors will be open at once, in addition to those that are, if the stream fits into memory. */
static int
descriptors_needed(const struct job *job)
{
	const struct options *options = job->options;
	const bool to_file = job->sink == TO_FILE, in_place = options->append || options->overwrite;
	const bool named = to_file ? job->check_has_path && in_place : job->check_has_path || options->file;
	/* Its directory, the file as it is, and the new one; or a pipe of relay.c. */
	int needed = to_file ? 3 : options->stream ? 2 : 0;

	if (named)
		needed += 5;	/* the file for {}, open three times, and its two directories */
	else if (options->stream)
		needed += job->sink == TO_COMMAND ? 2 : 0;	/* its standard input */
	else if (options->check != NULL || job->sink == TO_COMMAND)
		needed += options->memory != 0 ? SEALED : 1;
	/* The file that COMMAND makes, open twice, and its two directories; or a pipe. */
	if (source_is_command(job))
		needed += options->file ? 4 : 2;
	/* A spill file, which is open twice; and one for the old contents. */
	if (options->memory == 0 && ((!to_file && !named) || in_place || options->directory != NULL))
		needed += options->overwrite ? 4 : 2;
	if (in_place && options->backup != NULL)
		needed++;
	return needed;
}

static int
check_descriptors(int needed)
{
	int copies[MOST_NEEDED], count = 0, status = STATUS_DONE;

	while (count < needed && (copies[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) != -1)
		count++;
	if (count < needed) {
		message("cannot start: %s; nothing was read", strerror(errno));
		status = STATUS_FAILED;
	}
	while (count > 0)
		(void)close(copies[--count]);	/* nothing was written to them */
	return status;
}

static int
check_command(struct job *job)
{
	int status;

	if (job->options->command == NULL)
		return STATUS_DONE;
	status = command_find(job->options->command[0], &job->path);
	if (status != STATUS_DONE)
		report_command(job, status, "nothing was read");
	return status;
}

/* Whether others can write into a file that is made there with mode 0600: the file system has no modes. */
static bool
has_no_modes(const char *directory)
{
	char path[PATH_MAX];
	struct stat status;
	bool open_to_all;
	int fd, n = snprintf(path, sizeof(path), "%s/spool-XXXXXX", directory);

	/* Where the kernel knows the answer, no file is made. */
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

int
preflight_check_directory(const char *directory)
{
	struct stat status;
	int error = stat(directory, &status) == -1 ? errno : !S_ISDIR(status.st_mode) ? ENOTDIR
	    : access(directory, W_OK | X_OK) == -1 ? errno : 0;

	if (error == 0 && has_no_modes(directory))
		message("%s: other users can write into a spill file there; use -T to choose another directory", directory);
	if (error == 0)
		return STATUS_DONE;
	message("%s: cannot make a spill file there%s: %s; nothing was read", directory,
	    directory == getenv("TMPDIR") ? " (it is $TMPDIR)" : "", strerror(error));
	return STATUS_FAILED;
}

/* Without -T, the default directory is checked only if something will certainly be made there. */
static bool
needs_directory(const struct job *job)
{
	return job->options->directory != NULL
	    || (job->sink != TO_FILE && (job->check_has_path || job->options->file || job->options->memory == 0));
}

int
preflight_check(struct job *job)
{
	int status = check_descriptors(descriptors_needed(job));

	if (status == STATUS_DONE)
		status = check_command(job);
	if (status == STATUS_DONE && needs_directory(job))
		status = preflight_check_directory(spool_directory(job->options->directory));
	return status;
}
