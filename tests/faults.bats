#!/usr/bin/env bats
# faults.bats: every system call that spool makes fails once, by strace: status 0 still means that all arrived.

load helper

# What each call can give.
faults="read:EIO write:ENOSPC splice:EIO vmsplice:EINVAL openat:EMFILE openat:EACCES pread64:EIO pwrite64:ENOSPC
    ftruncate:EIO lseek:EINVAL fcntl:EMFILE fchmod:EPERM unlink:EACCES memfd_create:ENOSYS memfd_create:EMFILE
    mmap:ENOMEM munmap:ENOMEM madvise:EINVAL dup2:EBADF execve:EACCES close:EIO newfstatat:EACCES access:EACCES
    clone3:EAGAIN clone:EAGAIN vfork:EAGAIN rt_sigprocmask:EINVAL rt_sigaction:EINVAL"

# What more there is with -o.
file_faults="fsync:EIO fsync:ENOSPC linkat:EIO linkat:ENOSPC renameat:EIO renameat:EBUSY renameat:ENOSPC unlinkat:EIO
    fchown:EPERM fgetxattr:EIO flistxattr:EIO fsetxattr:ENOSPC fremovexattr:EIO faccessat2:EACCES utimensat:EPERM
    fallocate:ENOSPC fallocate:EIO ioctl:EIO pipe2:EMFILE kill:EPERM waitid:ECHILD readlink:EIO fstatfs:EIO
    newfstatat:EIO fstat:EIO fchmod:EIO"

# Normal life, which must not be noticed.
interruptions="read:EINTR read:EAGAIN write:EINTR write:EAGAIN splice:EINTR splice:EAGAIN vmsplice:EINTR
    vmsplice:EAGAIN pread64:EINTR pwrite64:EINTR ftruncate:EINTR wait4:EINTR rt_sigtimedwait:EINTR"
file_interruptions="fsync:EINTR fallocate:EINTR waitid:EINTR"

# Whether a call has failed, and not one that COMMAND made in spool's place.
failed_in_spool() {
	awk '/^execve.* = 0/ { programs++ } /INJECTED/ { spool = programs <= 1 } END { exit !spool }' trace
}

# Runs spool with these arguments once for each fault in each place, and judges each run. The loader's calls fail
# too: what it says counts as a message.
sweep() {
	local fault n status runs=0
	for fault in $faults $interruptions; do
		for n in {1..60}; do
			status=0
			cat "$DATA/numbers" | timeout -s KILL 20 strace -qq -o trace -e "inject=${fault/:/:error=}:when=$n" spool "$@" 2>err |
			    cat >out || status=${PIPESTATUS[1]}
			failed_in_spool || break
			runs=$((runs + 1))
			judge "$fault" "$status" || { echo "$fault, call $n, status $status: spool $*"; cat err; return 1; }
		done
	done
	echo "# $runs faults: spool $*" >&3
	[ "$runs" -gt 50 ]
}

# The loader crashes if its mmap fails. spool begins with asking for the flags of its standard input.
loader_crashed() {
	[ "$1" -eq 139 ] && ! grep -q '^fcntl(0, F_GETFL' trace
}

judge() {
	local fault=$1 status=$2
	if [ "$status" -eq 0 ]; then
		cmp "$DATA/numbers" out || return 1
	else
		[ -s err ] || loader_crashed "$status" || return 1
		# What came out, if the sink failed in the middle, is the beginning of the stream.
		cmp -n "$(stat -c %s out)" "$DATA/numbers" out || return 1
		[[ " $interruptions " != *[[:space:]]"$fault"[[:space:]]* ]] ||
		    ! grep '^spool: ' err | grep -v 'shared libraries' || return 1
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	# A spill file that could not be unlinked stays here.
	export TMPDIR=$BATS_TEST_TMPDIR
	set -o pipefail
}

@test "each call fails: in memory, to standard output" { sweep; }
@test "each call fails: spilled, to standard output" { sweep -m 10K; }
@test "each call fails: in memory, to COMMAND" { sweep cat; }
@test "each call fails: spilled, to COMMAND" { sweep -m 10K cat; }
@test "each call fails: with a check" { sweep -m 10K -c 'test $(wc -c) = "$SPOOL_SIZE"'; }

# The same for a file: it has the new contents if the status is 0, else the old; and nothing else is there.
sweep_file() {
	local fault n status runs=0

	for fault in $faults $file_faults $interruptions $file_interruptions; do
		for n in {1..80}; do
			status=0
			make_old
			cat "$DATA/numbers" | timeout -s KILL 20 strace -qq -o trace -e "inject=${fault/:/:error=}:when=$n" spool "$@" 2>err >out ||
			    status=${PIPESTATUS[1]}
			failed_in_spool || break
			runs=$((runs + 1))
			judge_file "$fault" "$status" || {
				echo "$fault, call $n, status $status: spool $*"
				cat err
				ls -lA work
				return 1
			}
		done
	done
	echo "# $runs faults: spool $*" >&3
	[ "$runs" -gt 100 ]
}

make_old() {
	rm -rf work
	mkdir work
	[ "$old" = none ] || { seq 1000 >work/f; chmod 604 work/f; cp work/f before; }
	new=$DATA/numbers
	[ "$old" != append ] || { cat work/f "$DATA/numbers" >after; new=after; }
}

is_old() {
	if [ "$old" = none ]; then
		[ ! -e work/f ]
	else
		cmp work/f before && [ "$(stat -c %a work/f)" = 604 ]
	fi
}

judge_file() {
	local fault=$1 status=$2 litter
	if [ "$status" -eq 0 ]; then
		cmp work/f "$new" || return 1
		[ "$old" = none ] || [ "$(stat -c %a work/f)" = 604 ] || return 1
	else
		[ -s err ] || loader_crashed "$status" || return 1
		# Two failures may come when it is in its place; then the message says so.
		is_old || { cmp work/f "$new" && grep -q 'it has the new contents\|may not be whole' err; } || return 1
		[[ " $interruptions $file_interruptions " != *[[:space:]]"$fault"[[:space:]]* ]] ||
		    ! grep '^spool: ' err | grep -v 'shared libraries' || return 1
	fi
	# Where removing fails, what stays is named.
	litter=$(find work -name '.*spool-*')
	[ -z "$litter" ] || grep -q "$litter: cannot remove" err
}

@test "each call fails: a file is replaced" { old='file'; sweep_file -o work/f; }
@test "each call fails: a file is replaced, spilled" { old='file'; sweep_file -m 10K -o work/f; }
@test "each call fails: a file is made" { old=none; sweep_file -m 10K -o work/f; }
@test "each call fails: a file is replaced, spilled elsewhere, with a backup" { old='file'; sweep_file -m 10K -b -T . -o work/f; }
@test "each call fails: a file is replaced by what COMMAND prints" {
	old='file'
	# A close that fails has closed all the same, but one that strace makes fail has not, and the pipe would not end.
	faults=${faults/close:EIO/}
	sweep_file -m 10K -o work/f cat
}
@test "each call fails: a file is replaced after a check" {
	old='file'
	sweep_file -m 10K -c 'test -s {}' -o work/f
}
@test "each call fails: a file is appended to" { old=append; sweep_file -m 10K -a -o work/f; }
@test "each call fails: a file is overwritten" { old='file'; sweep_file -m 10K -w -o work/f; }

# As above, but the call fails each time: where there is another way, it is taken.
always() {
	local fault=$1
	shift
	cat "$DATA/random" | timeout -s KILL 20 strace -qq -o trace -e "inject=${fault/:/:error=}:when=1+" spool "$@" | cmp "$DATA/random"
}

@test "without splice, vmsplice, memfd_create, O_TMPFILE or huge pages all still arrives" {
	local call
	for call in splice:ENOSYS splice:EINVAL splice:EPERM vmsplice:ENOSYS vmsplice:EPERM memfd_create:ENOSYS \
	    memfd_create:EPERM madvise:ENOSYS; do
		always "$call" -m 1M
		always "$call" -m 0
		always "$call"
		always "$call" -m 1M cat
		always "$call" cat
	done
}
