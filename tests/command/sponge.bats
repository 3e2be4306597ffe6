#!/usr/bin/env bats
# sponge.bats: under the name of sponge, spool does what scripts expect of moreutils' sponge, and loses nothing.
# bats file_tags=portable, sanitized, memory, coverage, ported

load ../helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	# Under valgrind, spool is a script that would not know its name.
	ln -s "$(command -v spool)" bin/sponge
	PATH=$PWD/bin:$PATH
	mkdir work
	cd work || return 1
}

@test "sponge FILE, sponge -a FILE, sponge" {
	shuf -i 1-1000 >f
	chmod 640 f
	sort -n f | sponge f
	seq 1000 | cmp f
	[ "$(stat -c %a f)" = 640 ]
	echo more | sponge -a f
	[ "$(tail -n 1 f)" = more ]
	[ "$(wc -l <f)" -eq 1001 ]
	echo new | sponge -a new
	[ "$(cat new)" = new ]
	cat "$DATA/random" | sponge | cmp "$DATA/random"
	cat "$DATA/random" | sponge /dev/stdout | cmp "$DATA/random"
	echo x | sponge -- -f
	[ "$(cat ./-f)" = x ]
	sponge </dev/null f
	[ ! -s f ]
	only -f f new
}

@test "its messages, help and usage errors are under its own name" {
	echo old >f
	run bash -c 'echo x | sponge -x f'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: unknown option '-x'" ]
	[ "${lines[1]}" = "sponge: try 'sponge --help'" ]
	run bash -c 'echo x | sponge f --apend'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: unknown option '--apend'; did you mean '--append'?" ]
	run bash -c 'echo x | sponge f --append=all'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: option '--append' takes no argument" ]
	run sponge ''
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: file '': it is empty" ]
	says 1 "sponge: standard input: it is closed; nothing was read" bash -c 'sponge f <&-'
	run sponge -h
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "usage: sponge [-a] [file]" ]
	[ "$(cat f)" = old ]
}

@test "of several files the first is written, with a warning" {
	echo old >g
	says 0 "sponge: 'g': it is ignored; only the first file is written" bash -c 'echo new | sponge f g h'
	[ "$(cat f g)" = $'new\nold' ]
	run bash -c 'echo more | sponge f g -a'
	[ "$status" -eq 0 ]
	[ "$(cat f g)" = $'new\nmore\nold' ]
	run bash -c "echo new | sponge '' g"
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: file '': it is empty" ]
	only f g
}

@test "what cannot be replaced is written through" {
	mkdir d
	echo old >d/f
	chmod 666 d/f
	chmod 555 d
	cd d
	chmod 755 "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/bin"
	as_user sponge f <"$DATA/numbers"
	cmp f "$DATA/numbers"
	echo more | as_user sponge -a f
	[ "$(tail -n 1 f)" = more ]
	# A read-only file stays what it is.
	chmod 444 f
	says 1 "sponge: f: cannot write: Permission denied; nothing was read, the file is unchanged" \
	    as_user sponge f <"$DATA/random"
	[ "$(tail -n 1 f)" = more ]
	only f
}

@test "another's file in a directory of all is written through" {
	needs_to_give_files_away
	mkdir d
	chmod 777 d
	cd d
	echo old >f
	chown 1234:1234 f
	chmod 666 f
	chmod 755 "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/bin"
	as_user sponge f <"$DATA/numbers"
	cmp f "$DATA/numbers"
	[ "$(stat -c '%u %g' f)" = '1234 1234' ]
	only f
}

# sponge makes its new file in $TMPDIR. On the file system of the old one it is renamed; elsewhere, and /proc is always
# elsewhere, the old one is written.

@test "hard links: kept where sponge writes into the file, split where it renames" {
	echo old >f
	ln f g
	echo 1 | TMPDIR=. sponge f
	[ "$(cat f g)" = $'1\nold' ]
	ln -f f g
	echo 2 | TMPDIR=/proc sponge f
	[ "$(cat f g)" = $'2\n2' ]
	echo 3 | TMPDIR=. sponge -a f
	[ "$(cat f g)" = $'2\n3\n2\n3' ]
	# sponge renames nothing to a symbolic link.
	ln -s f link
	echo 4 | TMPDIR=. sponge link
	[ "$(cat f g)" = $'4\n4' ]
	[ -L link ]
	# What fails is undone.
	says 1 "sponge: f: cannot reserve space: File too large; the file is unchanged" \
	    bash -c 'ulimit -f 1000; TMPDIR=/proc sponge f <"$DATA/random"'
	[ "$(cat f g)" = $'4\n4' ]
	only f g link
}

@test "a read-only file: replaced where sponge renames" {
	local mode
	mkdir d
	chmod 777 d
	cd d
	chmod 755 "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/bin"
	for mode in 444 0; do
		as_user sh -c 'echo old >f'
		chmod "$mode" f
		TMPDIR=/proc run as_user sponge f <"$DATA/numbers"
		[ "$status" -eq 1 ]
		[ "$output" = "sponge: f: cannot write: Permission denied; nothing was read, the file is unchanged" ]
		TMPDIR=. as_user sponge f <"$DATA/numbers"
		[ "$(stat -c %a f)" = "$mode" ]
		chmod 644 f
		cmp f "$DATA/numbers"
		# Appending is writing into it.
		chmod 444 f
		TMPDIR=. run as_user sponge -a f <"$DATA/random"
		[ "$status" -eq 1 ]
		cmp f "$DATA/numbers"
		only f
		rm f
	done
}

@test "another's file in a directory of one's own: replaced where sponge renames, unless it can be written" {
	needs setfacl setfattr
	needs_to_give_files_away
	local mode
	mkdir d
	chown 65534 d
	cd d
	chmod 755 "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/bin"
	for mode in 644 600 622 666; do
		rm -f f
		echo old >f
		chmod "$mode" f
		TMPDIR=/proc run as_user sponge f <"$DATA/numbers"
		[ "$status" -eq "$([ "$mode" = 666 ] && echo 0 || echo 1)" ]
		[ "$(stat -c %u f)" = 0 ]
		TMPDIR=. as_user sponge f <"$DATA/numbers"
		cmp f "$DATA/numbers"
		[ "$(stat -c '%u %a' f)" = "$([ "$mode" = 666 ] && echo 0 || echo 65534) $mode" ]
	done
	# The rights of a group are not for another one.
	chown 0:0 f
	chmod 664 f
	TMPDIR=. as_user sponge f <"$DATA/random"
	[ "$(stat -c '%u %g %a' f)" = '65534 65534 644' ]
	# What it has besides is kept, or it is refused.
	chown 1234:65534 f
	chmod 640 f
	setfacl -m u:2345:r f
	TMPDIR=. as_user sponge f <"$DATA/random"
	[ "$(stat -c '%u %g' f)" = '65534 65534' ]
	getfacl -n f | grep -qx user:2345:r--
	chown 0 f
	chmod 600 f
	setfattr -n user.note -v x f
	TMPDIR=. run as_user sponge f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	[ "$output" = "sponge: f: cannot write: Permission denied; nothing was read, the file is unchanged" ]
	cmp f "$DATA/random"
	# Not in a directory where only the owner may rename.
	chown 0 .
	chmod 1777 .
	setfattr -x user.note f
	TMPDIR=. run as_user sponge f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	cmp f "$DATA/random"
	only f
}

@test "a file that may only be written: replaced, or appended to, but not overwritten" {
	local own
	mkdir d
	chmod 777 d
	cd d
	chmod 755 "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/bin"
	as_user sh -c 'echo old >f'
	chmod 200 f
	for own in . /proc; do
		TMPDIR=$own as_user sponge f <"$DATA/numbers"
		[ "$(stat -c %a f)" = 200 ]
	done
	echo more | as_user sponge -a f
	# Its old contents could not be put back.
	chmod 555 .
	run as_user sponge f <"$DATA/random"
	chmod 777 .
	[ "$status" -eq 1 ]
	[ "$output" = "sponge: f: cannot read it to put its old contents aside: Permission denied; nothing was read, the file is unchanged" ]
	chmod 600 f
	[ "$(wc -l <f)" -eq 300001 ]
	[ "$(tail -n 1 f)" = more ]
	only f
}

@test "what is no regular file, or not there" {
	mkdir d
	says 1 "sponge: d: cannot write: Is a directory; nothing was read" sponge d
	says 1 "sponge: no/such: cannot write: No such file or directory; nothing was read" sponge no/such
	ln -s none dangling
	echo new | sponge dangling
	[ "$(cat none)" = new ]
	echo more | sponge -a dangling
	[ "$(cat none)" = $'new\nmore' ]
	ln -s no/such nowhere
	says 1 "sponge: nowhere: cannot write: it is a link into no: No such file or directory; nothing was read" \
	    sponge nowhere </dev/null
	mkfifo fifo
	cat fifo >got &
	echo new | sponge fifo
	wait $!
	[ "$(cat got)" = new ]
	echo new | sponge /dev/null
	[ -c /dev/null ]
	[ "$(echo new | sponge --)" = new ]
	[ "$(echo new | sponge -a)" = new ]
	echo new | sponge -
	[ "$(cat ./-)" = new ]
	{ echo head; echo new | sponge /dev/stdout; } >out
	[ "$(cat out)" = $'head\nnew' ]
	# sponge would empty the file.
	echo old >f
	run -1 bash -c 'sponge f <&-'
	[ "$(cat f)" = old ]
	only - d dangling f fifo got none nowhere out
}

@test "as scripts use it" {
	needs xmllint
	# From crontab(5) users, dotfile managers, JSON and XML tools, and the manual page of sponge itself.
	printf 'b=2\na=1\nb=2\n' >config
	sort -u config | sponge config
	[ "$(cat config)" = $'a=1\nb=2' ]
	sed 's/1/one/' config | grep -v '^#' | sponge config
	[ "$(head -n 1 config)" = a=one ]
	sed '...' config 2>/dev/null | sponge config || true
	echo '{"b": 1, "a": [2]}' >x.json
	/usr/bin/python3 -m json.tool --sort-keys x.json | sponge x.json
	[ "$(/usr/bin/python3 -c 'import json; print(list(json.load(open("x.json"))))')" = "['a', 'b']" ]
	echo '<a><b/></a>' >x.xml
	xmllint --format x.xml | sponge x.xml
	[ "$(wc -l <x.xml)" -eq 4 ]
	for i in 1 2 3; do
		printf 'line\r\n' >"$i.txt"
	done
	find . -name '*.txt' -exec sh -c 'tr -d "\r" <"$1" | sponge "$1"' - {} \;
	[ "$(cat -A 1.txt 3.txt)" = $'line$\nline$' ]
	{ echo header; cat config; } | sponge config
	[ "$(head -n 1 config)" = header ]
	awk 'END { print NR }' config | sponge -a config
	awk '{ print $1 }' config | sponge | head -n 1 | grep -qx header
	iconv -f UTF-8 -t UTF-16 <1.txt | sponge 1.txt
	[ "$(iconv -f UTF-16 -t UTF-8 1.txt)" = line ]
	echo secret | sponge >(cat >through)
	eventually test -s through
}
