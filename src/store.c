/* store.c: writes a stream to a file, and waits for the disk. */
#include <config.h>

#include <sys/ioctl.h>
#if HAVE_DECL_FICLONE
#include <linux/fs.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io.h"
#include "spool.h"
#include "store.h"

int
store_stream(int fd, struct spool *spool, const struct spool_progress *progress)
{
	spool_freeze(spool);
	return spool_seek(spool, 0, SEEK_SET) == -1 || spool_drain(spool, fd, progress) == -1 ? -1 : 0;
}

int
store_clone(int to, int from)
{
#if HAVE_DECL_FICLONE
	return ioctl(to, FICLONE, from);
#else
	(void)to, (void)from;
	return io_fail(EOPNOTSUPP);
#endif
}

/* Devices and pipes have nothing to wait for, and fail with these. */
static int
succeed_if_unsupported(int result)
{
	/* LCOV_EXCL_BR_START: ENOTSUP and EOPNOTSUPP are one number on Linux, but not everywhere */
	/* NOLINTNEXTLINE(misc-redundant-expression): for the same reason */
	return result == -1 && (errno == EINVAL || errno == ENOTSUP || errno == EOPNOTSUPP) ? 0 : result;
	/* LCOV_EXCL_BR_STOP */
}

static int
sync_once(int fd)
{
#ifdef F_FULLFSYNC
	/* On macOS fsync(2) leaves the data in the disk's own cache. Not every file system supports F_FULLFSYNC. */
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
#endif
	return fsync(fd);
}

int
store_sync(int fd)
{
	int result;

	do
		result = sync_once(fd);
	while (result == -1 && errno == EINTR);
	return succeed_if_unsupported(result);
}

int
store_settle(int fd, bool sync)
{
	return sync ? store_sync(fd) : io_flush(fd);
}

int
store_close(int fd, bool sync)
{
	if (sync && store_sync(fd) == -1) {
		io_discard(fd);		/* the write that was lost is reported already */
		return -1;
	}
	return io_close(fd);
}

int
store_sync_names(int directory, int fd)
{
	int result = store_sync(directory);

#ifdef HAVE_SYNCFS
	/* A directory that could not be opened for reading (O_PATH). */
	if (result == -1 && errno == EBADF)
		result = succeed_if_unsupported(syncfs(fd));
#else
	(void)fd;
#endif
	return result;
}
