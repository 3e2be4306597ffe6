#!/usr/bin/env bats
# resources.bats: memory, disk, processor: what spool uses and what happens when there is no more.
# bats file_tags=portable

load ../helper

# Runs spool with these options on COUNT bytes; its peak resident memory in KiB.
peak() {
	head -c "$1" /dev/zero | command time -f %M -o peak spool "${@:2}" | cat >/dev/null
	cat peak
}

@test "peak resident memory is at most the limit and 4 MiB" {
	needs time
	local memory
	for memory in 0 1 16 64 100; do
		[ "$(peak 300M -m "${memory}M")" -le $(((memory + 4) * 1024)) ]
	done
	[ "$(peak 30M)" -le $((34 * 1024)) ]
	[ "$(peak 300M -c true)" -le $((68 * 1024)) ]
}

@test "peak resident memory from a file, too" {
	needs time
	head -c 100M /dev/zero >zeros
	command time -f %M -o peak spool -m 1M <zeros >out
	[ "$(cat peak)" -le $((5 * 1024)) ]
	cmp zeros out
}

# bats test_tags=long
@test "peak resident memory into a file, in all ways" {
	needs time
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
	needs_strace
	{ echo one; sleep 1; echo two; } | nonblocking 0 strace -o trace spool >out
	printf 'one\ntwo\n' | cmp out
	[ "$(grep -cE '^(read|poll)' trace)" -lt 20 ]
	cat "$DATA/random" | nonblocking 1 strace -o trace spool | { sleep 1; cat; } | cmp "$DATA/random"
	# Each time the reader has taken something there is one call that waits and one that writes.
	[ "$(grep -cE '^(write|splice|vmsplice|poll)' trace)" -lt 1000 ]
}

@test "nothing is made on disk while memory suffices" {
	needs_strace
	mkdir here
	seq 9 | strace -f -e trace=open,openat -o trace spool -T here
	run ! grep -q 'here' trace
}

@test "a full disk while spilling: status 1, the directory named, nothing released" {
	needs_mounts
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
	needs_mounts
	mkdir fixed
	mount -t tmpfs -o ro tmpfs fixed
	run bash -c 'seq 9 | spool -T fixed'
	umount fixed
	[ "$status" -eq 1 ]
	[ "$output" = "spool: fixed: cannot make a spill file there: Read-only file system; nothing was read" ]
}

@test "a file system without O_TMPFILE" {
	needs_strace
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
	says 1 "spool: cannot write the stream in memory: Cannot allocate memory; nothing was released" \
	    bash -c 'ulimit -v 20000; exec spool -m unlimited <big'
}

@test "a stack of 64 KiB" {
	needs_injector
	little() {
		(ulimit -s 64; LD_PRELOAD=$INJECT exec spool "$@") <"$DATA/random" >out 2>err
	}
	local memory how
	for memory in 64M 0; do
		little -m "$memory" -p -v --stats figures -c true
		cmp out "$DATA/random"
		little -m "$memory" -v --stats figures cat
		cmp out "$DATA/random"
		for how in -u -w -b -nv; do
			cp "$DATA/numbers" f
			little -m "$memory" "$how" --stats figures -o f
			cmp f "$DATA/random"
			little -m "$memory" "$how" -u -o f
			FAIL=fsync:EIO:1 run -1 little -m "$memory" "$how" -o f cat "$DATA/numbers"
			cmp f "$DATA/random"
		done
	done
}

# Runs spool with more and more descriptors: either nothing is read, and it says why; or all is done, from $1 on.
few() {
	local number status words
	read -ra words <<<"$2"
	for number in {4..12}; do
		echo old >f
		status=0
		{
			prlimit --nofile="$number" spool "${words[@]}" >out 2>err 3>&- 4>&- || status=$?
			wc -c >rest
		} <"$DATA/numbers"
		if [ "$number" -lt "$1" ]; then
			[ "$status" -eq 1 ]
			[ "$(cat err)" = "spool: cannot start: Too many open files; nothing was read" ]
			cmp <(stat -L -c %s "$DATA/numbers") rest
			[ "$(cat f)" = old ]
			[ ! -s out ]
		else
			[ "$status" -eq 0 ]
			case " $2 " in
			*' -a '*) tail -n +2 f | cmp - "$DATA/numbers" ;;
			*' -o '*) cmp f "$DATA/numbers" ;;
			*) cmp out "$DATA/numbers" ;;
			esac
		fi
	done
}

# shellcheck disable=SC2016 # for the shell of the check, which would need more for a redirection
@test "few descriptors: all that works with them does, and what does not reads nothing" {
	local sealed=5
	[ "$TEST_VARIANT" != portable ] || sealed=6	# no files in memory: a spill file is open twice
	mkdir t
	few 4 ''
	few 5 '-m 0'
	few "$sealed" cat
	few 6 '-m 0 cat'
	few "$sealed" '-c true'
	few 8 '-c test${IFS}-s${IFS}{}'
	few 8 '-m 0 -c test${IFS}-s${IFS}{} cat'
	few 6 '-m 0 -c true cat'
	few 6 '-o f'
	few 6 '-m 0 -u -b -o f'
	few 6 '-a -o f'
	few 8 '-m 0 -a -o f'
	few 6 '-w -o f'
	few 7 '-w -b -o f'
	few 10 '-m 0 -w -o f'
	few 8 '-m 0 -T t -o f'
	few $((sealed + 3)) '-c true -o f'
	few 8 "-o f cat $DATA/numbers"
}

# bats test_tags=long
@test "gigabytes: 2 GiB to /dev/full, and 3 GiB through 1 MiB of memory" {
	says 1 "spool: standard output: cannot write: No space left on device; it has 0 of 2147483648 bytes" \
	    bash -c 'head -c 2G /dev/zero | spool >/dev/full'
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
	needs_root
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
