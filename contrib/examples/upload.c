/*
 * upload.c: keeps an upload in memory, or on the disk if it is large, until all of it is there; an example for libspool.
 *
 *	cc upload.c $(pkg-config --cflags --libs libspool) -o upload
 *	upload [FILE] <request
 *
 * Reads "Content-Length: N", an empty line and N bytes, as an HTTP server does. Only if all of them came, and not more
 * than 100 MB, it writes them into FILE, or else to standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spool.h>

static int
fail(const char *what)
{
	fprintf(stderr, "upload: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The next line, without its end. One byte at a time, so that the body stays in the descriptor. */
static size_t
read_line(char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(0, line + n, 1) == 1 && line[n] != '\n')
		n++;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return n;
}

/* The length that the header has, or -1. */
static off_t
read_header(void)
{
	static const char name[] = "Content-Length: ";
	char line[1000];
	off_t length = -1;

	while (read_line(line, sizeof(line)) > 0)
		if (strncmp(line, name, strlen(name)) == 0)
			length = (off_t)strtoll(line + strlen(name), NULL, 10);
	return length;
}

int
main(int argc, char **argv)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	const off_t length = read_header();
	struct spool *spool;
	off_t got;
	int out = 1;

	options.memory_limit = 1 << 20;
	options.size_limit = 100 << 20;
	spool = spool_open(&options);
	if (spool == NULL)
		return fail("spool_open");
	got = spool_fill(spool, 0, length, NULL);	/* EINVAL without a length */
	if (got == -1)
		return fail("the body");
	if (got < length) {
		fprintf(stderr, "upload: the body ends after %jd of %jd bytes\n", (intmax_t)got, (intmax_t)length);
		return 1;
	}
	if (argc > 1)
		out = open(argv[1], O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (out == -1 || spool_drain(spool, out, NULL) != length || close(out) == -1)
		return fail(argc > 1 ? argv[1] : "standard output");
	return spool_close(spool) == -1 ? fail("spool_close") : 0;
}
