/* ending.h: the last line of a stream, which says that the stream is whole. */
#ifndef ENDING_H
#define ENDING_H

struct job;

/* Takes the last line off the complete stream. STATUS_REFUSED, after a message: there is another one. */
int	ending_take_off(const struct job *job);

#endif
