#!/usr/bin/env bats
# guard.bats: whether FILE has changed is told, and -g refuses to replace what another process has written meanwhile.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, compiled, ported, narrow, emulated

load ../helper

# The file has changed, or not, by what --stats says.
changed() {
	grep -q "\"changed\": $1, " figures
}

@test "-v and --stats: what has become of the file" {
	seq 9 | spool -v --stats figures -o f 2>err
	grep -Eq ' s, created in [0-9.]+ s$' err
	changed true
	seq 9 | spool -u -v --stats figures -o f 2>err
	grep -Eq ' s, found unchanged in [0-9.]+ s$' err
	changed false
	seq 8 | spool -u -v --stats figures -o f 2>err
	grep -Eq ' s, replaced in [0-9.]+ s$' err
	changed true
	seq 8 | spool -a -v --stats figures -o f 2>err
	grep -Eq ' s, appended in [0-9.]+ s$' err
	changed true
	spool -u -a --stats figures -o f </dev/null
	changed false
	seq 8 | spool -w -v --stats figures -o f 2>err
	grep -Eq ' s, overwritten in [0-9.]+ s$' err
	changed true
	seq 8 | spool -v --stats figures -o /dev/null 2>err
	grep -Eq ' s, written in [0-9.]+ s$' err
	changed true
	spool -n -v --stats figures -o f </dev/null 2>err
	grep -Eq 'soaked in [0-9.]+ s$' err
	changed false
	run -1 spool --stats figures -o f false
	changed false
	run -3 spool -c false --stats figures -o f true
	changed false
	run -127 spool --stats figures -o f no-such-command
	changed false
	seq 9 | spool --stats figures >/dev/null
	changed null
	seq 9 | spool --stats figures true
	changed null
}

@test "--unchanged-status: an if that tells whether to reload" {
	reload() {
		local status=0
		spool -u --unchanged-status 10 "$@" || status=$?
		case $status in
		0) echo reloaded ;;
		10) echo same ;;
		*) echo "failed with $status" ;;
		esac
	}
	[ "$(seq 9 | reload -o f)" = reloaded ]
	[ "$(seq 9 | reload -o f)" = same ]
	[ "$(seq 8 | reload -o f)" = reloaded ]
	[ "$(reload -n -o f </dev/null)" = same ]
	[ "$(reload -a -o f </dev/null)" = same ]
	[ "$(seq 8 | reload -w -o f)" = same ]
	[ "$(reload -o f false)" = "failed with 1" ]
	[ "$(seq 7 | reload -c false -o f 2>/dev/null)" = "failed with 3" ]
	seq 8 | cmp f
	says 2 "spool: --unchanged-status '0': it is not a number from 1 to 125" spool -u --unchanged-status 0 -o f
	says 2 "spool: --unchanged-status '126': it is not a number from 1 to 125" spool -u --unchanged-status 126 -o f
	says 2 "spool: --unchanged-status '1x': it is not a number from 1 to 125" spool -u --unchanged-status 1x -o f
	says 2 "spool: --unchanged-status requires -u" spool --unchanged-status 10 -o f
	says 2 "spool: --unchanged-status requires -o FILE" spool --unchanged-status 10
}

@test "-g: FILE is replaced, made, appended to and overwritten if nobody else does so" {
	seq 9 | spool -g -o f
	seq 9 | cmp f
	seq 8 | spool -g -o f
	seq 8 | cmp f
	seq 7 | spool -g -b -o f
	seq 7 | cmp f
	seq 8 | cmp f~
	seq 6 | spool -g -u -o f
	seq 6 | spool -g -u -o f
	seq 5 | spool -g -w -o f
	echo 6 | spool -g -a -o f
	seq 6 | cmp f
	spool -g -o f sh -c 'cat f; echo 7'
	spool -g --edit -o f sh -c 'echo 8 >>"$1"' sh {}
	seq 8 | spool -g -c 'cmp {} f' -o f
	seq 8 | cmp f
	only f f~
}

# The file changes while spool reads, and is left alone: lost OPTIONS SCRIPT WHAT
lost() {
	# shellcheck disable=SC2086 # several options
	says 3 "spool: f: $3 by another process since spool was started; spool has left it alone" \
	    spool $1 -o f sh -c "echo mine; $2"
}

@test "-g: what another process has written meanwhile is not lost" {
	local options
	for options in -g "-g -w" "-g -a" "-g -u" "-g -b"; do
		echo old >f
		lost "$options" 'echo other >f' 'it was changed'
		[ "$(cat f)" = other ]
		lost "$options" 'echo old >>f' 'it was changed'
		lost "$options" 'echo theirs >new; mv new f' 'it was changed'
		[ "$(cat f)" = theirs ]
		lost "$options" 'rm f' 'it was removed'
		[ ! -e f ]
		lost "$options" 'echo theirs >f' 'it was created'
		[ "$(cat f)" = theirs ]
		lost "$options" 'chmod 600 f' 'it was changed'
		[ "$(stat -c %a f)" = 600 ]
		lost "$options" 'ln f second; rm second' 'it was changed'
		lost "$options" 'rm f; ln -s nowhere f' 'it was changed'
		rm f
		lost "$options" 'mkdir f' 'it was created'
		rmdir f
		lost "$options" 'mkfifo f' 'it was created'
		only f
		rm f
	done
	lost --no-clobber 'echo theirs >f' 'it was created'
	[ "$(cat f)" = theirs ]
	only f
}

@test "-g: the path leads to another file meanwhile" {
	echo a >a
	echo b >b
	ln -s a f
	lost -g 'ln -sfn b f' 'it was changed'
	[ "$(cat a b f)" = $'a\nb\nb' ]
	rm f
	mkdir d
	echo old >d/f
	says 3 "spool: d/f: it was changed by another process since spool was started; spool has left it alone" \
	    spool -g -o d/f sh -c 'mv d e; mkdir d; echo theirs >d/f; echo mine'
	[ "$(cat d/f e/f)" = $'theirs\nold' ]
}

@test "-g: many at once count each success once" {
	echo 0 >n
	local i done=0
	for i in {1..12}; do
		(spool -g -o n awk '{ print $1 + 1 }' n 2>/dev/null && : >"ok$i") &
	done
	wait
	done=$(find . -name 'ok*' | wc -l)
	[ "$(cat n)" -eq "$done" ]
	[ "$done" -ge 1 ]
	rm ok*
	only n
}

@test "--no-clobber: FILE must not exist" {
	seq 9 | spool --no-clobber -o f
	seq 9 | cmp f
	says 3 "spool: f: it exists, and --no-clobber was given; nothing was read" spool --no-clobber -o f
	seq 9 | cmp f
	says 2 "spool: --no-clobber and -a cannot be used together" spool --no-clobber -a -o f
	says 2 "spool: --no-clobber and -w cannot be used together" spool --no-clobber -w -o f
	mkfifo fifo
	says 3 "spool: fifo: it exists, and --no-clobber was given; nothing was read" spool --no-clobber -o fifo
	rm fifo
	mkdir d
	says 3 "spool: d: it exists, and --no-clobber was given; nothing was read" spool --no-clobber -o d
	rmdir d
	says 1 "spool: /dev/null: cannot guard: it is not a regular file; nothing was read" spool -g -o /dev/null
	says 2 "spool: -g requires -o FILE" spool -g
	only f
}
