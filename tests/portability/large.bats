#!/usr/bin/env bats
# large.bats: more than 32 bits can count, for the build that has 32: tests/portability/run.
# bats file_tags=narrow

load ../helper

# 4 GiB and a few bytes, nearly all of it a hole, with something to tell before and after what 31 and 32 bits can count.
setup_file() {
	LARGE=$(mktemp -d "$TEST_BUILD/large-XXXXXX")
	export LARGE
	/usr/bin/python3 - "$LARGE/in" <<-'END'
	import sys
	with open(sys.argv[1], "wb") as file:
	    for at in 0, (2 << 30) - 4, (4 << 30) - 4, (4 << 30) + 5:
	        file.seek(at)
	        file.write(b"%d" % at)
	END
}

teardown_file() {
	rm -rf "$LARGE"
}

# Where there is room.
setup() {
	cd "$LARGE" || return 1
}

@test "a large stream becomes a large file; what no address is left for is spilled" {
	spool -v -m 3G --no-sync -o out <in 2>said
	[ "$(stat -c %s out)" -eq 4294967311 ]
	local at
	for at in 0 2147483640 4294967290; do
		cmp -i "$at" -n 25 in out
	done
	rm out
	grep -E '^spool: 4294967311 bytes \(4\.00GiB\): (1\.[89][0-9]?|2(\.0[0-9])?)GiB in memory, 2(\.[012][0-9]?)?GiB in \.;' said
}

@test "a large stream from a pipe to a pipe, up to a large limit" {
	cat in | spool -m 3G -T . -l 4294967311 | cmp - in
}

@test "-m unlimited, and no address is left: status 1, and nothing comes out" {
	run -1 bash -c 'spool -m unlimited <in 2>said | wc -c; exit ${PIPESTATUS[0]}'
	[ "$output" -eq 0 ]
	[ "$(cat said)" = "spool: cannot write the stream in memory: Cannot allocate memory; nothing was released" ]
}

@test "a large limit is not taken for a small one" {
	[ "$(head -c 5000000 "$DATA/random" | spool -l 4G -m 4G | wc -c)" -eq 5000000 ]
}

@test "-a: a large file grows; where it may not, it stays" {
	truncate -s 4294967311 f
	seq 1000 | spool -a -o f
	[ "$(stat -c %s f)" -eq $((4294967311 + $(seq 1000 | wc -c))) ]
	tail -c "$(seq 1000 | wc -c)" f | cmp - <(seq 1000)
	says 1 "spool: f: cannot reserve space: File too large; the file is unchanged" \
	    bash -c 'ulimit -f $((4 * 1024 * 1024 + 5)); seq 1000 | spool -a -o f'
	[ "$(stat -c %s f)" -eq $((4294967311 + $(seq 1000 | wc -c))) ]
	rm f
}

@test "a file of a time that 32 bits cannot count is replaced, appended to, overwritten and kept" {
	touch -d '2100-01-01 UTC' f
	echo 1 | spool -b -o f
	[ "$(stat -c %Y f~)" -eq 4102444800 ]
	[ "$(cat f)" = 1 ]
	local option
	for option in -a -w -u; do
		touch -d '2100-01-01 UTC' f
		echo 2 | spool "$option" -o f
	done
	# -u has let it be.
	[ "$(cat f)" = 2 ]
	[ "$(stat -c %Y f)" -eq 4102444800 ]
}
