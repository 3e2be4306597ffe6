#!/usr/bin/env bats
# check.bats: the gates: -c and -l.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, ported, narrow, emulated

load ../helper

@test "-c: what passes is released" {
	local memory
	for memory in 64M 100 0; do
		seq 1000 | spool -m "$memory" -c 'test $(wc -l) = 1000' | cmp <(seq 1000)
		seq 1000 | spool -m "$memory" -c 'grep -qx 1000' tail -n 1 >out
		[ "$(cat out)" = 1000 ]
	done
}

@test "-c: what does not pass is not, status 3" {
	seq 9 >numbers
	says 3 "spool: the check 'grep -q hello' exited with status 1; nothing was released" \
	    bash -c 'spool -c "grep -q hello" <numbers'
	run bash -c 'spool --check false touch ran <numbers'
	[ "$status" -eq 3 ]
	[ ! -e ran ]
	says 3 "spool: the check 'kill -KILL \$\$' was ended by signal 9 (Killed); nothing was released" \
	    bash -c "spool -c 'kill -KILL \$\$' <numbers"
	run bash -c 'spool -c no-such-command <numbers'
	[ "$status" -eq 3 ]
	[ "${lines[1]}" = "spool: the check 'no-such-command' exited with status 127; nothing was released" ]
}

@test "-c: a message that nobody reads does not end spool by SIGPIPE" {
	mkfifo pipe
	# A pipe without a reader.
	exec 6<>pipe 5>pipe 6<&-
	run -3 bash -c 'echo 1 | spool -c false 2>&5; exit "${PIPESTATUS[1]}"'
	exec 5>&-
	[ -z "$output" ]
}

@test "-c: curl ... | spool -c 'sha256sum -c sum' sh" {
	echo 'echo it ran' >script
	sha256sum <script >sum
	[ "$(spool -c 'sha256sum -c sum' sh <script 2>/dev/null)" = "it ran" ]
	echo 'echo something else' >script
	run bash -c "spool -c 'sha256sum -c sum' sh <script"
	[ "$status" -eq 3 ]
	[[ $output != *"something else"$'\n'* ]]
}

@test "-c: the check's output goes to standard error" {
	seq 3 | spool -c 'echo from the check' >out 2>err
	seq 3 | cmp out
	[ "$(cat err)" = "from the check" ]
}

@test "-c: {} is a path of the stream, as often as it stands there" {
	seq 3 | spool -c 'cat {} {} >copy; wc -l <{} >count' >out
	{ seq 3; seq 3; } | cmp copy
	[ "$(cat count)" = 3 ]
	seq 3 | cmp out
}

# It has a path of its own, which leads to it and which programs find when they follow the links (realpath).
@test "-c: {} is a real file with a name, whatever reads the stream, and nothing of it stays" {
	local memory check='test -f {} && test ! -L {} && test "$(realpath {})" -ef {} && test "$(readlink -f {})" = "$(realpath -s {})" &&
	    test "$(stat -c %s {})" = "$SPOOL_SIZE" && cmp {} - && printf "%s\n" {} >>paths'
	mkdir tmp
	echo old >f
	for memory in 64M 1000 0; do
		TMPDIR=$PWD/tmp spool -m "$memory" -c "$check" <"$DATA/numbers" | cmp "$DATA/numbers"
		spool -m "$memory" -T tmp -c "$check" cat <"$DATA/numbers" | cmp "$DATA/numbers"
		spool -m "$memory" -c "$check" -o /dev/stdout <"$DATA/numbers" | cmp "$DATA/numbers"
		spool -m "$memory" -T tmp -c "$check" -w -o f <"$DATA/numbers"
		cmp f "$DATA/numbers"
		spool -m "$memory" -T tmp -c "$check" -o new <"$DATA/numbers"
		cmp new "$DATA/numbers"
		rm new
	done
	[ "$(wc -l <paths)" = 15 ]
	grep -q "^$PWD/tmp/spool-....../stream\$" paths
	[ -z "$(ls -A tmp)" ]
	rm -r tmp paths
	only f
}

@test "-c: a private file is nobody else's, and may have neighbours" {
	mkdir tmp
	spool -T tmp -c 'stat -c %a {} "$(dirname {})"; cd "$(dirname {})"; touch stream-journal; mkdir -p a/b; touch a/b/c' \
	    <"$DATA/numbers" 2>modes | cmp "$DATA/numbers"
	[ "$(cat modes)" = $'400\n700' ]
	# A check that says no, one that dies, and a stream that is refused.
	run -3 spool -T tmp -c 'touch {}-journal; false' <"$DATA/numbers"
	run -3 spool -T tmp -c 'cat {} >/dev/null; kill -9 $$' <"$DATA/numbers"
	run -3 spool -T tmp -l 3 -c 'cat {}' <"$DATA/numbers"
	[ -z "$(ls -A tmp)" ]
}

@test "-c: a private file is not made where others can rename it" {
	mkdir -m 777 tmp
	says 1 "spool: tmp: any user can rename files there, so {} would not be safe; use -T to choose another directory; nothing was read" \
	    spool -T tmp -c 'cat {}' <"$DATA/numbers"
	chmod +t tmp
	spool -T tmp -c 'test -s {}' <"$DATA/numbers" | cmp "$DATA/numbers"
	[ "$TEST_VARIANT" != valgrind ] || return 0	# it needs TMPDIR itself
	says 1 "spool: nowhere: cannot make a spill file there (it is \$TMPDIR): No such file or directory; nothing was read" \
	    env TMPDIR=nowhere spool -c 'cat {}' <"$DATA/numbers"
}

@test "-c: a check that puts another file in its place refuses the stream" {
	local memory
	for memory in 64M 0; do
		run -3 --separate-stderr spool -m "$memory" -c 'cp {} {}.new && mv -f {}.new {}' <"$DATA/numbers"
		[ -z "$output" ]
		[[ $stderr == *" has changed the stream; nothing was released" ]]
		run -3 --separate-stderr spool -m "$memory" -c 'mv -f {} {}.new' <"$DATA/numbers"
		[[ $stderr == *" has changed the stream; nothing was released" ]]
	done
}

@test "-c: a database of garbage is no database" {
	local memory
	cat >is-sound <<-'END'
	import sqlite3, sys
	sys.exit(sqlite3.connect(sys.argv[1]).execute("pragma integrity_check").fetchone()[0] != "ok")
	END
	/usr/bin/python3 -c 'import sqlite3; db = sqlite3.connect("db"); db.execute("create table t (a)"); db.commit()'
	for memory in 64M 1000 0; do
		spool -m "$memory" -c '/usr/bin/python3 is-sound {}' <db | cmp db
		run -3 --separate-stderr spool -m "$memory" -c '/usr/bin/python3 is-sound {}' <"$DATA/numbers"
		[ -z "$output" ]
		[[ $stderr == *"file is not a database"* ]]
	done
}

# shellcheck disable=SC2016 # for the shell of the check
@test "-c: {} is one word, in quotes and without, whatever the path is" {
	local name check
	echo new >want
	for name in plain 'a  b' "it's" 'say "hi"' '$HOME' '`id`' '*' 'a;touch hit' $'a\nb' '{}' 'a\b' '-c'; do
		mkdir "./$name"
		for check in 'cmp {} want' 'cmp "{}" want' "cmp '{}' want" 'test "$(cat {})" = new' 'test "$(cat "{}")" = new' \
		    'test "`cat {}`" = new' '(cat {}) | cmp - want' $'# it\'s {}\ncmp "{}" want' 'set -- {}; test $# = 1' \
		    'set -- "a {}s" && test "$1" = "a ${SPOOL_FILE}s"' "set -- 'a {}s' && test \"\$1\" = \"a \${SPOOL_FILE}s\"" \
		    'case {} in *f.spool-*) cat "{}";; esac | cmp - want'; do
			echo new | spool -c "$check" -o "./$name/f" || { echo "$name: $check" >&2; return 1; }
		done
	done
	[ ! -e hit ]
}

@test "-c: a {} that is to stay one" {
	touch 'with {}'
	# shellcheck disable=SC2016
	echo x | spool -c 'find . -name "with*" -exec printf "<%s>" \{} \; >found; printf "%s\n" "{ }" \{} {""} >words'
	[ "$(cat found)" = "<./with {}>" ]
	[ "$(cat words)" = $'{ }\n{}\n{}' ]
}

@test "-c: the check can seek, and knows the size" {
	needs unzip
	local memory
	for memory in 64M 100 0; do
		seq 1000 | spool -m "$memory" -c 'test "$SPOOL_SIZE" = 3893 && tac | head -n 1 | grep -qx 1000' >out
		seq 1000 | cmp out
	done
	spool -c 'unzip -tq {}' <"$DATA/doc.zip" 2>/dev/null | cmp "$DATA/doc.zip"
}

@test "-c: a check that reads nothing, or goes on reading in the background, changes nothing" {
	local memory
	for memory in 64M 100 0; do
		cat "$DATA/random" | spool -m "$memory" -c true | cmp "$DATA/random"
		cat "$DATA/random" | spool -m "$memory" -c 'cat >/dev/null 2>&1 &' cat | cmp "$DATA/random"
	done
}

@test "-c: a check on an empty stream runs, but not with -n" {
	: | spool -c 'touch ran; test "$SPOOL_SIZE" = 0'
	[ -e ran ]
}

@test "-l: exactly the limit passes" {
	local limit
	for limit in 0 1 100 4096 65536 1048576; do
		bytes "$limit"
		cat "$limit" | spool -l "$limit" | cmp "$limit"
		cat "$limit" | spool -m 50 -l "$limit" cat | cmp "$limit"
	done
}

@test "-l: one byte more is refused, status 3, and nothing comes out" {
	local limit memory
	for limit in 0 1 100 4096 65536 1048576; do
		bytes $((limit + 1))
		for memory in 0 50 64M; do
			says 3 "spool: standard input: longer than $limit (-l); nothing was released" \
			    bash -c 'cat "$1" | spool -m "$2" -l "$3"' - $((limit + 1)) "$memory" "$limit"
		done
	done
	run bash -c 'seq 9 | spool -l 17 touch ran'
	[ "$status" -eq 3 ]
	[ ! -e ran ]
}

@test "-l: an endless stream stops at once" {
	run bash -c 'yes | { spool -l 1M; echo "status $?" >&2; } >out'
	[ "$output" = $'spool: standard input: longer than 1M (-l); nothing was released\nstatus 3' ]
	[ ! -s out ]
	run spool -l 3G -m 100 -T /var/tmp -l 10M </dev/zero
	[ "$status" -eq 3 ]
}

@test "-l: also where a source keeps messages apart" {
	/usr/bin/python3 - <<-'END'
	import os, socket, subprocess
	for limit, status in ((1200, 0), (1199, 3), (1000, 3), (900, 3), (1, 3)):
	    for memory in ("0", "1000", "64M"):
	        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	        for i in range(4):
	            ours.send(b"x" * 300)
	        ours.close()
	        done = subprocess.run(["spool", "-m", memory, "-l", str(limit)], stdin=its, capture_output=True)
	        assert (done.returncode, len(done.stdout)) == (status, 0 if status else 1200), (limit, memory, done)
	END
}

@test "-c: a check that changes the stream refuses it" {
	local memory
	for memory in 64M 100 0; do
		for check in 'echo other >{}' 'chmod 600 {}; printf HELLO 1<>{}' ': >{}; true' 'echo more >>{}'; do
			run --separate-stderr bash -c 'seq 100 | spool -m "$1" -c "$2"' - "$memory" "$check"
			if [ "$status" -eq 0 ]; then
				# It could not, and did not mind.
				[ "$output" = "$(seq 100)" ]
			else
				[ "$status" -eq 3 ]
				[ -z "$output" ]
			fi
		done
	done
	# Root, or the owner, can change a file on disk.
	says 3 "spool: the check 'chmod 600 {}; printf HELLO 1<>{}' has changed the stream; nothing was released" \
	    bash -c "seq 100 | spool -m 0 -c 'chmod 600 {}; printf HELLO 1<>{}'"
}

# Without -o only what is spilled can be changed, by root or after a chmod.
@test "-c: a check that changes the stream and puts its time back refuses it" {
	local memory
	for memory in 64M 1000; do
		echo old >f
		# shellcheck disable=SC2016 # for the shell of the check
		run spool -m "$memory" -o f -c 'm=$(stat -c %y {}); printf XXXX 1<>{}; touch -d "$m" {}' <"$DATA/numbers"
		[ "$status" -eq 3 ]
		[[ $output == *"has changed the stream; the file is unchanged" ]]
		[ "$(cat f)" = old ]
	done
	# shellcheck disable=SC2016 # for the shell of the check
	run spool -m 1000 -T . -c 'f=/proc/$$/fd/0; chmod u+w $f; m=$(stat -L -c %y $f); printf XXXX 1<>$f; touch -d "$m" $f' \
	    <"$DATA/numbers"
	[ "$status" -eq 3 ]
	[[ $output == *"has changed the stream; nothing was released" ]]
}

@test "-c: a check may change the mode of its file" {
	echo old >f
	chmod 604 f
	spool -o f -c 'chmod 755 {}; ln {} link; rm link' <"$DATA/numbers"
	cmp f "$DATA/numbers"
	[ "$(stat -c %a f)" = 604 ]
}

@test "-c: quotes, comments and backslashes around {}" {
	local script
	seq 3 >in
	# shellcheck disable=SC1003 # the shell that runs the check reads these backslashes
	for script in 'echo "it'\''s" "#" a#b >/dev/null; cmp {} in' '# {} \{} "
cmp {} in' 'echo '\''\'\'' >/dev/null; cmp {} in # \' 'cmp {} in #\' 'cmp "{}" in; # it'\''s' \
	    '(cmp {} in);# x' 'echo "\"{}\"" "`cmp {} in`"' 'cmp {} in; echo \'; do
		spool -c "$script" <in 2>/dev/null | cmp - in || { echo "$script"; return 1; }
	done
	# What the shell cannot read is refused.
	for script in 'cmp {} "in' "cmp {} 'in" 'cmp {} in; "'; do
		run -3 spool -c "$script" <in
	done
}
