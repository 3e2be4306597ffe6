#!/usr/bin/env bats
# faults.bats: every call of the C library that spool makes fails once, by fail.c: status 0 means that all arrived.
# shellcheck disable=SC2153 # FAIL_SO, from run

load ../helper

# What each call can give.
faults="access:EACCES calloc:ENOMEM clock_gettime:EINVAL close:EIO close:EINTR dup2:EBADF fchmod:EIO fchmod:EPERM
    fcntl:EMFILE fstat:EIO ftruncate:EIO ftruncate:EINTR futimens:EPERM lseek:EINVAL madvise:EINVAL
    malloc:ENOMEM memfd_create:EINVAL memfd_create:EMFILE mkostemps:EACCES mmap:ENOMEM munmap:ENOMEM open:EMFILE
    openat:EACCES poll:EINTR posix_spawn:EAGAIN posix_spawn:EACCES posix_spawn_file_actions_adddup2:ENOMEM
    posix_spawn_file_actions_init:ENOMEM posix_spawnattr_init:ENOMEM posix_spawnattr_setflags:EINVAL
    posix_spawnattr_setsigdefault:EINVAL posix_spawnattr_setsigmask:EINVAL pread:EIO pread:EINTR
    pthread_create:EAGAIN pwrite:ENOSPC pwrite:NOTHING pwrite:EINTR read:EIO read:EINTR realloc:ENOMEM
    setenv:ENOMEM sigaction:EINVAL sigwait:EINVAL splice:EIO splice:EINTR stat:EACCES strdup:ENOMEM
    unlink:EACCES vmsplice:EINVAL vmsplice:EINTR waitid:EINTR waitpid:ECHILD waitpid:EINTR write:ENOSPC
    write:EINTR write:NOTHING"

# What more there is with -o.
file_faults="asprintf:ENOMEM faccessat:EACCES fallocate:ENOSPC fallocate:EINTR fallocate:EOPNOTSUPP fchown:EPERM
    fgetxattr:EIO fgetxattr:ENODATA flistxattr:EIO flistxattr:ENOTSUP fremovexattr:EIO fsetxattr:ENOSPC fstatat:EIO
    fsync:EIO fsync:EINTR ioctl:EIO linkat:EIO linkat:EEXIST pipe2:EMFILE readlink:EIO renameat:EIO renameat2:EINVAL
    statx:ENOSYS unlinkat:EIO waitid:ECHILD"

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	set -o pipefail
	# A spill file that could not be unlinked stays here.
	mkdir spilled
	export TMPDIR=spilled
	head -c 200000 "$DATA/numbers" >in
	export FAIL
}

# Runs spool once, and leaves its status in $status.
try() {
	rm -f failed
	status=0
	# shellcheck disable=SC2002 # a pipe, so that it is spliced
	cat in | FAIL_LOG=failed LD_PRELOAD=$FAIL_SO timeout -s KILL 20 "${program:-spool}" "$@" 2>err |
	    cat >out || status=${PIPESTATUS[1]}
}

# Each fault in each place: until no such call is left.
sweep() {
	local fault n runs=0
	for fault in $faults; do
		for n in {1..25}; do
			FAIL=$fault:$n
			begin
			try "$@"
			[ -e failed ] || break
			runs=$((runs + 1))
			judge || { echo "$FAIL, status $status: spool $*"; cat err; ls -lA work; return 1; }
		done
	done
	echo "# $runs faults: spool $*" >&3
	[ "$runs" -gt "${least:-20}" ]
}

begin() {
	:
}

judge() {
	if [ "$status" -eq 0 ]; then
		cmp in out
	else
		[[ $FAIL != *:EINTR:* ]] && [ -s err ] && cmp -n "$(stat -c %s out)" in out
	fi
}

@test "each call fails: in memory, to standard output" { sweep; }
@test "each call fails: spilled, to standard output" { sweep -m 10K; }
@test "each call fails: in memory, to COMMAND" { sweep cat; }
@test "each call fails: spilled, to COMMAND" { sweep -m 10K cat; }
@test "each call fails: with a check" { sweep -m 10K -c 'test $(wc -c) = "$SPOOL_SIZE"'; }
@test "each call fails: with a check, in memory" { sweep -c 'test $(wc -c) = "$SPOOL_SIZE"'; }

# The same for a file: it has the new contents if the status is 0, else the old; and nothing else is there.
sweep_file() {
	faults="$faults $file_faults"
	begin() {
		rm -rf work
		mkdir work
		new=in
		case $old in
		none) return ;;
		same) cp in work/f ;;
		*) seq 1000 >work/f ;;
		esac
		setfattr -n user.note -v 'a note' work/f
		chmod 604 work/f
		cp work/f before
		[ "$old" != append ] || { cat work/f in >after; new=after; }
	}
	judge() {
		local litter
		if [ "$status" -eq 0 ]; then
			cmp work/f "$new" && { [ "$old" = none ] || [ "$(stat -c %a work/f)" = 604 ]; } || return 1
		else
			[[ $FAIL != *:EINTR:* ]] && [ -s err ] || return 1
			# What fails when it is in its place is told.
			is_old || { cmp work/f "$new" && grep -q 'it has the new contents\|may not be whole' err; } || return 1
		fi
		# Where removing fails, what stays is named.
		for litter in work/.*spool-*; do
			[ ! -e "$litter" ] || grep -q "$litter: cannot remove" err || return 1
		done
	}
	sweep "$@"
}

is_old() {
	if [ "$old" = none ]; then
		[ ! -e work/f ]
	else
		cmp work/f before && [ "$(stat -c %a work/f)" = 604 ]
	fi
}

@test "each call fails: a file is replaced" {
	old='file'
	sweep_file -m 10K -o work/f
}
@test "each call fails: a file is made" {
	old=none
	sweep_file -m 10K -o work/f
}
@test "each call fails: a file that has the contents already" {
	old=same
	sweep_file -m 10K -u -o work/f
}
@test "each call fails: a file is replaced, spilled elsewhere, with a backup" {
	old='file'
	sweep_file -m 10K -b -T . -o work/f
}
@test "each call fails: a file is replaced by what a script without #! prints" {
	old='file'
	echo cat >script
	chmod +x script
	sweep_file -m 10K -o work/f ./script
}
@test "each call fails: a file is replaced after a check of a path" {
	old='file'
	sweep_file -m 10K -c 'test -s {}' -o work/f
}
@test "each call fails: a file is replaced after a check" {
	old='file'
	sweep_file -c 'test $(wc -c) = "$SPOOL_SIZE"' -o work/f
}
@test "each call fails: a file is appended to" {
	old=append
	sweep_file -m 10K -a -o work/f
}
@test "each call fails: a file is overwritten" {
	old='file'
	sweep_file -m 10K -w -o work/f
}
@test "each call fails: a file is overwritten, with a backup" {
	old='file'
	sweep_file --no-sync -w -b -o work/f
}
@test "each call fails: a file is overwritten after a check of a path" {
	old='file'
	sweep_file -w -c 'test -s {}' -o work/f
}
@test "each call fails: as sponge" {
	old='file'
	program=$BATS_TEST_TMPDIR/sponge
	ln -s "$(command -v spool)" sponge
	sweep_file work/f
}

# Runs spool on a small stream with these faults; its messages are in $output, and its status in $status.
with() {
	export FAIL=$1
	shift
	run bash -c 'LD_PRELOAD=$FAIL_SO exec timeout -s KILL 20 "$@" <in' - "$@"
	unset FAIL
}

# It fails with these words, and f is what it was.
refuses() {
	with "$1" "${@:3}"
	[ "$status" -eq 1 ]
	[ "$output" = "spool: $2" ]
	cmp f old
	only f in spilled old
}

small() {
	seq 100 >in
	echo old | tee old >f
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
			begin
			try -m 10K -w -o work/f
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
	with write:EIO:2,ftruncate:EIO:1,openat:EMFILE:5-99 spool -m 100 -w -o f
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: f: cannot overwrite: Input/output error" ]
	[ "${lines[1]}" = "spool: f: cannot put its old contents back: Input/output error; the file is damaged" ]
	local call
	for call in fsync:EIO:1 close:EIO:1-99; do
		seq 30000 >f
		with "write:EIO:2,ftruncate:EIO:1,$call" spool -m 100 -w -o f
		[ "${lines[1]}" = "spool: f: cannot put its old contents back: Input/output error; the file is damaged" ]
		only f in spilled
	done
}

@test "two calls fail: a hidden name" {
	small
	rm f
	# Without O_TMPFILE, and each name is taken already.
	with openat:EOPNOTSUPP:1,openat:EEXIST:2-200 spool -o new
	[ "$output" = "spool: new: cannot create: no file can be made beside it: File exists; nothing was read" ]
	# One step, or two, or where there are no hard links, another one.
	local more
	for more in renameat2:ENOSYS:1 renameat2:ENOSYS:1,linkat:EPERM:1; do
		with "openat:EOPNOTSUPP:1,$more" spool -o new
		[ "$status" -eq 0 ]
		cmp new in
		rm new
	done
	with openat:EOPNOTSUPP:1,renameat2:EIO:1 spool -o new
	[ "$output" = "spool: new: cannot create: Input/output error; no file was made" ]
	with linkat:EEXIST:1-200 spool -o new
	[ "$output" = "spool: new: cannot create: File exists; no file was made" ]
	with openat:EOPNOTSUPP:1,renameat2:ENOSYS:1-200,linkat:EEXIST:1-200 spool -o new
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
	# The third list is of the old file, at the end; so its attributes seem to have gone.
	refuses flistxattr:ENOTSUP:2,fremovexattr:EIO:1 \
	    "f: cannot replace: its extended attributes cannot be kept: Input/output error; the file is unchanged" spool -o f
	with flistxattr:ENOTSUP:2,fremovexattr:ENODATA:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
	setfacl -m u:1234:rw f
	cp -a f old
	refuses fsetxattr:ENOSPC:2 \
	    "f: cannot replace: its access control list cannot be kept: No space left on device; the file is unchanged" \
	    spool -o f
}

# It fails with these words, and names the spill file that it could not remove.
leaves() {
	with "$1" "${@:3}"
	[ "$status" -eq 1 ]
	[ "${lines[0]}" = "spool: $2" ]
	[[ ${lines[1]} == "spool: spilled/spool-"??????": cannot remove; it is empty" ]]
	[ "$(find spilled -type f -empty | wc -l)" -eq 1 ]
	cmp f old
	rm spilled/*
}

@test "two calls fail: the spill file of the old contents" {
	small
	seq 1000 | tee old >f
	mkdir aside
	local n found=0
	for n in {1..9}; do
		with "open:EMFILE:$n,unlink:EACCES:1" spool -m 1K -w -T aside -o f
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

@test "each allocation fails: past the page cache" {
	old='file'
	cat "$DATA"/random "$DATA"/random "$DATA"/random "$DATA"/random >in
	faults=calloc:ENOMEM file_faults=malloc:ENOMEM least=8
	sweep_file -m 0 -o work/f
}

@test "two calls fail: the spill file" {
	small
	refuses open:EMFILE:1-2 "spilled: cannot write the spill file: Too many open files; nothing was released" spool -m 0
	local n found=0
	for n in {1..9}; do
		with "open:EMFILE:1,malloc:ENOMEM:$n" spool -m 0
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
	refuses open:ENOENT:1-9,fcntl:EMFILE:4-9 \
	    "cannot write the stream in memory: Too many open files; nothing was released" spool cat
	unset TMPDIR
	FAIL=access:EACCES:1-2 LD_PRELOAD=$FAIL_SO spool -v -m 1 <in 2>err | cmp - in
	grep -q '291B in /tmp' err
}

@test "two calls fail: waiting for the source" {
	small
	with read:EAGAIN:1,poll:EINTR:1-2 spool
	[ "$output" = "$(cat in)" ]
	refuses read:EAGAIN:1,poll:ENOMEM:1-2 \
	    "standard input: cannot read: Cannot allocate memory; nothing was released" spool
}

@test "a call fails: the ends" {
	small
	FAIL=pread:EIO:1 LD_PRELOAD=$FAIL_SO spool -m 0 <in 2>err >out && false
	[ "$(cat err)" = \
	    "spool: spilled: cannot read the spill file: Input/output error; standard output has only a part of it" ]
	rm err out
	refuses write:ECONNRESET:1 "standard output: cannot write: Connection reset by peer; it has 0 of 292 bytes" spool
	with write:ECONNRESET:1 spool --ignore-epipe
	[ "$status" -eq 0 ]
	with close:EINTR:1-99 spool
	[ "$output" = "$(cat in)" ]
	run bash -c 'FAIL=open:EMFILE:1 LD_PRELOAD=$FAIL_SO spool -o f echo <&-'
	[ "$output" = "spool: /dev/null: cannot open: Too many open files; nothing was read" ]
	refuses fsync:EIO:1 "/dev/null: cannot close: Input/output error; what it has may not be whole" spool -o /dev/null
	refuses faccessat:EACCES:1 "/dev/null: cannot write: Permission denied; nothing was read" spool -o /dev/null
	refuses open:EIO:1 "/dev/null: cannot open: Input/output error; nothing was released" spool -o /dev/null
	with NONE:EIO:1 spool --no-sync -o /dev/null
	[ "$status" -eq 0 ]
	local n found=0
	for n in {1..9}; do
		with "close:EINTR:$n" spool -o /dev/null
		[ "$status" -eq 0 ]
		with "fsync:EIO:1,close:EIO:$n" spool -o /dev/null
		[ "$status" -eq 1 ]
		with "close:EIO:$n" spool -o /dev/null
		[ "$status" -ne 0 ] || continue
		found=1
		[ "$output" = "spool: /dev/null: cannot close: Input/output error; what it has may not be whole" ]
	done
	[ "$found" -eq 1 ]
	/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	with socket:EMFILE:1 spool -o socket
	[ "$output" = "spool: socket: cannot open: Too many open files; nothing was released" ]
}

@test "a call fails: signals cannot be set up" {
	small
	local n found=0
	for n in {40..70}; do
		with "sigaction:EINVAL:$n" spool -o f true
		[ "$status" -eq 0 ] || found=1
		[ "$status" -eq 0 ] || [ "$output" = "spool: cannot start: Invalid argument; nothing was read" ]
		cp old f
	done
	[ "$found" -eq 1 ]
	# What only tells of trouble early may fail.
	for call in getrlimit:EINVAL:1 fallocate:ENOSYS:1 fallocate:EINVAL:1 fallocate:ENODEV:1; do
		cp old f
		with "$call" spool -a -o f
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
		with "fsync:EIO:1,fstat:EIO:$n" spool -a -o f
		[ "$status" -eq 1 ]
		[[ $output != *"cannot be cut back (Input/output error), 292 bytes of the stream stay in it" ]] || found=1
		cp old f
	done
	[ "$found" -eq 1 ]
	# One that was empty.
	: >f
	cp f old
	refuses fsync:EIO:1 \
	    "f: cannot overwrite: Input/output error; its old contents were put back, the file is unchanged" spool -w -o f
}

# What others do at one moment.
meanwhile() {
	export FAIL_DO=$1
	with "${@:2}"
	unset FAIL_DO
}

@test "meanwhile: others have appended, too" {
	small
	meanwhile 'echo other >>f' fsync:GO:1,fsync:EIO:1 spool -a -o f
	[[ $output == "spool: f: cannot append: Input/output error; it cannot be cut back (others have appended too), 292 "* ]]
	[ "$(cat f)" = "$(cat old in; echo other)" ]
}

@test "meanwhile: somebody has put another file in place of the hidden one" {
	small
	rm f old
	meanwhile 'for f in .f.spool-*; do echo other >other; mv other "$f"; done' openat:EOPNOTSUPP:1,fsync:GO:1 spool -o f
	[ "$output" = "spool: f: cannot create: Stale file handle; no file was made" ]
	[ ! -e f ]
}

@test "meanwhile: the file is something else, or has gone" {
	small
	# Looked at twice: before reading, and at the end.
	meanwhile 'rm f; mkfifo f' openat:GO:1 spool -o f
	[ "$output" = "spool: f: cannot write: Invalid argument; nothing was read, the file is unchanged" ]
	[ -p f ]
	rm f
	cp old f
	meanwhile 'rm f; mkfifo f' read:GO:1 spool -o f
	[ "$output" = "spool: f: cannot write: it is not a regular file any more; nothing was released" ]
	[ -p f ]
	rm f
	cp old f
	meanwhile 'rm f; mkdir f' read:GO:1 spool -o f
	[ "$output" = "spool: f: cannot write: Is a directory; the file is unchanged" ]
	rmdir f
	for options in '' -w -a -b -u '-c true' '-w -c true'; do
		for call in openat read; do
			cp old f
			# shellcheck disable=SC2086
			meanwhile 'rm f' "$call:GO:1" spool $options -o f
			[ "$status" -eq 0 ]
			cmp f in
			rm f
			only in old spilled
		done
	done
	meanwhile 'ln -s f f' readlink:GO:2 spool -o f
	[ "$output" = "spool: f: cannot write: Too many levels of symbolic links; nothing was read" ]
	rm f
	echo theirs >theirs
	meanwhile 'cp theirs f' fsync:GO:1 spool -o f
	[ "$status" -eq 0 ]
	cmp f in
}

@test "meanwhile: -u compares with a file that becomes shorter" {
	local n
	small
	for n in 2 3 4; do
		cp in f
		meanwhile ': >f' "read:GO:$n" spool -u -o f
		[ "$status" -eq 0 ]
		cmp f in
	done
}

@test "meanwhile: a signal that the watch has not seen yet stops the commit" {
	small
	# The watch fails to see it for a while, and the main thread does.
	meanwhile 'kill -TERM $PPID' sigwait:EINVAL:1-5000000,read:GO:1 spool -o f
	[ "$status" -eq 143 ]
	cmp f old
	only f in old spilled
}

@test "meanwhile: a signal when the watch is about to stop" {
	small
	local n
	# Once when the check is started, once when it has ended, and once when it has been judged.
	for n in 1 2 3; do
		meanwhile 'kill -TERM $PPID; sleep 0.2' "sigpending:GO:$n" spool -c true
		[ "$status" -eq 143 ]
		[ -z "$output" ]
	done
	with sigpending:EIO:4 spool -c true
	[ "$status" -eq 0 ]
	[ "$output" = "$(cat in)" ]
}

@test "meanwhile: a signal while a check runs, and calls of the watch fail" {
	small
	local call
	for call in waitid:EINTR:2 waitid:ECHILD:2 sigwait:EINVAL:2 sigwait:EINVAL:3 sigwait:EINVAL:4; do
		with "$call" spool -c 'kill -TERM $PPID; sleep 0.2' -o f
		[ "$status" -eq 143 ]
		cmp f old
		only f in old spilled
	done
	# Two children, of which one ends before the other.
	with NONE:EIO:1 spool -c 'trap "" TERM; kill -TERM $PPID; sleep 0.3; touch checked' -o f \
	    sh -c 'echo x; exec >&-; sleep 10'
	[ "$status" -eq 143 ]
	[ -e checked ]
	cmp f old
}

@test "meanwhile: a signal that comes when the check has ended still ends spool" {
	small
	meanwhile 'kill -TERM $PPID; sleep 0.1' pthread_kill:GO:1 spool -c true
	[ "$status" -eq 143 ]
	[ -z "$output" ]
}

# The figures, which are one whole object if there are any; whatever becomes of them, the stream arrives.
judge_figures() {
	if [ "$status" -eq 0 ]; then
		cmp in out || return 1
		grep -q '"status": 0}$' figures || grep -q 'cannot write the figures' err
	else
		[ -s err ] && [ "$status" -eq 1 ]
	fi
}

@test "each call fails: with figures" {
	judge() {
		[[ $FAIL = *:EINTR:* ]] || [[ $FAIL = poll:* ]] || { judge_figures; return; }
		[ "$status" -eq 0 ] && judge_figures
	}
	faults="$faults dup:EMFILE fopen:EMFILE getrusage:EINVAL ioctl:EIO"
	sweep --stats figures
	sweep --stats figures -m 10K -p
}

@test "a call fails: the figures" {
	small
	rm f
	with ftruncate:EIO:1 spool --stats figures
	[ "$status" -eq 1 ]
	[ "$output" = "spool: figures: cannot write the figures: Input/output error; nothing was read" ]
	local call
	for call in ftruncate:EIO:2 dup:EIO:1 lseek:EIO:1; do
		with "$call" spool --stats figures
		[ "$status" -eq 0 ]
		grep -qx 'spool: figures: cannot write the figures: Input/output error; nothing else is concerned' <<<"$output"
	done
	status=0
	FAIL=fcntl:EMFILE:4 LD_PRELOAD=$FAIL_SO spool --stats /dev/stderr <in >out 2>log || status=$?
	[ "$status" -eq 1 ]
	[ "$(cat log)" = "spool: /dev/stderr: cannot write the figures: Too many open files; nothing was read" ]
	for call in fopen:ENOENT:1 fopen:ENOENT:1,getrusage:EINVAL:1; do
		with "$call" spool --stats figures
		[ "$status" -eq 0 ]
	done
	grep -q '"peak_rss_bytes": null, "status": 0}' figures
	with write:EINTR:2 spool --stats figures
	[ "$status" -eq 0 ]
	grep -q '"status": 0}' figures
}

@test "a call fails: the progress" {
	small
	with pthread_create:EAGAIN:2 spool -p
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' 'spool: cannot show the progress: Resource temporarily unavailable'; cat in)" ]
	with pthread_attr_init:ENOMEM:1 spool -p
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' 'spool: cannot show the progress: Cannot allocate memory'; cat in)" ]
	with pthread_create:EAGAIN:1 spool -p
	[ "$status" -eq 1 ]
	[ "$output" = "spool: cannot start: Resource temporarily unavailable; nothing was read" ]
}

@test "each call fails: a few bytes" {
	small
	faults='clock_gettime:EINVAL fstat:EIO ioctl:EIO poll:EINTR poll:EIO write:EINTR write:ENOSPC' least=5
	sweep
	sweep --ignore-epipe
}

@test "a call fails: a terminal's width" {
	/usr/bin/python3 - <<-'END'
	import os, pty
	pid, terminal = pty.fork()
	if pid == 0:
	    os.environ.update(COLUMNS="30", FAIL="ioctl:EIO:1-999", PRELOAD=os.environ["FAIL_SO"])
	    os.execvp("sh", ["sh", "-c", "(head -c 3M /dev/zero; sleep 0.5) | LD_PRELOAD=$PRELOAD spool -p >out"])
	seen = b""
	while True:
	    try:
	        seen += os.read(terminal, 1000)
	    except OSError:
	        break
	assert os.waitpid(pid, 0)[1] == 0
	assert max(map(len, seen.split(b"\r"))) == 29, seen
	END
	[ "$(stat -c %s out)" -eq 3145728 ]
}
