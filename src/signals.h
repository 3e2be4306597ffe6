/* signals.h: handles signals while there is something to clean up, or a child that must get them. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <sys/types.h>

#include <signal.h>

/*
 * After signals_begin(), hitting RLIMIT_FSIZE is a reportable EFBIG, not death by SIGXFSZ. All threads block the
 * signals that ask for the status, SIGUSR1 and where it exists SIGINFO, and the thread of progress.c waits for them;
 * where they are ignored they stay ignored. signals_end() restores all of it, for a program that takes spool's place.
 * signals_status() returns the signals that ask.
 */
void	signals_begin(void);
void	signals_end(void);
void	signals_status(sigset_t *signals);

/* Where sigwait(3) is refused: sleeps so many milliseconds, then takes one of these signals that is pending, except
   SIGCHLD. 0: there is none. */
int	signals_look(const sigset_t *signals, int milliseconds);

/*
 * The watch: a thread that waits for the signals that would end spool (those that are not ignored), while all other
 * threads block them. When a signal comes, the watch passes it on to the children, waits until they have ended, calls
 * clean() to remove what must not stay behind and to write the figures, and ends the process by that signal. So the
 * main thread can block wherever it likes, and clean() may do what a signal handler may not.
 *
 *	signals_watch(clean, cookie)
 *	  signals_hold()		from here on the watch does not act,
 *	  make a file, note its name	so clean() never sees a half
 *	  signals_release()		and here it does again
 *	signals_stop()			the watch ends; the signals stay blocked
 *	signals_unwatch()		instead of it, or after it: all is as it was before
 *
 * Holding nests. signals_hold() does not return if a signal has come already. A signal that comes while the watch is
 * held waits for the release; if there is none, it has no effect.
 *
 * SIGPIPE is blocked as well: writing to a broken pipe is then an error, EPIPE, not death by SIGPIPE.
 *
 * signals_watch() returns 0, or -1 with the errno of pthread_create(3) or sigaction(2).
 * Where there is no watch, holding blocks the same signals, and they act when released; stopping does nothing.
 * signals_stop() and signals_unwatch() may be called while held, and end that.
 */
int	signals_watch(void (*clean)(void *cookie, int signal), void *cookie);
void	signals_stop(void);
void	signals_unwatch(void);
void	signals_hold(void);
void	signals_release(void);

/* For a child: the signal mask that spool was started with, and the signals that must have their default action. */
void	signals_for_child(sigset_t *mask, sigset_t *defaults);

/* Sends the child a signal, and continues it if it is stopped. */
void	signals_tell(pid_t child, int signal);

/* Registers a child to which the watch passes signals; two at most. Only while held. */
void	signals_add_child(pid_t child);

/* Waits until a child has ended, and leaves its status for signals_wait(). 0, or -1: errno of waitid(2). */
int	signals_wait_only(pid_t child);

/* Waits for a registered child. *status is as waitpid(2) sets it; -1: its errno. Not while held. */
int	signals_wait(pid_t child, int *status);

#endif
