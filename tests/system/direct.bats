#!/usr/bin/env bats
# direct.bats: what outgrows the page cache goes past it, by direct I/O, and comes back whole.
# bats file_tags=thread, coverage
# shellcheck disable=SC2094 # what is compared with is not written

load ../helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	# A directory where direct I/O is to be had; a memory file system has none, an image of a disk has.
	mkdir disk
	truncate -s 200M image
	if mkfs.ext4 -q image >/dev/null 2>&1 && mount -o loop image disk 2>/dev/null; then
		rmdir disk/lost+found
	elif [ -n "${TEST_ALL:-}" ] || [ "$(stat -f -c %T .)" = tmpfs ]; then
		unmet "needs a disk, or root to mount one"
	fi
	for _ in {1..8}; do cat "$DATA/random"; done >forty
}

teardown() {
	cd / || return 1
	if mountpoint -q "$BATS_TEST_TMPDIR/disk"; then
		umount "$BATS_TEST_TMPDIR/disk" || umount -l "$BATS_TEST_TMPDIR/disk"
	fi
}

# Runs a command where a shell script has mounted something over /proc or /sys, for nobody else to see. In a chroot,
# where the root is no mount point, unshare cannot see to that itself.
where() {
	local script=$1
	shift
	unshare -m --propagation unchanged sh -c "mount --make-rprivate /proc && mount --make-rprivate /sys &&
	    $script && exec \"\$@\"" sh "$@"
}

# Runs a command where the kernel seems to have so many kB of memory, and to write back from a tenth of that on.
with_memory() {
	printf 'MemTotal: %s kB\nMemAvailable: %s kB\nDirty: 0 kB\n' "$1" "$1" >meminfo
	echo 10 >ratio
	echo 0 >number
	where 'mount --bind meminfo /proc/meminfo && mount --bind ratio /proc/sys/vm/dirty_background_ratio &&
	    mount --bind number /proc/sys/vm/dirty_background_bytes' "${@:2}"
}

on_small_machine() { with_memory 100000 "$@"; }

# Traces spool in control groups that are told of in the file groups, below a directory fs; the machine is large.
in_group() {
	with_memory 90000000 strace -f -qq -o trace sh -c 'mount --bind fs /sys/fs/cgroup &&
	    mount --bind groups /proc/$$/cgroup && exec spool -m 0 -T disk' <forty | cmp - forty
}

# The number of the last openat in the trace that asks for direct I/O, among all of them.
direct_open() {
	grep 'openat(' trace | grep -n '|O_DIRECT|' | tail -n 1 | cut -d : -f 1
}

@test "a large spill file is written and read past the page cache" {
	needs_strace
	needs_mounts
	on_small_machine strace -f -qq -o trace spool -m 1M -T disk <forty | cmp - forty
	grep -q 'O_WRONLY|O_DIRECT|' trace
	grep -q 'O_RDONLY|O_DIRECT|' trace
	# All but the first ten megabytes, and what is not a whole segment, in the pieces of two threads.
	[ "$(grep -c 'pwrite64([0-9]*, .*, 524288, ' trace)" -ge 50 ]
	[ "$(grep -c 'pread64(' trace)" -ge 50 ]
	[ "$(grep 'pwrite64([0-9]*, .*, 524288, ' trace | cut -d ' ' -f 1 | sort -u | wc -l)" -eq 2 ]
}

@test "below what the kernel would write soon, nothing goes past the page cache" {
	needs_strace
	needs_mounts
	head -c 9M forty >nine
	on_small_machine strace -f -qq -o trace spool -m 0 -T disk <nine | cmp - nine
	run ! grep -q '|O_DIRECT|' trace
	# Of a small one nobody asks where that begins.
	on_small_machine strace -f -qq -o trace spool -m 1M -T disk <"$DATA/random" | cmp - "$DATA/random"
	run ! grep -q 'meminfo' trace
}

# bats test_tags=long
@test "the stream is whole, whatever the limits" {
	needs_mounts
	local memory size
	for memory in 0 1 1000 1M 30M; do
		for size in 9999999 12000001 20971520 40000000; do
			head -c "$size" forty >part
			on_small_machine spool -m "$memory" -T disk <part | cmp - part
			cat part | on_small_machine spool -m "$memory" -T disk >out
			cmp out part
			on_small_machine spool -m "$memory" -T disk -c 'cmp - part' cmp - part <part
		done
	done
}

@test "a memory limit of the control group, version 2" {
	needs_strace
	needs_mounts
	mkdir -p fs/outer/inner
	echo 0::/outer/inner >groups
	echo max >fs/outer/inner/memory.max
	echo max >fs/outer/inner/memory.high
	echo 100000000 >fs/outer/memory.max
	in_group
	grep -q '|O_DIRECT|' trace
	echo max >fs/outer/memory.max
	in_group
	run ! grep -q '|O_DIRECT|' trace
	echo 100000000 >fs/outer/inner/memory.high
	in_group
	grep -q '|O_DIRECT|' trace
	# Of a path that is not there, as in a container, what is there counts.
	echo 0::/elsewhere/inner >groups
	in_group
	run ! grep -q '|O_DIRECT|' trace
	echo 100000000 >fs/memory.max
	in_group
	grep -q '|O_DIRECT|' trace
}

@test "a memory limit of the control group, version 1" {
	needs_strace
	needs_mounts
	mkdir -p fs/memory/here
	printf '9:name=systemd:/there\n4:memory:/here\n0::/\n' >groups
	echo 9223372036854771712 >fs/memory/here/memory.limit_in_bytes
	in_group
	run ! grep -q '|O_DIRECT|' trace
	echo 100000000 >fs/memory/here/memory.limit_in_bytes
	in_group
	grep -q '|O_DIRECT|' trace
}

@test "without -m: a quarter of what the control group has, of version 2, but not everything of a small one" {
	needs jq
	needs_mounts
	local limit memory
	mkdir -p fs/outer
	echo 0::/outer >groups
	for memory in 10000000 2097152 40000000; do
		case $memory in
		10000000) limit=40000000 ;;
		2097152) limit=4000000 ;;
		*) limit=max ;;
		esac
		echo "$limit" >fs/outer/memory.max
		where 'mount --bind fs /sys/fs/cgroup' sh -c 'mount --bind groups /proc/$$/cgroup &&
		    exec spool --stats figures -T disk' <forty | cmp - forty
		[ "$(jq .memory_bytes figures)" -eq "$memory" ]
	done
}

@test "a machine that has no memory left" {
	needs_strace
	needs_mounts
	printf 'MemAvailable: 0 kB\n' >meminfo
	where 'mount --bind meminfo /proc/meminfo' strace -f -qq -o trace spool -m 0 -T disk <forty | cmp - forty
	grep -q '|O_DIRECT|' trace
	# One that does not say is taken to have enough; so is one that says too much.
	printf 'MemAvailable: 9223372036854775807 kB\n' >meminfo
	where 'mount --bind meminfo /proc/meminfo' strace -f -qq -o trace spool -m 0 -T disk <forty | cmp - forty
	run ! grep -q '|O_DIRECT|' trace
}

@test "after a check, for who is not root: what nobody may write any more is read past the page cache" {
	needs_strace
	needs_mounts
	chmod 777 disk
	on_small_machine strace -f -qq -o trace setpriv --reuid 54321 --regid 54321 --clear-groups \
	    "$(command -v spool)" -m 1M -T disk -c 'cat >/dev/null' <forty | cmp - forty
	grep -q 'O_RDONLY|O_DIRECT|O_CLOEXEC) = [0-9]' trace
}

@test "without /proc the page cache serves" {
	needs_mounts
	mkdir empty
	where 'mount --bind empty /proc' spool -m 0 -T disk <forty | cmp - forty
}

@test "into a file: past the page cache after 16 MiB, unless nobody waits for the disk" {
	needs_strace
	head -c 16M forty >part
	strace -f -qq -o trace spool -m 1M -o disk/f <part
	cmp disk/f part
	run ! grep -q '|O_DIRECT|' trace
	strace -f -qq -o trace spool -m 1M -o disk/f <forty
	cmp disk/f forty
	grep -q '|O_DIRECT|' trace
	strace -f -qq -o trace spool -m 1M --no-sync -o disk/f <forty
	cmp disk/f forty
	run ! grep -q '|O_DIRECT|' trace
}

@test "into a file that may turn out not to change: not past the page cache" {
	needs_strace
	cp forty disk/f
	strace -f -qq -o trace spool -m 1M -u -o disk/f <forty
	cmp disk/f forty
	run ! grep -q '|O_DIRECT|' trace
}

@test "closing fails: that is a failure of writing, but for EINTR" {
	needs_strace
	local direct when before
	strace -f -qq -o trace spool -m 1M -o disk/f <forty
	direct=$(sed -n 's/.*|O_DIRECT|.* = \([0-9]*\)$/\1/p' trace)
	when=$(sed -n "/|O_DIRECT|/,\$p" trace | grep 'close(' | grep -n -m 1 "close($direct)" | cut -d : -f 1)
	before=$(sed '/|O_DIRECT|/q' trace | grep -c 'close(')
	rm disk/f
	says 1 "spool: disk/f: cannot write its new contents: Input/output error; no file was made" \
	    strace -f -qq -o trace -e inject=close:error=EIO:when=$((before + when)) spool -m 1M -o disk/f <forty
	grep -q "close($direct).*INJECTED" trace
	run strace -f -qq -o trace -e inject=close:error=EINTR:when=$((before + when)) spool -m 1M -o disk/f <forty
	[ "$status" -eq 0 ]
	grep -q "close($direct).*INJECTED" trace
	cmp disk/f forty
	# The same after a write that failed.
	rm disk/f
	run strace -f -qq -o trace -e inject=pwrite64:error=EIO:when=20 \
	    -e inject=close:error=EIO:when=$((before + when)) spool -m 1M -o disk/f < <(cat forty)
	grep -q 'pwrite64.*INJECTED' trace
	grep -q "close($direct).*INJECTED" trace
	[ "$status" -eq 1 ]
	[ ! -e disk/f ]
}

@test "direct I/O is refused: the page cache serves" {
	needs_strace
	local when
	strace -f -qq -o trace spool -m 1M -o disk/f <forty
	when=$(direct_open)
	[ -n "$when" ]
	rm disk/f
	strace -f -qq -o trace -e inject=openat:error=EINVAL:when="$when" spool -m 1M -o disk/f <forty
	cmp disk/f forty
	grep -q '|O_DIRECT|.*INJECTED' trace
}

@test "the alignment is not known: that of any disk serves" {
	needs_strace
	strace -f -qq -o trace -e inject=statx:error=ENOSYS spool -m 1M -o disk/f <forty
	cmp disk/f forty
	grep -q 'statx.*INJECTED' trace
	grep -q '|O_DIRECT|' trace
}

@test "no threads: the page cache serves; one thread does" {
	needs_strace
	# The thread sanitizer starts one of its own.
	[ "$TEST_VARIANT" != thread ] || return 0
	# The first is the one that waits for signals, the second the one that says how far it is.
	strace -f -qq -o trace -e inject=clone3:error=EAGAIN:when=2+ spool -m 1M -o disk/f <forty
	cmp disk/f forty
	strace -f -qq -o trace -e inject=clone3:error=EAGAIN:when=3+ spool -m 1M -o disk/f <forty
	cmp disk/f forty
	strace -f -qq -o trace -e inject=clone3:error=EAGAIN:when=4 spool -m 1M -o disk/f <forty
	cmp disk/f forty
	[ "$(grep -c 'pwrite64([0-9]*, .*, 524288, ' trace)" -ge 40 ]
}

@test "writing fails midway: the same bytes go by the page cache" {
	needs_strace
	local when
	# Each thread has a count of its own.
	for when in 5 8 20; do
		rm -f disk/f
		cat forty | strace -f -qq -o trace -e inject=pwrite64:error=EIO:when="$when" spool -m 0 -o disk/f
		cmp disk/f forty
		grep -q 'pwrite64.*INJECTED' trace
	done
}

@test "writing fails for good: status 1, and the file is as it was" {
	needs_strace
	echo old >disk/f
	says 1 "spool: disk/f: cannot write its new contents: Input/output error; the file is unchanged" \
	    strace -f -qq -o trace -e inject=pwrite64:error=EIO:when=7+ spool -m 0 -o disk/f <forty
	[ "$(cat disk/f)" = old ]
}

@test "reading fails midway: the page cache serves" {
	needs_strace
	needs_mounts
	local when
	# Starting a program takes some reads of its own.
	for when in 6 9 15; do
		on_small_machine strace -f -qq -o trace -e inject=pread64:error=EIO:when="$when" spool -m 1M -T disk <forty |
		    cmp - forty
		grep -q 'pread64.*INJECTED' trace
	done
}

@test "the disk is full midway: status 1, the directory named, nothing released" {
	needs_mounts
	local status=0
	head -c 165M /dev/zero >disk/filler
	on_small_machine spool -m 1M -T disk <forty >out 2>err || status=$?
	[ "$status" -eq 1 ]
	[ ! -s out ]
	[ "$(cat err)" = "spool: disk: cannot write the spill file: No space left on device; nothing was released" ]
	rm disk/filler
	on_small_machine spool -m 1M -T disk <forty | cmp - forty
}

@test "a limit on the size of files is met midway" {
	says 1 "spool: disk/f: cannot write its new contents: File too large; no file was made" \
	    bash -c 'ulimit -f 20000; exec spool -m 1M -o disk/f <forty'
	[ ! -e disk/f ]
}

@test "a signal ends it midway, and nothing stays" {
	mkfifo pipe
	spool -m 1M -o disk/f <pipe 3>&- &
	local pid=$! status=0
	exec 4>pipe
	cat forty >&4
	kill -TERM "$pid"
	exec 4>&-
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
	[ -z "$(ls -A disk)" ]
}

# gcov's counters take memory, too.
# bats test_tags=bare
@test "peak resident memory is at most the limit and 4 MiB" {
	needs time
	needs_mounts
	[ "$TEST_VARIANT" != thread ] || return 0	# the sanitizer takes memory for itself
	local memory
	for memory in 0 1 64; do
		head -c 150M /dev/zero | on_small_machine time -f %M -o peak spool -m "${memory}M" -T disk | cat >/dev/null
		[ "$(cat peak)" -le $(((memory + 4) * 1024)) ]
	done
}

@test "a machine that counts in bytes, and groups that cannot be" {
	needs_strace
	needs_mounts
	mkdir -p fs
	# Where the kernel writes back from a million bytes on, so does spool; whatever its ratio.
	printf 'MemTotal: 90000000 kB\nMemAvailable: 90000000 kB\nDirty: 0 kB\n' >meminfo
	echo 1000000 >bytes
	where 'mount --bind meminfo /proc/meminfo && mount --bind bytes /proc/sys/vm/dirty_background_bytes' \
	    strace -f -qq -o trace spool -m 0 -T disk <forty | cmp - forty
	grep -q '|O_DIRECT|' trace
	# A path of a group that is too long, one that is none, and a limit that no number can hold.
	{ echo 0; echo 0::none; printf '0::/%05000d\n' 0; echo 0::/; } >groups
	in_group
	echo 99999999999999999999 >fs/memory.max
	in_group
	run ! grep -q '|O_DIRECT|' trace
	echo -1 >fs/memory.max
	in_group
	run ! grep -q '|O_DIRECT|' trace
}
