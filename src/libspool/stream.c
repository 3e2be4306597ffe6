/* stream.c: a stdio FILE over a spool. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

/* glibc's fopencookie(3) forbids a negative value, and would miscount. Other C libraries do not take 0 for a
   failure. */
#ifdef __GLIBC__
#define WRITE_FAILED 0
#else
#define WRITE_FAILED (-1)
#endif

/*
 * glibc and musl have fopencookie, the BSDs have funopen. libbsd has funopen everywhere, but on top of fopencookie it
 * truncates lengths and offsets to int, so it is only used where there is nothing else.
 */
#ifdef HAVE_FOPENCOOKIE
static ssize_t
stream_read(void *cookie, char *data, size_t length)
{
	return spool_read(cookie, data, length);
}

static ssize_t
stream_write(void *cookie, const char *data, size_t length)
{
	ssize_t n = spool_write(cookie, data, length);

	return n == -1 ? WRITE_FAILED : n;
}

static int
stream_seek(void *cookie, off_t *offset, int whence)
{
	off_t at = spool_seek(cookie, *offset, whence);

	if (at == -1)
		return -1;
	*offset = at;
	return 0;
}

static FILE *
byte_stream(struct spool *spool)
{
	cookie_io_functions_t functions = { .read = stream_read, .write = stream_write, .seek = stream_seek };

	return fopencookie(spool, "r+", functions);
}
#else
static int
stream_read(void *cookie, char *data, int length)
{
	return length < 0 ? -1 : (int)spool_read(cookie, data, (size_t)length);
}

/* Where funopen is made of fopencookie, the return value has the meaning that it has there. */
static int
stream_write(void *cookie, const char *data, int length)
{
	ssize_t n = length < 0 ? -1 : spool_write(cookie, data, (size_t)length);

	return n == -1 ? WRITE_FAILED : (int)n;
}

static off_t
stream_seek(void *cookie, off_t offset, int whence)
{
	return spool_seek(cookie, offset, whence);
}

static FILE *
byte_stream(struct spool *spool)
{
	return funopen(spool, stream_read, stream_write, stream_seek, NULL);
}
#endif

/* An ordinary stdio stream over the spill file, whose offset and size are the spool's. */
static FILE *
wide_stream(struct spool *spool)
{
	int fd = spool_fileno(spool);
	FILE *stream;

	if (fd == -1)
		return NULL;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1) {
		(void)spool_fail(spool, SPOOL_SPILL);
		return NULL;
	}
	stream = fdopen(fd, "r+");
	if (stream == NULL) {
		(void)spool_fail(spool, SPOOL_MEMORY);
		(void)close(fd);
		errno = ENOMEM;
	}
	return stream;
}

FILE *
spool_stream(struct spool *spool, bool wide)
{
	FILE *stream;

	if (wide)
		return wide_stream(spool);
	stream = byte_stream(spool);
	if (stream == NULL)
		(void)spool_fail(spool, SPOOL_MEMORY);
	return stream;
}
