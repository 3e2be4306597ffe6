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

/* Sets the name that messages begin with, which is "spool" otherwise. The string must stay valid. */
void	message_name(const char *new_name);

/* Sets a function that is called before each message, by any thread, to wipe the progress line away. */
void	message_before(void (*function)(void));

/* Prints the name, ": ", the formatted text and a newline to standard error, in a single write(2). */
void	message(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
