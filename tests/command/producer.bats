#!/usr/bin/env bats
# producer.bats: spool -o FILE COMMAND: COMMAND's output becomes the file, if COMMAND succeeds.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, ported, narrow, emulated

load ../helper

@test "spool -o f COMMAND: its output, whole, in memory and on disk" {
	local memory
	for memory in 64M 1000 0; do
		spool -m "$memory" -o f cat "$DATA/random"
		cmp f "$DATA/random"
		spool -m "$memory" -o f cat <"$DATA/numbers"
		cmp f "$DATA/numbers"
	done
	only f
}

@test "COMMAND fails: the file is unchanged, the status is COMMAND's, one line says so" {
	echo old >f
	says 1 "spool: false: exited with status 1; the file is unchanged" spool -o f false
	says 42 "spool: sh: exited with status 42; the file is unchanged" spool -m 0 -o f sh -c 'seq 100000; exit 42'
	says 137 "spool: sh: was ended by signal 9 (Killed); the file is unchanged" \
	    spool -o f sh -c 'echo half; kill -KILL $$'
	says 1 "spool: false: exited with status 1; no file was made" spool -o new false
	run spool -a -o f sh -c 'echo half; exit 3'
	[ "$status" -eq 3 ]
	run spool -w -o f sh -c 'echo half; exit 3'
	[ "$status" -eq 3 ]
	[ "$(cat f)" = old ]
	only f
}

@test "COMMAND that cannot be run: nothing happens" {
	echo old >f
	says 127 "spool: no-such-command: command not found; nothing was read" spool -o f no-such-command
	says 127 "spool: f: command not found; nothing was read" spool -o g f
	says 126 "spool: ./f: cannot be run: Permission denied; nothing was read" spool -o f ./f
	# Valgrind ends, with a status of its own, where this cannot be executed; and with qemu the child does.
	if [ "$TEST_VARIANT" != valgrind ] && [ "$TEST_VARIANT" != emulated ]; then
		printf '#!/no/such/interpreter\n' >script
		chmod +x script
		says 127 "spool: ./script: cannot be run: it or its interpreter is missing; the file is unchanged" \
		    spool -o f ./script
		rm script
	fi
	[ "$(cat f)" = old ]
	only f
}

@test "COMMAND's standard input and error are spool's; its options are its own" {
	seq 9 | spool -o f sh -c 'cat; echo told >&2' 2>err
	seq 9 | cmp f
	[ "$(cat err)" = told ]
	[ "$(spool -o f echo -m -o x --help; cat f)" = "-m -o x --help" ]
	spool -o f sh -c 'cat; echo said' <&-  2>/dev/null || true
	[ "$(tail -n 1 f)" = said ]
}

@test "COMMAND inherits standard input, output and error, and no more" {
	spool -m 0 -b -o f sh -c 'ls -l /proc/self/fd' 5>&- 3>&-
	spool -m 0 -b -o f sh -c 'ls -l /proc/self/fd'
	# Bats has files of its own open, in other directories.
	run grep -E "spool-|deleted|memfd|$PWD/" f
	[ "$status" -eq 1 ]
}

@test "a script without #!" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# it does not execute such a script
	[ "$TEST_VARIANT" != emulated ] || return 0	# nor is qemu's posix_spawn told that it cannot be executed
	echo 'echo plain "$0" "$@"' >script
	chmod +x script
	spool -o f ./script 1 '2 3'
	[ "$(cat f)" = "plain ./script 1 2 3" ]
}

@test "the output of background children is waited for" {
	spool -o f sh -c 'echo first; (sleep 0.3; echo last) &'
	[ "$(cat f)" = $'first\nlast' ]
}

@test "COMMAND that closes its output early, and then fails" {
	echo old >f
	run spool -o f sh -c 'echo new; exec >&-; sleep 0.2; exit 5'
	[ "$status" -eq 5 ]
	[ "$(cat f)" = old ]
	spool -o f sh -c 'echo new; exec >&-; sleep 0.2; : >after'
	[ -e after ]
	[ "$(cat f)" = new ]
}

@test "gates: -l ends COMMAND, -c and -n come before its status" {
	echo old >f
	says 3 "spool: yes: longer than 1K (-l); the file is unchanged" timeout 20 spool -l 1K -o f yes
	run timeout 20 spool -l 1K -o f sh -c 'seq 1000; exec sleep 1000'
	[ "$status" -eq 3 ]
	run spool -c 'false' -o f sh -c 'echo x; exit 7'
	[ "$status" -eq 3 ]
	run spool -c 'true' -o f sh -c 'echo x; exit 7'
	[ "$status" -eq 7 ]
	run spool -n -o f false
	[ "$status" -eq 1 ]
	spool -n -o f true
	spool -n -c false -o f true
	[ "$(cat f)" = old ]
	spool -o f true
	[ ! -s f ]
}

@test "SPOOL_SIZE is the check's" {
	spool -o f -c 'test "$SPOOL_SIZE" = 6' echo 12345
	[ "$(cat f)" = 12345 ]
}

@test "SIGCHLD ignored by whoever started spool" {
	run bash -c 'trap "" CHLD; exec spool -o f sh -c "echo x; exit 6"'
	[ "$status" -eq 6 ]
	bash -c 'trap "" CHLD; exec spool -o f -c true echo x'
	[ "$(cat f)" = x ]
}

# COMMAND is told by the same signal, and has ended before spool dies of it.
interrupted() {
	local status=0
	rm -f ready told
	env --default-signal="$1" spool -m 0 -o f "${@:2}" sh -c "trap 'sleep 0.1; echo $1 >told; exit 0' $1
	    echo half; touch ready; while :; do sleep 0.05; done" 3>&- &
	eventually test -e ready
	kill "-$1" $!
	wait $! || status=$?
	[ "$status" -eq $((128 + $(kill -l "$1"))) ]
	[ "$(cat told)" = "$1" ]
	rm told ready
	[ "$(cat f)" = old ]
	only f
}

@test "spool is interrupted: COMMAND is told, the file is unchanged, spool dies of the signal" {
	echo old >f
	local signal
	for signal in INT TERM HUP QUIT; do
		interrupted "$signal"
	done
	interrupted TERM -a
	interrupted HUP -w
}

@test "spool is interrupted while it reads standard input" {
	echo old >f
	mkfifo in
	local signal status options
	for signal in INT TERM HUP QUIT ABRT PIPE ALRM USR2 XCPU PROF VTALRM IO PWR RTMIN+3; do
		for options in '-m 0' '-a' '-w -m 1' '-T .' '-b -m 1K'; do
			status=0
			# shellcheck disable=SC2086
			env --default-signal="$signal" spool $options -o f <in 3>&- &
			exec 5>in
			seq 100000 >&5
			kill "-$signal" $!
			wait $! || status=$?
			exec 5>&-
			[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
			[ "$(cat f)" = old ]
			only f in
		done
	done
}

@test "spool is interrupted while a check runs: the check is told, its path is removed" {
	echo old >f
	local signal status
	for signal in INT TERM HUP QUIT; do
		status=0
		echo new | env --default-signal="$signal" spool -o f -c "trap 'cat {} >told; exit 0' $signal
		    touch ready; while :; do sleep 0.05; done" 3>&- &
		eventually test -e ready
		kill "-$signal" $!
		wait $! || status=$?
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		[ "$(cat told)" = new ]
		rm told ready
		[ "$(cat f)" = old ]
		only f
	done
}

@test "a signal that is ignored stays ignored, for COMMAND too" {
	[ "$TEST_VARIANT" != emulated ] || return 0	# qemu has a handler of its own, and what it executes the default
	(
		trap '' HUP
		exec spool -o f sh -c 'touch ready; while [ ! -e go ]; do sleep 0.05; done; kill -HUP $$; echo end' 3>&-
	) &
	eventually test -e ready
	kill -HUP $!
	touch go
	wait $!
	[ "$(cat f)" = end ]
}

@test "an interrupt from the terminal ends COMMAND and spool" {
	needs_terminals
	echo old >f
	interrupted_on_terminal spool -o f /usr/bin/python3 -c \
	    'import sys, time; print(1234, file=sys.stderr, flush=True); time.sleep(100)'
	[ "$(cat f)" = old ]
	only f
}

@test "waiting for COMMAND is interrupted: it is waited for again" {
	needs_strace
	strace -qq -o trace -e inject=waitid:error=EINTR:when=1 -e inject=wait4:error=EINTR:when=1 spool -o f echo new
	[ "$(grep -c INJECTED trace)" -eq 2 ]
	[ "$(cat f)" = new ]
}
