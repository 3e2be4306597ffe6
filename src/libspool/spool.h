/*
 * spool.h: the whole interface of libspool. What is not documented here, do not use.
 *
 * A spool is a temporary file that lives in memory until it outgrows a limit and then rolls over to an
 * unlinked file on disk: tempfile.SpooledTemporaryFile of Python's documentation, brought to C.
 *
 *	struct spool_options options = SPOOL_OPTIONS_DEFAULT;
 *	options.memory_limit = 1 << 20;
 *	struct spool *spool = spool_open(&options);
 *	spool_fill(spool, STDIN_FILENO, SPOOL_UNLIMITED, NULL);
 *	spool_drain(spool, STDOUT_FILENO, NULL);
 *	spool_close(spool);
 *
 * All sizes and offsets are bytes. A spool has one offset, shared by all functions, with the meaning that
 * POSIX gives a file's offset. A failure is -1 or NULL with errno set, and the spool is still valid: it
 * holds what it held, and the call can be tried again; spool_fault() says which part failed. The library
 * never prints, never exits and sets no signal handler. A spool belongs to one thread at a time.
 *
 * Every descriptor that the library opens is close-on-exec. Nothing is left on disk when the process ends,
 * in whatever way it ends, but for a kill between two system calls on file systems without O_TMPFILE (see hold
 * and release in the options).
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct spool;

/* No limit, where a limit is asked for. Python says 0; here 0 means 0. */
#define SPOOL_UNLIMITED ((off_t)INT64_MAX)

/* The engine decides. */
#define SPOOL_AUTOMATIC ((off_t)-1)

struct spool_options {
	off_t memory_limit;	/* The most bytes of the stream in memory. Exactly this many stay there whole;
				   one more rolls over. 0: none. SPOOL_UNLIMITED: never roll over by itself.
				   SPOOL_AUTOMATIC: 64 MiB, or a quarter of what the control group of the
				   process may have, but at least 2 MiB. */
	off_t cache_limit;	/* About the most bytes of the spill file that spool_fill(), asked for 1 MiB or more,
				   puts into the page cache; what comes after goes past it to the disk (O_DIRECT,
				   open(2)), where that can be had. SPOOL_AUTOMATIC: about what the kernel would
				   not write to the disk soon. SPOOL_UNLIMITED: all. */
	off_t size_limit;	/* The most bytes in all: what would pass it fails with EFBIG. */
	const char *directory;	/* Where the spill file is made; NULL: see spool_directory(). */
	const char *prefix;	/* Its name, where it must have one for a moment: prefix, six random */
	const char *suffix;	/* characters, suffix. NULL: "spool-" and "". */
	bool memfd;		/* The memory part is a memfd where there is such a thing, so that spool_seal()
				   need not copy it to disk. */
	/* Called before and after the moment in which a spill file has a name, where there are no files without
	   one, so that a signal does not end the process just then. NULL: the caller does not mind. */
	void (*hold)(void);
	void (*release)(void);
	int spill_fd;		/* Spill into this descriptor instead of a file of the engine's own, or -1. It
				   must be open for reading and writing, empty, and without O_APPEND. The caller
				   keeps it, and closes it after spool_close(). */
};

/* 64 MiB of memory and no other limit. Start from these: an all-zero structure would mean descriptor 0. */
#define SPOOL_OPTIONS_DEFAULT \
	{ .memory_limit = 64 << 20, .cache_limit = SPOOL_AUTOMATIC, .size_limit = SPOOL_UNLIMITED, .spill_fd = -1 }

/* The part that the last failing call failed in. */
enum spool_part {
	SPOOL_NOTHING,		/* none: no call has failed yet, or the call was wrong (EINVAL, EPERM, EOVERFLOW,
				   ESPIPE) */
	SPOOL_LIMIT,		/* the stream would pass size_limit (EFBIG) */
	SPOOL_MEMORY,		/* memory could not be had, or no memfd */
	SPOOL_SPILL,		/* the spill file could not be made, written, read, or changed */
	SPOOL_SOURCE,		/* the descriptor given to spool_fill() */
	SPOOL_SINK		/* the descriptor given to spool_drain() */
};

/* Told how far a transfer has come, once for each piece (at most 1 MiB). It must not touch the spool, but may ask
   spool_in_memory(), spool_is_rolled() and spool_spills_to_memory(). */
struct spool_progress {
	void (*report)(void *cookie, off_t bytes);	/* bytes moved since this call began */
	void *cookie;
};

/*
 * A new, empty spool. options may be NULL for the defaults; what its pointers point at is copied.
 * Nothing is opened on disk before it is needed. The caller ends the spool with spool_close().
 * NULL: EINVAL (a negative limit that is not SPOOL_AUTOMATIC), ENOMEM.
 */
struct spool *spool_open(const struct spool_options *options);

/*
 * Ends the spool: memory, spill file and the descriptor of spool_fileno() are gone. NULL is allowed.
 * -1 with the errno of close(2); the spool is gone all the same.
 */
int spool_close(struct spool *spool);

/*
 * The directory where a spill file goes: the argument, else $TMPDIR if set and not empty, else /var/tmp if
 * it can be written, else /tmp (which is memory on many systems, so it comes last). Never NULL. The result
 * is the argument, the environment's own string, or a constant.
 */
const char *spool_directory(const char *directory);

/*
 * Reads up to length bytes at the offset and moves it on, as read(2). Fewer only at the end of the stream,
 * where it returns 0. -1 with the offset unmoved: EIO (the spill file has lost its end), errno of pread(2); as
 * spool_flush().
 */
ssize_t spool_read(struct spool *spool, void *buffer, size_t length);

/*
 * Writes all length bytes at the offset and moves it on; past the end, the gap reads as zeros (POSIX,
 * lseek(3p)). Where memory cannot be had although the limit allows it, rolls over early.
 * Returns length. -1, with size and offset as before (though, as with write(2), bytes inside the old
 * size may have been overwritten in part): EFBIG (size_limit), ENOMEM, EPERM (frozen), EINVAL (length
 * beyond SSIZE_MAX), and those of open(2) and pwrite(2) for the spill file: ENOSPC, EACCES, EMFILE, and EFBIG
 * once more (spool_fault() tells which it was).
 */
ssize_t spool_write(struct spool *spool, const void *buffer, size_t length);

/*
 * Moves the offset, as lseek(2) with SEEK_SET, SEEK_CUR, SEEK_END; past the end is allowed. (Python's
 * BytesIO clips a negative relative result to 0; here, as in files, it is EINVAL.) Returns the new offset.
 * -1: EINVAL, EOVERFLOW, ESPIPE (see spool_read_once()).
 */
off_t spool_seek(struct spool *spool, off_t offset, int whence);

/* The offset. -1 only after spool_fileno(), with the errno of lseek(2). */
off_t spool_tell(struct spool *spool);

/*
 * Makes the stream size bytes long, as ftruncate(2); the offset stays. Growing adds zeros (Python's BytesIO
 * does not grow; files do), and growing past the memory limit rolls over. 0, or -1: EINVAL (negative),
 * EFBIG, EPERM (frozen), ENOMEM, those of open(2) and ftruncate(2).
 */
int spool_truncate(struct spool *spool, off_t size);

/*
 * Puts everything into the spill file and gives the memory back. From then on all is in the file. A frozen spool
 * allows it too: the stream stays what it is. 0, or -1: those of open(2) and pwrite(2), EPERM (spool_read_once()).
 */
int spool_rollover(struct spool *spool);

/*
 * Rolls over, then returns the spill file's descriptor, open for reading and writing. Its offset is the
 * spool's: from now on they move together, and what is written to it is in the spool. It belongs to the
 * spool: do not close it. Should a later call do its work but fail to move the descriptor's offset (lseek(2),
 * which on a file does not fail), it returns -1 and the offset stays; and what a failing call left beyond the end and
 * could not cut off (ftruncate(2)) is then in the spool, so a spool_fill() tried again would append it twice. -1: as
 * spool_rollover().
 */
int spool_fileno(struct spool *spool);

/* Whether the stream has rolled over (Python's _rolled). It never rolls back. */
bool spool_is_rolled(const struct spool *spool);

/* Bytes in the stream. -1 only after spool_fileno(), with the errno of fstat(2). */
off_t spool_size(struct spool *spool);

/* Of these, the bytes in memory; the rest is in the spill file. */
off_t spool_in_memory(const struct spool *spool);

/* The options' memory_limit, or what SPOOL_AUTOMATIC has come to. */
off_t spool_memory_limit(struct spool *spool);

/*
 * Whether the spill file is on a file system that is memory itself: tmpfs or ramfs (statfs(2)). Always false where
 * there is no spill file yet, or the system is not Linux.
 */
bool spool_spills_to_memory(const struct spool *spool);

/*
 * The path of an empty spill file that could not be removed, on a file system without O_TMPFILE: the call that made it
 * has failed with the errno of unlink(2). NULL: there is none. Gone with the spool.
 */
const char *spool_leftover(const struct spool *spool);

/* Which part the last failing call failed in; a call that succeeds leaves it as it was. */
enum spool_part spool_fault(const struct spool *spool);

/*
 * A stdio stream, for reading and writing, over the spool at its offset: getline, fprintf, fseeko, setvbuf
 * work, and it rolls over when it must. As with any two handles on one file (POSIX, 2.5.1), fflush it before
 * using the spool directly. fclose detaches it; the spool stays open and must outlive it.
 *
 * wide: whether fgetws, fwprintf and the like will be called. glibc's custom streams crash there (their FILE
 * has no room for wide characters), so a wide stream rolls over at once and is a stream over the spill file.
 *
 * NULL: ENOMEM, EMFILE; wide: as spool_fileno().
 */
FILE *spool_stream(struct spool *spool, bool wide);

/*
 * Appends what can be read from fd, to its end or until limit bytes have been appended; the spool's offset
 * stays. fd may be a pipe, file, terminal, socket or device, and non-blocking (it waits with poll(2)). A pipe
 * is enlarged, and its bytes go to the spill file by splice(2), where the system allows it. Beyond cache_limit two
 * threads write, with all signals blocked; they are gone when the call returns. What they could not write is written
 * once more by the page cache before the call fails; up to 2 MiB that it could not store stay allocated until it can.
 *
 * At size_limit it reads on to learn whether the stream ends there; if not, EFBIG. A message of a source that keeps
 * messages apart (SOCK_SEQPACKET) arrives whole, unless limit ends within it or it is larger than 256 KiB.
 *
 * Returns the bytes appended, fewer than limit only at the end of fd. -1: what had been appended stays
 * (compare spool_size()); bytes that had been read but could not be stored are kept, and the next spool_fill()
 * stores them first, so no byte is lost. EFBIG, EPERM (frozen), ENOMEM, those of read(2), open(2), pwrite(2), close(2).
 */
off_t spool_fill(struct spool *spool, int fd, off_t limit, const struct spool_progress *progress);

/*
 * Writes all from the offset to the end of the stream to fd, moving the offset on. fd may be anything that
 * can be written, and non-blocking. If the spool is frozen, its pages are lent to a pipe by vmsplice(2) and
 * splice(2) instead of being copied. What went past the page cache is read ahead by two threads, as in spool_fill().
 *
 * Returns the bytes written. -1: those of write(2); as spool_flush(); the offset stands after the last byte written.
 * If bytes of the spill file were lost while the last of them were sent, that is a failure at the end of the stream. A
 * closed pipe raises SIGPIPE, as with write(2).
 */
off_t spool_drain(struct spool *spool, int fd, const struct spool_progress *progress);

/*
 * Asks whether all that was written to the spill file has arrived. A write that succeeded may still be lost: a network
 * file system sends the bytes later, and reports that at the latest when a descriptor is closed (close(2)), which this
 * call does with a duplicate; a local one writes them to the disk later, and reports what it has lost until now to
 * sync_file_range(2), which does not wait for the disk. spool_drain() and spool_seal() call it first; spool_drain()
 * and spool_read() ask the kernel once more after reading. Where a system cannot be asked, this counts as success.
 * 0 if nothing was lost or nothing has rolled over. -1: errno of the write that was lost, ENOSPC, EDQUOT, EIO; from
 * then on the same each time, since what is read may be wrong.
 */
int spool_flush(struct spool *spool);

/*
 * Promises that the stream will not change again: from now on whatever would change it, or give out a
 * descriptor that could, fails with EPERM (as writing to a memfd sealed by F_SEAL_WRITE, fcntl(2)). Reading,
 * seeking and draining go on.
 */
void spool_freeze(struct spool *spool);

/*
 * Promises, beside what spool_freeze() promises, that the stream will be read once: what the offset has passed is not
 * needed any more. spool_drain() then gives the memory part back while it sends it, in pieces of 16 MiB. From now on
 * spool_seek() to before the offset fails with ESPIPE, as in a pipe, and spool_rollover() and spool_seal() with EPERM.
 * A memfd gives back nothing before the end.
 */
void spool_read_once(struct spool *spool);

/*
 * Freezes the spool and returns a new read-only descriptor, at offset 0, with the whole stream: a memfd sealed against
 * every change (if options.memfd and it has not rolled over), else the spill file, made mode 0400 where that can be
 * done (the mode of a spill_fd stays as it is). It is the caller's to close, and outlives the spool. Where /proc is
 * missing, descriptors from several calls share one offset, which each call sets to 0; a memfd's is then open for
 * writing too, though the seals refuse it; and a spill_fd cannot be sealed (ENOENT). -1: as spool_rollover(); as
 * spool_flush(); those of fcntl(2), open(2), fstat(2), pread(2); EIO (a new descriptor does not reach the end of the
 * file); EOPNOTSUPP (the file system cannot look at a file that has lost its name). The spool is then not frozen.
 */
int spool_seal(struct spool *spool);

/*
 * Whether the stream is as it was when spool_seal() was first called: 1 yes, 0 no. A sealed memfd cannot change; a
 * spill file can be changed by root, or by its owner who makes it writable again, through /dev/stdin. Its size and its
 * times of modification and change tell (stat(2)); on file systems that do not keep these exactly, a sum of its
 * contents, for which spool_seal() and this call read it. -1: errno of fstat(2), pread(2); as spool_flush().
 */
int spool_is_intact(struct spool *spool);

#endif
