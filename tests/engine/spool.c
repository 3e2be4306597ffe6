/* spool.c: tests of the spool itself: offset, read, write, seek, truncate, roll over. */
#include <config.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

static void
empty(void)
{
	struct spool *spool = spool_open(NULL);
	char byte;

	CHECK(spool != NULL);
	CHECK(spool_size(spool) == 0 && spool_tell(spool) == 0 && spool_in_memory(spool) == 0);
	CHECK(spool_read(spool, &byte, 1) == 0);
	CHECK(spool_write(spool, "", 0) == 0);
	CHECK(!spool_is_rolled(spool));
	CHECK(spool_fault(spool) == SPOOL_NOTHING);
	CHECK(spool_close(spool) == 0);
	CHECK(spool_close(NULL) == 0);
}

static void
bad_options(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;

	options.memory_limit = SPOOL_AUTOMATIC - 1;
	CHECK_ERRNO(spool_open(&options) == NULL, EINVAL);
	options.memory_limit = 0;
	options.size_limit = -1;
	CHECK_ERRNO(spool_open(&options) == NULL, EINVAL);
	options.size_limit = 0;
	options.cache_limit = SPOOL_AUTOMATIC - 1;
	CHECK_ERRNO(spool_open(&options) == NULL, EINVAL);
}

static void
exactly_the_limit_stays_in_memory(void)
{
	static const size_t limits[] = { 0, 1, 4095, 4096, 4097, 65536, (2 << 20) - 1, 2 << 20, (2 << 20) + 1,
	    3 << 20, (18 << 20) - 1, 18 << 20, (18 << 20) + 1 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		size_t limit = limits[i];
		struct spool *spool = test_spool((off_t)limit);

		test_write(spool, 0, limit);
		CHECK(!spool_is_rolled(spool));
		CHECK(spool_in_memory(spool) == (off_t)limit);
		test_check_stream(spool, limit);
		test_write(spool, limit, 1);
		CHECK(spool_is_rolled(spool));
		CHECK(spool_in_memory(spool) == (off_t)limit);
		test_check_stream(spool, limit + 1);
		CHECK(spool_close(spool) == 0);
	}
}

/* The control group of this process may lower it. The stream grows by a write or a gap, in chunks or in a memfd. */
static void
an_automatic_limit(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;

	options.memory_limit = SPOOL_AUTOMATIC;
	for (int how = 0; how < 4; how++) {
		struct spool *spool;
		off_t limit;

		options.memfd = how % 2 == 1;
		spool = spool_open(&options);
		CHECK(spool != NULL);
		if (how < 2)
			test_write(spool, 0, 3 << 20);
		else
			CHECK(spool_truncate(spool, 3 << 20) == 0);
		limit = spool_memory_limit(spool);
		CHECK(limit >= 2 << 20 && limit <= 64 << 20);
		CHECK(limit < 3 << 20 || !spool_is_rolled(spool));
		CHECK(spool_truncate(spool, 0) == 0 && spool_seek(spool, 0, SEEK_SET) == 0);
		CHECK(spool_is_rolled(spool) || spool_truncate(spool, limit) == 0);
		CHECK(spool_in_memory(spool) <= limit);
		CHECK(spool_truncate(spool, limit + 1) == 0 && spool_is_rolled(spool));
		CHECK(spool_close(spool) == 0);
	}
}

static void
one_write_larger_than_the_limit(void)
{
	struct spool *spool = test_spool(1000);

	test_write(spool, 0, 5000000);
	CHECK(spool_is_rolled(spool));
	CHECK(spool_in_memory(spool) == 1000);
	test_check_stream(spool, 5000000);
	spool_close(spool);
}

static void
reads_across_the_boundary(void)
{
	struct spool *spool = test_spool(10);
	char data[20], expected[20];

	test_write(spool, 0, 20);
	test_fill(expected, 0, 20);
	for (off_t from = 0; from < 20; from++) {
		CHECK(spool_seek(spool, from, SEEK_SET) == from);
		CHECK(spool_read(spool, data, sizeof(data)) == 20 - from);
		CHECK(memcmp(data, expected + from, (size_t)(20 - from)) == 0);
		CHECK(spool_tell(spool) == 20);
	}
	spool_close(spool);
}

static void
overwrites_across_the_boundary(void)
{
	for (off_t from = 0; from < 20; from++) {
		struct spool *spool = test_spool(10);
		char junk[20];

		memset(junk, '?', sizeof(junk));
		CHECK(spool_write(spool, junk, 20) == 20);
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
		test_write(spool, 0, (size_t)from);
		test_write(spool, (size_t)from, 20 - (size_t)from);
		test_check_stream(spool, 20);
		spool_close(spool);
	}
}

static void
seeks(void)
{
	struct spool *spool = test_spool(10);

	test_write(spool, 0, 20);
	CHECK(spool_seek(spool, -5, SEEK_END) == 15);
	CHECK(spool_seek(spool, -5, SEEK_CUR) == 10);
	CHECK(spool_seek(spool, 100, SEEK_CUR) == 110);
	CHECK_ERRNO(spool_seek(spool, -1, SEEK_SET) == -1, EINVAL);
	CHECK_ERRNO(spool_seek(spool, -111, SEEK_CUR) == -1, EINVAL);
	CHECK_ERRNO(spool_seek(spool, SPOOL_UNLIMITED, SEEK_CUR) == -1, EOVERFLOW);
	CHECK_ERRNO(spool_seek(spool, 0, 99) == -1, EINVAL);
	CHECK(spool_tell(spool) == 110 && spool_size(spool) == 20);
	spool_close(spool);
}

/* A byte is written past the end, at offset at. The gap before it reads as zeros. */
static void
gap(off_t limit, off_t size, off_t at)
{
	struct spool *spool = test_spool(limit);
	char data[200];

	/* Bytes that were cut off must not reappear. */
	memset(data, '?', sizeof(data));
	CHECK(spool_write(spool, data, sizeof(data)) == sizeof(data));
	CHECK(spool_truncate(spool, size) == 0);
	CHECK(spool_seek(spool, at, SEEK_SET) == at);
	CHECK(spool_write(spool, "!", 1) == 1);
	CHECK(spool_size(spool) == at + 1);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
	CHECK(spool_read(spool, data, sizeof(data)) == at + 1);
	for (off_t i = 0; i < at; i++)
		CHECK(data[i] == (i < size ? '?' : '\0'));
	CHECK(data[at] == '!');
	spool_close(spool);
}

static void
gaps_are_zeros(void)
{
	static const off_t limits[] = { 0, 1, 50, 99, 100, 101, 150, 200, 1000 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		gap(limits[i], 0, 100);
		gap(limits[i], 50, 100);
		gap(limits[i], 99, 150);
		gap(limits[i], 100, 199);
	}
}

static void
a_far_write_needs_no_memory(void)
{
	struct spool *spool = test_spool(100);
	char byte;

	CHECK(spool_write(spool, "a", 1) == 1);
	CHECK(spool_seek(spool, (off_t)1 << 40, SEEK_SET) != -1);
	CHECK(spool_write(spool, "b", 1) == 1);
	CHECK(spool_in_memory(spool) == 1);
	CHECK(spool_seek(spool, -2, SEEK_CUR) != -1);
	CHECK(spool_read(spool, &byte, 1) == 1 && byte == '\0');
	CHECK(spool_read(spool, &byte, 1) == 1 && byte == 'b');
	spool_close(spool);
}

static void
truncates(void)
{
	static const off_t limits[] = { 0, 1, 50, 99, 100, 101, 3 << 20, 20 << 20 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct spool *spool = test_spool(limits[i]);
		char data[10];

		test_write(spool, 0, 19 << 20);
		for (size_t size = 19 << 20; size > 0; size = size * 2 / 3) {
			CHECK(spool_truncate(spool, (off_t)size) == 0);
			test_check_stream(spool, size);
			CHECK(spool_tell(spool) == 19 << 20);
		}
		CHECK(spool_truncate(spool, 0) == 0);
		CHECK(spool_size(spool) == 0);
		CHECK(spool_truncate(spool, 10) == 0);
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
		CHECK(spool_read(spool, data, 10) == 10);
		CHECK(memcmp(data, "\0\0\0\0\0\0\0\0\0\0", 10) == 0);
		CHECK_ERRNO(spool_truncate(spool, -1) == -1, EINVAL);
		spool_close(spool);
	}
}

static void
growing_past_the_limit_rolls_over(void)
{
	struct spool *spool = test_spool(10);

	CHECK(spool_truncate(spool, 10) == 0 && !spool_is_rolled(spool));
	CHECK(spool_truncate(spool, 11) == 0 && spool_is_rolled(spool));
	CHECK(spool_size(spool) == 11);
	spool_close(spool);
}

static void
rolls_over_on_demand(void)
{
	for (int memfd = 0; memfd < 2; memfd++)
		for (size_t size = 0; size < 5000000; size = size * 3 + 1) {
			struct spool_options options = SPOOL_OPTIONS_DEFAULT;
			struct spool *spool;

			options.memory_limit = 1 << 20;
			options.memfd = memfd;
			spool = spool_open(&options);
			CHECK(spool != NULL);
			test_write(spool, 0, size);
			CHECK(spool_rollover(spool) == 0);
			CHECK(spool_is_rolled(spool) && spool_in_memory(spool) == 0);
			CHECK(spool_tell(spool) == (off_t)size);
			test_check_stream(spool, size);
			test_write(spool, size, 10);
			CHECK(spool_in_memory(spool) == 0);
			CHECK(spool_rollover(spool) == 0);
			test_check_stream(spool, size + 10);
			spool_close(spool);
		}
}

static void
the_descriptor_and_the_spool_are_one(void)
{
	struct spool *spool = test_spool(10);
	char data[16], many[30];
	int fd;

	test_write(spool, 0, 20);
	CHECK(spool_seek(spool, 5, SEEK_SET) == 5);
	fd = spool_fileno(spool);
	CHECK(fd != -1 && spool_fileno(spool) == fd);
	CHECK(lseek(fd, 0, SEEK_CUR) == 5);
	test_check_file(fd, 20);
	CHECK(read(fd, data, 3) == 3 && spool_tell(spool) == 8);
	CHECK(spool_read(spool, data, 4) == 4 && lseek(fd, 0, SEEK_CUR) == 12);
	CHECK(lseek(fd, 0, SEEK_END) == 20);
	test_fill(data, 20, 5);
	CHECK(write(fd, data, 5) == 5);
	CHECK(spool_size(spool) == 25 && spool_tell(spool) == 25);
	test_write(spool, 25, 5);
	CHECK(lseek(fd, 0, SEEK_CUR) == 30);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
	CHECK(spool_read(spool, many, SIZE_MAX) == 30);
	CHECK(spool_seek(spool, 30, SEEK_SET) == 30);
	test_check_stream(spool, 30);
	test_check_file(fd, 30);
	CHECK(ftruncate(fd, 7) == 0);
	test_check_stream(spool, 7);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(spool_close(spool) == 0);
	CHECK_ERRNO(fcntl(fd, F_GETFD) == -1, EBADF);
}

/* The caller has closed the descriptor, which belongs to the spool. */
static void
the_descriptor_was_closed(void)
{
	struct spool *spool = test_spool(10);

	CHECK(close(spool_fileno(spool)) == 0);
	CHECK_ERRNO(spool_size(spool) == -1, EBADF);
	CHECK_ERRNO(spool_tell(spool) == -1, EBADF);
	CHECK(spool_fault(spool) == SPOOL_SPILL);
	CHECK_ERRNO(spool_close(spool) == -1, EBADF);
}

static void
the_size_limit_refuses(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	char data[30] = "";

	options.memory_limit = 10;
	options.size_limit = 20;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	CHECK_ERRNO(spool_write(spool, data, 21) == -1, EFBIG);
	CHECK(spool_fault(spool) == SPOOL_LIMIT && spool_size(spool) == 0 && !spool_is_rolled(spool));
	test_write(spool, 0, 20);
	CHECK_ERRNO(spool_write(spool, data, 1) == -1, EFBIG);
	CHECK_ERRNO(spool_truncate(spool, 21) == -1, EFBIG);
	test_check_stream(spool, 20);
	CHECK(spool_seek(spool, 100, SEEK_SET) == 100);
	CHECK_ERRNO(spool_write(spool, data, 1) == -1, EFBIG);
	CHECK(spool_tell(spool) == 100);
	CHECK(spool_write(spool, data, 0) == 0);
	CHECK_ERRNO(spool_write(spool, data, (size_t)SSIZE_MAX + 1) == -1, EINVAL);
	spool_close(spool);
}

static void
no_directory(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	char directory[] = "/tmp/spool-test-XXXXXX";
	struct spool *spool;

	CHECK(mkdtemp(directory) != NULL && rmdir(directory) == 0);
	options.directory = directory;
	options.memory_limit = 10;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	test_write(spool, 0, 7);
	CHECK_ERRNO(spool_write(spool, "123456", 6) == -1, ENOENT);
	CHECK(spool_fault(spool) == SPOOL_SPILL);
	CHECK_ERRNO(spool_rollover(spool) == -1, ENOENT);
	CHECK_ERRNO(spool_fileno(spool) == -1, ENOENT);
	CHECK_ERRNO(spool_truncate(spool, 11) == -1, ENOENT);
	CHECK(!spool_is_rolled(spool) && spool_tell(spool) == 7);
	test_check_stream(spool, 7);
	CHECK(mkdir(directory, 0700) == 0);
	test_write(spool, 7, 6);
	test_check_stream(spool, 13);
	CHECK(rmdir(directory) == 0);	/* the directory is empty */
	spool_close(spool);
}

static void
no_descriptors(void)
{
	struct spool *spool = test_spool(10);
	struct rlimit none = { 0, 0 }, before;

	test_write(spool, 0, 10);
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none.rlim_max = before.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_ERRNO(spool_write(spool, "x", 1) == -1, EMFILE);
	CHECK(!spool_is_rolled(spool));
	test_check_stream(spool, 10);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	test_write(spool, 10, 1);
	test_check_stream(spool, 11);
	spool_close(spool);
}

static void
no_space(void)
{
	struct spool *spool = test_spool(10);
	struct rlimit small = { 100000, 100000 }, before;
	static char data[200000];

	signal(SIGXFSZ, SIG_IGN);
	test_write(spool, 0, 20);
	CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small.rlim_max = before.rlim_max;
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK_ERRNO(spool_write(spool, data, sizeof(data)) == -1, EFBIG);
	CHECK(spool_fault(spool) == SPOOL_SPILL);
	test_check_stream(spool, 20);
	CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
	test_write(spool, 20, 200000);
	test_check_stream(spool, 200020);
	spool_close(spool);
}

static void
no_memory(void)
{
	struct rlimit before, small = { 64 << 20, 64 << 20 };
	struct spool *spool = test_spool(SPOOL_UNLIMITED), *other = test_spool((off_t)1 << 40);
	static char data[1 << 20];
	const char *variant = getenv("TEST_VARIANT");
	int written = 0;

	/* qemu ignores the limit, since it uses the same address space. */
	if (variant != NULL && strcmp(variant, "emulated") == 0)
		return;
	CHECK(getrlimit(RLIMIT_AS, &before) == 0);
	small.rlim_max = before.rlim_max;
	CHECK(setrlimit(RLIMIT_AS, &small) == 0);
	while (spool_write(spool, data, sizeof(data)) != -1)
		CHECK(++written < 100);
	CHECK(errno == ENOMEM && spool_fault(spool) == SPOOL_MEMORY);
	CHECK(written > 0 && spool_size(spool) == written * (off_t)sizeof(data) && !spool_is_rolled(spool));
	/* A spool that may spill does so below its limit. */
	for (int i = 0; i < 20; i++)
		CHECK(spool_write(other, data, sizeof(data)) == sizeof(data));
	CHECK(spool_is_rolled(other) && spool_size(other) == 20 * (off_t)sizeof(data));
	/* A failed allocation leaves nothing allocated. */
	CHECK(spool_truncate(spool, 0) == 0);
	CHECK_ERRNO(spool_truncate(spool, (off_t)1 << 60) == -1, ENOMEM);
	free(malloc(16 << 20));
	CHECK(malloc(16 << 20) != NULL);
	CHECK(setrlimit(RLIMIT_AS, &before) == 0);
	CHECK(spool_write(spool, data, sizeof(data)) == sizeof(data));
	spool_close(spool);
	spool_close(other);
}

static void
success_leaves_errno(void)
{
	struct spool *spool = test_spool(10);

	test_write(spool, 0, 20);
	errno = ENOSPC;
	CHECK(spool_close(spool) == 0 && errno == ENOSPC);
}

static void
the_fault_stays_until_the_next(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	options.size_limit = 10;
	spool = spool_open(&options);
	CHECK_ERRNO(spool_truncate(spool, 11) == -1, EFBIG);
	CHECK(spool_size(spool) == 0 && spool_fault(spool) == SPOOL_LIMIT);
	CHECK_ERRNO(spool_seek(spool, -1, SEEK_SET) == -1, EINVAL);
	CHECK(spool_fault(spool) == SPOOL_NOTHING);
	spool_close(spool);
}

static void
frozen(void)
{
	struct spool *spool = test_spool(10);

	test_write(spool, 0, 20);
	spool_freeze(spool);
	CHECK_ERRNO(spool_write(spool, "x", 1) == -1, EPERM);
	CHECK_ERRNO(spool_truncate(spool, 0) == -1, EPERM);
	CHECK_ERRNO(spool_fileno(spool) == -1, EPERM);
	CHECK_ERRNO(spool_fill(spool, 0, 1, NULL) == -1, EPERM);
	test_check_stream(spool, 20);
	/* The stream may still move to the file. */
	CHECK(spool_in_memory(spool) == 10 && spool_rollover(spool) == 0 && spool_in_memory(spool) == 0);
	test_check_stream(spool, 20);
	spool_close(spool);
}

static void
sealed_twice(void)
{
	struct spool *spool = test_spool(0);
	int first, second;

	test_write(spool, 0, 5000);
	first = spool_seal(spool);
	CHECK(first != -1 && spool_is_intact(spool) == 1);
	second = spool_seal(spool);
	CHECK(second != -1 && spool_is_intact(spool) == 1);
	CHECK(spool_rollover(spool) == 0 && spool_is_intact(spool) == 1);
	test_check_file(second, 5000);
	close(first);
	close(second);
	spool_close(spool);
}

static void
read_once(void)
{
	const size_t size = 40 << 20;
	struct spool *spool = test_spool(SPOOL_UNLIMITED);
	char byte;
	int source = test_source(size, 65536), child, sink;
	long before, after;

	CHECK(spool_fill(spool, source, SPOOL_UNLIMITED, NULL) == (off_t)size);
	close(source);
	spool_read_once(spool);
	CHECK(spool_read(spool, &byte, 1) == 1 && (unsigned char)byte == test_byte(0));
	CHECK_ERRNO(spool_seek(spool, 0, SEEK_SET) == -1, ESPIPE);
	CHECK_ERRNO(spool_write(spool, "x", 1) == -1, EPERM);
	CHECK_ERRNO(spool_rollover(spool) == -1, EPERM);
	CHECK_ERRNO(spool_fileno(spool) == -1, EPERM);
	CHECK_ERRNO(spool_seal(spool) == -1, EPERM);
	CHECK(spool_fault(spool) == SPOOL_NOTHING);
	CHECK(spool_seek(spool, 10, SEEK_CUR) == 11 && spool_seek(spool, 0, SEEK_CUR) == 11);
	before = test_resident();
	sink = test_sink(11, size, &child);
	CHECK(spool_drain(spool, sink, NULL) == (off_t)size - 11);
	close(sink);
	CHECK(waitpid(child, NULL, 0) == child);
	after = test_resident();
	/* Every chunk except the last is unmapped. */
	CHECK(before - after >= 32 << 20);
	CHECK(spool_read(spool, &byte, 1) == 0 && spool_size(spool) == (off_t)size);
	spool_close(spool);
}

static void
sealed(void)
{
	static const size_t sizes[] = { 0, 1, 999, 1000, 1001, 3000000 };

	for (int memfd = 0; memfd < 2; memfd++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			struct spool_options options = SPOOL_OPTIONS_DEFAULT;
			struct spool *spool;
			struct stat file;
			int fd, second;

			options.memory_limit = 1000;
			options.memfd = memfd;
			spool = spool_open(&options);
			CHECK(spool != NULL);
			test_write(spool, 0, sizes[i]);
			fd = spool_seal(spool);
			CHECK(fd != -1 && lseek(fd, 0, SEEK_CUR) == 0);
			CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
			CHECK(fstat(fd, &file) == 0 && file.st_size == (off_t)sizes[i]);
			CHECK((file.st_mode & 0777) == 0400);
			CHECK(write(fd, "x", 1) == -1);
			CHECK(ftruncate(fd, 0) == -1);
			test_check_file(fd, sizes[i]);
			CHECK_ERRNO(spool_write(spool, "x", 1) == -1, EPERM);
			test_check_stream(spool, sizes[i]);
			second = spool_seal(spool);
			CHECK(second != -1);
			test_check_file(second, sizes[i]);
			spool_close(spool);
			test_check_file(fd, sizes[i]);
			close(fd);
			close(second);
		}
}

static void
no_descriptor_is_left(void)
{
	int before = test_descriptors();

	for (int memfd = 0; memfd < 2; memfd++) {
		struct spool_options options = SPOOL_OPTIONS_DEFAULT;
		struct spool *spool;

		options.memory_limit = 1000;
		options.memfd = memfd;
		spool = spool_open(&options);
		CHECK(spool != NULL);
		test_write(spool, 0, 5000);
		CHECK(spool_rollover(spool) == 0);
		CHECK(close(spool_seal(spool)) == 0);
		spool_close(spool);
	}
	CHECK(test_descriptors() == before);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "an empty spool", empty },
		{ "bad options", bad_options },
		{ "exactly the limit stays in memory, one byte more rolls over", exactly_the_limit_stays_in_memory },
		{ "an automatic limit", an_automatic_limit },
		{ "one write larger than the limit", one_write_larger_than_the_limit },
		{ "reads across the boundary", reads_across_the_boundary },
		{ "overwrites across the boundary", overwrites_across_the_boundary },
		{ "seeks", seeks },
		{ "gaps are zeros", gaps_are_zeros },
		{ "a far write needs no memory", a_far_write_needs_no_memory },
		{ "truncates", truncates },
		{ "growing past the limit rolls over", growing_past_the_limit_rolls_over },
		{ "rolls over on demand", rolls_over_on_demand },
		{ "the descriptor and the spool are one", the_descriptor_and_the_spool_are_one },
		{ "the descriptor was closed", the_descriptor_was_closed },
		{ "the size limit refuses", the_size_limit_refuses },
		{ "no directory: the spool is valid and can be tried again", no_directory },
		{ "no descriptors: the spool is valid and can be tried again", no_descriptors },
		{ "no space: the spool is valid and can be tried again", no_space },
		{ "success leaves errno alone", success_leaves_errno },
		{ "the fault stays until the next failure", the_fault_stays_until_the_next },
		{ "a frozen spool does not change", frozen },
		{ "a spool sealed twice is intact", sealed_twice },
		{ "a spool that is read once gives its memory back while it is drained", read_once },
		{ "a sealed descriptor has the stream and cannot change it", sealed },
		{ "no descriptor is left", no_descriptor_is_left },
		{ "no memory: the spool is valid, or spills early", no_memory },
	};
	const char *variant = getenv("TEST_VARIANT");
	size_t count = sizeof(tests) / sizeof(*tests);

	/* The last test limits the address space, which the sanitizers and valgrind need for themselves. */
	if (variant != NULL && strcmp(variant, "native") != 0 && strcmp(variant, "portable") != 0)
		count--;
	return test_main("spool.c", tests, count);
}
