#!/usr/bin/env bats
# sponge.bats: under the name of sponge, spool does what scripts expect of moreutils' sponge, and loses nothing.

load helper

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
	run bash -c 'echo x | sponge f g'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: 'g': only one file can be written" ]
	[ "${lines[1]}" = "sponge: try 'sponge --help'" ]
	run bash -c 'echo x | sponge -x f'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: unknown option '-x'" ]
	run bash -c 'echo x | sponge f --apend'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: unknown option '--apend'; did you mean '--append'?" ]
	run bash -c 'echo x | sponge f --append=all'
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "sponge: option '--append' takes no argument" ]
	run sponge ''
	[ "$status" -eq 2 ]
	run bash -c 'sponge f <&-'
	[ "$status" -eq 1 ]
	[ "$output" = "sponge: standard input: it is closed; nothing was read" ]
	run sponge -h
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "usage: sponge [-a] [file]" ]
	[ "$(cat f)" = old ]
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
	run as_user sponge f <"$DATA/random"
	[ "$status" -eq 1 ]
	[ "$output" = "sponge: f: cannot write: Permission denied; nothing was read, the file is unchanged" ]
	[ "$(tail -n 1 f)" = more ]
	only f
}

@test "another's file in a directory of all is written through" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to give files away"
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

@test "as scripts use it" {
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
