#!/usr/bin/env bats
# files.bats: -f, --name and --edit: COMMAND gets the path of a file that has the stream, or that becomes the stream.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, ported, narrow, emulated

load ../helper


#
# COMMAND reads
#

@test "-f: {} is the path of a real file with the stream, and standard input is that file" {
	local memory
	mkdir tmp
	umask 022
	for memory in 64M 1000 0; do
		spool -T tmp -m "$memory" -f sh -c 'test -f "$1" && test ! -L "$1" && test "$(realpath "$1")" -ef "$1" &&
		    cmp "$1" "$DATA/numbers" && cmp - "$DATA/numbers" && stat -c "%n %a" "$1" "${1%/*}" && ls "${1%/*}"' \
		    sh {} <"$DATA/numbers" >out
		sed -i 's/spool-....../spool-X/' out
		printf 'tmp/spool-X/stream 644\ntmp/spool-X 700\nstream\n' | diff out -
		[ -z "$(ls tmp)" ]
	done
}

@test "-f: a umask that denies the owner what COMMAND needs" {
	umask 377
	[ "$(seq 3 | spool -f sh -c 'echo 4 >>"$1"; tail -n 1 "$1"; stat -c %a "$1"' sh {})" = $'4\n600' ]
	spool -o f -f sh -c 'seq 3 >"$1"; chmod 600 "$1"' sh {}
	[ "$(stat -c %a f)" = 600 ]
}

@test "-f: every {} of every argument is the path, and \\{} is a {}" {
	# shellcheck disable=SC1003 # a backslash
	echo x | spool -T . -f printf '%s\n' {} 'a{}b{}' '\{}' '\{}{}' '{' '{ }' '\' -- >out
	sed -i 's/spool-....../X/g' out
	# shellcheck disable=SC1003 # as above
	printf '%s\n' ./X/stream a./X/streamb./X/stream '{}' '{}./X/stream' '{' '{ }' '\' -- | diff - out
	# The name of the program is not an argument.
	printf '#!/bin/sh\necho "$1" "$(cat "$2")"\n' >'{}'
	chmod +x '{}'
	[ "$(echo x | spool -f './{}' -f {})" = "-f x" ]
}

@test "--name: the file is called so" {
	local name
	for name in report.docx 'a  b' "it's" '-n' '{}' $'a\nb' ' ' "$(printf 'x%.0s' $(seq 255))"; do
		[ "$(seq 3 | spool --name "$name" sh -c 'basename "$1"; cat "$1"' sh {})" = "$name"$'\n'"$(seq 3)" ]
	done
	[ "$(seq 3 | spool -f --name x -T . wc -c {} | sed 's/spool-....../X/')" = "6 ./X/x" ]
}

@test "-f: a directory that begins with a dash does not look like an option" {
	mkdir ./-d
	[ "$(seq 3 | spool -T -d -f head -n 1 {})" = 1 ]
	only -d
}

@test "-f: the file is COMMAND's to change, and so is the directory; nothing comes back, nothing stays" {
	mkdir tmp
	seq 9 | spool -T tmp -f sh -c 'echo 10 >>"$1"; tail -n 1 "$1"; mkdir -p "$1-journal/a/b"; : >"$1-journal/a/b/c"' sh {} >out
	[ "$(cat out)" = 10 ]
	seq 9 | spool -T tmp -f sh -c 'mv "$1" "$1~"; echo new >"$1"' sh {}
	seq 9 | spool -T tmp -f sh -c 'rm -r "${1%/*}"' sh {}
	seq 9 | spool -T tmp -f sh -c 'rm "$1"; ln -s /etc/passwd "$1"; mkfifo "$1.fifo"' sh {}
	[ -z "$(ls tmp)" ]
	[ -s /etc/passwd ]
}

@test "-f: spool exits with COMMAND's status, and removes the file however COMMAND ends" {
	mkdir tmp
	seq 9 >numbers
	run -7 spool -T tmp -f sh -c 'exit 7' {} <numbers
	[ -z "$output" ]
	says 137 "spool: sh: was ended by signal 9 (Killed)" bash -c "spool -T tmp -f sh -c 'kill -KILL \$\$' {} <numbers"
	says 127 "spool: no-such-command: command not found; nothing was read" spool -T tmp -f no-such-command {}
	touch script
	says 126 "spool: ./script: cannot be run: Permission denied; to write to the file of that name, use -o; nothing was read" \
	    spool -T tmp -f ./script {}
	says 3 "spool: standard input: longer than 3 (-l); nothing was released" \
	    bash -c 'spool -T tmp -l 3 -f touch ran {} <numbers'
	[ ! -e ran ]
	[ -z "$(ls tmp)" ]
}

@test "-f: a broken pipe ends COMMAND silently" {
	run bash -c 'seq 100000 | spool -f cat {} | head -n 1; echo "${PIPESTATUS[1]}"'
	[ "$output" = $'1\n141' ]
}

@test "-f, -o -f: a signal ends COMMAND and spool, FILE is unchanged, and nothing stays" {
	local signal status
	mkdir tmp
	echo old >tmp/f
	for signal in TERM INT HUP QUIT; do
		for output in '' '-o tmp/f'; do
			# shellcheck disable=SC2086 # two words, or none
			env --default-signal="$signal" TMPDIR=tmp spool $output -f sh -c 'echo half >"$1"
			    trap "touch told; exit" '"$signal"'; touch ready; while :; do sleep 0.05; done' sh {} <"$DATA/numbers" &
			eventually test -e ready
			kill "-$signal" $!
			status=0
			wait $! || status=$?
			[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
			[ -e told ]
			[ "$(ls -A tmp)" = f ]
			[ "$(cat tmp/f)" = old ]
			rm ready told
		done
	done
}

@test "-f: a check sees the same file first; -n and --stats do as ever" {
	seq 9 >numbers
	spool -m 0 --name n.txt -c 'case {} in */n.txt) grep -q 9 {};; *) false;; esac && ! (: >>{}) 2>/dev/null || test "$(id -u)" = 0' \
	    -f sh -c 'echo 10 >>"$1"; wc -l <"$1"' sh {} <numbers >out
	[ "$(cat out)" -eq 10 ]
	run -3 spool -c 'grep -q hello {}' -f touch ran {} <numbers
	spool -n -f touch ran {} </dev/null
	[ ! -e ran ]
	run -5 spool --stats figures -f sh -c 'exit 5' {} <numbers
	[[ $(cat figures) == *'"bytes": 18, "memory_bytes": 0, "spilled_bytes": 18, '*'"status": 5}' ]]
	[ "$(spool -f printenv SPOOL_SIZE <numbers {} || true)" = 18 ]
}

@test "-f: two passes, seeking, mapping" {
	seq 5 | spool -f awk 'NR == FNR { sum += $1; next } { print $1 / sum }' {} {} >out
	seq 5 | awk '{ print $1 / 15 }' | diff - out
	[ "$(seq 5 | spool -f tail -c 2 {})" = 5 ]
	[ "$(seq 5 | spool -f /usr/bin/python3 -c 'import mmap, sys
with open(sys.argv[1], "r+b") as f: print(mmap.mmap(f.fileno(), 0)[8:9].decode())' {})" = 5 ]
}

@test "-f: wrong command lines" {
	says 2 "spool: -f requires COMMAND" spool -f
	says 2 "spool: --name requires COMMAND" spool --name x
	says 2 "spool: -f requires {} in an argument of COMMAND, for the path of the file" spool -f cat
	says 2 "spool: -f requires {} in an argument of COMMAND, for the path of the file" spool -f {} '\{}'
	says 2 "spool: --name 'a/b': a name has no slash" spool --name a/b cat {}
	says 2 "spool: --name '': it is empty" spool --name '' cat {}
	says 2 "spool: --name '.': it is a directory" spool --name . cat {}
	says 2 "spool: --name '..': it is a directory" spool --name .. cat {}
	local long
	long=$(printf 'x%.0s' $(seq 256))
	says 2 "spool: --name '$long': it is too long" spool --name "$long" cat {}
	says 2 "spool: --name and -o cannot be used together" spool --name x -o f cat {}
	says 2 "spool: --name 'b': given twice; a file has only one name" spool --name a --name b cat {}
	says 2 "spool: --edit requires -o FILE" spool --edit vi {}
	says 2 "spool: --edit and -a cannot be used together" spool --edit -a -o f vi {}
	says 2 "spool: --edit requires COMMAND" spool --edit -o f
	only
}

@test "-f: a directory where other users can rename files is refused, before anything is read" {
	mkdir tmp
	chmod 777 tmp
	says 1 "spool: tmp: any user can rename files there, so {} would not be safe; use -T to choose another directory; nothing was read" \
	    spool -T tmp -f touch ran {}
	says 1 "spool: tmp: any user can rename files there, so {} would not be safe; use -T to choose another directory; nothing was read" \
	    spool -o tmp/f -f cp "$DATA/numbers" {}
	spool -T . -o tmp/f -f cp "$DATA/numbers" {}
	cmp tmp/f "$DATA/numbers"
	chmod 1777 tmp
	spool -o tmp/g -f cp "$DATA/numbers" {}
	[ "$(ls -A tmp)" = $'f\ng' ]
}

#
# COMMAND writes
#

@test "-o -f: the file that COMMAND makes becomes FILE, which keeps its owner and mode" {
	echo old >f
	chmod 640 f
	spool -o f -f sh -c 'test ! -e "$1" && test "${1##*/}" = f && stat -c "%a" "${1%/*}" >mode && seq 9 >"$1" && echo said' sh {} >out
	seq 9 | diff - f
	[ "$(stat -c %a f)" = 640 ]
	[ "$(cat mode out)" = $'700\nsaid' ]
	only f mode out
}

@test "-o -f: no byte is copied: FILE is the file that COMMAND has made" {
	spool -o f -f sh -c 'seq 9 >"$1"; stat -c %i "$1" >inode' sh {}
	[ "$(stat -c %i f)" = "$(cat inode)" ]
	spool -c 'test -s {}' -b -o f -f sh -c 'seq 8 >"$1.new"; mv "$1.new" "$1"; stat -c %i "$1" >inode' sh {}
	[ "$(stat -c %i f)" = "$(cat inode)" ]
	seq 8 | diff - f
	seq 9 | diff - f~
}

@test "-o -f: a new FILE has the mode that COMMAND gave it" {
	umask 022
	spool -o f -f sh -c 'echo echo it runs >"$1"; chmod 755 "$1"' sh {}
	[ "$(./f)" = "it runs" ]
	spool -o g -f sh -c 'echo x >"$1"; chmod 4400 "$1"' sh {}
	[ "$(stat -c '%a' f g)" = $'755\n400' ]
	spool -o h -f cp "$DATA/numbers" {}
	[ "$(stat -c '%a' h)" = "$(touch other && stat -c %a other)" ]
}

@test "-o -f: seeking, mapping and holes" {
	spool -o f -f /usr/bin/python3 -c 'import mmap, sys
with open(sys.argv[1], "w+b") as f:
    f.truncate(3000000)
    m = mmap.mmap(f.fileno(), 0)
    m[2999999:] = b"x"
    f.seek(5)
    f.write(b"five")' {}
	[ "$(stat -c %s f)" -eq 3000000 ]
	[ "$(tail -c 1 f)" = x ]
	[ "$(head -c 9 f | tail -c 4)" = five ]
}

@test "-o -f: COMMAND fails, or leaves no file: FILE is unchanged, and nothing stays" {
	echo old >f
	says 42 "spool: sh: exited with status 42; the file is unchanged" spool -o f -f sh -c 'echo half >"$1"; exit 42' sh {}
	says 137 "spool: sh: was ended by signal 9 (Killed); the file is unchanged" \
	    spool -o f -f sh -c 'echo half >"$1"; kill -KILL $$' sh {}
	says 127 "spool: no-such-command: command not found; nothing was read" spool -o f -f no-such-command {}
	run --separate-stderr spool -o f -f true {}
	[ "$status" -eq 1 ]
	[[ $stderr == "spool: true: left no file at ./.f.spool-"??????"/f; the file is unchanged" ]]
	run --separate-stderr spool -o new -f true {}
	[[ $stderr == "spool: true: left no file at ./.new.spool-"??????"/new; no file was made" ]]
	local make
	for make in 'mkdir "$1"' 'mkdir "$1"; touch "$1/x"' 'mkfifo "$1"; sleep 0.3' \
	    '/usr/bin/python3 -c "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$1"' 'ln -s /etc/passwd "$1"' 'ln -s nowhere "$1"'; do
		run --separate-stderr spool -o f -f sh -c "$make" sh {}
		[ "$status" -eq 1 ]
		[[ $stderr == "spool: sh: what it left at ./.f.spool-"??????"/f is not a regular file; the file is unchanged" ]]
	done
	[ "$(cat f)" = old ]
	only f
}

@test "-o -f: the gates look at the file" {
	echo old >f
	says 3 "spool: the check 'grep -q hello {}' exited with status 1; the file is unchanged" \
	    spool -c 'grep -q hello {}' -o f -f cp "$DATA/numbers" {}
	says 3 "spool: the check 'grep -q hello' exited with status 1; the file is unchanged" \
	    spool -c 'grep -q hello' -o f -f cp "$DATA/numbers" {}
	says 3 "spool: cp: longer than 9 (-l); the file is unchanged" spool -l 9 -o f -f cp "$DATA/numbers" {}
	spool -n -o f -f cp /dev/null {}
	[ "$(cat f)" = old ]
	touch -d 2001-01-01 f
	spool -u -o f -f sh -c 'echo old >"$1"' sh {}
	[ "$(stat -c %Y f)" -eq "$(date -d 2001-01-01 +%s)" ]
	spool -u -b -c 'cmp - "$DATA/numbers"' -l 100M -o f -f cp "$DATA/numbers" {}
	cmp f "$DATA/numbers"
	[ "$(cat f~)" = old ]
	only f f~
}

@test "-o -f: -l ends a COMMAND that would go on" {
	says 3 "spool: sh: longer than 10K (-l); no file was made" \
	    timeout 60 spool -l 10K -o f -f sh -c 'head -c 11K /dev/zero >"$1"; exec sleep 100' sh {}
	# One that does not end by itself is waited for.
	says 3 "spool: sh: longer than 10K (-l); no file was made" \
	    timeout 60 spool -l 10K -o f -f sh -c 'trap "" TERM; head -c 11K /dev/zero >"$1"; sleep 0.5; touch waited' sh {}
	only waited
}

@test "-o -f: where the file cannot become FILE itself, it is copied" {
	mkdir tmp
	cp "$DATA/numbers" other
	# Another name leads to it.
	spool -o f -f ln other {}
	cmp f other
	[ "$(stat -c %h f other)" = $'1\n1' ]
	[ "$(stat -c %a other)" = "$(stat -c %a "$DATA/numbers")" ] || [ -w other ]
	# FILE itself is written.
	ln f link
	spool -w -b -o f -f sh -c 'seq 3 >"$1"' sh {}
	seq 3 | diff - link
	cmp f~ other
	spool -a -o f -f sh -c 'seq 4 5 >"$1"' sh {}
	seq 5 | diff - link
	# The private directory is elsewhere.
	spool -T tmp -o f -f sh -c 'echo "$1" >path; seq 6 >"$1"' sh {}
	seq 6 | diff - f
	[[ $(cat path) == tmp/spool-*/f ]]
	[ "$(spool -o /dev/stdout -f sh -c 'seq 3 >"$1"' sh {})" = "$(seq 3)" ]
	[ -z "$(ls tmp)" ]
	only f f~ link other path tmp
}

@test "-o -f: a file of another user is copied, and FILE belongs to the user" {
	needs_to_give_files_away
	spool -o f -f sh -c 'seq 3 >"$1"; chown 1:1 "$1"' sh {}
	seq 3 | diff - f
	[ "$(stat -c %u:%g f)" = 0:0 ]
}

@test "-o -f: FILE is named through a symbolic link, and by names that want care" {
	local name
	mkdir d
	ln -s d/real.txt link.md
	spool -o link.md -f sh -c 'echo "${1##*/}" >"$1"' sh {}
	[ "$(cat d/real.txt)" = link.md ]
	[ "$(ls -A d)" = real.txt ]
	for name in 'a  b' "it's" -n '{}' $'a\nb' "$(printf 'x%.0s' $(seq 255))"; do
		spool -o "$name" -f sh -c 'printf %s "${1##*/}" >"$1"' sh {}
		[ "$(cat <"$name")" = "$name" ]
	done
}

@test "-f, -o -f: directories that COMMAND has made read-only are removed" {
	mkdir open
	[ "$(id -u)" -ne 0 ] || chown 65534 open
	seq 3 | TMPDIR=open as_user spool -f sh -c 'd=${1%/*}; mkdir -p "$d/a/b"; touch "$d/a/b/c"; chmod 500 "$d/a/b" "$d/a" "$d"' sh {}
	[ -z "$(ls -A open)" ]
	as_user spool -o open/f -f sh -c 'seq 3 >"$1"; d=${1%/*}; mkdir -p "$d/a"; touch "$d/a/b"; chmod 500 "$d/a"' sh {}
	[ "$(ls -A open)" = f ]
}

@test "-o -f: what COMMAND leaves beside the file is removed" {
	spool -o f -f sh -c 'seq 3 >"$1"; mkdir -p "$1-journal/a"; touch "$1-journal/a/b" "${1%/*}/.hidden"' sh {}
	seq 3 | diff - f
	only f
}

@test "-o -f: standard input is spool's own, and the figures are those of the file" {
	[ "$(seq 3 | spool -o f -f sh -c 'tee "$1"' sh {})" = "$(seq 3)" ]
	seq 3 | diff - f
	run spool -v -o f -f cp "$DATA/numbers" {}
	[[ $output == *" bytes ("*"): 0B in memory, "*" in .; soaked in "* ]]
	spool --stats figures -o f -f sh -c 'seq 3 >"$1"' sh {}
	[[ $(cat figures) == *'"bytes": 6, "memory_bytes": 0, "spilled_bytes": 6, "spill_directory": ".", '* ]]
}

#
# COMMAND edits
#

@test "--edit: COMMAND changes a copy of FILE, which then becomes FILE" {
	seq 3 >f
	chmod 604 f
	spool -o f --edit sed -i s/2/two/ {}
	[ "$(cat f)" = $'1\ntwo\n3' ]
	[ "$(stat -c %a f)" = 604 ]
	spool --edit -o f sh -c 'echo 4 >>"$1"' sh {}
	[ "$(tail -n 1 f)" = 4 ]
	run -9 spool -o f --edit sh -c 'echo 5 >>"$1"; exit 9' sh {}
	run -3 spool -c 'sh -n {}' -o f --edit sh -c 'echo "if" >"$1"' sh {}
	run -1 spool -o f --edit rm {}
	[ "$(cat f)" = $'1\ntwo\n3\n4' ]
	only f
}

@test "--edit: the copy has FILE's times, and -u leaves alone what was not changed" {
	seq 3 >f
	touch -d 2001-01-01 f
	spool -u -o f --edit sh -c 'stat -c %Y "$1" >time' sh {}
	[ "$(cat time)" = "$(stat -c %Y f)" ]
	[ "$(stat -c %Y f)" -eq "$(date -d 2001-01-01 +%s)" ]
	spool -w -o f --edit sh -c 'echo 4 >>"$1"' sh {}
	seq 4 | diff - f
}

@test "--edit: where there is no FILE, there is no copy" {
	spool -o f --edit sh -c 'test ! -e "$1" && seq 3 >"$1"' sh {}
	seq 3 | diff - f
	says 1 "spool: /dev/null: cannot edit: it is not a regular file; nothing was read" spool -o /dev/null --edit true {}
}

@test "--edit: a FILE that cannot be read is refused before COMMAND is run" {
	mkdir open
	echo old >open/f
	[ "$(id -u)" -ne 0 ] || chown -R 65534 open
	chmod 200 open/f
	says 1 "spool: open/f: cannot read it to edit: Permission denied; nothing was read, the file is unchanged" \
	    as_user spool -o open/f --edit touch open/ran {}
	[ "$(ls -A open)" = f ]
}

@test "--edit: a large FILE, and one with a hole" {
	truncate -s 5M f
	cat "$DATA/random" >>f
	cp f want
	spool -o f --edit sh -c 'cmp "$1" want && echo end >>"$1"' sh {}
	echo end >>want
	cmp f want
}
