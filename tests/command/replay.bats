#!/usr/bin/env bats
# replay.bats: the stream arrives at standard output, whole and unchanged.
# bats file_tags=portable, sanitized, memory, coverage, compiled, ported, narrow, emulated

load ../helper

# Through spool with these options, every size that lies at an edge of something.
all_sizes() {
	local size
	for size in 0 1 2 4095 4096 4097 65535 65536 65537 262143 262144 262145 1048575 1048576 1048577 \
	    2097151 2097152 2097153 5000000; do
		bytes "$size"
		spool "$@" <"$size" >from-file
		cmp "$size" from-file
		# shellcheck disable=SC2002 # the pipes are the point
		cat "$size" | spool "$@" | cat >from-pipe
		cmp "$size" from-pipe
		rm "$size"
	done
}

@test "everything in memory, by default" { all_sizes; }
@test "everything in memory, unlimited" { all_sizes -m unlimited; }
@test "everything on disk" { all_sizes -m 0; }
@test "one byte in memory" { all_sizes -m 1; }
@test "one byte less than a page in memory" { all_sizes -m 4095; }
@test "64K in memory" { all_sizes -m 64K; }
@test "1M in memory" { all_sizes -m 1M; }
@test "one byte more than 2M in memory" { all_sizes -m 2097153; }

@test "the limit itself, and one byte to each side of it" {
	local limit size
	for limit in 1 1000 4096 65536 1048576 2097152 4000000; do
		for size in $((limit - 1)) "$limit" $((limit + 1)) $((limit + limit / 4)); do
			bytes "$size"
			spool -m "$limit" <"$size" | cmp "$size"
			cat "$size" | spool -m "$limit" | cmp "$size"
		done
	done
}

@test "several times the limit" {
	cat "$DATA/random" | spool -m 700000 | cmp "$DATA/random"
}

@test "a tar of a directory can be listed and compared afterwards" {
	tar -c -C "$BATS_TEST_DIRNAME/.." . | spool -m 100K | tar -t >list
	tar -tf "$DATA/doc.tar" | cmp - list
	spool -m 100K <"$DATA/doc.tar" | tar -d -C "$BATS_TEST_DIRNAME/.."
}

@test "cmd | spool -m 64M | sort" {
	tac "$DATA/numbers" | spool -m 64M | sort -n | cmp "$DATA/numbers"
}

@test "input that dribbles" {
	for i in {1..200}; do echo "line $i"; done >expected
	while read -r line; do echo "$line"; done <expected | spool -m 100 | cmp expected
	{ printf a; sleep 0.1; printf b; sleep 0.1; printf c; } | spool >out
	[ "$(cat out)" = abc ]
}

@test "nothing comes out before everything is in" {
	mkfifo in
	spool -m 3 <in >out &
	exec 5>in
	seq 1000 >&5
	sleep 0.2
	[ ! -s out ]
	exec 5>&-
	wait $!
	seq 1000 | cmp out
}

@test "spool after spool after spool" {
	cat "$DATA/random" | spool -m 0 | spool -m 1M | spool | cmp "$DATA/random"
}

@test "input and output that are sockets" {
	/usr/bin/python3 - "$DATA/random" <<-'END'
	import socket, subprocess, sys, threading
	data = open(sys.argv[1], "rb").read()
	for memory in ("0", "1M", "64M"):
	    ours, its = socket.socketpair()
	    back, out = socket.socketpair()
	    job = subprocess.Popen(["spool", "-m", memory], stdin=its, stdout=out)
	    its.close()
	    out.close()
	    threading.Thread(target=lambda: (ours.sendall(data), ours.shutdown(socket.SHUT_WR))).start()
	    got = b""
	    while piece := back.recv(1 << 16):
	        got += piece
	    assert got == data and job.wait() == 0
	END
}

@test "a terminal on both sides" {
	needs_terminals
	/usr/bin/python3 - <<-'END'
	import os, pty, time
	pid, terminal = pty.fork()
	if pid == 0:
	    os.execvp("spool", ["spool"])
	os.write(terminal, b"one\ntwo\n\x04")
	got = b""
	while b"one\r\ntwo\r\none\r\ntwo\r\n" not in got:
	    piece = os.read(terminal, 1000)
	    assert piece
	    got += piece
	assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
	END
}

@test "input from a device" {
	head -c 3000000 /dev/zero >zeros
	head -c 3000000 /dev/zero | spool -m 1M | cmp zeros
	spool </dev/null >out
	[ ! -s out ]
}

@test "output that is appended to" {
	echo first >out
	seq 3 | spool >>out
	seq 100000 | spool -m 0 >>out
	{ echo first; seq 3; seq 100000; } | cmp out
}

@test "non-blocking input and output" {
	local memory
	for memory in 0 100K 64M; do
		{ head -c 2000000 "$DATA/random"; sleep 0.1; tail -c +2000001 "$DATA/random"; } |
		    nonblocking 0 spool -m "$memory" | cmp "$DATA/random"
		cat "$DATA/random" | nonblocking 1 spool -m "$memory" |
		    { sleep 0.1; cat; } | cmp "$DATA/random"
	done
}

@test "small pipes on both sides" {
	# shellcheck disable=SC2016
	/usr/bin/python3 - "$DATA/random" <<-'END'
	import fcntl, os, subprocess, sys
	for memory in ("0", "1M", "64M"):
	    reader, writer = os.pipe()
	    fcntl.fcntl(writer, 1031, 4096)     # F_SETPIPE_SZ
	    job = subprocess.Popen(["spool", "-m", memory], stdin=open(sys.argv[1]), stdout=writer)
	    os.close(writer)
	    assert subprocess.run(["cmp", sys.argv[1]], stdin=reader).returncode == 0
	    assert job.wait() == 0
	    os.close(reader)
	END
}

# spool with these options ends with this status when its reader stops early: stops_early STATUS [OPTION...].
stops_early() {
	local memory
	for memory in 0 100K 64M; do
		run bash -c 'cat "$DATA/random" | { spool "$@"; echo "status $?" >&2; } | head -c 10 >/dev/null' - -m "$memory" "${@:2}"
		[ "$output" = "status $1" ]
	done
}

@test "a reader that stops early ends spool by SIGPIPE, as usual" { stops_early 141; }

@test "a reader that stops early, where SIGPIPE is ignored, is an error" {
	run bash -c 'trap "" PIPE; cat "$DATA/random" | { spool; echo "status $?" >&2; } | head -c 10 >/dev/null'
	[[ ${lines[0]} == "spool: standard output: cannot write: Broken pipe; it has "*" of 5000000 bytes" ]]
	[ "${lines[1]}" = "status 1" ]
}

@test "--ignore-epipe: a reader that stops early is no error" {
	stops_early 0 --ignore-epipe
	seq 9 | spool --ignore-epipe >out
	seq 9 | cmp out
}

@test "-n: an empty stream does nothing" {
	: | spool -n >out
	[ ! -s out ]
	seq 9 | spool -n | cmp <(seq 9)
	: | spool --skip-empty -c 'touch checked' -- touch ran
	[ ! -e checked ]
	[ ! -e ran ]
	: | spool touch ran
	[ -e ran ]
}

@test "a source that keeps messages apart" {
	/usr/bin/python3 - <<-'END'
	import os, socket, subprocess, threading
	def send(sender):
	    for i in range(120):
	        os.write(sender, bytes([65 + i % 26]) * 3000)
	    os.close(sender)
	want = b"".join(bytes([65 + i % 26]) * 3000 for i in range(120))
	for memory in ("0", "1", "1000", "100000", "64M"):
	    for command in ([], ["cat"]):
	        ours, its = (end.detach() for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
	        for reader, writer in ((its, ours), os.pipe2(os.O_DIRECT)):
	            thread = threading.Thread(target=send, args=(writer,))
	            thread.start()
	            done = subprocess.run(["spool", "-m", memory] + command, stdin=reader, stdout=subprocess.PIPE)
	            thread.join()
	            os.close(reader)
	            assert done.returncode == 0 and done.stdout == want, (memory, command, len(done.stdout))
	END
	[ "$(spool -m 5 </proc/sys/fs/file-nr | wc -w)" -eq 3 ]
	run spool -l 5 </proc/sys/fs/file-nr
	[ "$status" -eq 3 ]
}
