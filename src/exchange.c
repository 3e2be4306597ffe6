/* exchange.c: exchanges two names, and undoes that if another process has come in between. */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "exchange.h"
#include "hidden.h"
#include "io.h"
#include "place.h"
#include "same.h"

#ifdef HAVE_RENAMEAT2
/* How often others may come in between. */
#define ATTEMPTS 10

/* Exchanges the two names. came: the status of the file that then has the hidden one; zeroed if that cannot be had. */
static int
swap(const struct place *place, const char *hidden, struct stat *came)
{
	*came = (struct stat){ 0 };
	if (renameat2(place->directory, hidden, place->directory, place->name, RENAME_EXCHANGE) == -1)
		return -1;
	(void)fstatat(place->directory, hidden, came, AT_SYMLINK_NOFOLLOW);
	return 0;
}

/*
 * The file that came was not the expected one, so it gets its name back. If another process has replaced the file
 * meanwhile, the swap brings that newer file, which then gets the name. EBUSY: another process has written into our file,
 * which has the hidden name again, or others do not stop.
 */
static int
swap_back(const struct place *place, const char *hidden, const struct stat *ours, struct stat came)
{
	struct stat put = *ours, next;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (swap(place, hidden, &next) == -1)
			return errno == ENOENT ? hidden_rename_new(place, hidden, place->name) : -1;
		if (next.st_nlink == 0 || same_state(&next, &put))
			return 0;
		if (same_file(&next, ours))
			break;
		put = came;
		came = next;
	}
	return io_fail(EBUSY);
}

int
exchange_names(const struct place *place, const char *hidden, const struct stat *ours, const struct stat *expected,
    exchange_same *same)
{
	struct stat came;

	if (place_is_smb(place))
		return io_fail(ENOSYS);
	if (swap(place, hidden, &came) == -1)
		return -1;
	if (came.st_nlink > 0 && same(&came, expected))
		return 0;
	return swap_back(place, hidden, ours, came) == -1 ? 1 : io_fail(came.st_nlink > 0 ? EEXIST : EIO);
}
#else
int
exchange_names(const struct place *place, const char *hidden, const struct stat *ours, const struct stat *expected,
    exchange_same *same)
{
	(void)place, (void)hidden, (void)ours, (void)expected, (void)same;
	return io_fail(ENOSYS);
}
#endif
