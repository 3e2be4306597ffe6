#!/usr/bin/env bats
# groups.bats: spool in a memory control group that is smaller than the stream. Without direct I/O, which a portable
# build does not have, the page cache of the spill file counts as the group's, and with version 1 of control groups the
# kernel may kill who fills it. So it may with -w, which writes into the file through the page cache.

load helper

# A memory control group of so many bytes at ./group, of whichever version there is.
limited_group() {
	[ "$(id -u)" -eq 0 ] || skip "needs root for control groups"
	mkdir groups
	if mount -t cgroup -o memory none groups 2>/dev/null; then
		limit=memory.limit_in_bytes
	else
		mount -t cgroup2 none groups
		echo +memory >groups/cgroup.subtree_control
		limit=memory.max
	fi
	group=groups/spool-test-$BASHPID
	mkdir "$group"
	echo "$1" >"$group/$limit"
}

# Executes a command in it.
in_group() {
	# shellcheck disable=SC2016 # for another shell
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"
}

teardown() {
	cd "$BATS_TEST_TMPDIR" || return 1
	if mountpoint -q groups; then
		[ ! -d "$group" ] || eventually rmdir "$group"
		umount groups
	fi
}

@test "300 MB in a control group of 20 MiB" {
	limited_group 20M
	# The checksum is not made in the group.
	local sum memory
	sum=$(head -c 300M /dev/zero | tr '\0' x | sha256sum)
	x300() { head -c 300M /dev/zero | tr '\0' x; }
	for memory in 0 1M 8M; do
		[ "$(x300 | in_group spool -m "$memory" | sha256sum)" = "$sum" ]
		[ "$(x300 | in_group spool -m "$memory" cat | sha256sum)" = "$sum" ]
		x300 | in_group spool -m "$memory" -c 'test "$(wc -c)" = 314572800' -o f
		[ "$(sha256sum <f)" = "$sum" ]
		rm f
	done
}

@test "who takes more memory than the control group has is killed, and the file is what it was" {
	limited_group 20M
	echo old >f
	run -137 in_group spool -m unlimited -T . -o f < <(head -c 300M /dev/zero)
	[ "$(cat f)" = old ]
	[ "$(find . -maxdepth 1 -name '*spool*')" = '' ]
}
