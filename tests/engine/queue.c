/*
 * queue.c: tests of the queue: two threads, random sizes and pauses, and calls on the file that fail. What comes out is what
 * was put in, in order and whole, or a failure is told.
 *
 *	queue [SEED [RUNS]]
 */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

static unsigned first = 1, runs = 200;

/*
 * Calls on the file, by ld's --wrap
 */

enum fault { NONE, FULL, BROKEN, UNREADABLE, KEEPS_SPACE, NO_HOLES };

static struct {
	_Atomic enum fault fault;
	atomic_uint seen;		/* calls of the kind that fails */
	unsigned from;			/* the first one that fails */
	atomic_uint holes;		/* that were asked for */
	int error;			/* errno where there are no holes */
	atomic_long most_blocks;	/* the most disk space that was seen, in units of 512 bytes */
	atomic_bool wrapped;		/* calls come here; not where they have other names, such as pwrite64 */
} file;

ssize_t __real_pwrite(int fd, const void *data, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t at);
ssize_t __real_pread(int fd, void *data, size_t length, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t length, off_t at);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
#ifdef HAVE_FALLOCATE
int __wrap_fallocate(int fd, int mode, off_t at, off_t length);
int __real_fallocate(int fd, int mode, off_t at, off_t length);
#endif

static bool
fails(enum fault fault, int error)
{
	if (atomic_load(&file.fault) != fault || atomic_fetch_add(&file.seen, 1) < file.from)
		return false;
	errno = error;
	return true;
}

ssize_t
__wrap_pwrite(int fd, const void *data, size_t length, off_t at)
{
	struct stat status;

	atomic_store(&file.wrapped, true);
	/* A full disk has room again later: every second call fails. */
	if (atomic_load(&file.fault) == FULL && atomic_fetch_add(&file.seen, 1) % 2 == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (fails(BROKEN, EIO))
		return -1;
	if (fstat(fd, &status) == 0 && status.st_blocks > atomic_load(&file.most_blocks))
		atomic_store(&file.most_blocks, (long)status.st_blocks);
	return __real_pwrite(fd, data, length, at);
}

ssize_t
__wrap_pread(int fd, void *data, size_t length, off_t at)
{
	return fails(UNREADABLE, EIO) ? -1 : __real_pread(fd, data, length, at);
}

int
__wrap_ftruncate(int fd, off_t size)
{
	return fails(KEEPS_SPACE, EIO) ? -1 : __real_ftruncate(fd, size);
}

#ifdef HAVE_FALLOCATE
int
__wrap_fallocate(int fd, int mode, off_t at, off_t length)
{
	atomic_fetch_add(&file.holes, 1);
	return fails(KEEPS_SPACE, EIO) || fails(NO_HOLES, file.error) ? -1 : __real_fallocate(fd, mode, at, length);
}
#endif

/*
 * Two threads
 */

struct run {
	struct spool_queue *queue;
	uint64_t state;			/* of the writer's random numbers */
	size_t size;			/* bytes to put */
	size_t most;			/* in one call */
	unsigned pauses;		/* one call in this many comes late; 0: none */
	int error;			/* the writer's */
	size_t put;			/* bytes put before it */
};

static unsigned
choose(uint64_t *state, unsigned below)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(*state >> 33) % below;
}

static void
pause_perhaps(uint64_t *state, unsigned pauses)
{
	const struct timespec moment = { .tv_nsec = 300000 };

	if (pauses > 0 && choose(state, pauses) == 0)
		(void)nanosleep(&moment, NULL);
}

static void *
write_all(void *cookie)
{
	struct run *run = cookie;
	char *data = malloc(run->most);

	CHECK(data != NULL);
	while (run->put < run->size && run->error == 0) {
		size_t length = 1 + choose(&run->state, (unsigned)run->most);

		if (length > run->size - run->put)
			length = run->size - run->put;
		test_fill(data, run->put, length);
		pause_perhaps(&run->state, run->pauses);
		if (spool_queue_put(run->queue, data, length) == -1)
			run->error = errno;
		if (run->error != EPIPE)
			run->put += length;
	}
	free(data);
	spool_queue_end(run->queue);
	return NULL;
}

/* Reads until the end, or stops after so many bytes, and checks each. Returns how many came. -1: errno. */
static ssize_t
read_all(struct run *run, uint64_t state, size_t stop)
{
	char *data = malloc(run->most), *expected = malloc(run->most);
	size_t got = 0;
	ssize_t n = 1;
	int error;

	CHECK(data != NULL && expected != NULL);
	while (got < stop && n > 0) {
		pause_perhaps(&state, run->pauses);
		n = spool_queue_get(run->queue, data, 1 + choose(&state, (unsigned)run->most));
		if (n > 0) {
			test_fill(expected, got, (size_t)n);
			CHECK(memcmp(data, expected, (size_t)n) == 0);
			got += (size_t)n;
		}
	}
	error = errno;
	free(data);
	free(expected);
	errno = error;
	return n == -1 ? -1 : (ssize_t)got;
}

static struct spool_queue *
open_queue(off_t memory_limit, off_t backlog_limit)
{
	const struct spool_queue_options options = { .memory_limit = memory_limit, .backlog_limit = backlog_limit };
	struct spool_queue *queue = spool_queue_open(&options);

	CHECK(queue != NULL);
	return queue;
}

static void
set_fault(enum fault fault, unsigned from)
{
	atomic_store(&file.fault, fault);
	atomic_store(&file.seen, 0);
	file.from = from;
}

/* A run with what this seed draws. */
static void
run_random(unsigned seed)
{
	static const off_t limits[] = { 0, 1, 1000, 100000, SPOOL_AUTOMATIC, SPOOL_UNLIMITED };
	static const off_t backlogs[] = { 1, 5000, 200000, SPOOL_UNLIMITED, SPOOL_UNLIMITED };
	uint64_t state = seed;
	const enum fault fault = (enum fault)choose(&state, 5);
	struct run run = { .state = seed + 1000000, .size = choose(&state, 2) ? 400000 : 1 + choose(&state, 5000) };
	struct spool_queue_state end;
	pthread_t writer;
	off_t backlog;
	size_t stop;
	ssize_t got;
	int error;

	run.most = 1 + choose(&state, 60000);
	run.pauses = choose(&state, 2) ? 0 : 1 + choose(&state, 20);
	if (run.most < 100)
		run.size = run.size % 5000 + 1;		/* many calls take long enough */
	backlog = backlogs[choose(&state, 5)];
	if (backlog == 1)
		run.size = run.size % 2000 + 1;
	run.queue = open_queue(limits[choose(&state, 6)], backlog);
	stop = choose(&state, 4) == 0 ? run.size / 2 : SIZE_MAX;
	set_fault(fault, choose(&state, 4));
	CHECK(pthread_create(&writer, NULL, write_all, &run) == 0);
	got = read_all(&run, seed + 2000000, stop);
	error = errno;
	spool_queue_look(run.queue, &end);
	/* After a failure, all bytes of the last call are kept. */
	CHECK(end.most <= backlog || fault == BROKEN);
	spool_queue_stop(run.queue);
	CHECK(pthread_join(writer, NULL) == 0);
	set_fault(NONE, 0);
	/* Only what failed may fail; and what was put has come, also with the call that failed. */
	if (got == -1)
		CHECK(fault == UNREADABLE && error == EIO);
	else if (stop == SIZE_MAX)
		CHECK((size_t)got == run.put && (run.error == 0 ? run.put == run.size : fault == BROKEN && run.error == EIO));
	else
		CHECK(run.error == 0 || run.error == EPIPE || (fault == BROKEN && run.error == EIO));
	CHECK(spool_queue_leftover(run.queue) == NULL);
	spool_queue_close(run.queue);
}

static void
random_runs(void)
{
	const int before = test_descriptors();

	for (unsigned i = 0; i < runs; i++)
		run_random(first + i);
	CHECK(test_descriptors() == before);
	printf("# seeds %u to %u\n", first, first + runs - 1);
}

/* So many bytes through the file, of which at most backlog wait. */
static void
run_through_file(size_t size, off_t backlog)
{
	struct run run = { .queue = open_queue(0, backlog), .size = size, .most = 256 << 10, .state = 1 };
	pthread_t writer;

	CHECK(pthread_create(&writer, NULL, write_all, &run) == 0);
	CHECK(read_all(&run, 2, SIZE_MAX) == (ssize_t)run.size);
	CHECK(pthread_join(writer, NULL) == 0 && run.error == 0);
	spool_queue_close(run.queue);
}

static void
space_is_given_back(void)
{
	const off_t backlog = 8 << 20, slack = 64 << 20;

	run_through_file((size_t)160 << 20, backlog);
	printf("# at most %jd bytes of disk\n", (intmax_t)atomic_load(&file.most_blocks) * 512);
	CHECK((off_t)atomic_load(&file.most_blocks) * 512 <= backlog + slack);
}

/* Reads what is in the file up to the last piece. Returns how often a hole was asked for. */
static unsigned
holes_in(size_t size)
{
	const size_t piece = 1 << 20;
	struct run run = { .queue = open_queue(0, SPOOL_UNLIMITED), .size = size, .most = piece, .state = 1 };

	atomic_store(&file.holes, 0);
	(void)write_all(&run);
	CHECK(run.error == 0 && read_all(&run, 2, size - piece) < (ssize_t)size);
	spool_queue_close(run.queue);
	return atomic_load(&file.holes);
}

/* While something waits in the file, what was taken becomes a hole, one for each 16 MiB. */
static void
holes_are_made(void)
{
	const unsigned holes = holes_in((size_t)40 << 20);

#ifdef HAVE_FALLOCATE
	CHECK(holes == 2 || !atomic_load(&file.wrapped));
#else
	CHECK(holes == 0);
#endif
}

static void
no_holes(void)
{
	static const int errors[] = { EOPNOTSUPP, ENOSYS, EINVAL, EPERM };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		file.error = errors[i];
		set_fault(NO_HOLES, 0);
		CHECK(holes_in((size_t)18 << 20) <= 1);
	}
	run_through_file((size_t)60 << 20, 8 << 20);
	set_fault(KEEPS_SPACE, 0);
	run_through_file((size_t)60 << 20, 8 << 20);
}

static void
idle_and_full(void)
{
	struct spool_queue *queue = open_queue(10, 20);
	struct spool_queue_state state;
	char data[30];

	CHECK(!spool_queue_is_idle(queue));	/* nobody reads */
	CHECK(spool_queue_put(queue, "0123456789abcdef", 16) == 0);
	spool_queue_look(queue, &state);
	CHECK(state.in_memory == 10 && state.on_disk == 6 && state.most == 16 && state.spilled == 6 && !state.full);
	CHECK(spool_queue_get(queue, data, sizeof(data)) == 10 && memcmp(data, "0123456789", 10) == 0);
	/* What is on the disk comes before what is put into memory. */
	CHECK(spool_queue_put(queue, "gh", 2) == 0);
	CHECK(spool_queue_get(queue, data, 3) == 3 && memcmp(data, "abc", 3) == 0);
	CHECK(spool_queue_get(queue, data, sizeof(data)) == 5 && memcmp(data, "defgh", 5) == 0);
	CHECK(spool_queue_put(queue, "ij", 2) == 0);
	spool_queue_look(queue, &state);
	CHECK(state.in_memory == 2 && state.on_disk == 0);
	spool_queue_end(queue);
	CHECK(spool_queue_get(queue, data, sizeof(data)) == 2);
	CHECK(spool_queue_get(queue, data, sizeof(data)) == 0);
	spool_queue_stop(queue);
	CHECK_ERRNO(spool_queue_put(queue, "k", 1) == -1, EPIPE);
	spool_queue_close(queue);
	spool_queue_close(NULL);
}

static int told;

static void
tell(void *cookie, int error)
{
	CHECK(error == ENOSPC && cookie == &told);
	told++;
}

static void
full_disk(void)
{
	const struct spool_queue_options options = { .memory_limit = 0, .backlog_limit = SPOOL_UNLIMITED, .full = tell,
	    .cookie = &told };
	struct spool_queue *queue = spool_queue_open(&options);
	struct spool_queue_state state;
	char data[30];

	CHECK(queue != NULL);
	set_fault(FULL, 0);
	CHECK(spool_queue_put(queue, "abcd", 4) == 0);
	set_fault(NONE, 0);
	/* With nothing to take, the reader could not make room: memory takes more than its limit. */
	spool_queue_look(queue, &state);
	if (atomic_load(&file.wrapped))
		CHECK(told == 0 && !state.full && state.in_memory == 4 && state.on_disk == 0);
	CHECK(spool_queue_get(queue, data, sizeof(data)) == 4 && memcmp(data, "abcd", 4) == 0);
	spool_queue_close(queue);
}

static void
arguments(void)
{
	struct spool_queue_options options = { .memory_limit = -2, .backlog_limit = 1 };

	CHECK_ERRNO(spool_queue_open(&options) == NULL, EINVAL);
	options.memory_limit = 0;
	options.backlog_limit = 0;
	CHECK_ERRNO(spool_queue_open(&options) == NULL, EINVAL);
	options.backlog_limit = -1;
	CHECK_ERRNO(spool_queue_open(&options) == NULL, EINVAL);
}

static void
no_directory(void)
{
	const struct spool_queue_options options = { .memory_limit = 3, .backlog_limit = SPOOL_UNLIMITED,
	    .directory = "/nonexistent" };
	struct run run = { .queue = spool_queue_open(&options), .size = 10, .most = 10, .state = 5 };
	pthread_t writer;

	CHECK(run.queue != NULL);
	CHECK(pthread_create(&writer, NULL, write_all, &run) == 0);
	CHECK(read_all(&run, 3, SIZE_MAX) == (ssize_t)run.put);
	CHECK(pthread_join(writer, NULL) == 0);
	CHECK(run.error == ENOENT || run.error == 0);
	spool_queue_close(run.queue);
}

int
main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "what is put in comes out, with random sizes, pauses and failures", random_runs },
		{ "the disk's space is given back while the stream goes on", space_is_given_back },
		{ "holes are made of what was taken", holes_are_made },
		{ "the file system has no holes, or gives no space back", no_holes },
		{ "order, limits, the end and the stop", idle_and_full },
		{ "a full disk", full_disk },
		{ "wrong limits", arguments },
		{ "no directory: what was put in still comes", no_directory },
	};

	if (argc > 1)
		first = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		runs = (unsigned)strtoul(argv[2], NULL, 10);
	return test_main("queue.c", tests, sizeof(tests) / sizeof(*tests));
}
