#!/usr/bin/env bats
# messages.bats: every message that spool has, word for word, with its status; and that none is missing.
#
# A row is one line, "row STATUS LINE COMMAND...", in the test of the source file that has the message. The last test reads
# the rows and the sources, and wants a row, or more, for each text that message() is called with there. Lines of other bats
# files, "says STATUS LINE COMMAND...", are rows as well for a text that only one source file has.

load ../helper

setup_file() {
	needs_injector
	export INJECT
}

# What each row begins with. The stream is "in", of 292 bytes.
fresh() {
	rm -rf -- * .f.* .new.* 2>/dev/null
	mkdir d 'a b'
	seq 100 >in
	echo old >f
	printf '#!/no/such/interpreter\n' >script
	chmod 755 script
}

# Names and times that are not the same each time.
plain() {
	sed 's/spool-[A-Za-z0-9]\{6\}/spool-XXXXXX/g; s/[0-9]*\.[0-9]\{3\} s/0.000 s/g; s/ 0:00:[0-9][0-9] / 0:00:00 /' "$@"
}

# Runs a command, and leaves its status in $status, and what it has said in err, out and $line.
attempt() {
	fresh
	exec 5<in
	status=0
	"$@" <&5 >out 2>err 5<&- || status=$?
	rest=$(wc -c <&5)
	exec 5<&-
	line=$(plain err | head -n 1)
}

# The first line on standard error, and the status; and what the line claims is true.
row() {
	local want=$1 expected=$2
	shift 2
	attempt "$@"
	if [ "$status" != "$want" ] || [ "$line" != "$expected" ]; then
		printf '%s: status %s, and not %s\n' "$*" "$status" "$want"
		diff <(echo "$expected") err || true
		return 1
	fi
	holds
}

holds() {
	case $line in
	*'nothing was read'*) [ "$rest" -eq 292 ] || { echo "it was read: $line"; return 1; } ;;
	esac
	case $line in
	*'nothing was re'* | *' unchanged'* | *'no file was made'*)
		if [ "$(cat f)" != old ] || [ -s out ] || [ -e new ]; then echo "not true: $line"; return 1; fi
		;;
	esac
}

# Another line of the row before.
also() {
	plain err | grep -qxF -e "$1" || { echo "does not say: $1"; cat err; return 1; }
}

# The same as row, where one such call fails of many, and it does not matter which: CALL:ERROR.
somewhere() {
	local want=$1 expected=$2 fault=$3 n
	shift 3
	for n in {1..60}; do
		attempt with "$fault:$n" "$@"
		[ "$line" != "$expected" ] || break
	done
	[ "$line" = "$expected" ] || { echo "$fault: it never says: $expected"; return 1; }
	[ "$status" = "$want" ] || { echo "$fault:$n: status $status: $expected"; return 1; }
	holds
}

@test "figures.c" {
	row 0 "spool: 292 bytes (292B), all in memory; soaked in 0.000 s, replayed in 0.000 s" spool -v
	row 0 "spool: 292 bytes (292B), all in memory; soaked in 0.000 s" spool -v true
	row 0 "spool: 292 bytes (292B), all in memory; soaked in 0.000 s, created in 0.000 s" spool -v -o g
	row 0 "spool: 292 bytes (292B): 1B in memory, 291B in d; soaked in 0.000 s, replayed in 0.000 s" spool -v -m 1 -T d
	row 1 "spool: no/such: cannot write the figures: No such file or directory; nothing was read" spool --stats no/such
	row 1 "spool: f: cannot write the figures: Input/output error; nothing was read" \
	    with ftruncate:EIO:1 spool --stats f
	row 2 "spool: in: it is standard input, and cannot have the figures; nothing was read" spool --stats in
	row 2 "spool: f: it is the file of -o, and cannot have the figures; nothing was read" spool --stats f -o f
	row 0 "spool: /dev/full: cannot write the figures: No space left on device; the stream is not affected" \
	    spool --stats /dev/full
}

@test "figures.c: of a stream that is sent on" {
	row 0 "spool: 292 bytes (292B), all through memory; streamed in 0.000 s, at most 292B waited" spool -s -v
	row 0 "spool: 292 bytes (292B): 292B through d; streamed in 0.000 s, at most 292B waited" spool -s -v -m 0 -T d
}

@test "ending.c" {
	row 3 "spool: standard input: its last line is not 'END' (-e); nothing was released" spool -e END
	row 3 "spool: sed: its last line is not 'END' (-e); the file is unchanged" spool -e END -o f sed 's/100/END?/'
}

# shellcheck disable=SC2016 # for the shells that are started
@test "relay.c" {
	row 1 "spool: cannot start: Too many open files; nothing was read" with pipe2:EMFILE:1 spool -s
	somewhere 1 "spool: cannot start: Cannot allocate memory; nothing was read" calloc:ENOMEM spool -s
	row 0 "spool: d: No space left on device: the source waits until the reader has made room" \
	    with pwrite:ENOSPC:1-999 sh -c 'seq 400000 | spool -s -v -m 100 -T d | { sleep 0.3; cat; }'
	somewhere 1 "spool: standard input: cannot read: Input/output error; nothing was released" \
	    read:EIO spool -s
	row 1 "spool: d: cannot write the spill file: Input/output error; standard output has 292 of the 292 bytes that were read" \
	    with pwrite:EIO:1 spool -s -m 0 -T d
	row 1 "spool: d: cannot read the spill file: Input/output error; nothing was released" \
	    with pread:EIO:1 spool -s -m 0 -T d
	row 1 "spool: d: cannot read the spill file: Input/output error; nothing was released" \
	    with sync_file_range:EIO:1 spool -s -m 0 -T d
	row 1 "spool: standard output: cannot write: No space left on device; it has 0 of 292 bytes" \
	    sh -c 'exec spool -s >/dev/full'
	row 1 "spool: standard input is also standard output, and would not end; nothing was read" sh -c 'exec spool -s 1<>in'
	somewhere 1 "spool: standard output: cannot close: Input/output error; it may be incomplete" close:EIO spool -s
	somewhere 1 "spool: d: cannot write the spill file: Permission denied; standard output has 292 of the 292 bytes that were read" \
	    unlink:EACCES:1,open:EMFILE spool -s -m 0 -T d
	also "spool: d/spool-XXXXXX: cannot remove; it is empty"
}

@test "hidden.c" {
	attempt with openat:EOPNOTSUPP:1,unlinkat:EIO:1 spool -l 10 -o new
	also "spool: ./.new.spool-XXXXXX: cannot remove: Input/output error"
	row 1 "spool: ./.f.spool-XXXXXX: cannot rename it to f: Permission denied; it has the old contents" \
	    env FAIL_TYPE=fe534d42 FAIL=renameat2:EACCES:2-4 LD_PRELOAD="$INJECT" spool -o f
}

@test "inplace.c" {
	row 1 "spool: f: cannot overwrite: Input/output error; its old contents were put back, the file is unchanged" \
	    with fsync:EIO:1 spool -w -o f
	row 1 "spool: f: cannot overwrite: Input/output error" with write:EIO:1,ftruncate:EIO:1 spool -w -o f
	also "spool: f: cannot put its old contents back: Input/output error; they are in ./.f.spool-XXXXXX"
	row 1 "spool: f: cannot overwrite: Input/output error" with write:EIO:1,ftruncate:EIO:1,fsync:EIO:1 spool -w -o f
	also "spool: f: cannot put its old contents back: Input/output error; the file is damaged"
	somewhere 1 "spool: d/spool-XXXXXX: cannot remove; it is empty" unlink:EACCES:1,open:EMFILE \
	    spool -m 292 -w -T d -o f
	also "spool: f: cannot put its old contents aside: Permission denied; the file is unchanged"
	row 1 "spool: f: cannot read its new contents: Input/output error; the file is unchanged" \
	    with sync_file_range:EIO:1 spool -m 0 -T d -w -o f
	row 1 "spool: f: cannot read its new contents: Input/output error; the file is unchanged" \
	    with sync_file_range:EIO:1 spool -m 0 -T d -a -o f
	row 1 "spool: f: cannot put its old contents aside: Input/output error; the file is unchanged" \
	    with lseek:EIO:1 spool -w -o f
	row 1 "spool: f: cannot reserve space: No space left on device; the file is unchanged" \
	    with fallocate:ENOSPC:1 spool -w -o f
	row 1 "spool: f: cannot reserve space: No space left on device; the file is unchanged" \
	    with fallocate:ENOSPC:1 spool -a -o f
	somewhere 1 "spool: f: cannot append: Input/output error; the file is unchanged" fstat:EIO spool -a -o f
	row 1 "spool: f: cannot append: Input/output error; it was cut back to its old length, the file is unchanged" \
	    with fsync:EIO:1 spool -a -o f
	row 1 "spool: f: cannot append: Input/output error; it cannot be cut back (Input/output error), 292 bytes of the stream stay in it" \
	    with fsync:EIO:1,ftruncate:EIO:1 spool -a -o f
	somewhere 1 "spool: f: cannot append: Input/output error; it cannot be cut back (Input/output error), a part of the stream may stay in it" \
	    fsync:EIO:1,fstat:EIO spool -a -o f
	row 1 "spool: f: cannot append: Input/output error; it cannot be cut back (it has grown by more than that), 292 bytes of the stream stay in it" \
	    env FAIL_DO='echo other >>f' FAIL=fsync:GO:1,fsync:EIO:1 LD_PRELOAD="$INJECT" spool -a -o f
	somewhere 1 "spool: f: cannot close: Input/output error; it may be incomplete" close:EIO spool -w -o f
	somewhere 1 "spool: f: cannot make its backup f~: Input/output error; the file is unchanged" \
	    fsync:EIO spool -w -b -o f
}

@test "streams.c" {
	row 1 "spool: /dev/null: cannot open: Too many open files; nothing was read" \
	    with open:EMFILE:1 sh -c 'exec spool -o f true <&-'
}

@test "preflight.c" {
	needs bindfs
	row 1 "spool: no/such: cannot make a spill file there: No such file or directory; nothing was read" spool -T no/such
	row 1 "spool: no/such: cannot make a spill file there (it is \$TMPDIR): No such file or directory; nothing was read" \
	    env TMPDIR=no/such spool -m 0
	mkdir "$BATS_FILE_TMPDIR/base" "$BATS_FILE_TMPDIR/m"
	bindfs --perms=a=rwX --chmod-ignore "$BATS_FILE_TMPDIR/base" "$BATS_FILE_TMPDIR/m" 3>&-
	row 0 "spool: $BATS_FILE_TMPDIR/m: other users can write into a spill file there; use -T to choose another directory" \
	    spool -T "$BATS_FILE_TMPDIR/m"
	row 0 "spool: $BATS_FILE_TMPDIR/m/spool-XXXXXX: cannot remove; it is empty" \
	    with unlink:EACCES:1 spool -T "$BATS_FILE_TMPDIR/m"
	umount -l "$BATS_FILE_TMPDIR/m"
	row 1 "spool: cannot start: Too many open files; nothing was read" with fcntl:EMFILE:4 spool -o f
}

@test "report.c" {
	row 127 "spool: no-such: command not found; nothing was read" spool no-such
	row 127 "spool: f: command not found; to write to the file of that name, use -o; nothing was read" spool f
	row 126 "spool: ./f: cannot be run: Permission denied; to write to the file of that name, use -o; nothing was read" spool ./f
	row 126 "spool: ./d: cannot be run: Is a directory; nothing was read" spool ./d
	row 1 "spool: cat: cannot be started: Cannot allocate memory; nothing was read" with strdup:ENOMEM:1 spool cat
	row 127 "spool: ./script: cannot be run: it or its interpreter is missing; no file was made" spool -o new ./script
	row 1 "spool: true: cannot be started: Resource temporarily unavailable; the file is unchanged" \
	    with posix_spawn:EAGAIN:1 spool -o f true
}

@test "engine.c" {
	row 1 "spool: d: cannot shorten the spill file: Input/output error; nothing was released" \
	    with ftruncate:EIO:1 spool -m 0 -T d -e 100
	somewhere 1 "spool: d: cannot read the spill file: Input/output error; nothing was released" \
	    pread:EIO spool -m 0 -T d -e 100
	somewhere 1 "spool: cannot read the stream in memory: Cannot allocate memory; nothing was released" \
	    malloc:ENOMEM spool -e 100
	somewhere 1 "spool: cannot start: Cannot allocate memory; nothing was read" malloc:ENOMEM spool
	somewhere 1 "spool: cannot start: Cannot allocate memory; the file is unchanged" malloc:ENOMEM spool -o f -f cp in {}
	row 1 "spool: cannot write the stream in memory: Too many open files; nothing was released" \
	    with open:ENOENT:1-9,fcntl:EMFILE:6-9 spool cat
	row 1 "spool: f: cannot write its new contents: No space left on device; the file is unchanged" \
	    with pwrite:ENOSPC:1 spool -m 0 -o f
	row 1 "spool: d: cannot write the spill file: No space left on device; nothing was released" \
	    with pwrite:ENOSPC:1 spool -m 0 -T d
	row 1 "spool: d: cannot read the spill file: Input/output error; standard output has received only a part of the stream" \
	    with pread:EIO:1 spool -m 100 -T d
	row 1 "spool: d: cannot read the spill file: Input/output error; nothing was released" \
	    with sync_file_range:EIO:1 spool -m 100 -T d
	row 1 "spool: d: cannot read the spill file: Input/output error; the data on standard output may be wrong" \
	    with sync_file_range:EIO:3 spool -m 100 -T d
	somewhere 1 "spool: d: programs cannot use a spill file there, since it has no name; use -T to choose another directory; nothing was released" \
	    fstat:ENOENT spool -m 0 -T d cat
	row 1 "spool: d: cannot write the spill file: Permission denied; nothing was released" \
	    with open:EMFILE:1,unlink:EACCES:1 spool -m 0 -T d
	also "spool: d/spool-XXXXXX: cannot remove; it is empty"
	somewhere 1 "spool: standard input: cannot read: Input/output error; nothing was released" read:EIO spool
	row 3 "spool: standard input: longer than 10 (-l); nothing was released" spool -l 10
	row 3 "spool: yes: longer than 10K (-l); the file is unchanged" spool -l 10K -o f yes
	row 3 "spool: cp: longer than 10 (-l); the file is unchanged" spool -l 10 -o f -f cp in {}
	row 3 "spool: cp: longer than 10 (-l); no file was made" spool -l 10 -T d -o new -f cp in {}
	row 3 "spool: dd: longer than 1M (-l); the file is unchanged" spool -l 1M -o f -f dd if=/dev/zero of={} status=none
}

@test "source.c" {
	somewhere 1 "spool: true: cannot wait for it: No child processes; the file is unchanged" waitpid:ECHILD spool -o f true
	row 5 "spool: sh: exited with status 5; no file was made" spool -o new sh -c 'exit 5'
}

@test "private.c" {
	row 1 "spool: d: any user can rename files there, so {} would not be safe; use -T to choose another directory; nothing was read" \
	    sh -c 'chmod 777 d; exec spool -T d -c "cat {}"'
	somewhere 1 "spool: d: cannot make a directory for {} there: Too many open files; nothing was read" \
	    open:EMFILE spool -T d -c 'cat {}'
	row 1 "spool: d: any user can rename files there, so {} would not be safe; use -T to choose another directory; nothing was read" \
	    sh -c 'chmod 777 d; exec spool -T d -f cat {}'
	row 1 "spool: .: any user can rename files there, so {} would not be safe; use -T to choose another directory; nothing was read" \
	    sh -c 'chmod 777 .; status=0; spool -o f -f cp in {} || status=$?; chmod 755 .; exit $status'
	row 0 "spool: d/spool-XXXXXX: cannot remove: Input/output error" with unlinkat:EIO:1-9 spool -T d -c 'true {}'
	row 0 "spool: d/spool-XXXXXX: cannot remove: Input/output error" with unlinkat:EIO:1-9 spool -T d -f true {}
	row 0 "spool: d/spool-XXXXXX.stream: cannot remove: Input/output error" \
	    with unlinkat:EIO:1,renameat:EIO:2 spool -T d -f true {}
}

# shellcheck disable=SC2016 # for the shells that are started
@test "consumer.c" {
	somewhere 1 "spool: d/spool-XXXXXX/stream: cannot give the stream to 'cat': Input/output error; nothing was released" \
	    fchmod:EIO spool -T d -f cat {}
	row 143 "spool: sh: was ended by signal 15 (Terminated)" spool -f sh -c 'kill $$' {}
	somewhere 1 "spool: true: cannot wait for it: No child processes" waitpid:ECHILD spool -f true {}
}

@test "product.c" {
	somewhere 1 "spool: ./.f.spool-XXXXXX/f: cannot make the copy: Too many open files; the file is unchanged" \
	    openat:EMFILE spool -o f --edit true {}
	somewhere 1 "spool: ./.f.spool-XXXXXX/f: cannot write: Input/output error; the file is unchanged" \
	    close:EIO spool -o f --edit true {}
	row 1 "spool: true: left no file at ./.f.spool-XXXXXX/f; the file is unchanged" spool -o f -f true {}
	row 1 "spool: true: left no file at d/spool-XXXXXX/new; no file was made" spool -T d -o new -f true {}
	row 1 "spool: mkdir: what it left at ./.f.spool-XXXXXX/f is not a regular file; the file is unchanged" \
	    spool -o f -f mkdir {}
	row 1 "spool: mkfifo: what it left at ./.new.spool-XXXXXX/new is not a regular file; no file was made" \
	    spool -o new -f mkfifo {}
	row 1 "spool: ln: what it left at ./.f.spool-XXXXXX/f is not a regular file; the file is unchanged" \
	    spool -o f -f ln -s /dev/zero {}
	somewhere 1 "spool: ./.f.spool-XXXXXX/f: cannot open what 'cp' left there: Input/output error; the file is unchanged" \
	    openat:EIO spool -o f -f cp in {}
}

# shellcheck disable=SC2016 # for the shells that are started
@test "gate.c" {
	row 3 "spool: the check 'kill -9 \$\$' was ended by signal 9 (Killed); the file is unchanged" spool -c 'kill -9 $$' -o f
	row 3 "spool: the check 'exit 5' exited with status 5; nothing was released" spool -c 'exit 5'
	row 3 "spool: the check 'echo x >>{}' has changed the stream; the file is unchanged" spool -c 'echo x >>{}' -o f
	somewhere 1 "spool: d/spool-XXXXXX/stream: cannot read: Input/output error; nothing was released" \
	    fstatat:EIO spool -T d -c 'true {}'
	somewhere 1 "spool: d/spool-XXXXXX/stream: cannot show the stream to the check: Input/output error; nothing was released" \
	    fchmod:EIO spool -T d -c 'cat {}'
	somewhere 1 "spool: cannot start the check: Cannot allocate memory; nothing was released" strdup:ENOMEM spool -c true
	row 1 "spool: cannot run the check 'true': Resource temporarily unavailable; nothing was released" \
	    with posix_spawn:EAGAIN:1 spool -c true
}

@test "main.c" {
	somewhere 1 "spool: d/spool-XXXXXX/stream: cannot make it: Too many open files; nothing was read" \
	    openat:EMFILE spool -T d -c 'cat {}'
	row 1 "spool: cannot start: Resource temporarily unavailable; nothing was read" with pthread_create:EAGAIN:1 spool -p
	somewhere 1 "spool: cannot start: Cannot allocate memory; nothing was read" calloc:ENOMEM spool -o f
	row 1 "spool: cannot run the check 'true': Resource temporarily unavailable; nothing was released" \
	    with pthread_create:EAGAIN:1-9 spool -c true
}

@test "replay.c" {
	row 1 "spool: standard output: cannot write: No space left on device; it has 0 of 292 bytes" \
	    sh -c 'exec spool >/dev/full'
	somewhere 1 "spool: standard output: cannot close: Input/output error; it may be incomplete" close:EIO spool
}

@test "options.c" {
	row 2 "spool: -m 'x': it is not a number" spool -m x
	also "spool: try 'spool --help'"
	row 2 "spool: -m '': it is empty" spool -m ''
	row 2 "spool: -m '-5': it is negative" spool -m -5
	row 2 "spool: -l '1.5G': it is not a whole number" spool -l 1.5G
	row 2 "spool: -l '5Q': unknown suffix (K, M, G, T, P and E are known)" spool -l 5Q
	row 2 "spool: -l '16E': it is too large" spool -l 16E
	row 2 "spool: -m 'x%': it is not a number" spool -m x%
	row 2 "spool: --stats 'g': given twice; only one file gets the figures" spool --stats f --stats g
	row 2 "spool: -a requires -o FILE" spool -a
	row 2 "spool: --backlog requires -s" spool --backlog 1M
	row 2 "spool: --backlog '0': nothing could be sent on" spool -s --backlog 0
	row 2 "spool: -s sends the stream on before its end is known; -c needs the whole stream" spool -s -c true
	row 2 "spool: --no-sync requires -o FILE" spool --no-sync
	row 2 "spool: --edit requires -o FILE" spool --edit cat {}
	row 2 "spool: --edit and -a cannot be used together" spool --edit -a -o f cat {}
	row 2 "spool: --name and -o cannot be used together" spool --name new -o f cat {}
	row 2 "spool: --name 'a/b': a name has no slash" spool --name a/b cat {}
	row 2 "spool: --name '..': it is a directory" spool --name .. cat {}
	row 2 "spool: --name '': it is empty" spool --name '' cat {}
	row 2 "spool: -f requires COMMAND" spool -f
	row 2 "spool: --name requires COMMAND" spool --name new
	row 2 "spool: -f requires {} in an argument of COMMAND, for the path of the file" spool -f cat in
	row 2 "spool: --edit requires {} in an argument of COMMAND, for the path of the file" spool -o f --edit cat '\{}'
}

@test "misspelt.c" {
	row 2 "spool: unknown option '--memroy'; did you mean '--memory'?" spool --memroy
	row 2 "spool: unknown option '--nonsense'" spool --nonsense
	mkdir "$BATS_FILE_TMPDIR/misspelt"
	ln -s "$(command -v spool)" "$BATS_FILE_TMPDIR/misspelt/sponge"
	row 2 "sponge: unknown option '--nonsense'" "$BATS_FILE_TMPDIR/misspelt/sponge" --nonsense
}

@test "options.c: as sponge" {
	ln -s "$(command -v spool)" "$BATS_FILE_TMPDIR/sponge"
	PATH=$BATS_FILE_TMPDIR:$PATH
	row 2 "sponge: file '': it is empty" sponge ''
	row 2 "sponge: unknown option '-x'" sponge f -x
	row 2 "sponge: option '--append' takes no argument" sponge --append=3 f
}

# shellcheck disable=SC2016 # for the shells that are started
@test "progress.c" {
	needs_terminals
	# The source ends when spool has spoken.
	row 0 "spool: soaking 0B 0:00:00 0B/s (in memory)" sh -c 'until [ -s err ]; do sleep 0.1; done | spool -p'
	row 0 "spool: soaking 0B 0:00:00 0B/s (in memory)" sh -c 'mkfifo fifo
	    spool <fifo & exec >fifo
	    until [ "$(ls /proc/$!/task | wc -l)" = 2 ]; do sleep 0.1; done
	    kill -USR1 $!
	    until [ -s err ]; do sleep 0.1; done
	    exec >&-
	    wait $!'
	row 0 "spool: waiting for input from the terminal; Ctrl-D at the start of a line ends it" \
	    /usr/bin/python3 -c '
import os, pty, re, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("spool", ["spool", "-p"])
seen = b""
while b"ends it" not in seen:
    seen += os.read(terminal, 1000)
sys.stderr.write(re.search(rb"spool: .*ends it", seen)[0].decode() + "\n")
os.write(terminal, b"\x04")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))'
	row 0 "spool: cannot show the progress: Resource temporarily unavailable" with pthread_create:EAGAIN:2 spool -p
}

# shellcheck disable=SC2016 # for the shells that are started
@test "prepare.c: before anything is read" {
	row 1 "spool: d: cannot write: Is a directory; nothing was read" spool -o d
	row 1 "spool: link: cannot write: it is a link into no: No such file or directory; nothing was read" \
	    sh -c 'ln -s no/such link; exec spool -o link'
	row 1 "spool: f: cannot read it to compare: Permission denied; nothing was read, the file is unchanged" \
	    with openat:EACCES:1 spool -u -o f
	row 1 "spool: f: cannot read it to edit: Permission denied; nothing was read, the file is unchanged" \
	    with openat:EACCES:1 spool -o f --edit true {}
	row 1 "spool: /dev/null: cannot edit: it is not a regular file; nothing was read" spool -o /dev/null --edit true {}
	somewhere 1 "spool: f: cannot copy the file for COMMAND: No space left on device; the file is unchanged" \
	    pwrite:ENOSPC spool -o f --edit true {}
	row 1 "spool: /dev/null: cannot write: Permission denied; nothing was read" \
	    with faccessat:EACCES:1 spool -o /dev/null
	row 1 "spool: /dev/fd/9: cannot write: it is closed; nothing was read" spool -o /dev/fd/9
	row 1 "spool: /dev/fd/0: cannot write: it is not open for writing; nothing was read" spool -o /dev/fd/0 true
	row 1 "spool: new: cannot create: no file can be made beside it: No space left on device; nothing was read" \
	    with openat:ENOSPC:1-9 spool -o new
	row 1 "spool: f: cannot replace: no file can be made beside it: No space left on device; use -w to overwrite the file in place; nothing was read, the file is unchanged" \
	    with openat:ENOSPC:2-99 spool -o f
}

# What chattr gives a file or directory, for the time that a command takes: FILE ATTRIBUTE COMMAND...
attributed() {
	local status=0
	chattr "+$2" "$1"
	"${@:3}" || status=$?
	chattr "-$2" "$1"
	return "$status"
}

@test "prepare.c: what chattr forbids" {
	needs chattr
	touch f
	chattr +a f 2>/dev/null || unmet "needs root, and a file system that has such attributes"
	chattr -a f
	row 1 "spool: f: cannot write: it is immutable (chattr -i); nothing was read, the file is unchanged" \
	    attributed f i spool -o f
	row 1 "spool: d/f: cannot create: its directory is immutable (chattr -i); nothing was read" attributed d i spool -o d/f
	row 1 "spool: ./f: cannot make its backup f~: its directory is append-only; nothing was read, the file is unchanged" \
	    attributed . a spool -b -o ./f
}

@test "prepare.c: options that refuse" {
	row 3 "spool: f: it exists, and --no-clobber was given; nothing was read" spool --no-clobber -o f
	row 1 "spool: /dev/null: cannot guard: it is not a regular file; nothing was read" spool -g -o /dev/null
	row 1 "spool: /dev/null: cannot try: it is not a regular file; nothing was read" spool --try true -o /dev/null
	row 1 "spool: f: cannot make a hard link to keep the old file during the trial: Operation not permitted; nothing was read, the file is unchanged" \
	    with openat:EOPNOTSUPP:2,linkat:EPERM:1 spool --try true -o f
}

@test "commit.c: guarded" {
	row 3 "spool: f: it was changed by another process since spool was started; spool has left it alone" \
	    spool -g -o f sh -c 'echo other >f'
	[ "$(cat f)" = other ]
	row 3 "spool: f: it was removed by another process since spool was started; spool has left it alone" spool -g -o f rm f
	row 3 "spool: new: it was created by another process since spool was started; spool has left it alone" \
	    spool -g -o new cp f new
	row 1 "spool: f: cannot replace: another process has locked its directory (flock); the file is unchanged" \
	    with flock:EAGAIN:1-200 spool -g -o f
	row 1 "spool: f: cannot replace: Input/output error; other processes have changed it in the same moment, one version is ./.f.spool-XXXXXX" \
	    env FAIL_DO='echo other >f' FAIL=renameat2:GO:1,renameat2:EIO:2 LD_PRELOAD="$INJECT" spool -g -o f
}

@test "backup.c" {
	row 0 "spool: ./f~: its mode cannot be kept: Operation not permitted; it belongs to user $(id -u) and group $(id -g), with mode 0600" \
	    with fchmod:EPERM:1 spool -w -b -o f
}

@test "tried.c" {
	row 1 "spool: f: cannot make its backup f~: the old file was removed during the trial; it has the new contents" \
	    spool -b --try 'rm .f.spool-*' -o f
	row 0 "spool: f: the old file stays, as ./.f.spool-XXXXXX: cannot remove it: Input/output error" \
	    with unlinkat:EIO:1 spool --try true -o f
	row 1 "spool: f: cannot make its backup f~: Input/output error; it has the new contents, and the old file is ./.f.spool-XXXXXX" \
	    with renameat:EIO:2 spool -b --try true -o f
	row 3 "spool: f: the trial 'exit 5' exited with status 5; the old file is back" spool --try 'exit 5' -o f
	[ "$(cat f)" = old ]
	row 3 "spool: new: the trial 'kill -9 \$\$' was ended by signal 9 (Killed); the file was removed again" \
	    spool --try 'kill -9 $$' -o new
	[ ! -e new ]
	row 1 "spool: f: the trial 'false' exited with status 1; the old file, ./.f.spool-XXXXXX, cannot be put back: Input/output error" \
	    with renameat2:EIO:1 spool --try false -o f
	cmp f in
	[ "$(cat .f.spool-*)" = old ]
	row 1 "spool: new: the trial 'false' exited with status 1; this cannot be undone: Input/output error; other processes have replaced the file in the same moment, one version is ./.new.spool-XXXXXX" \
	    env FAIL_DO='cp f other; mv other new' FAIL=renameat2:GO:1,renameat2:EIO:2 LD_PRELOAD="$INJECT" spool --try false -o new
	row 1 "spool: new: the trial 'false' exited with status 1; the file cannot be removed again: Input/output error" \
	    with renameat2:EIO:1 spool --try false -o new
	cmp new in
	row 1 "spool: f: the trial 'false' exited with status 1; the old file is back, but its directory cannot be synced: Input/output error; a power cut may undo that" \
	    with fsync:EIO:2 spool --try false -o f
	[ "$(cat f)" = old ]
	row 1 "spool: f: the trial 'rm f; mkdir f; false' exited with status 1; the old file, ./.f.spool-XXXXXX, cannot be put back: the new one has been replaced" \
	    spool --try 'rm f; mkdir f; false' -o f
	rmdir f
}

@test "target.c" {
	row 1 "spool: f: cannot replace: Input/output error; the file is unchanged" with fsync:EIO:1 spool -o f
	row 1 "spool: new: cannot create: Input/output error; no file was made" with fsync:EIO:1 spool -o new
	somewhere 1 "spool: f: cannot compare: Input/output error; the file is unchanged" lseek:EIO spool -u -o f cat f
	row 1 "spool: f: cannot sync: Input/output error; the file is unchanged" with fsync:EIO:1 spool -u -o f cat f
	somewhere 1 "spool: f: cannot overwrite: Too many open files; the file is unchanged" openat:EMFILE spool -w -o f
	somewhere 1 "spool: f: cannot append: Too many open files; the file is unchanged" openat:EMFILE spool -a -o f
	row 1 "spool: f: cannot stage the stream for the check: File exists; the file is unchanged" \
	    with linkat:EEXIST:1-200 spool -c 'true {}' -o f
	row 1 "spool: /dev/null: cannot open: Input/output error; nothing was released" with open:EIO:1 spool -o /dev/null
	row 1 "spool: new: cannot create: File exists; no file was made" with linkat:EEXIST:1-200 spool -o new
	somewhere 1 "spool: f: cannot write: Input/output error; the file was not touched" fstatat:EIO spool -o f
	row 1 "spool: f: cannot make its backup f~: Too many open files; the file is unchanged" \
	    with linkat:EPERM:1,openat:EMFILE:4-99 spool -b -o f
	row 1 "spool: f: cannot sync its directory: Input/output error; it has the new contents, but a power cut may bring back the old" \
	    with fsync:EIO:2 spool -o f
	row 1 "spool: f: cannot make a hard link to keep the old file during the trial: Operation not permitted; the file is unchanged" \
	    with linkat:EPERM:1 spool --try true -o f
}

@test "commit.c: at the end" {
	attempt env FAIL_DO='rm f' FAIL=renameat:GO:1,renameat:EIO:1,renameat2:EIO:1 LD_PRELOAD="$INJECT" spool --try true -o f
	also "spool: f: the old file is back, by its second name"
	attempt with renameat:EIO:1,unlinkat:EIO:1 spool --try true -o f
	also "spool: ./.f.spool-XXXXXX: cannot remove: Input/output error; it is another name of the old file"
	row 1 "spool: f: cannot replace: its mode cannot be kept: Operation not permitted; the file is unchanged" \
	    with fchmod:EPERM:1 spool -o f
	row 1 "spool: new: cannot create: its mode cannot be kept: Input/output error; no file was made" \
	    with fchmod:EIO:1 spool -o new
	row 1 "spool: f: cannot replace: it is a mount point; use -w to overwrite the file in place; the file is unchanged" \
	    with renameat:EBUSY:1 spool -o f
	row 1 "spool: f: cannot replace: Function not implemented; use -w to overwrite the file in place; the file is unchanged" \
	    with renameat:ENOSYS:1 spool -o f
	attempt env FAIL_TYPE=fe534d42 FAIL=renameat2:EACCES:2-4 LD_PRELOAD="$INJECT" spool -o f
	also "spool: f: cannot replace: Permission denied; the file system has removed the file; its new contents are in ./.f.spool-XXXXXX"
	row 1 "spool: f: cannot replace: Permission denied; the file system has removed the file" \
	    env FAIL_DO='rm f' FAIL=linkat:GO:1,linkat:EACCES:1-2 LD_PRELOAD="$INJECT" spool -o f
	row 1 "spool: f: cannot replace: another process has written into its new contents; the file is unchanged" \
	    env FAIL_DO='echo theirs >>"$(echo .f.spool-*)"' FAIL=openat:EOPNOTSUPP:2,openat:EOPNOTSUPP:4,fchmod:EPERM:1,openat:EOPNOTSUPP:7,fsync:GO:1 \
	    LD_PRELOAD="$INJECT" spool -o f
	row 1 "spool: /dev/full: cannot write: No space left on device; it has 0 of 292 bytes" spool -o /dev/full
	row 1 "spool: /dev/null: cannot close: Input/output error; it may be incomplete" with fsync:EIO:1 spool -o /dev/null
	row 1 "spool: f: cannot write: it is not a regular file any more; nothing was released" \
	    env FAIL_DO='mv f g; ln -s g f' FAIL=read:GO:1 LD_PRELOAD="$INJECT" spool -o f
}

@test "none is missing" {
	/usr/bin/python3 - "$BATS_TEST_FILENAME" "$BATS_TEST_DIRNAME"/../../src/*.c <<'END'
import glob, os, re, sys

QUOTED = r'"(?:[^"\\]|\\.)*"'
CONVERSION = r'%[-0-9.*]*(?:j[duo]|[sdcf])'

def pattern(format):
    parts = re.split(f'({CONVERSION}|%%)', format)
    return ''.join('%' if part == '%%' else '.' if part == '%c' else '.*' if part.startswith('%') else re.escape(part)
                   for part in parts)


# The lines that are expected here, by the source file that the test is named after; and those of other tests.
def read_rows(path, of):
    file = None
    for line in open(path):
        test = re.match(r'@test "(\w+\.c)?', line)
        if test:
            file = test[1]
        row = re.match(r'\s+(?:(?:row|says) \d+|also|somewhere \d+) "((?:[^"\\]|\\.)*)"', line)
        if row:
            text = re.sub(r'\\([$"\\`])', r'\1', row[1])
            of.setdefault(file, []).append(re.sub(r'^(?:spool|sponge): ', '', text, count=1))


rows, others = {}, {}
read_rows(sys.argv[1], rows)
for path in glob.glob(os.path.dirname(sys.argv[1]) + '/../*/*.bats'):
    if not os.path.samefile(path, sys.argv[1]):
        read_rows(path, others)
elsewhere = sum(others.values(), [])

formats = {}        # of each source file
calls = 0
for path in sys.argv[2:]:
    file, source = os.path.basename(path), open(path).read()
    if file == 'message.c':
        continue
    macros = dict(re.findall(r'^#define (\w+) "(.*)"$', source, re.M))
    formats[file] = set()
    for start in re.finditer(r'\bmessage\(\s*', source):
        format = ''
        for token in re.finditer(r'\s*(' + QUOTED + r'|\w+|[,)])', source[start.end():]):
            if token[1] in ',)':
                break
            format += token[1][1:-1] if token[1][0] == '"' else macros[token[1]]
        formats[file].add(format)
        calls += 1


def best(row, formats):
    """The format that has the most words of its own, of those that the row fits."""
    fits = [format for format in formats if re.fullmatch(pattern(format), row)]
    return max(fits, key=lambda format: len(re.sub(CONVERSION, '', format)), default=None)


missing = 0
every = [format for some in formats.values() for format in some]
told = {best(row, every) for row in elsewhere} - {None}
for file, some in formats.items():
    found = {format for format in told if every.count(format) == 1}
    for row in rows.get(file, []):
        found.add(best(row, some))
        if best(row, some) is None:
            print(f'{file} has no such message: {row}')
            missing += 1
    for format in sorted(some - found):
        print(f'{file}: "{format}" has no row')
        missing += 1
print(calls, 'calls of message()')
sys.exit(missing > 0 or calls < 80)
END
}
