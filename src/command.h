/* command.h: COMMAND and CHECK. */
#ifndef COMMAND_H
#define COMMAND_H

#include <sys/types.h>

/*
 * Looks for name as execvp(3) does. STATUS_DONE with *path, to be freed, which has a slash in it; or STATUS_FAILED
 * (ENOMEM), STATUS_NOT_FOUND or STATUS_NOT_RUNNABLE with errno.
 */
int	command_find(const char *name, char **path);

/* Sets SPOOL_SIZE in the environment of what is run from now on. -1: ENOMEM. */
int	command_set_size(off_t size);

/*
 * Replaces this process by the program path with the arguments command, with the descriptor stream as its
 * standard input. Returns only if that fails: STATUS_FAILED, STATUS_NOT_FOUND or STATUS_NOT_RUNNABLE, with errno.
 */
int	command_exec(const char *path, char **command, int stream);

/*
 * Starts the program path with the arguments command and its standard output a pipe, *output being the end to
 * read from, the caller's to close. signals_wait() waits for the child. STATUS_DONE; or STATUS_FAILED,
 * STATUS_NOT_FOUND or STATUS_NOT_RUNNABLE, with errno. Only while there is a watch (signals.h).
 */
int	command_start(const char *path, char **command, int *output, pid_t *child);

/*
 * Runs check by sh -c, with the descriptor stream as its standard input and its standard output going to standard error.
 * {} in check stands for path, which may be NULL if there is none. Returns 0 with *status as waitpid(2) gives it, or -1
 * with errno. Only while there is a watch.
 */
int	command_check(const char *check, const char *path, int stream, int *status);

#endif
