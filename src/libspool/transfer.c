/* transfer.c: what spool_fill (fill.c) and spool_drain (drain.c) have in common. */
#include <config.h>

#include <errno.h>

#include "transfer.h"

ssize_t
transfer_count(struct transfer *transfer, ssize_t n)
{
	const struct spool_progress *progress = transfer->progress;

	if (n <= 0)
		return n;
	transfer->moved += n;
	if (progress != NULL)
		progress->report(progress->cookie, transfer->moved);
	return n;
}

off_t
transfer_end(struct transfer *transfer, ssize_t n, int (*end)(struct transfer *))
{
	const enum spool_part part = transfer->spool->fault;
	const int error = errno;
	int result = end(transfer);

	if (n != -1)
		return result == -1 ? -1 : transfer->moved;
	errno = error;
	return spool_fail(transfer->spool, part);
}
