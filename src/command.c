/* command.c: finds, executes and waits for COMMAND and CHECK. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <paths.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "signals.h"

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

/* The search that execvp(3) makes: every directory of PATH, an empty one being the current. */
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

		if (n >= 0 && n < PATH_MAX) {
			int failed = try_path(path);

			if (failed == 0)
				return 0;
			/* One that may not be run is worth telling of only if no other is found. */
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

	snprintf(text, sizeof(text), "%jd", (intmax_t)size);
	return setenv("SPOOL_SIZE", text, 1);
}

int
command_exec(const char *path, char **command, int stream)
{
	if (dup2(stream, STDIN_FILENO) == -1)
		return STATUS_FAILED;
	signals_end();
	/* With a slash in path it searches no more, but still gives scripts without #! to the shell. */
	execvp(path, command);
	return status_of(errno);
}

/* A copy of text with every {} replaced, to be freed. NULL: ENOMEM. */
static char *
replace_braces(const char *text, const char *replacement)
{
	size_t found = 0, length;
	char *copy, *end;

	for (const char *at = text; (at = strstr(at, "{}")) != NULL; at += 2)
		found++;
	length = strlen(text) + found * strlen(replacement) + 1;
	copy = end = malloc(length);
	if (copy == NULL)
		return NULL;
	while (*text != '\0') {
		if (strncmp(text, "{}", 2) == 0) {
			end = stpcpy(end, replacement);
			text += 2;
		} else {
			*end++ = *text++;
		}
	}
	*end = '\0';
	return copy;
}

/* Starts sh -c script with the descriptor stream as standard input. Returns 0 or an errno. */
static int
start(char *script, int stream, const sigset_t *mask, pid_t *child)
{
	char name[] = "sh", option[] = "-c";
	char *const arguments[] = { name, option, script, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		error = posix_spawn_file_actions_adddup2(&actions, stream, STDIN_FILENO);
		if (error == 0)
			error = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
		if (error == 0)
			error = posix_spawnattr_setsigmask(&attributes, mask);
		if (error == 0)
			error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
		if (error == 0)
			error = posix_spawn(child, _PATH_BSHELL, &actions, &attributes, arguments, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int
command_check(const char *check, int stream, int *status)
{
	char *script = replace_braces(check, "/dev/stdin");
	struct signals saved;
	pid_t child;
	int error, passed = 0;

	if (script == NULL)
		return -1;
	if (signals_hold(&saved) == -1) {
		error = errno;
	} else {
		error = start(script, stream, &saved.mask, &child);
		if (error == 0 && (passed = signals_wait(child, status)) == -1)
			error = errno;
		signals_restore(&saved);
	}
	free(script);
	if (passed > 0)
		signals_die(passed);
	errno = error;
	return error == 0 ? 0 : -1;
}
