#!/usr/bin/env bats
# stream.bats: -s sends the stream on as it comes, and its writer does not wait for its reader.
# bats file_tags=portable, sanitized, memory, thread, coverage, compiled, ported, narrow, emulated

load ../helper

# A reader that takes nothing before the file "go" is there.
late() {
	eventually test -e go >/dev/null
	cat
}

@test "a line arrives before the next one comes" {
	mkfifo in out
	spool -s <in >out 8>&- &
	exec 8>in 9<out
	local line answer
	for line in one two three; do
		echo "$line" >&8
		read -r -t 10 answer <&9
		[ "$answer" = "$line" ]
	done
	exec 8>&-
	wait $!
	[ -z "$(cat <&9)" ]
}

@test "a line arrives before the next one comes: COMMAND is started at once" {
	mkfifo in
	spool -s sh -c 'while read -r line; do echo "got $line" >>got; done; exit 7' <in &
	exec 8>in
	echo one >&8
	eventually grep -qx 'got one' got
	echo two >&8
	eventually grep -qx 'got two' got
	exec 8>&-
	local status=0
	wait $! || status=$?
	[ "$status" -eq 7 ]
}

@test "every size, from a pipe and a file, to a pipe and a file, in memory and on disk" {
	local size memory
	for size in 0 1 65537 3000000; do
		bytes "$size"
		for memory in 0 1M unlimited; do
			# shellcheck disable=SC2002 # the pipes are the point
			cat "$size" | spool -s -m "$memory" | cmp "$size"
			spool -s -m "$memory" <"$size" | cmp "$size"
			spool -s -m "$memory" <"$size" >out
			cmp "$size" out
			# shellcheck disable=SC2002
			cat "$size" | spool -s -m "$memory" cat | cmp "$size"
		done
		rm "$size"
	done
}

@test "the writer does not wait for the reader, and all that waits arrives" {
	local memory
	for memory in 0 1M 64M; do
		{ cat "$DATA/random"; touch go; } | spool -s -T . -m "$memory" | late | cmp "$DATA/random"
		rm go
	done
	{ cat "$DATA/random"; touch go; } | spool -s -T . -m 1M sh -c "$(declare -f eventually late); late" | cmp "$DATA/random"
}

@test "a reader that stops when nothing waits: the writer does not wait for it" {
	mkfifo in out
	spool -s <in >out 8>&- &
	exec 8>in 9<out
	local line
	echo first >&8
	read -r -t 10 line <&9
	[ "$line" = first ]
	sleep 0.2
	# Nobody reads meanwhile.
	cat "$DATA/random" >&8
	exec 8>&-
	cmp "$DATA/random" - <&9
	wait $!
}

@test "input that pauses, and a reader that pauses" {
	local i
	for i in {1..60}; do head -c $((i * 4001)) "$DATA/random"; [ $((i % 20)) -ne 0 ] || sleep 0.1; done >expected
	for i in {1..60}; do head -c $((i * 4001)) "$DATA/random"; [ $((i % 20)) -ne 0 ] || sleep 0.1; done |
	    spool -s -m 100K -T . | { head -c 1000000; sleep 0.3; head -c 3000000; sleep 0.3; cat; } | cmp expected
}

@test "--backlog: so much waits, and then the writer" {
	# The pipes hold at most 1 MiB each.
	{ cat "$DATA/random" "$DATA/random"; touch all; } | spool -s --backlog 1M -m 10K -T . | late >out &
	sleep 1
	[ ! -e all ]
	touch go
	wait $!
	cat "$DATA/random" "$DATA/random" | cmp - out
	seq 100000 | spool -s --backlog 1 -m 0 -T . | cmp - <(seq 100000)
	seq 100000 | spool -s --backlog 10 | cmp - <(seq 100000)
	seq 1000 | spool -s -n --backlog 10 cat | cmp - <(seq 1000)
}

@test "-n: COMMAND is not started, or with the first byte" {
	spool -s -n touch started </dev/null
	[ ! -e started ]
	[ -z "$(spool -s -n </dev/null)" ]
	seq 100000 | spool -s -n -m 0 cat | cmp - <(seq 100000)
	spool -s touch started </dev/null
	[ -e started ]
}

@test "the reader goes: the writer and spool end as in any pipe" {
	local statuses
	yes | spool -s | head -n 1 >out && statuses=${PIPESTATUS[*]}
	[ "$(cat out)" = y ]
	[ "$statuses" = "141 141 0" ]
	yes | spool -s --ignore-epipe | head -n 1 >out && statuses=${PIPESTATUS[*]}
	[ "$statuses" = "141 0 0" ]
	# shellcheck disable=SC2002
	cat "$DATA/random" | spool -s -m 0 -T . --ignore-epipe | true && statuses=${PIPESTATUS[*]}
	[[ $statuses == *" 0 0" ]]
}

@test "the reader goes while the writer pauses: spool does not wait for more" {
	mkfifo in
	{ echo y; sleep 60; } >in 3>&- &
	local writer=$!
	timeout -s KILL 20 spool -s <in | head -n 1 >out || :
	[ "$(cat out)" = y ]
	kill "$writer"
	sleep 60 >in 3>&- &
	writer=$!
	run timeout -s KILL 20 spool -s sh -c 'exit 5' <in
	[ "$status" -eq 5 ]
	kill "$writer"
}

@test "SIGPIPE is ignored: a reader that has gone is told" {
	run bash -c 'trap "" PIPE; { yes | spool -s; echo "$?" >status; } | head -n 1'
	[ "$(cat status)" = 1 ]
	[[ $output == *"spool: standard output: cannot write: Broken pipe; it has "*" bytes"* ]]
}

@test "COMMAND ends early: its status is that of spool" {
	run sh -c 'yes | spool -s head -n 1'
	[ "$status" -eq 0 ]
	[ "$output" = y ]
	run sh -c 'yes | spool -s sh -c "head -n 1; exit 3"'
	[ "$status" -eq 3 ]
	run sh -c 'seq 10 | spool -s sh -c "kill -9 \$\$"'
	[ "$status" -eq 137 ]
	[ "$output" = "spool: sh: was ended by signal 9 (Killed)" ]
	run -127 spool -s no-such </dev/null
	[ "$output" = "spool: no-such: command not found; nothing was read" ]
}

@test "a COMMAND that ignores the signal gets the whole stream, also what is spilled then" {
	mkfifo in
	{ eventually test -e told; cat "$DATA/random"; } >in 3>&- &
	spool -s -m 0 -T . sh -c 'trap "" TERM; touch started; sleep 0.5; cat >got' <in 3>&- &
	local spool=$! status=0
	eventually test -e started
	kill -TERM "$spool"
	touch told
	wait "$spool" || status=$?
	[ "$status" -eq 143 ]
	cmp "$DATA/random" got
}

@test "a signal ends COMMAND, too" {
	mkfifo in
	sleep 60 >in 3>&- &
	local writer=$!
	spool -s sh -c 'trap "echo told >told; exit" TERM; touch started; while :; do sleep 0.1; done' <in 3>&- &
	local spool=$! status=0
	eventually test -e started
	kill -TERM "$spool"
	wait "$spool" || status=$?
	[ "$status" -eq 143 ]
	[ "$(cat told)" = told ]
	kill "$writer"
}

@test "options that are about the whole stream are refused, and it is said why" {
	local option why='-s sends the stream on before its end is known;'
	says 2 "spool: $why -o needs the whole stream" spool -s -o f
	says 2 "spool: $why -o needs the whole stream" spool -s -a -o f
	says 2 "spool: $why -c needs the whole stream" spool -s -c true
	says 2 "spool: $why -l needs the whole stream" spool -s -l 10
	says 2 "spool: $why -f needs the whole stream" spool -s -f cat {}
	says 2 "spool: $why --name needs the whole stream" spool -s --name x cat {}
	for option in -a -w -u -b --no-sync; do
		says 2 "spool: ${option} requires -o FILE" spool -s "$option"
	done
	says 2 "spool: --backlog requires -s" spool --backlog 1M
	says 2 "spool: --backlog '0': nothing could be sent on" spool -s --backlog 0
	says 2 "spool: --backlog '1x': unknown suffix (K, M, G, T, P and E are known)" spool -s --backlog 1x
	only
}

@test "standard input that is also standard output is refused: it would not end" {
	seq 10 >f
	says 1 "spool: standard input is also standard output, and would not end; nothing was read" sh -c 'spool -s <f >>f'
	seq 10 | cmp f
}

@test "COMMAND does not get the size of another stream" {
	[ "$(printf abc | spool sh -c 'echo x | spool -s sh -c "echo \"size: \$SPOOL_SIZE\""')" = "size: " ]
}

@test "-n: a reader that has gone is noticed before the first byte" {
	mkfifo in
	sleep 60 >in 3>&- &
	local writer=$! statuses
	timeout -s KILL 20 spool -s -n <in | true && statuses=${PIPESTATUS[*]}
	[ "$statuses" = "141 0" ]
	kill "$writer"
}

@test "-v and --stats: what waited, and where" {
	run --separate-stderr spool -s -v </dev/null
	[[ $stderr =~ ^"spool: 0 bytes (0B), all through memory; streamed in "[0-9.]+" s, at most 0B waited"$ ]]
	run --separate-stderr sh -c 'seq 10 | spool -s -v'
	[[ $stderr =~ ^"spool: 21 bytes (21B), all through memory; streamed in "[0-9.]+" s, at most "[0-9]+"B waited"$ ]]
	{ cat "$DATA/random"; touch go; } | spool -s -m 100K -T . -v --stats figures 2>err | late | cmp "$DATA/random"
	grep -qE "^spool: [0-9]+ bytes \([0-9.]+MiB\): [0-9.]+MiB through \.; streamed in [0-9.]+ s, at most [0-9.]+MiB waited$" err
	needs jq
	local size
	size=$(stat -c %s "$DATA/random")
	jq -e ".bytes == $size and .memory_bytes >= 102400 and .spilled_bytes > 1000000 and .soak_seconds == null and
	    .stream_seconds > 0 and .most_waiting_bytes > 1000000 and .spill_directory == \".\" and .status == 0" figures
}

@test "non-blocking descriptors, sockets and a terminal's worth of small writes" {
	run /usr/bin/python3 - <<-'END'
		import os, socket, subprocess
		want = os.urandom(3_000_000)
		def through(near_in, spool_in, spool_out, near_out):
		    child = subprocess.Popen(["spool", "-s", "-m", "10K"], stdin=spool_in, stdout=spool_out)
		    os.close(spool_in), os.close(spool_out)
		    if os.fork() == 0:
		        os.close(near_out)
		        left = want
		        while left:
		            left = left[os.write(near_in, left[:12345]):]
		        os._exit(0)
		    os.close(near_in)
		    got = b""
		    while part := os.read(near_out, 1 << 16):
		        got += part
		    os.close(near_out)
		    assert child.wait() == 0 and got == want, (child.returncode, len(got))
		a, b = os.pipe()
		c, d = os.pipe()
		os.set_blocking(a, False), os.set_blocking(d, False)
		through(b, a, d, c)
		a, b = (s.detach() for s in socket.socketpair())
		c, d = (s.detach() for s in socket.socketpair())
		through(b, a, d, c)
		a, b = (s.detach() for s in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
		c, d = os.pipe()
		through(b, a, d, c)
	END
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
}

@test "stopped and continued" {
	mkfifo in out
	spool -s -m 10K -T . <in >out &
	local spool=$!
	cat "$DATA/random" >in &
	{ sleep 0.3; cat; } <out >got &
	for _ in {1..20}; do kill -STOP "$spool" && sleep 0.02 && kill -CONT "$spool" && sleep 0.02 || break; done 2>/dev/null
	wait
	cmp "$DATA/random" got
}

@test "the standard streams are closed, or not open for that" {
	says 1 "spool: standard input: it is closed; nothing was read" sh -c 'spool -s <&-'
	says 1 "spool: standard output: it is closed; nothing was read" sh -c 'spool -s >&-'
	says 1 "spool: nowhere: cannot make a spill file there: No such file or directory; nothing was read" \
	    spool -s -T nowhere
	says 1 "spool: standard output: cannot write: No space left on device; it has 0 of 3 bytes" sh -c 'echo ab | spool -s >/dev/full'
}
