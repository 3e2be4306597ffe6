/* private.h: makes and removes a private directory for a named file, and reports what fails. */
#ifndef PRIVATE_H
#define PRIVATE_H

struct job;
struct named;

/*
 * Makes *named (named_create()) for a file called name: in directory, called as template; or, if directory is NULL, in
 * the spill directory. Only while there is a watch. An exit status.
 */
int	private_begin(struct job *job, struct named **named, const char *directory, const char *template, const char *name);

/* Removes the private directory, and reports it if that fails. Not to be called while the watch could do the same. */
void	private_remove(struct named *named);

/* The same, and frees *named, which is NULL then. */
void	private_end(struct named **named);

#endif
