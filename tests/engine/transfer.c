/* transfer.c: tests of spool_fill and spool_drain, with every kind of source and sink. */
#include <config.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

static struct spool *
with_limits(off_t memory_limit, off_t size_limit, bool memfd)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	options.memory_limit = memory_limit;
	options.size_limit = size_limit;
	options.memfd = memfd;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	return spool;
}

static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 262144, 1048576, 1048577, 2097152,
    2097153, 5000000 };
static const off_t limits[] = { 0, 1, 4096, 100000, 1048576, 2097152, SPOOL_UNLIMITED };
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
pipe_to_pipe(bool memfd, bool freeze)
{
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < COUNT(limits); j++) {
			struct spool *spool = with_limits(limits[j], SPOOL_UNLIMITED, memfd);
			int source = test_source(sizes[i], 70000);

			CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == (off_t)sizes[i]);
			CHECK(spool_tell(spool) == 0);
			CHECK(spool_is_rolled(spool) == ((off_t)sizes[i] > limits[j]));
			CHECK(spool_in_memory(spool)
			    == (spool_is_rolled(spool) ? limits[j] : (off_t)sizes[i]));
			close(source);
			if (freeze)
				spool_freeze(spool);
			test_drain(spool, 0, sizes[i]);
			CHECK(spool_drain(spool, -1, NULL) == 0);	/* nothing is left to drain */
			test_check_stream(spool, sizes[i]);
			spool_close(spool);
			while (wait(NULL) > 0)
				;
		}
}

static void
pipes(void)
{
	pipe_to_pipe(false, false);
}

static void
pipes_frozen(void)
{
	pipe_to_pipe(false, true);
}

static void
pipes_memfd(void)
{
	pipe_to_pipe(true, true);
}

static void
files(void)
{
	char path[] = "/tmp/spool-test-XXXXXX", other[] = "/tmp/spool-test-XXXXXX";
	int in = mkstemp(path), out = mkstemp(other);

	CHECK(in != -1 && out != -1 && unlink(path) == 0 && unlink(other) == 0);
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < COUNT(limits); j++) {
			struct spool *spool = with_limits(limits[j], SPOOL_UNLIMITED, j % 2);
			char *data = malloc(sizes[i] + 1);

			test_fill(data, 0, sizes[i]);
			CHECK(pwrite(in, data, sizes[i], 0) == (ssize_t)sizes[i]);
			CHECK(lseek(in, 0, SEEK_SET) == 0 && lseek(out, 0, SEEK_SET) == 0 && ftruncate(out, 0) == 0);
			CHECK(spool_fill(spool, in, SPOOL_UNLIMITED, NULL) == (off_t)sizes[i]);
			spool_freeze(spool);
			CHECK(spool_drain(spool, out, NULL) == (off_t)sizes[i]);
			test_check_file(out, sizes[i]);
			free(data);
			spool_close(spool);
		}
}

/* Both ends are non-blocking, and the pipes are much smaller than the stream: fill and drain must wait. */
static void
non_blocking(void)
{
	for (size_t j = 0; j < COUNT(limits); j++)
		for (int memfd = 0; memfd < 2; memfd++) {
			struct spool *spool = with_limits(limits[j], SPOOL_UNLIMITED, memfd);
			int source = test_source(3000000, 999), child, status, sink;

			CHECK(fcntl(source, F_SETFL, O_NONBLOCK) == 0);
			CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 3000000);
			spool_freeze(spool);
			sink = test_sink(0, 3000000, &child);
			CHECK(fcntl(sink, F_SETFL, O_NONBLOCK) == 0);
			CHECK(spool_drain(spool, sink, NULL) == 3000000);
			close(sink);
			CHECK(waitpid(child, &status, 0) == child && status == 0);
			close(source);
			spool_close(spool);
		}
}

static void
sockets(void)
{
	for (size_t j = 0; j < COUNT(limits); j++) {
		struct spool *first = with_limits(limits[j], SPOOL_UNLIMITED, false);
		struct spool *second = with_limits(limits[j], SPOOL_UNLIMITED, true);
		int ends[2], status;
		pid_t child;

		test_write(first, 0, 3000000);
		CHECK(spool_seek(first, 0, SEEK_SET) == 0);
		spool_freeze(first);
		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
		child = fork();
		if (child == 0) {
			close(ends[1]);
			CHECK(spool_drain(first, ends[0], NULL) == 3000000);
			spool_close(first);
			spool_close(second);
			_exit(0);
		}
		close(ends[0]);
		CHECK(spool_fill(second, ends[1], SPOOL_UNLIMITED, NULL) == 3000000);
		test_check_stream(second, 3000000);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		close(ends[1]);
		spool_close(first);
		spool_close(second);
	}
}

static void
fills_up_to_a_limit(void)
{
	for (size_t j = 0; j < COUNT(limits); j++) {
		struct spool *spool = with_limits(limits[j], SPOOL_UNLIMITED, j % 2);
		int source = test_source(3000000, 4096);

		CHECK(spool_fill(spool, source, 0, NULL) == 0);
		CHECK(spool_fill(spool, source, 1, NULL) == 1);
		CHECK(spool_fill(spool, source, 99999, NULL) == 99999);
		test_check_stream(spool, 100000);
		CHECK(spool_fill(spool, source, 4000000, NULL) == 2900000);
		test_check_stream(spool, 3000000);
		close(source);
		spool_close(spool);
	}
}

static void
fills_at_the_end_and_drains_from_the_offset(void)
{
	struct spool *spool = with_limits(1000, SPOOL_UNLIMITED, false);
	int source = test_source(200000, 4096), child, status, sink;

	CHECK(spool_fill(spool, source, 500, NULL) == 500);
	CHECK(spool_seek(spool, 100, SEEK_SET) == 100);
	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 199500);
	CHECK(spool_tell(spool) == 100);
	sink = test_sink(100, 200000, &child);
	CHECK(spool_drain(spool, sink, NULL) == 199900);
	close(sink);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	spool_close(spool);
}

static void
the_size_limit_stops_an_endless_source(void)
{
	static const off_t size_limits[] = { 0, 1, 4096, 100000, 1048576, 3000000 };

	for (size_t i = 0; i < COUNT(size_limits); i++)
		for (size_t j = 0; j < COUNT(limits); j++) {
			struct spool *spool = with_limits(limits[j], size_limits[i], j % 2);
			int source = test_source(SIZE_MAX, 65536);

			CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
			CHECK(spool_fault(spool) == SPOOL_LIMIT);
			test_check_stream(spool, (size_t)size_limits[i]);
			close(source);
			spool_close(spool);
			/* A source that ends exactly at the limit is not too long. */
			spool = with_limits(limits[j], size_limits[i], j % 2);
			source = test_source((size_t)size_limits[i], 65536);
			CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == size_limits[i]);
			close(source);
			spool_close(spool);
		}
}

struct seen {
	int calls;
	off_t last;
};

static void
see(void *cookie, off_t bytes)
{
	struct seen *seen = cookie;

	CHECK(bytes > seen->last && bytes - seen->last <= 1 << 20);
	seen->last = bytes;
	seen->calls++;
}

static void
reports_progress(void)
{
	struct spool *spool = with_limits(2000000, SPOOL_UNLIMITED, false);
	struct seen seen = { 0, 0 };
	struct spool_progress progress = { see, &seen };
	int source = test_source(5000000, 65536), child, sink;

	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, &progress) == 5000000);
	CHECK(seen.last == 5000000 && seen.calls >= 5);
	seen.last = 0;
	sink = test_sink(0, 5000000, &child);
	CHECK(spool_drain(spool, sink, &progress) == 5000000);
	CHECK(seen.last == 5000000);
	spool_close(spool);
}

static void
bad_descriptors(void)
{
	struct spool *spool = with_limits(10, SPOOL_UNLIMITED, false);
	int directory = open("/", O_RDONLY | O_DIRECTORY), full = open("/dev/full", O_WRONLY);

	CHECK_ERRNO(spool_fill(spool, -1, SPOOL_UNLIMITED, NULL) == -1, EBADF);
	CHECK(spool_fault(spool) == SPOOL_SOURCE);
	CHECK_ERRNO(spool_fill(spool, directory, SPOOL_UNLIMITED, NULL) == -1, EISDIR);
	CHECK(spool_size(spool) == 0);
	test_write(spool, 0, 100000);
	CHECK_ERRNO(spool_fill(spool, directory, SPOOL_UNLIMITED, NULL) == -1, EISDIR);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
	spool_freeze(spool);
	CHECK_ERRNO(spool_drain(spool, -1, NULL) == -1, EBADF);
	CHECK(spool_fault(spool) == SPOOL_SINK);
	CHECK_ERRNO(spool_drain(spool, full, NULL) == -1, ENOSPC);
	CHECK(spool_tell(spool) == 0);
	test_check_stream(spool, 100000);
	spool_close(spool);
}

static void
a_reader_that_goes_away(void)
{
	for (size_t j = 0; j < COUNT(limits); j++) {
		struct spool *spool = with_limits(limits[j], SPOOL_UNLIMITED, j % 2);
		int ends[2];

		signal(SIGPIPE, SIG_IGN);
		test_write(spool, 0, 3000000);
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
		spool_freeze(spool);
		CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
		CHECK_ERRNO(spool_drain(spool, ends[1], NULL) == -1, EPIPE);
		CHECK(spool_fault(spool) == SPOOL_SINK && spool_tell(spool) == 0);
		close(ends[1]);
		spool_close(spool);
	}
}

/* Bytes that had been read when the disk was full are not lost: the next fill stores them. */
static void
nothing_read_is_lost(void)
{
	char directory[] = "/tmp/spool-test-XXXXXX", path[] = "/tmp/spool-test-XXXXXX";
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	char *data = malloc(1000000);
	int in = mkstemp(path), source;
	off_t size;

	CHECK(mkdtemp(directory) != NULL && rmdir(directory) == 0);
	CHECK(in != -1 && unlink(path) == 0);
	test_fill(data, 0, 1000000);
	CHECK(write(in, data, 1000000) == 1000000 && lseek(in, 0, SEEK_SET) == 0);
	options.memory_limit = 1000;
	options.directory = directory;
	for (int from_pipe = 0; from_pipe < 2; from_pipe++) {
		source = from_pipe ? test_source(1000000, 4096) : in;
		spool = spool_open(&options);
		CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, ENOENT);
		CHECK(spool_fault(spool) == SPOOL_SPILL);
		size = spool_size(spool);
		CHECK(size <= 1000);
		test_check_stream(spool, (size_t)size);
		CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, ENOENT);
		CHECK(spool_size(spool) == size && !spool_is_rolled(spool));
		CHECK(mkdir(directory, 0700) == 0);
		CHECK(spool_fill(spool, source, 10, NULL) == 10);
		CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 1000000 - 10 - size);
		test_check_stream(spool, 1000000);
		spool_close(spool);
		CHECK(rmdir(directory) == 0);
	}
	free(data);
}

/* Other calls between the two fills neither lose the pending bytes nor are disturbed by them. */
static void
pending_bytes_survive_other_calls(void)
{
	char directory[] = "/tmp/spool-test-XXXXXX";
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;

	CHECK(mkdtemp(directory) != NULL);
	options.memory_limit = 100000;
	options.directory = directory;
	for (int memfd = 0; memfd < 2; memfd++)
		for (int call = 0; call < 4; call++) {
			struct spool *spool;
			int source = test_source(300000, 4096), child, status, sink;
			off_t size;

			options.memfd = memfd;
			spool = spool_open(&options);
			CHECK(rmdir(directory) == 0);
			CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, ENOENT);
			CHECK(mkdir(directory, 0700) == 0);
			size = spool_size(spool);
			CHECK(size > 0 && size <= 100000);
			sink = test_sink(0, (size_t)size, &child);
			if (call == 0)
				CHECK(spool_drain(spool, sink, NULL) == size);
			close(sink);
			CHECK(waitpid(child, &status, 0) == child && (status == 0) == (call == 0));
			if (call == 1)
				CHECK(spool_rollover(spool) == 0);
			if (call == 2)
				CHECK(spool_fileno(spool) != -1);
			if (call == 3)
				test_check_stream(spool, (size_t)size);
			CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 300000 - size);
			test_check_stream(spool, 300000);
			spool_close(spool);
			close(source);
		}
	CHECK(rmdir(directory) == 0);
}

static void
bytes_beyond_the_limit_stay_pending(void)
{
	struct spool *spool = with_limits(100, 1000, false);
	char got[1000], expected[1000];
	int source = test_source(2000, 4096);

	CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
	CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
	CHECK(spool_size(spool) == 1000 && spool_fault(spool) == SPOOL_LIMIT);
	test_check_stream(spool, 1000);
	/* When there is room again, the other bytes follow. */
	CHECK(spool_truncate(spool, 0) == 0);
	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 1000);
	test_fill(expected, 1000, 1000);
	CHECK(spool_read(spool, got, 1000) == 1000 && memcmp(got, expected, 1000) == 0);
	spool_close(spool);
}

static void
a_frozen_spool_can_be_drained_and_then_sealed(void)
{
	struct spool *spool = with_limits(SPOOL_UNLIMITED, SPOOL_UNLIMITED, true);
	int ends[2], sealed;

	CHECK(pipe(ends) == 0);
	(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	test_write(spool, 0, 66000);
	CHECK(spool_seek(spool, 5000, SEEK_SET) == 5000);
	spool_freeze(spool);
	CHECK(spool_drain(spool, ends[1], NULL) == 61000);
	sealed = spool_seal(spool);
	CHECK(sealed != -1);
	test_check_file(sealed, 66000);
	spool_close(spool);
}

static void
a_large_pipe_stays_large(void)
{
	int ends[2], child, status, size;
	struct spool *spool = with_limits(1000000, SPOOL_UNLIMITED, false);

	CHECK(pipe(ends) == 0);
	size = fcntl(ends[1], F_SETPIPE_SZ, 1 << 21);
	test_write(spool, 0, 200000);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
	child = fork();
	if (child == 0) {
		char data[1000];

		close(ends[1]);
		while (read(ends[0], data, sizeof(data)) > 0)
			;
		spool_close(spool);
		_exit(0);
	}
	CHECK(spool_drain(spool, ends[1], NULL) == 200000);
	CHECK(fcntl(ends[1], F_GETPIPE_SZ) >= size);
	close(ends[1]);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	spool_close(spool);
}

/* Pages that vmsplice(2) has put into a pipe must not change, whatever happens to the spool later. */
static void
spliced_pages_stay(void)
{
	for (size_t j = 0; j < COUNT(limits); j++) {
		struct spool *spool = with_limits(limits[j], SPOOL_UNLIMITED, j % 2);
		int ends[2];
		char *data, *got;

		CHECK(pipe(ends) == 0);
		if (fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) == -1)
			return;		/* the pipe is too small to hold the stream */
		data = malloc(400000);
		got = malloc(400000);
		CHECK(data != NULL && got != NULL);
		test_fill(data, 0, 400000);
		test_write(spool, 0, 400000);
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
		CHECK(spool_drain(spool, ends[1], NULL) == 400000);
		/* Not frozen: the spool may be written again, so the pipe must hold a copy. */
		memset(got, '?', 400000);
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0 && spool_write(spool, got, 400000) == 400000);
		for (size_t at = 0; at < 400000;) {
			ssize_t n = read(ends[0], got + at, 400000 - at);

			CHECK(n > 0);
			at += (size_t)n;
		}
		CHECK(memcmp(data, got, 400000) == 0);
		/* Frozen: the pipe holds the pages themselves, which survive the spool and the reuse of its memory. */
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0 && spool_write(spool, data, 400000) == 400000);
		spool_freeze(spool);
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
		CHECK(spool_drain(spool, ends[1], NULL) == 400000);
		spool_close(spool);
		spool = with_limits(limits[j], SPOOL_UNLIMITED, j % 2);
		memset(got, '?', 400000);
		CHECK(spool_write(spool, got, 400000) == 400000);
		for (size_t at = 0; at < 400000;) {
			ssize_t n = read(ends[0], got + at, 400000 - at);

			CHECK(n > 0);
			at += (size_t)n;
		}
		CHECK(memcmp(data, got, 400000) == 0);
		spool_close(spool);
		free(data);
		free(got);
		close(ends[0]);
		close(ends[1]);
	}
}

static void
after_fileno(void)
{
	struct spool *spool = with_limits(1000, SPOOL_UNLIMITED, false);
	int source = test_source(300000, 4096), child, status, sink, fd = spool_fileno(spool);

	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == 300000);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	test_check_file(fd, 300000);
	sink = test_sink(0, 300000, &child);
	CHECK(spool_drain(spool, sink, NULL) == 300000);
	CHECK(lseek(fd, 0, SEEK_CUR) == 300000);
	close(sink);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	spool_close(spool);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "pipe to pipe", pipes },
		{ "pipe to pipe, by vmsplice", pipes_frozen },
		{ "pipe to pipe, through a memfd", pipes_memfd },
		{ "file to file", files },
		{ "non-blocking ends", non_blocking },
		{ "sockets", sockets },
		{ "fills up to a limit", fills_up_to_a_limit },
		{ "fills at the end and drains from the offset", fills_at_the_end_and_drains_from_the_offset },
		{ "the size limit stops an endless source", the_size_limit_stops_an_endless_source },
		{ "reports progress", reports_progress },
		{ "bad descriptors", bad_descriptors },
		{ "a reader that goes away", a_reader_that_goes_away },
		{ "nothing that was read is lost", nothing_read_is_lost },
		{ "pending bytes survive other calls", pending_bytes_survive_other_calls },
		{ "bytes beyond the size limit stay pending", bytes_beyond_the_limit_stay_pending },
		{ "a frozen spool can be drained and then sealed", a_frozen_spool_can_be_drained_and_then_sealed },
		{ "a large pipe stays large", a_large_pipe_stays_large },
		{ "pages spliced into a pipe stay as they were", spliced_pages_stay },
		{ "fill and drain after spool_fileno", after_fileno },
	};

	signal(SIGPIPE, SIG_IGN);	/* for the children that write to a source which is closed early */
	return test_main("transfer.c", tests, COUNT(tests));
}
