/* fingerprint.h: tells whether a file is still what it was. */
#ifndef FINGERPRINT_H
#define FINGERPRINT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct fingerprint {
	off_t size;
	bool timed;		/* every change gives the file another time of change (ctime) */
	struct timespec changed;
	bool summed;
	uint64_t sum;		/* of the contents */
};

/*
 * Notes what the file is, of size bytes. fd: open for reading; its offset stays. Where the time of change can be
 * trusted, waits until the clock has moved on, since a change within the same tick would not show: a few milliseconds.
 * Elsewhere reads the file and sums up its contents; sum: there, too, since a new mode or name changes the time as
 * well. 0, or -1: errno of fstat(2), pread(2).
 */
int	 fingerprint_take(int fd, off_t size, bool sum, struct fingerprint *fingerprint);

/* Whether the contents are the same: 1 yes, 0 no. -1: as fingerprint_take(). */
int	 fingerprint_matches(int fd, const struct fingerprint *fingerprint);

#endif
