/* report.h: what several steps have to say of COMMAND, and of what has become of the stream. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

struct job;

/* What has become of the stream or the file while nothing has been released, for the end of a message. */
const char *report_state(const struct job *job);

/*
 * Whether the shell script has succeeded. status is as waitpid(2) gives it. what: "check" or "trial". Otherwise why says
 * what has happened, for the beginning of a message.
 */
enum { REPORT_WHY = 320 };
bool	report_verdict(const char *what, const char *script, int status, char why[REPORT_WHY]);

/* COMMAND cannot be found or started. status and errno: of the function of command.h that failed. */
void	report_command(const struct job *job, int status, const char *state);

/* The same for a COMMAND that was found before the stream was read. */
void	report_start(const struct job *job, int status);

#endif
