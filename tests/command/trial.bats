#!/usr/bin/env bats
# trial.bats: --try runs a command when FILE has been replaced, and brings the old file back if the command fails.
# bats file_tags=portable, sanitized, memory, thread, valgrind, coverage, compiled, ported, narrow, emulated

load ../helper

number() {
	stat -c %i "$1"
}

@test "--try: CMD succeeds on the new file, which stays" {
	seq 3 >f
	seq 5 | spool -o f --try 'seq 5 | cmp f && seq 5 | cmp {} && test "$SPOOL_SIZE" = 10'
	seq 5 | cmp f
	seq 6 | spool -o new --try 'test -s new'
	seq 6 | cmp new
	spool -o f --try 'test -s f' seq 7
	seq 7 | cmp f
	spool -o f --try 'test -s f' -f cp new {}
	seq 6 | cmp f
	spool -o f --try 'test -s f' --edit sed -i s/6/7/ {}
	[ "$(tail -n 1 f)" = 7 ]
	seq 5 | spool -g -b -u -o f -c 'cmp - {}' --try 'cmp {} f'
	seq 5 | cmp f
	[ "$(tail -n 1 f~)" = 7 ]
	only f f~ new
}

@test "--try: CMD fails, and the very same old file is back" {
	local before options
	seq 3 >f
	chmod 640 f
	ln f second
	before=$(stat -c '%i %h %a %Y' f)
	for options in '' '-g' '-m 0' '-u' '-c true' '--no-sync' '-T .'; do
		# shellcheck disable=SC2086 # several options
		seq 5 | says 3 "spool: f: the trial 'cmp -s {} second' exited with status 1; the old file is back" \
		    spool $options -o f --try 'cmp -s {} second'
		[ "$(stat -c '%i %h %a %Y' f)" = "$before" ]
		seq 3 | cmp f
	done
	seq 5 | says 3 "spool: f: the trial 'kill -9 \$\$' was ended by signal 9 (Killed); the old file is back" \
	    spool -o f --try 'kill -9 $$'
	seq 5 | says 3 "spool: new: the trial 'false' exited with status 1; the file was removed again" \
	    spool -o new --try false
	only f second
	# The backup of an earlier run stays.
	echo backup >f~
	seq 5 | says 3 "spool: f: the trial 'false' exited with status 1; the old file is back" spool -b -o f --try false
	[ "$(cat f~)" = backup ]
	seq 3 | cmp f
	only f f~ second
}

@test "--try: the new file can be executed" {
	printf '#!/bin/sh\necho old\n' >script
	chmod 755 script
	printf '#!/bin/sh\ntouch ran\n' | spool -o script --try ./script
	[ -e ran ]
	spool -o program --try 'chmod +x program; ./program' cat "$(type -P true)"
}

@test "--try: CMD succeeds, and the new file is not there any more, or not as it was" {
	local change what
	echo old >f
	for change in 'rm {}' ': >{}' 'echo >>{}' 'mv {} g; rm g'; do
		what="the file was changed, replaced or removed during the trial '$change'"
		seq 5 | says 3 "spool: f: $what; the old file is back" spool -o f --try "$change"
		[ "$(cat f)" = old ]
		seq 5 | says 3 "spool: new: $what; the file was removed again" spool -o new --try "$change"
		only f
	done
	# What does not touch the contents is no matter.
	seq 5 | spool -o f --try 'chmod 600 f; ln f g; rm g; cat f >/dev/null'
	seq 5 | cmp f
}

@test "--try: the old file is not what it was, or not there" {
	echo old >f
	seq 5 >in
	run -1 spool -o f --try 'rm .f.spool-*; false' <in
	[[ $output == "spool: f: the trial 'rm .f.spool-*; false' exited with status 1; the old file, ./.f.spool-"*", cannot be put back: it has been removed" ]]
	cmp f in
	echo old >f
	run -1 spool -o f --try 'echo evil >other; mv other "$(echo .f.spool-*)"; false' <in
	[[ $output == *"; the old file, ./.f.spool-"*", cannot be put back: it has been replaced" ]]
	cmp f in
	[ "$(cat .f.spool-*)" = evil ]
	rm .f.spool-*
	# What others write into the old file, which they have open, is in it when it is back.
	echo old >f
	exec 5>>f
	run -3 spool -o f --try 'echo log >&5; false' <in
	exec 5>&-
	[ "$(cat f)" = $'old\nlog' ]
	# The old backup is another name of the old file.
	ln f f~
	spool -b -o f --try true <in
	[ "$(cat f~)" = $'old\nlog' ]
	only f f~ in
}

@test "--try: through a link, to a file with a hyphen, and from another directory" {
	mkdir d
	seq 3 >d/f
	ln -s d/f link
	seq 5 | says 3 "spool: link: the trial 'cmp {} /dev/null' exited with status 1; the old file is back" \
	    spool -o link --try 'cmp {} /dev/null' 2>&1 | grep -v EOF
	[ -L link ]
	seq 3 | cmp d/f
	seq 5 | spool -o link --try 'seq 5 | cmp {}'
	seq 5 | cmp d/f
	seq 5 | spool -o -f --try 'cat {} >got'
	cmp got ./-f
	[ "$(ls -A d)" = f ]
}

@test "--try: CMD has no input, and writes to standard error" {
	[ -z "$(seq 5 | spool -o f --try 'echo out; cat' 2>err)" ]
	[ "$(cat err)" = out ]
}

@test "--try: nothing is tried where nothing is replaced" {
	seq 3 >f
	seq 3 | spool -u -o f --try 'touch tried; false'
	run -9 sh -c 'seq 3 | spool -u --unchanged-status 9 -o f --try "touch tried; false"'
	spool -n -o f --try 'touch tried' </dev/null
	run -3 sh -c 'seq 4 | spool -c false -o f --try "touch tried" 2>&1'
	run -1 spool -o f --try 'touch tried' false
	only f
	says 1 "spool: /dev/null: cannot try: it is not a regular file; nothing was read" spool -o /dev/null --try true
	says 2 "spool: --try and -a cannot be used together" spool -a -o f --try true
	says 2 "spool: --try and -w cannot be used together" spool -w -o f --try true
	says 2 "spool: --try requires -o FILE" spool --try true
	says 3 "spool: f: the trial '-x' exited with status 127; the old file is back" sh -c 'spool -o f --try -x 2>err </dev/null
	    status=$?; grep ^spool err >&2; exit $status'
	rm err
	says 2 "spool: --try '': it is empty" spool -o f --try ''
	says 2 "spool: --try 'b': given twice; combine the commands with &&" spool -o f --try a --try b
}

@test "--try: -v and --stats tell what became of the file" {
	seq 3 >f
	run -3 sh -c 'seq 5 | spool -v --stats figures -o f --try false'
	[ "${#lines[@]}" -eq 1 ]
	grep -q '"changed": false, "status": 3' figures
	seq 5 | spool -v --stats figures -o f --try true 2>err
	grep -Eq ' s, replaced in [0-9.]+ s$' err
	grep -q '"changed": true, "status": 0' figures
}

@test "--try: CMD cannot be run" {
	[ "$TEST_VARIANT" != emulated ] || return 0	# the emulator finds that only in the child
	[ "$TEST_VARIANT" != valgrind ] || return 0	# it does not survive an execve(2) that fails
	local braces xs
	printf -v xs 'x%.0s' {1..100000}
	printf -v braces '{}%.0s' {1..5000}	# each of which becomes longer
	seq 3 >f
	seq 5 | says 1 "spool: f: cannot run the trial '${xs:0:200}': Argument list too long; the old file is back" \
	    spool -o f --try "$xs$braces"
	seq 3 | cmp f
	only f
}

# on_trial CMD [OPTION ...]: starts spool, and waits until CMD has made the file "ready", when its traps are set.
on_trial() {
	env --default-signal=TERM,INT,HUP,ABRT spool -o f --try "$1" "${@:2}" <in 3>&- 2>err &
	eventually test -e ready
}

@test "--try: a signal during the trial brings the old file back" {
	local before signal status
	seq 5 >in
	seq 3 >f
	before=$(number f)
	for signal in TERM INT HUP ABRT; do
		# The emulator prints a line of its own where a core would be dumped.
		[ "$TEST_VARIANT $signal" != "emulated ABRT" ] || continue
		on_trial "trap 'touch told; exit 0' $signal; touch ready; while :; do sleep 0.05; done" --stats figures
		kill "-$signal" $!
		status=0
		wait $! || status=$?
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		[ ! -s err ]
		[ -e told ]
		[ "$(number f)" = "$before" ]
		grep -q '"changed": false, ' figures
		only err f figures in ready told
		rm ready told
	done
	rm f
	on_trial "trap 'exit 0' TERM; touch ready; while :; do sleep 0.05; done"
	kill -TERM $!
	wait $! || status=$?
	[ "$status" -eq 143 ]
	only err figures in ready
}

@test "--try: what SIGKILL leaves" {
	local left
	seq 5 >in
	seq 3 >f
	on_trial 'touch ready; while [ ! -e go ]; do sleep 0.05; done'
	kill -KILL $!
	wait $! || true
	touch go
	cmp f in
	left=$(compgen -G '.f.spool-*')
	seq 3 | cmp "$left"
	# This is the way back.
	mv "$left" f
	seq 3 | cmp f
}

@test "--try: others replace or remove FILE during the trial" {
	local left
	seq 5 >in
	seq 3 >f
	run -1 spool -o f --try 'echo theirs >other; mv other f' <in
	[[ $output == "spool: f: the file was changed, replaced or removed during the trial 'echo theirs >other; mv other f'; the old file, ./.f.spool-"*", cannot be put back: the new one has been replaced" ]]
	[ "$(cat f)" = theirs ]
	seq 3 | cmp .f.spool-*
	rm .f.spool-*
	run -1 spool -o f --try 'echo more >other; mv other f; false' <in
	[[ $output == "spool: f: the trial 'echo more >other; mv other f; false' exited with status 1; the old file, ./.f.spool-"*", cannot be put back: the new one has been replaced" ]]
	[ "$(cat f)" = more ]
	left=$(compgen -G '.f.spool-*')
	[ "$(cat "$left")" = theirs ]
	rm "$left"
	run -1 spool -o new --try 'echo theirs >other; mv other new; false' <in
	[ "$output" = "spool: new: the trial 'echo theirs >other; mv other new; false' exited with status 1; the file cannot be removed again: the new one has been replaced" ]
	[ "$(cat new)" = theirs ]
	rm new
	says 3 "spool: f: the trial 'rm f; false' exited with status 1; the old file is back" \
	    spool -o f --try 'rm f; false' <in
	[ "$(cat f)" = more ]
	says 3 "spool: new: the trial 'rm new; false' exited with status 1; the file was removed again" \
	    spool -o new --try 'rm new; false' <in
	only f in
}
