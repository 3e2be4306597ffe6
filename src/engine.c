/* engine.c: opens the spool that the job needs, soaks up the stream, reports what fails, and closes the spool. */
#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "engine.h"
#include "counts.h"
#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "signals.h"
#include "source.h"
#include "spool.h"
#include "target.h"

/*
 * With -o, the disk should write while the source is read. From the page cache, the kernel writes later than asked, and
 * fsync(2) waits for the rest. So beyond this many bytes the new contents bypass the page cache. Up to there, starting
 * the two threads costs more than they save.
 * 1 GiB, -m 0, medians of 4, with so much through the page cache first: 0 or 16 MiB 0.72 s, 64 MiB 0.74, 256 MiB
 * 0.76, all that the kernel would not write soon (SPOOL_AUTOMATIC) 0.83; `cat >tmp && sync tmp && mv tmp f` 1.08.
 */
#define CACHED_BEFORE_SYNC ((off_t)16 << 20)

/* -l is about the stream without the line that -e takes off. */
static off_t
size_limit(const struct options *options)
{
	const off_t length = options->end == NULL ? 0 : (off_t)strlen(options->end) + 1;

	return options->limit < SPOOL_UNLIMITED - length ? options->limit + length : options->limit;
}

int
engine_open(struct job *job, bool filled)
{
	const struct options *options = job->options;
	struct spool_options engine = SPOOL_OPTIONS_DEFAULT;

	engine.memory_limit = options->memory;
	engine.size_limit = size_limit(options);
	engine.spill_filled = filled;
	engine.directory = options->directory;
	engine.hold = signals_hold;
	engine.release = signals_release;
	if (job->sink == TO_FILE) {
		engine.directory = target_directory(job->target);
		engine.spill_fd = target_spill(job->target);
		/* With -u the stream may turn out to be what the file contains already. */
		if (engine.spill_fd != -1 && !options->no_sync && !options->if_changed)
			engine.cache_limit = CACHED_BEFORE_SYNC;
	}
	/* COMMAND and CHECK read through a descriptor, so the memory part is a memfd. {} stands for a file instead. */
	if (job->named != NULL) {
		engine.spill_fd = named_fd(job->named);
		engine.memory_limit = 0;	/* all of it will have to be in the file */
	} else {
		engine.memfd = job->sink == TO_COMMAND || options->check != NULL;
	}
	job->spool = spool_open(&engine);
	if (job->spool != NULL)
		return STATUS_DONE;
	/* With -o and -f, COMMAND has run already. */
	message("cannot start: %s; %s", strerror(errno), job->product != NULL ? report_state(job) : "nothing was read");
	return STATUS_FAILED;
}

static bool spill_noted;

/* There is a spill file now: the figures say where. */
static void
note_spill(const struct job *job)
{
	const char *directory = job->sink == TO_FILE ? target_directory(job->target) : job->options->directory;

	counts_spilled(spool_directory(directory), spool_spills_to_memory(job->spool));
	spill_noted = true;
}

/* The engine calls this while it reads. */
static void
soaked(void *cookie, off_t bytes)
{
	const struct job *job = cookie;

	if (job->sink == TO_FILE)
		target_soaked(job->target, bytes);
	if (!spill_noted && spool_is_rolled(job->spool))
		note_spill(job);
	progress_soaked(bytes, spool_in_memory(job->spool));
}

void
engine_count(struct job *job)
{
	soaked(job, spool_size(job->spool));
}

int
engine_refuse_length(const struct job *job)
{
	message("%s: longer than %s (-l); %s", source_name(job), job->options->limit_text, report_state(job));
	return STATUS_REFUSED;
}

int
engine_complete_named(const struct job *job)
{
	/* There is no memory part: see engine_open(). */
	if (spool_flush(job->spool) == -1) {
		engine_report(job, "write", report_state(job));
		return -1;
	}
	spool_freeze(job->spool);
	return 0;
}

int
engine_soak(struct job *job)
{
	const char *name = source_name(job);
	const struct spool_progress progress = { .report = soaked, .cookie = job };

	if (spool_fill(job->spool, job->source, SPOOL_UNLIMITED, &progress) != -1)
		return STATUS_DONE;
	switch (spool_fault(job->spool)) {
	case SPOOL_LIMIT:
		return engine_refuse_length(job);
	case SPOOL_SOURCE:
		message("%s: cannot read: %s; %s", name, strerror(errno), report_state(job));
		return STATUS_FAILED;
	default:
		engine_report(job, "write", report_state(job));
		return STATUS_FAILED;
	}
}

void
engine_close(const struct job *job)
{
	if (job->spool == NULL)
		return;
	if (spool_leftover(job->spool) != NULL)
		message("%s: cannot remove; it is empty", spool_leftover(job->spool));
	(void)spool_close(job->spool);	/* of scratch data, already delivered or given up */
}

void
engine_report(const struct job *job, const char *doing, const char *state)
{
	const char *why = strerror(errno), *limit = errno == EFBIG ? " (see ulimit -f)" : "";
	const char *directory = job->options->directory;

	if (spool_fault(job->spool) != SPOOL_SPILL) {
		message("cannot %s the stream in memory: %s; %s", doing, why, state);
		return;
	}
	if (job->sink == TO_FILE && target_spill(job->target) != -1) {
		message("%s: cannot %s its new contents: %s; %s", job->options->output, doing, why, state);
		return;
	}
	if (job->sink == TO_FILE)
		directory = target_directory(job->target);
	message("%s: cannot %s the spill file: %s%s; %s", spool_directory(directory), doing, why, limit, state);
}

void
engine_report_seal(const struct job *job, const char *state)
{
	if (errno == EOPNOTSUPP)
		message("%s: programs cannot use a spill file there, since it has no name; "
		    "use -T to choose another directory; %s", spool_directory(job->options->directory), state);
	else
		engine_report(job, "write", state);
}
