#!/usr/bin/env bats
# lost.bats: writes that succeeded and were lost: a disk that is smaller than it says (thin provisioning).
# bats file_tags=portable, sanitized, memory, coverage

load ../helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	needs_mounts
	mkdir small m
	new_disk
	for _ in {1..8}; do cat "$DATA/random"; done >stream	# 40 MB, of which the disk has less than 20
}

teardown() {
	umount -l m small || true
}

# At m. What the file system has of its own is on the disk before, so only contents are lost.
new_disk() {
	umount -l m small 2>/dev/null || true
	mount -t tmpfs -o size=24m tmpfs small
	truncate -s 200M small/image
	mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 -J size=4 small/image
	mount -o loop,errors=continue small/image m
}

# The stream, which pauses twice: what has come is written to the disk, and forgotten.
slow_stream() {
	head -c 35000000 stream
	# shellcheck disable=SC2016 # for the other shell
	eventually sh -c '[ "$(find /proc/[0-9]*/fd -lname "$1/*" -exec stat -Lc %s {} + | sort -n | tail -n 1)" -ge "$2" ]' \
	    - "$PWD/m" "$1" 2>/dev/null
	/usr/bin/python3 "$BATS_TEST_DIRNAME/lose.py" m
	tail -c +35000001 stream
}

# lossy MEMORY ARGUMENT ...: spool with so many bytes in memory.
lossy() {
	slow_stream $((35000000 - 1000000 - $1)) | spool -m "$1" "${@:2}"
}

# The same on a new disk, which has an old FILE.
refused() {
	new_disk
	echo old >m/f
	sync -f m
	run --separate-stderr lossy "$@"
	echo "$stderr"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "the disk loses what was spilled: nothing is released" {
	needs mkfs.ext4
	refused 0 -T m
	[[ $stderr == "spool: m: cannot read the spill file: "*"; nothing was released" ]]
	refused 1000000 -T m
	[[ $stderr == "spool: m: cannot read the spill file: "*"; nothing was released" ]]
}

@test "the disk loses what was spilled: COMMAND and CHECK are not started" {
	needs mkfs.ext4
	refused 0 -T m sh -c 'echo started; cat'
	[[ $stderr == "spool: m: cannot write the spill file: "*"; nothing was released" ]]
	refused 0 -T m -c 'echo started >&2; touch started'
	[[ $stderr == "spool: m: cannot write the spill file: "*"; nothing was released" ]]
	[ ! -e started ]
}

@test "the disk loses what was spilled: FILE on another disk is unchanged" {
	needs mkfs.ext4
	echo old >f
	local options
	for options in '' -w -a -b '-c :<{}'; do
		# shellcheck disable=SC2086
		refused 0 -T m $options -o f
		[[ $stderr == "spool: "*"; the file is unchanged" ]]
		[ "$(cat f)" = old ]
	done
	only f m small stream
	refused 0 -T m -o new
	[[ $stderr == "spool: new: cannot read its new contents: "*"; no file was made" ]]
	[ ! -e new ]
}

@test "-u does not take a stream that was lost for the contents of FILE" {
	needs mkfs.ext4
	/usr/bin/python3 -c 'import sys; sys.stdout.buffer.write(bytes(40000000))' >zeros
	cp zeros stream
	refused 0 -T m -u -o zeros
	[[ $stderr == "spool: zeros: cannot compare: "*"; the file is unchanged" ]]
}

@test "the disk loses the new contents of FILE: FILE is unchanged, also with --no-sync" {
	needs mkfs.ext4
	local options
	for options in '' --no-sync '-b --no-sync' '-c :<{} --no-sync'; do
		# shellcheck disable=SC2086
		refused 0 $options -o m/f
		[[ $stderr == "spool: m/f: cannot "*"; the file is unchanged" ]]
		[ "$(cat m/f)" = old ]
		(cd m && only f lost+found)
	done
}

@test "the disk loses what was spilled while the reader is slow: status 1" {
	mkfifo pipe
	spool -m 0 -T m <stream >pipe 2>stderr 3>&- &
	local pid=$!
	exec 5<pipe
	head -c 100000 <&5 >out
	/usr/bin/python3 "$BATS_TEST_DIRNAME/lose.py" m
	cat <&5 >>out
	exec 5<&-
	local status=0
	wait "$pid" || status=$?
	cat stderr
	[ "$status" -eq 1 ]
	grep -qx 'spool: m: cannot read the spill file: .*; standard output has received only a part of the stream' stderr
	# What did come is right.
	cmp -n "$(stat -c %s out)" out stream
}
