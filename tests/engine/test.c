/* test.c: what the engine's test programs share. */
#include <config.h>

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

void
test_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "# %s:%d: %s (errno: %s)\n", file, line, condition, strerror(errno));
	exit(1);
}

int
test_main(const char *program, const struct test *tests, size_t count)
{
	int result = 0;

	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		int status;
		pid_t child;

		fflush(stdout);
		child = fork();
		if (child == 0) {
			tests[i].run();
			exit(0);
		}
		if (child == -1 || waitpid(child, &status, 0) == -1)
			abort();
		printf("%sok %zu - %s: %s\n", status == 0 ? "" : "not ", i + 1, program, tests[i].name);
		if (WIFSIGNALED(status))
			printf("# ended by signal %d\n", WTERMSIG(status));
		if (status != 0)
			result = 1;
	}
	return result;
}

unsigned char
test_byte(size_t at)
{
	return (unsigned char)(((uint64_t)at * 0x9E3779B97F4A7C15U) >> 40);
}

void
test_fill(char *data, size_t from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (char)test_byte(from + i);
}

static void
check_bytes(const char *data, size_t from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)data[i] != test_byte(from + i)) {
			fprintf(stderr, "# byte %zu differs\n", from + i);
			test_fail(__FILE__, __LINE__, "the bytes are those of the stream");
		}
}

struct spool *
test_spool(off_t memory_limit)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	options.memory_limit = memory_limit;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	return spool;
}

void
test_check_stream(struct spool *spool, size_t size)
{
	static char buffer[100000];
	off_t offset = spool_tell(spool);
	size_t at = 0;
	ssize_t n;

	CHECK(spool_size(spool) == (off_t)size);
	CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
	while ((n = spool_read(spool, buffer, sizeof(buffer))) > 0) {
		check_bytes(buffer, at, (size_t)n);
		at += (size_t)n;
	}
	CHECK(n == 0 && at == size);
	CHECK(spool_seek(spool, offset, SEEK_SET) == offset);
}

void
test_check_file(int fd, size_t size)
{
	static char buffer[100000];
	size_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buffer, sizeof(buffer), (off_t)at)) > 0) {
		check_bytes(buffer, at, (size_t)n);
		at += (size_t)n;
	}
	CHECK(n == 0 && at == size);
}

void
test_write(struct spool *spool, size_t from, size_t length)
{
	char *data = malloc(length + 1);

	CHECK(data != NULL);
	test_fill(data, from, length);
	CHECK(spool_write(spool, data, length) == (ssize_t)length);
	free(data);
}

int
test_source(size_t size, size_t piece)
{
	int ends[2];
	pid_t child;

	CHECK(pipe(ends) == 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		char *data = malloc(piece);

		CHECK(data != NULL);
		close(ends[0]);
		for (size_t at = 0; at < size;) {
			size_t length = size - at < piece ? size - at : piece;
			ssize_t n;

			test_fill(data, at, length);
			n = write(ends[1], data, length);
			if (n == -1)
				break;
			at += (size_t)n;
		}
		free(data);
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

int
test_sink(size_t from, size_t size, int *child)
{
	int ends[2];

	CHECK(pipe(ends) == 0);
	*child = fork();
	CHECK(*child != -1);
	if (*child == 0) {
		static char buffer[100000];
		ssize_t n;

		close(ends[1]);
		while ((n = read(ends[0], buffer, sizeof(buffer))) > 0) {
			check_bytes(buffer, from, (size_t)n);
			from += (size_t)n;
		}
		_exit(n == 0 && from == size ? 0 : 1);
	}
	close(ends[0]);
	return ends[1];
}

void
test_drain(struct spool *spool, size_t from, size_t size)
{
	int child, status, fd = test_sink(from, size, &child);

	CHECK(spool_seek(spool, (off_t)from, SEEK_SET) == (off_t)from);
	CHECK(spool_drain(spool, fd, NULL) == (off_t)(size - from));
	CHECK(spool_tell(spool) == (off_t)size);
	close(fd);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int
test_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1000; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			count++;
	return count;
}

long
test_resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages;

	CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}
