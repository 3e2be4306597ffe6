/* io.h: calls on a descriptor that survive signals, short counts and O_NONBLOCK; for libspool and for the command. */
#ifndef IO_H
#define IO_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>

/* One read(2) or readv(2): the bytes read, 0 at the end. -1: errno. */
ssize_t	 io_read(int fd, char *data, size_t length);
ssize_t	 io_read_pieces(int fd, const struct iovec *pieces, int count);

/* One write(2) of at least one byte: the bytes written. -1: errno, and EIO for a file that takes nothing. */
ssize_t	 io_write(int fd, const char *data, size_t length);

/* All of it. 0, or -1 as io_write(). */
int	 io_write_all(int fd, const char *data, size_t length);

/* One pwrite(2), as io_write(). */
ssize_t	 io_write_some_at(int fd, const char *data, size_t length, off_t at);

/* All of [at, at + length) of a file. -1: errno, and EIO for a file that ends early or takes nothing. */
int	 io_read_at(int fd, char *data, size_t length, off_t at);
int	 io_write_at(int fd, const char *data, size_t length, off_t at);

/* Whether a descriptor can read the last byte of a file of size bytes. 0, or -1: as io_read_at(). */
int	 io_reach(int fd, off_t size);

/* As ftruncate(2), again after EINTR. */
int	 io_truncate(int fd, off_t size);

/* Gives the space of [at, end) back to the disk. 0, or -1: errno of fallocate(2), ENOSYS where there is no such call. */
int	 io_punch_hole(int fd, off_t at, off_t end);

/* Whether a call on fd that failed with errno is worth repeating, after waiting for fd if need be. */
bool	 io_again(int fd, short events);

/*
 * close(2) of a descriptor that was written to. -1: the errno of a write that was lost. EINTR is not such an error, and
 * Linux closes the descriptor nevertheless (close(2)), so it counts as 0.
 */
int	 io_close(int fd);

/* close(2) of a descriptor on which nothing depends; -1 is allowed. errno stays as it is. */
void	 io_discard(int fd);

/* The path of a descriptor, for calls that take no descriptor. Needs /proc. */
struct io_path {
	char text[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
};
struct io_path io_path(int fd);

/* Opens the file behind a descriptor once more, with an offset of its own. Needs /proc. -1: errno of open(2). */
int	 io_reopen(int fd, int flags);

/*
 * A write(2) to a file that has succeeded can still be lost. A network file system may send the bytes later, and
 * reports a failure when a descriptor is closed. A local file system writes them to the disk later; the kernel keeps
 * the error and reports it once for each open file (sync_file_range(2), fsync(2)).
 *
 * io_flush() makes a network file system send what it has kept, and waits for that; then it asks the kernel.
 * io_lost() only asks the kernel. Neither waits for a local disk, but io_flush() does when no descriptor is left to
 * duplicate. 0, or -1 with the errno of the write that was lost. A system that cannot be asked counts as 0.
 */
int	 io_flush(int fd);
int	 io_lost(int fd);

/* Asks for a pipe of 1 MiB, so that each system call moves more. Nothing depends on it: fd may be no pipe, and the
   limits of the system or another system may refuse. Returns how many bytes the pipe can hold; 0: not known, or no
   pipe. */
size_t	 io_enlarge_pipe(int fd);

/* As pipe2(2) with O_CLOEXEC. */
int	 io_pipe(int ends[2]);

struct stat;

/* Gives a file the times of access and modification that status has, if the caller may. errno may change. */
void	 io_set_times(int fd, const struct stat *status);

/* Returns -1 with this errno, for a function that has cleaned up or found the error itself. */
int	 io_fail(int error);

#endif
