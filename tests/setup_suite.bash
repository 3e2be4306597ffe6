# setup_suite.bash: finds the build, and makes what all bats files use: their data, and a home that is nobody's.

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The build that is tested, for bats started by hand: build/default, or the tree itself.
find_build() {
	local top
	top=$(cd "$tests/.." && pwd) || return 1
	for TEST_BUILD in "$top/build/default" "$top"; do
		if [ -x "$TEST_BUILD/spool" ]; then
			TEST_VARIANT=${TEST_VARIANT:-native}
			PATH=$TEST_BUILD:$PATH
			export TEST_BUILD TEST_VARIANT
			return
		fi
	done
	echo "there is no spool to test: neither $top/build/default/spool nor $top/spool" >&2
	return 1
}

# Shells write their history there, and programs find their configuration: never that of whoever runs the tests.
leave_home() {
	HOME=$BATS_SUITE_TMPDIR/home
	HISTFILE=$HOME/history
	XDG_CONFIG_HOME=$HOME/config XDG_DATA_HOME=$HOME/data XDG_STATE_HOME=$HOME/state XDG_CACHE_HOME=$HOME/cache
	XDG_RUNTIME_DIR=$HOME/run
	export HOME HISTFILE XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
	mkdir "$HOME" && chmod 755 "$HOME" && mkdir -m 700 "$XDG_RUNTIME_DIR"
	unset XDG_CONFIG_DIRS XDG_DATA_DIRS INPUTRC BASH_ENV ENV CDPATH GREP_OPTIONS TMUX TMPDIR POSIXLY_CORRECT
}

setup_suite() {
	# A broken environment ends the run; it must not look like tests that pass.
	local tool
	PATH=$PATH:/usr/sbin:/sbin
	[ -n "${TEST_BUILD:-}" ] || find_build || return 1
	for tool in spool python3 setpriv; do
		if ! type -P "$tool" >/dev/null; then
			echo "$tool is missing" >&2
			return 1
		fi
	done
	leave_home || return 1

	DATA=$BATS_SUITE_TMPDIR/data
	export DATA
	mkdir "$DATA" || return 1
	cd "$DATA" || return 1
	seq 300000 >numbers
	head -c 5000000 /dev/urandom >random
	tar -cf doc.tar -C "$tests" . 2>/dev/null || return 1
	/usr/bin/python3 -m zipfile -c doc.zip doc.tar numbers || return 1
}
