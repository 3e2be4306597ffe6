/*
 * spool.c: the object: its offset and size, seek, roll over, freeze and seal. access.c reads and writes.
 *
 * The one invariant: the offset of a byte in the stream is its offset in the part that holds it.
 *
 *	            0                m                          end
 *	in memory   [ memory part    )                                 m = end, nothing in the file
 *	rolled      [ memory part    )[ spill file               )     below m the file has a hole
 *	all in file                   [ spill file               )     m = 0: spool_rollover, spool_fileno
 *
 * So rolling over copies nothing. m only grows while nothing is in the file, up to the memory limit. After rolling
 * over, it only shrinks.
 */
#include <config.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"
#include "io.h"
#include "ring.h"

int
spool_fail(struct spool *spool, enum spool_part part)
{
	spool->fault = part;
	return -1;
}

int
spool_refuse(struct spool *spool, int error)
{
	errno = error;
	return spool_fail(spool, SPOOL_NOTHING);
}

int
spool_begin(struct spool *spool, bool change)
{
	struct stat status;

	if (change && spool->frozen)
		return spool_refuse(spool, EPERM);
	if (spool->exposed) {
		off_t offset = lseek(spool->spill.fd, 0, SEEK_CUR);

		if (offset == -1 || fstat(spool->spill.fd, &status) == -1)
			return spool_fail(spool, SPOOL_SPILL);
		spool->offset = offset;
		spool->size = status.st_size;
	}
	return 0;
}

int
spool_end(struct spool *spool)
{
	if (spool->exposed && lseek(spool->spill.fd, spool->offset, SEEK_SET) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	return 0;
}

char *
spool_buffer(struct spool *spool)
{
	if (spool->buffer == NULL && (spool->buffer = memory_map(BUFFER_SIZE)) == NULL)
		(void)spool_fail(spool, SPOOL_MEMORY);
	return spool->buffer;
}

void
spool_free_buffer(struct spool *spool)
{
	memory_unmap(spool->buffer, BUFFER_SIZE);
	spool->buffer = NULL;
}

static bool
is_readable(int fd)
{
	char byte;
	ssize_t n;

	while ((n = pread(fd, &byte, 1, 0)) == -1 && errno == EINTR)
		continue;
	return n != -1 || errno != EBADF;
}

/* Takes the caller's file, and what it has, if that is to be the stream. */
static int
take_file(struct spool *spool, bool filled)
{
	struct stat status;
	const int fd = spool->spill.spill_fd, flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fstat(fd, &status) == -1)
		return -1;
	/* With O_APPEND, all writes go to the end, whatever the offset (pwrite(2)). */
	if (!S_ISREG(status.st_mode) || ((flags & O_APPEND) != 0 && (flags & O_ACCMODE) != O_RDONLY)
	    || (filled ? !is_readable(fd) : (flags & O_ACCMODE) != O_RDWR || status.st_size > 0))
		return io_fail(EINVAL);
	if (filled) {
		spool->spill.fd = fd;
		spool->size = status.st_size;
	}
	return 0;
}

const char *
spool_version(void)
{
	return SPOOL_VERSION;
}

struct spool *
spool_open(const struct spool_options *options)
{
	const struct spool_options defaults = SPOOL_OPTIONS_DEFAULT;
	struct spool *spool;

	if (options == NULL)
		options = &defaults;
	if (options->memory_limit < SPOOL_AUTOMATIC || options->cache_limit < SPOOL_AUTOMATIC
	    || options->size_limit < 0) {
		errno = EINVAL;
		return NULL;
	}
	spool = calloc(1, sizeof(*spool));
	if (spool == NULL)
		return NULL;
	spool->size_limit = options->size_limit;
	memory_init(&spool->memory, options->memory_limit, options->memfd);
	if (spill_init(&spool->spill, options) == 0
	    && (options->spill_fd == -1 || take_file(spool, options->spill_filled) == 0))
		return spool;
	(void)spool_close(spool);
	return NULL;
}

int
spool_close(struct spool *spool)
{
	int result, error;

	if (spool == NULL)
		return 0;
	result = ring_close(spool->pending_ring);
	if (spill_close(&spool->spill) == -1)
		result = -1;
	error = errno;
	spill_free(&spool->spill);
	memory_free(&spool->memory);
	spool_free_buffer(spool);
	memory_unmap(spool->pending_buffer, BUFFER_SIZE);
	free(spool);
	errno = error;
	return result;
}

bool
spool_is_rolled(const struct spool *spool)
{
	return spool->spill.fd != -1;
}

off_t
spool_size(struct spool *spool)
{
	return spool_begin(spool, false) == -1 ? -1 : spool->size;
}

off_t
spool_in_memory(const struct spool *spool)
{
	return spool->memory.size;
}

off_t
spool_memory_limit(struct spool *spool)
{
	return memory_limit(&spool->memory, SPOOL_UNLIMITED);
}

bool
spool_spills_to_memory(const struct spool *spool)
{
	return spill_is_in_memory(spool->spill.fd);
}

const char *
spool_leftover(const struct spool *spool)
{
	return spool->spill.leftover;
}

enum spool_part
spool_fault(const struct spool *spool)
{
	return spool->fault;
}

off_t
spool_tell(struct spool *spool)
{
	return spool_begin(spool, false) == -1 ? -1 : spool->offset;
}

off_t
spool_seek(struct spool *spool, off_t offset, int whence)
{
	off_t base;

	if (spool_begin(spool, false) == -1)
		return -1;
	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = spool->offset;
		break;
	case SEEK_END:
		base = spool->size;
		break;
	default:
		return spool_refuse(spool, EINVAL);
	}
	if (offset > 0 && base > SPOOL_UNLIMITED - offset)
		return spool_refuse(spool, EOVERFLOW);
	if (base + offset < 0)
		return spool_refuse(spool, EINVAL);
	if (spool->read_once && base + offset < spool->offset)
		return spool_refuse(spool, ESPIPE);
	spool->offset = base + offset;
	return spool_end(spool) == -1 ? -1 : spool->offset;
}

/* Puts everything into the file. The stream stays the same, so a frozen spool may do it too. */
static int
fill_hole(struct spool *spool)
{
	const bool was_rolled = spool_is_rolled(spool);

	if (spool->read_once)
		return spool_refuse(spool, EPERM);
	/* Everything is in the file. To write to it would look like a change, and another process may be writing. */
	if (spool->spill.sealed || spool->exposed)
		return 0;
	if (spool->memory.fd != -1 && spool_buffer(spool) == NULL)
		return -1;
	/* A new file is only written from its beginning to its end: some file systems cannot do anything else. */
	if (!was_rolled && spill_open(&spool->spill) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	if (spill_fill_hole(&spool->spill, &spool->memory, spool->buffer) == -1
	    || spool_cut_rest(spool) == -1) {
		if (!was_rolled)
			spill_discard(&spool->spill);
		return spool_fail(spool, SPOOL_SPILL);
	}
	memory_free(&spool->memory);
	return 0;
}

int
spool_rollover(struct spool *spool)
{
	return spool_begin(spool, false) == -1 ? -1 : fill_hole(spool);
}

int
spool_fileno(struct spool *spool)
{
	if (spool_begin(spool, true) == -1 || fill_hole(spool) == -1)
		return -1;
	if (spool->exposed)
		return spool->spill.fd;
	if (lseek(spool->spill.fd, spool->offset, SEEK_SET) == -1)
		return spool_fail(spool, SPOOL_SPILL);
	spool->exposed = true;
	return spool->spill.fd;
}

int
spool_flush(struct spool *spool)
{
	return spill_flush(&spool->spill) == -1 ? spool_fail(spool, SPOOL_SPILL) : 0;
}

void
spool_freeze(struct spool *spool)
{
	spool->frozen = true;
}

void
spool_read_once(struct spool *spool)
{
	spool->frozen = spool->read_once = true;
}

int
spool_is_intact(struct spool *spool)
{
	int intact = spill_is_intact(&spool->spill);

	return intact == -1 ? spool_fail(spool, SPOOL_SPILL) : intact;
}

int
spool_seal(struct spool *spool)
{
	enum spool_part part = SPOOL_SPILL;
	int fd;

	if (spool_begin(spool, false) == -1)
		return -1;
	if (spool->read_once)
		return spool_refuse(spool, EPERM);
	if (!spool_is_rolled(spool) && memory_descriptor(&spool->memory) != -1) {
		part = SPOOL_MEMORY;
		fd = memory_seal(&spool->memory);
	} else {
		if (fill_hole(spool) == -1)
			return -1;
		fd = spill_seal(&spool->spill, spool->size);
	}
	if (fd == -1)
		return spool_fail(spool, part);
	spool->frozen = true;
	return fd;
}
