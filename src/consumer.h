/* consumer.h: with -f and without -o, COMMAND runs on the path of a file that has the stream. */
#ifndef CONSUMER_H
#define CONSUMER_H

struct job;

/* Runs COMMAND on job->named and waits for its end. Returns its exit status, 128+N if signal N ended it. */
int	consumer_run(struct job *job);

#endif
