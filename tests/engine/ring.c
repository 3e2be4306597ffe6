/* ring.c: tests of direct I/O: the stream is the same as through the page cache. */
#include <config.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Sizes near multiples of the ring's segments (512 KiB) and of the ring (2 MiB). */
static const size_t sizes[] = { 1, 4095, 4096, 4097, 65536, 524287, 524288, 524289, 2097151, 2097152, 2097153,
    2621440, 4194304, 7340032, 9000001 };

static struct spool *
with_cache(off_t memory_limit, off_t cache_limit)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	options.memory_limit = memory_limit;
	options.cache_limit = cache_limit;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	return spool;
}

static void
wait_for(int child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* A source that is a file with bytes [0, size) of the test stream. */
static int
file_of(size_t size)
{
	FILE *file = tmpfile();
	char *data = malloc(size);
	int fd;

	CHECK(file != NULL && data != NULL);
	test_fill(data, 0, size);
	CHECK(fwrite(data, 1, size, file) == size && fflush(file) == 0);
	free(data);
	fd = dup(fileno(file));
	CHECK(fd != -1 && fclose(file) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void
all_sizes(void)
{
	static const off_t memory_limits[] = { 0, 1000, 2097152 }, cache_limits[] = { 0, 1, 5000, 1048576 };

	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < COUNT(memory_limits); j++)
			for (size_t k = 0; k < COUNT(cache_limits); k++) {
				struct spool *spool = with_cache(memory_limits[j], cache_limits[k]);
				int source = test_source(sizes[i], 70000);

				CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == (off_t)sizes[i]);
				CHECK(spool_size(spool) == (off_t)sizes[i]);
				if (k % 2 == 0)
					spool_freeze(spool);
				test_drain(spool, 0, sizes[i]);
				test_drain(spool, sizes[i] / 2, sizes[i]);
				test_check_stream(spool, sizes[i]);
				CHECK(spool_close(spool) == 0);
				close(source);
				while (wait(NULL) > 0)
					;
			}
}

static void
from_a_file_in_several_calls(void)
{
	const size_t size = 9000001;
	int source = file_of(size);
	static const off_t steps[] = { 1, 1048576, 1048577, 1572864, 2621441, 3000001 };

	for (size_t i = 0; i < COUNT(steps); i++) {
		struct spool *spool = with_cache(1000, 0);
		off_t total = 0, n;

		CHECK(lseek(source, 0, SEEK_SET) == 0);
		while (total < 20000 && (n = spool_fill(spool, source, steps[i], NULL)) > 0)
			total += n;
		while ((n = spool_fill(spool, source, steps[i] > 1 ? steps[i] : 1048579, NULL)) > 0)
			total += n;
		CHECK(n == 0 && total == (off_t)size);
		test_drain(spool, 0, size);
		test_check_stream(spool, size);
		spool_close(spool);
	}
	close(source);
}

/* All calls work after direct I/O, and between two fills that use it. */
static void
among_other_calls(void)
{
	const size_t size = 5000000;
	struct spool *spool = with_cache(100000, 300000);
	int source = test_source(size, 65536), fd;

	CHECK(spool_fill(spool, source, 3000000, NULL) == 3000000);
	test_check_stream(spool, 3000000);
	CHECK(spool_seek(spool, 1000, SEEK_SET) == 1000);
	test_write(spool, 1000, 2900000);		/* the same bytes once more, through the page cache */
	CHECK(spool_fill(spool, source, 999999, NULL) == 999999);
	CHECK(spool_truncate(spool, 3500001) == 0 && spool_seek(spool, 0, SEEK_END) == 3500001);
	test_write(spool, 3500001, 499998);
	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == (off_t)size - 3999999);
	test_drain(spool, 0, size);
	CHECK(spool_rollover(spool) == 0);
	test_check_stream(spool, size);
	test_drain(spool, 70000, size);
	fd = spool_fileno(spool);
	CHECK(fd != -1);
	test_check_file(fd, size);
	close(source);
	source = test_source(100, 100);
	CHECK(ftruncate(fd, 0) == 0 && spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 100);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	test_check_stream(spool, 100);
	spool_close(spool);
}

static void
sealed(void)
{
	const size_t size = 5000000;

	for (int memfd = 0; memfd < 2; memfd++) {
		struct spool_options options = SPOOL_OPTIONS_DEFAULT;
		struct spool *spool;
		int source = test_source(size, 65536), fd;

		options.memory_limit = 100000;
		options.cache_limit = 0;
		options.memfd = memfd;
		spool = spool_open(&options);
		CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == (off_t)size);
		fd = spool_seal(spool);
		CHECK(fd != -1 && spool_is_intact(spool) == 1);
		test_check_file(fd, size);
		test_drain(spool, 0, size);
		spool_close(spool);
		close(fd);
		close(source);
	}
}

/* A message that does not fit into a read is cut short, so no read may stop at the end of a segment. */
static void
messages_arrive_whole(void)
{
	static const size_t lengths[] = { 1, 70000, 130000 };
	enum { MESSAGES = 60 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct spool *spool;
		int ends[2], child, large = 1 << 20;

		CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
		(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
		child = fork();
		if (child == 0) {
			char *data = malloc(lengths[i] * MESSAGES);

			test_fill(data, 0, lengths[i] * MESSAGES);
			for (size_t k = 0; k < MESSAGES; k++)
				CHECK(send(ends[1], data + k * lengths[i], lengths[i], 0) == (ssize_t)lengths[i]);
			free(data);
			_exit(0);
		}
		close(ends[1]);
		spool = with_cache(0, 0);
		CHECK(spool_fill(spool, ends[0], SPOOL_UNLIMITED, NULL) == (off_t)lengths[i] * MESSAGES);
		wait_for(child);
		test_check_stream(spool, lengths[i] * MESSAGES);
		close(ends[0]);
		spool_close(spool);
	}
}

static void
the_size_limit(void)
{
	static const off_t size_limits[] = { 1, 600000, 2097152, 5000001 };

	for (size_t i = 0; i < COUNT(size_limits); i++) {
		struct spool_options options = SPOOL_OPTIONS_DEFAULT;
		struct spool *spool;
		int source = test_source(9000000, 65536);

		options.memory_limit = options.cache_limit = 0;
		options.size_limit = size_limits[i];
		spool = spool_open(&options);
		CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
		CHECK(spool_fault(spool) == SPOOL_LIMIT);
		test_check_stream(spool, (size_t)size_limits[i]);
		spool_close(spool);
		close(source);
	}
}

/* The disk is full: bytes that were read and not stored are stored as soon as there is room. */
static void
nothing_read_is_lost(void)
{
	const size_t size = 9500001;
	struct rlimit limit, old;

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (int from_pipe = 0; from_pipe < 2; from_pipe++) {
			struct spool *spool = with_cache(1000, 100000);
			int source = from_pipe ? test_source(size, 65536) : file_of(size);

			limit = old;
			limit.rlim_cur = sizes[i];
			CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
			CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
			CHECK(spool_fault(spool) == SPOOL_SPILL);
			CHECK(spool_size(spool) <= (off_t)sizes[i] || sizes[i] < 1000);
			test_check_stream(spool, (size_t)spool_size(spool));
			CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
			CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
			CHECK(spool_fill(spool, source, 10, NULL) == 10);
			CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) >= 0);
			test_check_stream(spool, size);
			test_drain(spool, 0, size);
			spool_close(spool);
			close(source);
		}
}

/* Bytes that were read and not stored are stored up to the size limit. */
static void
pending_bytes_and_the_size_limit(void)
{
	const off_t size_limit = 8 << 20;
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	struct rlimit limit, old;
	int source = test_source(9500001, 65536);

	signal(SIGXFSZ, SIG_IGN);
	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
	options.memory_limit = options.cache_limit = 0;
	options.size_limit = size_limit;
	spool = spool_open(&options);
	limit = old;
	limit.rlim_cur = 4 << 20;
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
	CHECK(spool_fault(spool) == SPOOL_SPILL);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	CHECK(spool_truncate(spool, size_limit - 1000) == 0);
	CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
	CHECK(spool_fault(spool) == SPOOL_LIMIT && spool_size(spool) == size_limit);
	spool_close(spool);
	close(source);
}

static void
success_leaves_errno(void)
{
	/* With the second, the engine asks the kernel how large the page cache may become. */
	static const off_t limits[] = { 0, SPOOL_AUTOMATIC };

	for (size_t i = 0; i < 2; i++) {
		struct spool *spool = with_cache(0, limits[i]);
		int source = test_source(10000000, 65536), null = open("/dev/null", O_WRONLY);

		errno = ENOTTY;
		CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 10000000 && errno != 0);
		errno = ENOTTY;
		CHECK(spool_drain(spool, null, NULL) == 10000000 && errno != 0);
		spool_close(spool);
		close(source);
		close(null);
	}
}

/* A non-blocking sink takes less than a segment at a time. */
static void
short_writes(void)
{
	struct spool *spool = with_cache(0, 0);
	int source = test_source(5000000, 65536), child, status, sink;

	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 5000000);
	sink = test_sink(0, 5000000, &child);
	CHECK(fcntl(sink, F_SETFL, O_NONBLOCK) == 0);
	CHECK(spool_drain(spool, sink, NULL) == 5000000);
	close(sink);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(source);
	spool_close(spool);
}

/* After a failure of a source or sink, the bytes moved before it count. */
static void
ends_that_fail(void)
{
	struct spool *spool = with_cache(0, 0);
	int source = test_source(3000000, 65536), directory = open("/", O_RDONLY | O_DIRECTORY);
	int full = open("/dev/full", O_WRONLY), ends[2];

	CHECK(spool_fill(spool, source, 2500000, NULL) == 2500000);
	CHECK_ERRNO(spool_fill(spool, directory, SPOOL_UNLIMITED, NULL) == -1, EISDIR);
	CHECK(spool_fault(spool) == SPOOL_SOURCE && spool_size(spool) == 2500000);
	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 500000);
	CHECK_ERRNO(spool_drain(spool, full, NULL) == -1, ENOSPC);
	CHECK(spool_fault(spool) == SPOOL_SINK && spool_tell(spool) == 0);
	CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
	CHECK_ERRNO(spool_drain(spool, ends[1], NULL) == -1, EPIPE);
	CHECK(spool_tell(spool) == 0);
	/* The same in the part of the file that was written by direct I/O. */
	CHECK(spool_seek(spool, 1000000, SEEK_SET) == 1000000);
	CHECK_ERRNO(spool_drain(spool, full, NULL) == -1, ENOSPC);
	CHECK(spool_fault(spool) == SPOOL_SINK && spool_tell(spool) == 1000000);
	test_drain(spool, 0, 3000000);
	spool_close(spool);
}

/* A memfd has no direct I/O. */
static void
without_direct_io(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	int source = test_source(5000000, 65536);

	options.memory_limit = 1000;
	options.cache_limit = 0;
	options.spill_fd = memfd_create("spill", MFD_CLOEXEC);
	CHECK(options.spill_fd != -1);
	spool = spool_open(&options);
	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 5000000);
	test_drain(spool, 0, 5000000);
	test_check_stream(spool, 5000000);
	spool_close(spool);
	close(options.spill_fd);
}

/* Another program has truncated the spill file. */
static void
a_file_cut_short(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	int source = test_source(5000000, 65536), child, sink;

	options.memory_limit = options.cache_limit = 0;
	options.spill_fd = open(spool_directory(NULL), O_TMPFILE | O_RDWR, 0600);
	CHECK(options.spill_fd != -1);
	spool = spool_open(&options);
	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 5000000);
	CHECK(ftruncate(options.spill_fd, 3000001) == 0);
	sink = test_sink(0, 3000001, &child);
	CHECK_ERRNO(spool_drain(spool, sink, NULL) == -1, EIO);
	CHECK(spool_fault(spool) == SPOOL_SPILL && spool_tell(spool) <= 3000001);
	close(sink);
	CHECK(waitpid(child, NULL, 0) == child);
	spool_close(spool);
	close(options.spill_fd);
}

static void
no_descriptor_is_left(void)
{
	const int before = test_descriptors();
	struct spool *spool = with_cache(0, 0);
	int source = test_source(5000000, 65536);

	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 5000000);
	test_drain(spool, 0, 5000000);
	spool_close(spool);
	close(source);
	CHECK(test_descriptors() == before);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "all sizes, from a pipe to a pipe", all_sizes },
		{ "from a file, in several calls", from_a_file_in_several_calls },
		{ "among other calls", among_other_calls },
		{ "sealed", sealed },
		{ "messages arrive whole", messages_arrive_whole },
		{ "the size limit", the_size_limit },
		{ "nothing that was read is lost", nothing_read_is_lost },
		{ "pending bytes and the size limit", pending_bytes_and_the_size_limit },
		{ "success does not set errno to 0", success_leaves_errno },
		{ "a sink that takes little at once", short_writes },
		{ "sources and sinks that fail", ends_that_fail },
		{ "a spill file without direct I/O", without_direct_io },
		{ "a file cut short", a_file_cut_short },
		{ "no descriptor is left", no_descriptor_is_left },
	};

	signal(SIGPIPE, SIG_IGN);	/* for the children that write to a source which is closed early */
	return test_main("ring.c", tests, COUNT(tests));
}
