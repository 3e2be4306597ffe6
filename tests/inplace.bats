#!/usr/bin/env bats
# inplace.bats: -a appends and -w overwrites, all or nothing, where the file is.

load helper

each_way() {
	local memory
	for memory in 64M 1000 0; do
		"$@" "$memory"
	done
}

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
	run as_user spool -a -o f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot write: Permission denied; nothing was read, the file is unchanged" ]
	run as_user spool -w -o f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	# What cannot be read cannot be put aside.
	chmod 222 f
	run as_user spool -w -o f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot open to overwrite it: Permission denied; nothing was read, the file is unchanged" ]
	as_user spool -a -o f <"$DATA/numbers"
	[ "$(wc -l <f)" -eq 300001 ]
	cp "$(command -v sleep)" program
	./program 10 &
	run bash -c 'echo x | spool -w -o program'
	[ "$status" -eq 1 ]
	[ "$output" = "spool: program: cannot open to overwrite it: Text file busy; nothing was read, the file is unchanged" ]
	kill $!
	cmp program "$(command -v sleep)"
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
	[ "$(cat err)" = $'/dev/stdin\nnew' ]
	[ "$(cat d/f)" = new ]
}

@test "a file size limit is met before the first byte changes" {
	cp "$DATA/numbers" f
	touch -d '2001-01-01' f
	local before option
	before=$(stat -c '%i %s %Y %b' f)
	for option in -a -w; do
		run bash -c 'ulimit -f 3000; cat "$DATA/random" | spool "$1" -o f' - "$option"
		[ "$status" -eq 1 ]
		[ "$output" = "spool: f: cannot reserve space: File too large; the file is unchanged" ]
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

@test "a file size limit that is large enough" {
	echo old >f
	run bash -c 'ulimit -f 100000; echo new | spool -a -o f'
	[ "$status" -eq 0 ]
	[ "$(cat f)" = $'old\nnew' ]
}
