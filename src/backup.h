/* backup.h: -b: keeps the old file, or a copy of it, under a second name in its directory. */
#ifndef BACKUP_H
#define BACKUP_H

#include <limits.h>
#include <stdbool.h>

struct old;
struct place;

/*
 * Writes the backup's name into name: that of the file, with a suffix. Returns NULL, or why the backup cannot be made,
 * as far as that is known beforehand.
 */
const char *backup_refusal(const struct place *place, const struct old *old, const char *suffix,
    char name[NAME_MAX + 1]);

/*
 * Makes the backup. link: by a second name for the same file, where the file system has hard links. 0, or -1: errno of
 * openat(2), spool_fill(), rename(2) and others; an old backup then stays. Prints a message if a copy cannot have the
 * owner or other attributes of the file.
 */
int	backup_make(const struct place *place, const struct old *old, const char *name, bool link, bool sync);

/* Makes the file with this hidden name the backup. 0, or -1: errno of rename(2), and it keeps its name. */
int	backup_take(const struct place *place, const char *hidden, const char *name);

#endif
