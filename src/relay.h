/* relay.h: --stream: sends the stream on while it is read. */
#ifndef RELAY_H
#define RELAY_H

struct job;

/*
 * Checks what can be checked before the first byte, and makes the queue. An exit status, after a message.
 */
int	relay_begin(struct job *job);

/*
 * Reads the source to its end, and sends what comes to standard output or COMMAND. Returns an exit status, after a
 * message; that of COMMAND if there is one. end_by_sigpipe() is called if the reader of standard output has gone; if it
 * returns, that is an error like others. Only while there is a watch (signals.h).
 */
int	relay_run(struct job *job, void (*end_by_sigpipe)(void));

/* The watch calls this when all children have ended, and a signal is about to end spool: no file gets a name any more. */
void	relay_abandon(void);

/* Allowed also if relay_begin() was not called. */
void	relay_close(struct job *job);

#endif
