#!/usr/bin/env bats
# errors.bats: what goes wrong is said, with what, why, and what became of the stream.

load helper

# The message and the status; and as the first line of standard input is still there, nothing was read.
fails() {
	local want=$1 message=$2
	shift 2
	run --separate-stderr spool "$@"
	[ "$status" -eq "$want" ]
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "spool: $message" ]
}

@test "bad sizes are named" {
	local option
	for option in m l; do
		fails 2 "-$option '': it is empty" "-$option" ''
		fails 2 "-$option '-5': it is negative" "-$option" -5
		fails 2 "-$option 'abc': it is not a number" "-$option" abc
		fails 2 "-$option '-': it is not a number" "-$option" -
		fails 2 "-$option ' 5': it is not a number" "-$option" ' 5'
		fails 2 "-$option '+5': it is not a number" "-$option" +5
		fails 2 "-$option '1.5G': it is not a whole number" "-$option" 1.5G
		for size in 5Q 0x10 5b 5KK 5Kx 5KiBs '5 ' 5iB 1000000K000; do
			fails 2 "-$option '$size': unknown suffix (K, M, G, T, P and E are known)" "-$option" "$size"
		done
		for size in 8E 16E 9223372036854775808 18446744073709551615 18446744073709551616 8192P \
		    99999999999999999999999999999999999999999 99999999999999999999E; do
			fails 2 "-$option '$size': it is too large" "-$option" "$size"
		done
	done
	fails 2 "-m '1K%': it is not a number" -m 1K%
	fails 2 "-m '%': it is not a number" -m %
	fails 2 "-m '-1%': it is negative" -m -1%
	fails 2 "-m '99999999999999999%': it is too large" -m 99999999999999999%
	fails 2 "-m '999999999999%': it is too large" -m 999999999999%
	fails 2 "-l 'unlimited': it is not a number" -l unlimited
	fails 2 "-l '50%': unknown suffix (K, M, G, T, P and E are known)" -l 50%
}

@test "unknown and incomplete options" {
	fails 2 "unknown option '-x'" -x
	fails 2 "unknown option '-x'" -nx
	fails 2 "unknown option '-x'" -T --directory -xv
	fails 2 "option '-m' needs an argument" -nm
	fails 2 "unknown option '--nonsense'" --nonsense
	fails 2 "unknown option '--=3'" --=3
	fails 2 "unknown option '--memroy=3'; did you mean '--memory'?" --memroy=3
	fails 2 "unknown option '--skip-emty'; did you mean '--skip-empty'?" --skip-emty
	fails 2 "unknown option '--temporary-directory-of-mine-for-spool'" --temporary-directory-of-mine-for-spool
	fails 2 "option '--ver' is ambiguous: '--verbose', '--version'" --ver
	fails 2 "option '-m' needs an argument" -m
	fails 2 "option '--memory' needs an argument" --memory
	fails 2 "option '--verbose' takes no argument" --verbose=3
	fails 2 "option '--ignore-epipe' takes no argument" --ignore-epipe=yes
	fails 2 "--ignore-epipe is for standard output; here 'cat' is what reads the stream" --ignore-epipe cat
	[ "${stderr_lines[1]}" = "spool: try 'spool --help'" ]
}

@test "-c that is empty or given twice" {
	fails 2 "-c '': it is empty" -c ''
	fails 2 "-c 'true': there is another one, and both cannot be; join them by &&" -c false -c true
}

@test "--help fits a screen, --version says which" {
	spool --help >help
	[ "$(wc -l <help)" -le 24 ]
	[ "$(wc -L <help)" -le 90 ]
	spool -h | cmp help
	[[ $(spool -V) =~ ^"spool "[0-9]+\.[0-9]+ ]]
	[ "$(spool --version)" = "$(spool -V)" ]
	run bash -c 'spool --help >/dev/full'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: cannot write: No space left on device" ]
}

@test "abbreviated long options" {
	seq 9 | spool --mem 1 --verb 2>&1 >/dev/null | grep -q '1B in memory'
}

@test "a missing directory for the spill file is named before anything is read" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# valgrind needs $TMPDIR
	seq 9 >numbers
	: >file
	fails 1 "/no/such: cannot make a spill file there: No such file or directory; nothing was read" -T /no/such
	fails 1 "file: cannot make a spill file there: Not a directory; nothing was read" -T file
	fails 1 ": cannot make a spill file there: No such file or directory; nothing was read" -T ''
	TMPDIR=/no/such fails 1 \
	    "/no/such: cannot make a spill file there (it is \$TMPDIR): No such file or directory; nothing was read" -m 0
	fails 1 "/no/such: cannot make a spill file there: No such file or directory; nothing was read" -m unlimited -T /no/such
	run bash -c '{ spool -T /no/such; cat; } <numbers'
	[ "${lines[1]}" = 1 ]
	# What may never spill need not have one, where none was asked for; if it does spill, it is told.
	[ "$(echo all | TMPDIR=/no/such spool)" = all ]
	[ "$(echo all | TMPDIR=/no/such spool -m unlimited)" = all ]
	run bash -c 'seq 9 | TMPDIR=/no/such spool -m 1'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: /no/such: cannot write the spill file: No such file or directory; nothing was released" ]
}

@test "a directory that may not be written" {
	mkdir closed
	chmod 500 closed
	if [ "$(id -u)" -eq 0 ]; then
		chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.."
		fails=$(setpriv --reuid 65534 --clear-groups "$(command -v spool)" -T /root </dev/null 2>&1) && false
		[ "$fails" = "spool: /root: cannot make a spill file there: Permission denied; nothing was read" ]
	else
		fails 1 "closed: cannot make a spill file there: Permission denied; nothing was read" -T closed
	fi
}

@test "standard input that is closed, not readable, or a directory" {
	run bash -c 'spool <&-'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard input: it is closed; nothing was read" ]
	run bash -c 'spool cat <&-'
	[ "$status" -eq 1 ]
	run bash -c 'spool 0>/dev/null'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard input: not open for reading; nothing was read" ]
	run bash -c 'spool </'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard input: cannot read: Is a directory; nothing was released" ]
}

@test "standard output that is closed or not writable" {
	run bash -c 'seq 9 | spool >&-'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: it is closed; nothing was read" ]
	run bash -c 'seq 9 | spool 1</dev/null'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: not open for writing; nothing was read" ]
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
		run bash -c 'echo 1 | spool -m "$1" >/dev/full' - "$memory"
		[ "$status" -eq 1 ]
		[ "$output" = "spool: standard output: cannot write: No space left on device; it has 0 of 2 bytes" ]
		run bash -c 'cat "$DATA/random" | spool -m "$1" >/dev/full' - "$memory"
		[ "$status" -eq 1 ]
		[ "$output" = "spool: standard output: cannot write: No space left on device; it has 0 of 5000000 bytes" ]
	done
}

# bats test_tags=bare
@test "a file size limit for the spill file, not a silent death by SIGXFSZ" {
	local options
	for options in '' cat; do
		# shellcheck disable=SC2086
		run bash -c 'ulimit -f 1000; cat "$DATA/random" | spool -m 1M $1' - $options
		[ "$status" -eq 1 ]
		[ "$output" = "spool: /var/tmp: cannot write the spill file: File too large; nothing was released" ]
	done
	run bash -c 'ulimit -f 1; spool </dev/null grep SigIgn /proc/self/status'
	[ $((0x${output##*[[:space:]]} >> 24 & 1)) -eq 0 ]
	run bash -c 'ulimit -f 1; spool </dev/null -c "grep SigIgn /proc/self/status"'
	[ $((0x${output##*[[:space:]]} >> 24 & 1)) -eq 0 ]
	run bash -c 'ulimit -f 1; head -c 5000 /dev/zero | spool >out'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: cannot write: File too large; it has 1024 of 5000 bytes" ]
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
	run -127 spool ./script </dev/null
	[ "$output" = "spool: ./script: cannot be run: it or its interpreter is missing; nothing was released" ]
}

# bats test_tags=bare
@test "closing standard output fails: status 1, unless a signal was all there was" {
	[ "$TEST_VARIANT" != valgrind ] || return 0	# what fails would be a call of valgrind's
	local when
	seq 9 | strace -qq -o trace -e trace=close spool >out
	when=$(grep -n '^close(1)' trace | cut -d : -f 1)
	run bash -c 'seq 9 | strace -qq -o trace -e "inject=close:error=EIO:when=$1" spool >out' - "$when"
	grep -q '^close(1).*INJECTED' trace
	[ "$status" -eq 1 ]
	[ "$output" = "spool: standard output: cannot close: Input/output error; what it has may not be whole" ]
	run bash -c 'seq 9 | strace -qq -o trace -e "inject=close:error=EINTR:when=$1" spool >out' - "$when"
	grep -q '^close(1).*INJECTED' trace
	[ "$status" -eq 0 ]
	[ -z "$output" ]
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
