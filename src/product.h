/* product.h: with -f and -o, the file that COMMAND makes or edits: in a private directory, until it is the stream. */
#ifndef PRODUCT_H
#define PRODUCT_H

struct job;

/*
 * Makes the private directory, with --edit also a copy of the old file in it, and starts COMMAND on the path. Only while
 * there is a watch, and with a prepared target. An exit status.
 */
int	product_begin(struct job *job);

/*
 * Waits for COMMAND, and ends it if the file gets longer than -l. Then makes the file that it has left the stream: the
 * engine is opened. Removes the private directory. An exit status.
 */
int	product_soak(struct job *job);

#endif
