#!/usr/bin/env bats
# documents.bats: what is written about spool is true, and the man page is clean.

load ../helper

top=$BATS_TEST_DIRNAME/../..

# The long options that spool takes, as its help names them.
options() {
	spool --help | grep -oE -- '--[a-z][a-z-]+' | sort -u
}

@test "the man page and the help name the same options" {
	sed -n 's/^\.It Fl \(.*\)/\1/p' "$top/man/spool.1" | grep -oE -- '-[a-z][a-z-]+' | sed 's/^/-/' | sort -u >in-man
	options | cmp - in-man
}

@test "the man page names the same options in its text" {
	local option count=0
	for option in $(spool --help | grep -oE -- '^  -[a-zA-Z],|; -[a-zA-Z],' | tr -d ' ;,-'); do
		grep -qE "^\.It Fl $option( |$)" "$top/man/spool.1"
		count=$((count + 1))
	done
	[ "$count" -ge 15 ]
}

@test "each option that the help names is known" {
	local option
	for option in $(options); do
		run bash -c 'spool "$1=" </dev/null 2>&1 >/dev/null' - "$option"
		[[ $output != *unknown* ]]
	done
}

# The options of the table but -o, one a line, "-m size", without those that do not make sense there, such as WITH_FILE.
rows() {
	awk -v output=synopsis -f "$top/contrib/completions/generate.awk" "$top/src/options.def" |
	    grep -vE "^($1) | -o file" | cut -d ' ' -f 2- | LC_ALL=C sort
}

# The same of the synopsis, "[-npv] [-m size] [--stats file]", on standard input.
words() {
	grep -oE -- '\[--?[a-zA-Z-]+( [a-z]+)?\]' | tr -d '[]' | while read -r option argument; do
		if [[ $option != --* && -z $argument ]]; then
			fold -w 1 <<<"${option#-}" | sed 's/^/-/'
		else
			echo "$option${argument:+ $argument}"
		fi
	done | LC_ALL=C sort
}

@test "the synopsis of the man page has the options that the table has" {
	needs mandoc
	mandoc -T ascii -O width=1000 "$top/man/spool.1" | col -bx | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' >synopsis
	[ "$(rows WITH_FILE | wc -l)" -ge 11 ]
	diff <(rows 'WITH_FILE|WITH_STREAM' | grep -vx -- -s) <(grep '^ *spool' synopsis | grep -vE -- '-o file|spool -s' | words)
	diff <(rows 'WITHOUT_FILE|WITH_STDOUT|WITH_STREAM' | grep -vx -- -s) <(grep '^ *spool.*-o file' synopsis | words)
	diff <(rows 'WITH_FILE|WITHOUT_FILE|WHOLE' | grep -vx -- -s) <(grep '^ *spool -s' synopsis | words)
}

@test "the version is that of NEWS" {
	[ "$(spool -V)" = "$(head -n 1 "$top/NEWS" | cut -d ' ' -f 1-2)" ]
}

@test "the man page is clean" {
	needs mandoc
	# Whether other pages are there is the system's business.
	mandoc -T lint -W all "$top/man/spool.1" 2>&1 | grep -vE 'mandoc.db|referenced manual not found' >lint || true
	cat lint
	[ ! -s lint ]
}

# The lines of the man page that are set apart, as a reader should see them.
displayed() {
	sed -n 's/^\.Dl //p' "$top/man/spool.1" |
	    sed "s/\\\\(aq/'/g; s/\\\\(dq/\"/g; s/\\\\(ha/^/g; s/\\\\-/-/g; s/\\\\&//g"
}

man_examples() {
	displayed | sed -n 's/^\$ //p'
}

# A word that is a macro, or a quote that is not escaped, is missing from what is rendered.
@test "the man page shows its examples as they are" {
	local renderer
	needs mandoc
	displayed >displayed
	[ "$(wc -l <displayed)" -ge 13 ]
	for renderer in 'mandoc -T utf8 -O width=200' 'groff -mdoc -T utf8 -rLL=200n'; do
		type -P "${renderer%% *}" >/dev/null || continue
		echo "$renderer"
		$renderer "$top/man/spool.1" | col -bx | sed -n 's/^ \{11\}\([$s]\)/\1/p' | grep -E '^(\$|spool:) ' |
		    diff displayed -
	done
}

@test "the messages that the man page shows are real" {
	local message
	displayed | grep -v '^\$' >messages
	[ "$(wc -l <messages)" -ge 3 ]
	while read -r message; do
		grep -qE "^	(row|also|somewhere) .*\"$message\"" "$BATS_TEST_DIRNAME/messages.bats"
	done <messages
}

# The files that the examples of README and manual name.
example_files() {
	cp "$DATA/doc.zip" a.zip
	echo 'echo the script ran' >script
	cp script install.sh
	hash=$(sha256sum <install.sh | cut -d ' ' -f 1)
	seq 1000 >upload
	printf 'fine\nERROR one\n' >log
	printf 'echo a%d\n' 3 2 1 3 >list
	echo a >notes
	echo a >conf
	echo 1 >n
	echo a >part
	printf 'test:\n\tgrep -q b part\n' >Makefile
	echo 'a report' >upload.bin
	rm -f db.sqlite
	sqlite3 db.sqlite 'create table t (x); insert into t values (1), (2)'
	mkdir -p src bin
	seq 1000 >src/file
	printf '#!/bin/sh\necho "$@"; cat\n' >bin/mail
	# The reader of a docx, and an editor at a terminal.
	printf '#!/bin/sh\n[ "${3##*/}" = report.docx ] && cat "$3"\n' >bin/pandoc
	printf '#!/bin/sh\necho typed >>"$1"\n' >bin/vi
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
}

# Runs the commands of its standard input, one a line; what the Nth prints is in out.N. HASH stands for what the reader
# knows.
examples() {
	local command
	count=0
	while read -r command; do
		count=$((count + 1))
		echo "\$ $command"
		bash -e -o pipefail -c "${command/HASH/$hash}" >"out.$count" || return 1
	done
}

@test "each example of the man page runs, and does what it says" {
	needs unzip zip sqlite3
	man_examples >commands
	example_files
	examples <commands
	[ "$count" -eq 18 ]
	[ "$(cat n part)" = $'2\nb' ]
	cmp log log.copy
	[ "$(gzip -dc src.tar.gz | tar -xO src/file | tail -n 1)" = 1000 ]
	grep -q 'doc.tar$' out.6
	[ "$(cat out.7 out.8)" = $'2\na report' ]
	[ "$(unzip -p src.zip src/file | tail -n 1)" = 1000 ]
	[ "$(cat notes conf)" = $'a\ntyped\nb' ]
	[ "$(head -n 2 out.12 | tr '\n' ' ')" = '9 9 ' ]
	grep -qx 'the script ran' out.5
	[ "$(cat out.13 out.14)" = $'3893\n-s errors root\nERROR one' ]
	[ "$(cat list)" = $'echo a1\necho a2\necho a3' ]
	cmp list copy
	[ "$(cat script~ script)" = $'echo the script ran\necho a script ran' ]
}

# With a stream of the right form that is not the right one, or a command that fails.
@test "each example refuses what is bad" {
	local command bad file checked=0
	needs sqlite3
	example_files
	{ man_examples; blocks README.md | tail -n +6; } |
	    grep "^[^#]*spool.*\(-o\|-c\|-l\|sqlite3\)" >commands
	while read -r command; do
		case $command in
		*HASH*)
			# Not the script that is known, though a file of its name is.
			echo 'echo another script' >bad
			run bash -c "${command/cat install.sh/cat bad}" -
			[ "$status" -eq 3 ]
			[[ $output != *'another script'* ]]
			;;
		*'spool -m 10M -l '*)
			head -c 20M /dev/zero >large
			run bash -o pipefail -c "${command/cat upload/cat large}"
			[ "$status" -eq 3 ]
			;;
		*'echo END'*)
			run bash -o pipefail -c "${command/cat log/false}"
			[ "$status" -eq 3 ]
			run bash -o pipefail -c "${command/cat log/head -c 3 log}"
			[ "$status" -eq 3 ]
			[ ! -e log.copy ]
			;;
		*'| spool -u -o'*)
			# What is said beside it: this form does not see the failure.
			;;
		*sqlite3*)
			# One page of the two. A part of a page would be taken for all of it.
			head -c 4096 db.sqlite >half
			for bad in /dev/null list half; do
				run --separate-stderr bash -o pipefail -c "${command/cat db.sqlite/cat $bad}"
				[ "$status" -ne 0 ]
				[ -z "$output" ]
			done
			;;
		*--try*)
			# The tests do not pass with this.
			run bash -c "${command/a\/b/a\/c}"
			[ "$status" -eq 3 ]
			[ "$(cat part)" = a ]
			;;&
		*' -o '*)
			# The command that makes the contents fails when it has printed a part, or put it into the file.
			printf '#!/bin/sh\necho part\n[ $# -eq 0 ] || echo part >>"$1"\nexit 9\n' >bin/failing
			chmod +x bin/failing
			mkdir -p before
			cp list script notes conf n part before
			run bash -c "$(sed -E 's/ *#.*//; s/(-f|--edit) .*/\1 failing {}/
			    s/(-o [a-z]+) (sort|sed|cat|tac|awk)( .*)?$/\1 failing/' <<<"$command")"
			[ "$status" -eq 9 ]
			for file in list script notes conf n part; do
				cmp "$file" "before/$file"
			done
			[ ! -e copy ]
			[ ! -e src.zip ]
			;;
		*) continue ;;
		esac
		checked=$((checked + 1))
	done <commands
	[ "$checked" -ge 23 ]
}

@test "no other line of the man page is a command" {
	sed -n '/^\.Sh DIAGNOSTICS/q; /^\.Dl/p' "$top/man/spool.1" | grep -v '^\.Dl \$ ' >others || true
	[ ! -s others ]
	run grep -nE '^\.(Bd|D1)|^\.Dl spool ' "$top/man/spool.1"
	[ "$status" -eq 1 ]
}

# The lines of the blocks of sh in a Markdown file.
blocks() {
	awk '/^```/ { inside = $0 == "```sh"; next } inside' "$top/$1"
}

# Splits what comes before the examples: the Nth block of sh is N.sh, and the block of text after it is N.txt.
first_screen() {
	awk '/^Examples$/ { exit }
	    /^```sh$/ { file = ++n ".sh"; printf "" >file; next }
	    /^```text$/ { file = n ".txt"; next }
	    /^```$/ { close(file); file = ""; next }
	    file != "" { print >file }' "$top/README.md"
}

@test "the first commands of the README print what is shown there" {
	mkdir -p contrib build/default
	printf '#!/bin/sh\n[ $# -gt 0 ] || echo built build/default/spool\n' >contrib/bootstrap
	chmod +x contrib/bootstrap
	ln -s "$(command -v spool)" build/default/spool
	first_screen
	[ "$(echo ./*.sh ./*.txt)" = './1.sh ./2.sh ./3.sh ./4.sh ./5.sh ./1.txt ./3.txt ./4.txt ./5.txt' ]
	local block
	for block in 1 2 3 4 5; do
		bash "$block.sh" >printed 2>&1 || true
		[ ! -e "$block.txt" ] || diff "$block.txt" printed
	done
}

@test "each example of the README runs, and does what it says" {
	needs unzip zip sqlite3
	blocks README.md >all
	first_screen
	example_files
	cat ./*.sh | grep -vxFf - all >commands
	# The last ones install.
	diff <(printf '%s\n' contrib/bootstrap 'sudo make -C build/default install') <(tail -n 2 commands)
	examples < <(head -n -2 commands)
	[ "$count" -eq 15 ]
	[ "$(cat n part)" = $'2\nb' ]
	cmp log log.copy
	[ "$(cat list~)" = $'echo a1\necho a2\necho a3' ]
	[ "$(cat list)" = $'echo b1\necho b2\necho b3' ]
	cmp list copy
	tac list | cmp - script
	grep -q 'doc.tar$' out.5
	[ "$(cat out.6)" = 2 ]
	[ "$(unzip -p src.zip src/file | tail -n 1)" = 1000 ]
	[ "$(cat out.9 out.11)" = $'3893\n-s errors root\nERROR one' ]
}

@test "nothing else in the README is a command" {
	# Blocks of text, and the list of configure's options.
	awk '/^```/ { inside = !inside; print; next } !inside && /^    /' "$top/README.md" | grep -v '^```' |
	    grep -vE '^ {4}(--| {20})' >others || true
	[ ! -s others ]
	[ "$(grep -c '^```sh$' "$top/README.md")" -eq 7 ]
}

@test "the table in the README is what was measured" {
	sed -n '/^<!-- bench -->/,/^<!-- end/p' "$top/README.md" >shown
	[ "$(grep -c '^| [0-9a-z]' shown)" -eq 5 ]
	# All but the last columns of a row.
	grep -E '^(\| [0-9a-z]|M)' shown | while IFS= read -r line; do
		grep -qF -e "${line% |}" "$top/contrib/bench/results.md"
	done
}

@test "the benchmark writes five rows into the README, and all into its results" {
	mkdir bench
	cp "$top/contrib/bench/run" bench/run.py
	(cd bench && /usr/bin/python3 - <<'END')
import run

table = [(name, title, 3, {"spool": "spool", "cat": "cat"}, {"spool": 0.5, "cat": 1.25})
         for name, title, _, _ in run.ROWS + [run.WAIT, run.SLOW]]
del table[0][4]["cat"], table[0][3]["cat"]
with open("README", "w") as file:
    file.write("before\n%s\nold\n%s\nafter\n" % run.MARKS)
run.insert("README", run.for_readme(table))
with open("results", "w") as file:
    file.write(run.for_results(table))
END
	[ "$(grep -c '| 0.50 | 1.25 (2.50) |$' bench/README)" -eq 5 ]
	[ "$(grep -c '| 0.50 | 1.25 (2.50) |$' bench/results)" -eq 19 ]
	grep -q '^| 5 bytes, a hundred times | 0.50 | - |$' bench/results
	grep -qE '^ +0.500  spool$' bench/results
	run ! grep -E '^old|  spool$' bench/README
	[ "$(head -n 1 bench/README) $(tail -n 1 bench/README)" = 'before after' ]
}

@test "the pictures in the README are there" {
	local picture
	sed -n 's/^!\[.*\](\(.*\))$/\1/p' "$top/README.md" >pictures
	[ "$(wc -l <pictures)" -eq 2 ]
	while read -r picture; do
		/usr/bin/python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$top/$picture"
	done <pictures
	# That of a terminal is on the first screen, and small.
	head -n 12 "$top/README.md" | grep -qF '(contrib/picture.svg)'
	[ "$(wc -c <"$top/contrib/picture.svg")" -lt 20000 ]
}

# The lines of a picture of a terminal, with the numbers left out.
drawn() {
	/usr/bin/python3 -c '
import re, sys, xml.dom.minidom
for line in xml.dom.minidom.parse(sys.argv[1]).getElementsByTagName("text"):
    print(re.sub(r"[=> ]+]", "=]", re.sub(r"[0-9][0-9.:]*[KMG]?i?B?", "N", line.firstChild.data)))' "$1"
}

# bats test_tags=long
@test "the picture of a terminal is what spool prints there" {
	needs_terminals
	"$top/contrib/picture" >new.svg
	drawn new.svg >new
	cat new
	grep -qE '^soaking N N N/s \((in memory|N in memory, N on disk)\)$' new
	grep -qE '^replaying \[=+\]  N% of N N/s, N left$' new
	grep -qx 'spool: sh: exited with status N; the file is unchanged' new
	# What does not depend on the moment is what is kept.
	diff <(drawn "$top/contrib/picture.svg" | grep -v ing) <(grep -v ing new)
}

@test "nothing has an address that does not exist" {
	run grep -rIl --exclude-dir=.git --exclude-dir=build \
	    'spool[.]example' "$top"
	[ "$status" -eq 1 ]
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

# bats test_tags=long
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
