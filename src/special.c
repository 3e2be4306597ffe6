/* special.c: opens devices, FIFOs, sockets, and descriptors of this process. */
#include <config.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "special.h"

/* Where this is missing: no more programs are executed when the socket is opened. */
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif

static const char *
descriptor_refusal(int descriptor)
{
	const int flags = fcntl(descriptor, F_GETFL), kept = fcntl(descriptor, F_GETFD);

	/* A descriptor that is closed on execution was not inherited: spool made it, only to occupy the number. */
	if (flags == -1 || kept == -1 || (kept & FD_CLOEXEC) != 0)
		return "it is closed";
	return (flags & O_ACCMODE) == O_RDONLY ? "it is not open for writing" : NULL;
}

const char *
special_refusal(const char *file, int descriptor)
{
	if (descriptor != -1)
		return descriptor_refusal(descriptor);
	return faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) == 0 ? NULL : strerror(errno);
}

static int
connect_to(const char *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlcpy(address.sun_path, file, sizeof(address.sun_path)) >= sizeof(address.sun_path))
		return io_fail(ENAMETOOLONG);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		io_discard(fd);		/* nothing was written */
		return -1;
	}
	return fd;
}

static int
open_file(const char *file, int flags)
{
	const int fd = open(file, O_WRONLY | O_NOCTTY | O_CLOEXEC | flags);

	return fd == -1 && errno == ENXIO ? connect_to(file) : fd;
}

int
special_open(const char *file, int descriptor, bool append)
{
	int fd = -1;

	/* Opening by the path appends, as the shell's >> does. */
	if (descriptor == -1 || append)
		fd = open_file(file, append ? O_APPEND : 0);
	if (fd == -1 && descriptor != -1)
		fd = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
	return fd;
}

void
special_leave(const char *file)
{
	struct stat status;

	/* Fails if no process waits. */
	if (stat(file, &status) == 0 && S_ISFIFO(status.st_mode))
		io_discard(open(file, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}
