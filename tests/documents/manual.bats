#!/usr/bin/env bats
# manual.bats: the manual page of the engine says what spool.h says, and its example works.

load ../helper

top=$BATS_TEST_DIRNAME/../..
header=$top/src/libspool/spool.h

# The page as it is read, but in lines as long as mandoc makes them, so that none is wrapped.
setup() {
	needs mandoc
	cd "$BATS_TEST_TMPDIR" || return 1
	mandoc -T ascii -O width=1000 "$top/man/libspool.3" >formatted || return 1
	col -bx <formatted >page
}

manual() {
	/usr/bin/python3 "$BATS_TEST_DIRNAME/manual.py" "$@"
}

# What the page and the header say about it is the same, and this one is among it.
same() {
	manual "$1" "$header" >expected
	manual "$1" page >got
	diff expected got
	grep -qxF -- "$2" got
}

@test "the page is clean" {
	# Whether other pages are there is the system's business.
	mandoc -T lint -W all "$top/man/libspool.3" 2>&1 | grep -vE 'mandoc.db|referenced manual not found' >lint || true
	cat lint
	[ ! -s lint ]
}

@test "the synopsis has the prototypes of spool.h" {
	needs cc
	grep -qxF '     #include <spool.h>' page
	same prototypes 'ssize_t spool_write(struct spool *spool, const void *buffer, size_t length)'
	# None is missed: the compiler sees the same names.
	cc -E -P "$header" | grep -oE '\<spool_\w+ *\(' | tr -d '( ' | sort >seen
	manual functions "$header" | diff seen -
}

@test "the lists have the members of the structures and of the enumeration" {
	same members 'void (*report)(void *cookie, off_t bytes)'
}

@test "the text names each function and macro, and none that does not exist" {
	same names SPOOL_UNLIMITED
}

@test "each function has the errors that its comment names" {
	same errors 'spool_seek: EINVAL EOVERFLOW ESPIPE'
}

@test "the comparison with Python has all members of its class, and all functions" {
	same functions spool_is_rolled
	manual table page >wrong
	cat wrong
	[ ! -s wrong ]
}

# Compiles the example by the page's own command, with the build's library.
compile() {
	local -a command
	sed -n '/^EXAMPLES/,/^ERRORS/s/^     //p' page >examples
	sed -n '/^#include/,/^}/p' examples >example.c
	mapfile -t command < <(sed -n 's/^ *//; /^cc /,$p' examples | tr -s '\\ \n' '\n')
	[ "${command[0]}" = cc ]
	command=("${command[@]/#build\/default/$TEST_BUILD}")
	command=("${command[@]/#-I/-I$top/}")
	"${command[@]}" -o example -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
}

@test "the example compiles without a warning, and does what the page says" {
	compile
	seq 3 | ./example >got
	printf '3 lines, in memory\n1\n2\n3\n' | diff - got
	./example <"$DATA/numbers" >got
	(echo '300000 lines, rolled over' && cat "$DATA/numbers") | cmp - got
	./example </dev/null >got
	echo '0 lines, in memory' | diff - got
}

@test "the example refuses what it should, and says why" {
	compile
	run -1 --separate-stderr ./example < <(cat "$DATA/numbers" "$DATA/numbers" "$DATA/numbers" "$DATA/numbers" \
	    "$DATA/numbers")
	[ -z "$output" ]
	[ "$stderr" = 'example: standard input is too long' ]
	run -1 --separate-stderr ./example </
	[ -z "$output" ]
	[ "$stderr" = 'example: cannot read standard input: Is a directory' ]
	run -1 --separate-stderr env TMPDIR="$PWD/missing" ./example <"$DATA/numbers"
	[ -z "$output" ]
	[ "$stderr" = "example: cannot keep it in memory or in $PWD/missing: No such file or directory" ]
}
