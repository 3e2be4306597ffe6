/* place.c: finds the directory and the name behind a path, and what can be done there. */
#include <config.h>

#include <sys/stat.h>
#ifdef HAVE_LINUX_MAGIC_H
#include <sys/vfs.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chattr.h"
#include "io.h"
#include "place.h"
#include "same.h"

/* The kernel's limit. */
#define LINKS_MAX 40

/* How often place_find() looks again. */
#define ATTEMPTS 100

#ifndef EBADFD
#define EBADFD ESTALE
#endif

/* ENOENT; ESTALE on FUSE and network file systems; EBADFD on GlusterFS. */
bool
place_gone(int error)
{
	return error == ENOENT || error == ESTALE || error == EBADFD;
}

/* The last part of a path. */
static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Replaces the path of a symbolic link by what the link points at: 1; 0 if the path is not that of a link; or -1. */
static int
follow(char path[PATH_MAX])
{
	char link[PATH_MAX];
	ssize_t length = readlink(path, link, sizeof(link) - 1);
	size_t start;

	if (length == -1)
		return errno == EINVAL || errno == ENOENT ? 0 : -1;
	link[length] = '\0';
	start = *link == '/' ? 0 : (size_t)(base(path) - path);
	return strlcpy(path + start, link, PATH_MAX - start) < PATH_MAX - start ? 1 : io_fail(ENAMETOOLONG);
}

/* Follows symbolic links until the path is not that of a link. 0 or -1. */
static int
follow_all(char path[PATH_MAX])
{
	for (int i = 0; i < LINKS_MAX; i++) {
		int followed = follow(path);

		if (followed != 1)
			return followed;
	}
	return io_fail(ELOOP);
}

static int
number_after(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);
	char *end;
	long number;

	if (strncmp(path, prefix, length) != 0 || path[length] < '0' || path[length] > '9')
		return -1;
	number = strtol(path + length, &end, 10);
	return *end == '\0' && number <= INT_MAX ? (int)number : -1;
}

int
place_descriptor(const char *path)
{
	static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	char current[PATH_MAX];

	if (strlcpy(current, path, sizeof(current)) >= sizeof(current))
		return -1;
	for (int i = 0; i < LINKS_MAX; i++) {
		int number = number_after(current, "/dev/fd/");

		if (number == -1)
			number = number_after(current, "/proc/self/fd/");
		for (int n = 0; n < 3 && number == -1; n++)
			if (strcmp(current, names[n]) == 0)
				number = n;
		if (number != -1)
			return number;
		if (follow(current) != 1)
			return -1;
	}
	return -1;
}

static int
open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

#if HAVE_DECL_O_PATH
	/* A directory that may be searched and written, but not read. */
	if (fd == -1 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
#endif
	return fd;
}

/* Finds the place that path leads to now. As place_find(). */
static int
locate(struct place *place, const char *path)
{
	char current[PATH_MAX];
	const char *name;

	*place = (struct place){ .directory = -1 };
	/* LCOV_EXCL_START: Linux has refused it already in place_find() */
	if (strlcpy(current, path, sizeof(current)) >= sizeof(current))
		return io_fail(ENAMETOOLONG);
	/* LCOV_EXCL_STOP */
	if (follow_all(current) == -1)
		return -1;
	place->linked = strcmp(current, path) != 0;
	name = base(current);
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return io_fail(EISDIR);
	/* LCOV_EXCL_START: as above */
	if (strlcpy(place->name, name, sizeof(place->name)) >= sizeof(place->name))
		return io_fail(ENAMETOOLONG);
	/* LCOV_EXCL_STOP */
	/* "name", "/name", "directory/name". */
	current[name - current] = '\0';
	for (size_t end = strlen(current); end > 1 && current[end - 1] == '/'; end--)
		current[end - 1] = '\0';
	place->path = strdup(*current == '\0' ? "." : current);
	if (place->path == NULL)
		return -1;
	place->directory = open_directory(place->path);
	return place->directory == -1 ? -1 : 0;
}

void
place_close(struct place *place)
{
	io_discard(place->directory);	/* never written to */
	free(place->path);
	place->path = NULL;
	place->directory = -1;
}

/* Whether the name is that of the file with this status. */
static bool
leads_to(const struct place *place, const char *name, const struct stat *status)
{
	struct stat found;

	return fstatat(place->directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&found, status);
}

/*
 * Whether stat(2) finds what locate() has found: 1 yes, 0 no, -1: errno. Asked after locate(), since what it followed may
 * not have been there before.
 */
int
place_confirm(const struct place *place, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0)
		return leads_to(place, place->name, &status);
	if (!place_gone(errno))
		return -1;
	return fstatat(place->directory, place->name, &status, AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT;
}

/*
 * The kernel has rules of its own on which links it follows, and they count: so what stat(2) finds has to be what
 * locate() has found. Others may replace a link or the file in between; then this tries again.
 */
int
place_find(struct place *place, const char *path)
{
	struct stat status;

	for (int i = 0; i < ATTEMPTS; i++) {
		const bool is_there = stat(path, &status) == 0;
		int found;

		if (!is_there && !place_gone(errno))
			return -1;
		if (is_there && S_ISDIR(status.st_mode))
			return io_fail(EISDIR);
		if (is_there && !S_ISREG(status.st_mode))
			return 1;
		if (locate(place, path) == -1)
			return -1;
		found = place_confirm(place, path);
		if (found != 0)
			return found == 1 ? 0 : -1;
		place_close(place);
	}
	return io_fail(ESTALE);
}

/*
 * A number that no other call, here or in another process, is likely to get: splitmix64 of the time and the process
 * number. The clock may stand still, so each call goes one step further. That is enough for a name: if the name exists,
 * the caller tries another one. Unlike arc4random(3), this can neither fail nor, in libbsd, end the process.
 */
static uint64_t
unlikely(void)
{
	static atomic_uint calls;
	struct timespec now = { 0 };
	uint64_t number = (uint64_t)atomic_fetch_add(&calls, 1) * 0x9E3779B97F4A7C15;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	number += (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ((uint64_t)getpid() << 40);
	number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9;
	number = (number ^ number >> 27) * 0x94D049BB133111EB;
	return number ^ number >> 31;
}

/*
 * Not all file systems take names of NAME_MAX bytes, and some that encrypt names report a wrong limit (encfs takes 175
 * bytes, statfs(2) says 189). They do take the file's own name: so a hidden name is not longer than that name, or than
 * this many bytes.
 */
#define SHORT_NAME ((size_t)64)

static void
make_name(const struct place *place, const char *random, const char *suffix, char name[NAME_MAX + 1])
{
	size_t length = strlen(place->name), room = length > SHORT_NAME ? length : SHORT_NAME;

	if (strlen(suffix) > room / 2)
		suffix = "";
	room -= strlen(".") + strlen(".spool-") + strlen(random) + strlen(suffix);
	if (length > room) {
		length = room;
		/* Not within a UTF-8 character: some file systems would refuse the name. */
		while (length > 0 && ((unsigned char)place->name[length] & 0xC0) == 0x80)
			length--;
	}
	(void)snprintf(name, NAME_MAX + 1, ".%.*s.spool-%s%s", (int)length, place->name, random, suffix);
}

void
place_beside(const struct place *place, const char *suffix, char name[NAME_MAX + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char random[] = "XXXXXX";
	uint64_t number = unlikely();

	for (char *letter = random; *letter != '\0'; letter++, number /= sizeof(letters) - 1)
		*letter = letters[number % (sizeof(letters) - 1)];
	make_name(place, random, suffix, name);
}

void
place_template(const struct place *place, char name[NAME_MAX + 1])
{
	make_name(place, "XXXXXX", "", name);
}

int
place_anonymous(const struct place *place, mode_t mode)
{
#if HAVE_DECL_O_TMPFILE
	return openat(place->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
#else
	(void)place;
	(void)mode;
	return io_fail(EOPNOTSUPP);
#endif
}

int
place_link(const struct place *place, int fd, const char *name)
{
	return linkat(AT_FDCWD, io_path(fd).text, place->directory, name, AT_SYMLINK_FOLLOW);
}

bool
place_has(const struct place *place, const char *name, int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && leads_to(place, name, &status);
}

/* The <linux/magic.h> of older systems lacks these. CIFS is SMB 1; SMB2 is all that came after it. */
#define CIFS_MAGIC 0xff534d42
#define SMB2_MAGIC 0xfe534d42
/* No header defines this. */
#define FUSE_MAGIC 0x65735546

/* The type of the file system, or 0: the kernel does not say. */
static uint32_t
type_of(const struct place *place)
{
#ifdef HAVE_LINUX_MAGIC_H
	struct statfs system;

	return fstatfs(place->directory, &system) == 0 ? (uint32_t)system.f_type : 0;
#else
	(void)place;
	return 0;
#endif
}

bool
place_may_lack_modes(const char *directory)
{
#ifdef HAVE_LINUX_MAGIC_H
	/* FUSE, vfat, exfat, the kernel's two for NTFS, and SMB. */
	static const uint32_t types[] = { FUSE_MAGIC, 0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, CIFS_MAGIC, SMB2_MAGIC };
	struct statfs system;

	const bool known = statfs(directory, &system) == 0;

	for (size_t i = 0; known && i < sizeof(types) / sizeof(*types); i++)
		if ((uint32_t)system.f_type == types[i])
			return true;
	return false;
#else
	(void)directory;
	return false;
#endif
}

bool
place_is_smb(const struct place *place)
{
	const uint32_t type = type_of(place);

	return type == CIFS_MAGIC || type == SMB2_MAGIC;
}

bool
place_is_fuse(const struct place *place)
{
	return type_of(place) == FUSE_MAGIC;
}

bool
place_can_have_neighbours(const struct place *place)
{
	return faccessat(place->directory, ".", W_OK | X_OK, AT_EACCESS) == 0
	    && !chattr_append_only(place->directory, "");
}

const char *
place_strerror(const struct place *place)
{
	const int error = errno;

	if (error == EPERM && chattr_immutable(place->directory, place->name))
		return "it is immutable (chattr -i)";
	return strerror(error);
}
