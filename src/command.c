/* command.c: finds, executes and waits for COMMAND and CHECK. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <paths.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "braces.h"
#include "command.h"
#include "io.h"
#include "message.h"
#include "signals.h"

/* NOLINTNEXTLINE(readability-redundant-declaration): POSIX leaves it to the program, glibc does not */
extern char **environ;

static int
status_of(int error)
{
	return error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
}

/* 0 if path is a file that may be executed, else an errno. */
static int
try_path(const char *path)
{
	struct stat file;

	if (stat(path, &file) == -1 || access(path, X_OK) == -1)
		return errno;
	if (S_ISDIR(file.st_mode))
		return EISDIR;
	return S_ISREG(file.st_mode) ? 0 : EACCES;
}

/* Searches as execvp(3) does: in every directory of PATH. An empty entry is the current directory. */
static int
search_path(const char *name, char path[PATH_MAX])
{
	const char *directory = getenv("PATH");
	int error = ENOENT;

	if (directory == NULL)
		directory = _PATH_DEFPATH;
	for (;;) {
		size_t length = strcspn(directory, ":");
		int n = snprintf(path, PATH_MAX, "%.*s/%s", length > 0 ? (int)length : 1,
		    length > 0 ? directory : ".", name);

		if ((size_t)n < PATH_MAX) {
			int failed = try_path(path);

			if (failed == 0)
				return 0;
			/* A file that may not be executed is reported only if no other is found. */
			if (failed == EACCES)
				error = failed;
		}
		if (directory[length] == '\0')
			return error;
		directory += length + 1;
	}
}

int
command_find(const char *name, char **path)
{
	char found[PATH_MAX];
	int error = ENOENT;

	if (strchr(name, '/') != NULL)
		error = strlcpy(found, name, sizeof(found)) < sizeof(found) ? try_path(name) : ENAMETOOLONG;
	else if (*name != '\0')
		error = search_path(name, found);
	errno = error;
	if (error != 0)
		return status_of(error);
	*path = strdup(found);
	return *path == NULL ? STATUS_FAILED : STATUS_DONE;
}

int
command_set_size(off_t size)
{
	char text[3 * sizeof(size) + 1];

	(void)snprintf(text, sizeof(text), "%jd", (intmax_t)size);
	return setenv("SPOOL_SIZE", text, 1);
}

void
command_clear_size(void)
{
	(void)unsetenv("SPOOL_SIZE");	/* fails only for an invalid name */
}

/* The arguments for the shell that runs a script without #!, to be freed. NULL: ENOMEM. */
static char **
script_arguments(const char *path, char **command)
{
	static char name[] = "sh";
	char **arguments;
	size_t count = 1;

	while (command[count] != NULL)
		count++;
	arguments = calloc(count + 2, sizeof(*arguments));
	if (arguments == NULL)
		return NULL;
	arguments[0] = name;
	arguments[1] = (char *)path;	/* execv(3) does not change it */
	memcpy(arguments + 2, command + 1, (count - 1) * sizeof(*arguments));
	return arguments;
}

int
command_exec(const char *path, char **command, int stream)
{
	char **script = NULL;
	int error;

	if (dup2(stream, STDIN_FILENO) == -1)
		return STATUS_FAILED;
	signals_end();
	execv(path, command);
	/* execvp(3) would do this, but not in every C library. */
	if (errno == ENOEXEC && (script = script_arguments(path, command)) != NULL)
		execv(_PATH_BSHELL, script);
	error = errno;
	free(script);
	errno = error;
	return status_of(error);
}

/*
 * Starts the program path with the descriptors input and output as its standard input and output, and registers it with
 * the watch (signals.h). Returns 0 or an errno.
 */
static int
spawn(const char *path, char *const *arguments, int input, int output, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t mask, defaults;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	signals_for_child(&mask, &defaults);
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		if (input != STDIN_FILENO)
			error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
		if (error == 0 && output != STDOUT_FILENO)
			error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
		if (error == 0)
			error = posix_spawnattr_setsigmask(&attributes, &mask);
		if (error == 0)
			error = posix_spawnattr_setsigdefault(&attributes, &defaults);
		if (error == 0)
			error = posix_spawnattr_setflags(&attributes,
			    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
		if (error == 0) {
			signals_hold();
			error = posix_spawn(child, path, &actions, &attributes, arguments, environ);
			if (error == 0)
				signals_add_child(*child);
			signals_release();
		}
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* As spawn(). The shell runs a script without #!, as with execvp(3). */
static int
spawn_any(const char *path, char **command, int input, int output, pid_t *child)
{
	int error = spawn(path, command, input, output, child);
	char **arguments;

	if (error != ENOEXEC)
		return error;
	arguments = script_arguments(path, command);
	if (arguments == NULL)
		return errno;
	error = spawn(_PATH_BSHELL, arguments, input, output, child);
	free(arguments);
	return error;
}

/* What an errno of spawn_any() is for the caller. */
static int
status_of_spawn(int error)
{
	errno = error;
	/* There can be no new process, whatever the program. */
	return error == EAGAIN || error == ENOMEM ? STATUS_FAILED : status_of(error);
}

/* Starts the program with a pipe as its standard input or output, of which *ours is the other end. */
static int
start_with_pipe(const char *path, char **command, bool as_input, int *ours, pid_t *child)
{
	const int theirs = as_input ? 0 : 1;
	int ends[2], error;

	if (io_pipe(ends) == -1)
		return STATUS_FAILED;
	error = as_input ? spawn_any(path, command, ends[0], STDOUT_FILENO, child)
	    : spawn_any(path, command, STDIN_FILENO, ends[1], child);
	(void)close(ends[theirs]);	/* nothing was written to it */
	if (error != 0) {
		(void)close(ends[1 - theirs]);	/* nor to this */
		return status_of_spawn(error);
	}
	*ours = ends[1 - theirs];
	return STATUS_DONE;
}

int
command_start(const char *path, char **command, int *output, pid_t *child)
{
	return start_with_pipe(path, command, false, output, child);
}

int
command_start_with_pipe(const char *path, char **command, int *input, pid_t *child)
{
	return start_with_pipe(path, command, true, input, child);
}

int
command_start_with_path(const char *path, char **command, int stream, pid_t *child)
{
	const int error = spawn_any(path, command, stream == -1 ? STDIN_FILENO : stream, STDOUT_FILENO, child);

	return error == 0 ? STATUS_DONE : status_of_spawn(error);
}

char **
command_fill(char **command, const char *file)
{
	size_t count = 1, size = strlen(command[0]) + 1;
	char **filled, *text;

	for (; command[count] != NULL; count++)
		size += braces_room(command[count], file);
	filled = malloc((count + 1) * sizeof(*filled) + size);
	if (filled == NULL)
		return NULL;
	/* The texts are behind the list. */
	text = (char *)(filled + count + 1);
	filled[0] = text;
	text = stpcpy(text, command[0]) + 1;
	for (size_t i = 1; i < count; i++) {
		filled[i] = text;
		text = braces_fill(command[i], file, text);
	}
	filled[count] = NULL;
	return filled;
}

int
command_check(const char *check, const char *path, int stream, int *status)
{
	char name[] = "sh", option[] = "-c", end[] = "--";	/* CHECK may begin with a hyphen */
	char *script = braces_expand(check);
	char *const arguments[] = { name, option, end, script, NULL };
	pid_t child = 0;
	int error = ENOMEM;

	if (script != NULL && (path == NULL || setenv(BRACES_VARIABLE, path, 1) == 0))
		error = spawn(_PATH_BSHELL, arguments, stream, STDERR_FILENO, &child);
	free(script);
	(void)unsetenv(BRACES_VARIABLE);	/* fails only for an invalid name */
	if (error == 0 && signals_wait(child, status) == -1)
		error = errno;
	errno = error;
	return error == 0 ? 0 : -1;
}
