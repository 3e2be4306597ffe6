#!/usr/bin/env bats
# signals.bats: what signals do to spool, to a check and to COMMAND.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, ported, narrow

load ../helper

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

# spool, told to end while the check runs, tells the check and ends by the same signal: SIGNAL, MORE of the check.
interrupt() {
	local status=0
	# Whoever runs the tests may have them ignored.
	env --default-signal="$1" spool -c "trap 'touch told-$1; exit 0' $1; touch ready-$1; while :; do sleep 0.05; done$2" \
	    </dev/null >out &
	eventually test -e "ready-$1"
	kill "-$1" $!
	wait $! || status=$?
	[ "$status" -eq $((128 + $(kill -l "$1"))) ]
	[ -e "told-$1" ]
}

@test "-c: TERM and HUP are passed on to the check, and end spool" {
	interrupt TERM ''
	interrupt HUP ''
}

@test "-c: a signal removes the file that {} stands for, while it is read and while it is checked" {
	local signal status
	mkdir tmp
	mkfifo in
	for signal in TERM INT HUP; do
		env --default-signal="$signal" spool -T tmp -c 'cat {}' <in >out &
		exec 5>in
		echo part >&5
		eventually compgen -G 'tmp/spool-*/stream'
		kill "-$signal" $!
		status=0
		wait $! || status=$?
		exec 5>&-
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		[ -z "$(ls -A tmp)" ]
		[ ! -s out ]
	done
	rm in
	TMPDIR=$PWD/tmp interrupt TERM '; cat {}'
	[ -z "$(ls -A tmp)" ]
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
	needs_terminals
	# Not a shell that sleeps: a shell interrupted while it starts a command may forget that.
	interrupted_on_terminal sh -c 'exec spool -c "exec /usr/bin/python3 -c \"
import time
print(1234, flush=True)
time.sleep(100)\"" </dev/null'
}

@test "-o: a signal that is sent to a thread, and not to the process, ends spool as well" {
	needs_strace
	echo old >f
	run timeout -s KILL 20 strace -qq -o trace -e inject=utimensat:signal=TERM:when=1 spool -o f <"$DATA/numbers"
	[ "$status" -eq 143 ]
	rm trace
	[ "$(cat f)" = old ]
	only f
}
