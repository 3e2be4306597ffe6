/* ending.h: the last line of a stream, which says that the stream is whole. */
#ifndef ENDING_H
#define ENDING_H

#include <sys/types.h>

struct job;
struct options;

/* The most bytes that a stream may have with its last line: see struct spool_options, size_limit. */
off_t	ending_limit(const struct options *options);

/* Takes the last line off the complete stream. STATUS_REFUSED, after a message: there is another one. */
int	ending_take_off(const struct job *job);

#endif
