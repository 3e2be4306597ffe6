/* shared.c: tests of a spool whose file others have, too: a caller's file, or a descriptor that is out. */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/resource.h>
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

/* ld --wrap puts these in place of ftruncate(2) and pwrite(2). */
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
ssize_t __real_pwrite(int fd, const void *data, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t at);
/* Volatile: gcc is told that a call of ftruncate(2) changes nothing in this file (__leaf__, in <unistd.h>). */
static volatile unsigned truncated;
static volatile int writes_left = -1;	/* until the disk is full; -1: it never is */
static volatile bool keeps_space;	/* no file is truncated */

int
__wrap_ftruncate(int fd, off_t size)
{
	truncated++;
	if (keeps_space) {
		errno = EIO;
		return -1;
	}
	return __real_ftruncate(fd, size);
}

ssize_t
__wrap_pwrite(int fd, const void *data, size_t length, off_t at)
{
	if (writes_left == 0) {
		errno = ENOSPC;
		return -1;
	}
	/* The last one writes half. */
	if (writes_left > 0 && --writes_left == 0)
		length = (length + 1) / 2;
	return __real_pwrite(fd, data, length, at);
}

/* Whether calls come there: not where they have other names, such as pwrite64, because off_t is more than a word. */
static bool
is_wrapped(void)
{
	truncated = 0;
	CHECK(ftruncate(-1, 0) == -1);
	CHECK(truncated == 1 || sizeof(off_t) > sizeof(long));
	return truncated == 1;
}

/* A file without a name, of which nothing is written yet. */
static int
open_file(int flags)
{
	char path[] = "/tmp/spool-test-XXXXXX";
	int fd = mkstemp(path), other;

	CHECK(fd != -1);
	other = open(path, flags);
	CHECK(other != -1 && unlink(path) == 0);
	close(fd);
	return other;
}

#ifdef HAVE_SYNC_FILE_RANGE
int __real_sync_file_range(int fd, off_t at, off_t length, unsigned flags);
int __wrap_sync_file_range(int fd, off_t at, off_t length, unsigned flags);
static volatile int checks_left = -1;	/* until the disk tells that it has lost bytes; -1: it never does */

int
__wrap_sync_file_range(int fd, off_t at, off_t length, unsigned flags)
{
	if (checks_left == 0) {
		errno = EIO;
		return -1;
	}
	checks_left -= checks_left > 0;
	return __real_sync_file_range(fd, at, length, flags);
}
#endif

enum { LINES = 30000, LINE = 8 };

/* Waits for the parent twice: at the beginning and in the middle. */
static void
write_lines(int fd, int go)
{
	char line[LINE + 1];

	for (int i = 0; i < LINES; i++) {
		CHECK(i % (LINES / 2) != 0 || read(go, line, 1) == 1);
		snprintf(line, sizeof(line), "%07d\n", i);
		CHECK(write(fd, line, LINE) == LINE);
	}
}

/* Every line is there. */
static void
check_lines(struct spool *spool)
{
	char line[LINE + 1], expected[LINE + 1];

	CHECK(spool_size(spool) == (off_t)LINES * LINE);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
	for (int i = 0; i < LINES; i++) {
		snprintf(expected, sizeof(expected), "%07d\n", i);
		CHECK(spool_read(spool, line, LINE) == LINE && memcmp(line, expected, LINE) == 0);
	}
}

static void
a_child_writes(void)
{
	for (int trial = 0; trial < 5; trial++) {
		struct spool *spool = test_spool(10);
		int fd = spool_fileno(spool), status, go[2];
		pid_t child;

		CHECK(fd != -1 && pipe(go) == 0);
		child = fork();
		if (child == 0) {
			write_lines(fd, go[0]);
			spool_close(spool);
			_exit(0);
		}
		for (int round = 0; waitpid(child, &status, WNOHANG) == 0; round++) {
			if (round % 1000 == 0 && round < 2000)
				CHECK(write(go[1], "", 1) == 1);
			CHECK(spool_fileno(spool) == fd);
			CHECK(spool_rollover(spool) == 0);
			CHECK(spool_size(spool) >= 0);
		}
		CHECK(status == 0);
		close(go[0]);
		close(go[1]);
		check_lines(spool);
		CHECK(spool_close(spool) == 0);
	}
}

/* What would cut off what another process has written meanwhile. */
static void
nothing_is_cut(void)
{
	struct spool *spool;
	int fd, sealed;

	if (!is_wrapped())
		return;
	spool = test_spool(10);
	fd = spool_fileno(spool);
	CHECK(fd != -1);
	test_write(spool, 0, 100);
	truncated = 0;
	CHECK(spool_fileno(spool) == fd && spool_rollover(spool) == 0);
	CHECK(spool_seek(spool, 200, SEEK_SET) == 200 && spool_write(spool, "x", 1) == 1);
	/* Not even after a failure: it may be theirs. */
	writes_left = 1;
	CHECK_ERRNO(spool_seek(spool, 300, SEEK_SET) == 300 && spool_write(spool, "xy", 2) == -1, ENOSPC);
	CHECK(spool_size(spool) == 301);
	writes_left = -1;
	sealed = spool_seal(spool);
	CHECK(sealed != -1 && truncated == 0);
	close(sealed);
	CHECK(spool_close(spool) == 0);
	/* Growing takes the one call that is asked for. */
	spool = test_spool(10);
	CHECK(spool_fileno(spool) != -1);
	truncated = 0;
	CHECK(spool_truncate(spool, 1000) == 0 && truncated == 1 && spool_size(spool) == 1000);
	CHECK(spool_close(spool) == 0);
}

/* A file that had the stream from the beginning may grow. */
static void
a_filled_file_grows(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct stat status;
	struct spool *spool;
	int sealed;

	options.spill_fd = open_file(O_RDWR);
	options.spill_filled = true;
	CHECK(write(options.spill_fd, "entry 1\n", 8) == 8);
	spool = spool_open(&options);
	CHECK(spool != NULL && pwrite(options.spill_fd, "entry 2\n", 8, 8) == 8);
	CHECK(spool_rollover(spool) == 0);
	sealed = spool_seal(spool);
	CHECK(sealed != -1 && spool_close(spool) == 0);
	close(sealed);
	spool = spool_open(&options);
	CHECK(spool != NULL && pwrite(options.spill_fd, "entry 3\n", 8, 16) == 8);
	CHECK(spool_fileno(spool) == options.spill_fd && spool_close(spool) == 0);
	CHECK(fstat(options.spill_fd, &status) == 0 && status.st_size == 24);
	close(options.spill_fd);
}

/* After spool_close() the file may change, while a pipe still has the stream. */
static void
a_pipe_has_the_stream(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	static char other[60000], got[60000];
	struct spool *spool;
	int ends[2];

	options.memory_limit = 0;
	options.spill_fd = open_file(O_RDWR);
	spool = spool_open(&options);
	CHECK(spool != NULL && pipe(ends) == 0);
	if (fcntl(ends[1], F_SETPIPE_SZ, 1 << 18) == -1)
		return;		/* the pipe is too small to hold the stream */
	test_write(spool, 0, 100000);
	spool_freeze(spool);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0 && spool_drain(spool, ends[1], NULL) == 100000);
	CHECK(spool_close(spool) == 0);
	CHECK(pwrite(options.spill_fd, other, sizeof(other), 0) == sizeof(other));
	CHECK(read(ends[0], got, sizeof(got)) == sizeof(got));
	test_fill(other, 0, sizeof(other));
	CHECK(memcmp(other, got, sizeof(got)) == 0);
	close(options.spill_fd);
}

/* After a loss, the offset of a descriptor that is out is behind the last byte that was sent. */
static void
the_offset_after_a_loss(void)
{
#ifdef HAVE_SYNC_FILE_RANGE
	off_t result = -1;

	for (int checks = 0; result == -1; checks++) {
		struct spool *spool = test_spool(0);
		int ends[2], sent = 0;

		test_write(spool, 0, 1000);
		CHECK(spool_fileno(spool) != -1 && spool_seek(spool, 0, SEEK_SET) == 0 && pipe(ends) == 0);
		checks_left = checks;
		result = spool_drain(spool, ends[1], NULL);
		CHECK(result == 1000 || errno == EIO);
		checks_left = -1;
		CHECK(ioctl(ends[0], FIONREAD, &sent) == 0 && spool_tell(spool) == sent);
		(void)spool_close(spool);
		close(ends[0]);
		close(ends[1]);
	}
#endif
}

/* A write that fails half-way leaves its part in the stream, and the next fill goes on after it. */
static void
each_byte_once(void)
{
	char *data = malloc(1000);
	struct spool *spool;
	int source;

	CHECK(data != NULL);
	test_fill(data, 0, 1000);
	for (off_t limit = 400; limit <= 1000 && is_wrapped(); limit += 600) {
		spool = test_spool(10);
		source = open_file(O_RDWR);
		CHECK(spool_fileno(spool) != -1 && pwrite(source, data, 1000, 0) == 1000);
		writes_left = 1;
		CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, ENOSPC);
		CHECK(spool_size(spool) == 500);
		writes_left = 1;	/* now of those that wait */
		CHECK_ERRNO(spool_fill(spool, source, limit, NULL) == -1, ENOSPC);
		writes_left = -1;
		CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) != -1);
		test_check_stream(spool, 1000);
		CHECK(spool_close(spool) == 0);
		close(source);
	}
	free(data);
}

/* What a failed write has left, and could not be cut off, never shows. */
static void
what_is_left_does_not_show(void)
{
	struct spool *spool = test_spool(0);
	char data[400], zeros[400] = "";

	if (is_wrapped()) {
		test_write(spool, 0, 100);
		writes_left = 1;
		keeps_space = true;
		CHECK_ERRNO(spool_write_at(spool, "0123456789", 10, 100) == -1, ENOSPC);
		writes_left = -1;
		CHECK(spool_size(spool) == 100);
		CHECK_ERRNO(spool_write_at(spool, "x", 1, 500) == -1, EIO);
		CHECK_ERRNO(spool_truncate(spool, 500) == -1, EIO);
		CHECK_ERRNO(spool_rollover(spool) == -1, EIO);
		keeps_space = false;
		CHECK(spool_write_at(spool, "x", 1, 500) == 1);
		CHECK(spool_read_at(spool, data, 400, 100) == 400 && memcmp(data, zeros, 400) == 0);
	}
	CHECK(spool_close(spool) == 0);
}

static long long
blocks_of(int fd)
{
	struct stat status;

	CHECK(fsync(fd) == 0 && fstat(fd, &status) == 0);
	return (long long)status.st_blocks;
}

enum { MEMORY = 18 << 20 };

/* The memory part cannot be written: the space is as before, and the spool, too. */
static void
space_is_given_back(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct stat status;
	struct spool *spool;
	long long before;

	if (!is_wrapped())
		return;
	options.memory_limit = MEMORY;
	options.spill_fd = open_file(O_RDWR);
	spool = spool_open(&options);
	CHECK(spool != NULL);
	test_write(spool, 0, MEMORY);
	writes_left = 2;	/* of 2 MiB and 16 MiB: the chunks of the memory part */
	CHECK_ERRNO(spool_rollover(spool) == -1, ENOSPC);
	CHECK(!spool_is_rolled(spool));
	CHECK(fstat(options.spill_fd, &status) == 0 && status.st_size == 0);
	writes_left = -1;
	test_write(spool, MEMORY, 1 << 20);
	CHECK(spool_is_rolled(spool));
	before = blocks_of(options.spill_fd);
	writes_left = 2;
	CHECK_ERRNO(spool_rollover(spool) == -1, ENOSPC);
	writes_left = -1;
#if defined(HAVE_FALLOCATE) && defined(FALLOC_FL_PUNCH_HOLE)
	CHECK(blocks_of(options.spill_fd) <= before + 16);
#else
	(void)before;
#endif
	test_check_stream(spool, MEMORY + (1 << 20));
	CHECK(spool_rollover(spool) == 0);
	test_check_stream(spool, MEMORY + (1 << 20));
	CHECK(spool_close(spool) == 0);
	close(options.spill_fd);
}

static void
check_refused(int fd)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;

	options.spill_fd = fd;
	CHECK_ERRNO(spool_open(&options) == NULL, EINVAL);
	close(fd);
}

static void
files_that_cannot_be_used(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	int fd = open_file(O_RDWR);

	check_refused(open_file(O_RDWR | O_APPEND));
	check_refused(open_file(O_RDONLY));
	check_refused(open("/dev/null", O_RDWR));
	check_refused(open_file(O_WRONLY));
	CHECK(write(fd, "x", 1) == 1);
	check_refused(fd);
	options.spill_filled = true;
	for (int i = 0; i < 2; i++) {
		options.spill_fd = open_file(i == 0 ? O_RDWR | O_APPEND : O_WRONLY);
		CHECK_ERRNO(spool_open(&options) == NULL, EINVAL);
		close(options.spill_fd);
	}
	options.spill_fd = 12345;
	CHECK_ERRNO(spool_open(&options) == NULL, EBADF);
}

/* The end of the next piece would be beyond what off_t can tell. */
static void
the_largest_stream(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	int source = open_file(O_RDWR);

	options.memory_limit = SPOOL_UNLIMITED;
	options.memfd = true;
	spool = spool_open(&options);
	CHECK(spool != NULL && pwrite(source, "ab", 2, 0) == 2);
	/* Not all systems have files as large. */
	if (spool_truncate(spool, INT64_MAX - 1) == 0)
		CHECK_ERRNO(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == -1, EFBIG);
	CHECK(spool_close(spool) == 0);
	close(source);
}

static void
calls_that_are_wrong(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool = test_spool(10);

	CHECK(strcmp(spool_version(), SPOOL_VERSION) == 0 && strcmp(SPOOL_VERSION, PACKAGE_VERSION) == 0);
	CHECK_ERRNO(spool_fill(spool, -1, -1, NULL) == -1, EINVAL);
	CHECK(spool_fault(spool) == SPOOL_NOTHING);
	CHECK(spool_close(spool) == 0);
	/* The root directory is not meant. */
	options.memory_limit = 0;
	options.directory = "";
	spool = spool_open(&options);
	CHECK(spool != NULL);
	CHECK_ERRNO(spool_write(spool, "x", 1) == -1, ENOENT);
	CHECK(spool_size(spool) == 0 && spool_close(spool) == 0);
}

/* Memory is no file, whatever the limit of files is: no signal comes. */
static void
a_limit_of_files(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };
	struct spool *spool;

	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	options.memfd = true;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	test_write(spool, 0, 100000);
	CHECK(!spool_is_rolled(spool));
	test_check_stream(spool, 100000);
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	CHECK_ERRNO(spool_seal(spool) == -1, EFBIG);
	test_check_stream(spool, 100000);
	CHECK(spool_close(spool) == 0);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "a child writes to the descriptor that is out", a_child_writes },
		{ "what others have written is not cut off", nothing_is_cut },
		{ "a file that had the stream from the beginning may grow", a_filled_file_grows },
		{ "a pipe has the stream, and the file changes", a_pipe_has_the_stream },
		{ "the offset after a loss", the_offset_after_a_loss },
		{ "a fill that is tried again appends each byte once", each_byte_once },
		{ "what is left of a failed write does not show", what_is_left_does_not_show },
		{ "a roll over that fails gives the space back", space_is_given_back },
		{ "a file that cannot be used is refused at once", files_that_cannot_be_used },
		{ "the largest stream", the_largest_stream },
		{ "calls that are wrong", calls_that_are_wrong },
		{ "RLIMIT_FSIZE is not for memory", a_limit_of_files },
	};

	return test_main("shared.c", tests, sizeof(tests) / sizeof(*tests));
}
