/* signals.h: what happens to signals while a child runs. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <sys/types.h>

#include <signal.h>

/*
 * From begin on, a file that may not grow any more (RLIMIT_FSIZE) is an error that can be told, EFBIG, and not a
 * death by SIGXFSZ. end puts it back as it was, for a program that is to be executed.
 */
void	signals_begin(void);
void	signals_end(void);

/* The signals as they were before signals_hold(). */
struct signals {
	sigset_t mask;
	struct sigaction child;
};

/*
 * Holds back SIGHUP, SIGINT, SIGQUIT and SIGTERM (those that are not ignored), to be called before a child is
 * started; signals_wait() then waits for it and passes them on to it. signals_restore() puts all back as it
 * was. The child should be started with the saved mask; SIGXFSZ is as signals_end() leaves it. signals_hold() gives -1 with the errno of sigaction(2)
 * or sigprocmask(2), and then holds nothing.
 */
int	signals_hold(struct signals *saved);
void	signals_restore(const struct signals *saved);

/*
 * Waits until the child ends; *status is as waitpid(2) gives it. Returns the last signal that was passed on,
 * or 0: the caller, having cleaned up, restores the signals and ends by signals_die(). -1: errno of waitpid(2).
 */
int	signals_wait(pid_t child, int *status);

/* Ends the process by this signal, as if it had not been caught. */
_Noreturn void signals_die(int signal);

#endif
