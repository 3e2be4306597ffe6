#!/usr/bin/env bats
# figures.bats: the JSON object of --stats, and what -v says of a spill file in memory.
# bats file_tags=portable, sanitized, memory, thread, coverage

load ../helper

# The figures in FILE make the jq expression true.
figures() {
	[ "$(wc -l <"${2:-figures}")" -eq 1 ]
	jq -e "$1" "${2:-figures}" >/dev/null || { cat "${2:-figures}"; return 1; }
}

keys='keys == ["bytes", "changed", "memory_bytes", "most_waiting_bytes", "peak_rss_bytes", "replay_seconds", "soak_seconds",
    "spill_directory", "spilled_bytes", "status", "stream_seconds"]'
unread='.bytes == 0 and .soak_seconds == null and .replay_seconds == null'

@test "--stats: the figures of a stream in memory, and of one that has spilled" {
	needs jq
	spool --stats figures -m 64M <"$DATA/random" >out
	figures "$keys"
	local size
	size=$(stat -c %s "$DATA/random")
	figures ".bytes == $size and .memory_bytes == $size and .spilled_bytes == 0 and .spill_directory == null"
	figures '.status == 0 and .soak_seconds > 0 and .replay_seconds > 0'
	[ "$TEST_VARIANT" != native ] || figures ".peak_rss_bytes > $size and .peak_rss_bytes < $size + 8000000"
	spool --stats figures -m 1M -T . <"$DATA/random" >out
	figures "$keys"
	figures ".bytes == $size and .memory_bytes == 1048576 and .spilled_bytes == $((size - 1048576))"
	figures '.spill_directory == "." and .status == 0'
	cmp "$DATA/random" out
}

@test "--stats: with -o, and how long it waited for COMMAND" {
	needs jq
	spool --stats figures -m 1K -o f seq 10000
	figures '.bytes == 48894 and .memory_bytes == 1024 and .status == 0 and .replay_seconds > 0'
	figures '.spill_directory == "."'
	spool --stats figures -u -o f seq 10000
	figures '.status == 0'
	run spool --stats figures -o f sh -c 'echo half; exit 9'
	[ "$status" -eq 9 ]
	figures '.bytes == 5 and .status == 9 and .soak_seconds > 0 and .replay_seconds == null'
}

@test "--stats: a COMMAND that reads the stream has its own status, and spool does not see it" {
	needs jq
	spool --stats figures -m 10 cat <"$DATA/numbers" >out
	figures '.status == null and .replay_seconds == null and .memory_bytes == 10'
	cmp "$DATA/numbers" out
	run -127 spool --stats figures ./none <"$DATA/numbers"
	figures "$unread and .status == 127"
	printf '#!/no/interpreter\n' >none
	chmod +x none
	run -127 spool --stats figures ./none <"$DATA/numbers"
	figures '.bytes > 0 and .status == 127'
}

@test "--stats: also on failure, and when a signal ends spool" {
	needs jq
	run spool --stats figures -T nowhere <"$DATA/numbers"
	[ "$status" -eq 1 ]
	figures "$unread and .status == 1"
	run spool --stats figures -l 10 <"$DATA/numbers"
	[ "$status" -eq 3 ]
	figures '.bytes == 10 and .status == 3'
	run spool --stats figures -c false -o f <"$DATA/numbers"
	[ "$status" -eq 3 ]
	figures '.status == 3 and .replay_seconds == null'
	run bash -c 'spool --stats figures <"$DATA/random" >/dev/full'
	[ "$status" -eq 1 ]
	figures '.status == 1 and .replay_seconds > 0'
	run bash -c 'spool --stats figures <"$DATA/random" | head -c 1 >/dev/null; exit "${PIPESTATUS[0]}"'
	[ "$status" -eq 141 ]
	figures '.status == 141'
	run env --default-signal=TERM spool --stats figures -c 'kill -TERM $PPID; exec sleep 10' <"$DATA/numbers"
	[ "$status" -eq 143 ]
	figures '.bytes > 0 and .status == 143'
	mkdir t
	mkfifo in
	env --default-signal=TERM spool --stats figures -m 1K -T t <in >out 3>&- &
	exec 5>in
	seq 10000 >&5
	spilled() {
		[ "$(find "/proc/$!/fd" -lname "$PWD/t/*" | wc -l)" -gt 0 ]
	}
	eventually spilled
	kill -TERM $!
	status=0
	wait $! || status=$?
	[ "$status" -eq 143 ]
	exec 5>&-
	figures '.spill_directory == "t" and .memory_bytes == 1024 and .status == 143'
	run env --default-signal=INT spool --stats figures -o f sh -c 'echo 1; kill -INT $PPID; exec sleep 10'
	[ "$status" -eq 130 ]
	figures '.status == 130'
	[ ! -e f ]
}

@test "--stats: valid JSON whatever the directory is called" {
	needs jq
	local name
	for name in 'a b' 'quote"back\slash' $'tab\tnew\nline' $'\x01\x1f\x7f' 'grüße' $'\xff' $'\xc0\xaf' $'half\xe2\x82' \
	    $'\xed\xa0\x80' $'\xf5\x80\x80\x80' $'\xf0\x9f\x98\x80' "it's" $'\xe2\x82A' $'\xf0\x8f\xbf\xbf' $'\xdf' '$(id)'; do
		mkdir "$name"
		spool --stats figures -m 0 -T "$name" <"$DATA/numbers" >out
		iconv -f UTF-8 -t UTF-8 figures >same
		cmp figures same
		figures "$keys"
		name=$name /usr/bin/python3 - <<-'END'
		import json, os
		want = os.environb[b"name"].decode("utf-8", "surrogateescape")
		want = "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in want)
		got = json.load(open("figures", encoding="utf-8"))["spill_directory"]
		assert got == want, (got, want)
		END
	done
	name=$(printf 'x%.0s' {1..255})
	mkdir -p "$name/$name/$name"
	spool --stats figures -m 0 -T "$name/$name/$name" <"$DATA/numbers" >out
	figures '.spill_directory | length == 767'
}

@test "--stats: into a FIFO, onto standard error, over what was there" {
	needs jq
	spool --stats /dev/stderr <"$DATA/numbers" 2>err >out
	figures '.status == 0' err
	mkfifo fifo
	spool --stats fifo <"$DATA/numbers" >out 3>&- &
	cat fifo >got
	wait $!
	figures '.status == 0' got
	head -c 2000 /dev/zero | tr '\0' x >figures
	spool --stats figures <"$DATA/numbers" >out
	figures '.status == 0'
	run bash -c 'umask 077; spool --stats new </dev/null; stat -c %a new'
	[ "$output" = 600 ]
}

@test "--stats: into the file that has the messages" {
	needs jq
	echo before >log
	run bash -c 'spool --stats /dev/stderr -v <"$DATA/numbers" 2>>log >out'
	[ "$status" -eq 0 ]
	[ "$(wc -l <log)" -eq 3 ]
	[ "$(head -n 1 log)" = before ]
	tail -n 1 log >last
	figures '.status == 0' last
}

@test "--stats: a file that is replaced meanwhile does not get them" {
	needs jq
	echo old >f
	says 0 "spool: f~: cannot write the figures: No such file or directory; the stream is not affected" \
	    spool --stats f~ -b -o f <"$DATA/numbers"
	[ "$(cat f~)" = old ]
}

@test "--stats: a FIFO without a reader can be interrupted" {
	mkfifo fifo
	spool --stats fifo <"$DATA/numbers" >out 3>&- &
	eventually grep -q '^SigQ:' "/proc/$!/status"
	sleep 0.2
	kill -TERM $!
	local status=0
	wait $! || status=$?
	[ "$status" -eq 143 ]
	[ ! -s out ]
}

@test "--stats: a FIFO gets one object where a broken pipe is an error" {
	mkfifo fifo
	cat fifo >got 3>&- &
	run bash -c 'trap "" PIPE; spool --stats fifo <"$DATA/random" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[[ ${lines[0]} == "spool: standard output: cannot write: Broken pipe; it has "* ]]
	[ "${lines[1]}" = 1 ]
	wait
	[ "$(wc -l <got)" -eq 1 ]
	grep -q '"status": 1}' got
}

@test "--stats: a FIFO whose reader has gone" {
	mkfifo fifo
	printf '#!/no/interpreter\n' >none
	chmod +x none
	local command
	for command in ./nowhere ./none; do
		: <fifo 3>&- &
		run spool --stats fifo "$command" <"$DATA/numbers"
		[ "$status" -eq 127 ]
		wait
	done
}

@test "--stats: what cannot be written is known before anything is read, or told at the end" {
	needs jq
	says 1 "spool: nowhere/figures: cannot write the figures: No such file or directory; nothing was read" \
	    spool --stats nowhere/figures <"$DATA/numbers"
	says 1 "spool: .: cannot write the figures: Is a directory; nothing was read" spool --stats . <"$DATA/numbers"
	run --separate-stderr spool --stats /dev/full -o f <"$DATA/numbers"
	[ "$status" -eq 0 ]
	cmp "$DATA/numbers" f
	[ "$stderr" = "spool: /dev/full: cannot write the figures: No space left on device; the stream is not affected" ]
}

@test "--stats: not into the file of -o, nor over standard input or output" {
	needs jq
	echo old >f
	ln f g
	local file
	for file in f ./f g; do
		says 2 "spool: $file: it is the file of -o, and cannot have the figures; nothing was read" \
		    spool --stats "$file" -o f <"$DATA/numbers"
	done
	says 2 "spool: f: it is standard input, and cannot have the figures; nothing was read" spool --stats f <f
	[ "$(cat f)" = old ]
	run spool --stats ./new -o new <f
	[ "$status" -eq 2 ]
	says 2 "spool: out: it is standard output, and cannot have the figures; nothing was read" \
	    bash -c 'spool --stats out <f >out'
	rm out
	only f g
	# Where the name leads to a file that is not there yet, none is made.
	ln -s real link
	local output
	for output in link real; do
		says 2 "spool: link: it is a link to a file that is not there, perhaps that of -o, and cannot have the figures; nothing was read" \
		    spool --stats link -o "$output" <f
	done
	only f g link
	spool --stats link -o f cat f
	figures '.status == 0' real
	rm real
	spool --stats link <f >out
	figures '.status == 0' real
	spool --stats /dev/null -o /dev/null </dev/null
}

@test "--stats: not into the pipe that has the stream, but behind messages of a run with -o" {
	needs jq
	mkfifo p
	cat p >got 3>&- &
	says 2 "spool: p: it is the file of -o, and cannot have the figures; nothing was read" \
	    spool --stats p -o p echo data
	wait $!
	[ ! -s got ]
	run bash -c 'echo a | spool --stats /dev/stdout 2>err | cat'
	[ -z "$output" ]
	[ "$(cat err)" = "spool: /dev/stdout: it is standard output, and cannot have the figures; nothing was read" ]
	# COMMAND and the figures may share a pipe.
	[ "$(echo a | spool --stats /dev/stdout wc -l | wc -l)" -eq 2 ]
	local name
	for name in /dev/stdout /dev/stderr; do
		(echo before; echo a | spool -v -o f --stats "$name") >log 2>&1
		[ "$(wc -l <log)" -eq 3 ]
		[ "$(head -n 1 log)" = before ]
		tail -n 1 log >last
		figures '.status == 0' last
	done
}

@test "-v: a spill directory that is memory is named, with the option that changes it" {
	needs jq
	[ "$TEST_VARIANT" = native ] || return 0	# it asks Linux
	[ "$(stat -f -c %T /dev/shm)" = tmpfs ]
	spool -v -m 0 -T /dev/shm <"$DATA/numbers" 2>&1 >out | sed 's/;.*//' >said
	grep -q 'in memory, .* in /dev/shm (which is memory as well$' said
	spool -v -m 0 -T /dev/shm true <"$DATA/numbers" 2>&1 | grep -q '; use -T to choose another directory); soaked in'
	spool -v -T /dev/shm <"$DATA/numbers" 2>&1 >out | grep -q ', all in memory; soaked in'
	spool -v -m 0 -T . <"$DATA/numbers" 2>&1 >out | grep -qv 'as well'
	spool --stats figures -m 0 -T /dev/shm <"$DATA/numbers" >out
	figures '.spill_directory == "/dev/shm"'
}
