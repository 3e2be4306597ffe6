/* gate.h: CHECK, which decides whether the stream is released. */
#ifndef GATE_H
#define GATE_H

struct job;

/*
 * Lets CHECK read the complete stream, and looks whether CHECK has changed it. STATUS_DONE; or, after a message,
 * STATUS_REFUSED or STATUS_FAILED. Only while there is a watch (signals.h).
 */
int	gate_check(const struct job *job);

#endif
