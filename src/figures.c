/* figures.c: the summary of -v, and the JSON object of --stats. */
#include <config.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "figures.h"
#include "io.h"
#include "job.h"
#include "message.h"
#include "options.h"
#include "same.h"
#include "signals.h"
#include "size.h"
#include "text.h"
#include "utf8.h"

#define NOTHING_READ "nothing was read"

static const char *name;
static int fd = -1;
static const char *outcome;	/* of figures_outcome() */
static int changed = -1;	/* -1: there is no file of -o */
static bool rewritten;		/* it is a regular file: the figures replace what it has */

/* With --stream: how long it took, and how much had to wait. */
static void
summarize_stream(const struct counts *counts, const char *total, const char *also)
{
	const double seconds = counts_seconds(COUNTS_STREAM);
	char most[SIZE_TEXT], spilled[SIZE_TEXT];

	size_format(most, counts->most);
	size_format(spilled, counts->soaked - counts->in_memory);
	if (counts->spill_directory != NULL)
		message("%jd bytes (%s): %s through %s%s; streamed in %.3f s, at most %s waited", (intmax_t)counts->soaked,
		    total, spilled, counts->spill_directory, also, seconds, most);
	else
		message("%jd bytes (%s), all through memory; streamed in %.3f s, at most %s waited",
		    (intmax_t)counts->soaked, total, seconds, most);
}

/* Negative: the stream was not replayed; or COMMAND reads it, which spool does not see. */
static double
replay_seconds(void)
{
	const double saved = counts_seconds(COUNTS_SAVE);

	return saved < 0 ? counts_seconds(COUNTS_REPLAY) : saved;
}

void
figures_outcome(const char *word, bool is_changed)
{
	outcome = word;
	changed = is_changed;
}

void
figures_summary(void)
{
	char total[SIZE_TEXT], memory[SIZE_TEXT], spilled[SIZE_TEXT], replay[48] = "";
	const char *also = "";
	const double soaked = counts_seconds(COUNTS_SOAK), replayed = replay_seconds();
	struct counts counts;
	intmax_t bytes;

	counts_look(&counts);
	bytes = counts.soaked;
	size_format(total, counts.soaked);
	size_format(memory, counts.in_memory);
	size_format(spilled, counts.soaked - counts.in_memory);
	if (replayed >= 0)
		(void)snprintf(replay, sizeof(replay), ", %s in %.3f s", outcome != NULL ? outcome : "replayed", replayed);
	if (counts.spill_in_memory)
		also = " (which is memory as well; use -T to choose another directory)";
	if (counts.phase == COUNTS_STREAM)
		summarize_stream(&counts, total, also);
	else if (counts.spill_directory != NULL)
		message("%jd bytes (%s): %s in memory, %s in %s%s; soaked in %.3f s%s", bytes, total, memory, spilled,
		    counts.spill_directory, also, soaked, replay);
	else
		message("%jd bytes (%s), all in memory; soaked in %.3f s%s", bytes, total, soaked, replay);
}

/* Whether the figures would be among the bytes of the other file. A terminal shows both. */
static bool
is_same_stream(const struct stat *figures, const struct stat *other)
{
	return (S_ISREG(figures->st_mode) || S_ISFIFO(figures->st_mode) || S_ISSOCK(figures->st_mode))
	    && same_file(figures, other);
}

/* The descriptor of what spool prints, if that is the file of the figures; or -1. */
static int
printed_into(const struct stat *figures)
{
	struct stat other;

	for (int printed = STDERR_FILENO; printed >= STDOUT_FILENO; printed--)
		if (fstat(printed, &other) == 0 && same_file(figures, &other))
			return printed;
	return -1;
}

/* Why the figures cannot be written into this file, or NULL. */
static const char *
objection(const struct stat *status, const struct job *job)
{
	struct stat other;

	if (fstat(STDIN_FILENO, &other) == 0 && is_same_stream(status, &other))
		return "it is standard input";
	/* COMMAND may write to it. */
	if (job->sink != TO_FILE && fstat(STDOUT_FILENO, &other) == 0 && is_same_stream(status, &other)
	    && (job->sink == TO_STDOUT || S_ISREG(status->st_mode)))
		return "it is standard output";
	if (job->sink == TO_FILE && stat(job->options->output, &other) == 0 && is_same_stream(status, &other))
		return "it is the file of -o";
	return NULL;
}

/* A file that was made by such a link could not be removed for certain. */
static bool
may_lead_to_output(const char *file, const char *output)
{
	struct stat status;

	return output != NULL && lstat(file, &status) == 0 && stat(output, &status) == -1;
}

/* Opens the file, and makes it if there is none. */
static int
open_or_make(const char *file, bool *made)
{
	const int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC;
	int opened = open(file, flags);

	*made = false;
	if (opened != -1 || errno != ENOENT)
		return opened;
	opened = open(file, flags | O_CREAT | O_EXCL, 0666);
	*made = opened != -1;
	/* The name may be a symbolic link to a file that does not exist yet. */
	return opened != -1 || errno != EEXIST ? opened : open(file, flags | O_CREAT, 0666);
}

static int
refuse_file(const char *file, const char *wrong)
{
	message("%s: %s, and cannot have the figures; " NOTHING_READ, file, wrong);
	return STATUS_USAGE;
}

int
figures_open(const struct job *job)
{
	const char *file = job->options->stats;
	struct stat status;
	const char *wrong = NULL;
	bool made;
	int opened, printed;

	/* Before opening: who watches the file of -o (inotify) must not see a writer. */
	if (stat(file, &status) == 0)
		wrong = objection(&status, job);
	else if (may_lead_to_output(file, job->options->output))
		wrong = "it is a link to a file that is not there, perhaps that of -o";
	if (wrong != NULL)
		return refuse_file(file, wrong);
	opened = open_or_make(file, &made);
	if (opened == -1 || fstat(opened, &status) == -1) {
		message("%s: cannot write the figures: %s; " NOTHING_READ, file, strerror(errno));
		return STATUS_FAILED;
	}
	wrong = objection(&status, job);
	if (wrong != NULL) {
		if (made)
			(void)unlink(file);
		return refuse_file(file, wrong);
	}
	rewritten = S_ISREG(status.st_mode);
	/* If the messages go into the same file, the figures are written behind them. */
	printed = rewritten ? printed_into(&status) : -1;
	if (printed != -1) {
		rewritten = false;
		(void)close(opened);	/* nothing was written to it */
		opened = fcntl(printed, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	}
	if (opened == -1 || (rewritten && io_truncate(opened, 0) == -1)) {
		message("%s: cannot write the figures: %s; " NOTHING_READ, file, strerror(errno));
		return STATUS_FAILED;
	}
	signals_hold();		/* the watch finds the file open or not, and nothing in between */
	name = file;
	fd = opened;
	signals_release();
	return STATUS_DONE;
}

/* A JSON string (RFC 8259). Each byte of a path that is not UTF-8 becomes U+FFFD. */
static void
add_string(struct text *text, const char *string)
{
	text_add(text, "\"");
	while (*string != '\0') {
		size_t length = utf8_length(string);

		if (length == 0)
			text_add(text, "\\ufffd");
		else if (length > 1)
			text_add(text, "%.*s", (int)length, string);
		else if (*string == '"' || *string == '\\')
			text_add(text, "\\%c", *string);
		else if ((unsigned char)*string < 0x20 || *string == 0x7f)
			text_add(text, "\\u%04x", (unsigned char)*string);
		else
			text_add(text, "%c", *string);
		string += length == 0 ? 1 : length;
	}
	text_add(text, "\"");
}

static void
add_seconds(struct text *text, const char *key, double seconds)
{
	if (seconds < 0)
		text_add(text, ", \"%s\": null", key);
	else
		text_add(text, ", \"%s\": %.6f", key, seconds);
}

static void
add_number(struct text *text, const char *key, intmax_t number)
{
	if (number < 0)
		text_add(text, ", \"%s\": null", key);
	else
		text_add(text, ", \"%s\": %jd", key, number);
}

/* getrusage(2) includes what the process was before it executed spool; /proc, if any, does not. -1: unknown. */
static intmax_t
peak_rss(void)
{
	static const char peak[] = "VmHWM:";
	struct rusage usage;
	char line[128];
	intmax_t kibibytes = -1;
	FILE *status = fopen("/proc/self/status", "re");

	if (status != NULL) {
		while (kibibytes == -1 && fgets(line, sizeof(line), status) != NULL)
			if (strncmp(line, peak, strlen(peak)) == 0)
				kibibytes = strtoimax(line + strlen(peak), NULL, 10);
		(void)fclose(status);	/* only read */
	}
	if (kibibytes != -1)
		return kibibytes * 1024;
	if (getrusage(RUSAGE_SELF, &usage) == -1)
		return -1;
#ifdef __APPLE__
	return usage.ru_maxrss;
#else
	return (intmax_t)usage.ru_maxrss * 1024;
#endif
}

/* -1 if the file has been removed or replaced: nobody would find the figures. */
static int
rewind_file(void)
{
	struct stat status;

	if (!rewritten)
		return 0;
	if (fstat(fd, &status) == -1 || lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	errno = ENOENT;
	return status.st_nlink == 0 ? -1 : 0;
}

void
figures_write(int status)
{
	/* A byte of a path takes at most six. The stack may be small. */
	static char bytes[6 * PATH_MAX + 1024];
	struct text text = { .bytes = bytes, .size = sizeof(bytes) };
	struct counts counts;
	int result;

	if (fd == -1)
		return;
	counts_look(&counts);
	text_add(&text, "{\"bytes\": %jd, \"memory_bytes\": %jd, \"spilled_bytes\": %jd, \"spill_directory\": ",
	    (intmax_t)counts.soaked, (intmax_t)counts.in_memory, (intmax_t)(counts.soaked - counts.in_memory));
	if (counts.spill_directory == NULL)
		text_add(&text, "null");
	else
		add_string(&text, counts.spill_directory);
	add_seconds(&text, "soak_seconds", counts_seconds(COUNTS_SOAK));
	add_seconds(&text, "replay_seconds", replay_seconds());
	add_seconds(&text, "stream_seconds", counts_seconds(COUNTS_STREAM));
	add_number(&text, "most_waiting_bytes", counts.most);
	add_number(&text, "peak_rss_bytes", peak_rss());
	text_add(&text, ", \"changed\": %s", changed == -1 ? "null" : changed == 1 ? "true" : "false");
	add_number(&text, "status", status);
	text_add(&text, "}\n");
	result = rewind_file();
	if (result == 0)
		result = io_write_all(fd, text.bytes, text.length);
	/* The object before may have been longer. */
	if (result == 0 && rewritten)
		result = io_truncate(fd, (off_t)text.length);
	/* Some file systems report a failure only on close, but fd may be written once more. */
	if (result == 0 && rewritten)
		result = io_flush(fd);
	if (result == -1)
		message("%s: cannot write the figures: %s; the stream is not affected", name, strerror(errno));
}
