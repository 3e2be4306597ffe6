#!/usr/bin/env bats
# memory.bats: -m, -T and where the stream is.
# bats file_tags=portable, sanitized, memory, valgrind, coverage, ported, narrow, emulated

load ../helper

# What -v says of COUNT bytes, without the times.
summary() {
	head -c "$1" "$DATA/random" | spool -v "${@:2}" 2>&1 >out | sed 's/;.*//'
}

@test "-v: the limit itself stays in memory, one byte more does not" {
	[ "$(summary 1000 -m 1000)" = "spool: 1000 bytes (0.98KiB), all in memory" ]
	[ "$(summary 1001 -m 1000)" = "spool: 1001 bytes (0.98KiB): 0.98KiB in memory, 1B in /var/tmp" ]
	[ "$(summary 0 -m 0)" = "spool: 0 bytes (0B), all in memory" ]
	[ "$(summary 1 -m 0)" = "spool: 1 bytes (1B): 0B in memory, 1B in /var/tmp" ]
	[ "$(summary 5000000 -m 1M)" = "spool: 5000000 bytes (4.77MiB): 1MiB in memory, 3.77MiB in /var/tmp" ]
}

@test "-v: the times, and none for a replay that COMMAND does" {
	seq 9 | spool -v 2>&1 >/dev/null | grep -Eq '; soaked in [0-9.]+ s, replayed in [0-9.]+ s$'
	seq 9 | spool -v true 2>&1 | grep -Eq '^spool: 18 bytes .*; soaked in [0-9.]+ s$'
	[ "$(: | spool -vn 2>&1 | wc -l)" -eq 1 ]
}

@test "-v: with COMMAND and CHECK too, what had been in memory" {
	[ "$(summary 3000000 -m 1M cat)" = "spool: 3000000 bytes (2.86MiB): 1MiB in memory, 1.86MiB in /var/tmp" ]
	[ "$(summary 3000000 -m 1M -c true)" = "spool: 3000000 bytes (2.86MiB): 1MiB in memory, 1.86MiB in /var/tmp" ]
	[ "$(summary 3000000 cat)" = "spool: 3000000 bytes (2.86MiB), all in memory" ]
}

@test "sizes with suffixes" {
	local size
	for size in 2K 2k 2KB 2kB 2KiB 2kib 002K 2048; do
		[ "$(summary 2048 -m "$size")" = "spool: 2048 bytes (2KiB), all in memory" ]
		[ "$(summary 2049 -m "$size")" = "spool: 2049 bytes (2.00KiB): 2KiB in memory, 1B in /var/tmp" ]
	done
	for size in 1M 1m 1MiB 1G 1T 1P 1E 7E 9223372036854775807 unlimited 1% 50% 100%; do
		[ "$(summary 100000 -m "$size")" = "spool: 100000 bytes (97.7KiB), all in memory" ]
	done
}

@test "-m 0%: none" {
	[ "$(summary 1 -m 0%)" = "spool: 1 bytes (1B): 0B in memory, 1B in /var/tmp" ]
}

@test "-T: the directory is used" {
	mkdir here
	[ "$(summary 2 -m 1 -T here)" = "spool: 2 bytes (2B): 1B in memory, 1B in here" ]
	[ "$(summary 2 -m 1 --temporary-directory=here)" = "spool: 2 bytes (2B): 1B in memory, 1B in here" ]
	seq 1000 | spool -m 1 -T here sh -c 'readlink /proc/self/fd/0' >out
	grep -q "^$PWD/here/" out
}

@test "TMPDIR is used, but not if empty, and not before -T" {
	mkdir here there
	[ "$(TMPDIR=$PWD/here summary 2 -m 1)" = "spool: 2 bytes (2B): 1B in memory, 1B in $PWD/here" ]
	[ "$(TMPDIR='' summary 2 -m 1)" = "spool: 2 bytes (2B): 1B in memory, 1B in /var/tmp" ]
	[ "$(TMPDIR=$PWD/here summary 2 -m 1 -T there)" = "spool: 2 bytes (2B): 1B in memory, 1B in there" ]
}

@test "the spill file has no name, while it is filled and while it is read" {
	mkdir here
	mkfifo in
	spool -m 1 -T here sh -c 'ls -A here' <in >out &
	exec 5>in
	seq 100000 >&5
	[ -z "$(ls -A here)" ]
	exec 5>&-
	wait $!
	[ ! -s out ]
}

@test "nothing is left after a kill" {
	mkdir here
	mkfifo in
	spool -m 1 -T here <in &
	exec 5>in
	seq 100000 >&5
	kill -9 $!
	wait $! || true
	exec 5>&-
	[ -z "$(ls -A here)" ]
}

@test "-v with -n: an empty stream was not replayed" {
	run spool -v -n </dev/null
	[ "$status" -eq 0 ]
	[[ $output == "spool: 0 bytes (0B), all in memory; soaked in "*" s" ]]
}
