#!/usr/bin/env bats
# documents.bats: what is written about spool is true, and the man page is clean.

load helper

top=$BATS_TEST_DIRNAME/..

# The long options that spool takes, as its help names them.
options() {
	spool --help | grep -oE -- '--[a-z][a-z-]+' | sort -u
}

@test "the man page and the help name the same options" {
	sed -n 's/^\.It Fl \(.*\)/\1/p' "$top/man/spool.1" | grep -oE -- '-[a-z][a-z-]+' | sed 's/^/-/' | sort -u >in-man
	options | cmp - in-man
}

@test "the man page names the same options in its text" {
	local option
	for option in a b c h l m n o p T u V v w; do
		grep -qE "^\.It Fl $option( |$)" "$top/man/spool.1"
		spool --help | grep -qE -- "(^  |, )-$option,"
	done
}

@test "each option that the help names is known" {
	local option
	for option in $(options); do
		run bash -c 'spool "$1=" </dev/null 2>&1 >/dev/null' - "$option"
		[[ $output != *unknown* ]]
	done
}

@test "the synopsis of the man page and the usage line agree" {
	# What is long there has no short name, and its own line here.
	spool --help | sed -n '/^Read/q; p' | sed 's/^usage: //' | tr -s ' \n' ' ' | sed 's/^ //; s/ $//' >usage
	mandoc -T ascii "$top/man/spool.1" | col -bx | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' |
	    tr -s ' \n' ' ' | sed 's/^ //; s/ $//; s/ \[--ignore-epipe\]//; s/ \[--no-sync\]//; s/ \[--stats file\]//g
	        s/ sponge \[-a\] \[file\]$//' >synopsis
	[ "$(cat usage)" = "$(cat synopsis)" ]
}

@test "the version is that of NEWS" {
	[ "$(spool -V)" = "$(head -n 1 "$top/NEWS" | cut -d ' ' -f 1-2)" ]
}

@test "the man page is clean" {
	# Whether other pages are there is the system's business.
	mandoc -T lint -W all "$top/man/spool.1" 2>&1 | grep -vE 'mandoc.db|referenced manual not found' >lint || true
	cat lint
	[ ! -s lint ]
}

# What README and the man page give as examples, each run where the files that they name are; what they print goes into
# out.1, out.2 and so on.
examples() {
	cp "$DATA/doc.zip" a.zip
	echo 'echo the script ran' >script
	sha256sum <script >sum
	seq 1000 >upload
	printf 'fine\nERROR one\n' >log
	printf 'echo a%d\n' 3 2 1 3 >list
	mkdir src bin
	seq 1000 >src/file
	# A command to stand for any.
	printf '#!/bin/sh\nseq 1000 | tac\n' >bin/cmd
	chmod +x bin/cmd
	PATH=$PWD/bin:$PATH
	local command
	count=0
	while read -r command; do
		count=$((count + 1))
		echo "\$ $command"
		bash -e -o pipefail -c "$command" >"out.$count" || return 1
	done
}

# The commands of a Markdown file: the lines of its blocks of sh.
commands() {
	awk '/^```/ { inside = $0 == "```sh"; next } inside' "$1"
}

@test "each example of the man page runs, and does what it says" {
	sed -n 's/^\.Dl \$ //p' "$top/man/spool.1" >commands
	examples <commands
	[ "$count" -eq 10 ]
	[ "$(gzip -dc src.tar.gz | tar -xO src/file | tail -n 1)" = 1000 ]
	grep -q 'doc.tar$' out.2
	[ "$(head -n 2 out.3 | tr '\n' ' ')" = '9 9 ' ]
	grep -qx 'the script ran.*' out.4
	[ "$(cat out.5 out.6)" = $'3893\nERROR one' ]
	[ "$(cat list)" = $'echo a1\necho a2\necho a3' ]
	cmp list copy
	[ "$(cat script~ script)" = $'echo the script ran\necho a script ran' ]
}

@test "no other line of the man page is a command" {
	sed -n '/^\.Sh DIAGNOSTICS/q; /^\.Dl/p' "$top/man/spool.1" | grep -v '^\.Dl \$ ' >others || true
	[ ! -s others ]
	run grep -nE '^\.(Bd|D1)|^\.Dl spool ' "$top/man/spool.1"
	[ "$status" -eq 1 ]
}

@test "each command of the README runs, and does what it says" {
	# Who runs this has built spool already, by the first command or in another way; the second one is this run, and
	# configure, make and make install are what distcheck does, and what the test of --enable-sponge-link below does.
	printf '%s\n' 'contrib/bootstrap check' ./configure make 'make install' >elsewhere
	mkdir -p contrib build/default
	printf '#!/bin/sh\n' >contrib/bootstrap
	chmod +x contrib/bootstrap
	ln -s "$(command -v spool)" build/default/spool
	commands "$top/README.md" | grep -vxFf elsewhere >commands
	commands "$top/README.md" | grep -xFf elsewhere | cmp - elsewhere
	examples <commands
	[ "$count" -eq 11 ]
	[ "$(cat out.1)" -gt 100000 ]
	[ "$(head -n 2 out.2 | tr '\n' ' ')" = '1 10 ' ]
	grep -q 'doc.tar$' out.3
	[ "$(head -n 2 out.4 | tr '\n' ' ')" = '9 9 ' ]
	[ "$(cat out.5 out.6 out.7)" = $'the script ran\n3893\nERROR one' ]
	[ "$(cat page)" = $'echo a1\necho a2\necho a3' ]
	cmp page list~
	[ "$(cat list)" = $'echo b1\necho b2\necho b3' ]
	tac list | cmp - script
}

@test "nothing else in the README is a command" {
	# Blocks of text, and the list of configure's options.
	awk '/^```/ { inside = !inside; print; next } !inside && /^    /' "$top/README.md" | grep -v '^```' |
	    grep -vE '^ {4}(--| {20})' >others || true
	[ ! -s others ]
	[ "$(grep -c '^```sh$' "$top/README.md")" -eq 4 ]
}

@test "the table in the README is what was measured" {
	sed -n '/^<!-- bench -->/,/^!\[/p' "$top/README.md" | sed '1d;$d' >shown
	sed '/^What was run:/,$d' "$top/contrib/bench/results.md" | cmp - shown
	grep -q '^| 1 GiB, in memory | ' shown
	[ -s "$top/$(sed -n 's/^!\[.*\](\(.*\))$/\1/p' "$top/README.md")" ]
}

@test "the map in main.c names all files, and each file says what it is for" {
	local file
	for file in "$top"/src/*.c "$top"/src/libspool/*.c; do
		grep -q "$(basename "$file")" "$top/src/main.c"
	done
	for file in "$top"/src/*.[ch] "$top"/src/libspool/*.[ch] "$top"/tests/engine/*.[ch] \
	    "$top"/tests/fuzz/*.[ch]; do
		head -n 2 "$file" | grep -q "[/ ]\* $(basename "$file"): "
	done
}

@test "configure --enable-sponge-link: make install makes the link, make uninstall removes it" {
	mkdir build
	(cd build && "$(cd "$top" && pwd)/configure" -q --prefix="$PWD/../to" --enable-sponge-link >/dev/null &&
	    make -s -j2 install >log 2>&1) || { cat build/log; return 1; }
	echo 1 | to/bin/sponge f
	[ "$(cat f)" = 1 ]
	[ "$(readlink to/bin/sponge)" = spool ]
	[ "$(readlink to/share/man/man1/sponge.1)" = spool.1 ]
	make -s -C build uninstall
	[ ! -e to/bin/sponge ]
	[ ! -L to/bin/sponge ]
	[ ! -L to/share/man/man1/sponge.1 ]
}
