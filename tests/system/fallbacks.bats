#!/usr/bin/env bats
# fallbacks.bats: where a fast way is missing, a slower one is taken. That every call can fail is tested by faults/run.
# bats file_tags=portable

load ../helper

# A call that fails each time: where there is another way, it is taken.
always() {
	local fault=$1
	shift
	cat "$DATA/random" | timeout -s KILL 20 strace -qq -o trace -e "inject=${fault/:/:error=}:when=1+" spool "$@" | cmp "$DATA/random"
}

@test "without splice, vmsplice, memfd_create, O_TMPFILE or huge pages all still arrives" {
	needs_strace
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

# A name that is taken is followed by another one, also where the time (and so all that is random) stands still, as under
# faketime or in a replayed machine.
@test "a clock that stands still" {
	needs_injector
	still() { with clock_gettime:EINVAL:1-9999 "$@"; }
	echo old >f
	still spool -b -c 'test -s {}' -o f <"$DATA/numbers"
	cmp f "$DATA/numbers"
	[ "$(cat f~)" = old ]
	only f f~
	echo 5 | still spool -v 2>err
	[ "$(cat err)" = "spool: 2 bytes (2B), all in memory; soaked in 0.000 s, replayed in 0.000 s" ]
}

# As a filter of a container may do (seccomp), for one that knows only older calls, or no threads.
# bats test_tags=long
@test "where signals cannot be waited for, or sent to a thread, all still arrives, and they still end spool" {
	needs_strace
	local fault options
	for fault in rt_sigtimedwait:error=EPERM rt_sigtimedwait:error=ENOSYS tgkill:error=EPERM; do
		refused() { timeout -s KILL 20 strace -f -qq -o trace -e "inject=$fault" spool "$@" 2>err; }
		for options in '' -p '-c true' '-p -v -m 0 --stats figures'; do
			# shellcheck disable=SC2086
			{ cat "$DATA/numbers"; sleep 0.2; } | refused $options | cmp - "$DATA/numbers"
			# It has not tried all the time.
			[ "$(grep -c " ${fault%%:*}(" trace)" -lt 100 ]
			echo old >f
			# shellcheck disable=SC2086
			refused $options -o f sh -c 'cat "$DATA/numbers"; sleep 0.1'
			cmp f "$DATA/numbers"
			# shellcheck disable=SC2086
			run -143 refused $options -o f sh -c 'kill -TERM "$PPID"; exec sleep 20'
			cmp f "$DATA/numbers"
		done
		run -143 refused -c 'kill -TERM "$PPID"; sleep 0.1' <"$DATA/numbers"
		[ -z "$output" ]
		refused -c 'kill -USR1 "$PPID"; until [ -s err ]; do sleep 0.02; done' <"$DATA/numbers" | cmp - "$DATA/numbers"
		[[ $(cat err) == "spool: checking "* ]]
	done
}
