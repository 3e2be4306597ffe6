/* options.h: the command line, as one structure. Parsing knows nothing of the work. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/types.h>

#include <stdbool.h>

struct options {
	off_t memory;			/* -m, in bytes; SPOOL_UNLIMITED: never spill; SPOOL_AUTOMATIC: not given */
	bool stream;			/* -s */
	off_t backlog;			/* --backlog, in bytes; SPOOL_UNLIMITED: none */
	const char *end;		/* -e, or NULL */
	off_t limit;			/* -l, in bytes; SPOOL_UNLIMITED: none */
	const char *limit_text;		/* -l as it was given */
	const char *directory;		/* -T, or NULL */
	const char *check;		/* -c, or NULL */
	const char *output;		/* -o, or NULL */
	const char *backup;		/* -b: the suffix, or NULL */
	bool append;			/* -a */
	bool overwrite;			/* -w */
	bool fall_back;			/* as sponge: overwrite what cannot be replaced */
	bool if_changed;		/* -u */
	int unchanged_status;		/* --unchanged-status, or 0 */
	bool guard;			/* -g */
	bool no_clobber;		/* --no-clobber */
	bool file;			/* -f, or what implies it: {} in COMMAND is the path of a file */
	const char *name;		/* --name, or NULL */
	bool edit;			/* --edit */
	bool no_sync;			/* --no-sync */
	const char *trial;		/* --try, or NULL */
	bool skip_empty;		/* -n */
	bool progress;			/* -p */
	const char *stats;		/* --stats, or NULL */
	bool verbose;			/* -v */
	bool ignore_epipe;		/* --ignore-epipe */
	char **command;			/* COMMAND and its arguments, or NULL; with -o it is the source */
};

/* Fills options from the command line. Exits after -h and -V, and with STATUS_USAGE after the message of an error. */
void	options_parse(struct options *options, int argc, char **argv);

#endif
