/* io.c: calls on a descriptor that survive signals, short counts and O_NONBLOCK, and questions about lost writes. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "io.h"

/* Sleeps until fd is ready for events (POLLIN, POLLOUT) or broken; the next call on it tells which. */
static int
wait_ready(int fd, short events)
{
	struct pollfd waiting = { .fd = fd, .events = events };

	while (poll(&waiting, 1, -1) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

int
io_punch_hole(int fd, off_t at, off_t end)
{
#if defined(HAVE_FALLOCATE) && defined(FALLOC_FL_PUNCH_HOLE)
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, end - at);
#else
	(void)fd, (void)at, (void)end;
	return io_fail(ENOSYS);
#endif
}

bool
io_again(int fd, short events)
{
	if (errno == EINTR)
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK)	/* LCOV_EXCL_BR_LINE: they are one number on Linux */
		return wait_ready(fd, events) == 0;
	return false;
}

ssize_t
io_read(int fd, char *data, size_t length)
{
	ssize_t n;

	while ((n = read(fd, data, length)) == -1)
		if (!io_again(fd, POLLIN))
			break;
	return n;
}

ssize_t
io_read_pieces(int fd, const struct iovec *pieces, int count)
{
	ssize_t n;

	while ((n = readv(fd, pieces, count)) == -1)
		if (!io_again(fd, POLLIN))
			break;
	return n;
}

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

int
io_write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		const ssize_t n = io_write(fd, data, length);

		if (n == -1)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

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

ssize_t
io_write_some_at(int fd, const char *data, size_t length, off_t at)
{
	ssize_t n;

	while ((n = pwrite(fd, data, length, at)) == -1 && errno == EINTR)
		;
	if (n == 0)
		errno = EIO;
	return n > 0 ? n : -1;
}

int
io_write_at(int fd, const char *data, size_t length, off_t at)
{
	while (length > 0) {
		const ssize_t n = io_write_some_at(fd, data, length, at);

		if (n == -1)
			return -1;
		data += n;
		length -= (size_t)n;
		at += n;
	}
	return 0;
}

int
io_reach(int fd, off_t size)
{
	char byte;

	return size == 0 ? 0 : io_read_at(fd, &byte, 1, size - 1);
}

int
io_truncate(int fd, off_t size)
{
	while (ftruncate(fd, size) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

int
io_close(int fd)
{
	return close(fd) == -1 && errno != EINTR ? -1 : 0;
}

void
io_discard(int fd)
{
	const int saved = errno;

	if (fd != -1)
		(void)close(fd);
	errno = saved;
}

struct io_path
io_path(int fd)
{
	struct io_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

int
io_reopen(int fd, int flags)
{
	return open(io_path(fd).text, flags | O_CLOEXEC);
}

/* The errno of a call that is missing, or is refused by a filter (seccomp(2)) or for this kind of file. */
static bool
is_unsupported(int error)
{
	return error == EINVAL || error == ESPIPE || error == ENOSYS || error == EPERM || error == EOPNOTSUPP;
}

int
io_lost(int fd)
{
#ifdef HAVE_SYNC_FILE_RANGE
	int result;

	/* Waits at most for the first page, and writes nothing. */
	do
		result = sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WAIT_BEFORE);
	while (result == -1 && errno == EINTR);
	return result == -1 && !is_unsupported(errno) ? -1 : 0;
#else
	(void)fd;
	return 0;
#endif
}

/* fsync(2) reports the same, but waits for the disk. */
static int
wait_for_disk(int fd)
{
	int result;

	do
		result = fsync(fd);
	while (result == -1 && errno == EINTR);
	return result == -1 && !is_unsupported(errno) ? -1 : 0;
}

int
io_flush(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy == -1)
		return wait_for_disk(fd);
	return io_close(copy) == -1 ? -1 : io_lost(fd);
}

size_t
io_enlarge_pipe(int fd)
{
#if HAVE_DECL_F_SETPIPE_SZ
	enum { WANTED = 1 << 20 };
	int size = fcntl(fd, F_GETPIPE_SZ), larger;

	if (size == -1)
		return 0;
	larger = size < WANTED ? fcntl(fd, F_SETPIPE_SZ, WANTED) : -1;
	return (size_t)(larger != -1 ? larger : size);
#else
	(void)fd;
	return 0;
#endif
}

/* No other thread executes a program meanwhile, so setting the flag may be a second step. */
int
io_pipe(int ends[2])
{
#ifdef HAVE_PIPE2
	return pipe2(ends, O_CLOEXEC);
#else
	if (pipe(ends) == -1)
		return -1;
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);	/* cannot fail for an open descriptor */
	(void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return 0;
#endif
}

void
io_set_times(int fd, const struct stat *status)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	(void)futimens(fd, times);	/* refused to all but the owner */
}

int
io_fail(int error)
{
	errno = error;
	return -1;
}
