#!/usr/bin/env bats
# command.bats: COMMAND gets the whole stream as a seekable standard input.
# bats file_tags=portable, sanitized, memory, valgrind, coverage, ported, narrow, emulated

load ../helper

zip_archive() { cat "$DATA/doc.zip" | spool -m "$1" unzip -l /dev/stdin | grep -q ' doc.tar$'; }
@test "a ZIP archive from a pipe: cat a.zip | spool unzip -l /dev/stdin" {
	needs unzip
	each_way zip_archive
}

passes() {
	seq 9 | spool -m "$1" sh -c 'wc -l </dev/stdin; tac' >out
	{ echo 9; seq 9 | tac; } | cmp out
}
@test "several passes over one stream: wc -l </dev/stdin; tac" { each_way passes; }

whole() {
	local size
	for size in 0 1 999 1000 1001 65536 1048577 5000000; do
		bytes "$size"
		cat "$size" | spool -m "$1" cat | cmp "$size"
		spool -m "$1" cat <"$size" | cmp "$size"
		cat "$size" | spool -m "$1" sh -c 'echo $SPOOL_SIZE; stat -Lc %s /dev/stdin' >out
		printf '%d\n%d\n' "$size" "$size" | cmp out
	done
}
@test "COMMAND gets all of it, and its size in SPOOL_SIZE" { each_way whole; }

untouchable() {
	# shellcheck disable=SC2016
	seq 9 | spool -m "$1" /usr/bin/python3 -c '
import fcntl, os
for attempt in (lambda: os.write(0, b"x"), lambda: os.ftruncate(0, 1), lambda: os.pwrite(0, b"x", 0)):
    try:
        attempt()
    except OSError:
        continue
    raise SystemExit("the stream could be changed")
if os.fstat(0).st_mode & 0o777 != 0o400:
    raise SystemExit("its mode is not 0400")
if os.getuid() != 0:
    try:
        os.open("/dev/stdin", os.O_RDWR)
    except OSError:
        pass
    else:
        raise SystemExit("it could be opened for writing")
if os.read(0, 100) != b"".join(b"%d\n" % i for i in range(1, 10)):
    raise SystemExit("it has changed")
'
}
@test "COMMAND cannot change the stream" { each_way untouchable; }

@test "COMMAND cannot change the stream, not even as root, while it is in memory" {
	seq 9 | spool sh -c 'echo x >/dev/stdin' 2>/dev/null || true
	run bash -c "seq 9 | spool sh -c 'echo x 1<>/dev/stdin >&0'"
	[ "$status" -ne 0 ]
	# Root may open what nobody may write; the seals are what stops it. Without a memfd the stream is on disk.
	[ "$TEST_VARIANT" = portable ] ||
	    seq 9 | spool sh -c '{ printf x 1<>/dev/stdin; } 2>/dev/null; cat' | cmp - <(seq 9)
}

inherits() {
	# Those that the shell and the tests have open are not spool's.
	seq 9 | spool -m "$1" ls -l /proc/self/fd >with
	run grep -cE 'spool|deleted|memfd' with
	[ "$output" = 1 ]
}
@test "COMMAND inherits no other descriptor of spool's" { each_way inherits; }

@test "COMMAND takes spool's place: the same process, its status, its signals" {
	seq 9 | sh -c 'echo $$; exec spool sh -c "echo \$\$"' >out
	[ "$(sed -n 1p out)" = "$(sed -n 2p out)" ]
	run bash -c 'seq 9 | spool sh -c "exit 42"'
	[ "$status" -eq 42 ]
	run bash -c 'seq 9 | spool sh -c "kill -TERM \$\$"'
	[ "$status" -eq 143 ]
}

@test "COMMAND's options are its own" {
	[ "$(seq 9 | spool -m 1K head -n 1)" = 1 ]
	[ "$(seq 9 | spool -- head -n 1)" = 1 ]
	[ "$(seq 9 | spool echo -m -V --help)" = "-m -V --help" ]
}

@test "COMMAND starts only when the stream is complete" {
	mkfifo in
	spool touch started <in &
	exec 5>in
	seq 1000 >&5
	sleep 0.1
	[ ! -e started ]
	exec 5>&-
	wait $!
	[ -e started ]
}

@test "COMMAND that is not found: 127, and nothing is read" {
	seq 9 >numbers
	run bash -c '{ spool no-such-command; echo "status $?"; cat; } <numbers'
	[ "${lines[0]}" = "spool: no-such-command: command not found; nothing was read" ]
	[ "${lines[1]}" = "status 127" ]
	[ "${lines[2]}" = 1 ]
	says 127 "spool: ./no/such/file: command not found; nothing was read" spool ./no/such/file
	run -127 spool ''
}

@test "COMMAND that is a file to write to: spool says how" {
	: >list
	says 127 "spool: list: command not found; to write to the file of that name, use -o; nothing was read" \
	    spool list
}

@test "COMMAND that is not executable: 126" {
	: >list
	mkdir directory
	says 126 "spool: ./list: cannot be run: Permission denied; to write to the file of that name, use -o; nothing was read" \
	    spool ./list
	says 126 "spool: ./directory: cannot be run: Is a directory; nothing was read" spool ./directory
	PATH=$PWD:$PATH run spool list
	[ "$status" -eq 126 ]
}

@test "COMMAND is looked for as execvp does" {
	mkdir a b b/tool
	printf '#!/bin/sh\necho from-a\n' >a/tool
	run env PATH="b:a:$PATH" spool tool </dev/null
	[ "$status" -eq 126 ]
	chmod +x a/tool
	run env PATH="b:a:$PATH" spool tool </dev/null
	[ "$output" = from-a ]
	cd a
	run env PATH=":$PATH" spool tool </dev/null
	[ "$output" = from-a ]
	run env -u PATH "$(command -v spool)" echo found </dev/null
	[ "$output" = found ]
	# A directory of PATH that cannot be looked into is passed over.
	mkdir loops
	ln -s tool loops/tool
	[ "$(PATH=$PWD/loops:$PWD:$PATH spool tool </dev/null)" = from-a ]
	[ "$(PATH=$(printf 'x%.0s' {1..300}):$PWD:$PATH spool tool </dev/null)" = from-a ]
	# A script without #! is the shell's.
	printf 'echo plain\n' >plain
	chmod +x plain
	run spool ./plain </dev/null
	[ "$output" = plain ]
}

@test "COMMAND whose standard output is closed finds it closed" {
	run bash -c 'seq 9 | spool sh -c "echo lost" >&-'
	[ "$status" -ne 0 ]
	seq 9 | spool sh -c 'cat >out' >&-
	seq 9 | cmp out
}

@test "a spilled stream for COMMAND is whole when memory held a part of it" {
	local memory
	for memory in 1 4096 1M 2097153 4M; do
		cat "$DATA/random" | spool -m "$memory" cmp - "$DATA/random"
		cat "$DATA/random" | spool -m "$memory" -c 'cmp - "$DATA/random"' cmp - "$DATA/random"
	done
}

@test "-v: the summary comes before COMMAND" {
	spool -v sh -c 'echo COMMAND >&2' <"$DATA/numbers" 2>err
	grep -n . err | sed -n 's/^1:spool: .* bytes .*/summary/p; s/^2://p' | diff - <(printf 'summary\nCOMMAND\n')
}

@test "COMMAND is nothing that can be run: a FIFO, a path through a file, one that is too long" {
	mkfifo fifo
	chmod +x fifo
	says 126 "spool: ./fifo: cannot be run: Permission denied; nothing was read" spool ./fifo <"$DATA/numbers"
	: >file
	says 127 "spool: ./file/x: cannot be run: Not a directory; nothing was read" spool ./file/x <"$DATA/numbers"
	local long
	long=$(printf '%05000d' 0)
	says 126 "spool: ./$long: cannot be run: File name too long; nothing was read" spool "./$long" <"$DATA/numbers"
	# In PATH it is passed over; an empty part of PATH is the current directory.
	printf '#!/bin/sh\necho here\n' >program
	chmod +x program
	[ "$(PATH="/$long:$PATH:" spool program </dev/null)" = here ]
	[ "$(env -u PATH "$(command -v spool)" echo found </dev/null)" = found ]
}

@test "-f: COMMAND may execute the file" {
	printf '%s\n' '#!/bin/sh' 'echo it ran' >script
	[ "$(spool -T . -f sh -c 'chmod u+x "$1"; "$1"' sh {} <script)" = "it ran" ]
	only script
}

@test "-f: a file that COMMAND links to the path, or the path to, keeps its mode" {
	echo one >old
	chmod 644 old
	says 0 "" spool -o new -f ln old {}
	says 0 "" spool -T . -f sh -c 'chmod 640 "$1"; ln "$1" kept' sh {} <old
	[ "$(stat -c '%n %a %h' old new kept)" = $'old 644 1\nnew 644 1\nkept 640 1' ]
	only kept new old
}
