/*
 * driver.c: does the operations of a script on a spool and prints the result of each, for oracle.py.
 *
 *	open LIMIT | write N BYTE | read N | seek OFFSET WHENCE | tell | truncate N | rollover | fileno
 *	| fill N BYTE | drain | size | close
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"

static struct spool *spool;

/* N bytes that start with BYTE and count up modulo 251. */
static char *
pattern(long length, long start)
{
	char *data = malloc((size_t)length + 1);

	if (data == NULL)
		abort();
	for (long i = 0; i < length; i++)
		data[i] = (char)((start + i) % 251);
	return data;
}

/* A hash (FNV-1a), so that the bytes themselves need not be printed. */
static void
print_bytes(const char *data, off_t length)
{
	unsigned hash = 2166136261U;

	for (off_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)data[i]) * 16777619U;
	printf("%jd bytes %08x\n", (intmax_t)length, hash);
}

static void
print_result(intmax_t result)
{
	if (result == -1)
		printf("error %s\n", strerror(errno));
	else
		printf("%jd\n", result);
}

/* A temporary file without a name. */
static int
scratch(void)
{
	char path[] = "/tmp/spool-driver-XXXXXX";
	int fd = mkstemp(path);

	if (fd == -1 || unlink(path) == -1)
		abort();
	return fd;
}

static void
fill(long length, long start)
{
	char *data = pattern(length, start);
	int ends[2], fd = scratch();

	/* If the bytes fit, they come from a pipe, so that splice is used. */
	if (length < 60000 && pipe(ends) == 0) {
		close(fd);
		if (write(ends[1], data, (size_t)length) != length || close(ends[1]) == -1)
			abort();
		fd = ends[0];
	} else if (write(fd, data, (size_t)length) != length || lseek(fd, 0, SEEK_SET) == -1) {
		abort();
	}
	print_result(spool_fill(spool, fd, SPOOL_UNLIMITED, NULL));
	close(fd);
	free(data);
}

static void
drain(void)
{
	int fd = scratch();
	off_t length = spool_drain(spool, fd, NULL);
	char *data = malloc((size_t)length + 1);

	if (data == NULL || pread(fd, data, (size_t)length, 0) != length)
		abort();
	print_bytes(data, length);
	close(fd);
	free(data);
}

static void
carry_out(const char *name, long a, long b)
{
	if (strcmp(name, "open") == 0) {
		struct spool_options options = SPOOL_OPTIONS_DEFAULT;

		options.memory_limit = a;
		spool = spool_open(&options);
	} else if (strcmp(name, "write") == 0) {
		char *data = pattern(a, b);

		print_result(spool_write(spool, data, (size_t)a));
		free(data);
	} else if (strcmp(name, "read") == 0) {
		char *data = malloc((size_t)a + 1);
		ssize_t n = spool_read(spool, data, (size_t)a);

		print_bytes(data, n);
		free(data);
	} else if (strcmp(name, "seek") == 0) {
		print_result(spool_seek(spool, a, b == 0 ? SEEK_SET : b == 1 ? SEEK_CUR : SEEK_END));
	} else if (strcmp(name, "truncate") == 0) {
		print_result(spool_truncate(spool, a));
	} else if (strcmp(name, "rollover") == 0) {
		print_result(spool_rollover(spool));
	} else if (strcmp(name, "fileno") == 0) {
		int fd = spool_fileno(spool);

		printf("%jd %jd\n", (intmax_t)lseek(fd, 0, SEEK_CUR), (intmax_t)spool_size(spool));
	} else if (strcmp(name, "fill") == 0) {
		fill(a, b);
	} else if (strcmp(name, "drain") == 0) {
		drain();
	} else if (strcmp(name, "close") == 0) {
		print_result(spool_close(spool));
	} else {
		abort();
	}
	if (strcmp(name, "close") != 0)
		printf("at %jd of %jd, %s\n", (intmax_t)spool_tell(spool), (intmax_t)spool_size(spool),
		    spool_is_rolled(spool) ? "rolled" : "in memory");
}

int
main(void)
{
	char line[100], name[20];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		long a = 0, b = 0;

		if (sscanf(line, "%19s %ld %ld", name, &a, &b) >= 1)
			carry_out(name, a, b);
	}
	return 0;
}
