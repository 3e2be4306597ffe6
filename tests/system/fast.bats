#!/usr/bin/env bats
# fast.bats: the fast paths are taken where they should be.

load ../helper

traced() {
	cat "$DATA/random" | strace -qq -o trace spool "$@" | cat >out
	cmp out "$DATA/random"
}

@test "memory: read into huge pages, then sent by vmsplice" {
	needs_strace
	traced
	grep -q '^madvise.*MADV_HUGEPAGE' trace
	grep -q '^vmsplice' trace
	grep -q '^fcntl(0, F_SETPIPE_SZ, 1048576)' trace
	grep -q '^fcntl(1, F_SETPIPE_SZ, 1048576)' trace
	run ! grep -q '^write(1' trace
}

@test "spilled: splice in, splice out" {
	needs_strace
	traced -m 0
	grep -q '^splice(0, NULL, [0-9]*, ' trace
	grep -q '^splice([0-9]*, \[[0-9]*\], 1, NULL' trace
	run ! grep -q '^write(1' trace
}

@test "the spill file is anonymous from its first moment" {
	needs_strace
	traced -m 0
	grep -q 'O_EXCL|O_CLOEXEC|O_TMPFILE, 0600' trace
}

@test "to COMMAND: a sealed memfd, by splice" {
	needs_strace
	traced cat
	grep -q '^memfd_create' trace
	grep -q '^splice(0, NULL, [0-9]*, ' trace
	grep -q 'F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE' trace
}

@test "five bytes: nothing that they do not need" {
	needs_strace
	echo 1234 | strace -qq -o trace spool | cat >out
	[ "$(cat out)" = 1234 ]
	run ! grep -qE 'F_SETPIPE_SZ|MADV_HUGEPAGE|splice|O_TMPFILE|memfd|LC_|locale' trace
	# read, read the end, write.
	[ "$(grep -cE '^(read\(0|write)' trace)" -eq 3 ]
}

@test "into a file: by splice, and the disk begins early" {
	needs_strace
	cat "$DATA/random" "$DATA/random" "$DATA/random" "$DATA/random" >twenty
	cat twenty | strace -qq -o trace spool -m 1M -o f
	cmp f twenty
	grep -q '^splice(0, NULL, [0-9]*, ' trace
	[ "$(grep -c '^sync_file_range.*_WRITE)' trace)" -eq 2 ]
	cat twenty | strace -qq -o trace spool -m 1M --no-sync -o f
	run ! grep -q '^sync_file_range.*_WRITE)' trace
}

@test "into a file, again without sync_file_range" {
	needs_strace
	cat "$DATA/random" "$DATA/random" | strace -qq -o trace -e inject=sync_file_range:error=ENOSYS spool -m 1M -o f
	cat "$DATA/random" "$DATA/random" | cmp f
}
