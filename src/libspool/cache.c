/*
 * cache.c: how much of the page cache a spill file may fill.
 *
 * The kernel starts to write in the background at a certain amount of dirty memory. Below it, a file that is removed
 * soon never reaches the disk, and the page cache is the fastest place for it. Above it, the kernel's writing and
 * reclaiming determine the speed, and evict what other programs have cached. So this amount is the limit.
 *
 * Measured on a machine of 24 GiB and an idle disk, the limit hardly matters for speed: 6 GiB took 7.1 s with 1 GB in
 * the page cache, 7.1 with 0.5 GB, 6.9 with 2 GB, 7.6 with the limit computed here, and `cat | cat` 8.1. But a stream
 * that stays below the limit does not touch the disk at all, and takes half the time.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "io.h"
#include "spool.h"

#define CGROUPS "/sys/fs/cgroup"

/* The kernel's default of dirty_background_ratio (proc_sys_vm(5)), where /proc cannot be read. */
#define USUAL_RATIO 10

/* The beginning of a small file of /proc or /sys, as a string; "" if it cannot be read. */
static void
read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd != -1) {
		n = io_read(fd, text, size - 1);
		(void)close(fd);	/* only read */
	}
	text[n > 0 ? n : 0] = '\0';
}

/* The number that follows a label, or fallback. */
static off_t
labelled_number(const char *text, const char *label, off_t fallback)
{
	const char *at = strstr(text, label);
	const int saved = errno;	/* a call that succeeds leaves errno alone */
	char *end;
	intmax_t value;
	bool sound;

	if (at == NULL)
		return fallback;
	at += strlen(label);
	errno = 0;
	value = strtoimax(at, &end, 10);
	sound = end != at && errno == 0 && value >= 0;
	errno = saved;
	return sound ? (off_t)value : fallback;
}

/* A size of /proc/meminfo, which counts in KiB, or fallback. */
static off_t
size_after(const char *text, const char *label, off_t fallback)
{
	off_t kib = labelled_number(text, label, -1);

	if (kib == -1)
		return fallback;
	return kib > SPOOL_UNLIMITED / 1024 ? SPOOL_UNLIMITED : kib * 1024;
}

static off_t
read_number(const char *path, off_t fallback)
{
	char text[32];

	read_text(path, text, sizeof(text));
	return labelled_number(text, "", fallback);
}

/* The lowest number in this file of a control group and of the groups that contain it; at most limit. Inside a
   container, the path of the group may not exist; then the outermost group that is visible is the container's. */
static off_t
lowest_limit(const char *root, const char *group, const char *file, off_t limit)
{
	char path[PATH_MAX];
	size_t length = strlen(root) + strlen(group);

	if (length + strlen(file) >= sizeof(path))
		return limit;
	(void)snprintf(path, sizeof(path), "%s%s", root, group);
	for (;;) {
		off_t here;

		(void)snprintf(path + length, sizeof(path) - length, "%s", file);
		here = read_number(path, limit);	/* "max" is no number: no limit */
		if (here < limit)
			limit = here;
		if (length <= strlen(root))
			return limit;
		while (path[--length] != '/')
			;
	}
}

off_t
cache_group_limit(void)
{
	off_t limit = SPOOL_UNLIMITED;
	char text[2 * PATH_MAX];
	char *line, *rest = text;

	read_text("/proc/self/cgroup", text, sizeof(text));
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *controllers, *group;

		(void)strsep(&line, ":");
		controllers = strsep(&line, ":");
		group = line;
		if (group == NULL || *group != '/')
			continue;
		if (group[1] == '\0')
			group = "";	/* the root is read in any case */
		if (*controllers == '\0') {
			limit = lowest_limit(CGROUPS, group, "/memory.max", limit);
			limit = lowest_limit(CGROUPS, group, "/memory.high", limit);
		} else if (strcmp(controllers, "memory") == 0) {
			limit = lowest_limit(CGROUPS "/memory", group, "/memory.limit_in_bytes", limit);
		}
	}
	return limit;
}

/* As the kernel computes it: a part of the available memory, less what is dirty already; and the same part of the
   control group's memory. */
off_t
cache_allowance(off_t spilled)
{
	char text[2048];
	off_t available, dirty, background;
	double part, of_group;

	read_text("/proc/meminfo", text, sizeof(text));
	available = size_after(text, "MemAvailable:", -1);
	dirty = size_after(text, "Dirty:", 0);
	if (available == -1)
		return SPOOL_UNLIMITED;
	background = read_number("/proc/sys/vm/dirty_background_bytes", 0);
	if (background == 0)
		background = available / 100 * read_number("/proc/sys/vm/dirty_background_ratio", USUAL_RATIO);
	part = background < available ? (double)background / (double)available : 1;
	of_group = part * (double)cache_group_limit();
	/* The spill file's own pages are among the dirty ones, as far as they are not written yet. */
	dirty = dirty > spilled ? dirty - spilled : 0;
	background = background > dirty ? background - dirty : 0;
	return of_group < (double)background ? (off_t)of_group : background;
}
