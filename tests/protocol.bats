#!/usr/bin/env bats
# protocol.bats: the order of the system calls that replace a file, and what happens when one of them fails.

load helper

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
	echo old >f
	calls spool -o f <"$DATA/numbers" >got
	printf '%s\n' anonymous fchmod fsync 'link .' 'rename to f' fsync | diff - got
}

@test "a new file: linked to its name at once" {
	calls spool -o f <"$DATA/numbers" >got
	printf '%s\n' anonymous anonymous fchmod fsync 'link ' fsync | diff - got
}

@test "-b: the backup comes before the rename" {
	echo old >f
	calls spool -b -o f <"$DATA/numbers" >got
	printf '%s\n' anonymous fchmod fsync 'second name' 'rename to f~' unlink 'link .' 'rename to f' fsync | diff - got
}

@test "-w and -a: space is reserved first, and the file is synced" {
	echo old >f
	calls spool -a -o f <"$DATA/numbers" >got
	printf '%s\n' reserve fsync | diff - got
	calls spool -w -o f <"$DATA/random" >got
	grep -v anonymous got | diff - <(printf '%s\n' reserve fsync)
}

@test "--no-sync: nothing waits for the disk" {
	echo old >f
	for options in '' -a -w -u; do
		# shellcheck disable=SC2086
		strace -f -qq -o trace spool --no-sync $options -o f <"$DATA/numbers"
		run grep -E '^[0-9]+ +(fsync|fdatasync|syncfs|sync)' trace
		[ "$status" -eq 1 ]
	done
}

@test "-u: what is there already is synced, too" {
	cp "$DATA/numbers" f
	calls spool -u -o f <"$DATA/numbers" >got
	[ "$(grep -c fsync got)" -eq 2 ]
	run grep rename got
	[ "$status" -eq 1 ]
}

# bats test_tags=bare
@test "what was spilled is not written again" {
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

@test "an append-only log whose append fails says what stays in it" {
	[ "$(id -u)" -eq 0 ] || skip "needs root for chattr"
	echo old >log
	chattr +a log 2>/dev/null || skip "this file system has no such attribute"
	run bash -c 'echo new | strace -qq -o trace -e inject=fsync:error=EIO:when=1 spool -a -o log'
	local first=$output
	run bash -c 'echo new | strace -qq -o trace -e inject=write:error=EIO:when=1 spool -a -o log'
	chattr -a log
	[ "$first" = "spool: log: cannot append: Input/output error; it cannot be cut back (Operation not permitted), 4 bytes of the stream stay in it" ]
	[ "$output" = "spool: log: cannot append: Input/output error; the file is unchanged" ]
	[ "$(cat log)" = $'old\nnew' ]
}

@test "-w that fails, and whose undoing fails too, keeps the old contents beside the file" {
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
	echo old >f
	setfattr -n user.note -v 'a note' f || skip "this file system has no extended attributes"
	# Those of root's are not for everybody to see; and one of security's is not spool's to remove.
	local more=()
	[ "$(id -u)" -ne 0 ] || more=(trusted.note security.note)
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

@test "-c with {} in quotes is refused where the path is not plain" {
	mkdir 'a b'
	run bash -c "echo x | spool -c 'cat \"{}\"' -o 'a b/f'"
	[ "$status" -eq 1 ]
	[[ $output == "spool: the check 'cat \"{}\"' has {} in quotes, where 'a b/.f.spool-"??????"' would be several words; no file was made" ]]
	for check in 'cat "{} x"' 'cat "x {}"' "cat '{} x'" "cat 'x {}'"; do
		run -1 spool -c "$check" -o 'a b/f' </dev/null
		[[ $output == *" has {} in quotes, "* ]]
	done
	run bash -c "echo x | spool -c 'cat {} >seen' -o 'a b/f'"
	[ "$status" -eq 0 ]
	[ "$(cat seen)" = x ]
	echo y | spool -c 'cat "{}" >seen' -o f
	[ "$(cat seen)" = y ]
}

@test "without /proc a check still gets the stream" {
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
