/* backup.c: links or copies the old file to the name of its backup. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attributes.h"
#include "backup.h"
#include "chattr.h"
#include "hidden.h"
#include "io.h"
#include "message.h"
#include "old.h"
#include "place.h"
#include "staged.h"
#include "store.h"

const char *
backup_refusal(const struct place *place, const struct old *old, const char *suffix,
    char name[NAME_MAX + 1])
{
	const int directory = place->directory;
	const char *locked = chattr_locks(directory);
	struct stat status;
	int n = snprintf(name, NAME_MAX + 1, "%s%s", place->name, suffix);
	int found = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW);

	if (n > NAME_MAX)
		errno = ENAMETOOLONG;
	else if (found == -1 ? errno != ENOENT : S_ISDIR(status.st_mode))
		errno = found == -1 ? errno : EISDIR;
	else if (locked == NULL && (!old->exists || faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0))
		return NULL;
	return locked != NULL ? locked : strerror(errno);
}

int
backup_take(const struct place *place, const char *hidden, const char *name)
{
	const int result = hidden_rename_over(place, hidden, name);

	/* If the old backup is the same file, rename(2) succeeds and does nothing. */
	if (result == 0)
		hidden_remove(place, hidden);
	return result;
}

/* In two steps, a hidden name first, since link(2) does not replace an old backup. */
static int
link_backup(const struct place *place, const char *name)
{
	char hidden[NAME_MAX + 1];
	int result = hidden_link(place, place->name, hidden);

	if (result == 0 && (result = backup_take(place, hidden, name)) == -1)
		hidden_remove(place, hidden);
	return result;
}

/* Prints that the backup has not all attributes of the file. error and what: of attributes_keep(). */
static void
report_lack(const struct place *place, const char *name, const struct staged *copy, int error, const char *what)
{
	struct stat status;

	if (fstat(copy->fd, &status) == 0)
		message("%s/%s: %s cannot be kept: %s; it belongs to user %ju and group %ju, with mode %04jo", place->path, name,
		    what, strerror(error), (uintmax_t)status.st_uid, (uintmax_t)status.st_gid,
		    (uintmax_t)status.st_mode & 07777);
}

/* For a file that is overwritten itself, or where there are no hard links. */
static int
copy_backup(const struct place *place, const struct old *old, const char *name, bool sync)
{
	struct staged copy = { .place = place, .fd = -1 };
	int result = -1;

	if (staged_open(&copy, "", 0600) == -1)
		return -1;
	/* No clone: -w cannot reserve space for blocks that are shared (inplace.h). */
	if (old_copy(old, copy.fd, false) == 0) {
		char what[NAME_MAX + 64];
		/* A copy that cannot have the owner of the file stays private. */
		const int lacks = attributes_keep(old->fd, copy.fd, true, what, sizeof(what)) == -1 ? errno : 0;

		io_set_times(copy.fd, &old->status);
		if (store_settle(copy.fd, sync) == 0)
			result = staged_publish(&copy, name, true);
		/* The backup must be on the disk before the file is overwritten. */
		if (result == 0 && sync)
			result = store_sync_names(place->directory, copy.fd);
		if (result == 0 && lacks != 0)
			report_lack(place, name, &copy, lacks, what);
	}
	staged_drop(&copy);
	return result;
}

int
backup_make(const struct place *place, const struct old *old, const char *name, bool link, bool sync)
{
	return link && link_backup(place, name) == 0 ? 0 : copy_backup(place, old, name, sync);
}
