/*
 * pace.c: how long a pipe is left alone, so that it is read in larger pieces.
 *
 * A reader that waits in read(2) is woken up by the first byte, and its writer pays for that. Nobody waits for the
 * first byte of a stream that is soaked.
 */
#include <config.h>

#include <poll.h>
#include <stdint.h>

#include "pace.h"

/* Bytes. Writers of large pieces fill the pipe too fast. */
#define LARGE ((size_t)64 << 10)

/* Nanoseconds. Longer waits let the pipe run full, because the system wakes this process up late. */
#define LONGEST_WAIT ((int64_t)500000)

/* Bytes. A wait that brings less is not worth its system call. */
#define LEAST_GAIN ((int64_t)16 << 10)

#ifdef HAVE_PPOLL
/* poll(2) without events returns when all writers have closed the pipe, or after this time. */
static void
wait_for_writers(int pipe, int64_t nanoseconds)
{
	struct pollfd descriptor = { .fd = pipe };
	const struct timespec time = { .tv_nsec = (long)nanoseconds };

	(void)ppoll(&descriptor, 1, &time, NULL);	/* a failure only makes the next piece smaller */
}
#else
static void
wait_for_writers(int pipe, int64_t nanoseconds)
{
	(void)pipe, (void)nanoseconds;
}
#endif

static int64_t
since(const struct timespec *then, const struct timespec *now)
{
	return (int64_t)(now->tv_sec - then->tv_sec) * 1000000000 + now->tv_nsec - then->tv_nsec;
}

void
pace_begin(struct pace *pace, int pipe, size_t capacity)
{
	pace->pipe = pipe;
	pace->wanted = capacity / 2;
	(void)clock_gettime(CLOCK_MONOTONIC, &pace->last);
}

void
pace_wait(struct pace *pace, size_t length)
{
	const struct timespec last = pace->last;
	int64_t taken, needed;

	if (pace->wanted < LARGE)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &pace->last);
	taken = since(&last, &pace->last);
	if (length >= LARGE || taken >= LONGEST_WAIT * (int64_t)length / LEAST_GAIN)
		return;
	needed = (int64_t)pace->wanted * taken / (int64_t)length;
	wait_for_writers(pace->pipe, needed < LONGEST_WAIT ? needed : LONGEST_WAIT);
}
