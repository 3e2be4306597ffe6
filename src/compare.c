/* compare.c: compares a file with a spool, 64 KiB at a time. */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "io.h"
#include "spool.h"

/* Not on the stack, which may be small (ulimit -s). */
static char ours[64 << 10], theirs[sizeof(ours)];

/* Reads length bytes of the file, or fewer at its end. */
static ssize_t
read_theirs(int fd, size_t length)
{
	size_t got = 0;

	while (got < length) {
		ssize_t n = io_read(fd, theirs + got, length - got);

		if (n == -1)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* early: the result if the file ends before the last byte. */
static int
compare(struct spool *spool, off_t at, int fd, off_t file_at, off_t length, int early)
{
	if (spool_flush(spool) == -1 || spool_seek(spool, at, SEEK_SET) == -1 || lseek(fd, file_at, SEEK_SET) == -1)
		return -1;
	while (length > 0) {
		size_t wanted = length < (off_t)sizeof(ours) ? (size_t)length : sizeof(ours);
		ssize_t n = spool_read(spool, ours, wanted), got;

		if (n <= 0)
			return (int)n;
		got = read_theirs(fd, (size_t)n);
		if (got == -1)
			return -1;
		if (memcmp(ours, theirs, (size_t)got) != 0)
			return 0;
		if (got < n)
			return early;
		length -= n;
	}
	return 1;
}

int
compare_contents(struct spool *spool, off_t at, int fd, off_t file_at, off_t length)
{
	return compare(spool, at, fd, file_at, length, 0);
}

int
compare_to_end(struct spool *spool, off_t at, int fd, off_t file_at, off_t length)
{
	return compare(spool, at, fd, file_at, length, 1);
}
