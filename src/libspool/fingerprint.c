/*
 * fingerprint.c: finds out whether a file has changed, by its time of change or by a checksum.
 *
 * On the file systems in the list below, every write gives a file a new time of change (ctime), which no program can
 * set. On others that time can be too coarse (vfat: 2 s), come from another machine's clock, be set together with the
 * time of modification, or move without a change (a network file system whose cache is flushed). There the contents
 * must be compared.
 */
#include <config.h>

#include <sys/stat.h>
#ifdef HAVE_LINUX_MAGIC_H
#include <sys/vfs.h>
#include <linux/magic.h>
#endif

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fingerprint.h"
#include "io.h"

#ifndef CLOCK_REALTIME_COARSE
#define CLOCK_REALTIME_COARSE CLOCK_REALTIME
#endif

/* Missing in <linux/magic.h>. */
#define XFS_MAGIC 0x58465342
#define ZFS_MAGIC 0x2fc12fc1

static bool
has_true_times(int fd)
{
#ifdef HAVE_LINUX_MAGIC_H
	static const uint32_t known[] = { EXT4_SUPER_MAGIC, XFS_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, F2FS_SUPER_MAGIC,
	    ZFS_MAGIC };
	struct statfs system;

	if (fstatfs(fd, &system) == -1)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if ((uint32_t)system.f_type == known[i])
			return true;
#else
	(void)fd;
#endif
	return false;
}

/* The kernel's clock for files moves in ticks of at most 10 ms. If the clock was set back, this does not wait for
   it. */
static void
wait_for_tick(const struct timespec *changed)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct timespec now;

	for (int i = 0; i < 20; i++) {
		if (clock_gettime(CLOCK_REALTIME_COARSE, &now) == -1 || now.tv_sec > changed->tv_sec
		    || (now.tv_sec == changed->tv_sec && now.tv_nsec > changed->tv_nsec))
			return;
		(void)nanosleep(&pause, NULL);
	}
}

/*
 * Computes a checksum of the first size bytes. Each step can be inverted: multiplying by an odd number, and xoring with
 * a shifted copy. So from the same sum, different words lead to different sums, and the same word keeps different sums
 * different. A single changed word always shows.
 */
static int
sum_up(int fd, off_t size, uint64_t *sum)
{
	uint64_t words[2048];

	*sum = (uint64_t)size;
	for (off_t at = 0; at < size; at += (off_t)sizeof(words)) {
		size_t length = sizeof(words);

		if (size - at < (off_t)length) {
			length = (size_t)(size - at);
			memset(words, 0, sizeof(words));
		}
		if (io_read_at(fd, (char *)words, length, at) == -1)
			return -1;
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			*sum = (*sum ^ words[i]) * 0x9E3779B97F4A7C15;
			*sum ^= *sum >> 32;
		}
	}
	return 0;
}

int
fingerprint_take(int fd, off_t size, bool sum, struct fingerprint *fingerprint)
{
	struct stat status;

	fingerprint->size = size;
	fingerprint->timed = has_true_times(fd);
	fingerprint->summed = sum || !fingerprint->timed;
	if (fingerprint->summed && sum_up(fd, size, &fingerprint->sum) == -1)
		return -1;
	/* On some network file systems fstat(2) fails for a file without a name. */
	if (!fingerprint->timed)
		return 0;
	if (fstat(fd, &status) == -1)
		return -1;
	fingerprint->changed = status.st_ctim;
	wait_for_tick(&fingerprint->changed);
	return 0;
}

/* Whether the size and the time of change are the same. Then the contents need not be read. */
static int
is_same_by_time(int fd, const struct fingerprint *fingerprint)
{
	struct stat now;

	if (fstat(fd, &now) == -1)
		return -1;
	return now.st_size == fingerprint->size && now.st_ctim.tv_sec == fingerprint->changed.tv_sec
	    && now.st_ctim.tv_nsec == fingerprint->changed.tv_nsec;
}

static int
has_byte(int fd, off_t at)
{
	char byte;
	ssize_t n;

	while ((n = pread(fd, &byte, 1, at)) == -1)
		if (errno != EINTR)
			return -1;
	return n == 1;
}

/* The file has grown if there is a byte behind the end, and shrunk if there is none before it. */
static int
is_same_by_sum(int fd, const struct fingerprint *fingerprint)
{
	uint64_t sum;
	const int more = has_byte(fd, fingerprint->size);
	const int whole = fingerprint->size == 0 ? 1 : has_byte(fd, fingerprint->size - 1);

	if (more == -1 || whole == -1)
		return -1;
	if (more == 1 || whole == 0)
		return 0;
	return sum_up(fd, fingerprint->size, &sum) == -1 ? -1 : sum == fingerprint->sum;
}

int
fingerprint_matches(int fd, const struct fingerprint *fingerprint)
{
	int same = fingerprint->timed ? is_same_by_time(fd, fingerprint) : 0;

	return same == 0 && fingerprint->summed ? is_same_by_sum(fd, fingerprint) : same;
}
