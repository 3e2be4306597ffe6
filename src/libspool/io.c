/* io.c: reads and writes that survive signals, short counts and non-blocking descriptors. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

/* Sleeps until fd is ready for events (POLLIN, POLLOUT) or broken; the next call on it tells which. */
static int
wait_for(int fd, short events)
{
	struct pollfd waiting = { .fd = fd, .events = events };

	while (poll(&waiting, 1, -1) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* Whether a call on fd that failed with errno is worth repeating, after waiting for fd if need be. */
bool
io_again(int fd, short events)
{
	if (errno == EINTR)
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK)	/* LCOV_EXCL_BR_LINE: they are one number on Linux */
		return wait_for(fd, events) == 0;
	return false;
}

/* One read(2): what there is, 0 at the end. */
ssize_t
io_read(int fd, char *data, size_t length)
{
	ssize_t n;

	while ((n = read(fd, data, length)) == -1)
		if (!io_again(fd, POLLIN))
			break;
	return n;
}

/* The same into several pieces, readv(2). */
ssize_t
io_read_pieces(int fd, const struct iovec *pieces, int count)
{
	ssize_t n;

	while ((n = readv(fd, pieces, count)) == -1)
		if (!io_again(fd, POLLIN))
			break;
	return n;
}

/* One write(2) of at least one byte: what fits. Taking nothing, which no file should, is EIO. */
ssize_t
io_write(int fd, const char *data, size_t length)
{
	ssize_t n;

	while ((n = write(fd, data, length)) == -1)
		if (!io_again(fd, POLLOUT))
			return -1;
	if (n == 0)
		errno = EIO;
	return n > 0 ? n : -1;
}

/* Reads all of [at, at + length) of a file; its ending early is EIO. */
int
io_read_at(int fd, char *data, size_t length, off_t at)
{
	while (length > 0) {
		ssize_t n = pread(fd, data, length, at);

		if (n == 0)
			errno = EIO;
		if (n <= 0) {
			if (n == -1 && errno == EINTR)
				continue;
			return -1;
		}
		data += n;
		length -= (size_t)n;
		at += n;
	}
	return 0;
}

/* Writes all of [at, at + length) of a file. */
int
io_write_at(int fd, const char *data, size_t length, off_t at)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, data, length, at);

		if (n == 0)
			errno = EIO;
		if (n <= 0) {
			if (n == -1 && errno == EINTR)
				continue;
			return -1;
		}
		data += n;
		length -= (size_t)n;
		at += n;
	}
	return 0;
}

int
io_truncate(int fd, off_t size)
{
	while (ftruncate(fd, size) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* Opens the file behind a descriptor once more, with an offset of its own. Needs /proc. */
int
io_reopen(int fd, int flags)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}
