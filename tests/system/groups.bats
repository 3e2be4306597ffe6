#!/usr/bin/env bats
# groups.bats: spool in a memory control group that is smaller than the stream. Without direct I/O, which a portable
# build does not have, the page cache of the spill file counts as the group's, and with version 1 of control groups the
# kernel may kill who fills it. So it may with -w, which writes into the file through the page cache.

load ../helper

# A memory control group of so many bytes at ./group, of whichever version there is.
limited_group() {
	needs_mounts
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

# bats test_tags=long
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

# bats test_tags=long
@test "by default a quarter of what the control group has is used, of version 1 or 2, but at most 64 MiB" {
	limited_group 64M
	local sum
	sum=$(head -c 300M /dev/zero | sha256sum)
	[ "$(head -c 300M /dev/zero | in_group spool -v 2>err | sha256sum)" = "$sum" ]
	[[ $(cat err) == "spool: 314572800 bytes (300MiB): 16MiB in memory, 284MiB in /var/tmp; "* ]]
	[ "$(head -c 300M /dev/zero | in_group spool -v sha256sum 2>err)" = "$sum" ]
	[[ $(cat err) == *": 16MiB in memory, 284MiB in /var/tmp; "* ]]
	echo old >f
	head -c 300M /dev/zero | in_group spool -v -o f 2>err
	[ "$(sha256sum <f)" = "$sum" ]
	[[ $(cat err) == *": 16MiB in memory, 284MiB in .; "* ]]
	# What -w keeps of the old contents takes the same memory.
	echo new | in_group spool -w -o f
	[ "$(cat f)" = new ]
	# A group around it.
	mkdir "$group/inner"
	head -c 300M /dev/zero | group=$group/inner in_group spool -v 2>err >out
	rmdir "$group/inner"
	[[ $(cat err) == *": 16MiB in memory, 284MiB in /var/tmp; "* ]]
	# What is asked for is taken.
	head -c 20M /dev/zero | in_group spool -v -m 20M 2>err >out
	[[ $(cat err) == *", all in memory; "* ]]
	# A group that has much, or little.
	echo 1G >"$group/$limit"
	head -c 66M /dev/zero | in_group spool -v 2>err >out
	[[ $(cat err) == *": 64MiB in memory, 2MiB in /var/tmp; "* ]]
	echo 6M >"$group/$limit"
	head -c 3M /dev/zero | in_group spool -v 2>err >out
	[[ $(cat err) == *": 2MiB in memory, 1MiB in /var/tmp; "* ]]
}

@test "who takes more memory than the control group has is killed, and the file is what it was" {
	limited_group 20M
	echo old >f
	run -137 in_group spool -m unlimited -T . -o f < <(head -c 300M /dev/zero)
	[ "$(cat f)" = old ]
	[ "$(find . -maxdepth 1 -name '*spool*')" = '' ]
}

# bats test_tags=long
@test "--stream: 1 GiB waits in a control group of 16 MiB" {
	limited_group 16M
	local sum
	sum=$(head -c 1G /dev/zero | tr '\0' x | sha256sum)
	{ head -c 1G /dev/zero | tr '\0' x; touch all; } | in_group spool -s -m 1M -v 2>err |
	    { eventually test -e all >/dev/null; cat; } | sha256sum >got
	[ "$(cat got)" = "$sum" ]
	[[ $(cat err) == *" through /var/tmp; streamed in "* ]]
}
