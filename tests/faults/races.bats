#!/usr/bin/env bats
# races.bats: calls that fail two at a time, and what others do meanwhile. That each call can fail alone is tested by
# faults/run.
# bats file_tags=coverage

load ../helper

setup_file() {
	needs_injector
	export INJECT
}

setup() {
	cd "$BATS_TEST_TMPDIR" && exec </dev/null || return 1
	# A spill file that could not be unlinked stays here.
	mkdir spilled
	export TMPDIR=spilled
	head -c 200000 "$DATA/numbers" >in
}

# Runs a program on the stream, with these faults: given CALLS PROGRAM...
given() {
	with "$@" <in
}

# It fails with these words, and f is what it was: refuses CALLS TEXT PROGRAM...
refuses() {
	says 1 "spool: $2" given "$1" "${@:3}"
	cmp f old
	only f in spilled old
}

small() {
	seq 100 >in
	echo old | tee old >f
}

@test "calls fail: the file of a check cannot be read, also when it is opened again" {
	small
	run given pread:EIO:1-99 spool -c 'test -s {}'
	[ "$status" -eq 1 ]
	[[ $output == *"/stream: cannot show the stream to the check: Input/output error; nothing was released" ]]
}

@test "each call fails while a failed overwrite is undone: the old contents are there, or it is told where they are" {
	local fault n runs=0 saved
	for fault in close:EIO fcntl:EMFILE fstat:EIO fsync:EIO ftruncate:EIO ftruncate:EINTR futimens:EPERM lseek:EINVAL \
	    openat:EACCES write:EIO write:NOTHING write:EINTR pread:EIO unlinkat:EIO; do
		for n in {1..25}; do
			rm -rf work
			mkdir work
			seq 30000 | tee before >work/f
			# The second write fails, when the file has 10K of the new contents; and what comes after that.
			FAIL=write:ENOSPC:2,$fault:$n
			[[ $fault != write:* ]] || FAIL=write:ENOSPC:2,$fault:$((n + 2))
			[[ $fault != ftruncate:EIO ]] || FAIL=$FAIL-99
			status=0
			with "$FAIL" spool -m 10K -w -o work/f <in 2>err || status=$?
			[ "$n" -lt 10 ] || break
			runs=$((runs + 1))
			[ "$status" -eq 1 ] && { [ -s err ] || [[ $fault == write:* ]]; } || { echo "$FAIL: $status"; return 1; }
			cmp -s work/f before && continue
			saved=$(sed -n 's/.*; they are in //p' err)
			[ -n "$saved" ] && cmp "$saved" before && continue
			grep -q 'the file is damaged' err || { echo "$FAIL"; cat err; return 1; }
		done
	done
	[ "$runs" -gt 50 ]
}

@test "an overwrite that can be neither finished nor undone says that the file is damaged" {
	seq 30000 >f
	run given write:EIO:2,ftruncate:EIO:1,openat:EMFILE:5-99 spool -m 100 -w -o f
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: f: cannot overwrite: Input/output error" ]
	[ "${lines[1]}" = "spool: f: cannot put its old contents back: Input/output error; the file is damaged" ]
	local call found=0
	seq 30000 >f
	run given write:EIO:2,ftruncate:EIO:1,fsync:EIO:1 spool -m 100 -w -o f
	[ "${lines[1]}" = "spool: f: cannot put its old contents back: Input/output error; the file is damaged" ]
	only f in spilled
	# The last calls of close are those of the rescue; before, nothing has been overwritten yet.
	for call in {1..20}; do
		seq 30000 >f
		run given "write:EIO:2,ftruncate:EIO:1,close:EIO:$call-99" spool -m 100 -w -o f
		if [[ ${lines[1]} == "spool: f: cannot put its old contents back: Input/output error; the file is damaged" ]]; then
			found=1
			only f in spilled
		fi
		rm -f .f.spool-*
	done
	[ "$found" -eq 1 ]
	# One that a signal interrupts has closed all the same, and what was kept is whole.
	for call in {1..20}; do
		seq 30000 | tee old >f
		run given "write:EIO:2,ftruncate:EIO:1,close:EINTR:$call-99" spool -m 100 -w -o f
		[[ ${lines[1]} == "spool: f: cannot put its old contents back: Input/output error; they are in ./.f.spool-"* ]]
		cmp .f.spool-* old
		rm .f.spool-*
	done
}

@test "two calls fail: a hidden name" {
	small
	rm f
	# Without O_TMPFILE, and each name is taken already.
	run given openat:EOPNOTSUPP:1,openat:EEXIST:2-200 spool -o new
	[ "$output" = "spool: new: cannot create: no file can be made beside it: File exists; nothing was read" ]
	# One step, or two, or where there are no hard links, another one.
	local more
	for more in renameat2:ENOSYS:1 renameat2:ENOSYS:1,linkat:EPERM:1; do
		run given "openat:EOPNOTSUPP:1,$more" spool -o new
		[ "$status" -eq 0 ]
		cmp new in
		rm new
	done
	run given openat:EOPNOTSUPP:1,renameat2:EIO:1 spool -o new
	[ "$output" = "spool: new: cannot create: Input/output error; no file was made" ]
	run given linkat:EEXIST:1-200 spool -o new
	[ "$output" = "spool: new: cannot create: File exists; no file was made" ]
	run given openat:EOPNOTSUPP:1,renameat2:ENOSYS:1-200,linkat:EEXIST:1-200 spool -o new
	[ "$output" = "spool: new: cannot create: File exists; no file was made" ]
	only in spilled old
	mv old f
	cp f old
	refuses linkat:EEXIST:1-200 "f: cannot replace: File exists; the file is unchanged" spool -o f
	refuses fstatat:ENOENT:1-200 "f: cannot write: Stale file handle; nothing was read" spool -o f
	refuses linkat:EPERM:1,openat:EMFILE:4-99 \
	    "f: cannot make its backup f~: Too many open files; the file is unchanged" spool -b -o f
}

@test "two calls fail: attributes" {
	small
	setfattr -n user.note -v 'a note' f
	# A file system that has none at all, whatever it says of that; and one that has, but fails once.
	local call
	for call in flistxattr:ENOTSUP:1-99 flistxattr:ENOSYS:1-99 flistxattr:EIO:1-99 flistxattr:ENOTSUP:3; do
		run given "$call" spool -o f
		[ "$status" -eq 0 ]
		cmp f in
		cp old f
	done
	refuses flistxattr:EIO:1 "f: cannot replace: its extended attributes cannot be kept: Input/output error; use -w to \
overwrite the file in place; nothing was read, the file is unchanged" spool -o f
	refuses flistxattr:EIO:1,flistxattr:EACCES:2 "f: cannot replace: its extended attributes cannot be kept: Permission \
denied; use -w to overwrite the file in place; nothing was read, the file is unchanged" spool -o f
	refuses flistxattr:EIO:3 \
	    "f: cannot replace: its extended attributes cannot be kept: Input/output error; the file is unchanged" spool -o f
	# What a file has no more at the end is removed from the new one, which has got it.
	setfattr -n user.more -v 'one more' f
	run meanwhile 'setfattr -x user.more f' read:GO:1,fremovexattr:EIO:1 spool -o f
	[ "$status" -eq 1 ]
	[ "$output" = \
	    "spool: f: cannot replace: its extended attributes cannot be kept: Input/output error; the file is unchanged" ]
	cmp f old
	setfattr -n user.more -v 'one more' f
	run meanwhile 'setfattr -x user.more f' read:GO:1,fremovexattr:ENODATA:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	setfattr -n user.more -v 'one more' f
	setfattr -n user.note -v 'a note' f
	run meanwhile 'setfattr -x user.more f' read:GO:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	[ "$(getfattr f)" = "$(printf '%s\n' '# file: f' user.note '')" ]
	cp old f
	setfacl -m u:1234:rw f
	cp -a f old
	refuses fsetxattr:ENOSPC:2 \
	    "f: cannot replace: its access control list cannot be kept: No space left on device; the file is unchanged" \
	    spool -o f
}

# It fails with these words, and names the spill file that it could not remove.
leaves() {
	run given "$1" "${@:3}"
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: $2" ]
	[[ ${lines[1]} == "spool: spilled/spool-"??????": cannot remove; it is empty" ]]
	[ "$(find spilled -type f -empty | wc -l)" -eq 1 ]
	cmp f old
	rm spilled/*
}

@test "a call fails: attributes of chattr, of which the others are kept" {
	small
	chattr +AdS f || skip "this file system has no such attributes"
	# The fifth sets all at once, and the next ones one at a time.
	run given ioctl:EPERM:5-6 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	[[ $(lsattr f) == ------dA* ]]
	run given ioctl:ENOTTY:1-9 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	[[ $(lsattr f) == ---------* ]]
}

@test "two calls fail: the spill file of the old contents" {
	small
	seq 1000 | tee old >f
	mkdir aside
	local n found=0
	for n in {1..9}; do
		run given "open:EMFILE:$n,unlink:EACCES:1" spool -m 1K -w -T aside -o f
		[ "$status" -ne 0 ] || cp old f
		if [[ $output == *"/spool-"??????": cannot remove; it is empty"* ]]; then
			[ "$status" -eq 1 ]
			[[ ${lines[1]} == "spool: f: cannot put its old contents aside: Permission denied; the file is unchanged" ]]
			[ "$(find aside -type f -empty | wc -l)" -eq 1 ]
			found=1
			rm aside/*
		fi
		cmp f old
	done
	[ "$found" -eq 1 ]
}

@test "two calls fail: the spill file" {
	small
	refuses open:EMFILE:1-2 "spilled: cannot write the spill file: Too many open files; nothing was released" spool -m 0
	local n found=0
	for n in {1..9}; do
		run given "open:EMFILE:1,malloc:ENOMEM:$n" spool -m 0
		if [ "$status" -ne 0 ]; then
			[[ $output == *": Cannot allocate memory; nothing was "* ]]
			[[ $output != "spool: spilled: cannot write the spill file:"* ]] || found=1
		fi
	done
	[ "$found" -eq 1 ]
	[ -z "$(ls -A spilled)" ]
	leaves open:EMFILE:1,unlink:EACCES:1 \
	    "spilled: cannot write the spill file: Permission denied; nothing was released" spool -m 0
	leaves open:EMFILE:1-2,unlink:EIO:1 \
	    "spilled: cannot write the spill file: Too many open files; nothing was released" spool -m 0
	refuses open:ENOENT:1-9,fcntl:EMFILE:6-9 \
	    "cannot write the stream in memory: Too many open files; nothing was released" spool cat
	unset TMPDIR
	FAIL=access:EACCES:1-2 LD_PRELOAD=$INJECT spool -v -m 1 <in 2>err | cmp - in
	grep -q '291B in /tmp' err
}

@test "two calls fail: waiting for the source" {
	small
	run given read:EAGAIN:1,poll:EINTR:1-2 spool
	[ "$output" = "$(cat in)" ]
	refuses read:EAGAIN:1,poll:ENOMEM:1-2 \
	    "standard input: cannot read: Cannot allocate memory; nothing was released" spool
}

@test "a call fails: the ends" {
	small
	FAIL=pread:EIO:1 LD_PRELOAD=$INJECT spool -m 100 <in 2>err >out && false
	[ "$(cat err)" = \
	    "spool: spilled: cannot read the spill file: Input/output error; standard output has received only a part of the stream" ]
	rm err out
	refuses write:ECONNRESET:1 "standard output: cannot write: Connection reset by peer; it has 0 of 292 bytes" spool
	run given write:ECONNRESET:1 spool --ignore-epipe
	[ "$status" -eq 0 ]
	run given close:EINTR:1-99 spool
	[ "$output" = "$(cat in)" ]
	run bash -c 'FAIL=open:EMFILE:1 LD_PRELOAD=$INJECT spool -o f echo <&-'
	[ "$output" = "spool: /dev/null: cannot open: Too many open files; nothing was read" ]
	refuses fsync:EIO:1 "/dev/null: cannot close: Input/output error; it may be incomplete" spool -o /dev/null
	refuses faccessat:EACCES:1 "/dev/null: cannot write: Permission denied; nothing was read" spool -o /dev/null
	refuses open:EIO:1 "/dev/null: cannot open: Input/output error; nothing was released" spool -o /dev/null
	run given NONE:EIO:1 spool --no-sync -o /dev/null
	[ "$status" -eq 0 ]
	local n found=0
	for n in {1..9}; do
		run given "close:EINTR:$n" spool -o /dev/null
		[ "$status" -eq 0 ]
		run given "fsync:EIO:1,close:EIO:$n" spool -o /dev/null
		[ "$status" -eq 1 ]
		run given "close:EIO:$n" spool -o /dev/null
		[ "$status" -ne 0 ] || continue
		found=1
		[ "$output" = "spool: /dev/null: cannot close: Input/output error; it may be incomplete" ]
	done
	[ "$found" -eq 1 ]
	/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	run given socket:EMFILE:1 spool -o socket
	[ "$output" = "spool: socket: cannot open: Too many open files; nothing was released" ]
}

@test "a call fails: a stream for a device that cannot be read is not blamed on the device" {
	run given pread:EIO:1 spool -m 100 -T . -o /dev/null
	[ "$status" -eq 1 ]
	[[ $output == "spool: /dev/null: cannot read the stream for it: Input/output error; it has "*" of 200000 bytes" ]]
}

@test "a call fails: signals cannot be set up" {
	small
	local n found=0
	for n in {40..70}; do
		run given "sigaction:EINVAL:$n" spool -o f true
		[ "$status" -eq 0 ] || found=1
		[ "$status" -eq 0 ] || [ "$output" = "spool: cannot start: Invalid argument; nothing was read" ]
		cp old f
	done
	[ "$found" -eq 1 ]
	# What only tells of trouble early may fail.
	for call in getrlimit:EINVAL:1 fallocate:ENOSYS:1 fallocate:EINVAL:1 fallocate:ENODEV:1; do
		cp old f
		run given "$call" spool -a -o f
		[ "$status" -eq 0 ]
		cat old in | cmp f
	done
}

@test "an append that fails without waiting for the disk is cut back" {
	small
	refuses write:EIO:1 "f: cannot append: Input/output error; it was cut back to its old length, the file is unchanged" \
	    spool --no-sync -a -o f
	local n found=0
	for n in {1..9}; do
		run given "fsync:EIO:1,fstat:EIO:$n" spool -a -o f
		[ "$status" -eq 1 ]
		[[ $output != *"cannot be cut back (Input/output error), a part of the stream may stay in it" ]] || found=1
		cp old f
	done
	[ "$found" -eq 1 ]
	# One that was empty.
	: >f
	cp f old
	refuses fsync:EIO:1 \
	    "f: cannot overwrite: Input/output error; its old contents were put back, the file is unchanged" spool -w -o f
}

@test "an append that cannot be cut back says what stays, as far as that is known" {
	small
	local failed='spool: f: cannot append: Input/output error; it cannot be cut back'
	run meanwhile ': >f' write:GO:1,write:EIO:1 spool -a -o f
	[ "$status" -eq 1 ]
	[ "$output" = "$failed (it is shorter than it was), a part of the stream may stay in it" ]
	# The file system says that it has cut the file, and has not; once, and each time.
	cp old f
	run meanwhile 'echo >>f' ftruncate:GO:1,write:EIO:1,ftruncate:NOTHING:1 spool -a -o f
	[ "$status" -eq 1 ]
	[ "$output" = \
	    "spool: f: cannot append: Input/output error; it was cut back to its old length, the file is unchanged" ]
	cmp f old
	run meanwhile 'printf x >>f' ftruncate:GO:1,write:EIO:1,ftruncate:NOTHING:1-3 spool -a -o f
	[ "$status" -eq 1 ]
	[ "$output" = "$failed (Input/output error), 1 bytes of the stream stay in it" ]
	[ "$(cat f)" = "$(cat old; printf x)" ]
	cp old f
	run given write:EIO:1,ftruncate:EIO:1 spool -a -o f
	[ "$status" -eq 1 ]
	[ "$output" = "$failed (Input/output error), 0 bytes of the stream stay in it" ]
	cmp f old
	local n found=0
	for n in {1..9}; do
		run given "fsync:EIO:1,fstat:EIO:$n" spool -a -o f
		[ "$status" -eq 1 ]
		[ "$output" != "$failed (Input/output error), a part of the stream may stay in it" ] || found=1
		run given "fsync:EIO:1,ftruncate:EIO:1,fstat:EIO:$n" spool -a -o f
		[ "$status" -eq 1 ]
		[ "$output" != "$failed (Input/output error), a part of the stream may stay in it" ] || found=$((found + 2))
		cp old f
	done
	[ "$found" -ge 3 ]
}

@test "an overwrite that was undone is read again: what the disk has lost is not called unchanged" {
	seq 30000 | tee old >f
	run meanwhile 'printf X 1<>f' write:EIO:2,fsync:GO:2 spool -m 100 -w -o f
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: f: cannot overwrite: Input/output error" ]
	[[ ${lines[1]} == "spool: f: cannot put its old contents back: Input/output error; they are in ./.f.spool-"* ]]
	cmp "${lines[1]##* }" old
	cmp f old && false
	[ "$(tail -c +2 f | cksum)" = "$(tail -c +2 old | cksum)" ]
}

# What others do at one moment.
meanwhile() {
	FAIL_DO=$1 given "${@:2}"
}

@test "meanwhile: others have appended, too" {
	small
	run meanwhile 'echo other >>f' fsync:GO:1,fsync:EIO:1 spool -a -o f
	[[ $output == "spool: f: cannot append: Input/output error; it cannot be cut back (it has grown by more than that), 292 "* ]]
	[ "$(cat f)" = "$(cat old in; echo other)" ]
}

@test "meanwhile: others make the file where there are no hard links" {
	small
	rm f
	run meanwhile 'echo theirs >new' openat:EOPNOTSUPP:1,renameat2:ENOSYS:1,linkat:GO:1,linkat:EPERM:1 spool -o new
	[ "$status" -eq 0 ]
	cmp new in
	only in new old spilled
}

@test "meanwhile: a part of a write that fails has arrived, and is cut off" {
	small
	run meanwhile 'head -c 100 in >>f' write:GO:1,write:ENOSPC:1 spool -a -o f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot append: No space left on device; it was cut back to its old length, the file is unchanged" ]
	cmp f old
	# Where the file cannot be read, it is not known whose that is.
	run meanwhile 'head -c 100 in >>f' openat:EACCES:3,write:GO:1,write:ENOSPC:1 spool -a -o f
	[ "$output" = "spool: f: cannot append: No space left on device; it cannot be cut back (it has grown by more than that), 0 bytes of the stream stay in it" ]
	cp old f
	run meanwhile 'echo : >f' fsync:GO:1,fsync:EIO:1 spool -a -o f
	[ "$output" = "spool: f: cannot append: Input/output error; it cannot be cut back (it is shorter than it was), a part of the stream may stay in it" ]
}

@test "meanwhile: somebody has put another file in place of the hidden one" {
	small
	rm f old
	run meanwhile 'for f in .f.spool-*; do echo other >other; mv other "$f"; done' openat:EOPNOTSUPP:1,fsync:GO:1 spool -o f
	[ "$output" = "spool: f: cannot create: Stale file handle; no file was made" ]
	[ ! -e f ]
}

@test "meanwhile: the file system removes the file and then refuses the new one" {
	small
	run meanwhile 'rm f' renameat:GO:1,renameat:EACCES:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	run meanwhile 'rm f' renameat:GO:1,renameat:EACCES:1,renameat2:EACCES:1 spool -o f
	[ "$status" -eq 1 ]
	[[ $output == "spool: f: cannot replace: Permission denied; the file system has removed the file; its new contents are in ./.f.spool-"* ]]
	cmp .f.spool-* in
	rm .f.spool-*
	cp old f
	run meanwhile 'rm f' linkat:GO:1,linkat:EACCES:1-2 spool -o f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot replace: Permission denied; the file system has removed the file" ]
	only in old spilled
	# Nobody can say what has become of it.
	cp old f
	local n found=0
	for n in {1..20}; do
		run given "renameat:EACCES:1,fstatat:EIO:$n" spool -o f
		[ "$output" != "spool: f: cannot replace: Permission denied; the file was not touched" ] || found=1
		cmp f old
	done
	[ "$found" -eq 1 ]
}

@test "meanwhile: on SMB, others make a new file just then, or the old one cannot be moved back" {
	small
	export FAIL_TYPE=fe534d42
	run meanwhile 'echo theirs >f' renameat2:GO:2 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	run given renameat2:EACCES:2-4 spool -o f
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == "spool: ./.f.spool-"*": cannot rename it to f: Permission denied; it has the old contents" ]]
	local aside=${lines[0]#spool: }
	cmp "${aside%%: cannot rename it*}" old
	[[ ${lines[1]} == "spool: f: cannot replace: Permission denied; the file system has removed the file; its new contents are in ./.f.spool-"* ]]
	cmp "${lines[1]##* }" in
	rm .f.spool-*
	cp old f
	run meanwhile 'rm f' renameat2:GO:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	only f in old spilled
	# A name that others have removed is refused until its last close.
	rm f
	run given linkat:EACCES:1-5 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	rm f
	says 1 "spool: f: cannot create: Permission denied; no file was made" given linkat:EACCES:1-200 spool -o f
	only in old spilled
}

@test "meanwhile: -g, and others change the file in the last moment" {
	small
	# Between the last look and the exchange.
	local told="spool: f: it was changed by another process since spool was started; spool has left it alone"
	for what in 'echo theirs >theirs; mv theirs f' 'echo theirs >f'; do
		cp old f
		run meanwhile "$what" renameat2:GO:1 spool -g -o f
		[ "$status" -eq 3 ]
		[ "$output" = "$told" ]
		[ "$(cat f)" = theirs ]
	done
	cp old f
	run meanwhile 'rm f' renameat2:GO:1 spool -g -o f
	[ "$status" -eq 3 ]
	[ "$output" = "${told/changed/removed}" ]
	# And once more while the exchange is undone: the newest file stays.
	cp old f
	run meanwhile 'date +%N >last; cp last theirs; mv theirs f' renameat2:GO:1-2 spool -g -o f
	[ "$status" -eq 3 ]
	cmp f last
	rm last
	cp old f
	run meanwhile 'chmod 600 f' fsync:GO:1 spool -g -o f
	[ "$status" -eq 3 ]
	cmp f old
	[ "$(stat -c %a f)" = 600 ]
	run meanwhile 'if [ -e once ]; then rm f; else touch once; echo theirs >f; fi' renameat2:GO:1-2 spool -g -o f
	[ "$status" -eq 3 ]
	[ "$(cat f)" = theirs ]
	only f in old once spilled
}

@test "meanwhile: -g, others change the file, and that cannot be undone: their file has a name" {
	small
	local kept
	run meanwhile 'echo theirs >f' renameat2:GO:1,renameat2:EIO:2 spool -g --stats figures -o f
	[ "$status" -eq 1 ]
	kept=.f.spool-${output##*/.f.spool-}
	[ "$output" = "spool: f: cannot replace: Input/output error; other processes have changed it in the same moment, one version is ./$kept" ]
	cmp f in
	[ "$(cat "$kept")" = theirs ]
	grep -q '"changed": true' figures
	only f in old spilled figures "$kept"
	rm "$kept"
	# Others replace it for ever: their newest is kept.
	cp old f
	run meanwhile 'date +%N >last; cp last theirs; mv theirs f' renameat2:GO:1-20 spool -g -o f
	[ "$status" -eq 1 ]
	kept=.f.spool-${output##*/.f.spool-}
	[ "$output" = "spool: f: cannot replace: Device or resource busy; other processes have changed it in the same moment, one version is ./$kept" ]
	cmp "$kept" last
	rm "$kept" last
	# Another process writes into the new file in the moment in which it has the name.
	cp old f
	run meanwhile 'if [ -e once ]; then echo newest >f; else touch once; echo theirs >f; fi' renameat2:GO:1-2 spool -g -o f
	[ "$status" -eq 1 ]
	kept=.f.spool-${output##*/.f.spool-}
	[ "$(cat f "$kept")" = $'theirs\nnewest' ]
	rm "$kept"
	# The exchange cannot be undone where it could be done.
	cp old f
	run meanwhile 'echo theirs >theirs; mv theirs f' renameat2:GO:1,renameat2:EINVAL:2 spool -g -o f
	[ "$status" -eq 1 ]
	kept=.f.spool-${output##*/.f.spool-}
	[ "$(cat "$kept")" = theirs ]
}

@test "-g: a directory that is locked, or cannot be; no exchange" {
	small
	given flock:EAGAIN:1-3 spool -g -o f
	cmp f in
	cp old f
	refuses flock:EAGAIN:1-200 "f: cannot replace: another process has locked its directory (flock); the file is unchanged" spool -g -o f
	given flock:ENOLCK:1 spool -g -o f
	cmp f in
	cp old f
	given renameat2:EINVAL:1 spool -g -o f
	cmp f in
	cp old f
	run meanwhile 'echo theirs >f' flock:GO:1,renameat2:EINVAL:1 spool -g -o f
	[ "$status" -eq 3 ]
	[ "$(cat f)" = theirs ]
	cp old f
	refuses renameat2:EIO:1 "f: cannot replace: Input/output error; the file is unchanged" spool -g -o f
	# SMB.
	FAIL_TYPE=fe534d42 given fsync:EIO:99 spool -g -o f
	cmp f in
	cp old f
	# Others take the hidden name.
	run meanwhile 'for f in .f.spool-*; do echo other >other; mv other "$f"; done' openat:EOPNOTSUPP:1,fsync:GO:1 spool -g -o f
	[ "$status" -eq 1 ]
	cmp f old
}

@test "meanwhile: others write into new contents that cannot be private" {
	small
	mkdir base m
	bindfs --perms=a=rwX --chmod-ignore base m 3>&-
	cp old m/f
	run meanwhile 'echo theirs >>"$(echo m/.f.spool-*)"' fsync:GO:1 spool -o m/f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: m/f: cannot replace: another process has written into its new contents; the file is unchanged" ]
	cmp m/f old
	local n found=0
	for n in {1..20}; do
		run given "read:EIO:$n" spool -o m/f
		[ "$status" -eq 0 ] || cmp m/f old
		[ "$output" != "spool: m/f: cannot read its new contents: Input/output error; the file is unchanged" ] || found=1
	done
	[ "$found" -eq 1 ]
	(cd m && settles_to f)
	umount -l m
}

# Calls fail, @ being 1 to 12 in turn: at least one of these times gives this message, and each time f is what it was, or has
# the new contents.
one_says() {
	local n found=0 told=$1 calls=$2
	for n in {1..12}; do
		cp old f
		run given "${calls//@/$n}" "${@:3}"
		if [ "$status" -eq 0 ]; then
			cmp f in
		else
			[ "$status" -eq 1 ]
			cmp f old
		fi
		[ "$output" != "spool: $told" ] || found=1
		only f in old spilled
	done
	cp old f
	[ "$found" -eq 1 ]
}

@test "a call fails: help is printed line by line" {
	says 1 "spool: standard output: cannot write: No space left on device" \
	    bash -c 'stdbuf -oL spool --help >/dev/full'
}

@test "calls fail: what a check of a path needs, where the file itself is overwritten" {
	small
	refuses linkat:EIO:1 "f: cannot stage the stream for the check: Input/output error; the file is unchanged" \
	    spool -w -c 'test -s {}' -o f
}

@test "calls fail: a file system that does not rename" {
	small
	local error why
	while read -r error why; do
		refuses "renameat:$error:1" "f: cannot replace: $why; use -w to overwrite the file in place; the file is unchanged" spool -o f
	done <<-'END'
	EPERM Operation not permitted
	ENOSYS Function not implemented
	ENOTSUP Operation not supported
	EBUSY it is a mount point
	END
	ln -s "$(command -v spool)" sponge
	for error in EPERM ENOSYS ENOTSUP EBUSY; do
		run given "renameat:$error:1" ./sponge f
		[ "$status" -eq 0 ]
		cmp f in
		cp old f
	done
	run given linkat:EPERM:1 spool -o new
	[ "$status" -eq 1 ]
	[ "$output" = "spool: new: cannot create: Operation not permitted; no file was made" ]
	[ ! -e new ]
}

# Without O_TMPFILE, and the mode of the file beside it cannot be set: so it is made once more at the commit.
late=openat:EOPNOTSUPP:2,openat:EOPNOTSUPP:4,openat:EOPNOTSUPP:7,fchmod:EPERM

@test "calls fail: new contents that cannot be private" {
	small
	local n
	for n in 1 2; do
		run given "$late:$n" spool -o f
		[ "$status" -eq 0 ]
		cmp f in
		cp old f
	done
	for n in 3 5; do
		refuses "$late:1,openat:EACCES:$n" "f: cannot replace: its directory cannot be written: Permission denied; use -w \
to overwrite the file in place; nothing was read, the file is unchanged" spool -o f
	done
	refuses "$late:1,openat:EMFILE:8" "f: cannot replace: Too many open files; the file is unchanged" spool -o f
	one_says "f: cannot read its new contents: Input/output error; the file is unchanged" "$late:1,lseek:EIO:@" spool -o f
	refuses "$late:1,openat:EMFILE:6" \
	    "f: cannot stage the stream for the check: Operation not supported; the file is unchanged" \
	    spool -c 'test -s {}' -o f
}

@test "calls fail: a file system of a program, which stores a file after its last close" {
	small
	export FAIL_TYPE=65735546
	local named=openat:EOPNOTSUPP:2 n
	one_says "f: cannot replace: Input/output error; the file is unchanged" "$named,close:EIO:@" spool -o f
	one_says "f: cannot replace: Too many open files; the file is unchanged" "$named,openat:EMFILE:@" spool -o f
	# It is closed while it is renamed, and then opened once more.
	refuses "$named,renameat:EIO:1" "f: cannot replace: Input/output error; the file is unchanged" spool -o f
	one_says "f: cannot replace: Too many open files; the file is unchanged" "$named,renameat:EIO:1,openat:EMFILE:@" \
	    spool -o f
	run given "$named,close:EINTR:1-99" spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	# It has not stored all of the new contents.
	run meanwhile 'for f in .f.spool-*; do : >"$f"; done' "$named,openat:GO:5" spool -o f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot replace: Input/output error; the file is unchanged" ]
	cmp f old
	# The old file has gone, and so the new one would be opened with its number.
	local found=0
	for n in {3..12}; do
		cp old f
		run meanwhile 'rm f' "$named,read:GO:1,fcntl:EMFILE:$n" spool -o f
		if [ "$status" -eq 0 ]; then
			cmp f in
		fi
		[ "$output" != "spool: f: cannot create: Too many open files; no file was made" ] || found=1
		[ "$found" -eq 0 ] || break
	done
	[ "$found" -eq 1 ]
	only in old spilled
	cp old f
	for n in {1..9}; do
		run meanwhile 'rm f' "$named,read:GO:1,fstat:EIO:$n" spool -o f
		[ "$status" -eq 0 ] || [ "$output" != "spool: f: cannot create: Input/output error; no file was made" ] || found=2
		cp old f
	done
	[ "$found" -eq 2 ]
	only f in old spilled
}

@test "calls fail: a file system of a program, where the file itself is written" {
	small
	export FAIL_TYPE=65735546
	run given openat:EMFILE:5 spool -w -o f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot close: Too many open files; it may be incomplete" ]
	cp old f
	local options error=Input/output
	for options in '-w 5' '-a 4'; do
		run meanwhile ': >f' "openat:GO:${options#* }" spool "${options% *}" -o f
		[ "$status" -eq 1 ]
		[ "$output" = "spool: f: cannot close: $error error; it may be incomplete" ]
		[ ! -s f ]
		cp old f
	done
	# What may not be read cannot be looked at.
	run given openat:EACCES:5 spool -w -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	run given openat:EACCES:3 spool -a -o f
	[ "$status" -eq 0 ]
	cat old in | cmp f
	cp old f
	refuses openat:EACCES:3-4 "f: cannot append: Permission denied; the file is unchanged" spool -a -o f
}

@test "calls fail: a file that others make just then, where there are neither links nor a rename that spares it" {
	small
	rm f
	local error
	for error in EPERM EIO; do
		echo theirs >theirs
		chmod 604 theirs
		run meanwhile 'mv theirs f' "openat:EOPNOTSUPP:1,renameat2:ENOSYS:1,linkat:GO:1,linkat:$error:1" spool -o f
		[ "$status" -eq 0 ]
		cmp f in
		# It has become the old file, so its mode is kept.
		[ "$(stat -c %a f)" = 604 ]
		rm f
	done
	local n found=0
	for n in {1..12}; do
		run given "openat:EOPNOTSUPP:1,renameat2:ENOSYS:1,linkat:EPERM:1,fstatat:EIO:$n" spool -o f
		[ "$status" -ne 0 ] || rm f
		[ "$output" != "spool: f: cannot create: Input/output error; no file was made" ] || found=1
		only in old spilled
	done
	[ "$found" -eq 1 ]
}

@test "calls fail: a new file whose mode cannot be found out" {
	small
	rm f
	run given openat:EMFILE:2-3 spool -o f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot create: its mode cannot be kept: Too many open files; no file was made" ]
	only in old spilled
}

@test "calls fail: the file was replaced by others just then, which ESTALE and EBADFD say, too" {
	small
	setfattr -n user.note -v 'a note' f
	local call error
	for call in openat:{1,3} flistxattr:{1,3} fgetxattr:{1,4} stat:{1,2} fstatat:{1..4}; do
		for error in ESTALE EBADFD; do
			chmod 604 f
			run given "${call%:*}:$error:${call#*:}" spool -o f
			[ "$status" -eq 0 ]
			cmp f in
			[ "$(getfattr --only-values -n user.note f)" = 'a note' ]
			[ "$(stat -c %a f)" = 604 ]
			only f in old spilled
		done
	done
	# So it is when the file is opened to write into it.
	local n
	for n in {1..5}; do
		cp old f
		run given "openat:ESTALE:$n" spool -w -o f
		[ "$status" -eq 0 ]
		cmp f in
	done
	# So does the old file when it is read: to compare it, and to copy it where there are no hard links.
	cp old f
	run given pread:ESTALE:1 spool -u -o f
	[ "$status" -eq 0 ]
	cmp f in
	run given linkat:EPERM:1,read:ESTALE:3 spool -b -o f
	[ "$status" -eq 0 ]
	cmp f in
}

@test "calls fail: the file was replaced by others each time" {
	small
	setfattr -n user.note -v note f
	refuses fgetxattr:ESTALE:1-999 "f: cannot replace: Stale file handle; the file is unchanged" spool -o f
	refuses fstatat:EBADFD:2-99 "f: cannot write: Stale file handle; nothing was read" spool -o f
}

@test "calls fail: finding the file" {
	small
	# It is there, and then it is not, and then it is.
	run given stat:ENOENT:1-2 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	refuses stat:ENOENT:1-200 "f: cannot write: Stale file handle; nothing was read" spool -o f
	run meanwhile 'echo theirs >theirs; mv theirs f' fstatat:GO:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	cp old f
	ln -s f l
	run given stat:EIO:2 spool -o l
	[ "$status" -eq 1 ]
	[ "$output" = "spool: l: cannot write: Input/output error; nothing was read" ]
	run given strdup:ENOMEM:1 spool -o l
	[ "$status" -eq 1 ]
	[ "$output" = "spool: l: cannot write: Cannot allocate memory; nothing was read" ]
	cmp f old
}

@test "calls fail: the disk is waited for where no copy of the descriptor can be closed" {
	small
	local n found=0
	for n in {1..12}; do
		run given "fcntl:EMFILE:$n,fsync:EIO:1" spool -m 0 cat
		[ "$output" != "spool: spilled: cannot write the spill file: Input/output error; nothing was released" ] || found=$n
		[ "$status" -eq 1 ] || [ "$output" = "$(cat in)" ]
	done
	[ "$found" -gt 0 ]
	# An interrupted call is made again, and some kinds of files know no such call.
	local error
	for error in EINTR EINVAL; do
		run given "fcntl:EMFILE:$found,fsync:$error:1" spool -m 0 cat
		[ "$status" -eq 0 ]
		[ "$output" = "$(cat in)" ]
	done
}

@test "calls fail: the contents are read again after a check, where no time of change can be trusted" {
	small
	export FAIL_TYPE=6969
	one_says "f: cannot read its new contents: Cannot allocate memory; the file is unchanged" pread:ENOMEM:@ \
	    spool -c 'cat {} >checked && rm checked' -o f
	one_says "f: cannot read its new contents: Input/output error; the file is unchanged" pread:EIO:@ \
	    spool -c 'cat {} >checked && rm checked' -o f
	local n
	for n in {1..9}; do
		run given "pread:EINTR:$n" spool -c 'cat {} >checked && rm checked' -o f
		[ "$status" -eq 0 ]
		cmp f in
		cp old f
	done
	# The check makes it shorter, longer, or just another.
	local check
	for check in ': >{}' 'echo >>{}' 'printf X 1<>{}' 'sleep 1; printf X 1<>{}'; do
		for FAIL_TYPE in 6969 ef53; do
			run given NONE:EIO:1 spool -c "$check" -o f
			[ "$status" -eq 3 ]
			[ "$output" = "spool: the check '$check' has changed the stream; the file is unchanged" ]
			cmp f old
		done
	done
	# One that only changes the times is believed.
	run given NONE:EIO:1 spool -c 'sleep 1; touch {}' -o f
	[ "$status" -eq 0 ]
	cmp f in
	only f in old spilled
}

@test "calls fail: what is known of the file systems" {
	small
	rm f
	# The file may have another name by now, if it cannot be looked at.
	local n found=0
	for n in {1..9}; do
		run given "openat:EOPNOTSUPP:1,fstat:EIO:$n" spool -o f
		if [ "$status" -ne 0 ]; then
			[ ! -e f ]
			[ "$output" != "spool: f: cannot create: Stale file handle; no file was made" ] || found=1
		fi
		rm -f f
		only in old spilled
	done
	[ "$found" -eq 1 ]
	# SMB 1, and ramfs.
	cp old f
	export FAIL_TYPE=ff534d42; run given NONE:EIO:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	only f in old spilled
	export FAIL_TYPE=858458f6; run given NONE:EIO:1 spool -v -m 0 -o /dev/null
	[ "$status" -eq 0 ]
	[[ $output == *" 292B in spilled (which is memory as well; use -T to choose another directory); "* ]]
}

@test "calls fail: a descriptor, of which the system says nothing" {
	small
	local n found=0
	for n in {1..12}; do
		FAIL=fcntl:EBADF:$n LD_PRELOAD=$INJECT spool -o /dev/fd/3 <in 3>out 2>err && continue
		[ -s err ]
		! grep -qx 'spool: /dev/fd/3: cannot write: it is closed; nothing was read' err || found=$((found + 1))
		[ ! -s out ]
	done
	[ "$found" -eq 2 ]
}

@test "calls fail: as sponge, whether moreutils would rename" {
	small
	ln -s "$(command -v spool)" sponge
	# Who may not write the file replaces it, where sponge would make its new file on the same file system.
	local directory
	for directory in '' "$PWD" "$PWD/none"; do
		rm -f other
		ln f other
		export FAIL=faccessat:EACCES:1-9 TMPDIR=$directory
		run bash -c 'LD_PRELOAD=$INJECT exec timeout -s KILL 20 ./sponge f <in'
		if [ "$directory" = "$PWD/none" ]; then
			[ "$status" -eq 1 ]
			[ "$output" = "sponge: f: cannot write: Permission denied; nothing was read, the file is unchanged" ]
			cmp f old
		else
			[ "$status" -eq 0 ]
			cmp f in
			rm f
			mv other f
			cmp f old
		fi
	done
	unset FAIL
	run given faccessat:EROFS:1-9 ./sponge f
	[ "$status" -eq 1 ]
	[ "$output" = "sponge: f: cannot write: Read-only file system; nothing was read, the file is unchanged" ]
	cmp f old
	# One that is reached by a link is overwritten, and so its other names follow.
	ln -s f l
	run given NONE:EIO:1 ./sponge l
	[ "$status" -eq 0 ]
	cmp f in
	cmp other in
}

@test "a call fails: the file that shows whether there are modes" {
	small
	mkdir base m
	bindfs base m 3>&-
	run given unlink:EACCES:1 spool -T m
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "spool: m/spool-"??????": cannot remove; it is empty" ]]
	rm m/spool-*
	run given mkostemp:EACCES:1 spool -T m
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat in)" ]
	(cd m && settles_to)
	umount -l m
}

@test "a call fails: a file of FUSE is looked at after its last close" {
	small
	mkdir base m
	bindfs base m 3>&-
	local call n told found=0
	for call in close:EIO openat:EACCES openat:EIO fstat:EIO pread:EIO; do
		for n in {1..25}; do
			cp old m/f
			run given "$call:$n" spool -o m/f
			if [ "$status" -eq 0 ]; then cmp m/f in; else cmp m/f old && found=$((found + 1)); fi
			for told in -w -a; do
				cp old m/f
				run given "$call:$n" spool "$told" -o m/f
				[ "$status" -ne 0 ] || continue
				cmp m/f old || [[ $output == *"it may be incomplete" ]]
			done
		done
	done
	(cd m && settles_to f)
	umount -l m
	[ "$found" -gt 10 ]
}

@test "meanwhile: the file is something else, or has gone" {
	small
	# Looked at twice: before reading, and at the end.
	run meanwhile 'rm f; mkfifo f' openat:GO:1 spool -o f
	[ "$output" = "spool: f: cannot write: Invalid argument; nothing was read, the file is unchanged" ]
	[ -p f ]
	rm f
	cp old f
	run meanwhile 'rm f; mkfifo f' read:GO:1 spool -o f
	[ "$output" = "spool: f: cannot write: it is not a regular file any more; nothing was released" ]
	[ -p f ]
	rm f
	cp old f
	run meanwhile 'rm f; mkdir f' read:GO:1 spool -o f
	[ "$output" = "spool: f: cannot write: Is a directory; the file is unchanged" ]
	rmdir f
	for options in '' -w -a -b -u '-c true' '-w -c true'; do
		for call in openat read; do
			cp old f
			# shellcheck disable=SC2086
			run meanwhile 'rm f' "$call:GO:1" spool $options -o f
			[ "$status" -eq 0 ]
			cmp f in
			rm f
			only in old spilled
		done
	done
	run meanwhile 'ln -s f f' readlink:GO:2 spool -o f
	[ "$output" = "spool: f: cannot write: Too many levels of symbolic links; nothing was read" ]
	rm f
	echo theirs >theirs
	run meanwhile 'cp theirs f' fsync:GO:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
}

@test "meanwhile: -u compares with a file that becomes shorter" {
	local n
	small
	for n in 2 3 4; do
		cp in f
		run meanwhile ': >f' "read:GO:$n" spool -u -o f
		[ "$status" -eq 0 ]
		cmp f in
	done
}

@test "calls fail: a second attempt to replace a guarded file, which spool itself has given another name" {
	local option
	small
	for option in -b --no-sync '--try true'; do
		cp old f
		# shellcheck disable=SC2086 # two words
		given flock:EAGAIN:1 spool -g $option -o f
		cmp f in
		rm -f f~
		only f in old spilled
	done
}

@test "calls fail: a trial" {
	local call n
	small
	for call in asprintf setenv posix_spawn waitid waitpid; do
		says 1 "spool: f: cannot run the trial 'true': Cannot allocate memory; the old file is back" \
		    given "$call:ENOMEM:1" spool -o f --try true
		cmp f old
		only f in old spilled
	done
	# What has just been removed, or has the same random name, is another attempt.
	for call in linkat:ENOENT:1 linkat:EEXIST:1; do
		cp old f
		given "$call" spool -o f --try true
		cmp f in
		only f in old spilled
	done
	cp old f
	for call in linkat:EEXIST:1-100 linkat:EPERM:1; do
		run given "$call" spool -o f --try true
		[ "$status" -eq 1 ]
		[[ $output == "spool: f: cannot make a hard link to keep the old file during the trial: "*"; the file is unchanged" ]]
		cmp f old
		only f in old spilled
	done
	# Each look at the file: the old one is back, or it is told where it is.
	for call in fstat fstatat open; do
		for n in {1..12}; do
			cp old f
			run given "$call:EIO:$n" spool -o f --try false
			[ "$status" -ne 0 ]
			if [[ $output == *"the old file, ./.f.spool-"*", cannot be put back: Input/output error" ]]; then
				cmp f in
				mv .f.spool-* f
			fi
			cmp f old
			only f in old spilled
		done
	done
}

@test "calls fail: -g on FUSE, where the new file was closed and opened again" {
	small
	# The new file has a hidden name from the beginning, and is renamed while it is closed.
	FAIL_TYPE=65735546 given openat:EOPNOTSUPP:2 spool -g -o f
	cmp f in
	only f in old spilled
}

# The trial ends with this status on such a file system, and FILE is the old one or the new: tried TYPE STATUS CMD
tried() {
	rm -f f
	cp old f
	FAIL_TYPE=$1 run given openat:EOPNOTSUPP:2 spool -o f --try "$3"
	[ "$status" -eq "$2" ] || { echo "$1 $3: status $status"; return 1; }
	if [ "$2" -eq 0 ]; then
		cmp f in
	elif [ "$2" -eq 3 ]; then
		cmp f old
	else
		rm .f.spool-*
	fi
	only f in old spilled
}

@test "meanwhile: CMD changes the time, the size or the inode of the new file, on local, FUSE and SMB file systems" {
	local ext4=ef53 fuse=65735546 smb=fe534d42 type
	local replaced='cp -p f other; mv other f' second='touch -d @1000000000 f' moment='touch -d "$(stat -c @%Y f).5" f'
	small
	for type in $ext4 $fuse $smb; do
		tried "$type" 0 true
		tried "$type" 3 false
		tried "$type" 3 'echo >>{}'
		tried "$type" 3 'rm {}'
	done
	# Where times may move by themselves, another time is no change.
	for type in $fuse $smb; do
		tried "$type" 0 "$second"
		tried "$type" 0 "$moment"
	done
	tried "$ext4" 3 "$second"
	tried "$ext4" 3 "$moment"
	# Where a file may get another number, one of the same size and time is the new one.
	tried "$fuse" 3 "$replaced; false"
	tried "$ext4" 1 "$replaced; false"
	tried "$smb" 1 "$replaced; false"
	tried "$fuse" 1 "$replaced; $second; false"
	tried "$fuse" 1 "$replaced; $moment; false"
	tried "$fuse" 1 "$replaced; echo >>f; false"
}

@test "calls fail: the names of a trial" {
	small
	says 1 "spool: f: cannot make a hard link to keep the old file during the trial: Operation not permitted; nothing was read, the file is unchanged" \
	    given openat:EOPNOTSUPP:2,linkat:EPERM:1 spool -o f --try true
	cmp f old
	run given renameat:EIO:1,unlinkat:EIO:1 spool -o f --try true
	[ "$status" -eq 1 ]
	[[ ${lines[1]} == "spool: ./.f.spool-"*": cannot remove: Input/output error; it is another name of the old file" ]]
	cmp f old
	rm .f.spool-*
	# The new contents are there, and the old ones, but not as the backup.
	run given renameat:EIO:2 spool -b -o f --try true
	[ "$status" -eq 1 ]
	[[ $output == "spool: f: cannot make its backup f~: Input/output error; it has the new contents, and the old file is ./.f.spool-"* ]]
	cmp f in
	cmp .f.spool-* old
	rm .f.spool-*
	says 1 "spool: f: cannot make its backup f~: the old file was removed during the trial; it has the new contents" \
	    given NONE:EIO:1 spool -b -o f --try 'rm .f.spool-*'
	cmp f in
	cp old f
	cp old f
	says 1 "spool: f: the trial 'false' exited with status 1; the old file is back, but its directory cannot be synced: Input/output error; a power cut may undo that" \
	    given fsync:EIO:2 spool -o f --try false
	cmp f old
	# It stays under its hidden name.
	run given unlinkat:EIO:1 spool -o f --try true
	[ "$status" -eq 0 ]
	[[ $output == "spool: f: the old file stays, as ./.f.spool-"*": cannot remove it: Input/output error" ]]
	cmp .f.spool-* old
	rm .f.spool-*
}

@test "calls fail: a new file on trial" {
	local call
	small
	rm f
	# Others have removed it; its status cannot be had; it cannot get a hidden name; it cannot be removed.
	run meanwhile 'rm f' renameat2:GO:1 spool -o f --try false
	[ "$output" = "spool: f: the trial 'false' exited with status 1; the file was removed again" ]
	run meanwhile 'echo theirs >other; mv other f' renameat2:GO:1 spool -o f --try false
	[ "$output" = "spool: f: the trial 'false' exited with status 1; the file cannot be removed again: the new one has been replaced" ]
	[ "$(cat f)" = theirs ]
	rm f
	says 1 "spool: f: the trial 'false' exited with status 1; the file cannot be removed again: Input/output error" \
	    given renameat2:EIO:1 spool -o f --try false
	rm f
	run -3 given unlinkat:EIO:1 spool -o f --try false
	[[ ${lines[0]} == "spool: ./.f.spool-"*": cannot remove: Input/output error" ]]
	[ "${lines[1]}" = "spool: f: the trial 'false' exited with status 1; the file was removed again" ]
	cmp .f.spool-* in
	rm .f.spool-*
	run -1 meanwhile 'echo theirs >other; mv other f' renameat2:GO:1,renameat2:EIO:2 spool -o f --try false
	[[ $output == "spool: f: the trial 'false' exited with status 1; this cannot be undone: Input/output error; other \
processes have replaced the file in the same moment, one version is ./.f.spool-"* ]]
	[ "$(cat .f.spool-*)" = theirs ]
	rm .f.spool-*
	# Each look at it: the file is removed, or it is left.
	local n
	for n in {1..12}; do
		run given "fstatat:EIO:$n" spool -o f --try false
		[ "$status" -ne 0 ]
		if [[ $output == *"cannot be removed again: Input/output error" ]]; then
			cmp f in
			rm f
		fi
		only in old spilled
	done
	only in old spilled
}

@test "calls fail: no other descriptor of the spill file reaches its end" {
	small
	run given open:EACCES:3,pread:EIO:1 spool -m 0 cat
	[ "$status" -eq 1 ]
	[ "$output" = "spool: spilled: cannot write the spill file: Input/output error; nothing was released" ]
}

@test "calls fail: the end of a trial" {
	local call
	small
	# Without an exchange of names, it is one rename.
	for call in ENOSYS EINVAL; do
		run given "renameat2:$call:1" spool -o f --try false
		[ "$status" -eq 3 ]
		cmp f old
		only f in old spilled
	done
	# The file system has removed the old file, and the new one cannot have its name.
	run meanwhile 'rm f' renameat:GO:1,renameat:EIO:1,renameat2:EIO:1 spool -o f --try true
	[ "$status" -eq 1 ]
	[[ $output == "spool: f: cannot replace: Input/output error; the file system has removed the file; "*"the old file is back, by its second name" ]]
	cmp f old
	rm .f.spool-*
	# The new file can be neither closed for writing nor executed: that is what CMD finds then.
	given dup2:EBUSY:1 spool -o f --try 'cmp f in'
	cmp f in
	cp old f
	given open:EMFILE:1 spool -o f --try 'cmp f in' || true
	only f in old spilled
}

@test "meanwhile: others replace what is taken back" {
	small
	# It is removed: the old file has its place at once.
	run meanwhile 'rm f' renameat2:GO:1 spool -o f --try false
	[ "$output" = "spool: f: the trial 'false' exited with status 1; the old file is back" ]
	cmp f old
	# It is replaced again while that is undone: the newest stays, and what has the hidden name is not called the old file.
	run meanwhile 'date +%N >other; mv other f' renameat2:GO:1,renameat2:GO:2 spool -o f --try false
	[ "$status" -eq 1 ]
	[[ $output == *"; this cannot be undone: Device or resource busy; other processes have replaced the file in the same \
moment, one version is ./.f.spool-"* ]]
	run ! cmp -s f old
	rm .f.spool-*
	# And it cannot be undone.
	cp old f
	run meanwhile 'echo theirs >other; mv other f' renameat2:GO:1,renameat2:EIO:2 spool -o f --try false
	[[ $output == *"; this cannot be undone: Input/output error; other processes have replaced the file in the same \
moment, one version is ./.f.spool-"* ]]
	cmp f old
	[ "$(cat .f.spool-*)" = theirs ]
	rm .f.spool-*
	cp old f
	run meanwhile 'echo theirs >other; mv other f' renameat2:GO:1 spool -o f --try false
	[ "$status" -eq 1 ]
	[[ $output == *"; the old file, ./.f.spool-"*", cannot be put back: the new one has been replaced" ]]
	[ "$(cat f)" = theirs ]
	cmp .f.spool-* old
	rm .f.spool-*
}

@test "meanwhile: a signal during a trial, and the old file cannot be put back" {
	small
	run given renameat2:EIO:1 spool -o f --try 'kill -TERM $PPID; sleep 10'
	[ "$status" -eq 143 ]
	[[ $output == "spool: f: a signal has ended the trial; the old file, ./.f.spool-"*", cannot be put back: Input/output error" ]]
	cmp f in
	cmp .f.spool-* old
	rm .f.spool-*
	cp old f
	run given fsync:EIO:2 spool -o f --try 'kill -TERM $PPID; sleep 10'
	[ "$status" -eq 143 ]
	[ -z "$output" ]
	cmp f old
	only f in old spilled
}

@test "meanwhile: a signal that the watch has not seen yet stops the commit" {
	small
	# When it comes the watch does not wait for it yet; COMMAND ends while that is so.
	run meanwhile 'kill -TERM $PPID; touch sent; sleep 0.5' sigwait:GO:1 \
	    spool -o f sh -c 'until [ -e sent ]; do sleep 0.02; done; seq 5'
	[ "$status" -eq 143 ]
	cmp f old
	only f in old sent spilled
}

@test "meanwhile: a signal when the watch is about to stop" {
	small
	local n
	# Once when the check is started, once when it has ended, and once when it has been judged.
	for n in 1 2 3; do
		run meanwhile 'kill -TERM $PPID; sleep 0.2' "sigpending:GO:$n" spool -c true
		[ "$status" -eq 143 ]
		[ -z "$output" ]
	done
	run given sigpending:EIO:4 spool -c true
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat in)" ]
}

@test "meanwhile: a signal while a check runs, and calls of the watch fail" {
	small
	local call
	for call in waitid:EINTR:2 waitid:ECHILD:2 sigwait:EINVAL:2 sigwait:EINVAL:3 sigwait:EINVAL:4; do
		run given "$call" spool -c 'kill -TERM $PPID; sleep 0.2' -o f
		[ "$status" -eq 143 ]
		cmp f old
		only f in old spilled
	done
	# Two children, of which one ends before the other.
	run given NONE:EIO:1 spool -c 'trap "" TERM; kill -TERM $PPID; sleep 0.3; touch checked' -o f \
	    sh -c 'echo x; exec >&-; sleep 10'
	[ "$status" -eq 143 ]
	[ -e checked ]
	cmp f old
}

@test "calls fail: signals cannot be waited for, or sent to a thread or the process" {
	small
	local calls
	for calls in sigwait:EPERM:1-999,sigtimedwait:EPERM:1-999 kill:EPERM:1; do
		run given "$calls" spool -p -c 'sleep 0.2' -o f
		[ "$status" -eq 0 ]
		cmp f in
		cp old f
	done
	run given sigwait:EPERM:1-999 spool -c 'kill -USR1 $PPID; sleep 0.3'
	[[ $output == "spool: checking 292B 0:00:00"* ]]
	run given sigwait:EPERM:1-999 spool -o f sh -c 'kill -TERM $PPID; exec sleep 10'
	[ "$status" -eq 143 ]
	cmp f old
	only f in old spilled
}

@test "meanwhile: a signal that comes when the check has ended still ends spool" {
	small
	run meanwhile 'kill -TERM $PPID; sleep 0.1' kill:GO:1 spool -c true
	[ "$status" -eq 143 ]
	[ -z "$output" ]
}

@test "a call fails: the figures" {
	small
	rm f
	run given ftruncate:EIO:1 spool --stats figures
	[ "$status" -eq 1 ]
	[ "$output" = "spool: figures: cannot write the figures: Input/output error; nothing was read" ]
	local call
	for call in ftruncate:EIO:2 sync_file_range:EIO:1 lseek:EIO:1; do
		run given "$call" spool --stats figures
		[ "$status" -eq 0 ]
		grep -qx 'spool: figures: cannot write the figures: Input/output error; the stream is not affected' <<<"$output"
	done
	status=0
	FAIL=fcntl:EMFILE:4 LD_PRELOAD=$INJECT spool --stats /dev/stderr <in >out 2>log || status=$?
	[ "$status" -eq 1 ]
	[ "$(cat log)" = "spool: /dev/stderr: cannot write the figures: Too many open files; nothing was read" ]
	for call in fopen:ENOENT:1 fopen:ENOENT:1,getrusage:EINVAL:1; do
		run given "$call" spool --stats figures
		[ "$status" -eq 0 ]
	done
	grep -q '"peak_rss_bytes": null, .*"status": 0}' figures
	# A file that takes nothing; and where nothing does, the message cannot be written either.
	run given write:NOTHING:2 spool --stats figures
	[ "$status" -eq 0 ]
	grep -qx 'spool: figures: cannot write the figures: Input/output error; the stream is not affected' <<<"$output"
	run given write:NOTHING:2-9999 spool --stats figures
	[ "$status" -eq 0 ]
	run given write:EINTR:2 spool --stats figures
	[ "$status" -eq 0 ]
	grep -q '"status": 0}' figures
}

@test "a call fails: the progress" {
	small
	run given pthread_create:EAGAIN:2 spool -p
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' 'spool: cannot show the progress: Resource temporarily unavailable'; cat in)" ]
	run given pthread_attr_init:ENOMEM:1 spool -p
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' 'spool: cannot show the progress: Cannot allocate memory'; cat in)" ]
	run given pthread_create:EAGAIN:1 spool -p
	[ "$status" -eq 1 ]
	[ "$output" = "spool: cannot start: Resource temporarily unavailable; nothing was read" ]
}

@test "a call fails: a terminal's width" {
	export COLUMNS=30
	on_terminal sh -c '(head -c 3M /dev/zero; sleep 0.5) |
	    FAIL=ioctl:EIO:1-999 LD_PRELOAD=$INJECT spool -p >out' >seen
	tr '\r' '\n' <seen | grep '[^ ]' >lines
	[ "$(wc -L <lines)" -ge 12 ]
	[ "$(wc -L <lines)" -le 29 ]
	run ! grep -vxE 'soaking [0-9.]+[KM]?i?B 0:00:0[0-9]( [0-9.]+[KMG]?i?B/s)? *' lines
	[ "$(stat -c %s out)" -eq 3145728 ]
}

#
# COMMAND makes, changes or reads a file in a private directory. COMMAND stands here for whoever does something there
# meanwhile: a test runs both as the same user.
#

@test "a neighbour puts a link in place of the private directory: what is there is neither taken nor removed" {
	small
	mkdir theirs
	echo theirs | tee theirs/f >theirs/stream
	local swap='d=${1%/*}; mv "$d" aside; ln -s "$PWD/theirs" "$d"'
	run spool -f -o f sh -c "$swap"' && echo x >>"$1"' sh {}
	[ "$status" -eq 1 ]
	[[ $output == "spool: sh: left no file at ./.f.spool-"??????"/f; the file is unchanged" ]]
	[ "$(readlink .f.spool-*)" = "$PWD/theirs" ]
	[ "$(cat theirs/f)" = $'theirs\nx' ]
	echo theirs >theirs/f
	rmdir aside
	rm .f.spool-*
	# The copy that COMMAND should have edited has gone.
	run spool --edit -o f sh -c "$swap" sh {}
	[ "$status" -eq 0 ]
	rmdir aside
	rm .f.spool-*
	cmp f old
	run spool -f sh -c "$swap"'; cat' sh {} <in
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat in)" ]
	[ "$(readlink spilled/spool-*)" = "$PWD/theirs" ]
	rmdir aside
	rm spilled/spool-*
	[ "$(cat theirs/*)" = $'theirs\ntheirs' ]
	only f in old spilled theirs
}

@test "a neighbour puts another directory in place of the private one: FILE gets what COMMAND made in the right one" {
	small
	mkdir theirs
	echo theirs | tee theirs/f >theirs/stream
	local swap='d=${1%/*}; mv "$d" aside; cp -R theirs "$d"'
	run spool -f -o f sh -c 'cp in "$1"; '"$swap" sh {}
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	cmp f in
	[ "$(cat .f.spool-*/f)" = theirs ]
	rmdir aside
	rm -r .f.spool-*
	cp old f
	run spool --edit -o f sh -c 'cat in >>"$1"; '"$swap; exit 4" sh {}
	[ "$status" -eq 4 ]
	[ "$output" = "spool: sh: exited with status 4; the file is unchanged" ]
	cmp f old
	[ "$(cat .f.spool-*/f)" = theirs ]
	rmdir aside
	rm -r .f.spool-*
	run spool -f sh -c "$swap" sh {} <in
	[ "$status" -eq 0 ]
	[ "$(cat spilled/spool-*/stream)" = theirs ]
	rmdir aside
	only f in old spilled theirs
}

@test "a neighbour puts a directory with files in place of the private one before it is opened: they stay" {
	small
	local n found=0
	for n in {1..9}; do
		rm -rf aside documents
		mkdir documents
		echo mine >documents/mine
		cp old f
		run meanwhile 'd=$(echo .f.spool-*); [ ! -d "$d" ] || { mv "$d" aside && mv documents "$d"; }' "openat:GO:$n" \
		    spool -f -o f sh -c 'cp in "$1"' sh {}
		if [ "$status" -eq 1 ] && [[ $output == "spool: .: cannot make a directory for {} there: "* ]]; then
			[[ $output == *": Directory not empty; nothing was read" ]]
			found=1
			cmp f old
		fi
		[ ! -d aside ] || mv .f.spool-* documents
		[ "$(cat documents/mine)" = mine ]
	done
	rm -rf aside documents
	only f in old spilled
	[ "$found" -eq 1 ]
}

@test "meanwhile: somebody has put another file in place of what COMMAND made" {
	small
	run meanwhile 'for f in .f.spool-*; do echo other >other; mv other "$f"; done' fsync:GO:1 spool -f -o f cp in {}
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot replace: Stale file handle; the file is unchanged" ]
	cmp f old
	only f in old spilled
}

@test "a file with a second name is copied: who has that name cannot change FILE later" {
	small
	local options
	for options in -f --edit; do
		cp old f
			run spool "$options" -o f sh -c 'cp in "$1"; ln "$1" other' sh {}
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		cmp f in
		[ "$(stat -c %h f)" -eq 1 ]
		cmp other in
		echo x >>other
		cmp f in
		rm other
	done
	# A second name in the private directory goes with that.
	run spool -f -o f sh -c 'seq 5 >"$1"; ln "$1" "$1.other"' sh {}
	[ "$status" -eq 0 ]
	[ "$(cat f)" = "$(seq 5)" ]
	only f in old spilled
}

@test "a file of another user is copied: its owner cannot change FILE later" {
	needs_to_give_files_away
	small
	chmod 604 f
	local make='cp in "$1"; chmod 666 "$1"; chown 1234:1234 "$1"'
	run spool -f -o f sh -c "$make" sh {}
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	cmp f in
	[ "$(stat -c '%u %g %a' f)" = "$(stat -c '%u %g' old) 604" ]
	run spool -f -o new sh -c "$make" sh {}
	[ "$status" -eq 0 ]
	cmp new in
	[ "$(stat -c '%u %g' new)" = "$(stat -c '%u %g' old)" ]
	only f in new old spilled
}

@test "what COMMAND left is not a regular file: FILE is unchanged, and a link's file, too" {
	small
	seq 7 >secret
	local make
	for make in 'ln -s "$PWD/secret" "$1"' 'ln -s none "$1"' 'mkfifo "$1"' 'mkdir "$1"; touch "$1/x"'; do
		run spool -f -o f sh -c "$make" sh {}
		[ "$status" -eq 1 ]
		[[ $output == "spool: sh: what it left at ./.f.spool-"??????"/f is not a regular file; the file is unchanged" ]]
		cmp f old
		run spool --edit -o f sh -c 'rm "$1"; '"$make" sh {}
		[ "$status" -eq 1 ]
		cmp f old
		run spool -f -T spilled -o f sh -c "$make" sh {}
		[ "$status" -eq 1 ]
		cmp f old
	done
	[ "$(cat secret)" = "$(seq 7)" ]
	[ -z "$(ls -A spilled)" ]
	rm secret
	only f in old spilled
}

@test "COMMAND is killed: its status is passed on, FILE is unchanged, and the private directory goes" {
	small
	local options
	for options in -f --edit '-f -w' '-f -a' '-f -T spilled'; do
		# shellcheck disable=SC2086
		run spool $options -o f sh -c 'cp in "$1"; touch "$1.more"; kill -KILL $$' sh {}
		[ "$status" -eq 137 ]
		[ "$output" = "spool: sh: was ended by signal 9 (Killed); the file is unchanged" ]
		cmp f old
	done
	run spool -f sh -c 'echo x >>"$1"; kill -KILL $$' sh {} <in
	[ "$status" -eq 137 ]
	[ "$output" = "spool: sh: was ended by signal 9 (Killed)" ]
	run spool -f sh -c 'rm "$1"; exit 7' sh {} <in
	[ "$status" -eq 7 ]
	[ -z "$output" ]
	[ -z "$(ls -A spilled)" ]
	only f in old spilled
}

@test "spool gets a signal while COMMAND runs: FILE is unchanged, and the private directory goes" {
	small
	local options
	for options in '-f -o f' '--edit -o f' '-f -w -o f' -f; do
		# shellcheck disable=SC2086
		run spool $options sh -c 'cp in "$1"; touch "$1.more"; kill -TERM $PPID; exec sleep 10' sh {} <in
		[ "$status" -eq 143 ]
		[ -z "$output" ]
		cmp f old
		[ -z "$(ls -A spilled)" ]
		only f in old spilled
	done
}

@test "COMMAND leaves a tree of files beside its own: it goes, and what its links lead to stays" {
	small
	mkdir theirs
	touch theirs/file
	local tree='cd "${1%/*}" && mkdir -p a/b/c .hidden && touch a/b/c/d a/e "new
line" .hidden/f -- -x && ln -s ../theirs a/theirs && ln -s ../../theirs/file a/b/file && mkfifo a/fifo && chmod 500 a/b/c'
	run spool -f -o f sh -c 'cp in "$1"; '"$tree" sh {}
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	cmp f in
	only f in old spilled theirs
	run spool -f -o f sh -c "$tree; exit 9" sh {}
	[ "$status" -eq 9 ]
	cmp f in
	only f in old spilled theirs
	run spool -f sh -c "$tree" sh {} <in
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -z "$(ls -A spilled)" ]
	[ -e theirs/file ]
	only f in old spilled theirs
}

@test "calls fail: the file of {} can be removed neither beside its directory nor be moved back" {
	small
	run given unlinkat:EIO:1,renameat:EIO:2 spool -f cat {}
	[ "$status" -eq 0 ]
	[[ $output == *"spool: spilled/spool-"??????".stream: cannot remove: Input/output error" ]]
	cmp spilled/spool-??????.stream in
}

@test "FILE is in a directory that others can write: only where they can rename files, no path is given" {
	small
	mkdir d
	cp old d/f
	chmod 777 d
	local options
	for options in -f --edit; do
		run spool "$options" -o d/f touch {}
		[ "$status" -eq 1 ]
		[ "$output" = "spool: d: any user can rename files there, so {} would not be safe; use -T to choose another \
directory; nothing was read" ]
		cmp d/f old
		[ "$(ls -A d)" = f ]
	done
	run spool -f -T spilled -o d/f cp in {}
	[ "$status" -eq 0 ]
	cmp d/f in
	says 1 "spool: d: any user can rename files there, so {} would not be safe; use -T to choose another directory; \
nothing was read" spool -f -T d cat {}
	chmod 1777 d
	cp old d/f
	run spool --edit -o d/f cp in {}
	[ "$status" -eq 0 ]
	cmp d/f in
	[ "$(ls -A d)" = f ]
	[ -z "$(ls -A spilled)" ]
	rm -r d
	only f in old spilled
}

@test "what COMMAND made is private while it waits for a check, and then has the mode of FILE" {
	small
	umask 0
	local check='stat -c %a .f.spool-* .new.spool-* 2>/dev/null >mode; true'
	chmod 604 f
	run spool -f -c "$check" -o f cp in {}
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(cat mode)" = 600 ]
	[ "$(stat -c %a f)" = 604 ]
	run spool -f -c "$check" -o new sh -c 'cp in "$1" && chmod 751 "$1" && stat -c %a "${1%/*}" >&2' sh {}
	[ "$status" -eq 0 ]
	[ "$output" = 700 ]
	[ "$(cat mode)" = 600 ]
	[ "$(stat -c %a new)" = 751 ]
	rm mode
	only f in new old spilled
}

@test "FILE is on a file system of a program, where an open file may be lost when it is renamed: COMMAND's file is copied" {
	small
	export FAIL_TYPE=65735546
	local options
	for options in -f --edit; do
		run given NONE:EIO:1 spool "$options" -o f sh -c 'cp in "$1"; echo "$1"' sh {}
		[ "$status" -eq 0 ]
		[[ $output == spilled/spool-??????/f ]]
		cmp f in
		cp old f
	done
	[ -z "$(ls -A spilled)" ]
	only f in old spilled
}

@test "the hidden name for what COMMAND made exists already: the contents are copied" {
	needs_injector
	local number copied=
	# The call says that the file is there.
	for number in $(seq 8); do
		echo old >f
		if with "fstatat:NOTHING:$number" spool -o f -f sh -c 'seq 3 >"$1"; stat -c %i "$1" >inode' sh {} 2>/dev/null; then
			seq 3 | diff - f
			[ "$(stat -c %i f)" = "$(cat inode)" ] || copied=yes
		else
			[ "$(cat f)" = old ]
		fi
		rm -f inode
		only f in spilled
	done
	[ -n "$copied" ]
}

@test "calls fail: --stream cannot start COMMAND, or remove the name of its spill file" {
	small
	says 1 "spool: cat: cannot be started: Resource temporarily unavailable; nothing was released" \
	    given posix_spawn:EAGAIN:1 spool -s -n cat
	says 1 "spool: cat: cannot be started: Resource temporarily unavailable; nothing was released" \
	    given posix_spawn:EAGAIN:1 spool -s cat
	local n told=
	for n in {1..9}; do
		run given "unlink:EACCES:1,open:EMFILE:$n" spool -s -m 0
		[[ $output != *"spool: spilled/spool-"??????": cannot remove; it is empty" ]] || told=yes
		rm -f spilled/spool-??????
	done
	[ -n "$told" ]
	only f in old spilled
}
