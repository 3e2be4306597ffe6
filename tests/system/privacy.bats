#!/usr/bin/env bats
# privacy.bats: who can see the stream, and hostile directories and names.
# bats file_tags=portable, sanitized, memory

load ../helper

teardown() {
	cd / || return 1
	if [ -n "${pid:-}" ]; then
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	fi
}

# Starts spool as one user who is not root, with a stream that has begun and does not end; its process is $pid.
begin() {
	needs_root
	chmod 755 "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." 2>/dev/null || true
	cp "$(command -v spool)" .
	mkdir -m 777 d
	mkdir -m 777 stolen
	mkfifo -m 666 in
	setpriv --reuid 65534 --regid 65534 --clear-groups "$PWD/spool" "$@" <in >out 3>&- &
	pid=$!
	exec 5>in
	# Until then it is root's.
	eventually is_of 65534
	readlink "/proc/$pid/fd/0" >/dev/null 2>&1 || unmet "needs to look at the processes of others"
	echo "a secret" >&5
}

is_of() {
	[ "$(stat -c %u "/proc/$pid")" -eq "$1" ]
}

someone() {
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

# The descriptors of spool that are spill files: without a name, or with a hidden one.
spills() {
	find "/proc/$pid/fd" -lname '* (deleted)' -o -lname '*/.f.spool-??????'
}

# There is a file with the stream, and another user can neither open it nor give it a name.
hidden() {
	local fd seen=0
	for fd in $(spills); do
		if [ -f "$fd" ]; then
			[ "$(stat -L -c %a "$fd")" = "$1" ]
			if grep -q secret "$fd"; then
				seen=$((seen + 1))
			fi
		fi
		run ! someone 65533 cat "$fd"
		run ! someone 65533 dd if="$fd" of=/dev/null
		run ! someone 65533 ln -L "$fd" stolen/link
	done
	[ "$seen" -ge 1 ]
	run ! someone 65533 ls "/proc/$pid/fd"
	[ -z "$(ls -A stolen)" ]
}

has_spilled() {
	local fd
	for fd in $(spills); do
		[ ! -s "$fd" ] || return 0
	done
	return 1
}

@test "another user can open nothing while the stream is read: standard output" {
	begin -m 0 -T d
	eventually has_spilled
	hidden 600
	[ -z "$(ls -A d)" ]
	# Not even its own user can give the spill file a name.
	local fd
	for fd in $(spills); do
		run ! someone 65534 ln -L "$fd" stolen/link
	done
	[ -z "$(ls -A stolen)" ]
}

@test "another user can open nothing while the stream is read: a file" {
	begin -m 0 -o d/f
	eventually has_spilled
	hidden 600
	[ "$TEST_VARIANT" = portable ] || [ -z "$(ls -A d)" ]
}

@test "another user can open nothing while a check or COMMAND reads it" {
	begin -m 0 -T d -c 'touch d/checking; while [ ! -e d/go ]; do sleep 0.05; done' \
	    sh -c 'touch d/running; while [ ! -e d/end ]; do sleep 0.05; done'
	exec 5>&-
	eventually test -e d/checking
	hidden 400
	touch d/go
	eventually test -e d/running
	hidden 400
	touch d/end
	wait "$pid"
}

@test "another user can open nothing of a file with a hidden name" {
	begin -m 0 -c 'test -s {}; touch d/checking; while [ ! -e d/go ]; do sleep 0.05; done' -o d/f
	exec 5>&-
	eventually test -e d/checking
	[ "$(find d -name '.f.spool-*' | wc -l)" -eq 1 ]
	# A new file has the mode that the umask gives it, when it is complete.
	touch d/go
	wait "$pid"
	[ "$(cat d/f)" = "a secret" ]
	# An old one's mode is kept, also while it is looked at.
	chmod 600 d/f
	begin_again() {
		someone 65534 "$PWD/spool" -c 'test -s {}; touch d/again; while [ ! -e d/end ]; do sleep 0.05; done' -o d/f <d/f &
	}
	begin_again
	pid=$!
	eventually test -e d/again
	run ! someone 65533 cat d/.f.spool-*
	run ! someone 65533 ln d/.f.spool-* stolen/link
	touch d/end
	wait "$pid"
}

@test "a spill file has mode 0600 from its first moment, whatever the umask" {
	needs_strace
	local mask
	for mask in 000 022 077 777; do
		(umask "$mask" && TMPDIR=. strace -qq -o trace -e trace=openat,open,fchmod spool -m 0 <"$DATA/numbers" >out)
		chmod u+r out trace
		cmp out "$DATA/numbers"
		grep -Eq '(O_TMPFILE|O_CREAT\|O_EXCL).*, 0600\)' trace
		rm -f trace out
		(umask "$mask" && strace -qq -o trace -e trace=openat spool -m 0 -o f <"$DATA/numbers")
		chmod u+r trace
		grep -Eq '(O_TMPFILE|O_CREAT\|O_EXCL).*, 0600\)' trace
		rm -f trace f
	done
}

# Runs a command with no descriptors but 0, 1 and 2: bats has more.
bare() {
	/usr/bin/python3 -c 'import os, sys
os.closerange(3, 256)
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}

@test "COMMAND, a check and a producer inherit 0, 1 and 2 alone" {
	# Whoever lists a directory has it open; this does not.
	# shellcheck disable=SC2016 # for another shell
	local look='for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	    if [ -e /proc/$$/fd/$n ]; then echo $n; fi; done'
	local memory
	printf '%s\n' 0 1 2 >expected
	bare sh -c "$look" | diff expected -
	for memory in 0 64M; do
		bare spool -m "$memory" sh -c "$look" <"$DATA/numbers" | diff expected -
		bare spool -m "$memory" -c "exec >seen; $look" <"$DATA/numbers" >out
		diff expected seen
		bare spool -m "$memory" -c ": {}; exec >seen; $look" -b -o out <"$DATA/numbers"
		diff expected seen
		bare spool -m "$memory" -b -o out sh -c "$look"
		diff expected out
	done
	# What is given on purpose goes on, as with every program that starts another.
	seq 3 | spool cat - <(echo more) | diff <(seq 3; echo more) -
}

# What a core dump would have: all that is not marked (dd, proc(5)). Prints how often the secret is in it, and in all.
secrets() {
	/usr/bin/python3 - "$pid" <<-'END'
	import re, sys
	pid, dumped, everywhere = sys.argv[1], 0, 0
	memory = open(f"/proc/{pid}/mem", "rb")
	for mapping in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", open(f"/proc/{pid}/smaps").read()):
	    head = re.match("([0-9a-f]+)-([0-9a-f]+) r", mapping)
	    if not head:
	        continue
	    try:
	        memory.seek(int(head[1], 16))
	        found = memory.read(int(head[2], 16) - int(head[1], 16)).count(b"a secret of the str" + b"eam")
	    except (OSError, ValueError):
	        continue
	    everywhere += found
	    if " dd" not in mapping.split("VmFlags:")[1]:
	        dumped += found
	print(dumped, everywhere)
	END
}

seen_once() {
	[ "$(secrets)" = "0 $1" ]
}

@test "core dumps leave the stream out" {
	# The sanitizers have memory of their own.
	[ "$TEST_VARIANT" = native ] || [ "$TEST_VARIANT" = portable ] || return 0
	mkfifo in
	local options
	for options in '' '-m unlimited' '-o f'; do
		# shellcheck disable=SC2086
		spool $options <in >out 3>&- &
		pid=$!
		exec 5>in
		{ echo "a secret of the stream"; seq 1000000; } >&5
		eventually seen_once 1
		exec 5>&-
		wait "$pid"
	done
	# Where a buffer is between source and spill file, it is left out, too.
	spool -m 0 -o f <in 3>&- &
	pid=$!
	exec 5>in
	echo "a secret of the stream" >&5
	sleep 0.2
	[[ $(secrets) == "0 "* ]]
	exec 5>&-
	wait "$pid"
	pid=
}

@test "hostile spill directories" {
	cp "$DATA/numbers" in
	mkdir real
	ln -s real link
	ln -s nowhere dangling
	: >file
	local directory
	for directory in real ./real link link/ real/../real; do
		TMPDIR=$directory spool -m 0 <in | cmp - in
		spool -m 0 -T "$directory" <in | cmp - in
	done
	[ -z "$(ls -A real)" ]
	for directory in missing dangling file; do
		why='No such file or directory'
		[ "$directory" != file ] || why='Not a directory'
		TMPDIR=$directory run spool -m 0 <in
		[ "$status" -eq 1 ]
		[ "$output" = "spool: $directory: cannot make a spill file there (it is \$TMPDIR): $why; nothing was read" ]
		says 1 "spool: $directory: cannot make a spill file there: $why; nothing was read" \
		    spool -T "$directory" <in
		# It is not asked for what is not needed.
		seq 3 | TMPDIR=$directory spool | diff <(seq 3) -
	done
	TMPDIR='' spool -m 0 <in | cmp - in
	only dangling file in link real
}

@test "a spill directory that anybody may write, with names planted in it" {
	needs_strace
	cp "$DATA/numbers" in
	mkdir -m 1777 tmp
	echo mine >victim
	# All names that mkostemps could try cannot be planted; that it does not follow a link is seen by its flags.
	ln -s ../victim tmp/spool-aaaaaa
	local number without=()
	TMPDIR=tmp strace -qq -o trace -e trace=openat spool -m 0 <in >out
	number=$(grep -n O_TMPFILE trace | head -n 1 | cut -d : -f 1)
	[ "$TEST_VARIANT" = portable ] || without=(-e "inject=openat:error=EOPNOTSUPP:when=$number")
	TMPDIR=tmp strace -qq -o trace -e trace=openat "${without[@]}" spool -m 0 <in | cmp - in
	grep -q 'openat(.*"tmp/spool-......", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600)' trace
	[ "$(cat victim)" = mine ]
	[ "$(ls tmp)" = spool-aaaaaa ]
}

@test "hostile file names" {
	local name options long
	long=$(printf '%0255d' 0)
	# shellcheck disable=SC2016 # names as they are
	for name in -rf --help -- - "a b" $'new\nline' $'\xff\xfe' '$(touch gone)' '`touch gone`' '{}' '"' "'" '*' '%s%n' \
	    '.hidden' "$long" "${long%0}" "${long%????????}.conf"; do
		mkdir d
		cd d || return 1
		for options in '' -a -w -u '-m 0' '-c true' '-T .'; do
			seq 3 >"./$name"
			# shellcheck disable=SC2086
			seq 4 | spool $options -o "$name"
			tail -n 4 "./$name" | diff <(seq 4) -
		done
		seq 5 | spool -c 'cat {} >seen' -o "$name"
		diff <(seq 5) seen
		rm seen
		seq 6 | spool -m 0 -o "./$name"
		diff <(seq 6) "./$name"
		if [ ${#name} -lt 255 ]; then
			seq 7 | spool -b -o "$name"
			diff <(seq 6) "./$name~"
			rm "./$name~"
		else
			run spool -b -o "$name" <<<x
			[ "$status" -eq 1 ]
			[[ $output == *": cannot make its backup "*": File name too long; nothing was read, the file is unchanged" ]]
		fi
		[ "$(find . -mindepth 1 -printf x)" = x ]
		cd ..
		rm -r d
		# And a directory of that name.
		mkdir -- "./$name"
		seq 8 | spool -m 0 -T "$name" | diff <(seq 8) -
		seq 9 | spool -m 0 -c 'cat {} >/dev/null' -o "$name/f"
		diff <(seq 9) "./$name/f"
		rm -r -- "./$name"
	done
	only
}

@test "a name that is too long for one, and a path" {
	local name
	name=$(printf '%0256d' 0)
	says 1 "spool: $name: cannot write: File name too long; nothing was read" spool -o "$name" <<<x
	run spool -o "$(printf 'd/%.0s' {1..3000})f" <<<x
	[ "$status" -eq 1 ]
	[[ $output == *": cannot write: File name too long; nothing was read" ]]
	only
}

@test "PATH without the command: 127, and nothing is read" {
	local spool path
	spool=$(type -P spool)
	mkdir empty
	: >empty/plain
	for path in "$PWD/empty" "$PWD/missing" '' ::; do
		{ PATH=$path run -127 "$spool" no-such-command; } < <(echo unread)
		[ "$output" = "spool: no-such-command: command not found; nothing was read" ]
	done
	PATH=$PWD/empty run "$spool" plain <<<x
	[ "$status" -eq 126 ]
	[ "$output" = "spool: plain: cannot be run: Permission denied; nothing was read" ]
	# A check is run by the shell, which is not looked for.
	echo y | PATH=$PWD/empty "$spool" -c 'read y && [ "$y" = y ]' >got
	[ "$(cat got)" = y ]
}
