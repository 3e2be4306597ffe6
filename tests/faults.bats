#!/usr/bin/env bats
# faults.bats: where a fast way is missing, a slower one is taken. That every call can fail is tested by faults/run.

load helper

# A call that fails each time: where there is another way, it is taken.
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
