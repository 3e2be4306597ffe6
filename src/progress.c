/* progress.c: the thread that draws the line of -p and answers SIGUSR1, and the terminal that it draws on. */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "counts.h"
#include "line.h"
#include "message.h"
#include "progress.h"
#include "signals.h"

/* Milliseconds between two lines, on a terminal and elsewhere. */
enum { REDRAW = 125, REPEAT = 5000 };

/* Seconds before somebody is asked for input. */
#define PATIENCE 2.0

/*
 * Starting a thread costs 6 % of the life of a spool of five bytes: its time as a ratio to that of cat is 0.98 with a
 * thread and 0.92 without (medians of 400 runs in turn, warm). So there is no thread for a stream that comes in one
 * read, is not larger than what a pipe takes at once, and takes less than this many milliseconds: such a run is too
 * short for SIGUSR1.
 */
enum { PAUSE = 20 };

/* Held while the line is drawn. */
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static struct {
	bool over;
	size_t drawn;			/* how many columns the line has */
} screen;

/* Written before the thread is started. */
static int source_fd;
static bool wanted;			/* -p */
static bool terminal;			/* standard error is one */
static bool typed;			/* the source is one, too */
static bool displayed;			/* standard output is one, too */
static int columns_set;			/* $COLUMNS, or 0 */

/* Of the thread that reads the source, which is the main thread except with --stream. */
static bool started;		/* the thread is, or cannot be had */
static bool fed;		/* the source has given something */

/* The thread's own. */
static bool asked_for_input;
static struct line_history history;

/* Asked each time, so that a window can change its size without a signal. */
static size_t
terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return columns_set > 0 ? (size_t)columns_set : 80;
}

/* Whether the line may be drawn now: not on a terminal that belongs to another job or has been stopped. */
static bool
may_print(void)
{
	struct pollfd standard_error = { .fd = STDERR_FILENO, .events = POLLOUT };
	const pid_t group = terminal ? tcgetpgrp(STDERR_FILENO) : -1;

	/* A terminal that is not this session's belongs to no job. */
	return (group == -1 || group == getpgrp()) && poll(&standard_error, 1, 0) == 1
	    && (standard_error.revents & POLLOUT) != 0;
}

/* Replaces the line by what fits of the text; an empty text wipes the line away. "printing" is held. */
static void
draw(const char *text)
{
	char line[512];
	size_t length, columns = terminal_columns(), drawn = screen.drawn;
	int size;

	/* The last column is left free: some terminals begin a new line there. */
	columns = columns > sizeof(line) / 2 ? sizeof(line) / 2 - 1 : columns - 1;
	length = line_fit(text, columns);
	/* The terminal may have echoed an interrupt behind the line. */
	if (drawn > columns || length == 0)
		drawn = columns;
	size = snprintf(line, sizeof(line), "\r%.*s%*s%s", (int)length, text, (int)(drawn > length ? drawn - length : 0), "",
	    length == 0 ? "\r" : "");
	if (write(STDERR_FILENO, line, (size_t)size) == size)
		screen.drawn = length;
}

/* Before a message, and at the end: the line goes, and the cursor returns to its start. */
static void
wipe(void)
{
	pthread_mutex_lock(&printing);
	if (screen.drawn > 0 && may_print())
		draw("");
	pthread_mutex_unlock(&printing);
}

/* What is typed appears where the line would be. So there is no line, but a hint that input is expected. */
static void
ask_for_input(const struct counts *counts)
{
	if (asked_for_input || counts->soaked > 0 || counts->seconds < PATIENCE)
		return;
	asked_for_input = true;
	message("waiting for input from the terminal; Ctrl-D at the start of a line ends it");
}

/* CHECK may print to the terminal, and so may the replay: both have it for themselves. */
static bool
has_line(enum counts_phase phase)
{
	return phase != COUNTS_CHECK && !(displayed && (phase == COUNTS_REPLAY || phase == COUNTS_STREAM));
}

static void
show_line(void)
{
	/* Lines that are seconds apart each show the rate since the one before. */
	const size_t window = terminal ? LINE_SAMPLES : 1;
	char text[LINE_TEXT];
	struct counts counts;
	double rate;

	counts_look(&counts);
	if (typed && (counts.phase == COUNTS_SOAK || counts.phase == COUNTS_STREAM)) {
		ask_for_input(&counts);
		return;
	}
	pthread_mutex_lock(&printing);
	/* Again, with the lock: progress_enter() takes it, too, and so clears a line that was drawn for the old phase. */
	counts_look(&counts);
	rate = line_rate(&history, &counts, window);
	line_format(text, &counts, rate, terminal ? terminal_columns() - 1 : 0);
	if (has_line(counts.phase) && !screen.over && may_print()) {
		if (terminal)
			draw(text);
		else
			message("%s", text);
	}
	pthread_mutex_unlock(&printing);
}

/* SIGUSR1 is answered also from a job that is not the terminal's. Nobody waits for the answer. */
static void
answer(void)
{
	char text[LINE_TEXT];
	struct counts counts;
	bool over;

	counts_look(&counts);
	line_format(text, &counts, line_average(&counts), 0);
	pthread_mutex_lock(&printing);
	over = screen.over;
	pthread_mutex_unlock(&printing);
	if (!over)
		message("%s", text);
}

/* The next of these signals, or 0 after so many milliseconds. */
static int
next_question(const sigset_t *asking, int milliseconds)
{
#ifdef HAVE_SIGTIMEDWAIT
	const struct timespec time = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L };
	int signal = sigtimedwait(asking, NULL, &time);

	if (signal != -1 || errno == EAGAIN)
		return signal == -1 ? 0 : signal;
	/* A filter of system calls may refuse it. */
#endif
	return signals_look(asking, milliseconds);
}

static void *
keep_line(void *unused)
{
	sigset_t asking;

	signals_status(&asking);
	while (unused == NULL) {
		int signal = 0;

		if (wanted)
			signal = next_question(&asking, terminal ? REDRAW : REPEAT);
		else if (sigwait(&asking, &signal) != 0)
			signal = signals_look(&asking, REDRAW);
		if (signal != 0)
			answer();
		else if (wanted)
			show_line();
	}
	return unused;	/* LCOV_EXCL_LINE: for the compiler; the thread ends with the process */
}

/*
 * The thread ends with the process, or when COMMAND takes its place. It blocks all signals: those that end spool are
 * for the main thread or the watch, and SIGTTOU must not stop it, since SIGUSR1 may ask a background job.
 */
static void
start(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);

	started = true;
	if (error == 0) {
		(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = pthread_create(&thread, &attributes, keep_line, NULL);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		pthread_attr_destroy(&attributes);
	}
	if (error != 0 && wanted)
		message("cannot show the progress: %s", strerror(error));
}

/* Whether the descriptor keeps spool waiting. */
static bool
pauses(int fd, short events)
{
	struct pollfd descriptor = { .fd = fd, .events = events };

	return poll(&descriptor, 1, PAUSE) == 0;
}

void
progress_begin(bool show, int source, enum counts_phase phase)
{
	const char *columns = getenv("COLUMNS"), *wrong;

	wanted = show;
	source_fd = source;
	terminal = wanted && isatty(STDERR_FILENO) == 1;
	typed = terminal && isatty(source_fd) == 1;
	displayed = terminal && isatty(STDOUT_FILENO) == 1;
	columns_set = columns != NULL ? (int)strtonum(columns, 1, 1000, &wrong) : 0;
	counts_begin(phase);
	if (terminal)
		message_before(wipe);
	/* Without a descriptor, the source is a file that COMMAND makes (product.h). */
	if (wanted || source_fd == -1 || pauses(source_fd, POLLIN))
		start();
}

/* A read from some file systems takes long, though poll(2) said that the file was ready. */
static bool
was_slow(void)
{
	struct counts counts;

	counts_look(&counts);
	return counts.seconds > PAUSE / 1000.0;
}

void
progress_soaked(off_t bytes, off_t in_memory)
{
	counts_soaked(bytes, in_memory);
	if (!started && (fed || bytes > PIPE_BUF || was_slow() || pauses(source_fd, POLLIN)))
		start();
	fed = true;
}

/* Whether a small stream may have to wait for standard output. A pipe takes it at once, or not at all. */
static bool
sink_pauses(void)
{
	struct stat sink;

	if (fstat(STDOUT_FILENO, &sink) == -1 || S_ISFIFO(sink.st_mode))
		return pauses(STDOUT_FILENO, POLLOUT);
	return !S_ISREG(sink.st_mode) && (!S_ISCHR(sink.st_mode) || isatty(STDOUT_FILENO) == 1);
}

void
progress_enter(enum counts_phase phase)
{
	counts_enter(phase);
	/* What comes now may be written to the same terminal. */
	wipe();
	if (!started && (phase != COUNTS_REPLAY || sink_pauses()))
		start();
}

void
progress_end(void)
{
	counts_end();
	pthread_mutex_lock(&printing);
	screen.over = true;
	pthread_mutex_unlock(&printing);
	wipe();
}
