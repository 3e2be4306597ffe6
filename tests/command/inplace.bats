#!/usr/bin/env bats
# inplace.bats: -a appends and -w overwrites, all or nothing, where the file is.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, ported, narrow, emulated

load ../helper

appends() {
	rm -f f
	cat "$DATA/numbers" | spool -m "$1" -a -o f
	cmp f "$DATA/numbers"
	inode=$(stat -c %i f)
	cat "$DATA/random" | spool -m "$1" -a -o f
	cat "$DATA/numbers" "$DATA/random" | cmp f
	# The file is the input as well.
	spool -m "$1" -a -o f <f
	cat "$DATA/numbers" "$DATA/random" "$DATA/numbers" "$DATA/random" | cmp f
	[ "$(stat -c %i f)" = "$inode" ]
	only f
}
@test "-a: the old contents, then the stream, always" { each_way appends; }

overwrites() {
	rm -f f
	seq 5 | spool -m "$1" -w -o f
	seq 5 | cmp f
	chmod 604 f
	ln -f f link
	inode=$(stat -c %i f)
	cat "$DATA/random" | spool -m "$1" -w -o f
	cmp f "$DATA/random"
	cmp link "$DATA/random"
	cat "$DATA/numbers" | spool -m "$1" -w -o f
	cmp link "$DATA/numbers"
	spool -m "$1" -w -T . --no-sync -o f <"$DATA/random"
	cmp link "$DATA/random"
	: | spool -m "$1" -w -o f
	[ ! -s f ]
	[ "$(stat -c '%i %a' f)" = "$inode 604" ]
	only f link
}
@test "-w: the inode, its links and its mode stay; shorter and longer streams" { each_way overwrites; }

@test "refused before reading: what cannot be opened" {
	echo old >f
	chmod 444 f
	says 1 "spool: f: cannot write: Permission denied; nothing was read, the file is unchanged" \
	    as_user spool -a -o f <"$DATA/numbers"
	run as_user spool -w -o f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	# What cannot be read cannot be put aside.
	chmod 222 f
	says 1 "spool: f: cannot read it to put its old contents aside: Permission denied; nothing was read, the file is unchanged" \
	    as_user spool -w -o f <"$DATA/numbers"
	as_user spool -a -o f <"$DATA/numbers"
	chmod 644 f
	[ "$(wc -l <f)" -eq 300001 ]
}

@test "a program that is running is not overwritten" {
	cp "$(command -v sleep)" program
	./program 10 &
	says 1 "spool: program: cannot overwrite: Text file busy; the file is unchanged" \
	    bash -c 'echo x | spool -w -o program'
	kill $!
	cmp program "$(command -v sleep)"
	only program
}

# What a watcher hears of "f" while a command runs.
heard() {
	# By its text, since not everybody may get to the file.
	$as /usr/bin/python3 -c "$(cat "$BATS_TEST_DIRNAME/watch.py")" f "$@" 2>err
}

@test "a watcher hears of the file when it has its new contents, and not before" {
	cp "$DATA/numbers" f
	local options as=
	for options in '' -w -a '-w -b' '-a -b' '-a -u' '-w -u'; do
		# shellcheck disable=SC2086
		{
			[ "$(heard spool $options -c false -o f <"$DATA/random")" = '' ]
			[ "$(heard spool $options -c 'test -s {} && false' -o f <"$DATA/random")" = '' ]
			[ "$(heard spool $options -l 10 -o f <"$DATA/random")" = '' ]
			[ "$(heard spool $options -n -o f </dev/null)" = '' ]
			[ "$(heard spool $options -o f sh -c 'seq 10; exit 1')" = '' ]
			[ "$(heard spool $options -o f no-such-command)" = '' ]
			[ "$(heard spool $options -T no-such-directory -o f </dev/null)" = '' ]
			[ "$(heard spool $options --stats f -o f </dev/null)" = '' ]
		}
		grep -q 'it is the file of -o' err
	done
	cmp f "$DATA/numbers"
	[ "$(heard spool -u -w -o f <"$DATA/numbers")" = '' ]
	[ "$(heard spool -u -o f <"$DATA/numbers")" = '' ]
	[ "$(heard spool -u -a -o f </dev/null)" = '' ]
	[ "$(heard spool -w -o f <"$DATA/random")" = 'modified, closed' ]
	[ "$(heard spool -m 0 --no-sync -b -u -w -o f <"$DATA/numbers")" = 'modified, closed' ]
	[ "$(heard spool -m 0 -a -o f <"$DATA/random")" = 'modified, closed' ]
	[ "$(heard spool -b -a -o f <"$DATA/random")" = 'modified, closed' ]
	# One that may only be written, and is refused.
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 .
	chmod 200 f
	as=as_user
	[ "$(heard spool -c false -o f <"$DATA/random")" = '' ]
	[ "$(heard spool -c false -a -o f <"$DATA/random")" = '' ]
	grep -q 'exited with status 1; the file is unchanged' err
	[ "$(heard spool -a -o f <"$DATA/random")" = 'modified, closed' ]
}

@test "a check sees the stream, beside the file or not" {
	echo old >x.conf
	chmod 604 x.conf
	echo new | spool -a -c 'echo {}; stat -c %a {}; cat {}; cat' -o x.conf 2>err
	[[ $(sed -n 1p err) =~ ^\./\.x\.conf\.spool-......\.conf$ ]]
	[ "$(sed -n '2,$p' err)" = $'604\nnew\nnew' ]
	[ "$(cat x.conf)" = $'old\nnew' ]
	echo newer | spool -w -c 'cat {}; cat; ls -A' -o x.conf 2>err
	[ "$(sed -n '1,2p' err)" = $'newer\nnewer' ]
	[ "$(cat x.conf)" = newer ]
	run bash -c 'echo newest | spool -w -c "grep -q x {}" -o x.conf'
	[ "$status" -eq 3 ]
	[ "$(cat x.conf)" = newer ]
	only err x.conf
	mkdir d
	echo old >d/f
	chmod 666 d/f
	chmod 555 d
	echo new | (cd d && as_user spool -w -c 'echo {}; cat {}' -o f) 2>err
	[[ $(sed -n 1p err) =~ /spool-....../stream$ ]]
	[ "$(sed -n 2p err)" = new ]
	[ "$(cat d/f)" = new ]
}

@test "a file size limit is met before the first byte changes" {
	cp "$DATA/numbers" f
	touch -d '2001-01-01' f
	local before option
	before=$(stat -c '%i %s %Y %b' f)
	for option in -a -w; do
		says 1 "spool: f: cannot reserve space: File too large; the file is unchanged" \
		    bash -c 'ulimit -f 3000; cat "$DATA/random" | spool "$1" -o f' - "$option"
		cmp f "$DATA/numbers"
		[ "$(stat -c '%i %s %Y %b' f)" = "$before" ]
	done
	only f
}

@test "50 spools appending at once lose no line, as other appenders lose none" {
	local i count=50
	[ "$TEST_VARIANT" != valgrind ] || count=5
	for ((i = 1; i <= count; i++)); do
		yes "$i" | head -n 1000 | spool --no-sync -a -o f 3>&- &
		echo "other $i" >>f
	done
	wait
	[ "$(grep -c other f)" -eq "$count" ]
	[ "$(grep -vc other f)" -eq $((count * 1000)) ]
	for ((i = 1; i <= count; i++)); do
		[ "$(grep -cx "$i" f)" -eq 1000 ]
	done
	only f
}

# The number of the close, among all, that closes the file.
closing() {
	local fd
	fd=$(sed -n 's/^openat(.*, "f", .* = \([0-9]*\)$/\1/p' trace | tail -n 1)
	grep '^close(' trace | grep -n "^close($fd)" | tail -n 1 | cut -d : -f 1
}

@test "closing the file fails: status 1, unless a signal was all there was" {
	needs_strace
	local option when
	for option in -a -w; do
		echo old >f
		seq 9 | strace -qq -o trace -e trace=openat,close spool "$option" -o f
		when=$(closing)
		run bash -c 'seq 9 | strace -qq -o trace -e "inject=close:error=EIO:when=$2" spool "$1" -o f' - "$option" "$when"
		grep -q '^close.*INJECTED' trace
		[ "$status" -eq 1 ]
		[ "$output" = "spool: f: cannot close: Input/output error; it may be incomplete" ]
		run bash -c 'seq 9 | strace -qq -o trace -e "inject=close:error=EINTR:when=$2" spool "$1" -o f' - "$option" "$when"
		grep -q '^close.*INJECTED' trace
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
}

@test "a write that fails is taken back" {
	needs_strace
	[ "$TEST_VARIANT" != valgrind ] || return 0	# what fails would be a call of valgrind's
	local before option expected
	cp "$DATA/numbers" f
	touch -d '2001-01-01' f
	before=$(stat -c '%i %s %Y' f)
	for option in -a -w; do
		run bash -c 'cat "$DATA/random" | strace -qq -o trace -e inject=write:error=EIO:when=2 spool "$1" -o f' - "$option"
		[ "$status" -eq 1 ]
		expected="cannot append: Input/output error; it was cut back to its old length, the file is unchanged"
		[ "$option" = -a ] ||
		    expected="cannot overwrite: Input/output error; its old contents were put back, the file is unchanged"
		[ "$output" = "spool: f: $expected" ]
		cmp f "$DATA/numbers"
		[ "$(stat -c '%i %s %Y' f)" = "$before" ]
	done
	only f trace
}

@test "a file size limit that is large enough" {
	echo old >f
	run bash -c 'ulimit -f 100000; echo new | spool -a -o f'
	[ "$status" -eq 0 ]
	[ "$(cat f)" = $'old\nnew' ]
}
