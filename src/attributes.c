/* attributes.c: copies owner, group, mode, access control list and other attributes to another file. */
#include <config.h>

#include <sys/ioctl.h>
#include <sys/stat.h>
#ifdef HAVE_FLISTXATTR
#include <sys/xattr.h>
#endif
#if HAVE_DECL_FS_IOC_FSSETXATTR
#include <linux/fs.h>
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "io.h"

static int
keep_owner(const struct stat *old, int to, char *what, size_t size)
{
	struct stat new;
	uid_t owner;
	gid_t group;

	if (fstat(to, &new) == -1) {
		strlcpy(what, "its owner", size);
		return -1;
	}
	owner = new.st_uid == old->st_uid ? (uid_t)-1 : old->st_uid;
	group = new.st_gid == old->st_gid ? (gid_t)-1 : old->st_gid;
	if (owner == (uid_t)-1 && group == (gid_t)-1)
		return 0;
	strlcpy(what, owner != (uid_t)-1 ? "its owner" : "its group", size);
	return fchown(to, owner, group);
}

static bool
lacks_support(int error)
{
	/* LCOV_EXCL_BR_START: ENOTSUP and EOPNOTSUPP are one number on Linux */
	return error == ENOTSUP || error == EOPNOTSUPP || error == ENOSYS;
	/* LCOV_EXCL_BR_STOP */
}

#ifdef HAVE_FLISTXATTR
#define ACL "system.posix_acl_access"

/* The kernel's limits: no list of names and no value is longer. */
#define LONGEST ((size_t)64 << 10)

/* Whether the attribute is to be copied. system.* are the kinds of access control lists. */
static bool
is_wanted(const char *name, bool with_access)
{
	static const char *const unwanted[] = { "security.capability", "security.ima", "security.evm" };

	if (strncmp(name, "system.", strlen("system.")) == 0)
		return with_access;

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(*unwanted); i++)
		if (strcmp(name, unwanted[i]) == 0)
			return false;
	return true;
}

/* A file that may not be read is open with O_PATH. Its descriptor cannot be asked for attributes, but its path can. */
static ssize_t
list(int fd, char *names)
{
	ssize_t length = flistxattr(fd, names, LONGEST);

	return length == -1 && errno == EBADF ? listxattr(io_path(fd).text, names, LONGEST) : length;
}

static ssize_t
get(int fd, const char *name, char *value)
{
	ssize_t length = fgetxattr(fd, name, value, LONGEST);

	return length == -1 && errno == EBADF ? getxattr(io_path(fd).text, name, value, LONGEST) : length;
}

/* Whether a new file gives the same error: then the file system has no extended attributes. rclone fails with EIO. */
static bool
has_no_list(int error, int new)
{
	return flistxattr(new, NULL, 0) == -1 && errno == error;
}

static int
keep_one(int from, int to, const char *name, char *value, char *other)
{
	ssize_t length = get(from, name, value);

	if (length == -1)
		return errno == ENODATA ? 0 : -1;	/* removed since it was listed */
	/* A security label may be the right one already, and setting it may not be permitted. */
	if (fgetxattr(to, name, other, LONGEST) == length && memcmp(value, other, (size_t)length) == 0)
		return 0;
	return fsetxattr(to, name, value, (size_t)length, 0);
}

static bool
is_listed(const char *wanted, const char *names, ssize_t length)
{
	for (const char *name = names; name < names + length; name += strlen(name) + 1)
		if (strcmp(name, wanted) == 0)
			return true;
	return false;
}

/*
 * Removes attributes that the old file does not have: those that it had when they were copied earlier, and the access
 * control list that the directory gives to new files. names: those of the old file. buffer: LONGEST bytes.
 */
static int
remove_others(int to, const char *names, ssize_t length, char *buffer)
{
	ssize_t found = flistxattr(to, buffer, LONGEST);

	if (found == -1)
		return lacks_support(errno) ? 0 : -1;
	for (const char *name = buffer; name < buffer + found; name += strlen(name) + 1) {
		if (is_listed(name, names, length) || (strcmp(name, ACL) != 0
		    && strncmp(name, "user.", strlen("user.")) != 0
		    && strncmp(name, "trusted.", strlen("trusted.")) != 0))
			continue;
		if (fremovexattr(to, name) == -1 && errno != ENODATA)
			return -1;
	}
	return 0;
}

/* buffers: three of LONGEST bytes. */
static int
keep_listed(int from, int to, bool with_access, char *buffers, char *what, size_t size)
{
	char *names = buffers;
	ssize_t length = list(from, names);

	strlcpy(what, "its extended attributes", size);
	if (length == -1) {
		if (!lacks_support(errno))
			return has_no_list(errno, to) ? 0 : -1;
		length = 0;
	}
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!is_wanted(name, with_access))
			continue;
		if (keep_one(from, to, name, buffers + LONGEST, buffers + 2 * LONGEST) == -1) {
			int error = errno;

			if (strcmp(name, ACL) == 0)
				strlcpy(what, "its access control list", size);
			else {
				strlcpy(what, "its extended attribute ", size);
				strlcat(what, name, size);
			}
			errno = error;
			return -1;
		}
	}
	return with_access ? remove_others(to, names, length, buffers + LONGEST) : 0;
}

static int
keep_extended(int from, int to, bool with_access, char *what, size_t size)
{
	char *buffers = malloc(3 * LONGEST);
	int result, error;

	if (buffers == NULL) {
		strlcpy(what, "its extended attributes", size);
		return -1;
	}
	result = keep_listed(from, to, with_access, buffers, what, size);
	error = errno;
	free(buffers);
	errno = error;
	return result;
}
#else
static int
keep_extended(int from, int to, bool with_access, char *what, size_t size)
{
	(void)from, (void)to, (void)with_access, (void)what, (void)size;
	return 0;
}
#endif

#if HAVE_DECL_FS_IOC_FSSETXATTR
/* Of chattr(1): those that say how the contents are written, and all that are copied; none that would lock the file. */
#define FLAGS_OF_CONTENTS (FS_COMPR_FL | FS_NOCOMP_FL | FS_NOCOW_FL)
#define FLAGS (FLAGS_OF_CONTENTS | FS_SECRM_FL | FS_UNRM_FL | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL \
    | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL)

/* The C libraries declare different types for the request of ioctl(2). */
#ifdef __GLIBC__
#define REQUEST(request) (request)
#else
#define REQUEST(request) ((int)(request))
#endif

/* These are hints to the file system: those that it refuses are left out. */
static void
keep_flags(int from, int to, int kept)
{
	int old, new, wanted;

	if (ioctl(from, REQUEST(FS_IOC_GETFLAGS), &old) == -1 || ioctl(to, REQUEST(FS_IOC_GETFLAGS), &new) == -1)
		return;
	wanted = (new & ~kept) | (old & kept);
	if (wanted == new || ioctl(to, REQUEST(FS_IOC_SETFLAGS), &wanted) == 0)
		return;
	for (unsigned bit = 1; bit != 0; bit <<= 1) {
		int next = new ^ (int)((unsigned)(wanted ^ new) & bit);

		if (next != new && ioctl(to, REQUEST(FS_IOC_SETFLAGS), &next) == 0)
			new = next;
	}
}

/* The project number, for quotas. A number that the directory has given stays, as no other is allowed there. */
static void
keep_project(int from, int to)
{
	struct fsxattr old, new;

	if (ioctl(from, REQUEST(FS_IOC_FSGETXATTR), &old) == -1 || old.fsx_projid == 0
	    || ioctl(to, REQUEST(FS_IOC_FSGETXATTR), &new) == -1 || new.fsx_projid != 0)
		return;
	new.fsx_projid = old.fsx_projid;
	(void)ioctl(to, REQUEST(FS_IOC_FSSETXATTR), &new);
}
#else
#define FLAGS_OF_CONTENTS 0
#define FLAGS 0

static void
keep_flags(int from, int to, int kept)
{
	(void)from, (void)to, (void)kept;
}

static void
keep_project(int from, int to)
{
	(void)from, (void)to;
}
#endif

/* Changes the mode only if it differs, since some file systems refuse any change. Set-id bits are left out. */
static int
keep_mode(const struct stat *old, int to)
{
	const mode_t wanted = old->st_mode & 01777;
	struct stat new;

	if (fstat(to, &new) == -1)
		return -1;
	return (new.st_mode & 07777) == wanted ? 0 : fchmod(to, wanted);
}

static int
keep(int from, int to, bool adopted, bool with_access, char *what, size_t size)
{
	struct stat old;

	if (fstat(from, &old) == -1) {
		strlcpy(what, "its mode", size);
		return -1;
	}
	if (keep_owner(&old, to, what, size) == -1) {
		if (!adopted)
			return -1;
		/* A group that is not the old one gets no more than others have. */
		if (fchown(to, (uid_t)-1, old.st_gid) == -1)
			old.st_mode &= ~(mode_t)070 | old.st_mode << 3;
	}
	/* The mode comes last: a change of owner clears bits of the mode. */
	if (keep_extended(from, to, with_access, what, size) == -1)
		return -1;
	keep_flags(from, to, with_access ? FLAGS : FLAGS_OF_CONTENTS);
	if (!with_access)
		return 0;
	keep_project(from, to);
	strlcpy(what, "its mode", size);
	return keep_mode(&old, to);
}

int
attributes_keep(int from, int to, bool with_access, char *what, size_t size)
{
	return keep(from, to, false, with_access, what, size);
}

int
attributes_adopt(int from, int to, bool with_access, char *what, size_t size)
{
	return keep(from, to, true, with_access, what, size);
}

int
attributes_take(int from, int to, char *what, size_t size)
{
	struct stat model;

	strlcpy(what, "its mode", size);
	if (fstat(from, &model) == -1)
		return -1;
	if (keep_owner(&model, to, what, size) == -1 || keep_extended(from, to, true, what, size) == -1)
		return -1;
	strlcpy(what, "its mode", size);
	return keep_mode(&model, to) == 0 || errno == EPERM || lacks_support(errno) ? 0 : -1;
}
