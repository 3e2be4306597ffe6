/* stream.c: a stdio FILE over a spool. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/* glibc's fopencookie(3) forbids a negative value, and would miscount. Other C libraries do not take 0 for a
   failure. */
#ifdef __GLIBC__
#define WRITE_FAILED 0
#else
#define WRITE_FAILED (-1)
#endif

struct cookie {
	struct spool *spool;
	FILE *stream;
};

/*
 * glibc notes the offset of a stream when it seeks, and moves that on when it writes to a descriptor, but not when it
 * writes to a cookie (2.36 to 2.42): a later fseeko(SEEK_CUR) would begin where the write began. Without a noted offset,
 * it asks the cookie.
 */
static void
forget_offset(FILE *stream)
{
#ifdef __GLIBC__
	stream->_offset = -1;
#else
	(void)stream;
#endif
}

/* Returns the bytes written, or -1. */
static ssize_t
put(const struct cookie *cookie, const char *data, size_t length)
{
	const ssize_t n = spool_write(cookie->spool, data, length);

	forget_offset(cookie->stream);
	return n;
}

static int
stream_close(void *cookie)
{
	free(cookie);
	return 0;
}

/*
 * glibc and musl have fopencookie, the BSDs have funopen. libbsd has funopen everywhere, but on top of fopencookie it
 * truncates lengths and offsets to int, so it is only used where there is nothing else.
 */
#ifdef HAVE_FOPENCOOKIE
static ssize_t
stream_read(void *cookie, char *data, size_t length)
{
	return spool_read(((const struct cookie *)cookie)->spool, data, length);
}

static ssize_t
stream_write(void *cookie, const char *data, size_t length)
{
	const ssize_t n = put(cookie, data, length);

	return n == -1 ? WRITE_FAILED : n;
}

static int
stream_seek(void *cookie, off_t *offset, int whence)
{
	const off_t at = spool_seek(((const struct cookie *)cookie)->spool, *offset, whence);

	if (at == -1)
		return -1;
	*offset = at;
	return 0;
}

static FILE *
open_cookie(struct cookie *cookie)
{
	cookie_io_functions_t functions = { .read = stream_read, .write = stream_write, .seek = stream_seek,
	    .close = stream_close };

	return fopencookie(cookie, "r+", functions);
}
#else
static int
stream_read(void *cookie, char *data, int length)
{
	return length < 0 ? -1 : (int)spool_read(((const struct cookie *)cookie)->spool, data, (size_t)length);
}

/* Where funopen is made of fopencookie, the return value has the meaning that it has there. */
static int
stream_write(void *cookie, const char *data, int length)
{
	const ssize_t n = length < 0 ? -1 : put(cookie, data, (size_t)length);

	return n == -1 ? WRITE_FAILED : (int)n;
}

static off_t
stream_seek(void *cookie, off_t offset, int whence)
{
	return spool_seek(((const struct cookie *)cookie)->spool, offset, whence);
}

static FILE *
open_cookie(struct cookie *cookie)
{
	return funopen(cookie, stream_read, stream_write, stream_seek, stream_close);
}
#endif

static FILE *
byte_stream(struct spool *spool)
{
	struct cookie *cookie = malloc(sizeof(*cookie));

	if (cookie == NULL)
		return NULL;
	cookie->spool = spool;
	cookie->stream = open_cookie(cookie);
	if (cookie->stream == NULL) {
		free(cookie);
		return NULL;
	}
	return cookie->stream;
}

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
