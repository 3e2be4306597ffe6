/* signals.c: a thread that waits for signals, passes them to the children, cleans up, and ends spool by the signal. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "signals.h"

/* The signals that end a process and are meant to be caught. SIGPIPE is here for one that kill(1) has sent. */
static const int ending[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGPIPE, SIGALRM, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU,
#ifdef SIGPOLL
	SIGPOLL,
#endif
#ifdef SIGPWR
	SIGPWR,
#endif
#ifdef SIGSTKFLT
	SIGSTKFLT,
#endif
};

/* The signals that ask for the progress. */
static const int asking[] = {
	SIGUSR1,
#ifdef SIGINFO
	SIGINFO,
#endif
};

#define CHILDREN 2

/* Milliseconds between two looks at the pending signals, where a filter of system calls refuses sigwait(3). */
#define LOOK 20

static struct sigaction file_size_before;
static sigset_t status_signals;
static sigset_t mask_at_start;

static struct {
	bool on;
	pthread_t thread;
	pthread_mutex_t held;
	int holding;		/* how many times the main thread holds, nested */
	atomic_bool stopping;
	int missed;		/* a signal that came while the watch was being stopped, or 0 */
	sigset_t waited_for;
	sigset_t mask_before;
	sigset_t mask_released;	/* without a watch: the mask before signals_hold() */
	struct sigaction child_before;
	pid_t children[CHILDREN];
	void (*clean)(void *cookie, int signal);
	void *cookie;
} watch = { .held = PTHREAD_MUTEX_INITIALIZER };

static void
add_unless_ignored(sigset_t *set, int signal)
{
	struct sigaction now;

	if (sigaction(signal, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(set, signal);
}

void
signals_begin(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGXFSZ, &ignore, &file_size_before);
	sigemptyset(&status_signals);
	for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++)
		add_unless_ignored(&status_signals, asking[i]);
	pthread_sigmask(SIG_BLOCK, &status_signals, &mask_at_start);
}

void
signals_status(sigset_t *signals)
{
	*signals = status_signals;
}

/* Discards the signal if it is pending. */
static void
forget(int signal)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

	if (sigaction(signal, &ignore, &before) == 0)
		sigaction(signal, &before, NULL);
}

void
signals_end(void)
{
	sigaction(SIGXFSZ, &file_size_before, NULL);
	for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++)
		forget(asking[i]);
	pthread_sigmask(SIG_SETMASK, &mask_at_start, NULL);
}

void
signals_for_child(sigset_t *mask, sigset_t *defaults)
{
	*mask = mask_at_start;
	sigemptyset(defaults);
	if (file_size_before.sa_handler != SIG_IGN)
		sigaddset(defaults, SIGXFSZ);
}

/* The signals of ending[] and the real-time signals, without those that are ignored: they stay ignored. */
static void
list_ending(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		add_unless_ignored(set, ending[i]);
#ifdef SIGRTMIN
	for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
		add_unless_ignored(set, signal);
#endif
}

int
signals_look(const sigset_t *signals, int milliseconds)
{
	sigset_t waiting;

	(void)poll(NULL, 0, milliseconds);
	sigemptyset(&waiting);
	sigpending(&waiting);
	for (int signal = 1; signal < NSIG; signal++) {
		/* If SIGCHLD were ignored for a moment, a child's status would be lost. */
		if (signal == SIGCHLD || sigismember(&waiting, signal) != 1 || sigismember(signals, signal) != 1)
			continue;
		forget(signal);
		return signal;
	}
	return 0;
}

/* As raise(3), which a filter of system calls that does not know tgkill(2) may refuse. */
/* LCOV_EXCL_START: gcov's counters have been written before raise() */
static void
tell_self(int signal)
{
	if (raise(signal) != 0)
		kill(getpid(), signal);
}
/* LCOV_EXCL_STOP */

/* Ends the process by this signal, as if nobody had waited for it. */
static _Noreturn void
die(int signal)
{
	struct sigaction fatal = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(signal, &fatal, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	tell_self(signal);
	abort();	/* LCOV_EXCL_LINE: tell_self() does not return */
}

/* Whether the child still runs. Only the main thread takes its status (WNOWAIT): until then, no other process can get
   its number. */
static bool
runs(pid_t child)
{
	siginfo_t info = { .si_pid = 0 };
	int result;

	while ((result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT)) == -1 && errno == EINTR)
		continue;
	return result == 0 && info.si_pid == 0;
}

void
signals_tell(pid_t child, int signal)
{
	kill(child, signal);
	/* A stopped process would not act on the signal. */
	kill(child, SIGCONT);
}

/* Waits for the next signal. SIGCHLD: the caller has to look at the children, and whether to stop. */
static int
next_signal(void)
{
	int signal;

	if (sigwait(&watch.waited_for, &signal) == 0)
		return signal;
	/* A filter of system calls may refuse sigwait(3). */
	signal = signals_look(&watch.waited_for, LOOK);
	return signal == 0 ? SIGCHLD : signal;
}

/* Passes this signal and the next ones on to the children until all have ended. */
static void
tell_children(int signal)
{
	for (;;) {
		bool running = false;

		for (int i = 0; i < CHILDREN; i++) {
			if (watch.children[i] == 0 || !runs(watch.children[i]))
				continue;
			if (signal != SIGCHLD)
				signals_tell(watch.children[i], signal);
			running = true;
		}
		if (!running)
			return;
		signal = next_signal();
	}
}

static void *
keep_watch(void *unused)
{
	int signal = SIGCHLD;

	while (signal == SIGCHLD) {
		if (atomic_load(&watch.stopping))
			return unused;
		signal = next_signal();
	}
	pthread_mutex_lock(&watch.held);
	if (atomic_load(&watch.stopping)) {
		watch.missed = signal;
		pthread_mutex_unlock(&watch.held);
		return unused;
	}
	tell_children(signal);
	if (watch.clean != NULL)
		watch.clean(watch.cookie, signal);
	die(signal);
}

/* LCOV_EXCL_START: every thread blocks SIGCHLD, which is only waited for */
static void
nothing(int signal)
{
	(void)signal;
}
/* LCOV_EXCL_STOP */

int
signals_watch(void (*clean)(void *cookie, int signal), void *cookie)
{
	/* With a handler, even an empty one, SIGCHLD can be waited for on every system. It must not stay ignored, as
	   spool may have inherited it: a child's status would be lost. */
	struct sigaction child = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	sigset_t blocked;
	int error;

	list_ending(&watch.waited_for);
	sigaddset(&watch.waited_for, SIGCHLD);
	blocked = watch.waited_for;
	sigaddset(&blocked, SIGPIPE);
	watch.clean = clean;
	watch.cookie = cookie;
	watch.holding = watch.missed = 0;
	atomic_store(&watch.stopping, false);
	if (sigaction(SIGCHLD, &child, &watch.child_before) == -1)
		return -1;
	pthread_sigmask(SIG_BLOCK, &blocked, &watch.mask_before);
	error = pthread_create(&watch.thread, NULL, keep_watch, NULL);
	if (error != 0) {
		pthread_sigmask(SIG_SETMASK, &watch.mask_before, NULL);
		sigaction(SIGCHLD, &watch.child_before, NULL);
		errno = error;
		return -1;
	}
	watch.on = true;
	return 0;
}

void
signals_hold(void)
{
	sigset_t waiting;

	if (watch.holding++ > 0)
		return;
	if (!watch.on) {
		list_ending(&waiting);
		pthread_sigmask(SIG_BLOCK, &waiting, &watch.mask_released);
		return;
	}
	pthread_mutex_lock(&watch.held);
	sigpending(&waiting);
	for (int signal = 1; signal < NSIG; signal++) {
		/* A pending SIGPIPE comes from this thread's own write. */
		if (signal == SIGPIPE || signal == SIGCHLD || sigismember(&waiting, signal) != 1
		    || sigismember(&watch.waited_for, signal) != 1)
			continue;
		signals_release();
		/* The signal may have been sent to this thread alone, where the watch would not get it. */
		kill(getpid(), signal);
		for (;;)
			pause();	/* until the watch ends the process */
	}
}

void
signals_release(void)
{
	if (--watch.holding > 0)
		return;
	if (watch.on)
		pthread_mutex_unlock(&watch.held);
	else
		pthread_sigmask(SIG_SETMASK, &watch.mask_released, NULL);
}

void
signals_stop(void)
{
	if (!watch.on)
		return;
	signals_hold();
	atomic_store(&watch.stopping, true);
	watch.on = false;
	watch.holding = 0;
	/* A filter of system calls may refuse pthread_kill(3). If it refuses kill(2) too, the watch stays held. */
	if (kill(getpid(), SIGCHLD) == -1)
		return;
	pthread_mutex_unlock(&watch.held);
	pthread_join(watch.thread, NULL);
}

void
signals_unwatch(void)
{
	signals_stop();
	forget(SIGPIPE);	/* a broken pipe has been reported */
	sigaction(SIGCHLD, &watch.child_before, NULL);
	pthread_sigmask(SIG_SETMASK, &watch.mask_before, NULL);
	if (watch.missed != 0)
		tell_self(watch.missed);
}

void
signals_add_child(pid_t child)
{
	watch.children[watch.children[0] == 0 ? 0 : 1] = child;
}

int
signals_wait_only(pid_t child)
{
	siginfo_t info;
	int result;

	while ((result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT)) == -1 && errno == EINTR)
		continue;
	return result;
}

int
signals_wait(pid_t child, int *status)
{
	int result;

	if (signals_wait_only(child) == -1)
		return -1;
	/* A signal that has ended the child may have been sent to spool as well. The watch acts on that one first. */
	signals_hold();
	while ((result = waitpid(child, status, 0)) == -1 && errno == EINTR)
		continue;
	for (int i = 0; i < CHILDREN; i++)
		if (watch.children[i] == child)
			watch.children[i] = 0;
	signals_release();
	return result == -1 ? -1 : 0;
}
