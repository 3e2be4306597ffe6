/* streams.h: the standard streams, before spool opens anything. */
#ifndef STREAMS_H
#define STREAMS_H

struct job;

/*
 * A standard stream that is used must be open, in the right direction. The number of one that is closed and not used is
 * occupied, so that no file that spool opens can get it. An exit status, after a message.
 */
int	streams_hold(const struct job *job);

#endif
