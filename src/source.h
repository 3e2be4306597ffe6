/* source.h: what the stream is read from: standard input or, with -o, the output of COMMAND. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>

struct job;

bool	source_is_command(const struct job *job);

/* For messages. */
const char *source_name(const struct job *job);

/* Starts COMMAND if it is the source. An exit status, after a message. There must be a watch (signals.h) then. */
int	source_begin(struct job *job);

/*
 * Waits for COMMAND. status: of the work until now. If that has failed, COMMAND is told to end, and status is
 * returned; else COMMAND's own exit status, 128+N if signal N ended it. Both after a message, unless it is STATUS_DONE.
 */
int	source_end(const struct job *job, int status);

#endif
