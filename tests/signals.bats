#!/usr/bin/env bats
# signals.bats: what signals do to spool, to a check and to COMMAND.

load helper

@test "-c: also where SIGCHLD is ignored, and COMMAND finds it as it was" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# it sets SIGCHLD itself
	/usr/bin/python3 - <<-'END'
	import signal, subprocess
	signal.signal(signal.SIGCHLD, signal.SIG_IGN)
	job = subprocess.Popen(["spool", "-c", "true", "grep", "SigIgn", "/proc/self/status"], stdin=subprocess.DEVNULL,
	    stdout=subprocess.PIPE, restore_signals=False)
	ignored = int(job.stdout.read().split()[1], 16)
	assert ignored >> (signal.SIGCHLD - 1) & 1, "SIGCHLD is no longer ignored"
	END
	run bash -c 'trap "" CHLD; : | exec spool -c false'
	[ "$status" -eq 3 ]
}

# spool, told to end while the check runs, tells the check and ends by the same signal.
interrupt() {
	local status=0
	# Whoever runs the tests may have them ignored.
	env --default-signal="$1" spool -c "trap 'touch told-$1; exit 0' $1; touch ready-$1; while :; do sleep 0.05; done" </dev/null >out &
	eventually test -e "ready-$1"
	kill "-$1" $!
	wait $! || status=$?
	[ "$status" -eq $((128 + $(kill -l "$1"))) ]
	[ -e "told-$1" ]
}

@test "-c: TERM and HUP are passed on to the check, and end spool" {
	interrupt TERM
	interrupt HUP
}

@test "-c: an ignored signal stays ignored" {
	(
		trap '' HUP
		exec spool -c 'touch ready; while [ ! -e go ]; do sleep 0.05; done' <"$DATA/numbers" >out
	) &
	eventually test -e ready
	kill -HUP $!
	sleep 0.1
	touch go
	wait $!
	cmp "$DATA/numbers" out
}

@test "-c: an interrupt from the terminal ends both" {
	/usr/bin/python3 - <<-'END'
	import os, pty, signal
	pid, terminal = pty.fork()
	if pid == 0:
	    signal.signal(signal.SIGINT, signal.SIG_DFL)
	    # Not a shell that sleeps: a shell interrupted while it starts a command may forget that.
	    os.execvp("sh", ["sh", "-c", """exec spool -c 'exec /usr/bin/python3 -c "
	import time
	print(1234, flush=True)
	time.sleep(100)"' </dev/null"""])
	got = b""
	while b"1234" not in got:
	    got += os.read(terminal, 1000)
	os.write(terminal, b"\x03")
	status = os.waitpid(pid, 0)[1]
	assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
	END
}

@test "-o: a signal that is sent to a thread, and not to the process, ends spool as well" {
	echo old >f
	run timeout -s KILL 20 strace -qq -o trace -e inject=utimensat:signal=TERM:when=1 spool -o f <"$DATA/numbers"
	[ "$status" -eq 143 ]
	rm trace
	[ "$(cat f)" = old ]
	only f
}
