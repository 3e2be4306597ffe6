/* fingerprint.h: finds out whether a file has changed. */
#ifndef FINGERPRINT_H
#define FINGERPRINT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct fingerprint {
	off_t size;
	bool timed;		/* on this file system every change gives the file a new time of change (ctime) */
	struct timespec changed;	/* that time */
	bool summed;
	uint64_t sum;		/* checksum of the contents */
};

/*
 * Takes the fingerprint of a file of size bytes. fd must be open for reading; its offset stays. If the time of change
 * can be trusted, this waits a few milliseconds until the clock has moved on, since a change within the same tick would
 * not show. Else it reads the file for a checksum of the contents. sum: computes the checksum in any case, since a new
 * mode or name changes the time as well. 0, or -1: errno of fstat(2), pread(2).
 */
int	 fingerprint_take(int fd, off_t size, bool sum, struct fingerprint *fingerprint);

/* Whether the contents are the same as then: 1 yes, 0 no. -1: as fingerprint_take(). */
int	 fingerprint_matches(int fd, const struct fingerprint *fingerprint);

#endif
