/* signals.c: waits for a child, passing on the signals that would end spool, and dies of them after it. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "signals.h"

static const int ending[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static struct sigaction file_size_before;

void
signals_begin(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGXFSZ, &ignore, &file_size_before);
}

void
signals_end(void)
{
	sigaction(SIGXFSZ, &file_size_before, NULL);
}

/* SIGCHLD and the ending signals, but those that are ignored: they stay ignored. */
static void
list(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++) {
		struct sigaction now;

		if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(set, ending[i]);
	}
}

static void
nothing(int signal)
{
	(void)signal;
}

int
signals_hold(struct signals *saved)
{
	/* With a handler, even an empty one, SIGCHLD can be waited for everywhere; and were it ignored, as
	   it may have been left by who started spool, the child's status would be lost. */
	struct sigaction child = { .sa_handler = nothing };
	sigset_t held;

	list(&held);
	if (sigprocmask(SIG_BLOCK, &held, &saved->mask) == -1)
		return -1;
	if (sigaction(SIGCHLD, &child, &saved->child) == -1) {
		int error = errno;
		sigprocmask(SIG_SETMASK, &saved->mask, NULL);
		errno = error;
		return -1;
	}
	signals_end();
	return 0;
}

void
signals_restore(const struct signals *saved)
{
	signals_begin();
	sigaction(SIGCHLD, &saved->child, NULL);
	sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

int
signals_wait(pid_t child, int *status)
{
	sigset_t held;
	int passed = 0;

	list(&held);
	for (;;) {
		int signal;
		pid_t ended = waitpid(child, status, WNOHANG);

		if (ended == -1 && errno == EINTR)
			continue;
		if (ended != 0)
			return ended == -1 ? -1 : passed;
		if (sigwait(&held, &signal) == 0 && signal != SIGCHLD) {
			kill(child, signal);
			passed = signal;
		}
	}
}

void
signals_die(int signal)
{
	struct sigaction fatal = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(signal, &fatal, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signal);
	abort();
}
