/* message.h: diagnostics and the exit statuses. */
#ifndef MESSAGE_H
#define MESSAGE_H

enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,	/* I/O, memory, space */
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3,	/* by a gate */
	STATUS_NOT_RUNNABLE = 126,
	STATUS_NOT_FOUND = 127
};

/* The name that messages begin with, "spool" if never called; the caller keeps it. */
void	message_name(const char *new_name);

/* Called before each message from now on, by any thread: what stands on the line is to be wiped away. */
void	message_before(void (*function)(void));

/* Prints the name, ": ", the formatted text and a newline to standard error, in one write where it can. */
void	message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
