#!/usr/bin/env bats
# output.bats: spool -o FILE replaces FILE as a whole, or nothing happens.
# bats file_tags=portable, sanitized, memory, thread, coverage, ported, narrow, emulated

load ../helper

sorts() {
	shuf "$DATA/numbers" >f
	chmod 640 f
	sort -n f | spool -m "$1" -o f
	cmp f "$DATA/numbers"
	[ "$(stat -c %a f)" = 640 ]
	only f
}
@test "a file that is also the input: sort f | spool -o f" { each_way sorts; }

rewrites() {
	cp "$DATA/numbers" f
	spool -m "$1" -o f sh -c 'tac' <f
	tac f | cmp "$DATA/numbers"
	spool -m "$1" -o f tac f
	cmp f "$DATA/numbers"
}
@test "a file that COMMAND reads: spool -o f tac <f, spool -o f tac f" { each_way rewrites; }

sizes() {
	local size
	for size in 0 1 999 1000 1001 65536 1048577 5000000; do
		bytes "$size"
		spool -m "$1" -o new <"$size"
		cmp "$size" new
		cat "$size" | spool -m "$1" -o new
		cmp "$size" new
		cat "$size" | spool -m "$1" -T . -o new
		cmp "$size" new
		cat "$size" | spool -m "$1" --no-sync -o other
		cmp "$size" other
		cat "$size" | spool -m "$1" -c 'cmp - '"$size" -o other
		cmp "$size" other
		cat "$size" | spool -m "$1" -c 'cmp {} '"$size" -o other
		cmp "$size" other
		cat "$size" | spool -m "$1" -T . -c 'cmp {} '"$size && cmp - $size" -o other
		cmp "$size" other
		rm "$size" new other
	done
	only
}
@test "every size arrives whole" { each_way sizes; }

@test "the old file is replaced, not written: whoever has it open reads on" {
	seq 9 >f
	inode=$(stat -c %i f)
	exec 5<f
	echo new | spool -o f
	[ "$(cat f)" = new ]
	seq 9 | cmp - <(cat <&5)
	exec 5<&-
	[ "$(stat -c %i f)" != "$inode" ]
}

@test "a new file has mode 0666 less umask" {
	local mask
	for mask in 022 077 002 027; do
		(umask $mask; echo 1 | spool -o "spool$mask"; echo 1 >"shell$mask")
		[ "$(stat -c %a "spool$mask")" = "$(stat -c %a "shell$mask")" ]
	done
}

@test "a new file gets the group of a set-group-id directory" {
	needs_to_give_files_away
	mkdir d
	chgrp 12345 d
	chmod g+s d
	echo 1 | spool -o d/f
	[ "$(stat -c %g d/f)" = 12345 ]
	echo 2 | spool -o d/f
	[ "$(stat -c %g d/f)" = 12345 ]
}

@test "the time of modification is that of now" {
	echo old >f
	touch -d '2001-01-01' f
	echo new | spool -c true -o f
	[ "$(stat -c %Y f)" -gt $(($(date +%s) - 60)) ]
}

@test "an empty stream empties the file; with -n it does nothing" {
	echo old >f
	spool -n -o f </dev/null
	[ "$(cat f)" = old ]
	spool -n -o new </dev/null
	[ ! -e new ]
	spool -n -c false -o f </dev/null
	[ "$(cat f)" = old ]
	spool -o f </dev/null
	[ -e f ]
	[ ! -s f ]
	spool -o new </dev/null
	[ -e new ]
	[ ! -s new ]
	only f new
}

@test "a limit, a check: the file is unchanged, and nothing is left" {
	echo old >f
	says 3 "spool: standard input: longer than 10 (-l); the file is unchanged" bash -c 'seq 100 | spool -l 10 -o f'
	says 3 "spool: the check 'exit 9' exited with status 9; the file is unchanged" \
	    bash -c 'seq 100 | spool -m 1 -c "exit 9" -o f'
	run bash -c 'seq 100 | spool -m 1 -c "grep 101 {}" -o f'
	[ "$status" -eq 3 ]
	says 3 "spool: the check 'kill -9 \$\$' was ended by signal 9 (Killed); no file was made" \
	    bash -c 'seq 100 | spool -c "kill -9 \$\$" -o new'
	[ "$(cat f)" = old ]
	only f
}

@test "-c: the stream is standard input, can be seeked, and its size is known" {
	each_way() { cat "$DATA/random" | spool -m "$1" -o f -c 'cmp - "$DATA/random" && cmp /dev/stdin "$DATA/random" &&
	    test "$SPOOL_SIZE" = 5000000'; cmp f "$DATA/random"; }
	each_way 64M
	each_way 1M
	each_way 0
}

@test "-c: a check that changes the stream refuses it" {
	echo old >f
	local change memory
	for change in 'echo x >>{}' 'printf x | dd of={} conv=notrunc' 'cp {} copy; mv copy {}' 'rm {}' ': >{}'; do
		for memory in 64M 0; do
			run -3 spool -m "$memory" -c "$change" -o f <<<abc
			[ "${lines[-1]}" = "spool: the check '$change' has changed the stream; the file is unchanged" ]
			rm -f .f.spool-*	# the file of the check's own
			only f
		done
	done
	if [ "$(id -u)" -eq 0 ]; then
		run bash -c 'echo abc | spool -m 0 -c "printf x 1<>/dev/stdin >&0 || echo x >/dev/stdin" -o f'
		[ "$status" -eq 3 ]
	fi
	[ "$(cat f)" = old ]
}

@test "-c with {}: a path in the target's directory, with its suffix, owner and mode" {
	mkdir d
	echo old >d/x.conf
	chmod 604 d/x.conf
	[ "$(id -u)" -ne 0 ] || chown 1234:2345 d/x.conf
	echo new | spool -o d/x.conf -c 'echo {}; stat -c "%a %u %g" {} d/x.conf; cat {} -; ls -A d' 2>seen
	[[ $(sed -n 1p seen) =~ ^d/\.x\.conf\.spool-[A-Za-z0-9]{6}\.conf$ ]]
	[ "$(sed -n 2p seen)" = "$(sed -n 3p seen)" ]
	[ "$(sed -n 4p seen)$(sed -n 5p seen)" = newnew ]
	[ "$(sed -n '6,$p' seen | wc -l)" = 2 ]
	[ "$(cat d/x.conf)" = new ]
	cd d
	only x.conf
	# A name without a suffix, a new one, and one that is all suffix.
	umask 027
	echo new | spool -o plain -c 'echo {}; stat -c %a {}' 2>../seen
	[[ $(sed -n 1p ../seen) =~ ^\./\.plain\.spool-[A-Za-z0-9]{6}$ ]]
	[ "$(sed -n 2p ../seen)" = 640 ]
	echo new | spool -o .rc -c 'echo {}' 2>../seen
	[[ $(cat ../seen) =~ ^\./\.\.rc\.spool-[A-Za-z0-9]{6}\.rc$ ]]
	only .rc plain x.conf
}

@test "-c with {}: a name that a shell would read as script is not read so" {
	local odd="a'b\"c\$(touch caught)\`touch caught\`; touch caught; "$'\n'"d"
	mkdir "$odd"
	echo new | spool -c 'cat {} >seen' -o "$odd/f"
	[ "$(cat seen)" = new ]
	echo 2 | spool -c 'cat "{}" >seen' -o "$odd/f" || true
	echo 3 | spool -c "cat '{}' >seen" -o "$odd/f" || true
	[ ! -e caught ]
	[ ! -e "$odd/caught" ]
	echo 4 | spool -c 'cat {} >seen' -o "$odd/x\$(touch caught).\$(touch caught)"
	[ "$(cat seen)" = 4 ]
	[ ! -e caught ]
	[ ! -e "$odd/caught" ]
}

@test "-u: the same contents leave the file alone, its time included" {
	each() {
		cp "$DATA/numbers" f
		touch -d '2001-01-01' f
		before=$(stat -c '%i %y %z' f)
		spool -m "$1" -u -b -o f <"$DATA/numbers"
		[ "$(stat -c '%i %y %z' f)" = "$before" ]
		only f
		# The same length, but one byte.
		sed '$s/0/1/' "$DATA/numbers" | spool -m "$1" -u -o f
		[ "$(stat -c '%i %y %z' f)" != "$before" ]
		sed '$s/0/1/' "$DATA/numbers" | cmp f
		head -n 5 "$DATA/numbers" | spool -m "$1" -u -o f
		[ "$(wc -l <f)" -eq 5 ]
	}
	each 64M
	each 1000
	each 0
	echo 1 | spool -u -o new
	[ "$(cat new)" = 1 ]
	echo 1 | spool -u -w -o new
	echo 2 | spool -u -w -o new
	[ "$(cat new)" = 2 ]
	: | spool -u -a -o new
	[ "$(cat new)" = 2 ]
}

@test "-b: the old file stays under another name" {
	echo 1 >f
	touch -d '2001-01-01' f
	inode=$(stat -c %i f)
	echo 2 | spool -b -o f
	[ "$(cat f f~)" = $'2\n1' ]
	[ "$(stat -c '%i %Y' f~)" = "$inode $(date -d 2001-01-01 +%s)" ]
	echo 3 | spool -b -o f
	[ "$(cat f f~)" = $'3\n2' ]
	echo 4 | spool -b.bak -o f
	[ "$(cat f f.bak f~)" = $'4\n3\n2' ]
	echo 5 | spool --backup=.orig -o f
	[ "$(cat f f.orig)" = $'5\n4' ]
	echo 6 | spool --backup -o f
	[ "$(cat f f~)" = $'6\n5' ]
	# Nothing to keep, and the backup that is the same file already.
	echo 1 | spool -b -o new
	ln f link
	ln -f f f~
	echo 7 | spool -b -o f
	[ "$(cat f f~ link)" = $'7\n6\n6' ]
	only f f~ f.bak f.orig link new
}

@test "-b with -w and -a: a copy" {
	echo 1 >f
	touch -d '2001-01-01' f
	chmod 604 f
	echo 2 | spool -w -b -o f
	[ "$(cat f f~)" = $'2\n1' ]
	[ "$(stat -c '%a %Y' f~)" = "604 $(date -d 2001-01-01 +%s)" ]
	echo 3 | spool -a -b -o f
	[ "$(cat f f~)" = $'2\n3\n2' ]
	only f f~
}

@test "-b that cannot be" {
	echo old >f
	mkdir f.d
	says 1 "spool: f: cannot make its backup f.d: Is a directory; nothing was read, the file is unchanged" spool -b.d -o f
	long=$(printf 'x%.0s' {1..255})
	says 1 "spool: f: cannot make its backup f${long:0:254}: File name too long; nothing was read, the file is unchanged" spool "-b$long" -o f
	says 1 "spool: /dev/null: cannot make a backup: it is not a regular file; nothing was read" spool -b -o /dev/null
	only f f.d
}

@test "a symbolic link is followed, and stays" {
	mkdir d e
	echo old >d/f
	ln -s ../d/f e/relative
	ln -s "$PWD/e/relative" absolute
	echo new | spool -o absolute
	[ "$(cat d/f)" = new ]
	[ -L absolute ]
	[ -L e/relative ]
	# A dangling one creates its target.
	ln -s d/none dangling
	echo new | spool -o dangling
	[ "$(cat d/none)" = new ]
	[ -L dangling ]
	ln -s loop loop
	says 1 "spool: loop: cannot write: Too many levels of symbolic links; nothing was read" spool -o loop
	# A directory that is not there is named, as the last link leads to it.
	ln -s no/such/file nowhere
	ln -s ../nowhere e/link
	says 1 "spool: e/link: cannot write: it is a link into e/../no/such: No such file or directory; nothing was read" \
	    spool -o e/link </dev/null
}

@test "a symbolic link that the kernel would not follow is not followed" {
	needs_to_give_files_away
	protected=$(cat /proc/sys/fs/protected_symlinks)
	[ "$protected" = 1 ] || echo 1 >/proc/sys/fs/protected_symlinks || unmet "the kernel follows all links"
	mkdir t
	chmod 1777 t
	echo old >f
	ln -s ../f t/trap
	ln -s ../g t/dangling
	chown -h 1234 t/trap t/dangling
	run spool -o t/trap <"$DATA/numbers"
	local trap_status=$status
	trap_output=$output
	run spool -o t/dangling <"$DATA/numbers"
	echo "$protected" >/proc/sys/fs/protected_symlinks
	[ "$trap_status" -eq 1 ]
	[ "$status" -eq 1 ]
	[ "$trap_output" = "spool: t/trap: cannot write: Permission denied; nothing was read" ]
	[ "$(cat f)" = old ]
	[ ! -e g ]
}

@test "what cannot be a file is refused before anything is read" {
	mkdir d
	echo old >f
	local name
	for name in d d/ . .. / d/.; do
		says 1 "spool: $name: cannot write: Is a directory; nothing was read" spool -o "$name"
	done
	says 1 "spool: new/: cannot write: Is a directory; nothing was read" spool -o new/
	says 1 "spool: f/: cannot write: Not a directory; nothing was read" spool -o f/
	says 1 "spool: f/g: cannot write: Not a directory; nothing was read" spool -o f/g
	says 1 "spool: no/such: cannot write: No such file or directory; nothing was read" spool -o no/such
	long=$(printf 'x%.0s' {1..256})
	says 1 "spool: $long: cannot write: File name too long; nothing was read" spool -o "$long"
	only d f
}

@test "paths that are no file's" {
	local long name
	long=$(printf '%05000d' 0)
	says 1 "spool: $long: cannot write: File name too long; nothing was read" spool -o "$long"
	for name in none/ none/. none/..; do
		says 1 "spool: $name: cannot write: Is a directory; nothing was read" spool -o "$name"
	done
	for name in /dev/fd/x /dev/fd/- /dev/fd/1x /dev/fd/99999999999; do
		run -1 spool -o "$name" </dev/null
		[[ $output == "spool: $name: cannot "*"; nothing was read" ]]
	done
	# A link that leads to where the path of both is too long: the kernel does not put them together.
	long=$(printf './%.0s' {1..2040})
	mkdir "$BATS_TEST_TMPDIR/d"
	ln -s "d/../d/../d/../d/target" link
	says 1 "spool: ${long}link: cannot write: File name too long; nothing was read" \
	    spool -o "${long}link" </dev/null
	only d link
}

@test "a device that may not be written, and a socket whose path is too long" {
	mkfifo fifo
	chmod 444 fifo
	says 1 "spool: fifo: cannot write: Permission denied; nothing was read" as_user spool -o fifo
	local long
	long=$(printf './%.0s' {1..100})
	/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	says 1 "spool: ${long}socket: cannot open: File name too long; nothing was released" \
	    spool -o "${long}socket" </dev/null
}

@test "-c with {}: a long suffix is left out, and a name is cut between characters" {
	local name
	for name in "f.$(printf '%0140d' 0)" "$(printf '\200%.0s' {1..250})"; do
		echo x | spool -c 'echo {} >path; cat {}' -o "$name" 2>copy
		[ "$(cat "$name")" = x ]
		[ "$(cat copy)" = x ]
		[[ $(cat path) == *.spool-?????? ]]
		rm "$name"
	done
}

@test "-c with {}: a directory that looks like an option" {
	mkdir ./-d
	echo x | spool -c 'test {} = ./-d/.f.spool-* -a -s {}' -o -d/f
	[ "$(cat ./-d/f)" = x ]
}

@test "standard input that is closed: status 1, the file is unchanged" {
	echo old >f
	says 1 "spool: standard input: it is closed; nothing was read" bash -c 'spool -o f <&-'
	says 1 "spool: standard input: cannot read: Is a directory; the file is unchanged" bash -c 'spool -o f </'
	[ "$(cat f)" = old ]
	only f
}

@test "standard output and error may be closed" {
	echo new | spool -o f >&- 2>&-
	[ "$(cat f)" = new ]
	spool -o f sh -c 'echo newer' >&- 2>&- <&-
	[ "$(cat f)" = newer ]
}

@test "a file that may not be written is refused, though the directory may be" {
	mkdir d
	echo old >d/f
	chmod 444 d/f
	chmod 777 d
	cd d
	says 1 "spool: f: cannot write: Permission denied; nothing was read, the file is unchanged" \
	    as_user spool -o f <"$DATA/numbers"
	[ "$(cat f)" = old ]
	only f
}

@test "a directory that may not be written is refused, naming -w" {
	mkdir d
	echo old >d/f
	chmod 666 d/f
	chmod 555 d
	cd d
	says 1 "spool: f: cannot replace: its directory cannot be written: Permission denied; use -w to overwrite the file in place; nothing was read, the file is unchanged" \
	    as_user spool -o f <"$DATA/numbers"
	[ "$(cat f)" = old ]
	says 1 "spool: new: cannot create: its directory cannot be written: Permission denied; nothing was read" \
	    as_user spool -o new <"$DATA/numbers"
	as_user spool -w -o f <"$DATA/numbers"
	cmp f "$DATA/numbers"
	as_user spool -m 1K -a -o f <"$DATA/numbers"
	cat "$DATA/numbers" "$DATA/numbers" | cmp f
	only f
}

@test "hard links: split by default, kept with -w" {
	echo old >f
	ln f link
	echo new | spool -o f
	[ "$(cat f link)" = $'new\nold' ]
	ln -f f link
	echo newer | spool -w -o f
	[ "$(cat f link)" = $'newer\nnewer' ]
}

# Nobody can write to a program that runs.
is_busy() {
	! bash -c ': >>"$1"' - "$1" 2>/dev/null
}

@test "a program that is running can be replaced" {
	cp "$(command -v sleep)" program
	./program 10 &
	eventually is_busy program
	printf '#!/bin/sh\necho replaced\n' | spool -o program
	kill $!
	[ "$(./program)" = replaced ]
}

@test "odd names" {
	local name
	for name in -dash --help ' ' $'new\nline' $'\xff\xfe' "$(printf 'x%.0s' {1..255})" "$(printf '\xc3\xa9%.0s' {1..127})x" \
	    a.b.c .hidden '*' '$(touch caught)' "$(printf '.%.0s' {1..255})"; do
		echo 1 | spool -o "$name"
		echo 2 | spool -b -c 'grep -q 2 {}' -o "./$name" 2>err || grep -q 'backup .*: File name too long' err
		echo 3 | spool -c 'grep -q 3 {}' -o "$name"
		[ "$(cat <"$name")" = 3 ]
		rm -f -- "$name" err || true; rm -f -- "$name~" 2>/dev/null || true
		only
	done
	# And where the name is in a hidden one, it is not cut within a character.
	name=$(printf '\xc3\xa9%.0s' {1..127})
	echo 1 | spool -o "$name"
	echo 2 | spool -c 'ls -A | iconv -f UTF-8 -t UTF-8 >/dev/null' -o "$name"
}

@test "-T: the spill file goes elsewhere, the file is replaced all the same" {
	mkdir t
	seq 9 >f
	cat "$DATA/random" | spool -v -m 1M -T t -o f 2>err
	cmp f "$DATA/random"
	grep -q 'in t; soaked' err
	cat "$DATA/random" | spool -v -m 1M -o f 2>err
	grep -q 'in \.; soaked' err
	says 1 "spool: /no/such: cannot make a spill file there: No such file or directory; nothing was read" \
	    spool -T /no/such -o f </dev/null
	cmp f "$DATA/random"
	only err f t
}

@test "\$TMPDIR does not matter" {
	cat "$DATA/random" | TMPDIR=/no/such spool -m 0 -o f
	cmp f "$DATA/random"
}

@test "a FIFO is written straight to" {
	mkfifo p
	cat p >got &
	cat "$DATA/random" | spool -m 1M -o p
	wait $!
	cmp got "$DATA/random"
	[ -p p ]
	# A reader that goes away.
	head -c 10 p >got &
	run bash -c 'cat "$DATA/random" | spool -o p'
	[ "$status" -eq 1 ]
	[[ $output == "spool: p: cannot write: Broken pipe; it has "*" of 5000000 bytes" ]]
	# Nothing is released if a check refuses.
	says 3 "spool: the check 'false' exited with status 1; nothing was released" \
	    bash -c 'echo 1 | spool -c false -o p'
}

# A process that reads the FIFO "p" to its end, and waits for a writer already. What it has read is in "got".
reads_fifo() {
	rm -f waits
	/usr/bin/python3 - >got <<-'END' &
	import os, select, sys
	fd = os.open("p", os.O_RDONLY | os.O_NONBLOCK)
	open("waits", "w").close()
	poll = select.poll()
	poll.register(fd, select.POLLIN)
	if not poll.poll(20000):
	    sys.exit("no writer came")
	os.set_blocking(fd, True)
	while data := os.read(fd, 65536):
	    sys.stdout.buffer.write(data)
	END
	eventually test -e waits
}

@test "a FIFO whose reader waits: the reader finds the end if nothing is written, as that of a pipe does" {
	local options
	mkfifo p
	for options in '-c false' '-l 1' '-e END'; do
		reads_fifo
		# shellcheck disable=SC2086 # several options
		run -3 spool $options -o p < <(echo 1)
		wait $!
		[ ! -s got ]
	done
	reads_fifo
	spool -n -o p </dev/null
	wait $!
	reads_fifo
	run -5 spool -o p sh -c 'exit 5'
	wait $!
	reads_fifo
	run -127 spool -o p no-such-command
	wait $!
	reads_fifo
	run -3 spool --no-clobber -o p </dev/null
	wait $!
	reads_fifo
	run -1 bash -c 'spool -o p <&-'
	wait $!
	[ ! -s got ]
	reads_fifo
	seq 9 | spool -o p
	wait $!
	seq 9 | cmp got
}

@test "a FIFO, and a signal: whether it was written to is told, and the reader finds the end" {
	local reader
	mkfifo p
	reads_fifo
	reader=$!
	env --default-signal=TERM spool --stats figures -o p sh -c 'touch ready; while :; do sleep 0.05; done' 3>&- &
	eventually test -e ready
	kill -TERM $!
	wait $! || true
	wait "$reader"
	[ ! -s got ]
	grep -q '"changed": false, ' figures
	exec 5<>p
	env --default-signal=TERM spool --stats figures -o p <"$DATA/random" 3>&- &
	read -r -N 1 -u 5 _
	kill -TERM $!
	wait $! || true
	exec 5>&-
	grep -q '"changed": true, ' figures
}

@test "devices are written straight to, and errors reported" {
	cat "$DATA/random" | spool -o /dev/null
	[ -c /dev/null ]
	says 1 "spool: /dev/full: cannot write: No space left on device; it has 0 of 2 bytes" \
	    bash -c 'echo 1 | spool -o /dev/full'
	[ -c /dev/full ]
}

@test "/dev/stdout and its like: the descriptor, where it stands" {
	[ "$(echo 1 | spool -o /dev/stdout)" = 1 ]
	[ "$(echo 1 | spool -o /dev/fd/1 | cat)" = 1 ]
	[ "$(echo 1 | spool -o /proc/self/fd/1 -c 'cat {} >&2' 2>&1)" = $'1\n1' ]
	{ echo head; echo body | spool -o /dev/stdout; echo tail; } >f
	[ "$(cat f)" = $'head\nbody\ntail' ]
	ln -s /dev/stdout link
	echo 1 | spool -a -o link >f
	[ "$(cat f)" = 1 ]
	echo 2 | spool -o /dev/fd/7 7>f
	[ "$(cat f)" = 2 ]
	says 1 "spool: /dev/fd/7: cannot write: it is closed; nothing was read" bash -c 'echo 1 | spool -o /dev/fd/7'
	local name
	for name in /dev/stdout /dev/stderr /dev/fd/2 /dev/fd/0 /dev/stdin; do
		run bash -c 'spool -o "$1" echo 1 <&- 2>&- >&-' - "$name"
		[ "$status" -eq 1 ]
	done
	says 1 "spool: /dev/stdout: cannot write: it is closed; nothing was read" \
	    bash -c 'echo 1 | spool -o /dev/stdout >&-'
	says 1 "spool: /dev/stdin: cannot write: it is not open for writing; nothing was read" \
	    bash -c 'echo 1 | spool -o /dev/stdin'
	echo 3 >f
	echo 4 | spool -a -o /dev/stdout 1<>f
	[ "$(cat f)" = $'3\n4' ]
	echo 5 | spool -o /dev/stdout 1<>f
	[ "$(cat f)" = $'5\n4' ]
	{ echo head; echo body | spool -a -o /dev/stdout; echo tail; } >f
	[ "$(cat f)" = $'head\nbody\ntail' ]
	only f link
}

@test "a socket is written straight to" {
	/usr/bin/python3 - <<-'END'
	import socket, subprocess, os
	server = socket.socket(socket.AF_UNIX)
	server.bind("s")
	server.listen()
	job = subprocess.Popen(["spool", "-o", "s"], stdin=open(os.environ["DATA"] + "/numbers"))
	peer = server.accept()[0]
	got = b""
	while piece := peer.recv(1 << 16):
	    got += piece
	assert job.wait() == 0
	assert got == open(os.environ["DATA"] + "/numbers", "rb").read()
	server.close()
	END
	says 1 "spool: s: cannot open: Connection refused; nothing was released" spool -o s
}

@test "command lines that cannot be" {
	echo old >f
	says 2 "spool: -o '': it is empty" spool -o ''
	says 2 "spool: -o 'g': given twice; only one file can be written" spool -o f -o g
	says 2 "spool: -a and -w cannot be used together" spool -a -w -o f
	says 2 "spool: -b '': it is empty" spool --backup= -o f
	says 2 "spool: -b '/x': a suffix has no slash" spool -b/x -o f
	says 2 "spool: --ignore-epipe is for standard output; here 'f' gets the stream" spool --ignore-epipe -o f
	says 2 "spool: option '-o' needs an argument" spool -o
	local option
	for option in -a -w -b -u --no-sync; do
		says 2 "spool: $option requires -o FILE" spool "$option"
	done
	says 2 "spool: -b requires -o FILE; '.bak' was taken for COMMAND, since a suffix is written -b.bak" spool -b .bak -o f
	says 2 "spool: -b requires -o FILE" spool -b cat
	says 2 "spool: -b requires -o FILE" spool -b ./script
	says 2 "spool: unknown option '-x'" spool -x -o f
	only f
}

@test "what happens to the file during the soak" {
	# Replaced by another one: that one's mode counts.
	echo old >f
	mkfifo in
	go() { spool -o f "$@" <in & exec 5>in; sleep 0.2; }
	done_() { echo new >&5; exec 5>&-; wait $!; }
	go
	echo other >g
	chmod 600 g
	mv g f
	done_
	[ "$(cat f)" = new ]
	[ "$(stat -c %a f)" = 600 ]
	# Removed.
	go
	rm f
	done_
	[ "$(cat f)" = new ]
	# Made, where there was none.
	rm f
	go
	echo other >f
	chmod 604 f
	done_
	[ "$(cat f)" = new ]
	[ "$(stat -c %a f)" = 604 ]
	# With -a, others' bytes stay; with -w, the inode is the new one's.
	go -a
	echo other >>f
	done_
	[ "$(cat f)" = $'new\nother\nnew' ]
	go -w
	rm f
	echo other >f
	inode=$(stat -c %i f)
	done_
	[ "$(cat f)" = new ]
	[ "$(stat -c %i f)" = "$inode" ]
	# Has become a directory.
	go
	rm f
	mkdir f
	run done_
	exec 5>&-
	only f in
}

@test "50 spools replacing one file at once leave one whole stream and no litter" {
	local i options
	for options in '-m 0' '-m 1K' '' '-b' '-c true'; do
		rm -f f f~
		for i in {1..50}; do
			# shellcheck disable=SC2086
			{ yes "$i" | head -n 5000 || true; } | spool $options -o f 3>&- &
		done
		wait
		[ "$(wc -l <f)" -eq 5000 ]
		[ "$(uniq f | wc -l)" -eq 1 ]
		rm -f f~
		only f
	done
}
