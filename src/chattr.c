/* chattr.c: asks statx(2) for the attributes of a file. */
#include <config.h>

#include <sys/stat.h>

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

#include "chattr.h"

/* The headers of Linux before 5.8 lack this. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0
#endif

#ifdef HAVE_STATX
static bool
has_attribute(int directory, const char *name, uint64_t attribute)
{
	struct statx status;
	const int flags = AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0);

	return statx(directory, name, flags, 0, &status) == 0 && (status.stx_attributes & attribute) != 0;
}
#else
#define has_attribute(directory, name, attribute) ((void)(directory), (void)(name), false)
#endif

bool
chattr_append_only(int directory, const char *name)
{
	return has_attribute(directory, name, STATX_ATTR_APPEND);
}

bool
chattr_immutable(int directory, const char *name)
{
	return has_attribute(directory, name, STATX_ATTR_IMMUTABLE);
}

bool
chattr_mount_point(int directory, const char *name)
{
	return has_attribute(directory, name, STATX_ATTR_MOUNT_ROOT);
}

const char *
chattr_locks(int directory)
{
	if (chattr_append_only(directory, ""))
		return "its directory is append-only";
	return chattr_immutable(directory, "") ? "its directory is immutable (chattr -i)" : NULL;
}
