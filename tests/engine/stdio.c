/* stdio.c: random stdio programs on a stream over a spool, and the same on that of tmpfile(3). */
#include <config.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

enum { PROGRAMS = 4000, STEPS = 30, LONGEST = 6000 };

/* What a stream has done last. Between reading and writing, C wants a call that sets the position. */
enum last { POSITIONED, HAS_READ, HAS_WRITTEN };

/* The two streams, which have to give the same. */
struct pair {
	FILE *spooled, *plain;
	enum last last;
	unsigned program, step;
};

static uint64_t state;

static unsigned
pick(unsigned below)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(state >> 33) % below;
}

#define SAME(call) \
	do { \
		FILE *stream = pair->spooled; \
		const long long spooled = (call); \
		stream = pair->plain; \
		const long long plain = (call); \
		if (spooled != plain) \
			differ(pair, #call, spooled, plain); \
	} while (0)

static void
differ(const struct pair *pair, const char *call, long long spooled, long long plain)
{
	printf("# program %u, step %u: %s gives %lld, and %lld with tmpfile\n", pair->program, pair->step, call, spooled,
	    plain);
	test_fail(__FILE__, __LINE__, "the two streams give the same");
}

/* A position may be set at any time; fflush(3) sets none after reading, and an fseeko(3) that fails sets none at all. */
static void
set_position(struct pair *pair)
{
	static const int all[] = { SEEK_SET, SEEK_CUR, SEEK_END };
	const int whence = all[pick(3)];
	const off_t some = (off_t)pick(LONGEST), to = whence == SEEK_SET ? some : some / 8 - LONGEST / 16;
	const bool stays = pick(4) == 0;

	errno = 0;
	SAME(fseeko(stream, stays ? 0 : to, stays ? SEEK_CUR : whence));
	if (errno != 0 || pick(4) == 0)
		SAME((rewind(stream), 0));
	pair->last = POSITIONED;
}

static void
write_some(struct pair *pair)
{
	static char text[LONGEST];
	const size_t length = pick(4) == 0 ? pick(LONGEST) : pick(40);

	if (pair->last == HAS_READ)
		set_position(pair);
	for (size_t i = 0; i < length; i++)
		text[i] = (char)(pick(8) == 0 ? '\n' : 'a' + (int)pick(26));
	if (pick(3) == 0)
		SAME(fputc('#', stream));
	else
		SAME((long long)fwrite(text, 1, length, stream));
	pair->last = HAS_WRITTEN;
}

static long long
sum(const char *text, size_t length)
{
	long long result = (long long)length;

	for (size_t i = 0; i < length; i++)
		result = result * 31 % 1000000007 + text[i];
	return result;
}

static long long
read_line(FILE *stream)
{
	char line[200];

	return fgets(line, sizeof(line), stream) == NULL ? -1 : sum(line, strlen(line));
}

static long long
read_bytes(FILE *stream, size_t length)
{
	static char bytes[LONGEST];

	return sum(bytes, fread(bytes, 1, length, stream));
}

static void
read_some(struct pair *pair)
{
	const size_t length = pick(4) == 0 ? pick(LONGEST) : pick(40);

	if (pair->last == HAS_WRITTEN) {
		if (pick(2) == 0)
			SAME(fflush(stream));
		else
			set_position(pair);
	}
	switch (pick(4)) {
	case 0:
		SAME(fgetc(stream));
		break;
	case 1:
		SAME(read_line(stream));
		break;
	case 2:
		SAME(ungetc(fgetc(stream), stream));
		break;
	default:
		SAME(read_bytes(stream, length));
	}
	pair->last = HAS_READ;
}

static void
take_step(struct pair *pair)
{
	switch (pick(8)) {
	case 0:
	case 1:
	case 2:
		write_some(pair);
		break;
	case 3:
	case 4:
		read_some(pair);
		break;
	case 5:
		set_position(pair);
		break;
	case 6:
		SAME(ftello(stream));
		break;
	default:
		SAME(feof(stream) != 0);
	}
	SAME(ferror(stream) != 0);
}

/* What is in the two at the end. */
static void
compare(struct pair *pair)
{
	SAME(fseeko(stream, 0, SEEK_END));
	SAME(ftello(stream));
	SAME((rewind(stream), 0));
	for (int i = 0; i < 20; i++)
		SAME(read_bytes(stream, LONGEST));
	SAME(feof(stream) != 0);
}

static void
random_programs(void)
{
	static const off_t limits[] = { 0, 100, 5000, 1 << 20 };
	static const int modes[] = { _IOFBF, _IOLBF, _IONBF };
	struct pair pair = { .plain = tmpfile() };

	CHECK(pair.plain != NULL);
	for (pair.program = 0; pair.program < PROGRAMS; pair.program++) {
		struct spool *spool = test_spool(limits[pair.program % 4]);
		const int mode = modes[pair.program / 4 % 3];

		state = pair.program;
		pair.spooled = spool_stream(spool, false);
		pair.last = POSITIONED;
		CHECK(pair.spooled != NULL && setvbuf(pair.spooled, NULL, mode, BUFSIZ) == 0);
		rewind(pair.plain);
		CHECK(ftruncate(fileno(pair.plain), 0) == 0);
		for (pair.step = 0; pair.step < STEPS; pair.step++)
			take_step(&pair);
		compare(&pair);
		CHECK(fclose(pair.spooled) == 0);
		CHECK(spool_close(spool) == 0);
	}
	CHECK(fclose(pair.plain) == 0);
}

static void
seek_after_a_write(void)
{
	struct spool *spool = test_spool(1 << 20);
	FILE *stream = spool_stream(spool, false);
	char text[6] = "";

	CHECK(fputs("0123456789abcdefghijklmnopqrstuvwxyz", stream) != EOF);
	CHECK(fseeko(stream, 10, SEEK_SET) == 0);
	CHECK(fputs("XYZ", stream) != EOF);
	CHECK(fseeko(stream, 0, SEEK_CUR) == 0 && ftello(stream) == 13);
	CHECK(fread(text, 1, 5, stream) == 5 && strcmp(text, "defgh") == 0);
	CHECK(fclose(stream) == 0 && spool_close(spool) == 0);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "fseeko(SEEK_CUR) after a write", seek_after_a_write },
		{ "4,000 random programs give what they give with tmpfile", random_programs },
	};

	return test_main("stdio.c", tests, sizeof(tests) / sizeof(*tests));
}
