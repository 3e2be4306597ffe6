#!/usr/bin/env bats
# errors.bats: what goes wrong is said, with what, why, and what became of the stream.
# bats file_tags=portable, sanitized, memory, valgrind, coverage, compiled, ported, narrow, emulated

load ../helper

@test "bad sizes are named" {
	local option
	for option in m l; do
		says 2 "spool: -$option '': it is empty" spool "-$option" ''
		says 2 "spool: -$option '-5': it is negative" spool "-$option" -5
		says 2 "spool: -$option 'abc': it is not a number" spool "-$option" abc
		says 2 "spool: -$option '-': it is not a number" spool "-$option" -
		says 2 "spool: -$option ' 5': it is not a number" spool "-$option" ' 5'
		says 2 "spool: -$option '+5': it is not a number" spool "-$option" +5
		says 2 "spool: -$option '1.5G': it is not a whole number" spool "-$option" 1.5G
		for size in 5Q 0x10 5b 5KK 5Kx 5KiBs '5 ' 5iB 1000000K000; do
			says 2 "spool: -$option '$size': unknown suffix (K, M, G, T, P and E are known)" spool "-$option" "$size"
		done
		for size in 8E 16E 9223372036854775808 18446744073709551615 18446744073709551616 8192P \
		    99999999999999999999999999999999999999999 99999999999999999999E; do
			says 2 "spool: -$option '$size': it is too large" spool "-$option" "$size"
		done
	done
	says 2 "spool: -m '1K%': it is not a number" spool -m 1K%
	says 2 "spool: -m '%': it is not a number" spool -m %
	says 2 "spool: -m '-1%': it is negative" spool -m -1%
	says 2 "spool: -m '99999999999999999%': it is too large" spool -m 99999999999999999%
	says 2 "spool: -m '999999999999%': it is too large" spool -m 999999999999%
	says 2 "spool: -l 'unlimited': it is not a number" spool -l unlimited
	says 2 "spool: -l '50%': unknown suffix (K, M, G, T, P and E are known)" spool -l 50%
}

@test "unknown and incomplete options" {
	says 2 "spool: unknown option '-x'" spool -x
	says 2 "spool: unknown option '-x'" spool -nx
	says 2 "spool: unknown option '-x'" spool -T --directory -xv
	says 2 "spool: option '-m' needs an argument" spool -nm
	says 2 "spool: unknown option '--nonsense'" spool --nonsense
	says 2 "spool: unknown option '--=3'" spool --=3
	says 2 "spool: unknown option '--memroy=3'; did you mean '--memory'?" spool --memroy=3
	says 2 "spool: unknown option '--skip-emty'; did you mean '--skip-empty'?" spool --skip-emty
	says 2 "spool: unknown option '--temporary-directory-of-mine-for-spool'" spool --temporary-directory-of-mine-for-spool
	says 2 "spool: option '--ver' is ambiguous: '--verbose', '--version'" spool --ver
	says 2 "spool: option '-m' needs an argument" spool -m
	says 2 "spool: option '--memory' needs an argument" spool --memory
	says 2 "spool: option '--verbose' takes no argument" spool --verbose=3
	says 2 "spool: option '--ignore-epipe' takes no argument" spool --ignore-epipe=yes
	says 2 "spool: --ignore-epipe is for standard output; here 'cat' is what reads the stream" spool --ignore-epipe cat
	[ "${stderr_lines[1]}" = "spool: try 'spool --help'" ]
}

@test "a suffix for -b that is taken for COMMAND, also beside other options" {
	local option
	for option in -a -n -u; do
		run --separate-stderr spool "$option" -b .bak
		[ "$status" -eq 2 ]
		[ "${stderr_lines[0]}" = "spool: -b requires -o FILE; '.bak' was taken for COMMAND, since a suffix is written -b.bak" ]
	done
}

@test "-c that is empty or given twice" {
	says 2 "spool: -c '': it is empty" spool -c ''
	says 2 "spool: -T '': it is empty" spool -T ''
	says 2 "spool: -c 'true': given twice; combine the checks with &&" spool -c false -c true
}

@test "--help fits a screen, --version says which" {
	spool --help >help
	[ "$(wc -l <help)" -le 24 ]
	[ "$(wc -L <help)" -le 80 ]
	spool -h | cmp help
	[[ $(spool -V) =~ ^"spool "[0-9]+\.[0-9]+ ]]
	[ "$(spool --version)" = "$(spool -V)" ]
	says 1 "spool: standard output: cannot write: No space left on device" bash -c 'spool --help >/dev/full'
}

@test "abbreviated long options" {
	seq 9 | spool --mem 1 --verb 2>&1 >/dev/null | grep -q '1B in memory'
}

@test "a missing directory for the spill file is named before anything is read" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# valgrind needs $TMPDIR
	seq 9 >numbers
	: >file
	says 1 "spool: /no/such: cannot make a spill file there: No such file or directory; nothing was read" spool -T /no/such
	says 1 "spool: file: cannot make a spill file there: Not a directory; nothing was read" spool -T file
	TMPDIR=/no/such says 1 \
	    "spool: /no/such: cannot make a spill file there (it is \$TMPDIR): No such file or directory; nothing was read" spool -m 0
	says 1 "spool: /no/such: cannot make a spill file there: No such file or directory; nothing was read" spool -m unlimited -T /no/such
	run bash -c '{ spool -T /no/such; cat; } <numbers'
	[ "${lines[1]}" = 1 ]
	# What may never spill need not have one, where none was asked for; if it does spill, it is told.
	[ "$(echo all | TMPDIR=/no/such spool)" = all ]
	[ "$(echo all | TMPDIR=/no/such spool -m unlimited)" = all ]
	says 1 "spool: /no/such: cannot write the spill file: No such file or directory; nothing was released" \
	    bash -c 'seq 9 | TMPDIR=/no/such spool -m 1'
}

@test "a directory that may not be written" {
	mkdir closed
	chmod 500 closed
	if [ "$(id -u)" -eq 0 ]; then
		chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.."
		fails=$(setpriv --reuid 65534 --clear-groups "$(command -v spool)" -T /root </dev/null 2>&1) && false
		[ "$fails" = "spool: /root: cannot make a spill file there: Permission denied; nothing was read" ]
	else
		says 1 "spool: closed: cannot make a spill file there: Permission denied; nothing was read" spool -T closed
	fi
}

@test "standard input that is closed, not readable, or a directory" {
	says 1 "spool: standard input: it is closed; nothing was read" bash -c 'spool <&-'
	run bash -c 'spool cat <&-'
	[ "$status" -eq 1 ]
	says 1 "spool: standard input: not open for reading; nothing was read" bash -c 'spool 0>/dev/null'
	says 1 "spool: standard input: cannot read: Is a directory; nothing was released" bash -c 'spool </'
}

@test "standard output that is closed or not writable" {
	says 1 "spool: standard output: it is closed; nothing was read" bash -c 'seq 9 | spool >&-'
	says 1 "spool: standard output: not open for writing; nothing was read" bash -c 'seq 9 | spool 1</dev/null'
}

@test "closed streams do not get the stream's own bytes" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# valgrind takes the numbers itself
	# With 1 and 2 closed, files that spool opens must not take their numbers.
	cat "$DATA/random" | spool -m 1000 -c 'echo the check prints' cmp - "$DATA/random" 2>&-
	run bash -c 'cat "$DATA/random" | spool -m 1000 sh -c "cmp - \"\$DATA/random\" >&0" >&- 2>&-'
	[ "$status" -eq 0 ]
	run bash -c 'spool <&- >&- 2>&-'
	[ "$status" -eq 1 ]
}

@test "/dev/full: status 1, for two bytes as for megabytes" {
	local memory
	for memory in 64M 1000 0; do
		says 1 "spool: standard output: cannot write: No space left on device; it has 0 of 2 bytes" \
		    bash -c 'echo 1 | spool -m "$1" >/dev/full' - "$memory"
		says 1 "spool: standard output: cannot write: No space left on device; it has 0 of 5000000 bytes" \
		    bash -c 'cat "$DATA/random" | spool -m "$1" >/dev/full' - "$memory"
	done
}

# bats test_tags=bare
@test "a file size limit for the spill file, not a silent death by SIGXFSZ" {
	local options
	for options in '' cat; do
		# shellcheck disable=SC2086
		says 1 "spool: /var/tmp: cannot write the spill file: File too large (see ulimit -f); nothing was released" \
		    bash -c 'ulimit -f 1000; cat "$DATA/random" | spool -m 1M $1' - $options
	done
	# What is in memory is no file, until COMMAND has to read it from one.
	[ "$(bash -c 'ulimit -f 4; seq 10000 | spool | tail -n 1')" = 10000 ]
	says 1 "spool: /var/tmp: cannot write the spill file: File too large (see ulimit -f); nothing was released" \
	    bash -c 'ulimit -f 4; seq 10000 | spool cat'
	run bash -c 'ulimit -f 1; spool </dev/null grep SigIgn /proc/self/status'
	[ $((0x${output##*[[:space:]]} >> 24 & 1)) -eq 0 ]
	run bash -c 'ulimit -f 1; spool </dev/null -c "grep SigIgn /proc/self/status"'
	[ $((0x${output##*[[:space:]]} >> 24 & 1)) -eq 0 ]
	says 1 "spool: standard output: cannot write: File too large; it has 1024 of 5000 bytes" \
	    bash -c 'ulimit -f 1; head -c 5000 /dev/zero | spool >out'
}

@test "a umask that takes away the owner's rights" {
	[ "$(id -u)" -ne 0 ] || chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.."
	local as=()
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --clear-groups)
	(
		umask 777
		cat "$DATA/random" | "${as[@]}" "$(command -v spool)" -m 0 wc -c >/dev/null
	)
}

# bats test_tags=bare
@test "no descriptors for a spill file" {
	local n
	for n in 3 4; do
		run bash -c 'ulimit -n "$1"; exec spool -m 1K <"$DATA/numbers" >out' - "$n"
		if [ "$status" -eq 0 ]; then
			cmp out "$DATA/numbers"
		else
			[ "$status" -eq 1 ] || [ "$status" -eq 127 ]
			[ ! -s out ]
		fi
	done
}

@test "COMMAND whose interpreter is missing: 127 after the soak" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# it ends with a status of its own
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	says 127 "spool: ./script: cannot be run: it or its interpreter is missing; nothing was released" \
	    spool ./script </dev/null
}

# bats test_tags=bare
@test "closing standard output fails: status 1, unless a signal was all there was" {
	needs_strace
	[ "$TEST_VARIANT" != valgrind ] || return 0	# what fails would be a call of valgrind's
	local when
	seq 9 | strace -qq -o trace -e trace=close spool >out
	when=$(grep -n '^close(1)' trace | cut -d : -f 1)
	run bash -c 'seq 9 | strace -qq -o trace -e "inject=close:error=EIO:when=$1" spool >out' - "$when"
	grep -q '^close(1).*INJECTED' trace
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: cannot close: Input/output error; it may be incomplete" ]
	run bash -c 'seq 9 | strace -qq -o trace -e "inject=close:error=EINTR:when=$1" spool >out' - "$when"
	grep -q '^close(1).*INJECTED' trace
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "characters that control a terminal are shown in messages, and others stay" {
	local locale name shown
	for locale in C C.UTF-8; do
		export LC_ALL=$locale
		while read -r name shown; do
			name=$(printf %b "$name")
			shown=$(printf %s "$shown")
			says 127 "spool: $shown: command not found; nothing was read" spool "$name"
			says 1 "spool: no/$shown: cannot write: No such file or directory; nothing was read" \
			    spool -o "no/$name" </dev/null
			run -2 spool "--$name"
			[ "${lines[0]}" = "spool: unknown option '--$shown'" ]
			mkdir "$name"
			run -0 spool -v -m 0 -T "$name" <<<x
			[[ ${lines[1]} == *" 2B in $shown; "* ]]
			rmdir "$name"
		done <<-'END'
			\033[31mred\007		\033[31mred\a
			1\n2\t3\r4\b5\v6\f7\177	1\n2\t3\r4\b5\v6\f7\177
			\x9b31m\xc2\x9b31m		\23331m\302\23331m
			\xff\xc0\xaf\xe2\x82	\377\300\257\342\202
			grüße,日本語,😀		grüße,日本語,😀
			back\\slash,quote\047"*$x	back\slash,quote'"*$x
		END
	done
	says 3 "spool: the check 'true\nfalse' exited with status 1; nothing was released" \
	    spool -c $'true\nfalse' </dev/null
	says 127 "spool: a b: command not found; if it is for the shell, put sh -c before it; nothing was read" spool 'a b'
	says 127 "spool: sed s/a/b/ f | sort: command not found; if it is for the shell, put sh -c before it; nothing was read" \
	    spool -o f 'sed s/a/b/ f | sort'
	: >'my file'
	says 126 "spool: ./my file: cannot be run: Permission denied; nothing was read" spool -o f './my file'
	# It is cut as a whole.
	run -127 spool "$(printf '\033%.0s' {1..9000})" </dev/null
	[ "${#lines[@]}" -eq 1 ]
	[[ $output =~ ^spool:\ (\\033)+$ ]]
}

@test "a message that is too long is cut, and ends its line" {
	local name
	name=$(printf 'x%.0s' {1..9000})
	status=0
	spool "$name" </dev/null 2>err || status=$?
	[ "$status" -eq 127 ]
	[ "$(wc -l <err)" -eq 1 ]
	[ "$(wc -c <err)" -le 8192 ]
	grep -q "^spool: ${name:0:8000}" err
}

@test "a message that is too long is cut, and is still one line" {
	run -2 spool -m "$(printf '%09000d' 0)x" </dev/null
	[ "${#lines[@]}" -eq 2 ]
	[ "${#lines[0]}" -eq 8190 ]
	[[ ${lines[0]} == "spool: -m '000"* ]]
	[ "${lines[1]}" = "spool: try 'spool --help'" ]
	run -2 spool -m "$(printf '%040d' 5)%" </dev/null
	[ "${lines[0]}" = "spool: -m '$(printf '%040d' 5)%': it is too large" ]
	run -2 spool -m 1,5G </dev/null
	[ "${lines[0]}" = "spool: -m '1,5G': it is not a whole number" ]
}
