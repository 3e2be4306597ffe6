# helper.bash: what the bats files share.

bats_require_minimum_version 1.5.0

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

#
# What a test cannot do without. What is missing skips the test and says so; where nothing may be left out (TEST_ALL), it
# fails the test.
#

unmet() {
	if [ -n "${TEST_ALL:-}" ]; then
		echo "$1"
		return 1
	fi
	skip "$1"
}

needs() {
	local tool
	for tool in "$@"; do
		type -P "$tool" >/dev/null || unmet "needs $tool"
	done
}

needs_root() {
	[ "$(id -u)" -eq 0 ] || unmet "needs root"
}

# In some containers root has not all that root can have; where everything has to run, it must.
is_whole_root() {
	local attribute=1
	[ "$(id -u)" -eq 0 ] || return 1
	touch whole
	setfattr -n trusted.note -v note whole 2>/dev/null || attribute=
	rm whole
	[ -n "$attribute" ] || [ -n "${TEST_ALL:-}" ]
}

# Root in some containers has given up what makes it root.
needs_to_give_files_away() {
	needs_root
	touch given
	if ! chown 1:1 given 2>/dev/null; then
		rm given
		unmet "needs to give files away"
	fi
	rm given
}

needs_mounts() {
	needs_root
	mkdir mounted
	if ! mount -t tmpfs tmpfs mounted 2>/dev/null; then
		rmdir mounted
		unmet "needs to mount file systems"
	fi
	umount mounted
	rmdir mounted
}

needs_loop() {
	needs_mounts
	losetup -f >/dev/null 2>&1 || unmet "needs loop devices"
}

needs_fuse() {
	needs_mounts
	: 2>/dev/null <>/dev/fuse || unmet "needs FUSE"
}

needs_terminals() {
	/usr/bin/python3 -c 'import pty; pty.openpty()' 2>/dev/null || unmet "needs pseudo-terminals"
}

needs_strace() {
	needs strace
	strace -qq -o traced true 2>/dev/null || unmet "needs to trace processes"
	rm traced
}

# Scratch space of each test, and nothing to read, also where bats is started at a terminal.
setup() {
	cd "$BATS_TEST_TMPDIR" && exec </dev/null
}

#
# What came of it
#

# A program ends with this status, says just this, and prints nothing: says STATUS TEXT PROGRAM... After an error of usage
# comes the hint.
says() {
	local want=$1 text=$2
	shift 2
	run --separate-stderr "$@"
	[ "$want" -ne 2 ] || [[ $text == *"nothing was read" ]] || text+=$'\n'"${text%%:*}: try '${text%%:*} --help'"
	if [ "$status" -ne "$want" ] || [ "$stderr" != "$text" ] || [ -n "$output" ]; then
		printf '%s\nstatus %s, and not %s; it said:\n%s\nand not:\n%s\nand printed:\n%s\n' "$*" "$status" "$want" \
		    "$stderr" "$text" "$output"
		return 1
	fi
}

# The current directory holds just these files; those of bats do not count.
only() {
	local expected
	expected=$([ $# -eq 0 ] || printf '%s\n' "$@" | sort)
	diff <(find . -mindepth 1 -maxdepth 1 ! -name 'separate-stderr-*' -printf '%f\n' | sort) \
	    <([ $# -eq 0 ] || echo "$expected")
}

# The same, after a while: FUSE keeps a file that was removed while it was open, until a moment after its last close. If
# many processes replace the file at once, libfuse sometimes misses that close.
settles_to() {
	! eventually only "$@" >/dev/null || return 0
	rm -f .fuse_hidden*
	only "$@"
}

#
# What a test is made of
#

# Builds the library that makes calls fail, once for each file of tests.
needs_injector() {
	INJECT=$BATS_FILE_TMPDIR/inject.so
	[ -e "$INJECT" ] || { needs cc && cc -O1 -shared -fPIC -o "$INJECT" "$tests/faults/inject.c"; }
}

# Runs a program of whose calls some fail, as FAIL in faults/inject.c has it: with CALLS PROGRAM...
with() {
	FAIL=$1 LD_PRELOAD=$INJECT timeout -s KILL 20 "${@:2}"
}

# The first SIZE random bytes, in a file of that name.
bytes() {
	head -c "$1" "$DATA/random" >"$1"
	[ "$(stat -c %s "$1")" -eq "$1" ]
}

# A command with each size of memory at its end: all of the stream fits, a part does, nothing does.
each_way() {
	local memory
	for memory in 64M 1000 0; do
		"$@" "$memory"
	done
}

# Runs a program in a terminal of its own, and prints what is seen there.
on_terminal() {
	/usr/bin/python3 -c 'import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        sys.stdout.buffer.write(os.read(terminal, 1000))
    except OSError:
        break
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}

# Runs a program in a terminal until 1234 is seen there, and types the interrupt, which has to end it.
interrupted_on_terminal() {
	/usr/bin/python3 -c 'import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
got = b""
while b"1234" not in got:
    got += os.read(terminal, 1000)
os.write(terminal, b"\x03")
status = os.waitpid(pid, 0)[1]
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status' "$@"
}

# Makes descriptor FD non-blocking and executes the rest.
nonblocking() {
	/usr/bin/python3 -c 'import os, sys
os.set_blocking(int(sys.argv[1]), False)
os.execvp(sys.argv[2], sys.argv[2:])' "$@"
}

# Runs a script with its standard error in a file.
quietly() {
	"$@" 2>stderr
}

# Waits until a command succeeds: for thirty seconds, and for a hundred tries, which may take longer on a slow machine.
eventually() {
	local try=0 start=$SECONDS
	while ((try < 100 || SECONDS - start <= 30)); do
		if "$@"; then return 0; fi
		try=$((try + 1))
		sleep 0.02
	done
	echo "not even after $try tries: $*"
	return 1
}

# Runs spool, or another program, as somebody who is not root, where the tests are root's. The scratch directories
# are made to be reached.
as_user() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
		return
	fi
	local program
	program=$(command -v "$1")
	shift
	chmod 755 "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." 2>/dev/null || true
	setpriv --reuid "${as_uid:-65534}" --regid 65534 --clear-groups "$program" "$@"
}
