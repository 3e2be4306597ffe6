/* consumer.h: COMMAND as a reader that spool waits for, with -f or --stream. */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <sys/types.h>

struct job;

/* Runs COMMAND on job->named and waits for its end. Returns its exit status, 128+N if signal N ended it. */
int	consumer_run(struct job *job);

/* Waits for the end of a COMMAND that was started. Returns the same. */
int	consumer_end(const struct job *job, pid_t child);

#endif
