/* counts.c: the bytes, phases and seconds that the progress line, -v and --stats show. */
#include <config.h>

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "counts.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	struct counts now;			/* its seconds are not kept */
	double began;				/* the phase */
	bool running;				/* a phase has begun and not ended */
	double seconds[COUNTS_PHASES];		/* of the phases that have ended; else negative */
} state = { .now = { .most = -1 }, .seconds = { -1, -1, -1, -1, -1, -1 } };

static double
clock_seconds(void)
{
	struct timespec time = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void
counts_begin(enum counts_phase phase)
{
	pthread_mutex_lock(&lock);
	state.now.phase = phase;
	state.began = clock_seconds();
	state.running = true;
	pthread_mutex_unlock(&lock);
}

void
counts_soaked(off_t bytes, off_t in_memory)
{
	pthread_mutex_lock(&lock);
	state.now.soaked = bytes;
	state.now.in_memory = in_memory;
	pthread_mutex_unlock(&lock);
}

void
counts_spilled(const char *directory, bool in_memory)
{
	pthread_mutex_lock(&lock);
	state.now.spill_directory = directory;
	state.now.spill_in_memory = in_memory;
	pthread_mutex_unlock(&lock);
}

void
counts_moved(void *unused, off_t bytes)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	state.now.moved = bytes;
	pthread_mutex_unlock(&lock);
}

void
counts_waiting(off_t on_disk, off_t most)
{
	pthread_mutex_lock(&lock);
	state.now.on_disk = on_disk;
	state.now.most = most;
	pthread_mutex_unlock(&lock);
}

void
counts_enter(enum counts_phase phase)
{
	const double now = clock_seconds();

	pthread_mutex_lock(&lock);
	state.seconds[state.now.phase] = now - state.began;
	state.began = now;
	state.now.phase = phase;
	state.now.moved = 0;
	pthread_mutex_unlock(&lock);
}

void
counts_end(void)
{
	pthread_mutex_lock(&lock);
	if (state.running)
		state.seconds[state.now.phase] = clock_seconds() - state.began;
	state.running = false;
	pthread_mutex_unlock(&lock);
}

void
counts_look(struct counts *counts)
{
	pthread_mutex_lock(&lock);
	*counts = state.now;
	counts->seconds = clock_seconds() - state.began;
	pthread_mutex_unlock(&lock);
}

double
counts_seconds(enum counts_phase phase)
{
	double seconds;

	pthread_mutex_lock(&lock);
	seconds = state.seconds[phase];
	pthread_mutex_unlock(&lock);
	return seconds;
}
