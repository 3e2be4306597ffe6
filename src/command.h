/* command.h: finds and runs COMMAND and CHECK. */
#ifndef COMMAND_H
#define COMMAND_H

#include <sys/types.h>

/*
 * Looks for the program name as execvp(3) does. Returns STATUS_DONE with *path, to be freed, which contains a slash; or
 * STATUS_FAILED (ENOMEM), STATUS_NOT_FOUND or STATUS_NOT_RUNNABLE, with errno.
 */
int	command_find(const char *name, char **path);

/* Sets SPOOL_SIZE in the environment of the programs that are run from now on. -1: ENOMEM. */
int	command_set_size(off_t size);

/* Removes it: the size is not known. */
void	command_clear_size(void);

/*
 * Replaces this process by the program path with the arguments command, with the descriptor stream as its
 * standard input. Returns only if that fails: STATUS_FAILED, STATUS_NOT_FOUND or STATUS_NOT_RUNNABLE, with errno.
 */
int	command_exec(const char *path, char **command, int stream);

/*
 * Starts the program path with the arguments command and a pipe as its standard output. The caller reads from *output
 * and closes it, and waits for the child by signals_wait(). Returns STATUS_DONE; or STATUS_FAILED, STATUS_NOT_FOUND or
 * STATUS_NOT_RUNNABLE, with errno. Only while there is a watch (signals.h).
 */
int	command_start(const char *path, char **command, int *output, pid_t *child);

/* The same with a pipe as its standard input, which the caller writes to by *input. Its standard output is that of
   spool. */
int	command_start_with_pipe(const char *path, char **command, int *input, pid_t *child);

/*
 * Starts the program path with the arguments command; stream, if not -1, is its standard input. Its standard output is
 * that of spool. As command_start() in all else.
 */
int	command_start_with_path(const char *path, char **command, int stream, pid_t *child);

/*
 * A copy of the arguments command, in which file stands for {} (braces.h). One free(3) frees all of it. NULL: ENOMEM.
 */
char	**command_fill(char **command, const char *file);

/*
 * Runs check by sh -c and waits for its end. Its standard input is the descriptor stream; its standard output goes to
 * standard error. {} in check stands for path, which may be NULL if there is no {}. Returns 0 with *status as
 * waitpid(2) sets it, or -1 with errno. Only while there is a watch.
 */
int	command_check(const char *check, const char *path, int stream, int *status);

#endif
