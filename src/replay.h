/* replay.h: sends the stream to standard output. */
#ifndef REPLAY_H
#define REPLAY_H

struct job;

/* An exit status, after a message. SIGPIPE may end spool, as it ends other filters. */
int	replay(const struct job *job);

#endif
