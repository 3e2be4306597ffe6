/* ending.c: the last line of a stream, which says that the stream is whole. */
#include <config.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ending.h"
#include "engine.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "source.h"
#include "spool.h"

/* Reads all of buffer at an offset. The stream's own offset is where it was. 0 or -1. */
static int
read_at(struct spool *spool, off_t at, char *buffer, size_t length)
{
	bool done = spool_seek(spool, at, SEEK_SET) != -1 && spool_read(spool, buffer, length) == (ssize_t)length;

	return spool_seek(spool, 0, SEEK_SET) == 0 && done ? 0 : -1;
}

/* Whether the last line is this one, which is as long as its newline makes it. 1 yes, 0 no, -1: errno. */
static int
ends_with(struct spool *spool, const char *line, size_t length)
{
	const off_t size = spool_size(spool);
	/* A newline before the line, unless the stream begins with it. */
	const size_t wanted = size == (off_t)length ? length : length + 1;
	char *last;
	int result;

	if (size < (off_t)length)
		return 0;
	last = malloc(wanted);
	if (last == NULL)
		return -1;
	result = read_at(spool, size - (off_t)wanted, last, wanted);
	if (result == 0)
		result = (wanted == length || *last == '\n') && last[wanted - 1] == '\n'
		    && memcmp(last + wanted - length, line, length - 1) == 0;
	free(last);
	return result;
}

int
ending_take_off(const struct job *job)
{
	struct spool *spool = job->spool;
	const char *line = job->options->end;
	const size_t length = strlen(line) + 1;
	const int found = ends_with(spool, line, length);

	if (found == 0) {
		message("%s: its last line is not '%.200s' (-e); %s", source_name(job), line, report_state(job));
		return STATUS_REFUSED;
	}
	if (found == -1 || spool_truncate(spool, spool_size(spool) - (off_t)length) == -1) {
		engine_report(job, found == -1 ? "read" : "shorten", report_state(job));
		return STATUS_FAILED;
	}
	progress_soaked(spool_size(spool), spool_in_memory(spool));
	return STATUS_DONE;
}
