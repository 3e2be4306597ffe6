#!/usr/bin/env bats
# protocol.bats: the order of the system calls that replace a file, and what happens when one of them fails.
# bats file_tags=coverage

load ../helper

# The calls that matter, in order, without their arguments' details.
calls() {
	strace -f -qq -o trace -e trace=openat,fsync,fdatasync,syncfs,linkat,rename,renameat,renameat2,unlink,unlinkat,ftruncate,fallocate,fchown,fchmod "$@"
	sed -nE 's/^[0-9]+ +//
	    /O_TMPFILE/s/.*/anonymous/p
	    /^fsync/s/\(.*//p
	    /^fchmod/s/\(.*//p
	    /^linkat/s/.*"(\.?)(.*)", AT_SYMLINK_FOLLOW.*/link \1/p
	    /^linkat.*, 0\)/s/.*/second name/p
	    /^rename/s/.*"([^"]*)".*/rename to \1/p
	    /^fallocate/s/.*/reserve/p
	    /^unlink/s/.*/unlink/p' trace
}

@test "an existing file: contents and attributes, fsync, link, rename, fsync of the directory" {
	needs_strace
	echo old >f
	calls spool -o f <"$DATA/numbers" >got
	printf '%s\n' anonymous fchmod fsync 'link .' 'rename to f' fsync | diff - got
}

@test "a new file: linked to its name at once" {
	needs_strace
	calls spool -o f <"$DATA/numbers" >got
	printf '%s\n' anonymous anonymous fchmod fsync 'link ' fsync | diff - got
}

@test "-b: the backup comes before the rename" {
	needs_strace
	echo old >f
	calls spool -b -o f <"$DATA/numbers" >got
	printf '%s\n' anonymous fchmod fsync 'second name' 'rename to f~' unlink 'link .' 'rename to f' fsync | diff - got
}

@test "-w and -a: space is reserved first, and the file is synced" {
	needs_strace
	echo old >f
	calls spool -a -o f <"$DATA/numbers" >got
	printf '%s\n' reserve fsync | diff - got
	calls spool -w -o f <"$DATA/random" >got
	grep -v anonymous got | diff - <(printf '%s\n' reserve fsync)
}

@test "--no-sync: nothing waits for the disk" {
	needs_strace
	echo old >f
	for options in '' -a -w -u; do
		# shellcheck disable=SC2086
		strace -f -qq -o trace spool --no-sync $options -o f <"$DATA/numbers"
		run grep -E '^[0-9]+ +((fsync|fdatasync|syncfs|sync)\(|sync_file_range.*(WRITE|AFTER))' trace
		[ "$status" -eq 1 ]
	done
}

@test "-u: what is there already is synced, too" {
	needs_strace
	cp "$DATA/numbers" f
	calls spool -u -o f <"$DATA/numbers" >got
	[ "$(grep -c fsync got)" -eq 2 ]
	run grep rename got
	[ "$status" -eq 1 ]
}

# bats test_tags=bare
@test "what was spilled is not written again" {
	needs_strace
	strace -qq -o trace -e trace=write,pwrite64,splice,copy_file_range,sendfile spool -m 1M -o f cat "$DATA/random"
	cmp f "$DATA/random"
	[ "$(awk '{ sum += $NF } END { print sum }' trace)" -eq 5000000 ]
}

@test "the staged file has mode 0600 and no name while the stream is soaked" {
	echo old >f
	chmod 666 f
	mkfifo in
	spool -m 0 -o f <in 3>&- &
	pid=$!
	exec 5>in
	seq 100000 >&5
	soaked() { stat -L -c '%F %a %h %s' /proc/"$pid"/fd/* | grep -q '^regular file 600 0 [1-9]'; }
	eventually soaked
	only f in
	exec 5>&-
	wait "$pid"
	[ "$(stat -c %a f)" = 666 ]
}

@test "a directory that may be written but not read" {
	mkdir d
	echo old >d/f
	chmod 666 d/f
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 d d/f
	chmod 300 d
	as_user spool -o d/f <"$DATA/numbers"
	chmod 700 d
	cmp d/f "$DATA/numbers"
	[ "$(ls -A d)" = f ]
}

@test "without O_TMPFILE: a hidden name, removed if it comes to nothing" {
	needs_strace
	local number
	echo old >f
	strace -qq -o trace -e trace=openat spool -o f </dev/null
	number=$(grep -n O_TMPFILE trace | head -n 1 | cut -d : -f 1)
	without() {
		strace -qq -o trace -e "inject=openat:error=EOPNOTSUPP:when=$number" spool "$@"
		grep -q 'O_TMPFILE.*INJECTED' trace
		rm trace
	}
	chmod 604 f
	without -o f <"$DATA/numbers"
	cmp f "$DATA/numbers"
	cp f f.conf
	without -c '[ -s {} ]; [ "$(ls -A | grep -c spool-)" = 1 ]' -o f.conf <"$DATA/numbers"
	mv f.conf f
	run without -c 'false {}' -o f <"$DATA/random"
	run without -l 1 -o f <"$DATA/random"
	run without -o f false
	cmp f "$DATA/numbers"
	rm -f trace
	only f
}

@test "without /proc, renameat2, statx or extended attributes all the same" {
	needs_strace
	local fault
	for fault in renameat2:error=EINVAL renameat2:error=ENOSYS statx:error=ENOSYS flistxattr:error=EOPNOTSUPP \
	    fallocate:error=EOPNOTSUPP access:error=ENOENT faccessat2:error=ENOSYS; do
		rm -f new
		echo old >f
		chmod 604 f
		for options in '' -b '-c :<{}' -w -a; do
			# shellcheck disable=SC2086
			strace -qq -o trace -e "inject=$fault" spool $options -o f <"$DATA/numbers"
			tail -n 300000 f | cmp "$DATA/numbers"
			[ "$(stat -c %a f)" = 604 ]
			# shellcheck disable=SC2086
			strace -qq -o trace -e "inject=$fault" spool $options -o new <"$DATA/numbers"
			tail -n 300000 new | cmp "$DATA/numbers"
			rm new
		done
		rm f~
		rm trace
		only f
	done
}

@test "a file that cannot be looked at: nothing is said of whether there is one" {
	needs_strace
	[ "$TEST_VARIANT" != valgrind ] || return 0	# what fails would be a call of valgrind's
	local option number before said status output
	echo old >f
	before=$(stat -c '%i %s %Y %Z' f)
	for option in -m1M -w -a; do
		said=
		# As where a server is gone from then on. The loader's own looks are among them.
		for number in {1..20}; do
			status=0
			output=$(echo new | strace -qq -o trace -e "inject=newfstatat:error=ENOTCONN:when=$number+" \
			    spool "$option" -o f 2>&1) || status=$?
			[ "$status" -ne 0 ] || break
			[[ $output != *'no file was made'* ]]
			[ "$output" != "spool: f: cannot write: Transport endpoint is not connected; the file was not touched" ] || said=yes
			[ "$(stat -c '%i %s %Y %Z' f)" = "$before" ]
			only f trace
		done
		[ "$status" -eq 0 ]
		[ -n "$said" ]
		echo old >f
		before=$(stat -c '%i %s %Y %Z' f)
	done
}

@test "an append-only log whose append fails says what stays in it" {
	needs_strace
	needs chattr
	needs_root
	echo old >log
	chattr +a log 2>/dev/null || unmet "this file system has no such attribute"
	run bash -c 'echo new | strace -qq -o trace -e inject=fsync:error=EIO:when=1 spool -a -o log'
	local first=$output
	run bash -c 'echo new | strace -qq -o trace -e inject=write:error=EIO:when=1 spool -a -o log'
	chattr -a log
	[ "$first" = "spool: log: cannot append: Input/output error; it cannot be cut back (Operation not permitted), 4 bytes of the stream stay in it" ]
	[ "$output" = "spool: log: cannot append: Input/output error; the file is unchanged" ]
	[ "$(cat log)" = $'old\nnew' ]
}

@test "-w that fails, and whose undoing fails too, keeps the old contents beside the file" {
	needs_strace
	cp "$DATA/numbers" f
	run bash -c 'cat "$DATA/random" |
	    strace -qq -o trace -e inject=write:error=EIO:when=2 -e inject=ftruncate:error=EIO:when=1 spool -w -o f'
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: f: cannot overwrite: Input/output error" ]
	[[ ${lines[1]} == "spool: f: cannot put its old contents back: Input/output error; they are in ./.f.spool-"?????? ]]
	cmp .f.spool-* "$DATA/numbers"
	[ "$(stat -c %a .f.spool-*)" = 600 ]
	# And where that fails as well, it says so.
	rm .f.spool-*
	cp "$DATA/numbers" f
	run bash -c 'cat "$DATA/random" |
	    strace -qq -o trace -e inject=write:error=EIO:when=2..9 -e inject=ftruncate:error=EIO:when=1 spool -w -o f'
	[ "$status" -eq 1 ]
	rm trace
	only f
}

@test "a file that is there and gone and there again is not an error" {
	local i
	echo old >f
	for i in {1..100}; do
		(echo "$i" | spool --no-sync -b -o f || echo "$i" >>failed) &
	done
	for i in {1..200}; do
		echo mv >g
		mv g f
	done
	wait
	[ ! -e failed ]
	only f f~
}

@test "attributes that the old file has lost during the soak do not come back" {
	needs setfattr
	echo old >f
	setfattr -n user.note -v 'a note' f || unmet "this file system has no extended attributes"
	# Those of root's are not for everybody to see; and one of security's is not spool's to remove.
	local more=()
	! is_whole_root || more=(trusted.note security.note)
	for name in "${more[@]}"; do setfattr -n "$name" -v 'a note' f; done
	mkfifo in
	spool -o f <in 3>&- &
	exec 5>in
	echo new >&5
	sleep 0.2
	for name in user.note "${more[@]}"; do setfattr -x "$name" f; done
	exec 5>&-
	wait $!
	[ "$(cat f)" = new ]
	[ -z "$(getfattr -d -m '^user|^trusted' f)" ]
}

@test "without /proc a check still gets the stream" {
	needs_strace
	echo old >f
	strace -qq -o trace -e trace=openat,access spool -m 0 -c 'cmp - "$DATA/numbers"' -o f <"$DATA/numbers"
	local n
	n=$(grep '^openat' trace | grep -n '"/proc/self/fd' | head -n 1 | cut -d : -f 1)
	strace -qq -o trace -e "inject=openat:error=ENOENT:when=$n" spool -m 0 -c 'cmp - "$DATA/numbers"' -o f <"$DATA/numbers"
	grep -q 'proc/self/fd.*INJECTED' trace
	cmp f "$DATA/numbers"
	rm -f trace
	only f
}

@test "without O_TMPFILE: a spill file that cannot be removed is named" {
	needs_strace
	local number
	export TMPDIR=$PWD
	seq 10000 >in
	strace -qq -o trace -e trace=openat spool -m 0 <in >out
	number=$(grep -n O_TMPFILE trace | tail -n 1 | cut -d : -f 1)
	run strace -qq -o trace -e "inject=openat:error=EOPNOTSUPP:when=$number" -e inject=unlink:error=EACCES:when=1 \
	    spool -m 0 <in
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: $PWD: cannot write the spill file: Permission denied; nothing was released" ]
	[[ ${lines[1]} == "spool: $PWD/spool-"??????": cannot remove; it is empty" ]]
	[ "$(find . -name 'spool-??????' -empty | wc -l)" -eq 1 ]
	rm spool-?????? trace out
	only in
}

@test "--no-sync: closing the staged file fails: the file is unchanged" {
	needs_strace
	echo old >f
	local fd when
	echo new | strace -qq -o trace -e trace=fcntl,close spool --no-sync -o f
	fd=$(sed -n 's/.*F_DUPFD_CLOEXEC.* = \([0-9]*\)$/\1/p' trace | tail -n 1)
	when=$(grep '^close(' trace | grep -n "^close($fd)" | tail -n 1 | cut -d : -f 1)
	echo old >f
	run bash -c 'echo new | strace -qq -o trace -e "inject=close:error=EIO:when=$1" spool --no-sync -o f' - "$when"
	grep -q "^close($fd).*INJECTED" trace
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot replace: Input/output error; the file is unchanged" ]
	[ "$(cat f)" = old ]
	only f trace
}

@test "the reason of a failure is not lost by a close that fails after it" {
	needs_strace
	/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s")'
	local when
	strace -qq -o trace -e trace=connect,close spool -o s </dev/null 2>err || true
	when=$(($(sed '/^connect/q' trace | grep -c '^close(') + 1))
	run strace -qq -o trace -e "inject=close:error=EIO:when=$when" spool -o s </dev/null
	grep -q '^close.*INJECTED' trace
	[ "$status" -eq 1 ]
	[ "$output" = "spool: s: cannot open: Connection refused; nothing was released" ]
}

# Ends spool by TERM while it is held up in a system call that has just done its work: its name, when that is to be
# seen, and spool's arguments.
ends_within() {
	local call=$1 seen=$2
	shift 2
	echo new | strace -qq -o trace -e "inject=$call:delay_exit=1000000" \
	    sh -c 'echo $$ >pid; exec env --default-signal=TERM spool "$@"' - "$@" 3>&- &
	eventually eval "$seen"
	kill -TERM "$(cat pid)"
	status=0
	wait $! || status=$?
}

@test "TERM while the staged file gets its name: it is removed" {
	needs_strace
	echo old >f
	ends_within linkat 'ls -A | grep -q "^\.f\.spool-"' -c 'true {}' -o f
	[ "$status" -eq 143 ]
	[ "$(cat f)" = old ]
	only f pid trace
}

@test "TERM while the file is replaced: too late" {
	needs_strace
	echo old >f
	ends_within renameat 'grep -qx new f' -o f
	[ "$status" -eq 0 ]
	[ "$(cat f)" = new ]
	only f pid trace
}
