/* spill.c: tests of the spill file: its directory, its name, its mode. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool.h"
#include "test.h"

static struct spool *
rolled_in(const char *directory, int spill_fd)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	options.memory_limit = 10;
	options.directory = directory;
	options.prefix = "pre";
	options.suffix = ".suf";
	options.spill_fd = spill_fd;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	test_write(spool, 0, 1000);
	CHECK(spool_is_rolled(spool));
	return spool;
}

static void
chooses_the_directory(void)
{
	CHECK(setenv("TMPDIR", "/some/where", 1) == 0);
	CHECK(strcmp(spool_directory("given"), "given") == 0);
	CHECK(strcmp(spool_directory(NULL), "/some/where") == 0);
	CHECK(setenv("TMPDIR", "", 1) == 0);
	CHECK(strcmp(spool_directory(NULL), "/var/tmp") == 0);
	CHECK(unsetenv("TMPDIR") == 0);
	CHECK(strcmp(spool_directory(NULL), "/var/tmp") == 0);
}

static void
is_private(void)
{
	char directory[] = "/tmp/spool-test-XXXXXX";
	struct spool *spool;
	struct stat file, parent;
	int fd;

	CHECK(mkdtemp(directory) != NULL);
	spool = rolled_in(directory, -1);
	fd = spool_fileno(spool);
	CHECK(fstat(fd, &file) == 0 && stat(directory, &parent) == 0);
	CHECK(S_ISREG(file.st_mode) && (file.st_mode & 07777) == 0600);
	CHECK(file.st_dev == parent.st_dev && file.st_nlink == 0);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
#if HAVE_DECL_O_TMPFILE
	{
		char from[64], to[64];

		snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
		snprintf(to, sizeof(to), "%s/name", directory);
		CHECK_ERRNO(linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == -1, ENOENT);
	}
#endif
	CHECK(rmdir(directory) == 0);
	spool_close(spool);
}

static void
goes_into_a_descriptor(void)
{
	char path[] = "/tmp/spool-test-XXXXXX";
	int fd = mkstemp(path), sealed;
	struct spool *spool;
	struct stat file;

	CHECK(fd != -1);
	spool = rolled_in("/does/not/exist", fd);
	test_check_stream(spool, 1000);
	CHECK(spool_rollover(spool) == 0);
	test_check_file(fd, 1000);
	sealed = spool_seal(spool);
	CHECK(sealed != -1);
	test_check_file(sealed, 1000);
	CHECK(fstat(fd, &file) == 0 && (file.st_mode & 0777) == 0600);
	CHECK(spool_close(spool) == 0);
	test_check_file(fd, 1000);
	CHECK(write(fd, "x", 1) == 1);	/* still open, and the caller's */
	CHECK(close(fd) == 0 && close(sealed) == 0 && unlink(path) == 0);
}

static void
has_a_hole_until_it_is_needed(void)
{
	char path[] = "/tmp/spool-test-XXXXXX";
	int fd = mkstemp(path);
	struct spool *spool;
	char zeros[10] = "", data[10];

	CHECK(fd != -1);
	spool = rolled_in(NULL, fd);
	CHECK(pread(fd, data, 10, 0) == 10 && memcmp(data, zeros, 10) == 0);
	CHECK(spool_fileno(spool) == fd);
	test_check_file(fd, 1000);
	spool_close(spool);
	CHECK(unlink(path) == 0);
}

static char directory_held[] = "/tmp/spool-test-XXXXXX";
static int holding, holds;

static void
hold(void)
{
	holding++;
	holds++;
}

/* The file has no name any more, so its directory can be removed. */
static void
release(void)
{
	CHECK(--holding == 0);
	CHECK(rmdir(directory_held) == 0 && mkdir(directory_held, 0700) == 0);
}

static void
is_held_while_it_has_a_name(void)
{
	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	CHECK(mkdtemp(directory_held) != NULL);
	options.memory_limit = 10;
	options.directory = directory_held;
	options.hold = hold;
	options.release = release;
	spool = spool_open(&options);
	CHECK(spool != NULL);
	test_write(spool, 0, 1000);
	CHECK(holding == 0);
#if HAVE_DECL_O_TMPFILE
	CHECK(holds == 0);	/* it never had a name */
#else
	CHECK(holds == 1);
#endif
	test_check_stream(spool, 1000);
	spool_close(spool);
	CHECK(rmdir(directory_held) == 0);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "the directory is the argument, TMPDIR, /var/tmp", chooses_the_directory },
		{ "nobody else can open it, and it has no name", is_private },
		{ "it can be the caller's", goes_into_a_descriptor },
		{ "it has a hole below the memory part, until it must hold everything", has_a_hole_until_it_is_needed },
		{ "while it has a name, signals can be blocked", is_held_while_it_has_a_name },
	};

	return test_main("spill.c", tests, sizeof(tests) / sizeof(*tests));
}
