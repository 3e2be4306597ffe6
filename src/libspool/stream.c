/* stream.c: a stdio FILE over a spool. */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

static int
stream_read(void *cookie, char *data, int length)
{
	return (int)spool_read(cookie, data, (size_t)length);
}

static int
stream_write(void *cookie, const char *data, int length)
{
	return (int)spool_write(cookie, data, (size_t)length);
}

static off_t
stream_seek(void *cookie, off_t offset, int whence)
{
	return spool_seek(cookie, offset, whence);
}

/* A stream of the C library's own kind over the spill file, whose offset and size are the spool's. */
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
	}
	return stream;
}

FILE *
spool_stream(struct spool *spool, bool wide)
{
	FILE *stream;

	if (wide)
		return wide_stream(spool);
	stream = funopen(spool, stream_read, stream_write, stream_seek, NULL);
	if (stream == NULL)
		(void)spool_fail(spool, SPOOL_MEMORY);
	return stream;
}
