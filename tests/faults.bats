#!/usr/bin/env bats
# faults.bats: every system call that spool makes fails once, by strace: status 0 still means that all arrived.

load helper

# What each call can give.
faults="read:EIO write:ENOSPC splice:EIO vmsplice:EINVAL openat:EMFILE openat:EACCES pread64:EIO pwrite64:ENOSPC
    ftruncate:EIO lseek:EINVAL fcntl:EMFILE fchmod:EPERM unlink:EACCES memfd_create:ENOSYS memfd_create:EMFILE
    mmap:ENOMEM munmap:ENOMEM madvise:EINVAL dup2:EBADF execve:EACCES close:EIO newfstatat:EACCES access:EACCES
    clone3:EAGAIN clone:EAGAIN vfork:EAGAIN rt_sigprocmask:EINVAL rt_sigaction:EINVAL"

# Normal life, which must not be noticed.
interruptions="read:EINTR read:EAGAIN write:EINTR write:EAGAIN splice:EINTR splice:EAGAIN vmsplice:EINTR
    vmsplice:EAGAIN pread64:EINTR pwrite64:EINTR ftruncate:EINTR wait4:EINTR rt_sigtimedwait:EINTR"

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
			cat "$DATA/numbers" | strace -qq -o trace -e "inject=${fault/:/:error=}:when=$n" spool "$@" 2>err |
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

# As above, but the call fails each time: where there is another way, it is taken.
always() {
	local fault=$1
	shift
	cat "$DATA/random" | strace -qq -o trace -e "inject=${fault/:/:error=}:when=1+" spool "$@" | cmp "$DATA/random"
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
