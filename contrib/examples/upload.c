/*
 * upload.c: a CGI program (RFC 3875) that stores an upload if all of it came; an example for libspool.
 *
 *	cc upload.c $(pkg-config --cflags --libs libspool) -o upload
 *	CONTENT_LENGTH=5 ./upload FILE <body
 *
 * The body waits in memory up to 1 MiB, then on the disk. It may have 100 MiB. FILE must not exist.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spool.h>

static int
answer(const char *status, const char *why)
{
	printf("Status: %s\r\nContent-Type: text/plain\r\n\r\n%s\n", status, why);
	return *status != '2';
}

int
main(int argc, char **argv)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	const char *header = getenv("CONTENT_LENGTH");
	const off_t length = header != NULL ? (off_t)strtoll(header, NULL, 10) : -1;
	struct spool *spool;
	off_t got;
	int out;

	if (argc != 2)
		return answer("500 Internal Server Error", "usage: upload FILE");
	options.memory_limit = 1 << 20;
	options.size_limit = 100 << 20;
	spool = spool_open(&options);
	if (spool == NULL)
		return answer("500 Internal Server Error", strerror(errno));
	got = spool_fill(spool, STDIN_FILENO, length, NULL);	/* EINVAL for -1 */
	if (got == -1)
		return answer(errno == EFBIG ? "413 Content Too Large" : "400 Bad Request", strerror(errno));
	if (got < length)
		return answer("400 Bad Request", "the body ends early");

	out = open(argv[1], O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (out == -1)
		return answer("409 Conflict", strerror(errno));
	if (spool_drain(spool, out, NULL) != length || fsync(out) == -1 || close(out) == -1) {
		answer("500 Internal Server Error", strerror(errno));
		unlink(argv[1]);
		return 1;
	}
	spool_close(spool);
	return answer("201 Created", "stored");
}
