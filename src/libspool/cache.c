/*
 * cache.c: how much of the page cache a spill file may fill.
 *
 * Below the amount of dirty memory at which the kernel starts to write in the background, a file that is soon gone
 * again never reaches the disk, and the page cache is the fastest place for it. Beyond that the kernel's writing
 * and reclaiming set the pace, and evict what others have cached. So the point of change is where that begins.
 *
 * Measured on a machine of 24 GiB and an idle disk, the point hardly matters for speed: 6 GiB took 7.1 s with 1 GB in
 * the page cache, 7.1 with 0.5 GB, 6.9 with 2 GB, 7.6 with what is reckoned here, and `cat | cat` 8.1. But a stream
 * that stays below it does not touch the disk at all, and takes half the time.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define CGROUPS "/sys/fs/cgroup"

/* What the kernel does unless told otherwise (proc_sys_vm(5)), for where it cannot be asked. */
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

/* The number after a label, or fallback. */
static off_t
number_after(const char *text, const char *label, off_t fallback)
{
	const char *at = strstr(text, label);
	const int saved = errno;	/* success does not set it to 0 */
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

/* A size in /proc/meminfo, which has KiB, or fallback. */
static off_t
size_after(const char *text, const char *label, off_t fallback)
{
	off_t kib = number_after(text, label, -1);

	if (kib == -1)
		return fallback;
	return kib > SPOOL_UNLIMITED / 1024 ? SPOOL_UNLIMITED : kib * 1024;
}

static off_t
read_number(const char *path, off_t fallback)
{
	char text[32];

	read_text(path, text, sizeof(text));
	return number_after(text, "", fallback);
}

/* The lowest number in a file of a control group, of the groups around it, or limit. Inside a container the group
   may have a path that does not exist there; then the outermost group to be seen is the container's. */
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

		strlcpy(path + length, file, sizeof(path) - length);
		here = read_number(path, limit);	/* "max": none */
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
			group = "";	/* the root is looked at anyway */
		if (*controllers == '\0') {
			limit = lowest_limit(CGROUPS, group, "/memory.max", limit);
			limit = lowest_limit(CGROUPS, group, "/memory.high", limit);
		} else if (strcmp(controllers, "memory") == 0) {
			limit = lowest_limit(CGROUPS "/memory", group, "/memory.limit_in_bytes", limit);
		}
	}
	return limit;
}

/* As the kernel reckons: a part of what is available, counting what is dirty already, and the same part of what the
   control group has. */
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
	/* The spill file itself may be dirty, or written already. */
	dirty = dirty > spilled ? dirty - spilled : 0;
	background = background > dirty ? background - dirty : 0;
	return of_group < (double)background ? (off_t)of_group : background;
}
