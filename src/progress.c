/* progress.c: the summary of -v. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "message.h"
#include "progress.h"
#include "size.h"

double
progress_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void
progress_summary(const struct figures *figures)
{
	char total[SIZE_TEXT], memory[SIZE_TEXT], spilled[SIZE_TEXT], replay[48] = "";

	size_format(total, figures->bytes);
	size_format(memory, figures->memory_bytes);
	size_format(spilled, figures->bytes - figures->memory_bytes);
	if (figures->replay_seconds >= 0)
		(void)snprintf(replay, sizeof(replay), ", replayed in %.3f s", figures->replay_seconds);
	if (figures->spill_directory != NULL)
		message("%jd bytes (%s): %s in memory, %s in %s; soaked in %.3f s%s", (intmax_t)figures->bytes,
		    total, memory, spilled, figures->spill_directory, figures->soak_seconds, replay);
	else
		message("%jd bytes (%s), all in memory; soaked in %.3f s%s", (intmax_t)figures->bytes, total,
		    figures->soak_seconds, replay);
}
