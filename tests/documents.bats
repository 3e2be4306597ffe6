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

# What README and the man page give as examples, each run where the files that they name are.
examples() {
	cp "$DATA/doc.zip" a.zip
	echo 'echo the script ran' >script
	sha256sum <script >sum
	seq 1000 >upload
	printf 'fine\nERROR one\n' >log
	seq 9 >list
	mkdir src
	seq 1000 >src/file
	# A command to stand for any.
	mkdir bin
	printf '#!/bin/sh\nseq 1000 | tac\n' >bin/cmd
	chmod +x bin/cmd
	PATH=$PWD/bin:$PATH
	local command count=0
	while read -r command; do
		echo "\$ $command"
		bash -e -o pipefail -c "$command" || return 1
		count=$((count + 1))
	done
	[ "$count" -ge 6 ]
}

@test "each example of the man page runs" {
	sed -n 's/^\.Dl \$ //p' "$top/man/spool.1" >commands
	examples <commands
}

@test "each example of the README runs" {
	sed -n '/^What it does/,/^Exit status/s/^    \(.*[^ ]\)   *[a-z].*/\1/p' "$top/README.md" >commands
	examples <commands
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
