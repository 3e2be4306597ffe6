#!/usr/bin/env bats
# progress.bats: the line of -p, in real terminals, and the answer to SIGUSR1.
# bats file_tags=portable, sanitized, memory, thread, coverage

load ../helper

teardown() {
	[ ! -S socket ] || tmux -S socket kill-server || true
	# Bats waits for what a test that has failed leaves running.
	[ -z "${feeder:-}" ] || kill "$feeder" 2>/dev/null || true
}

# A terminal of COLUMNS columns, in which the shell of tests runs a script.
terminal() {
	printf '%s\n' "$2" >script
	tmux -S socket -f /dev/null new-session -d -x "$1" -y 10 "env -u TMUX bash --norc -i script 3>&-; sleep 1000 3>&-" 3>&-
}

# What can be seen on it.
screen() {
	tmux -S socket capture-pane -p
}

shows() {
	screen | grep -qE -- "$1"
}

# A source that gives what it is told to, and ends when told: feed 30M; feed end.
begin_source() {
	mkfifo told source
	(
		exec >source 5<>told
		while read -r size <&5; do
			[ "$size" != end ] || break
			head -c "$size" /dev/zero
		done
	) 3>&- &
	feeder=$!
}

feed() {
	echo "$1" >told
}

@test "-p on a terminal: soaking, replaying with a bar, and nothing left behind" {
	needs tmux
	begin_source
	mkfifo sink
	terminal 80 'echo before; spool -p -m 20M -T . <source >sink; echo "after $?"'
	exec 4<sink
	feed 30M
	eventually shows '^soaking 30MiB 0:00:[0-9]{2} [0-9.]+[KMG]?i?B/s \(20MiB in memory, 10MiB on disk\)$'
	feed 30M
	eventually shows '^soaking 60MiB .*, 40MiB on disk\)$'
	feed end
	[ "$(head -c 30M <&4 | wc -c)" -eq 31457280 ]
	eventually shows '^replaying \[=+>? *\]  5[0-9]% of 60MiB [0-9.]+[KMG]?i?B/s, 0:00:[0-9]{2} left$'
	[ "$(wc -c <&4)" -gt 0 ]
	exec 4<&-
	eventually shows '^after 0$'
	screen | sed '/^$/d' | diff - <(printf '%s\n' before 'after 0')
}

@test "-p: the line fits the terminal, also when that changes its width" {
	needs tmux
	begin_source
	terminal 80 'spool -p -m 1M -T . <source >/dev/null'
	feed 3M
	# The rate is that of the last two seconds.
	eventually shows '^soaking 3MiB 0:00:0[2-9] 0B/s \(1MiB in memory, 2MiB on disk\)$'
	tmux -S socket resize-window -x 40 -y 10
	eventually shows '^soaking 3MiB 0:00:[0-9]{2} [0-9.]+[KMG]?i?B/s$'
	# What was there before has been folded by the terminal, but from now on one line is used.
	screen >one
	feed 1M
	eventually shows '^soaking 4MiB'
	[ "$(screen | sed '/^$/d' | wc -l)" -eq "$(sed '/^$/d' one | wc -l)" ]
	tmux -S socket resize-window -x 20 -y 10
	# Whole fields, and no part of a number.
	eventually shows '^soaking 4MiB$'
	tmux -S socket resize-window -x 14 -y 10
	eventually shows '^soaking 4MiB$'
	tmux -S socket resize-window -x 9 -y 10
	eventually shows '^soaking$'
	tmux -S socket resize-window -x 1 -y 10
	feed end
	wait
}

@test "-p: the bar and its words, in wide terminals and narrow ones" {
	needs tmux
	begin_source
	mkfifo sink
	terminal 300 'spool -p -m 20M -T . <source >sink; echo "after $?"'
	exec 4<sink
	feed 30M
	feed end
	[ "$(head -c 10M <&4 | wc -c)" -eq 10485760 ]
	eventually shows '^replaying \[[=> ]{76}\]  3[0-9]% of 30MiB .* left$'
	tmux -S socket resize-window -x 50 -y 10
	eventually shows '^replaying  3[0-9]% of 30MiB [0-9.]+[KMG]?i?B/s, ([0-9:]+|\?) left$'
	tmux -S socket resize-window -x 30 -y 10
	eventually shows '^replaying 3[0-9]%, ([0-9:]+|\?) left$'
	tmux -S socket resize-window -x 16 -y 10
	eventually shows '^replaying 3[0-9]%$'
	[ "$(wc -c <&4)" -gt 0 ]
	exec 4<&-
}

@test "-p: a terminal that does not tell its width" {
	needs_terminals
	local columns width
	while read -r columns width; do
		COLUMNS=$columns on_terminal sh -c \
		    '(head -c 3M /dev/zero; sleep 1) | spool -p -m 1M -T . | (sleep 1; cat) >out' </dev/null >seen
		[ "$(tr '\r' '\n' <seen | wc -L)" -eq "$width" ] || { cat -v seen; return 1; }
	done <<-'END'
	30 29
	0 79
	x 79
	END
}

@test "-p: an interrupt wipes the line away" {
	needs tmux
	begin_source
	terminal 80 'trap : INT
		spool -p <source >/dev/null; echo "status $?"'
	feed 1M
	eventually shows '^soaking 1MiB'
	tmux -S socket send-keys C-c
	eventually shows 'status 130$'
	screen | sed '/^$/d; s/^^C//' | diff - <(echo 'status 130')
	feed end
	wait
}

@test "-p: what a check prints, and a message, find the line gone" {
	needs tmux
	begin_source
	terminal 100 'spool -p -c "echo checked; sleep 0.4; exit 1" <source >/dev/null; echo "status $?"'
	feed 1M
	eventually shows '^soaking 1MiB'
	feed end
	eventually shows '^status 3$'
	screen | sed '/^$/d' | diff - <(printf '%s\n' checked \
	    "spool: the check 'echo checked; sleep 0.4; exit 1' exited with status 1; nothing was released" 'status 3')
}

@test "-p: a job in the background writes nothing, but answers SIGUSR1" {
	needs tmux pkill
	begin_source
	terminal 80 'set -m; spool -p <source >out & echo started; wait; echo "done"'
	eventually shows '^started$'
	feed 1M
	feed 1M
	sleep 0.5
	run shows soaking
	[ "$status" -ne 0 ]
	pkill -USR1 -x spool -t "$(tmux -S socket display -p '#{s|/dev/||:pane_tty}')"
	eventually shows '^spool: soaking [12]MiB'
	feed end
	eventually shows '^done$'
	wait
	[ "$(stat -c %s out)" -eq 2097152 ]
}

@test "-p: a stopped terminal holds up no data" {
	needs tmux
	/usr/bin/python3 - <<-'END'
	import os, pty, termios
	pid, terminal = pty.fork()
	if pid == 0:
	    termios.tcflow(2, termios.TCOOFF)
	    os.execvp("sh", ["sh", "-c", "(head -c 1M /dev/zero; sleep 0.5; head -c 1M /dev/zero) | spool -p >out; touch done"])
	status = os.waitpid(pid, 0)[1]
	assert status == 0, status
	END
	[ -e "done" ]
	[ "$(stat -c %s out)" -eq 2097152 ]
}

@test "-p: a terminal that is stopped when the line has been drawn holds up no end" {
	needs tmux
	mkfifo told
	/usr/bin/python3 - <<-'END'
	import os, pty, termios
	pid, terminal = pty.fork()
	if pid == 0:
	    os.execvp("sh", ["sh", "-c", "(head -c 1M /dev/zero; read -r line <told) | spool -p >out"])
	seen = b""
	while b"soaking 1MiB" not in seen:
	    seen += os.read(terminal, 1000)
	termios.tcflow(os.open(f"/proc/{pid}/fd/2", os.O_RDWR | os.O_NOCTTY), termios.TCOOFF)
	open("told", "w").write("go\n")
	assert os.waitpid(pid, 0)[1] == 0
	END
	[ "$(stat -c %s out)" -eq 1048576 ]
}

@test "-p: a terminal that is slow to show the stream has nothing else between" {
	needs tmux
	/usr/bin/python3 - <<-'END'
	import os, pty, time
	pid, terminal = pty.fork()
	if pid == 0:
	    os.execvp("sh", ["sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x | spool -p"])
	time.sleep(0.6)
	seen = b""
	while True:
	    try:
	        seen += os.read(terminal, 10000)
	    except OSError:
	        break
	assert os.waitpid(pid, 0)[1] == 0
	assert seen.count(b"x") == 200000 and b"replaying" not in seen, seen[:200]
	END
}

@test "a few bytes reach a terminal, a socket and a device" {
	needs tmux
	/usr/bin/python3 - <<-'END'
	import os, pty, socket, subprocess
	near, far = socket.socketpair()
	subprocess.run("echo few | spool", shell=True, stdout=far, check=True)
	far.close()
	assert near.recv(100) + near.recv(100) == b"few\n"
	subprocess.run("echo few | spool", shell=True, stdout=subprocess.DEVNULL, check=True)
	pid, terminal = pty.fork()
	if pid == 0:
	    os.execvp("sh", ["sh", "-c", "echo few | spool"])
	seen = os.read(terminal, 100)
	assert os.waitpid(pid, 0)[1] == 0
	assert seen == b"few\r\n", seen
	END
}

@test "-p: somebody who is expected to type is told so" {
	needs tmux
	terminal 100 'spool -p -c "sleep 0.4" >out; echo "status $?"'
	eventually shows '^spool: waiting for input from the terminal; Ctrl-D at the start of a line ends it$'
	sleep 0.4
	tmux -S socket send-keys typed Enter
	eventually shows '^typed$'
	tmux -S socket send-keys C-d
	eventually shows '^status 0$'
	[ "$(cat out)" = typed ]
}

@test "-p: what is replayed to the same terminal is seen" {
	needs tmux
	terminal 80 '(sleep 1; echo data) | spool -p; echo "status $?"'
	eventually shows '^soaking 0B'
	eventually shows '^status 0$'
	screen | sed '/^$/d' | diff - <(printf '%s\n' data 'status 0')
}

@test "without -p nothing is said, on a terminal or elsewhere" {
	needs tmux
	terminal 80 'echo data | spool; echo data | spool >out; echo data | spool >/dev/null; echo "status $?"'
	eventually shows '^status 0$'
	screen | sed '/^$/d' | diff - <(printf '%s\n' data 'status 0')
}

# bats test_tags=long
@test "-p elsewhere: a line every few seconds" {
	begin_source
	spool -p -m 1M -T . <source >out 2>err 3>&- &
	feed 3M
	eventually grep -qE '^spool: soaking 3MiB 0:00:0[0-9] [0-9.]+[KM]iB/s \(1MiB in memory, 2MiB on disk\)$' err
	feed end
	wait
	[ "$(grep -c . err)" -eq 1 ]
	[ "$(stat -c %s out)" -eq 3145728 ]
}

@test "-p: a reader that stops early is an error where SIGPIPE is blocked" {
	needs python3
	cat >blocked <<-'END'
	import os, signal
	signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
	signal.signal(signal.SIGPIPE, signal.SIG_DFL)
	os.execvp("spool", ["spool", "-p"])
	END
	run bash -c 'python3 blocked <"$DATA/random" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[[ ${lines[0]} = "spool: standard output: cannot write: Broken pipe; it has "* ]]
	[ "${lines[1]}" = 1 ]
}

@test "-p: a reader that stops early ends spool by SIGPIPE, without a word" {
	run bash -c 'spool -p <"$DATA/random" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 141 ]
	run bash -c 'trap "" PIPE; spool -p <"$DATA/random" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[[ ${lines[0]} = "spool: standard output: cannot write: Broken pipe; it has "* ]]
	[ "${lines[1]}" = 1 ]
	run bash -c 'spool -p --ignore-epipe <"$DATA/random" | head -c 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "$output" = 0 ]
}

# Whether the spool that was started last can be asked: it holds SIGUSR1 back.
listens() {
	[ $((0x$(sed -n 's/^SigBlk:\t//p' "/proc/$spool/status") >> 9 & 1)) -eq 1 ]
}

# Sends it SIGUSR1 until it has answered so.
answers() {
	kill -USR1 "$spool"
	sleep 0.05
	grep -qE "^spool: $1" err
}

@test "SIGUSR1: one line at any time, without -p" {
	begin_source
	mkfifo sink
	spool -m 1M -T . <source >sink 2>err 3>&- &
	spool=$!
	exec 4<sink
	eventually listens
	eventually answers 'soaking 0B 0:00:[0-9]{2} 0B/s \(in memory\)$'
	feed 3M
	eventually answers 'soaking 3MiB 0:00:[0-9]{2} [0-9.]+[KMG]?i?B/s \(1MiB in memory, 2MiB on disk\)$'
	feed end
	eventually answers 'replaying +[0-9]+% of 3MiB [0-9.]+[KMG]?i?B/s, ([0-9]+:[0-9:]+|\?) left$'
	[ "$(head -c 4M <&4 | wc -c)" -eq 3145728 ]
	exec 4<&-
	wait "$spool"
}

@test "SIGUSR1: also where the stream trickles, or a full pipe does not take five bytes" {
	mkfifo sink
	/usr/bin/python3 -c 'import sys, time
for i in range(2000):
    sys.stdout.write("x")
    sys.stdout.flush()
    time.sleep(0.005)' 3>&- | spool >out 2>err 3>&- &
	spool=$!
	eventually listens
	eventually answers 'soaking [0-9]+B'
	kill "$spool"
	wait "$spool" || true
	exec 4<>sink
	head -c 64K /dev/zero >&4
	echo four | spool >sink 2>err 3>&- &
	spool=$!
	eventually listens
	eventually answers 'replaying +0% of 5B 0B/s, \? left$'
	head -c 65541 <&4 | tail -c 5 >got
	[ "$(cat got)" = four ]
	wait "$spool"
}

@test "SIGUSR1: while a check runs, while COMMAND ends, and while the file is written" {
	mkfifo f checked ended
	# shellcheck disable=SC2016 # for the shell that is started
	spool -c 'read -r line <checked' -o f sh -c 'seq 1000000; exec >&-; read -r line <ended' 2>err 3>&- &
	spool=$!
	eventually listens
	eventually answers 'checking 6.57MiB 0:00:[0-9]{2}$'
	echo >checked
	eventually answers 'soaked 6.57MiB, waiting for the command to end 0:00:[0-9]{2}$'
	echo >ended
	eventually answers 'saving 6.57MiB 0:00:[0-9]{2}$'
	exec 4<f
	# More than one write(2) takes.
	head -c 2M <&4 | wc -c
	eventually answers 'saving +[0-9]+% of 6.57MiB'
	cat <&4 >rest
	exec 4<&-
	wait "$spool"
	[ "$(tail -n 1 rest)" = 1000000 ]
}

@test "SIGUSR1: where it is ignored it stays so, and COMMAND, CHECK and a producer find it as it was" {
	local blocked
	blocked=$(sed -n 's/^SigBlk:\t//p' /proc/self/status)
	begin_source
	(
		trap '' USR1
		exec spool <source >out 2>err 3>&-
	) &
	feed 1K
	kill -USR1 $!
	feed end
	wait
	[ ! -s err ]
	for try in 1 2; do
		: | spool grep SigBlk /proc/self/status
		: | spool -c 'grep SigBlk /proc/self/status >&2' 2>&1
		: | spool -p -c 'grep SigBlk /proc/self/status >&2' 2>&1
		: | spool -p grep SigBlk /proc/self/status 2>&1
		: | spool --stats figures grep SigBlk /proc/self/status 2>&1
		spool -o /dev/stdout grep SigBlk /proc/self/status </dev/null | cat
	done >seen
	[ "$(wc -l <seen)" -eq 12 ]
	[ "$(sort -u seen)" = "$(printf 'SigBlk:\t%s' "$blocked")" ]
}

@test "-s and SIGUSR1: what came in, what went out, and what waits" {
	{ cat "$DATA/random"; eventually test -e go; } | sh -c 'echo $$ >pid; exec spool -s -m 100K -T . 2>err' |
	    { eventually test -e go; cat; } >out &
	local line='^spool: streaming [0-9.]+[KMG]iB in, [0-9.]+[KM]?i?B out 0:00:[0-9]+ [0-9.]+[KMG]?i?B/s, [0-9.]+[KM]?i?B waiting in memory, [0-9.]+[KM]?i?B on disk$'
	asked() {
		kill -USR1 "$spool"
		sleep 0.1
		grep -qE "$line" err
	}
	local spool
	eventually test -s pid
	spool=$(cat pid)
	eventually listens
	eventually asked || { cat err; return 1; }
	touch go
	wait
	cmp "$DATA/random" out
}
