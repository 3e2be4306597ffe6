/*
 * progress.h: shows how far the work has come: the line of -p, and the answer to SIGUSR1.
 *
 *	progress_begin()	before the soak
 *	progress_soaked()	...
 *	progress_enter()	each time that another phase begins
 *	progress_end()		wipes the line away; only an answer that is being printed may still come
 *
 * They also count (counts.h); counts_moved() is called directly. A thread prints, so that a source that pauses does not
 * stop the line, and a stopped terminal does not stop the data. The thread waits for the signals of signals_status(),
 * which all threads block. Where there can be no thread, nothing is printed.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <sys/types.h>

#include <stdbool.h>

#include "counts.h"

/*
 * The first phase begins: the descriptor source is read. show: -p, a line on standard error. Without -p the thread is
 * started only when there will be time to ask (see PAUSE in progress.c).
 */
void	progress_begin(bool show, int source, enum counts_phase phase);

/* So many bytes have been soaked up until now, and so many of them are in memory. */
void	progress_soaked(off_t bytes, off_t in_memory);

void	progress_enter(enum counts_phase phase);

void	progress_end(void);

#endif
