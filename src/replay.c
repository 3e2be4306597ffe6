/* replay.c: the sink of a run without -o and without COMMAND: the stream goes to standard output. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "engine.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "replay.h"
#include "spool.h"
#include "watch.h"

/* What standard output has received if the stream cannot be read any more after so many bytes. */
static const char *
released(off_t bytes, off_t size)
{
	if (bytes == 0)
		return "nothing was released";
	return bytes < size ? "standard output has received only a part of the stream"
	    : "the data on standard output may be wrong";
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
		watch_broken_pipe();
	message("standard output: cannot write: %s; it has %jd of %jd bytes", strerror(error), (intmax_t)bytes,
	    (intmax_t)size);
	return STATUS_FAILED;
}

int
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
