/* attributes.c: carries owner, group, mode, access control list and extended attributes from one file to another. */
#include <config.h>

#include <sys/stat.h>
#ifdef HAVE_FLISTXATTR
#include <sys/xattr.h>
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"

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

#ifdef HAVE_FLISTXATTR
#define ACL "system.posix_acl_access"

/* The kernel's limits: no list of names and no value is longer. */
#define LONGEST ((size_t)64 << 10)

static bool
is_unsupported(int error)
{
	/* LCOV_EXCL_BR_START: ENOTSUP and EOPNOTSUPP are one number on Linux */
	return error == ENOTSUP || error == EOPNOTSUPP || error == ENOSYS;
	/* LCOV_EXCL_BR_STOP */
}

/* Whether it is to be carried over, and when. */
static bool
is_wanted(const char *name, bool open)
{
	static const char *const unwanted[] = { "security.capability", "security.ima", "security.evm" };

	/* system.*: the access control lists, of this kind or that. */
	if (strncmp(name, "system.", strlen("system.")) == 0)
		return open;

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(*unwanted); i++)
		if (strcmp(name, unwanted[i]) == 0)
			return false;
	return true;
}

static int
keep_one(int from, int to, const char *name, char *value, char *other)
{
	ssize_t length = fgetxattr(from, name, value, LONGEST);

	if (length == -1)
		return errno == ENODATA ? 0 : -1;	/* it has gone since */
	/* A label may be there already, and not be ours to set. */
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
 * Removes what the old file does not have: attributes that it had when it was looked at earlier, and an access control
 * list that the directory gives to its new files. names: what the old file has; buffer: LONGEST bytes.
 */
static int
remove_others(int to, const char *names, ssize_t length, char *buffer)
{
	ssize_t found = flistxattr(to, buffer, LONGEST);

	if (found == -1)
		return is_unsupported(errno) ? 0 : -1;
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
keep_listed(int from, int to, bool open, char *buffers, char *what, size_t size)
{
	char *names = buffers;
	ssize_t length = flistxattr(from, names, LONGEST);

	strlcpy(what, "its extended attributes", size);
	if (length == -1) {
		if (!is_unsupported(errno))
			return -1;
		length = 0;
	}
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!is_wanted(name, open))
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
	return open ? remove_others(to, names, length, buffers + LONGEST) : 0;
}

static int
keep_extended(int from, int to, bool open, char *what, size_t size)
{
	char *buffers = malloc(3 * LONGEST);
	int result, error;

	if (buffers == NULL) {
		strlcpy(what, "its extended attributes", size);
		return -1;
	}
	result = keep_listed(from, to, open, buffers, what, size);
	error = errno;
	free(buffers);
	errno = error;
	return result;
}
#else
static int
keep_extended(int from, int to, bool open, char *what, size_t size)
{
	(void)from, (void)to, (void)open, (void)what, (void)size;
	return 0;
}
#endif

int
attributes_keep(int from, int to, bool open, char *what, size_t size)
{
	struct stat old;

	if (fstat(from, &old) == -1) {
		strlcpy(what, "its mode", size);
		return -1;
	}
	/* The mode comes last: a new owner clears bits of it. */
	if (keep_owner(&old, to, what, size) == -1 || keep_extended(from, to, open, what, size) == -1)
		return -1;
	if (!open)
		return 0;
	strlcpy(what, "its mode", size);
	return fchmod(to, old.st_mode & 01777);
}
