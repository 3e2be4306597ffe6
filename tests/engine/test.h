/* test.h: what the engine's test programs share. Each test runs in a process of its own; the output is TAP. */
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

/* Byte number at of the stream that all tests use. It does not repeat after any buffer's size. */
unsigned char	test_byte(size_t at);
void	test_fill(char *data, size_t from, size_t length);

struct spool;
/* A new spool with this memory limit. */
struct spool *test_spool(off_t memory_limit);
/* Checks that the spool holds exactly bytes [0, size) of the test stream; its offset stays. */
void	test_check_stream(struct spool *spool, size_t size);
/* The same for a file, from its offset 0. */
void	test_check_file(int fd, size_t size);
/* Writes bytes [from, from + length) of the test stream at the spool's offset. */
void	test_write(struct spool *spool, size_t from, size_t length);
/* Starts a child that writes bytes [0, size) of the test stream into a pipe, in pieces. Returns the read end. */
int	test_source(size_t size, size_t piece);
/* Starts a child that reads a pipe, and exits with 0 if it gets exactly bytes [from, size) of the test stream. Returns
   the write end. */
int	test_sink(size_t from, size_t size, int *child);
/* Drains the spool from this offset to such a child, and checks that all bytes arrive. */
void	test_drain(struct spool *spool, size_t from, size_t size);
/* The number of open descriptors. */
int	test_descriptors(void);
/* The resident memory of this process, in bytes. */
long	test_resident(void);

#endif
