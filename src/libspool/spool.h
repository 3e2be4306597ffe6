/*
 * spool.h: the whole interface of libspool, for C11 and C++11. Do not use anything that is not documented here.
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
 * All sizes and offsets are in bytes. A spool has one offset, shared by all functions, with the meaning that POSIX
 * gives a file's offset. A failure is -1 or NULL with errno set. The spool is then still valid: its contents are as
 * before, and the call can be tried again; spool_fault() says which part failed. The library never prints, never exits
 * and sets no signal handler. Only one thread at a time may use a spool.
 *
 * Every descriptor that the library opens is close-on-exec. Nothing is left on disk when the process ends, however it
 * ends. The one exception is a kill between two system calls on file systems without O_TMPFILE (see hold and release in
 * the options).
 *
 * After fork(2) the parent and the child have the same spill file and its offset, and memory parts of their own: only one
 * of the two may go on using the spool. A write beyond RLIMIT_FSIZE raises SIGXFSZ, as with any file (setrlimit(2)); a
 * program that ignores that signal gets EFBIG.
 *
 * Left out: publishing the spill file under a name. A program that wants that opens a file with O_TMPFILE itself, gives
 * it as spill_fd, calls spool_rollover(), and links it (linkat(2)). Another reader with its own offset is
 * spool_read_at() and a variable.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* The version of this header, and of the library that is linked: "0.1.0". */
#define SPOOL_VERSION "0.1.0"
const char *spool_version(void);

/* A program with 32-bit offsets must be compiled with -D_FILE_OFFSET_BITS=64, as libspool is. */
#ifdef __cplusplus
static_assert(sizeof(off_t) == 8, "compile with -D_FILE_OFFSET_BITS=64");
#else
_Static_assert(sizeof(off_t) == 8, "compile with -D_FILE_OFFSET_BITS=64");
#endif

struct spool;

/* No limit, as the value of a limit. Python uses 0; here 0 means 0. */
#define SPOOL_UNLIMITED ((off_t)INT64_MAX)

/* The engine chooses the limit. */
#define SPOOL_AUTOMATIC ((off_t)-1)

struct spool_options {
	off_t memory_limit;	/* The most bytes of the stream in memory. A stream of just this size stays in memory;
				   one more byte rolls over. 0: none. SPOOL_UNLIMITED: the spool never rolls over by
				   itself. SPOOL_AUTOMATIC: 64 MiB, or a quarter of the memory that the control group of
				   the process may have, if that is less; but at least 2 MiB. */
	off_t cache_limit;	/* About the most bytes of the spill file that spool_fill() writes through the page
				   cache, if it is asked for 1 MiB or more. It writes the rest directly to the disk
				   (O_DIRECT, open(2)), where that is possible. SPOOL_AUTOMATIC: about as much as the
				   kernel would not soon write to the disk. SPOOL_UNLIMITED: all. */
	off_t size_limit;	/* The most bytes in all: a call that would exceed it fails with EFBIG. */
	const char *directory;	/* Where the spill file is made; NULL: see spool_directory(). A relative path, and $TMPDIR,
				   are looked up when the spool rolls over. */
	const char *prefix;	/* The spill file's name, if it must have one for a moment: prefix, six random */
	const char *suffix;	/* characters, suffix. NULL: "spool-" and "". */
	bool memfd;		/* The memory part is a memfd, where the system has those. Then spool_seal() need not
				   copy it to disk. Without effect where RLIMIT_FSIZE is less than memory_limit: a memfd
				   counts as a file. */
	/* Called before and after the moment in which a spill file has a name, on file systems that cannot make one
	   without a name. The caller can block signals that would end the process just then. NULL: not called. */
	void (*hold)(void);
	void (*release)(void);
	int spill_fd;		/* A file to spill into instead of one that the engine makes, or -1. It must be open for
				   reading and writing, empty, and without O_APPEND. It stays the caller's, who closes
				   it after spool_close(). A roll over that fails empties it again. Locks of fcntl(2) on
				   it are lost, since the library closes duplicates. */
	bool spill_filled;	/* spill_fd has the stream already: it need not be empty, and, for a spool that is only
				   read, not open for writing. The spool has rolled over from the beginning. */
};

/* 64 MiB of memory and no other limit. Start from these: in an all-zero structure, spill_fd would be descriptor 0. No
   member is named, since C++ has had designated initializers only since C++20. */
#define SPOOL_OPTIONS_DEFAULT \
	{ 64 << 20, SPOOL_AUTOMATIC, SPOOL_UNLIMITED, NULL, NULL, NULL, false, NULL, NULL, -1, false }

/* The part that the last failing call failed in. */
enum spool_part {
	SPOOL_NOTHING,		/* none: no call has failed yet, or the call was wrong (EINVAL, EPERM, EOVERFLOW,
				   ESPIPE) */
	SPOOL_LIMIT,		/* the stream would exceed size_limit (EFBIG) */
	SPOOL_MEMORY,		/* memory or a memfd could not be allocated */
	SPOOL_SPILL,		/* the spill file could not be made, written, read, or changed */
	SPOOL_SOURCE,		/* the descriptor given to spool_fill() */
	SPOOL_SINK		/* the descriptor given to spool_drain() */
};

/* Called during a transfer, after each piece of at most 1 MiB. The function must not use the spool, except to call
   spool_in_memory(), spool_is_rolled() and spool_spills_to_memory(). */
struct spool_progress {
	void (*report)(void *cookie, off_t bytes);	/* bytes moved since this call began */
	void *cookie;
};

/*
 * A new, empty spool. options may be NULL for the defaults; the strings that it points to are copied. No file is opened
 * before it is needed. The caller ends the spool with spool_close().
 * NULL: EINVAL (a negative limit, except SPOOL_AUTOMATIC for memory_limit and cache_limit; a spill_fd that is not as
 * described), ENOMEM, errno of fcntl(2), fstat(2) (spill_fd).
 */
struct spool *spool_open(const struct spool_options *options);

/*
 * Ends the spool: frees the memory, and closes the spill file and the descriptor of spool_fileno(). NULL is allowed.
 * -1 with the errno of close(2); the spool is gone in either case.
 */
int spool_close(struct spool *spool);

/*
 * The directory of the spill file: the argument, else $TMPDIR if set and not empty, else /var/tmp if it is writable,
 * else /tmp (which is in memory on many systems, so it comes last). Never NULL. The result is the argument, the
 * environment's own string, or a constant.
 */
const char *spool_directory(const char *directory);

/*
 * Reads up to length bytes at the offset and moves it on, as read(2). Returns fewer only at the end of the stream, and 0
 * there. -1, and the offset stays: EIO (the spill file has lost its end), errno of pread(2); as
 * spool_flush().
 */
ssize_t spool_read(struct spool *spool, void *buffer, size_t length);

/* As spool_read() at this offset, as pread(2): the spool's offset stays. -1: also EINVAL (negative), ESPIPE
   (spool_read_once(), and the offset is before the spool's). */
ssize_t spool_read_at(struct spool *spool, void *buffer, size_t length, off_t at);

/*
 * The bytes in memory from this offset on, *length of them in a row, without a copy: getbuffer() of Python's BytesIO, in
 * pieces. They belong to the spool and must not be changed. They stay valid until the next call that writes, truncates,
 * fills, rolls over, seals or closes the spool, and after spool_read_once() until the next spool_drain().
 * NULL: none is there (spool_in_memory()), the memory part is a memfd, or at is before the offset after
 * spool_read_once().
 */
const char *spool_bytes(const struct spool *spool, off_t at, size_t *length);

/*
 * Writes all length bytes at the offset and moves it on. Past the end, the gap reads as zeros (POSIX, lseek(3p)). If
 * memory cannot be allocated although the limit allows it, the spool rolls over early.
 * Returns length. -1, with size and offset as before (but see spool_fileno()): EFBIG (size_limit), ENOMEM, EPERM (frozen), EINVAL (length beyond
 * SSIZE_MAX), and those of open(2) and pwrite(2) for the spill file: ENOSPC, EACCES, EMFILE, and also EFBIG
 * (spool_fault() says which of the two it was). As with write(2), bytes inside the old size may then be overwritten in
 * part.
 */
ssize_t spool_write(struct spool *spool, const void *buffer, size_t length);

/* As spool_write() at this offset, as pwrite(2): the spool's offset stays. -1: also EINVAL (negative). */
ssize_t spool_write_at(struct spool *spool, const void *buffer, size_t length, off_t at);

/*
 * Moves the offset, as lseek(2) with SEEK_SET, SEEK_CUR, SEEK_END; past the end is allowed. (Python's BytesIO clips a
 * negative relative result to 0; here, as in files, it is EINVAL.) Returns the new offset.
 * -1: EINVAL, EOVERFLOW, ESPIPE (see spool_read_once()).
 */
off_t spool_seek(struct spool *spool, off_t offset, int whence);

/* The offset. -1 only after spool_fileno(), with an errno of lseek(2) or fstat(2). */
off_t spool_tell(struct spool *spool);

/*
 * Makes the stream size bytes long, as ftruncate(2); the offset stays. Growing adds zeros (as in files; Python's
 * BytesIO does not grow), and growing past the memory limit rolls over. 0, or -1: EINVAL (negative), EFBIG, EPERM
 * (frozen), ENOMEM, those of open(2) and ftruncate(2).
 */
int spool_truncate(struct spool *spool, off_t size);

/*
 * Moves everything into the spill file and frees the memory. From then on the whole stream is in the file. This works
 * on a frozen spool too, since the stream does not change. 0, or -1: those of open(2) and pwrite(2), EPERM
 * (spool_read_once()).
 */
int spool_rollover(struct spool *spool);

/*
 * Rolls over, then returns the spill file's descriptor, open for reading and writing. From then on the descriptor and
 * the spool share their offset and their contents. The descriptor belongs to the spool: do not close it. A further call
 * returns the same descriptor, and touches nothing.
 *
 * Another process may write to the descriptor while this one calls spool_fileno(), spool_rollover(), spool_size() or
 * spool_tell(). The other calls move the offset that both share, as with any descriptor after fork(2). No call but
 * spool_truncate() cuts off what others have written; so what a call that fails has written beyond the end stays, too.
 *
 * -1: as spool_rollover(); EINVAL if the file system has no such large offset as the spool (lseek(2)). A later call can
 * do its work and then fail to move the descriptor's offset for that reason. It returns -1, and the offset stays.
 */
int spool_fileno(struct spool *spool);

/* Whether the stream has rolled over (Python's _rolled). It never rolls back. */
bool spool_is_rolled(const struct spool *spool);

/* The size of the stream. -1 only after spool_fileno(), with an errno of lseek(2) or fstat(2). */
off_t spool_size(struct spool *spool);

/* The bytes at the beginning of the stream that are in memory; the others are in the spill file. Those that spool_drain()
   has freed after spool_read_once() count, too. */
off_t spool_in_memory(const struct spool *spool);

/* The options' memory_limit, or the limit that was chosen for SPOOL_AUTOMATIC. */
off_t spool_memory_limit(struct spool *spool);

/*
 * Whether the spill file is on a file system in memory: tmpfs or ramfs (statfs(2)). Always false if there is no spill
 * file yet, and on systems other than Linux.
 */
bool spool_spills_to_memory(const struct spool *spool);

/*
 * The path of an empty spill file that could not be removed, on a file system without O_TMPFILE, or NULL. The call that
 * made the file has failed with the errno of unlink(2). The string is freed with the spool.
 */
const char *spool_leftover(const struct spool *spool);

/* The part that the last failing call failed in; a call that succeeds does not change it. */
enum spool_part spool_fault(const struct spool *spool);

/*
 * A stdio stream, for reading and writing, over the spool at its offset. getline, fprintf, fseeko, setvbuf work, and
 * the spool rolls over when it must. As with any two handles on one file (POSIX, 2.5.1), call fflush before using the
 * spool directly. fclose detaches the stream; the spool stays open, and must outlive the stream.
 *
 * wide: whether fgetws, fwprintf and the like will be called. glibc's custom streams crash there (their FILE has no
 * room for wide characters), so a wide stream rolls over at once and is a stream over the spill file, which knows nothing
 * of size_limit and spool_freeze().
 *
 * NULL: ENOMEM, EMFILE; wide: as spool_fileno().
 */
FILE *spool_stream(struct spool *spool, bool wide);

/*
 * Appends what it reads from fd, until fd ends or limit bytes are appended; the spool's offset stays. fd may be a pipe,
 * file, terminal, socket or device, and non-blocking (poll(2) waits for it). Where the system allows it, a pipe is
 * enlarged, and splice(2) moves its bytes to the spill file. If its writer makes many small writes, the pipe is left
 * alone for up to half a millisecond at a time, so that it is read in larger pieces. Beyond cache_limit two threads
 * write, with all signals blocked; they have ended when the call returns. What they could not write is written again
 * through the page cache before the call fails. If that fails too, up to 2 MiB of unwritten bytes stay in memory until
 * they can be stored.
 *
 * At size_limit it reads on to find out whether the stream ends there; if not, EFBIG. A message of a source that keeps
 * messages apart (SOCK_SEQPACKET) arrives whole, unless limit ends within it or it is larger than 256 KiB.
 *
 * Returns the bytes appended, fewer than limit only at the end of fd. -1: EINVAL (a negative limit), EFBIG, EPERM
 * (frozen), ENOMEM, those of read(2), open(2), pwrite(2), close(2). The bytes that were appended stay (compare
 * spool_size()). Bytes that were read but could not be stored are kept, and the next spool_fill() stores them first, so
 * no byte is lost.
 */
off_t spool_fill(struct spool *spool, int fd, off_t limit, const struct spool_progress *progress);

/*
 * Writes the stream from the offset to its end to fd, and moves the offset on. fd may be anything writable, and
 * non-blocking. If the spool is frozen and fd is a pipe, vmsplice(2) and splice(2) put the spool's pages into it
 * instead of copying them. Where spool_fill() has written past the page cache, two threads read ahead.
 *
 * Returns the bytes written. -1: ENOMEM, those of write(2); as spool_read(); as spool_flush(). The offset is then after the
 * last byte written.
 * If bytes of the spill file were lost while the last of them were sent, the call fails with the offset at the end of
 * the stream. A closed pipe raises SIGPIPE, as with write(2).
 */
off_t spool_drain(struct spool *spool, int fd, const struct spool_progress *progress);

/*
 * Asks whether all bytes written to the spill file have arrived. A write that succeeded may still be lost. A network
 * file system sends the bytes later, and reports a failure at the latest when a descriptor is closed (close(2)); this
 * call closes a duplicate. A local file system writes them to the disk later, and reports a failure to
 * sync_file_range(2), which does not wait for the disk. Where a system cannot be asked, that counts as success.
 * spool_drain() and spool_seal() call this first; spool_drain() and spool_read() ask the kernel again after reading. 0
 * if nothing was lost or the spool has not rolled over. -1: errno of the write that was lost, ENOSPC, EDQUOT, EIO. From
 * then on each of these calls fails with it, since the bytes read may be wrong.
 */
int spool_flush(struct spool *spool);

/*
 * Promises that the stream will not change again. From now on any call that would change it, or return a descriptor
 * that could, fails with EPERM (as writing to a memfd sealed by F_SEAL_WRITE, fcntl(2)). Reading, seeking and draining
 * still work.
 */
void spool_freeze(struct spool *spool);

/*
 * Freezes the spool, and promises that the stream will be read only once: bytes before the offset are not needed any
 * more. spool_drain() then frees the memory part while it sends it, in pieces of 16 MiB; a memfd is only freed at the
 * end. From now on spool_seek() to before the offset fails with ESPIPE, as in a pipe, and spool_rollover() and
 * spool_seal() with EPERM.
 */
void spool_read_once(struct spool *spool);

/*
 * Freezes the spool and returns a new read-only descriptor, at offset 0, of the whole stream. If options.memfd was set
 * and the spool has not rolled over, it is a memfd sealed against every change. Else it is the spill file, made mode
 * 0400 where possible; the mode of a spill_fd stays. The descriptor is the caller's to close, and outlives the spool.
 *
 * Without /proc, descriptors from several calls share one offset, which each call sets to 0; a memfd's is then also
 * open for writing, which the seals refuse; and a spill_fd cannot be sealed (ENOENT).
 *
 * -1, and the spool is not frozen: as spool_rollover(); as spool_flush(); those of fcntl(2), open(2), fstat(2),
 * pread(2); EIO (a new descriptor does not reach the end of the file); EOPNOTSUPP (the file system has no fstat(2) for
 * a file without a name).
 */
int spool_seal(struct spool *spool);

/*
 * Whether the stream is as it was when spool_seal() was first called: 1 yes; 0 no, or its file has got another mode, time
 * or link, so that this cannot be told. A sealed memfd cannot change. A
 * spill file can be changed through /dev/stdin by root, or by its owner after a chmod(2). This call compares its size
 * and its time of change (stat(2)). On file systems that do not keep that time exactly, it compares a checksum of the
 * contents, for which spool_seal() and this call read the file. -1: errno of fstat(2), pread(2); as
 * spool_flush().
 */
int spool_is_intact(struct spool *spool);

/*
 * A queue of bytes between two threads: the writer puts bytes in, and the reader gets them, in the same order. What the
 * reader has not taken yet waits in memory, and in a file without a name when the memory has no more room. Python has
 * nothing like it; the behaviour is that of a pipe (pipe(7)) whose capacity is the disk.
 *
 * Each function below says who may call it. One thread writes and one reads; both may call spool_queue_look().
 */
struct spool_queue;

struct spool_queue_options {
	off_t memory_limit;	/* The most bytes that wait in memory. As in struct spool_options. */
	off_t backlog_limit;	/* The most bytes that wait, in memory and in the file. SPOOL_UNLIMITED: as many as the
				   disk can take. */
	const char *directory;	/* Where the file is made; NULL: see spool_directory(). */
	void (*hold)(void);	/* As in struct spool_options; called by the writer. */
	void (*release)(void);
	/* Called by the writer when it has to wait for the first time because the disk is full. error: ENOSPC, EDQUOT,
	   EFBIG. NULL: not called. */
	void (*full)(void *cookie, int error);
	void *cookie;
};

struct spool_queue_state {
	off_t in_memory;	/* bytes that wait in memory */
	off_t on_disk;		/* bytes that wait in the file */
	off_t most;		/* the most bytes that have waited */
	off_t spilled;		/* bytes that were written to the file until now */
	bool full;		/* the disk has been full */
};

/*
 * A new, empty queue. The directory's string is copied. No file is opened before it is needed. The caller ends the queue
 * with spool_queue_close(). NULL: EINVAL (a limit is negative, or backlog_limit is 0), ENOMEM.
 */
struct spool_queue *spool_queue_open(const struct spool_queue_options *options);

/* Frees the queue and what still waits in it. No thread may use it any more. NULL is allowed. */
void spool_queue_close(struct spool_queue *queue);

/*
 * The writer's: puts length bytes in. Waits only while backlog_limit bytes wait, or while the disk is full; the reader
 * makes room. Bytes are kept in memory beyond memory_limit where the disk is full and nothing waits. After another failure
 * of the file, this waits until the reader has taken all bytes of earlier calls, and then fails.
 * 0, or -1: EPIPE (spool_queue_stop() was called); ENOMEM (the disk is full, and there is no memory); errno of open(2),
 * pwrite(2), unlink(2). After an errno of these three the reader still gets all bytes of this call, as far as there is memory. The
 * writer must not put more.
 */
int spool_queue_put(struct spool_queue *queue, const char *data, size_t length);

/* The writer's: no more bytes will come. The reader gets those that wait, and then the end. */
void spool_queue_end(struct spool_queue *queue);

/* The writer's: whether nothing waits and the reader waits in spool_queue_get(). While the writer puts nothing in, this
   stays so. */
bool spool_queue_is_idle(struct spool_queue *queue);

/*
 * The reader's: takes at most length (1 or more) of the oldest bytes, and waits for the first one. The number of bytes; 0 after
 * spool_queue_end(), when none wait. -1: errno of pread(2); as spool_flush().
 */
ssize_t spool_queue_get(struct spool_queue *queue, char *data, size_t length);

/* The reader's: no more bytes are wanted. A writer that waits returns. */
void spool_queue_stop(struct spool_queue *queue);

/* Sets the state to what the queue holds now. Either thread may call this. */
void spool_queue_look(struct spool_queue *queue, struct spool_queue_state *state);

/* The writer's: whether the file is on a file system that is in memory itself (tmpfs, ramfs). */
bool spool_queue_spills_to_memory(const struct spool_queue *queue);

/* The path of an empty file that could not be removed when it was made, or NULL. Only when no thread
   uses the queue any more. */
const char *spool_queue_leftover(const struct spool_queue *queue);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
