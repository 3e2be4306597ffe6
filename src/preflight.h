/* preflight.h: what can be checked before anything is begun. Each check gives an exit status, after a message. */
#ifndef PREFLIGHT_H
#define PREFLIGHT_H

struct job;

/* There are enough descriptors, COMMAND is found (job->path), and the directory of the spill file can be used. */
int	preflight_check(struct job *job);

/* A file can be made in the directory. A message warns if others could write into that file. */
int	preflight_check_directory(const char *directory);

#endif
