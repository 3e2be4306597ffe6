/* job.h: what one run of spool works on, for main.c and the files that do a step of it. */
#ifndef JOB_H
#define JOB_H

#include <sys/types.h>

#include <stdbool.h>

struct named;
struct options;
struct spool;
struct spool_queue;
struct target;

/* Where the stream goes. */
enum sink {
	TO_STDOUT,
	TO_COMMAND,			/* COMMAND's standard input */
	TO_FILE				/* -o; COMMAND, if there is one, is the source */
};

struct job {
	const struct options *options;
	enum sink sink;
	bool makes_file;		/* with -f and -o: COMMAND makes the file of the stream, see product.h */
	bool check_has_path;		/* CHECK contains {}, which stands for the path of a file with the stream */
	struct spool *spool;
	struct spool_queue *queue;	/* with --stream, instead of the spool */
	struct target *target;		/* the file of -o, or NULL */
	struct named *named;		/* the file that {} stands for if it is not the target's; or NULL */
	struct named *product;		/* the file that COMMAND makes or edits, with -f and -o; or NULL */
	char *path;			/* of COMMAND, or NULL */
	int source;			/* the descriptor that the stream is read from */
	pid_t producer;			/* COMMAND if it is the source, or 0 */
};

#endif
