/*
 * ring.c: direct I/O, past the page cache: a ring of buffers between the caller and the I/O threads.
 *
 * A window moves over the file, in segments that begin at multiples of SEGMENT_SIZE. So a byte's offset in the file
 * determines its address in the ring.
 *
 *	           tail                           submitted                     head
 *	writing    [ the threads write these      )[ the caller has filled this )
 *	reading    [ the threads read these, the  )[ to be read, as far as the  )
 *	             caller takes the first         ring has space
 *
 * Direct I/O needs aligned offsets and lengths. The first and the last segment may be unaligned, and then go through
 * the page cache. After the first failure the ring moves nothing more; no byte is lost, and the caller goes on without
 * it.
 */
#include <config.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "io.h"
#include "memory.h"
#include "ring.h"
#include "spill.h"

#if HAVE_DECL_O_DIRECT
#define DIRECT_FLAG O_DIRECT
#else
#define DIRECT_FLAG 0
#endif

/*
 * Two segments to fill while each thread writes one; together one huge page, and with the threads' stacks below the
 * 4 MiB that spool may use besides the memory part. 6 GiB took 8.0 s, with three segments 9.1, with four of 384 KiB
 * 9.3; with eight of 1 MiB no less.
 */
#define SEGMENT_SIZE ((size_t)512 << 10)
#define SEGMENTS 4
#define RING_SIZE (SEGMENTS * SEGMENT_SIZE)
#define THREADS 2

/* The threads need little stack. For one of 2 MiB, the kernel might allocate a whole huge page. */
#define STACK_SIZE ((size_t)256 << 10)

enum state { DONE, WAITING, BUSY };	/* DONE is also the state of a segment that was never used */

/* Bytes [at, at + length) of the file. */
struct segment {
	off_t at;
	size_t length;
	enum state state;
};

struct ring {
	int file;		/* the caller's descriptor */
	int direct_fd;		/* the same file, open for direct I/O */
	off_t alignment;	/* of offsets and lengths */
	bool writing;
	char *memory;
	off_t tail, head;
	off_t submitted;	/* the threads may move [tail, submitted) */

	pthread_mutex_t lock;	/* for all below, while there are threads */
	pthread_cond_t work, done;
	struct segment segments[SEGMENTS];
	size_t next;		/* the segment to be moved next */
	int error;		/* of the first segment that failed, or 0 */
	bool stop;
	pthread_t threads[THREADS];
	int thread_count;
};

static struct segment *
segment_at(struct ring *ring, off_t at)
{
	return &ring->segments[at / (off_t)SEGMENT_SIZE % SEGMENTS];
}

static char *
address_of(const struct ring *ring, off_t at)
{
	return ring->memory + at % (off_t)RING_SIZE;
}

static off_t
segment_end(off_t at)
{
	return (at / (off_t)SEGMENT_SIZE + 1) * (off_t)SEGMENT_SIZE;
}

/* Writes or reads a segment. Needs no lock: a busy segment belongs to its thread. */
static int
move_segment(const struct ring *ring, const struct segment *segment)
{
	const bool aligned = segment->at % ring->alignment == 0 && (off_t)segment->length % ring->alignment == 0;
	const int fd = aligned ? ring->direct_fd : ring->file;

	if (ring->writing)
		return io_write_at(fd, address_of(ring, segment->at), segment->length, segment->at);
	return io_read_at(fd, address_of(ring, segment->at), segment->length, segment->at);
}

static void *
run_thread(void *cookie)
{
	struct ring *ring = cookie;

	(void)pthread_mutex_lock(&ring->lock);
	for (;;) {
		struct segment *segment = &ring->segments[ring->next];
		int error;

		if (ring->stop || ring->error != 0)
			break;
		if (segment->state != WAITING) {
			(void)pthread_cond_wait(&ring->work, &ring->lock);
			continue;
		}
		ring->next = (ring->next + 1) % SEGMENTS;
		segment->state = BUSY;
		(void)pthread_mutex_unlock(&ring->lock);
		error = move_segment(ring, segment) == 0 ? 0 : errno;
		(void)pthread_mutex_lock(&ring->lock);
		if (error == 0)
			segment->state = DONE;
		else if (ring->error == 0)
			ring->error = error;
		(void)pthread_cond_signal(&ring->done);
	}
	(void)pthread_mutex_unlock(&ring->lock);
	return NULL;
}

/* Starts at least one thread, or returns -1. All signals are blocked in them: the threads of the program handle
   those. */
static int
start_threads(struct ring *ring)
{
	pthread_attr_t attributes;
	sigset_t all, saved;

	if (pthread_attr_init(&attributes) != 0)
		return -1;
	sigfillset(&all);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)pthread_sigmask(SIG_SETMASK, &all, &saved);
	while (ring->thread_count < THREADS
	    && pthread_create(&ring->threads[ring->thread_count], &attributes, run_thread, ring) == 0)
		ring->thread_count++;
	(void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
	(void)pthread_attr_destroy(&attributes);
	return ring->thread_count > 0 ? 0 : -1;
}

static void
stop_threads(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->stop = true;
	(void)pthread_cond_broadcast(&ring->work);
	(void)pthread_mutex_unlock(&ring->lock);
	while (ring->thread_count > 0)
		(void)pthread_join(ring->threads[--ring->thread_count], NULL);
}

/* Offsets and lengths must be multiples of this. 0: the file has no direct I/O. */
static off_t
find_alignment(int fd)
{
#if defined(HAVE_STATX) && defined(STATX_DIOALIGN)
	struct statx status;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 && (status.stx_mask & STATX_DIOALIGN) != 0)
		return (off_t)status.stx_dio_offset_align;
#else
	(void)fd;
#endif
	return 4096;	/* enough for any disk, where the kernel does not tell */
}

/* Opens the file again for direct I/O. -1: that fails, or the segments do not have its alignment. */
static int
open_direct(int fd, bool writing, off_t *alignment)
{
	/* tmpfs accepts O_DIRECT, but copies nevertheless. */
	if (DIRECT_FLAG == 0 || spill_is_in_memory(fd))
		return -1;
	*alignment = find_alignment(fd);
	if (*alignment == 0 || (off_t)SEGMENT_SIZE % *alignment != 0)
		return -1;
	/* A sealed file can only be opened for reading. */
	return io_reopen(fd, (writing ? O_WRONLY : O_RDONLY) | DIRECT_FLAG);
}

static struct ring *
open_ring(int file, bool writing, off_t begin, off_t end)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	if (ring == NULL)
		return NULL;
	ring->file = file;
	ring->writing = writing;
	ring->tail = ring->submitted = begin;
	ring->head = end;
	ring->next = (size_t)(segment_at(ring, begin) - ring->segments);
	(void)pthread_mutex_init(&ring->lock, NULL);
	(void)pthread_cond_init(&ring->work, NULL);
	(void)pthread_cond_init(&ring->done, NULL);
	ring->direct_fd = open_direct(file, writing, &ring->alignment);
	if (ring->direct_fd != -1)
		ring->memory = memory_map(RING_SIZE);
	if (ring->memory != NULL && start_threads(ring) == 0)
		return ring;
	(void)ring_close(ring);
	return NULL;
}

struct ring *
ring_to_file(int file, off_t at)
{
	return open_ring(file, true, at, at);
}

struct ring *
ring_from_file(int file, off_t at, off_t end)
{
	return open_ring(file, false, at, end);
}

int
ring_close(struct ring *ring)
{
	int result = 0, error = 0;

	if (ring == NULL)
		return 0;
	stop_threads(ring);
	if (ring->direct_fd != -1)
		result = io_close(ring->direct_fd);
	error = errno;
	memory_unmap(ring->memory, RING_SIZE);
	(void)pthread_cond_destroy(&ring->done);
	(void)pthread_cond_destroy(&ring->work);
	(void)pthread_mutex_destroy(&ring->lock);
	free(ring);
	errno = error;
	return result;
}

/* Lets the threads move the bytes up to end, which is in the same segment or at its end. */
static void
submit(struct ring *ring, off_t end)
{
	struct segment *segment = segment_at(ring, ring->submitted);

	segment->at = ring->submitted;
	segment->length = (size_t)(end - ring->submitted);
	segment->state = WAITING;
	ring->submitted = end;
	(void)pthread_cond_signal(&ring->work);
}

/* Waits until the threads are done with the segment that holds an offset. -1: they have failed; errno says why. */
static int
wait_for_segment(struct ring *ring, off_t at)
{
	const struct segment *segment = segment_at(ring, at);

	while ((segment->state == WAITING || segment->state == BUSY) && ring->error == 0)
		(void)pthread_cond_wait(&ring->done, &ring->lock);
	if (ring->error == 0)
		return 0;
	errno = ring->error;
	return -1;
}

/* Moves the tail past the segments that are written, in their order. */
static void
retire(struct ring *ring)
{
	struct segment *segment = segment_at(ring, ring->tail);

	while (ring->tail < ring->submitted && segment->state == DONE) {
		ring->tail = segment->at + (off_t)segment->length;
		segment = segment_at(ring, ring->tail);
	}
}

/* Two parts, so that there is always room for a message. */
int
ring_room(struct ring *ring, struct iovec room[2])
{
	const off_t next = segment_end(ring->head);
	int result;

	(void)pthread_mutex_lock(&ring->lock);
	result = wait_for_segment(ring, ring->head);
	if (result == 0)
		result = wait_for_segment(ring, next);
	retire(ring);
	(void)pthread_mutex_unlock(&ring->lock);
	room[0] = (struct iovec){ .iov_base = address_of(ring, ring->head), .iov_len = (size_t)(next - ring->head) };
	room[1] = (struct iovec){ .iov_base = address_of(ring, next), .iov_len = SEGMENT_SIZE };
	return result;
}

void
ring_commit(struct ring *ring, size_t length)
{
	ring->head += (off_t)length;
	(void)pthread_mutex_lock(&ring->lock);
	while (segment_end(ring->submitted) <= ring->head)
		submit(ring, segment_end(ring->submitted));
	(void)pthread_mutex_unlock(&ring->lock);
}

int
ring_finish(struct ring *ring)
{
	int result = 0;

	(void)pthread_mutex_lock(&ring->lock);
	if (ring->submitted < ring->head)
		submit(ring, ring->head);
	while (ring->tail < ring->head && result == 0) {
		result = wait_for_segment(ring, ring->tail);
		retire(ring);
	}
	(void)pthread_mutex_unlock(&ring->lock);
	if (result == -1) {
		stop_threads(ring);
		retire(ring);
		errno = ring->error;
	}
	return result;
}

const char *
ring_unwritten(const struct ring *ring, size_t *length)
{
	const off_t wrap = (ring->tail / (off_t)RING_SIZE + 1) * (off_t)RING_SIZE;

	*length = (size_t)((ring->head < wrap ? ring->head : wrap) - ring->tail);
	return address_of(ring, ring->tail);
}

off_t
ring_unwritten_size(const struct ring *ring)
{
	return ring->head - ring->tail;
}

const char *
ring_piece(struct ring *ring, size_t *length)
{
	const struct segment *segment = segment_at(ring, ring->tail);
	const off_t window = segment_end(ring->tail) + (off_t)(RING_SIZE - SEGMENT_SIZE);
	int result;

	(void)pthread_mutex_lock(&ring->lock);
	while (ring->submitted < ring->head && ring->submitted < window) {
		off_t end = segment_end(ring->submitted);

		submit(ring, end < ring->head ? end : ring->head);
	}
	result = wait_for_segment(ring, ring->tail);
	(void)pthread_mutex_unlock(&ring->lock);
	if (result == -1)
		return NULL;
	*length = (size_t)(segment->at + (off_t)segment->length - ring->tail);
	return address_of(ring, ring->tail);
}

void
ring_consume(struct ring *ring, size_t length)
{
	ring->tail += (off_t)length;
}
