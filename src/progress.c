/* progress.c: the line of -p, and the answer to SIGUSR1. */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "progress.h"
#include "signals.h"
#include "size.h"

/* Milliseconds between two lines, on a terminal and elsewhere. */
enum { REDRAW = 125, REPEAT = 5000 };

/* So many redraws back the rate is measured: two seconds. */
enum { SAMPLES = 16 };

/* Nobody is asked for input before so many seconds. */
#define PATIENCE 2.0

/*
 * Starting a thread takes 50 us, 6 % of the life of a spool of five bytes. So there is none before the source has
 * paused for so many milliseconds, or so many bytes have come.
 */
#define PAUSE 20
#define ENOUGH_TO_ASK ((off_t)64 << 10)

/* What the data waits for; never held while something is printed. */
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static struct {
	enum progress_phase phase;
	double began;			/* the phase */
	double seconds[PROGRESS_PHASES];	/* of those that have ended; negative: it was not */
	off_t soaked;
	off_t in_memory;
	off_t moved;
	bool entered;			/* some phase, and not ended */
} counts = { .seconds = { -1, -1, -1, -1, -1 } };

/* What the line waits for. */
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static struct {
	bool over;
	size_t drawn;			/* so many columns of the terminal are the line's */
} screen;

/* Written before there is the thread. */
static int source_fd;
static bool wanted;
static bool terminal;			/* standard error is one */
static bool typed;			/* and the source, too */
static bool displayed;			/* and standard output */
static int columns_set;			/* $COLUMNS, or 0 */

static bool started;			/* the main thread's */

/* What one line says. */
struct view {
	enum progress_phase phase;
	double seconds;
	off_t soaked;
	off_t in_memory;
	off_t moved;
	double rate;			/* bytes in a second */
};

/* The thread's own. */
static bool asked_for_input;
static struct {
	enum progress_phase phase;
	size_t count;
	struct {
		double seconds;
		off_t bytes;
	} samples[SAMPLES];
} history;

static double
now(void)
{
	struct timespec time = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
look(struct view *view)
{
	pthread_mutex_lock(&counting);
	*view = (struct view){ .phase = counts.phase, .seconds = now() - counts.began, .soaked = counts.soaked,
	    .in_memory = counts.in_memory, .moved = counts.moved };
	pthread_mutex_unlock(&counting);
}

static off_t
done(const struct view *view)
{
	return view->phase == PROGRESS_SOAK ? view->soaked : view->moved;
}

/* Remembers what the rate is measured from. */
static void
sample(const struct view *view)
{
	history.phase = view->phase;
	history.samples[history.count % SAMPLES].seconds = view->seconds;
	history.samples[history.count % SAMPLES].bytes = done(view);
	history.count++;
}

static double
rate(double seconds, off_t bytes)
{
	return (double)bytes / (seconds + 1e-9);	/* no time may have passed */
}

/* Bytes in a second: of late, where there are samples. */
static double
rate_of_late(const struct view *view)
{
	/* Lines that are far apart each show the rate since the one before. */
	const size_t window = terminal ? SAMPLES : 1;
	size_t oldest;
	off_t before;

	if (view->phase != history.phase)
		history.count = 0;
	if (history.count < window)
		return rate(view->seconds, done(view));
	oldest = (history.count - window) % SAMPLES;
	/* A file that is written a second time begins anew. */
	before = history.samples[oldest].bytes < done(view) ? history.samples[oldest].bytes : done(view);
	return rate(view->seconds - history.samples[oldest].seconds, done(view) - before);
}

enum { TIME_TEXT = 32 };

static const char *
time_format(char text[TIME_TEXT], double seconds)
{
	const intmax_t whole = (intmax_t)seconds;

	(void)snprintf(text, TIME_TEXT, "%jd:%02d:%02d", whole / 3600, (int)(whole / 60 % 60), (int)(whole % 60));
	return text;
}

/* Where the bytes are is left out where the columns do not suffice for it. */
static void
describe_soak(char *text, size_t size, const struct view *view, size_t columns)
{
	char total[SIZE_TEXT], speed[SIZE_TEXT], memory[SIZE_TEXT], spilled[SIZE_TEXT], elapsed[TIME_TEXT];
	char where[64] = " (in memory)";

	size_format(total, view->soaked);
	size_format(speed, (off_t)view->rate);
	size_format(memory, view->in_memory);
	size_format(spilled, view->soaked - view->in_memory);
	time_format(elapsed, view->seconds);
	if (view->in_memory < view->soaked)
		(void)snprintf(where, sizeof(where), " (%s in memory, %s on disk)", memory, spilled);
	(void)snprintf(text, size, "soaking %s %s %s/s", total, elapsed, speed);
	if (strlen(text) + strlen(where) <= columns)
		strlcat(text, where, size);
}

/* The bar takes the columns that the words leave, if these are enough for one. */
static void
describe_replay(char *text, size_t size, const struct view *view, const char *doing, size_t columns, bool with_bar)
{
	char total[SIZE_TEXT], speed[SIZE_TEXT], left[TIME_TEXT], words[160], bar[80] = "";
	/* Of nothing, too. */
	const int percent = (int)((double)view->moved / ((double)view->soaked + 1e-9) * 100);
	size_t length;

	size_format(total, view->soaked);
	size_format(speed, (off_t)view->rate);
	if (view->rate >= 1)
		time_format(left, (double)(view->soaked - view->moved) / view->rate);
	else
		strlcpy(left, "?", sizeof(left));
	(void)snprintf(words, sizeof(words), "%3d%% of %s %s/s, %s left", percent, total, speed, left);
	length = strlen(doing) + strlen(" ") + strlen(words);
	if (length > columns)
		(void)snprintf(words, sizeof(words), "%d%%, %s left", percent, left);
	length += strlen("[] ");
	if (with_bar && columns >= length + 10) {
		size_t width = columns - length, full;

		if (width > sizeof(bar) - 4)
			width = sizeof(bar) - 4;
		full = (size_t)percent * (width - 1) / 100;
		(void)snprintf(bar, sizeof(bar), "[%-*s] ", (int)width, "");
		memset(bar + 1, '=', full);
		bar[1 + full] = '>';
	}
	(void)snprintf(text, size, "%s %s%s", doing, bar, words);
}

/* Writes the line into text. columns: so many that it fits, and has a bar; 0: all of it, and no bar. */
static void
describe(char *text, size_t size, const struct view *view, size_t columns)
{
	const bool with_bar = columns > 0;
	char total[SIZE_TEXT], elapsed[TIME_TEXT];

	size_format(total, view->soaked);
	time_format(elapsed, view->seconds);
	if (columns == 0)
		columns = SIZE_MAX;
	switch (view->phase) {
	case PROGRESS_CHECK:
		(void)snprintf(text, size, "checking %s %s", total, elapsed);
		return;
	case PROGRESS_WAIT:
		(void)snprintf(text, size, "soaked %s, waiting for the command to end %s", total, elapsed);
		return;
	case PROGRESS_REPLAY:
		describe_replay(text, size, view, "replaying", columns, with_bar);
		return;
	case PROGRESS_SAVE:
		/* What was spilled beside the file is not copied; and the disk does not say how far it is. */
		if (view->moved > 0 && view->moved < view->soaked)
			describe_replay(text, size, view, "saving", columns, with_bar);
		else
			(void)snprintf(text, size, "saving %s %s", total, elapsed);
		return;
	default:
		describe_soak(text, size, view, columns);
	}
}

/* Asked each time, so that a window that changes its size needs no signal. */
static size_t
columns_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return columns_set > 0 ? (size_t)columns_set : 80;
}

/* Whether the line may be printed now: not into a terminal that belongs to another job, or has been stopped. */
static bool
may_print(void)
{
	struct pollfd standard_error = { .fd = STDERR_FILENO, .events = POLLOUT };
	const pid_t group = terminal ? tcgetpgrp(STDERR_FILENO) : -1;

	/* A terminal that is not this session's belongs to no job. */
	return (group == -1 || group == getpgrp()) && poll(&standard_error, 1, 0) == 1
	    && (standard_error.revents & POLLOUT) != 0;
}

/* How much of text fits: whole words, since a part of a number would be another number. */
static size_t
fitting(const char *text, size_t columns)
{
	size_t length = strlen(text);

	if (length <= columns)
		return length;
	length = columns;
	while (length > 0 && text[length] != ' ')
		length--;
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == ','))
		length--;
	return length;
}

/* Puts what fits of text in place of the line. An empty one wipes it away. "printing" is held. */
static void
draw(const char *text)
{
	char line[512];
	size_t length, columns = columns_of_terminal(), drawn = screen.drawn;
	int size;

	/* The last column is left free: some terminals begin a new line there. */
	columns = columns > sizeof(line) / 2 ? sizeof(line) / 2 - 1 : columns - 1;
	length = fitting(text, columns);
	/* An interrupt may have been echoed behind it. */
	if (drawn > columns || length == 0)
		drawn = columns;
	size = snprintf(line, sizeof(line), "\r%.*s%*s%s", (int)length, text, (int)(drawn > length ? drawn - length : 0), "",
	    length == 0 ? "\r" : "");
	if (write(STDERR_FILENO, line, (size_t)size) == size)
		screen.drawn = length;
}

/* Before a message, and at the end: the line goes, and the cursor is where it began. */
static void
wipe(void)
{
	pthread_mutex_lock(&printing);
	if (screen.drawn > 0 && may_print())
		draw("");
	pthread_mutex_unlock(&printing);
}

/* What is typed appears where the line would be; so there is none, but a hint for who does not know that he should. */
static void
ask_for_input(const struct view *view)
{
	if (asked_for_input || view->soaked > 0 || view->seconds < PATIENCE)
		return;
	asked_for_input = true;
	message("waiting for input from the terminal; Ctrl-D at the start of a line ends it");
}

static void
show_line(void)
{
	char text[256] = "";
	struct view view;

	look(&view);
	if (typed && view.phase == PROGRESS_SOAK) {
		ask_for_input(&view);
		return;
	}
	pthread_mutex_lock(&printing);
	/* Once more: the phase does not change now without the line being wiped away after this. */
	look(&view);
	view.rate = rate_of_late(&view);
	sample(&view);
	/* What CHECK prints is for the terminal, too, and what is replayed to it. */
	if (view.phase != PROGRESS_CHECK && !(displayed && view.phase == PROGRESS_REPLAY))
		describe(text, sizeof(text), &view, terminal ? columns_of_terminal() - 1 : 0);
	if (*text != '\0' && !screen.over && may_print()) {
		if (terminal)
			draw(text);
		else
			message("%s", text);
	}
	pthread_mutex_unlock(&printing);
}

/* What SIGUSR1 asks for, also from a job that is not the terminal's. Nobody waits for it, so it may come too late. */
static void
answer(void)
{
	char text[256];
	struct view view;
	bool over;

	look(&view);
	view.rate = rate(view.seconds, done(&view));
	describe(text, sizeof(text), &view, 0);
	pthread_mutex_lock(&printing);
	over = screen.over;
	pthread_mutex_unlock(&printing);
	if (!over)
		message("%s", text);
}

/* The next of these signals, or 0 after so many milliseconds. */
static int
wait_for(const sigset_t *asked, int milliseconds)
{
#ifdef HAVE_SIGTIMEDWAIT
	const struct timespec time = { .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L };
	int signal = sigtimedwait(asked, NULL, &time);

	if (signal != -1 || errno == EAGAIN)
		return signal == -1 ? 0 : signal;
	/* A filter of system calls may refuse it. */
#endif
	return signals_look(asked, milliseconds);
}

static void *
keep_line(void *unused)
{
	sigset_t asked;

	signals_status(&asked);
	while (unused == NULL) {
		int signal = 0;

		if (wanted)
			signal = wait_for(&asked, terminal ? REDRAW : REPEAT);
		else if (sigwait(&asked, &signal) != 0)
			signal = signals_look(&asked, REDRAW);
		if (signal != 0)
			answer();
		else if (wanted)
			show_line();
	}
	return unused;	/* LCOV_EXCL_LINE: for the compiler; it ends with the process */
}

/*
 * The thread ends with the process, or with this program. It holds back all signals: those that end spool are for the
 * main thread, or the watch; and SIGTTOU must not stop it, since who asks from another job wants the answer.
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

/* Whether the source has nothing to give for a while. */
static bool
pauses(void)
{
	struct pollfd input = { .fd = source_fd, .events = POLLIN };

	return poll(&input, 1, PAUSE) == 0;
}

/* Whether so little is taken by standard output at once, so that there will be no time to ask. */
static bool
is_taken_at_once(off_t bytes)
{
	struct stat sink;
	int waiting;

	if (bytes > PIPE_BUF || fstat(STDOUT_FILENO, &sink) == -1)
		return false;
	if (S_ISFIFO(sink.st_mode))
		return ioctl(STDOUT_FILENO, FIONREAD, &waiting) == 0 && waiting == 0;
	return S_ISREG(sink.st_mode) || (S_ISCHR(sink.st_mode) && isatty(STDOUT_FILENO) == 0);
}

void
progress_begin(bool show, int source)
{
	const char *columns = getenv("COLUMNS"), *wrong;

	wanted = show;
	source_fd = source;
	terminal = wanted && isatty(STDERR_FILENO) == 1;
	typed = terminal && isatty(source_fd) == 1;
	displayed = terminal && isatty(STDOUT_FILENO) == 1;
	columns_set = columns != NULL ? (int)strtonum(columns, 1, 1000, &wrong) : 0;
	pthread_mutex_lock(&counting);
	counts.began = now();
	counts.entered = true;
	pthread_mutex_unlock(&counting);
	if (terminal)
		message_before(wipe);
	if (wanted || pauses())
		start();
}

void
progress_soaked(off_t bytes, off_t in_memory)
{
	pthread_mutex_lock(&counting);
	counts.soaked = bytes;
	counts.in_memory = in_memory;
	pthread_mutex_unlock(&counting);
	if (!started && (bytes > ENOUGH_TO_ASK || pauses() || now() - counts.began > PAUSE / 1000.0))
		start();
}

void
progress_moved(void *unused, off_t bytes)
{
	(void)unused;
	pthread_mutex_lock(&counting);
	counts.moved = bytes;
	pthread_mutex_unlock(&counting);
}

void
progress_enter(enum progress_phase phase)
{
	pthread_mutex_lock(&counting);
	counts.seconds[counts.phase] = now() - counts.began;
	counts.began = now();
	counts.phase = phase;
	counts.moved = 0;
	pthread_mutex_unlock(&counting);
	/* What comes now may be written to the same terminal. */
	wipe();
	if (!started && !(phase == PROGRESS_REPLAY && is_taken_at_once(counts.soaked)))
		start();
}

void
progress_end(void)
{
	pthread_mutex_lock(&counting);
	if (counts.entered)
		counts.seconds[counts.phase] = now() - counts.began;
	counts.entered = false;
	pthread_mutex_unlock(&counting);
	pthread_mutex_lock(&printing);
	screen.over = true;
	pthread_mutex_unlock(&printing);
	wipe();
}

off_t
progress_bytes(off_t *in_memory)
{
	struct view view;

	look(&view);
	*in_memory = view.in_memory;
	return view.soaked;
}

double
progress_seconds(enum progress_phase phase)
{
	double seconds;

	pthread_mutex_lock(&counting);
	seconds = counts.seconds[phase];
	pthread_mutex_unlock(&counting);
	return seconds;
}
