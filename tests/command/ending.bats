#!/usr/bin/env bats
# ending.bats: -e requires a last line, and takes it off.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, compiled, ported, narrow, emulated

load ../helper

# The stream, with its last line.
ended() {
	cat "$1"
	echo END
}

@test "-e: the last line is taken off, of every stream and for every sink" {
	local memory
	printf 'a\0b\n\0\n' >nul
	printf '\n' >newline
	: >empty
	seq 9 >nine
	cp "$DATA/numbers" numbers
	for file in nul newline empty nine numbers; do
		for memory in 0 3 10K unlimited; do
			ended "$file" | spool -m "$memory" -e END | cmp "$file"
			ended "$file" | spool -m "$memory" -e END cat | cmp "$file"
			ended "$file" | spool -m "$memory" -e END -f cat {} | cmp "$file"
			ended "$file" | spool -m "$memory" -e END -o f
			cmp "$file" f
			ended "$file" | spool -m "$memory" -e END -w -o f
			cmp "$file" f
			ended "$file" | spool -m "$memory" -e END -a -o f
			cat "$file" "$file" | cmp f
			spool -m "$memory" -e END -o f sh -c 'cat "$1"; echo END' sh "$file"
			cmp "$file" f
		done
	done
	run -10 sh -c '{ cat nine; echo END; } | spool -e END -u --unchanged-status 10 -o nine'
	[ "$(ended empty | spool -n -e END echo started)" = "" ]
	[ "$(ended nine | spool -e END sh -c 'echo "$SPOOL_SIZE"')" = 18 ]
	ended nine | spool -e END -c 'cmp nine && test "$SPOOL_SIZE" = 18' | cmp nine
	ended nine | spool -e END -c 'cmp nine {}' -o f
	ended nine | spool -e END -l 18 | cmp nine
}

@test "-e: a stream without that line is refused" {
	local stream memory
	echo old >f
	for stream in '' 'END' 'x' 'x\n' 'xEND\n' 'x\nEND' 'x\nEND\n\n' 'x\nEND\nx\n' 'x\nEND \n' 'x\nend\n' '\0END\n'; do
		for memory in 0 3 unlimited; do
			# shellcheck disable=SC2059 # a format
			printf "$stream" >in
			says 3 "spool: standard input: its last line is not 'END' (-e); the file is unchanged" \
			    sh -c 'spool -m "$0" -e END -o f <in' "$memory"
			says 3 "spool: standard input: its last line is not 'END' (-e); nothing was released" \
			    sh -c 'spool -m "$0" -e END <in' "$memory"
		done
	done
	[ "$(cat f)" = old ]
	rm in
	only f
}

@test "-e: that COMMAND has failed is said, and not that its last line is missing" {
	echo old >f
	says 5 "spool: sh: exited with status 5; the file is unchanged" spool -e END -o f sh -c 'echo part; exit 5'
	says 5 "spool: sh: exited with status 5; the file is unchanged" spool -e END -o f sh -c 'echo END; exit 5'
	says 3 "spool: sh: its last line is not 'END' (-e); the file is unchanged" spool -e END -o f sh -c 'echo part'
	[ "$(cat f)" = old ]
}

@test "-e: the writer fails at the other end of a pipe" {
	echo old >f
	run sh -c '{ seq 9; false && echo END; } | spool -e END -o f'
	[ "$status" -eq 3 ]
	[ "$(cat f)" = old ]
	run sh -c '{ seq 9 && echo END; } | spool -e END -l 17 -o f'
	[ "$status" -eq 3 ]
	[ "$(cat f)" = old ]
	{ printf 'no newline'; printf '\nEND\n'; } | spool -e END -o f
	[ "$(od -c f | head -n 1)" = "$(printf 'no newline\n' | od -c | head -n 1)" ]
	says 2 "spool: -e '': it is empty" spool -e '' -o f
	says 2 "spool: -e 'a\\nb': it is more than one line" spool -e $'a\nb' -o f
	says 2 "spool: -e 'y': given twice; a stream has only one end" spool -e x -e y
	says 2 "spool: -s sends the stream on before its end is known; -e needs the whole stream" spool -s -e x
	says 2 "spool: -f and -e cannot be used together with -o" spool -e x -o f -f cp f {}
	says 2 "spool: --edit and -e cannot be used together with -o" spool -e x -o f --edit true {}
}
