/* stream.c: tests of the stdio view of a spool, across a roll over. */
#include <config.h>

#include <sys/mman.h>
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "spool.h"
#include "test.h"

/* ld --wrap puts these in place of fdopen(3) and fopencookie(3). */
FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
static bool no_streams, no_memory;

/* And this in place of malloc(3). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

FILE *
__wrap_fdopen(int fd, const char *mode)
{
	return no_streams ? NULL : __real_fdopen(fd, mode);
}

#ifdef HAVE_FOPENCOOKIE
FILE *__real_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);
FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);

FILE *
__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
	errno = ENOMEM;
	return no_streams ? NULL : __real_fopencookie(cookie, mode, functions);
}
#endif

static void
lines(void)
{
	for (off_t limit = 0; limit < 700000; limit = limit * 7 + 5) {
		struct spool *spool = test_spool(limit);
		FILE *stream = spool_stream(spool, false);
		char *line = NULL, expected[32];
		size_t capacity = 0;

		CHECK(stream != NULL);
		for (int i = 0; i < 50000; i++)
			CHECK(fprintf(stream, "line %d\n", i) > 0);
		CHECK(fflush(stream) == 0);
		CHECK(spool_size(spool) == ftello(stream));
		CHECK(spool_is_rolled(spool) == (spool_size(spool) > limit));
		rewind(stream);
		for (int i = 0; i < 50000; i++) {
			snprintf(expected, sizeof(expected), "line %d\n", i);
			CHECK(getline(&line, &capacity, stream) > 0 && strcmp(line, expected) == 0);
		}
		CHECK(getline(&line, &capacity, stream) == -1 && feof(stream));
		free(line);
		CHECK(fclose(stream) == 0);
		CHECK(spool_size(spool) > 0);	/* the spool is still there */
		CHECK(spool_close(spool) == 0);
	}
}

static void
seeks_and_buffers(void)
{
	static const int modes[] = { _IOFBF, _IOLBF, _IONBF };
	static char buffer[100];

	for (size_t i = 0; i < 3; i++) {
		struct spool *spool = test_spool(10);
		FILE *stream = spool_stream(spool, false);
		char text[32] = "";

		CHECK(stream != NULL && setvbuf(stream, buffer, modes[i], sizeof(buffer)) == 0);
		CHECK(fputs("hello, world: twenty\n", stream) != EOF);
		CHECK(fseeko(stream, 7, SEEK_SET) == 0);
		CHECK(fputs("WORLD", stream) != EOF);
		CHECK(fseeko(stream, -14, SEEK_END) == 0 && ftello(stream) == 7);
		CHECK(fgets(text, sizeof(text), stream) != NULL && strcmp(text, "WORLD: twenty\n") == 0);
		CHECK(fclose(stream) == 0);
		CHECK(spool_is_rolled(spool));
		CHECK(spool_seek(spool, 0, SEEK_SET) == 0);
		CHECK(spool_read(spool, text, sizeof(text)) == 21);
		CHECK(memcmp(text, "hello, WORLD: twenty\n", 21) == 0);
		spool_close(spool);
	}
}

static void
wide_characters(void)
{
	struct spool *spool = test_spool(100);
	FILE *stream;
	wchar_t line[64], expected[64];

	CHECK(setlocale(LC_ALL, "C.UTF-8") != NULL);
	/* The spool is in memory first, and rolls over when the stream is written. */
	CHECK(spool_write(spool, "\xc3\xa4 0\n", 5) == 5 && !spool_is_rolled(spool));
	stream = spool_stream(spool, true);
	CHECK(stream != NULL && fwide(stream, 1) > 0);
	for (int i = 1; i < 5000; i++)
		CHECK(fwprintf(stream, L"\u00e4 %d\n", i) > 0);
	rewind(stream);
	for (int i = 0; i < 5000; i++) {
		swprintf(expected, 64, L"\u00e4 %d\n", i);
		CHECK(fgetws(line, 64, stream) != NULL && wcscmp(line, expected) == 0);
	}
	CHECK(fgetws(line, 64, stream) == NULL && feof(stream));
	CHECK(spool_tell(spool) == spool_size(spool));
	CHECK(fclose(stream) == 0);
	test_write(spool, 0, 1);	/* closing the stream has not closed the spool's own descriptor */
	CHECK(spool_close(spool) == 0);
}

static void
failures(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;
	FILE *stream;

	options.memory_limit = 10;
	options.directory = "/does/not/exist";
	spool = spool_open(&options);
	CHECK_ERRNO(spool_stream(spool, true) == NULL, ENOENT);
	stream = spool_stream(spool, false);
	CHECK(stream != NULL);
	CHECK(fputs("more than ten bytes", stream) != EOF);
	CHECK_ERRNO(fflush(stream) == EOF, ENOENT);
	CHECK(ferror(stream));
	(void)fclose(stream);
	CHECK(spool_size(spool) == 0);
	spool_close(spool);
}

static void
no_stream_can_be_had(void)
{
	struct rlimit before, none;
	struct spool *spool = test_spool(10);
	int fd = spool_fileno(spool);

	CHECK(fd != -1);
	no_streams = true;
	CHECK_ERRNO(spool_stream(spool, true) == NULL, ENOMEM);
	CHECK(spool_fault(spool) == SPOOL_MEMORY);
#ifdef HAVE_FOPENCOOKIE
	test_write(spool, 0, 20);
	CHECK_ERRNO(spool_seek(spool, -1, SEEK_SET) == -1, EINVAL);
	CHECK_ERRNO(spool_stream(spool, false) == NULL, ENOMEM);
	CHECK(spool_fault(spool) == SPOOL_MEMORY);
#endif
	no_streams = false;
	no_memory = true;
	CHECK(spool_stream(spool, false) == NULL && spool_fault(spool) == SPOOL_MEMORY);
	no_memory = false;
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	while (dup(fd) != -1)
		continue;
	CHECK_ERRNO(spool_stream(spool, true) == NULL, EMFILE);
	CHECK(spool_fault(spool) == SPOOL_SPILL);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	CHECK(spool_close(spool) == 0);
}

/* A write that fails must not make stdio read beyond its buffer. */
static void
a_large_write_that_fails(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *data = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct spool *spool;
	FILE *stream;

	CHECK(data != MAP_FAILED && mprotect(data + 4 * page, page, PROT_NONE) == 0);
	options.size_limit = (off_t)page + 100;
	spool = spool_open(&options);
	stream = spool_stream(spool, false);
	CHECK(stream != NULL);
	test_fill(data, 0, 4 * page);
	CHECK(fwrite(data, 1, 4 * page, stream) < 4 * page && ferror(stream));
	(void)fclose(stream);
	test_check_stream(spool, (size_t)spool_size(spool));
	spool_close(spool);
}

#ifdef HAVE_FOPENCOOKIE
static void
far_offsets(void)
{
	static const off_t offsets[] = { 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, (off_t)1 << 40 };
	struct spool *spool = test_spool(10);
	FILE *stream = spool_stream(spool, false);

	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		CHECK(fseeko(stream, offsets[i], SEEK_SET) == 0);
		CHECK(ftello(stream) == offsets[i] && spool_tell(spool) == offsets[i]);
	}
	CHECK_ERRNO(fseeko(stream, -1, SEEK_SET) == -1, EINVAL);
	CHECK(fclose(stream) == 0);
	spool_close(spool);
}
#endif

int
main(void)
{
	static const struct test tests[] = {
		{ "fprintf and getline", lines },
		{ "fseeko, ftello, setvbuf, fgets", seeks_and_buffers },
		{ "fwprintf and fgetws", wide_characters },
		{ "a failure reaches the stream", failures },
		{ "no stream can be had", no_stream_can_be_had },
		{ "a large write that fails", a_large_write_that_fails },
#ifdef HAVE_FOPENCOOKIE	/* libbsd's funopen cannot do it */
		{ "far offsets", far_offsets },
#endif
	};

	return test_main("stream.c", tests, sizeof(tests) / sizeof(*tests));
}
