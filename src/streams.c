/* streams.c: checks that the standard streams are open, or occupies their numbers. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "message.h"
#include "source.h"
#include "streams.h"

/*
 * unwanted: the access mode with which the stream cannot be used. holder: the access mode of the descriptor that
 * occupies the number. That descriptor is closed on execution, so COMMAND finds the stream closed, as it was.
 */
static int
hold_stream(int fd, const char *name, int unwanted, int holder, bool needed)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags != -1) {
		if (!needed || (flags & O_ACCMODE) != unwanted)
			return STATUS_DONE;
		message("%s: not open for %s; nothing was read", name, fd == STDIN_FILENO ? "reading" : "writing");
		return STATUS_FAILED;
	}
	if (needed) {
		message("%s: it is closed; nothing was read", name);
		return STATUS_FAILED;
	}
	/* open(2) takes the lowest free number, which is fd: the numbers below are in use by now. */
	if (open("/dev/null", holder | O_CLOEXEC) == -1) {
		message("/dev/null: cannot open: %s; nothing was read", strerror(errno));
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

int
streams_hold(const struct job *job)
{
	int status = hold_stream(STDIN_FILENO, "standard input", O_WRONLY, O_WRONLY, !source_is_command(job));

	if (status == STATUS_DONE)
		status = hold_stream(STDOUT_FILENO, "standard output", O_RDONLY, O_RDONLY, job->sink == TO_STDOUT);
	/* The messages of spool and of CHECK are then discarded. */
	if (status == STATUS_DONE)
		status = hold_stream(STDERR_FILENO, "standard error", O_RDONLY, O_RDWR, false);
	return status;
}
