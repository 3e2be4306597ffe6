/*
 * queue.c: bytes on their way from one thread to another: in memory up to a limit, then in a file.
 *
 * The memory holds the older bytes, and the file the newer ones. So new bytes are put into memory only while none are in
 * the file. The lock guards everything but the contents of the file: those are written by the writer and read by the
 * reader without it, since the writer only writes beyond `to`, and the reader only reads below.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "fifo.h"
#include "io.h"
#include "memory.h"
#include "spill.h"
#include "spool.h"

/* Disk space is given back in pieces of this size: a call for each read would cost more than the read. */
#define HOLE_SIZE ((off_t)16 << 20)

struct spool_queue {
	struct spool_queue_options options;
	pthread_mutex_t lock;
	pthread_cond_t room;		/* the writer waits for it */
	pthread_cond_t bytes;		/* the reader waits for it */
	struct memory memory;		/* only for its limit, which may be automatic */
	struct fifo fifo;
	struct spill spill;
	off_t from, to;			/* the bytes of the file that wait */
	off_t freed;			/* below this offset the file has given its space back */
	unsigned gains;			/* how often the reader has made room, see wait_for_space() */
	struct spool_queue_state state;
	bool spilling;			/* the writer writes to the file, without the lock */
	bool punching;			/* the reader punches a hole into it, without the lock */
	bool idle;			/* the reader waits */
	bool ended;			/* by the writer */
	bool stopped;			/* by the reader */
};

struct spool_queue *
spool_queue_open(const struct spool_queue_options *options)
{
	const struct spool_options spill = { .directory = options->directory, .hold = options->hold,
	    .release = options->release, .spill_fd = -1 };
	struct spool_queue *queue;

	if (options->memory_limit < SPOOL_AUTOMATIC || options->backlog_limit <= 0) {
		errno = EINVAL;
		return NULL;
	}
	queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return NULL;
	queue->options = *options;
	memory_init(&queue->memory, options->memory_limit, false);
	(void)pthread_mutex_init(&queue->lock, NULL);	/* without attributes these cannot fail on Linux */
	(void)pthread_cond_init(&queue->room, NULL);
	(void)pthread_cond_init(&queue->bytes, NULL);
	if (spill_init(&queue->spill, &spill) == 0)
		return queue;
	spool_queue_close(queue);
	errno = ENOMEM;
	return NULL;
}

void
spool_queue_close(struct spool_queue *queue)
{
	if (queue == NULL)
		return;
	spill_discard(&queue->spill);	/* what it has was taken, or is given up */
	spill_free(&queue->spill);
	fifo_free(&queue->fifo);
	pthread_cond_destroy(&queue->bytes);
	pthread_cond_destroy(&queue->room);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

/*
 * What follows is called with the lock held, at first by either thread
 */

static off_t
waiting(const struct spool_queue *queue)
{
	return queue->fifo.size + queue->to - queue->from;
}

/* Gives all space back to the disk, when nothing waits in the file and the other thread does not use it. */
static void
empty_file(struct spool_queue *queue)
{
	if (queue->from != queue->to || queue->to == 0 || queue->spilling || queue->punching
	    || io_truncate(queue->spill.fd, 0) == -1)
		return;
	queue->from = queue->to = queue->freed = 0;
	queue->gains++;
}

/*
 * By the writer
 */

static void
note_arrival(struct spool_queue *queue)
{
	if (waiting(queue) > queue->state.most)
		queue->state.most = waiting(queue);
	pthread_cond_signal(&queue->bytes);
}

static size_t
at_most(size_t length, off_t limit)
{
	return limit < (off_t)length ? (size_t)limit : length;
}

/* Puts bytes into memory if they may be there. Returns how many, perhaps 0. */
static size_t
put_in_memory(struct spool_queue *queue, const char *data, size_t length)
{
	const off_t limit = memory_limit(&queue->memory, queue->fifo.size + (off_t)length);

	if (queue->from != queue->to || queue->fifo.size >= limit)
		return 0;
	return fifo_put(&queue->fifo, data, at_most(length, limit - queue->fifo.size));
}

/* Writes all of the bytes to the file. What a failed call has written does not count, and is written again. */
static int
put_in_file(struct spool_queue *queue, const char *data, size_t length)
{
	int error = 0;

	queue->spilling = true;
	pthread_mutex_unlock(&queue->lock);
	if ((queue->spill.fd == -1 && spill_open(&queue->spill) == -1)
	    || io_write_at(queue->spill.fd, data, length, queue->to) == -1)
		error = errno;
	pthread_mutex_lock(&queue->lock);
	queue->spilling = false;
	if (error != 0)
		return io_fail(error);
	queue->to += (off_t)length;
	queue->state.spilled += (off_t)length;
	return 0;
}

/* Whether the file can take more when the reader has taken what waits: a full disk, or the largest size of a file. */
static bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/*
 * Waits until the reader has made room, in the file or in memory, since there were so many gains; or for a second, since
 * others can make room on the disk, too.
 */
static void
wait_for_space(struct spool_queue *queue, unsigned gains)
{
	struct timespec end = { 0 };
	int error = 0;

	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec++;
	while (!queue->stopped && queue->gains == gains && waiting(queue) > 0 && error == 0)
		error = pthread_cond_timedwait(&queue->room, &queue->lock, &end);
}

static void
tell_full(struct spool_queue *queue, int error)
{
	if (queue->state.full)
		return;
	queue->state.full = true;
	if (queue->options.full == NULL)
		return;
	pthread_mutex_unlock(&queue->lock);
	queue->options.full(queue->options.cookie, error);
	pthread_mutex_lock(&queue->lock);
}

/* Returns how many bytes were put, perhaps 0 after a wait, or -1. */
static ssize_t
put_some(struct spool_queue *queue, const char *data, size_t length)
{
	const off_t room = queue->options.backlog_limit - waiting(queue);
	unsigned gains;
	size_t n;
	int error;

	if (room <= 0) {
		pthread_cond_wait(&queue->room, &queue->lock);
		return 0;
	}
	length = at_most(length, room);
	/* The reader leaves that to the writer while the writer writes. */
	empty_file(queue);
	gains = queue->gains;
	n = put_in_memory(queue, data, length);
	if (n > 0)
		return (ssize_t)n;
	if (put_in_file(queue, data, length) == 0)
		return (ssize_t)length;
	if (!is_full(errno))
		return -1;
	error = errno;
	/* With nothing to take, the reader cannot make room. The writer's bytes are in memory already. */
	if (waiting(queue) == 0) {
		n = fifo_put(&queue->fifo, data, length);
		return n > 0 ? (ssize_t)n : io_fail(ENOMEM);
	}
	tell_full(queue, error);
	wait_for_space(queue, gains);
	return 0;
}

/* After a failure of the file: what the writer has is put behind all else, in memory. */
static void
put_last(struct spool_queue *queue, const char *data, size_t length)
{
	while (waiting(queue) > 0 && !queue->stopped)
		pthread_cond_wait(&queue->room, &queue->lock);
	(void)fifo_put(&queue->fifo, data, length);	/* the caller learns that not all has arrived in any case */
	note_arrival(queue);
}

int
spool_queue_put(struct spool_queue *queue, const char *data, size_t length)
{
	int error = 0;

	pthread_mutex_lock(&queue->lock);
	while (length > 0 && !queue->stopped && error == 0) {
		const ssize_t n = put_some(queue, data, length);

		if (n == -1) {
			error = errno;
			put_last(queue, data, length);
		} else {
			note_arrival(queue);
			data += n;
			length -= (size_t)n;
		}
	}
	if (error == 0 && queue->stopped)
		error = EPIPE;
	pthread_mutex_unlock(&queue->lock);
	return error == 0 ? 0 : io_fail(error);
}

void
spool_queue_end(struct spool_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->ended = true;
	pthread_cond_signal(&queue->bytes);
	pthread_mutex_unlock(&queue->lock);
}

bool
spool_queue_is_idle(struct spool_queue *queue)
{
	bool idle;

	pthread_mutex_lock(&queue->lock);
	idle = queue->idle && waiting(queue) == 0;
	pthread_mutex_unlock(&queue->lock);
	return idle;
}

/*
 * What follows is called with the lock held, by the reader
 */

/* Whether there will never be holes in this file. */
static bool
has_no_holes(int error)
{
	return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EPERM;
}

static void
punch_hole(struct spool_queue *queue)
{
	const off_t from = queue->freed, to = queue->from;
	int error = 0;

	queue->punching = true;
	pthread_mutex_unlock(&queue->lock);
	if (io_punch_hole(queue->spill.fd, from, to) == -1)
		error = errno;
	pthread_mutex_lock(&queue->lock);
	queue->punching = false;
	if (error == 0)
		queue->gains++;
	/* Where it never works, the space is given back when nothing waits in the file; else it is tried again. */
	if (error == 0 || has_no_holes(error))
		queue->freed = to;
}

/* Gives the space of bytes that were taken back to the disk. */
static void
give_back(struct spool_queue *queue)
{
	empty_file(queue);
	if (queue->from - queue->freed >= HOLE_SIZE)
		punch_hole(queue);
}

static ssize_t
get_from_file(struct spool_queue *queue, char *data, size_t length)
{
	int error = 0;

	length = at_most(length, queue->to - queue->from);
	pthread_mutex_unlock(&queue->lock);
	if (io_read_at(queue->spill.fd, data, length, queue->from) == -1 || spill_check(&queue->spill) == -1)
		error = errno;
	pthread_mutex_lock(&queue->lock);
	if (error != 0)
		return io_fail(error);
	queue->from += (off_t)length;
	give_back(queue);
	return (ssize_t)length;
}

ssize_t
spool_queue_get(struct spool_queue *queue, char *data, size_t length)
{
	ssize_t n = 0;
	int error;

	pthread_mutex_lock(&queue->lock);
	queue->idle = true;
	while (waiting(queue) == 0 && !queue->ended)
		pthread_cond_wait(&queue->bytes, &queue->lock);
	queue->idle = false;
	if (queue->fifo.size > 0) {
		n = (ssize_t)fifo_get(&queue->fifo, data, length);
		if (queue->from == queue->to)
			queue->gains++;
	} else if (queue->from != queue->to) {
		n = get_from_file(queue, data, length);
	}
	error = errno;
	if (n > 0)
		pthread_cond_signal(&queue->room);
	pthread_mutex_unlock(&queue->lock);
	errno = error;
	return n;
}

void
spool_queue_stop(struct spool_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stopped = true;
	pthread_cond_signal(&queue->room);
	pthread_mutex_unlock(&queue->lock);
}

void
spool_queue_look(struct spool_queue *queue, struct spool_queue_state *state)
{
	pthread_mutex_lock(&queue->lock);
	*state = queue->state;
	state->in_memory = queue->fifo.size;
	state->on_disk = queue->to - queue->from;
	pthread_mutex_unlock(&queue->lock);
}

bool
spool_queue_spills_to_memory(const struct spool_queue *queue)
{
	return queue->spill.fd != -1 && spill_is_in_memory(queue->spill.fd);
}

const char *
spool_queue_leftover(const struct spool_queue *queue)
{
	return queue->spill.leftover;
}
