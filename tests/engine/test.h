/* test.h: a frame for test programs: each test runs in a process of its own, and the output is TAP. */
#ifndef TEST_H
#define TEST_H

#include <sys/types.h>

#include <stddef.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			test_fail(__FILE__, __LINE__, #condition); \
	} while (0)

/* The call must fail with this errno. */
#define CHECK_ERRNO(call, error) \
	do { \
		errno = 0; \
		CHECK((call) && errno == (error)); \
	} while (0)

_Noreturn void	test_fail(const char *file, int line, const char *condition);
int	test_main(const char *program, const struct test *tests, size_t count);

/* Byte number at of the stream that all tests use: not periodic in any buffer's size. */
unsigned char	test_byte(size_t at);
void	test_fill(char *data, size_t from, size_t length);

struct spool;
/* A new spool with this memory limit. */
struct spool *test_spool(off_t memory_limit);
/* The spool holds exactly bytes [0, size) of the test stream; its offset is left as it was. */
void	test_check_stream(struct spool *spool, size_t size);
/* The same for a file, read from offset 0. */
void	test_check_file(int fd, size_t size);
/* Writes bytes [from, from + length) of the test stream at the spool's offset. */
void	test_write(struct spool *spool, size_t from, size_t length);
/* A child writes bytes [0, size) of the test stream into a pipe, piece by piece; the end to read from. */
int	test_source(size_t size, size_t piece);
/* A child reads a pipe and exits 0 if it got exactly bytes [from, size) of the test stream. */
int	test_sink(size_t from, size_t size, int *child);
/* Drains the spool to such a child, from the offset given, and sees that all arrives. */
void	test_drain(struct spool *spool, size_t from, size_t size);
/* How many descriptors are open. */
int	test_descriptors(void);
/* Bytes of memory that this process has resident. */
long	test_resident(void);

#endif
