#!/usr/bin/env bats
# check.bats: the gates: -c and -l.

load helper

@test "-c: what passes is released" {
	local memory
	for memory in 64M 100 0; do
		seq 1000 | spool -m "$memory" -c 'test $(wc -l) = 1000' | cmp <(seq 1000)
		seq 1000 | spool -m "$memory" -c 'grep -qx 1000' tail -n 1 >out
		[ "$(cat out)" = 1000 ]
	done
}

@test "-c: what does not pass is not, status 3" {
	seq 9 >numbers
	run bash -c 'spool -c "grep -q hello" <numbers'
	[ "$status" -eq 3 ]
	[ "$output" = "spool: the check 'grep -q hello' exited with status 1; nothing was released" ]
	run bash -c 'spool --check false touch ran <numbers'
	[ "$status" -eq 3 ]
	[ ! -e ran ]
	run bash -c "spool -c 'kill -KILL \$\$' <numbers"
	[ "$status" -eq 3 ]
	[ "$output" = "spool: the check 'kill -KILL \$\$' was ended by signal 9 (Killed); nothing was released" ]
	run bash -c 'spool -c no-such-command <numbers'
	[ "$status" -eq 3 ]
	[ "${lines[1]}" = "spool: the check 'no-such-command' exited with status 127; nothing was released" ]
}

@test "-c: a message that nobody reads does not end spool by SIGPIPE" {
	mkfifo pipe
	# A pipe without a reader.
	exec 6<>pipe 5>pipe 6<&-
	run -3 bash -c 'echo 1 | spool -c false 2>&5; exit "${PIPESTATUS[1]}"'
	exec 5>&-
	[ -z "$output" ]
}

@test "-c: curl ... | spool -c 'sha256sum -c sum' sh" {
	echo 'echo it ran' >script
	sha256sum <script >sum
	[ "$(spool -c 'sha256sum -c sum' sh <script 2>/dev/null)" = "it ran" ]
	echo 'echo something else' >script
	run bash -c "spool -c 'sha256sum -c sum' sh <script"
	[ "$status" -eq 3 ]
	[[ $output != *"something else"$'\n'* ]]
}

@test "-c: the check's output goes to standard error" {
	seq 3 | spool -c 'echo from the check' >out 2>err
	seq 3 | cmp out
	[ "$(cat err)" = "from the check" ]
}

@test "-c: {} is a path of the stream, as often as it stands there" {
	seq 3 | spool -c 'cat {} {} >copy; wc -l <{} >count; [ "{}" = /dev/stdin ]' >out
	{ seq 3; seq 3; } | cmp copy
	[ "$(cat count)" = 3 ]
	seq 3 | cmp out
}

@test "-c: the check can seek, and knows the size" {
	local memory
	for memory in 64M 100 0; do
		seq 1000 | spool -m "$memory" -c 'test "$SPOOL_SIZE" = 3893 && tac | head -n 1 | grep -qx 1000' >out
		seq 1000 | cmp out
	done
	spool -c 'unzip -tq {}' <"$DATA/doc.zip" 2>/dev/null | cmp "$DATA/doc.zip"
}

@test "-c: a check that reads nothing, or goes on reading in the background, changes nothing" {
	local memory
	for memory in 64M 100 0; do
		cat "$DATA/random" | spool -m "$memory" -c true | cmp "$DATA/random"
		cat "$DATA/random" | spool -m "$memory" -c 'cat >/dev/null 2>&1 &' cat | cmp "$DATA/random"
	done
}

@test "-c: a check on an empty stream runs, but not with -n" {
	: | spool -c 'touch ran; test "$SPOOL_SIZE" = 0'
	[ -e ran ]
}

@test "-l: exactly the limit passes" {
	local limit
	for limit in 0 1 100 4096 65536 1048576; do
		bytes "$limit"
		cat "$limit" | spool -l "$limit" | cmp "$limit"
		cat "$limit" | spool -m 50 -l "$limit" cat | cmp "$limit"
	done
}

@test "-l: one byte more is refused, status 3, and nothing comes out" {
	local limit memory
	for limit in 0 1 100 4096 65536 1048576; do
		bytes $((limit + 1))
		for memory in 0 50 64M; do
			run --separate-stderr bash -c 'cat "$1" | spool -m "$2" -l "$3"' - $((limit + 1)) "$memory" "$limit"
			[ "$status" -eq 3 ]
			[ -z "$output" ]
			[ "$stderr" = "spool: standard input: longer than $limit (-l); nothing was released" ]
		done
	done
	run bash -c 'seq 9 | spool -l 17 touch ran'
	[ "$status" -eq 3 ]
	[ ! -e ran ]
}

@test "-l: an endless stream stops at once" {
	run bash -c 'yes | { spool -l 1M; echo "status $?" >&2; } >out'
	[ "$output" = $'spool: standard input: longer than 1M (-l); nothing was released\nstatus 3' ]
	[ ! -s out ]
	run spool -l 3G -m 100 -T /var/tmp -l 10M </dev/zero
	[ "$status" -eq 3 ]
}

@test "-l: also where a source keeps messages apart" {
	/usr/bin/python3 - <<-'END'
	import os, socket, subprocess
	for limit, status in ((1200, 0), (1199, 3), (1000, 3), (900, 3), (1, 3)):
	    for memory in ("0", "1000", "64M"):
	        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	        for i in range(4):
	            ours.send(b"x" * 300)
	        ours.close()
	        done = subprocess.run(["spool", "-m", memory, "-l", str(limit)], stdin=its, capture_output=True)
	        assert (done.returncode, len(done.stdout)) == (status, 0 if status else 1200), (limit, memory, done)
	END
}

@test "-c: a check that changes the stream refuses it" {
	local memory
	for memory in 64M 100 0; do
		for check in 'echo other >{}' 'chmod 600 {}; printf HELLO 1<>{}' ': >{}; true' 'echo more >>{}'; do
			run --separate-stderr bash -c 'seq 100 | spool -m "$1" -c "$2"' - "$memory" "$check"
			if [ "$status" -eq 0 ]; then
				# It could not, and did not mind.
				[ "$output" = "$(seq 100)" ]
			else
				[ "$status" -eq 3 ]
				[ -z "$output" ]
			fi
		done
	done
	# Root, or the owner, can change a file on disk.
	run --separate-stderr bash -c "seq 100 | spool -m 0 -c 'chmod 600 {}; printf HELLO 1<>{}'"
	[ "$status" -eq 3 ]
	[ "$stderr" = "spool: the check 'chmod 600 {}; printf HELLO 1<>{}' has changed the stream; nothing was released" ]
}
