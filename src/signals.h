/* signals.h: what happens to signals while there is something to clean up, or a child to tell. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <sys/types.h>

#include <signal.h>

/*
 * From begin on, a file that may not grow any more (RLIMIT_FSIZE) is an error that can be told, EFBIG, and not a
 * death by SIGXFSZ, and the signals that ask for the status, SIGUSR1 and where it exists SIGINFO, are held back by all
 * threads, for the one of progress.c to wait for; if they are ignored they stay so. end puts it back as it was, for a
 * program that takes spool's place.
 */
void	signals_begin(void);
void	signals_end(void);
void	signals_status(sigset_t *signals);

/* For who cannot wait for these signals: after so many milliseconds, one of them that has come, but SIGCHLD; or 0. */
int	signals_look(const sigset_t *signals, int milliseconds);

/*
 * The watch: a thread that waits for the signals that would end spool (those that are not ignored), while all other
 * threads hold them back. When one comes, it passes it on to the children, waits until they have ended, lets clean()
 * remove what is not to stay behind and tell of the end, and ends the process by that signal. So the main thread can
 * block wherever it likes, and clean() may do what a signal handler may not.
 *
 *	signals_watch(clean, cookie)
 *	  signals_hold()		from here on the watch does not act,
 *	  make a file, note its name	so clean() never sees a half
 *	  signals_release()		and here it does again
 *	signals_stop()			the watch ends; the signals stay held back
 *	signals_unwatch()		instead, or after it: all is as it was before
 *
 * Holding nests. signals_hold() does not return if a signal has come already. What comes while it is held has
 * to wait; if it is never released again, it comes too late.
 *
 * SIGPIPE is held back as well: writing to a broken pipe is then an error, EPIPE, and no death.
 *
 * signals_watch() gives -1 with the errno of pthread_create(3) or sigaction(2).
 * Where there is no watch, holding blocks the same signals, and they act when released; stopping does nothing.
 * signals_stop() and signals_unwatch() may be called while held, and end that.
 */
int	signals_watch(void (*clean)(void *cookie, int signal), void *cookie);
void	signals_stop(void);
void	signals_unwatch(void);
void	signals_hold(void);
void	signals_release(void);

/* For a child: the signal mask that spool was started with, and the signals that it is to find as by default. */
void	signals_for_child(sigset_t *mask, sigset_t *defaults);

/* Sends the child a signal, and lets it run if it is stopped. */
void	signals_tell(pid_t child, int signal);

/* A child that the watch tells, to be called while held; there may be two. signals_wait() waits for its end. */
void	signals_add_child(pid_t child);

/* *status is as waitpid(2) gives it, whose errno comes with -1. Not to be called while held. */
int	signals_wait(pid_t child, int *status);

#endif
