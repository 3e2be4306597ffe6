/* engine.h: the spool of a job, from its options to its end. libspool/spool.h is the engine itself. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

struct job;

/*
 * Makes job->spool, which spills where the sink wants it. filled: the target's staged file has the stream already. An
 * exit status, after a message.
 */
int	engine_open(struct job *job, bool filled);

/* Notes where the whole stream is, for the progress line and the figures, if engine_soak() has not done that. */
void	engine_count(struct job *job);

/* Reads the source to its end. An exit status, after a message; STATUS_REFUSED: the stream is longer than -l allows. */
int	engine_soak(struct job *job);

/* Says that the stream is longer than -l allows. STATUS_REFUSED. */
int	engine_refuse_length(const struct job *job);

/* Makes sure that the file that {} stands for has the whole stream, which does not change any more. -1 after a
   message. */
int	engine_complete_named(const struct job *job);

/* Allowed also if engine_open() was not called, or has failed. */
void	engine_close(const struct job *job);

/*
 * To "read" or "write" the stream, in memory or in the spill file, has failed with errno. state ends the message, and
 * says what has become of the stream.
 */
void	engine_report(const struct job *job, const char *doing, const char *state);

/* The same for spool_seal(): CHECK or COMMAND cannot have the stream as its standard input. */
void	engine_report_seal(const struct job *job, const char *state);

#endif
