/*
 * model.c: random operations on a spool, and the same on a plain array of bytes; after each the two must agree.
 *
 * In a third of the runs calls are interrupted and do less than asked, which nobody may notice. In another
 * third single calls fail: then the spool must hold what it held, and the operation, tried again, must work.
 *
 *	model [SEED [RUNS]]
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rough.h"
#include "spool.h"
#include "test.h"

#define MOST 300000

static struct {
	char bytes[MOST];
	off_t size, offset;
	off_t size_limit;
	bool has_kept;		/* spool_fill has bytes that it read and could not store, nobody knows how many */
} model;

static struct spool *spool;
static unsigned seed, operation;
static const char *doing;
static char data[MOST], got[MOST];
static bool faulty;
static const char *directory;	/* one on a disk, so that there is direct I/O */

#define AGREE(condition) \
	do { \
		if (!(condition)) { \
			rough_on = false; \
			printf("# seed %u, operation %u (%s), failed call: %s\n", seed, operation, doing, \
			    rough_failed != NULL ? rough_failed : "none"); \
			test_fail(__FILE__, __LINE__, #condition); \
		} \
	} while (0)

/* Runs a call with trouble, and again without if it failed because of that. */
#define TRY(result, call, bad) \
	do { \
		rough_failed = NULL; \
		rough_fail_in = faulty && rough_random(2) ? 1 + rough_random(8) : 0; \
		rough_on = true; \
		(result) = (call); \
		rough_on = false; \
		rough_fail_in = 0; \
		if ((result) == (bad) && rough_failed != NULL) { \
			check_after_failure(); \
			(result) = (call); \
		} \
	} while (0)

static void
check(void)
{
	off_t offset = spool_tell(spool);
	ssize_t n;

	AGREE(spool_size(spool) == model.size);
	AGREE(offset == model.offset);
	AGREE(spool_seek(spool, 0, SEEK_SET) == 0);
	n = spool_read(spool, got, sizeof(got));
	AGREE(n == model.size);
	AGREE(memcmp(got, model.bytes, (size_t)n) == 0);
	AGREE(spool_seek(spool, offset, SEEK_SET) == offset);
}

/* Size and offset are as before; a write that failed may have changed bytes inside the old size. */
static void
check_after_failure(void)
{
	if (strcmp(doing, "fill") == 0 || strcmp(doing, "drain") == 0)
		return;		/* these say how far they came, and are checked there */
	if (strcmp(rough_failed, "lseek") == 0)
		return;		/* done, but the descriptor's offset could not follow: see spool_fileno() */
	if (strcmp(doing, "write") == 0) {
		off_t offset = spool_tell(spool);

		AGREE(offset == model.offset && spool_size(spool) == model.size);
		AGREE(spool_seek(spool, 0, SEEK_SET) == 0);
		AGREE(spool_read(spool, got, sizeof(got)) == model.size);
		for (off_t i = 0; i < model.size && i < model.offset; i++)
			AGREE(got[i] == model.bytes[i]);
		AGREE(spool_seek(spool, offset, SEEK_SET) == offset);
		return;
	}
	check();
}

static size_t
some_length(void)
{
	static const unsigned most[] = { 2, 100, 5000, 70000, 150000 };

	return rough_random(most[rough_random(5)]);
}

static void
zeros_up_to(off_t size)
{
	if (size > model.size)
		memset(model.bytes + model.size, 0, (size_t)(size - model.size));
}

static void
do_write(void)
{
	size_t length = some_length();
	ssize_t n;

	if (model.offset + (off_t)length > MOST)
		return;
	test_fill(data, rough_random(1000000), length);
	TRY(n, spool_write(spool, data, length), -1);
	if (length > 0 && model.offset + (off_t)length > model.size_limit) {
		AGREE(n == -1 && errno == EFBIG);
		return;
	}
	AGREE(n == (ssize_t)length);
	if (length == 0)
		return;
	zeros_up_to(model.offset);
	memcpy(model.bytes + model.offset, data, length);
	model.offset += n;
	if (model.offset > model.size)
		model.size = model.offset;
}

static void
do_read(void)
{
	size_t length = some_length();
	off_t left = model.size > model.offset ? model.size - model.offset : 0;
	ssize_t n;

	TRY(n, spool_read(spool, got, length), -1);
	AGREE(n == ((off_t)length < left ? (ssize_t)length : left));
	AGREE(memcmp(got, model.bytes + model.offset, (size_t)n) == 0);
	model.offset += n;
}

static void
do_seek(void)
{
	int whence = (int[]){ SEEK_SET, SEEK_CUR, SEEK_END }[rough_random(3)];
	off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? model.offset : model.size;
	off_t by = (off_t)some_length() * (rough_random(2) ? 1 : -1), result;

	if (base + by > MOST)
		return;
	TRY(result, spool_seek(spool, by, whence), -1);
	if (base + by < 0) {
		AGREE(result == -1 && errno == EINVAL);
		return;
	}
	AGREE(result == base + by);
	model.offset = result;
}

static void
do_truncate(void)
{
	off_t size = (off_t)some_length();
	int result;

	TRY(result, spool_truncate(spool, size), -1);
	if (size > model.size_limit) {
		AGREE(result == -1 && errno == EFBIG);
		return;
	}
	AGREE(result == 0);
	zeros_up_to(size);
	model.size = size;
}

static void
do_rollover(void)
{
	int result;

	TRY(result, spool_rollover(spool), -1);
	AGREE(result == 0 && spool_is_rolled(spool) && spool_in_memory(spool) == 0);
}

static void
do_fileno(void)
{
	int fd;

	TRY(fd, spool_fileno(spool), -1);
	AGREE(fd != -1 && lseek(fd, 0, SEEK_CUR) == model.offset);
	AGREE(lseek(fd, 0, SEEK_END) == model.size && lseek(fd, model.offset, SEEK_SET) == model.offset);
}

/* A pipe that holds these bytes, or a file. */
static int
source_of(const char *bytes, size_t length, bool as_pipe)
{
	int ends[2], fd;

	if (as_pipe) {
		AGREE(pipe(ends) == 0);
		(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		AGREE(write(ends[1], bytes, length) == (ssize_t)length);
		close(ends[1]);
		return ends[0];
	}
	fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	AGREE(fd != -1 && write(fd, bytes, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* Asking for the size is not part of what may fail. */
static off_t
fill_up_to(int fd, off_t size)
{
	off_t now;

	rough_on = false;
	now = spool_size(spool);
	rough_on = true;
	return spool_fill(spool, fd, size - now, NULL);
}

static void
do_fill(void)
{
	size_t length = some_length(), limit = rough_random(3) == 0 ? some_length() : (size_t)10 * MOST, expected;
	off_t before = model.size, end;
	int fd;

	if (model.has_kept || model.size + (off_t)length > MOST)
		return;
	test_fill(data, rough_random(1000000), length);
	fd = source_of(data, length, rough_random(2));
	expected = length < limit ? length : limit;
	/* A fill that failed in the middle has appended some, and goes on from there. */
	for (int tries = 0; tries < 2; tries++) {
		off_t n;

		if (spool_size(spool) == before + (off_t)expected)
			break;
		TRY(n, fill_up_to(fd, before + (off_t)limit), -1);
		if (n == -1)
			AGREE(errno == EFBIG && spool_size(spool) == model.size_limit);
	}
	end = before + (off_t)expected;
	if (end > model.size_limit)
		end = model.size_limit;
	AGREE(spool_size(spool) == end);
	model.has_kept = end < before + (off_t)expected;
	memcpy(model.bytes + before, data, (size_t)(end - before));
	model.size = end;
	close(fd);
}

static void
do_drain(void)
{
	off_t left = model.size > model.offset ? model.size - model.offset : 0, total = 0;
	int ends[2] = { -1, -1 };

	if (rough_random(2)) {
		AGREE(pipe(ends) == 0);
		if (fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) == -1 && left > 60000) {
			close(ends[0]);
			close(ends[1]);
			return;
		}
	} else {
		ends[1] = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	}
	for (int tries = 0; tries < 2; tries++) {
		off_t n;

		TRY(n, spool_drain(spool, ends[1], NULL), -1);
		AGREE(n != -1);
	}
	while (total < left) {
		ssize_t n = ends[0] != -1 ? read(ends[0], got + total, (size_t)(left - total))
		    : pread(ends[1], got + total, (size_t)(left - total), total);

		AGREE(n > 0);
		total += n;
	}
	AGREE(memcmp(got, model.bytes + model.offset, (size_t)left) == 0);
	model.offset += left;
	if (ends[0] != -1)
		close(ends[0]);
	close(ends[1]);
}

static void
end_by_sealing(void)
{
	int fd;

	doing = "seal";
	TRY(fd, spool_seal(spool), -1);
	AGREE(fd != -1);
	AGREE(pread(fd, got, sizeof(got), 0) == model.size);
	AGREE(memcmp(got, model.bytes, (size_t)model.size) == 0);
	AGREE(lseek(fd, 0, SEEK_CUR) == 0);
	close(fd);
	check();
	if (model.size > 70000) {	/* frozen now, so a drain lends its pages */
		doing = "drain";
		model.offset = 0;
		AGREE(spool_seek(spool, 0, SEEK_SET) == 0);
		do_drain();
	}
}

static void
run(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
		unsigned weight;
	} operations[] = {
		{ "write", do_write, 8 }, { "read", do_read, 5 }, { "seek", do_seek, 8 }, { "truncate", do_truncate, 3 },
		{ "fill", do_fill, 4 }, { "drain", do_drain, 3 }, { "rollover", do_rollover, 1 }, { "fileno", do_fileno, 1 },
	};
	static const off_t limits[] = { 0, 1, 100, 4096, 65536, 100000, SPOOL_UNLIMITED, SPOOL_UNLIMITED };
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	unsigned regime = rough_random(3), count = 1 + rough_random(40);

	memset(&model, 0, sizeof(model));
	faulty = regime == 1;
	rough_shake = regime == 2 ? 2 + rough_random(5) : 0;
	options.memory_limit = limits[rough_random(8)];
	options.size_limit = model.size_limit = rough_random(4) == 0 ? (off_t)some_length() : SPOOL_UNLIMITED;
	options.cache_limit = rough_random(2) ? SPOOL_AUTOMATIC : limits[rough_random(8)];
	options.memfd = rough_random(3) == 0;
	options.directory = directory;
	if (rough_random(4) == 0)
		options.spill_fd = open(directory, O_TMPFILE | O_RDWR, 0600);
	doing = "open";
	operation = 0;
	rough_failed = NULL;
	rough_fail_in = faulty && rough_random(4) == 0 ? 1 + rough_random(4) : 0;
	rough_on = true;
	spool = spool_open(&options);
	rough_on = false;
	if (spool == NULL) {
		AGREE(rough_failed != NULL && errno == ENOMEM);
		spool = spool_open(&options);
	}
	AGREE(spool != NULL);
	for (operation = 1; operation <= count; operation++) {
		unsigned total = 0, pick, i = 0;

		for (size_t k = 0; k < sizeof(operations) / sizeof(*operations); k++)
			total += operations[k].weight;
		for (pick = rough_random(total); pick >= operations[i].weight; i++)
			pick -= operations[i].weight;
		doing = operations[i].name;
		operations[i].run();
		if (rough_random(4) == 0)
			check();
	}
	doing = "end";
	check();
	if (rough_random(2))
		end_by_sealing();
	AGREE(spool_close(spool) == 0);
	if (options.spill_fd != -1)
		close(options.spill_fd);
}

static unsigned first = 1, runs = 1500;

static void
all(void)
{
	int before = test_descriptors();

	directory = spool_directory(NULL);
	for (unsigned i = 0; i < runs; i++) {
		seed = first + i;
		rough_seed(seed);
		for (int k = 0; k < 10; k++)
			(void)rough_random(2);
		run();
	}
	CHECK(test_descriptors() == before);
	printf("# seeds %u to %u, %u calls seen\n", first, first + runs - 1, rough_count);
	CHECK(rough_count > runs);
}

int
main(int argc, char **argv)
{
	static const struct test tests[] = { { "random operations agree with an array of bytes", all } };

	if (argc > 1)
		first = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		runs = (unsigned)strtoul(argv[2], NULL, 10);
	return test_main("model.c", tests, 1);
}
