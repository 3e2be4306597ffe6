# helper.bash: what the bats files share.

bats_require_minimum_version 1.5.0

# Scratch space of each test.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The first SIZE random bytes, in a file of that name.
bytes() {
	head -c "$1" "$DATA/random" >"$1"
	[ "$(stat -c %s "$1")" -eq "$1" ]
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

# Waits until a command succeeds, but not for ever.
eventually() {
	local try
	for try in {1..500}; do
		if "$@"; then return 0; fi
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

# The files in the current directory are these and no others, but for those of bats.
only() {
	local expected
	expected=$([ $# -eq 0 ] || printf '%s\n' "$@" | sort)
	diff <(find . -mindepth 1 -maxdepth 1 ! -name 'separate-stderr-*' -printf '%f\n' | sort) \
	    <([ $# -eq 0 ] || echo "$expected")
}
