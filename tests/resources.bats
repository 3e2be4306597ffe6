#!/usr/bin/env bats
# resources.bats: memory, disk, processor: what spool uses and what happens when there is no more.

load helper

# Runs spool with these options on COUNT bytes; its peak resident memory in KiB.
peak() {
	head -c "$1" /dev/zero | command time -f %M -o peak spool "${@:2}" | cat >/dev/null
	cat peak
}

@test "peak resident memory is at most the limit and 4 MiB" {
	local memory
	for memory in 0 1 16 64 100; do
		[ "$(peak 300M -m "${memory}M")" -le $(((memory + 4) * 1024)) ]
	done
	[ "$(peak 30M)" -le $((34 * 1024)) ]
	[ "$(peak 300M -c true)" -le $((68 * 1024)) ]
}

@test "peak resident memory from a file, too" {
	head -c 100M /dev/zero >zeros
	command time -f %M -o peak spool -m 1M <zeros >out
	[ "$(cat peak)" -le $((5 * 1024)) ]
	cmp zeros out
}

@test "peak resident memory into a file, in all ways" {
	local memory options
	for memory in 0 1 64; do
		for options in '' '-b' '-u' '-a' '-w' '-T .' '-c true' '-c :<{}'; do
			rm -f f f~
			# shellcheck disable=SC2086
			for old in 0 100M; do
				truncate -s "$old" f
				[ "$(peak 150M -m "${memory}M" --no-sync $options -o f)" -le $(((memory + 4) * 1024)) ]
			done
		done
	done
}

@test "waiting for a non-blocking source or sink does not spin" {
	{ echo one; sleep 1; echo two; } | nonblocking 0 strace -o trace spool >out
	printf 'one\ntwo\n' | cmp out
	[ "$(grep -cE '^(read|poll)' trace)" -lt 20 ]
	cat "$DATA/random" | nonblocking 1 strace -o trace spool | { sleep 1; cat; } | cmp "$DATA/random"
	# Each time the reader has taken something there is one call that waits and one that writes.
	[ "$(grep -cE '^(write|splice|vmsplice|poll)' trace)" -lt 1000 ]
}

@test "nothing is made on disk while memory suffices" {
	mkdir here
	seq 9 | strace -f -e trace=open,openat -o trace spool -T here
	run ! grep -q 'here' trace
}

@test "a full disk while spilling: status 1, the directory named, nothing released" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to mount a small file system"
	mkdir small
	mount -t tmpfs -o size=1m tmpfs small
	local status=0 other=0
	cat "$DATA/random" | spool -m 1M -T small >out 2>err || status=$?
	cat "$DATA/random" | spool -m 1M -T small touch ran 2>>err || other=$?
	seq 9 | spool -m 0 -T small | cmp <(seq 9) || other=$?
	umount small
	[ "$status" -eq 1 ]
	[ "$other" -eq 1 ]
	[ ! -s out ]
	[ ! -e ran ]
	[ "$(cat err)" = "spool: small: cannot write the spill file: No space left on device; nothing was released
spool: small: cannot write the spill file: No space left on device; nothing was released" ]
}

@test "a read-only file system is refused before anything is read" {
	[ "$(id -u)" -eq 0 ] || skip "needs root, to mount a file system"
	mkdir fixed
	mount -t tmpfs -o ro tmpfs fixed
	run bash -c 'seq 9 | spool -T fixed'
	umount fixed
	[ "$status" -eq 1 ]
	[ "$output" = "spool: fixed: cannot make a spill file there: Read-only file system; nothing was read" ]
}

@test "a file system without O_TMPFILE" {
	mkdir here
	# overlayfs, FUSE and NFS say EOPNOTSUPP; old kernels EISDIR.
	local error
	for error in EOPNOTSUPP EISDIR; do
		cat "$DATA/random" | strace -qq -o trace -P here -e inject=openat:error="$error":when=1 \
		    spool -m 1M -T here | cmp "$DATA/random"
		[ -z "$(ls -A here)" ]
		cat "$DATA/random" | strace -qq -o trace -P here -e inject=openat:error="$error":when=1 \
		    spool -m 1M -T here cmp - "$DATA/random"
	done
}

@test "no memory: the rest goes to disk; with -m unlimited it is an error" {
	cat "$DATA/random" "$DATA/random" "$DATA/random" "$DATA/random" >big
	run bash -c 'ulimit -v 20000; exec spool -v <big 2>err >out'
	[ "$status" -eq 0 ]
	cmp big out
	grep -q 'in /var/tmp' err
	run bash -c 'ulimit -v 20000; exec spool -m unlimited <big'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: cannot write the stream in memory: Cannot allocate memory; nothing was released" ]
}

@test "gigabytes: 2 GiB to /dev/full, and 3 GiB through 1 MiB of memory" {
	run bash -c 'head -c 2G /dev/zero | spool >/dev/full'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: cannot write: No space left on device; it has 0 of 2147483648 bytes" ]
	[ "$(head -c 3G /dev/zero | spool -m 1M | wc -c)" -eq $((3 << 30)) ]
	[ "$(head -c 3G /dev/zero | spool -m 1M sh -c 'stat -Lc %s /dev/stdin; wc -c')" = $'3221225472\n3221225472' ]
}

@test "memory is given back while it is replayed" {
	local resident
	mkfifo in out
	spool -m 256M <in >out 3>&- &
	local pid=$!
	head -c 200M /dev/zero >in 3>&- &
	exec 4<out
	head -c 150M <&4 | wc -c
	resident=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
	[ "$(head -c 100M <&4 | wc -c)" -eq $((50 << 20)) ]
	exec 4<&-
	wait "$pid"
	# What is left, the chunk that is being sent, and what is not the stream's.
	[ "$resident" -le $(((50 + 16 + 4) * 1024)) ]
}

is_full() {
	[ "$(awk '{ print $1 }' "/proc/$1/wchan" 2>/dev/null)" != 0 ] && [ "$(sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 1)" = S ]
}

@test "a reader that stops for good: spool waits without working, and ends when told to" {
	local options before after status pid reader
	export TMPDIR=$PWD
	for options in '' '-m 0' '-m 1M'; do
		mkfifo out
		# It reads nothing, and does not end.
		# shellcheck disable=SC2217
		sleep 1000 <out 3>&- &
		reader=$!
		# shellcheck disable=SC2086
		spool $options <"$DATA/random" >out 3>&- &
		pid=$!
		eventually is_full "$pid"
		sleep 0.2
		before=$(cut -d ' ' -f 14,15 "/proc/$pid/stat")
		sleep 0.5
		after=$(cut -d ' ' -f 14,15 "/proc/$pid/stat")
		[ "$before" = "$after" ]
		kill -TERM "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq 143 ]
		kill "$reader"
		wait "$reader" || true
		rm out
		only
	done
}

@test "a FIFO as the file, whose reader goes away" {
	mkfifo fifo
	local memory
	for memory in 64M 0; do
		head -c 1 fifo >got 3>&- &
		run spool -m "$memory" -o fifo <"$DATA/random"
		[ "$status" -eq 1 ]
		[[ $output == "spool: fifo: cannot write: Broken pipe; it has "*" of 5000000 bytes" ]]
		wait
	done
}

@test "no more processes or threads" {
	[ "$(id -u)" -eq 0 ] || skip "root makes the user that has too many"
	echo old >f
	chmod 666 f
	mkdir -m 777 d
	cp "$(command -v spool)" .
	# One process is spool itself.
	as_uid=65532 run as_user prlimit --nproc=1 -- ./spool -o f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	[ "$output" = "spool: cannot start: Resource temporarily unavailable; nothing was read" ]
	[ "$(cat f)" = old ]
	as_uid=65532 as_user prlimit --nproc=1 -- ./spool -m 0 -T d cat <"$DATA/numbers" | cmp - "$DATA/numbers"
}
