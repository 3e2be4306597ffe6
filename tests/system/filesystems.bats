#!/usr/bin/env bats
# filesystems.bats: -o on each kind of file system, full ones, read-only ones, mount points. Needs root to mount.
# bats file_tags=portable, sanitized, memory, coverage

load ../helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	needs_mounts
	mkdir m
}

teardown() {
	cd / || return 1
	local mounted
	# The last mounted first.
	awk -v here="$BATS_TEST_TMPDIR/" 'index($2, here) == 1 { print $2 }' /proc/self/mounts | tac |
	    while read -r mounted; do
		umount "$mounted" || umount -l "$mounted"
	done
}

# A new file system at m, of so many MiB.
mounted() {
	local type=$1 size=$2
	case $type in
	tmpfs)
		mount -t tmpfs -o "size=${size}m" tmpfs m
		;;
	overlay)
		# On a tmpfs, lest it be refused on an overlay.
		mkdir base
		mount -t tmpfs -o "size=${size}m" tmpfs base
		mkdir base/lower base/upper base/work
		echo old >base/lower/f
		mount -t overlay -o lowerdir=base/lower,upperdir=base/upper,workdir=base/work overlay m
		;;
	bindfs)
		needs bindfs
		needs_fuse
		mkdir base
		mount -t tmpfs -o "size=${size}m" tmpfs base
		bindfs --xattr-rw --no-allow-other base m 2>/dev/null || bindfs --no-allow-other base m
		;;
	encfs)
		needs encfs
		needs_fuse
		mkdir base
		printf 'p\n\n' | encfs --standard --stdinpass "$PWD/base" "$PWD/m" >/dev/null
		;;
	*)
		needs "mkfs.$type"
		needs_loop
		truncate -s "${size}M" image
		"mkfs.$type" -q image >/dev/null 2>&1
		mount -o loop image m
		;;
	esac
	rm -rf m/lost+found
}

# What is to work everywhere.
works() {
	local memory
	cd m || return 1
	for memory in 64M 1000 0; do
		rm -f -- * link
		cat "$DATA/random" | spool -m "$memory" -o f
		cmp f "$DATA/random"
		chmod 604 f
		chown 1234:2345 f
		ln -s f link
		tac "$DATA/numbers" | spool -m "$memory" -o link
		tac "$DATA/numbers" | cmp f
		sort -n f | spool -m "$memory" -b -o f
		cmp f "$DATA/numbers"
		tac "$DATA/numbers" | cmp f~
		[ "$(stat -c '%a %u %g' f)" = "604 1234 2345" ]
		cat "$DATA/random" | spool -m "$memory" -a -o f
		cat "$DATA/numbers" "$DATA/random" | cmp f
		cat "$DATA/random" | spool -m "$memory" -w -b -o f
		cmp f "$DATA/random"
		cat "$DATA/numbers" | spool -m "$memory" -w -T .. -o f
		cmp f "$DATA/numbers"
		run -3 spool -m "$memory" -l 1K -o f <"$DATA/numbers"
		run -3 spool -m "$memory" -c 'grep -c . {}; false' -o f <"$DATA/random"
		run -1 spool -m "$memory" -o f false
		cmp f "$DATA/numbers"
		cat "$DATA/random" | spool -m "$memory" -c 'cmp {} "$DATA/random" && cmp - "$DATA/random"' -o f
		cmp f "$DATA/random"
		inode=$(stat -c %i f)
		spool -m "$memory" -u -o f <"$DATA/random"
		[ "$(stat -c %i f)" = "$inode" ]
		[ "$(stat -c '%a %u %g' f)" = "604 1234 2345" ]
		settles_to f f~ link
	done
	interrupted
	concurrent
}

# A file with these attributes of chattr has them after it was replaced, whatever the way.
keeps_flags() {
	local before options
	for options in '' '-m 0' '-m 0 -T ..' '-b' '-c :<{}' '-w' '-a'; do
		rm -f f f~
		: >f
		chattr "$@" f
		before=$(lsattr -p f)
		echo 5 >>f
		# shellcheck disable=SC2086
		seq 100000 | spool $options -o f
		[ "$(lsattr -p f)" = "$before" ] || { echo "$options: $before"; lsattr -p f; return 1; }
	done
	# A new one has what the directory gives.
	rm -f f g
	: >g
	echo 5 | spool -o f
	diff <(lsattr -p f) <(lsattr -p g | sed "s,g$,f,")
}

# No litter, however spool ends before the commit, but by SIGKILL.
interrupted() {
	local signal status
	for signal in INT TERM HUP QUIT PIPE; do
		mkfifo ../in
		status=0
		env --default-signal="$signal" spool -m 0 -o f <../in 3>&- &
		exec 5>../in
		seq 100000 >&5
		kill "-$signal" $!
		wait $! || status=$?
		exec 5>&-
		rm ../in
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		cmp f "$DATA/random"
		settles_to f f~ link
	done
}

concurrent() {
	local i
	rm -f -- * link
	for i in {1..50}; do
		yes "$i" | head -n 500 | spool --no-sync -m 100 -o f 3>&- &
	done
	wait
	[ "$(wc -l <f)" -eq 500 ]
	[ "$(uniq f | wc -l)" -eq 1 ]
	settles_to f
}

@test "ext4" { mounted ext4 64; works; }
@test "xfs" { mounted xfs 320; works; }
@test "btrfs" { mounted btrfs 256; works; }
@test "tmpfs" { mounted tmpfs 64; works; }
@test "overlay" { mounted overlay 64; works; }
@test "bindfs: no O_TMPFILE" { mounted bindfs 64; works; }
@test "encfs: encrypted, no O_TMPFILE" { mounted encfs 64; works; }

@test "the attributes of chattr stay: ext4" {
	mounted ext4 64
	cd m
	keeps_flags +AdS
	keeps_flags +d
	# Those of the directory stay with it.
	chattr +Ad .
	keeps_flags -Ad
	keeps_flags +S
}

@test "the attributes of chattr stay: xfs" {
	mounted xfs 320
	cd m
	keeps_flags +AdS
	keeps_flags -p 42
	keeps_flags +d -p 42
	# In a directory that gives its own project, a file of another could not be put in its place.
	rm -f f
	echo old >f
	chattr -p 42 f
	chattr -p 5 +P .
	echo 5 | spool -o f
	[ "$(cat f)" = 5 ]
	[[ $(lsattr -p f) == *' 5 '* ]]
	keeps_flags +A
}

@test "--edit: the copy is a clone where the file system has those: btrfs" {
	mounted btrfs 256
	head -c 8M /dev/urandom >m/f
	sync m/f
	spool -o m/f --edit sh -c 'cmp "$1" m/f && filefrag -v "$1" >extents && echo end >>"$1"' sh {}
	# The portable build clones nothing.
	[ "$TEST_VARIANT" = portable ] || grep -q shared extents
	[ "$(tail -c 4 m/f)" = end ]
}

@test "the attributes of chattr stay: btrfs" {
	mounted btrfs 256
	cd m
	keeps_flags +AdS
	keeps_flags +C
	keeps_flags +c
	keeps_flags +m
	chattr +C .
	keeps_flags -C
	keeps_flags -Ad
}

@test "encfs: a name of as many bytes as it takes" {
	local name options longest=0 length
	mounted encfs 64
	cd m
	for length in {100..255}; do
		if : >"$(printf "%0${length}d" 0)"; then longest=$length; fi 2>/dev/null
	done
	rm -- *
	# Fewer than it says that it does.
	[ "$longest" -gt 140 ] && [ "$longest" -lt "$(stat -f -c %l .)" ]
	name=$(printf "%0${longest}d" 0)
	for name in "$name" "${name%?????}.conf" "a.${name%??}"; do
		for options in '' -u -a -w '-T ..'; do
			echo new | spool -o "$name"
			echo old >"$name"
			# shellcheck disable=SC2086
			echo new | spool $options -o "$name"
			[ "$(tail -n 1 "$name")" = new ]
		done
		echo newer | spool -c 'grep -qx newer {}' -o "$name"
		[ "$(cat "$name")" = newer ]
		says 1 "spool: $name: cannot make its backup $name~: File name too long; nothing was read, the file is unchanged" \
		    spool -b -o "$name" <<<newest
		[ "$(cat "$name")" = newer ]
		settles_to "$name"
		rm "$name"
	done
}

# A view of the directory base by bindfs.
viewed() {
	needs bindfs
	needs_fuse
	mkdir base
	bindfs "$@" base m
}

@test "chmod and chown are refused: a new file gets what others get there" {
	viewed --chmod-deny --chown-deny --xattr-none
	local memory
	umask 027
	for memory in 64M 1000 0; do
		rm -f m/*
		cat "$DATA/random" | spool -m "$memory" -o m/f
		cmp m/f "$DATA/random"
		: >m/other
		[ "$(stat -c %a m/f)" = "$(stat -c %a m/other)" ]
		# The old one has the mode of a new one.
		tac "$DATA/numbers" | spool -m "$memory" -c 'grep -qx 1 {}' -o m/f
		tac "$DATA/numbers" | cmp m/f
		run -3 spool -m "$memory" -c 'grep -qx 0 {}' -o m/f <"$DATA/numbers"
		sort -n m/f | spool -m "$memory" -b -u -o m/f
		cmp m/f "$DATA/numbers"
		(cd m && settles_to f f~ other)
	done
	# As sponge.
	ln -s "$(command -v spool)" sponge
	tac m/f | ./sponge m/f
	tac "$DATA/numbers" | cmp m/f
}

@test "chmod is refused: a mode that cannot be kept is found before anything is read, and -w named" {
	viewed --chmod-deny
	echo old >m/f
	chmod 666 base/f
	run bash -c '{ spool -o m/f || echo $? >status; cat; } <"$DATA/numbers" | cmp - "$DATA/numbers"'
	[ "$(cat status)" -eq 1 ]
	[ "$output" = "spool: m/f: cannot replace: its mode cannot be kept: Operation not permitted; use -w to overwrite the file in place; nothing was read, the file is unchanged" ]
	[ "$(cat m/f)" = old ]
	(cd m && settles_to f)
	spool -w -o m/f <"$DATA/numbers"
	cmp m/f "$DATA/numbers"
	ln -s "$(command -v spool)" sponge
	echo new | ./sponge m/f
	[ "$(cat m/f)" = new ]
	[ "$(stat -c %a m/f)" = 666 ]
}

@test "no modes: nothing that others can write is there while the stream is soaked" {
	viewed --perms=a=rwX --chmod-ignore
	echo old >m/f
	local file
	for file in f new; do
		mkfifo in
		TMPDIR=$PWD spool -m 0 -o "m/$file" <in 3>&- &
		exec 5>in
		seq 100000 >&5
		soaked() { stat -L -c '%F %a %s' /proc/$!/fd/* | grep -q '^regular file [0-7]* [1-9]'; }
		eventually soaked
		(cd base && settles_to f)
		exec 5>&-
		wait $!
		seq 100000 | cmp "m/$file"
		rm in
	done
	(cd m && settles_to f new)
}

@test "no modes: -T tells that other users can write into a spill file there" {
	viewed --perms=a=rwX --chmod-ignore
	run --separate-stderr spool -m 1000 -T m <"$DATA/numbers"
	[ "$status" -eq 0 ]
	# Where the system does not say what file system that is, nothing is tried there.
	[ "$TEST_VARIANT" = portable ] ||
	    [ "$stderr" = "spool: m: other users can write into a spill file there; use -T to choose another directory" ]
	cmp <(echo "$output") "$DATA/numbers"
	run --separate-stderr spool -m 1000 -T . <"$DATA/numbers"
	[ -z "$stderr" ]
	(cd base && settles_to)
}

# The file system stops dead, writing nothing more, and comes back as it is on the disk.
power_cut() {
	xfs_io -x -c shutdown m
	umount m
	mount -o loop image m
}

survives() {
	needs xfs_io
	local options
	mounted "$@"
	[ "$1" != ext4 ] || mount -o remount,noauto_da_alloc m
	for options in '' '-m 0' '-b' '-w' '-c :<{}' '-T .'; do
		rm -f m/*
		seq 1000 >m/f
		sync -f m
		# shellcheck disable=SC2086
		spool $options -o m/f <"$DATA/numbers"
		# shellcheck disable=SC2086
		spool $options -o m/new <"$DATA/random"
		power_cut
		cmp m/f "$DATA/numbers"
		cmp m/new "$DATA/random"
		[ "$options" != -b ] || seq 1000 | cmp m/f~
	done
	spool -a -o m/f <"$DATA/random"
	power_cut
	cat "$DATA/numbers" "$DATA/random" | cmp m/f
	# What goes past the page cache.
	cat "$DATA/random" "$DATA/random" "$DATA/random" "$DATA/random" "$DATA/random" >large
	for options in '' '-m 0' '-m 1000'; do
		rm -f m/new
		# shellcheck disable=SC2086
		spool $options -o m/new <large
		power_cut
		cmp m/new large
	done
	# The same contents, which nobody has waited for.
	cp "$DATA/random" m/f
	spool -u -o m/f <"$DATA/random"
	power_cut
	cmp m/f "$DATA/random"
	# This would be lost, so the test does see what is lost.
	spool --no-sync -o m/other <"$DATA/numbers"
	power_cut
	run ! cmp m/other "$DATA/numbers"
}

@test "a power cut after status 0: ext4" { survives ext4 64; }
@test "a power cut after status 0: xfs" { survives xfs 320; }

# The target's file system is full: nothing changes and nothing is left behind, in all modes.
full() {
	mounted "$@"
	mkdir t
	seq 1000 >m/f
	chmod 604 m/f
	cp m/f before
	# All but some of it.
	dd if=/dev/zero of=m/filler bs=64k 2>/dev/null || true
	sync m/filler
	truncate -s -1M m/filler
	sync m
	local memory options state
	state=$(stat -c '%i %a %s %y' m/f)
	for memory in 64M 1000 0; do
		for options in '' '-T t' '-w' '-w -T t' '-a' '-a -T t' '-b' '-w -b' '-c true' '-c :<{}' '--no-sync'; do
			echo "$memory $options"
			# shellcheck disable=SC2086
			run bash -c 'cat "$DATA/random" "$DATA/random" | spool -m "$1" "${@:2}" -o m/f' - "$memory" $options
			echo "$output"
			[ "$status" -eq 1 ]
			[[ $output == *"No space left on device"*"the file is unchanged" ]]
			cmp m/f before
			[ "$(stat -c '%i %a %s %y' m/f)" = "$state" ]
			# Without fallocate the writing fails when the backup is there already.
			if [[ $1$options = "bindfs-w -b" && -e m/f~ ]]; then
				cmp m/f~ before
				rm m/f~
			fi
			(cd m && settles_to f filler)
			(cd t && settles_to)
		done
	done
	# A new one is not made either.
	run bash -c 'cat "$DATA/random" "$DATA/random" | spool -o m/new'
	[ "$status" -eq 1 ]
	[[ $output == *"No space left on device; no file was made" ]]
	(cd m && settles_to f filler)
	# What fits still does.
	echo new | spool -o m/f
	[ "$(cat m/f)" = new ]
}

@test "full: ext4" { full ext4 16; }
@test "full: xfs" { full xfs 320; }
@test "full: tmpfs" { full tmpfs 8; }
@test "full: overlay" { full overlay 8; }
@test "full: bindfs" { full bindfs 8; }

@test "no inodes are left" {
	mount -t tmpfs -o size=8m,nr_inodes=20 tmpfs m
	echo old >m/f
	local i
	for i in {1..20}; do
		: >"m/$i" || break
	done 2>/dev/null
	says 1 "spool: m/f: cannot replace: no file can be made beside it: No space left on device; use -w to overwrite the file in place; nothing was read, the file is unchanged" \
	    spool -o m/f <"$DATA/numbers"
	[ "$(cat m/f)" = old ]
	spool -w -o m/f <"$DATA/numbers"
	cmp m/f "$DATA/numbers"
}

@test "read-only: refused before anything is read" {
	mounted ext4 16
	echo old >m/f
	mount -o remount,ro m
	local options
	for options in '' -a -w; do
		# shellcheck disable=SC2086
		says 1 "spool: m/f: cannot write: Read-only file system; nothing was read, the file is unchanged" \
		    spool $options -o m/f <"$DATA/numbers"
	done
	says 1 "spool: m/new: cannot create: its directory cannot be written: Read-only file system; nothing was read" \
	    spool -o m/new <"$DATA/numbers"
}

@test "a mount point: refused before anything is read, naming -w; written through by -w and by sponge" {
	needs_strace
	echo old >f
	echo under >g
	mount --bind f g
	says 1 "spool: g: cannot replace: it is a mount point; use -w to overwrite the file in place; nothing was read, the file is unchanged" \
	    spool -o g <"$DATA/numbers"
	[ "$(cat f)" = old ]
	spool -w -o g <"$DATA/numbers"
	cmp f "$DATA/numbers"
	ln -s "$(command -v spool)" sponge
	echo new | ./sponge g
	[ "$(cat f)" = new ]
	# Where the system does not say so beforehand, rename does.
	if [ "$TEST_VARIANT" = native ]; then
		says 1 "spool: g: cannot replace: it is a mount point; use -w to overwrite the file in place; the file is unchanged" \
		    strace -qq -o trace -e inject=statx:error=ENOSYS spool -o g <"$DATA/numbers"
		[ "$(cat f)" = new ]
		strace -qq -o trace -e inject=statx:error=ENOSYS ./sponge g <"$DATA/numbers"
		cmp f "$DATA/numbers"
	fi
	umount g
	[ "$(cat g)" = under ]
	rm -f trace
	settles_to f g m sponge
}

@test "files of /proc/sys, which are no files: -w and sponge" {
	[ -w /proc/sys/kernel/domainname ] || unmet "/proc/sys cannot be written here"
	before=$(cat /proc/sys/kernel/domainname)
	echo "$before" | spool -w -o /proc/sys/kernel/domainname
	[ "$(cat /proc/sys/kernel/domainname)" = "$before" ]
	run bash -c 'echo x | spool -o /proc/sys/kernel/domainname'
	[ "$status" -eq 1 ]
	[ "$(cat /proc/sys/kernel/domainname)" = "$before" ]
}

@test "a clone keeps the old contents aside, where the file system can" {
	needs_strace
	mounted btrfs 256
	cp "$DATA/random" m/f
	spool -w -o m/f <"$DATA/numbers"
	cmp m/f "$DATA/numbers"
	cp "$DATA/random" m/f
	# strace does not go with sanitizers, and the portable build clones nothing.
	[ "$TEST_VARIANT" = native ] || return 0
	strace -qq -o trace spool -w -o m/f <"$DATA/numbers"
	grep -q 'ioctl(.*FICLONE, [0-9]*) *= 0' trace || grep -q 'ioctl(.*BTRFS_IOC_CLONE.* = 0' trace
	cmp m/f "$DATA/numbers"
	says 1 "spool: m/f: cannot overwrite: Input/output error; its old contents were put back, the file is unchanged" \
	    strace -qq -o trace -e inject=ftruncate:error=EIO:when=1 spool -w -o m/f <"$DATA/random"
	cmp m/f "$DATA/numbers"
	# A clone that cannot be cloned back is copied; and if that fails, it gets a name.
	undo() {
		run strace -qq -o trace -e inject=fsync:error=EIO:when=1 -e inject=ioctl:error=EIO:when=2 "$@" \
		    spool -m 1K -w -o m/f <"$DATA/random"
		[ "$status" -eq 1 ]
	}
	undo
	[ "$output" = "spool: m/f: cannot overwrite: Input/output error; its old contents were put back, the file is unchanged" ]
	cmp m/f "$DATA/numbers"
	undo -e inject=ftruncate:error=EIO:when=2
	[[ ${lines[1]} == "spool: m/f: cannot put its old contents back: Input/output error; they are in m/.f.spool-"* ]]
	cmp m/.f.spool-* "$DATA/numbers"
	rm m/.f.spool-*
	cp "$DATA/numbers" m/f
	undo -e inject=lseek:error=EIO:when=2..3
	[[ ${lines[1]} == "spool: m/f: cannot put its old contents back: Input/output error; they are in m/.f.spool-"* ]]
	cmp m/.f.spool-* "$DATA/numbers"
	rm m/.f.spool-*
	undo -e inject=lseek:error=EIO:when=2..3 -e inject=linkat:error=EIO:when=1
	[ "${lines[1]}" = "spool: m/f: cannot put its old contents back: Input/output error; the file is damaged" ]
	(cd m && settles_to f)
}

@test "a file system without direct I/O: the page cache serves" {
	truncate -s 200M image
	mkfs.ext4 -q image >/dev/null 2>&1
	mount -o loop,data=journal image m
	for _ in {1..8}; do cat "$DATA/random"; done >forty
	spool -m 1M -o m/f <forty
	cmp m/f forty
}

@test "what a failed -w has written is undone on a nearly full file system, a longer stream too" {
	needs_strace
	[ "$TEST_VARIANT" = native ] || return 0	# strace does not go with sanitizers
	local type
	for type in btrfs xfs ext4; do
		mkdir -p m
		mounted "$type" 320
		head -c 50000001 /dev/urandom >m/f
		cp m/f before
		sync -f m
		run bash -c 'head -c 51000000 /dev/zero |
		    strace -qq -o trace -e inject=fsync:error=EIO:when=1 spool -m 1M -w -o m/f'
		[ "$status" -eq 1 ]
		[ "$output" = "spool: m/f: cannot overwrite: Input/output error; its old contents were put back, the file is unchanged" ]
		cmp m/f before
		umount m
		rm image
	done
}

@test "a sparse file is as sparse after a failed -w" {
	mounted ext4 64
	truncate -s 300M m/f
	before=$(stat -c '%s %b' m/f)
	run bash -c 'head -c 400M /dev/zero | spool -m 0 -T . -w -o m/f'
	[ "$status" -eq 1 ]
	[[ $output == "spool: m/f: cannot reserve space: No space left on device; the file is unchanged" ]]
	[ "$(stat -c '%s %b' m/f)" = "$before" ]
}

@test "a directory that is append-only: no hidden name, which could not be removed" {
	needs_strace
	mounted ext4 16
	mkdir m/d
	echo old >m/d/f
	chattr +a m/d
	# strace does not go with sanitizers, and the portable build knows no O_TMPFILE.
	if [ "$TEST_VARIANT" = native ]; then
		local number
		strace -qq -o trace -e trace=openat spool -o m/new </dev/null
		number=$(grep -n O_TMPFILE trace | head -n 1 | cut -d : -f 1)
		run -1 strace -qq -o trace -e "inject=openat:error=EOPNOTSUPP:when=$number" spool -o m/d/new </dev/null
		[[ $output == "spool: m/d/new: cannot create: its directory is append-only: Operation not permitted; "* ]]
	fi
	echo 1 | spool -a -c 'cat {}' -o m/d/f
	echo 2 | spool -w -c 'cat {}' -o m/d/f
	run bash -c 'echo 3 | spool -w -b -o m/d/f'
	local status_b=$status output_b=$output
	run bash -c 'echo 4 | spool -c "cat {}" -o m/d/new'
	# A new file goes to its name at once, if it needs none before.
	local made=other
	echo 5 | spool -o m/d/other || { [ "$TEST_VARIANT" = portable ] && made=; }
	chattr -a m/d
	[ "$status_b" -eq 1 ]
	[ "$output_b" = "spool: m/d/f: cannot make its backup f~: its directory is append-only; nothing was read, the file is unchanged" ]
	[ "$status" -eq 1 ]
	[[ $output == "spool: m/d/new: cannot "*": Operation not permitted; "* ]]
	[ "$(cat m/d/f)" = 2 ]
	[ -z "$made" ] || [ "$(cat m/d/other)" = 5 ]
	# shellcheck disable=SC2086
	(cd m/d && settles_to f $made)
}

@test "a disk that turns out to be smaller than it said" {
	mkdir small
	mount -t tmpfs -o size=24m tmpfs small
	truncate -s 200M small/image
	mkfs.ext4 -q small/image
	local options
	mount -o loop small/image m
	echo old >m/f
	sync -f m
	for options in '' '-m 0' '-b' '-T .'; do
		# shellcheck disable=SC2086
		run spool $options -o m/f < <(head -c 40M /dev/urandom)
		[ "$status" -eq 1 ]
		[[ $output == "spool: m/f: cannot "*"the file is unchanged" ]]
		[ "$(cat m/f)" = old ]
		[ "$(find m -name '.*spool*')" = '' ]
	done
	# And when all that was not written is forgotten.
	umount m
	mount -o loop small/image m
	[ "$(cat m/f)" = old ]
}

# A stream of 40 MB through a spill directory that has room for a fifth of it: nothing fails, the writer waits.
through_full() {
	mounted "$@"
	mkdir m/spill
	dd if=/dev/zero of=m/filler bs=64k 2>/dev/null || true
	sync m/filler
	truncate -s -8M m/filler
	sync m
	local want
	want=$(seq 5000000 | sha256sum)
	{ seq 5000000; touch written; } | spool -s -v -m 100K -T m/spill 2>err |
	    { sleep 2; [ -e written ] || touch waits; cat; } | sha256sum >got
	[ "$(cat got)" = "$want" ]
	[ -e waits ]
	grep -qx 'spool: m/spill: No space left on device: the source waits until the reader has made room' err
	[ "$(grep -c 'No space' err)" -eq 1 ]
	(cd m/spill && settles_to)
	# The reader goes while the disk is full.
	local statuses
	yes | timeout -s KILL 30 spool -s -m 0 -T m/spill | { sleep 1; head -n 1; } && statuses=${PIPESTATUS[*]}
	[ "$statuses" = "141 141 0" ]
}

@test "--stream through a full disk: ext4" { through_full ext4 16; }
@test "--stream through a full disk: xfs" { through_full xfs 320; }
@test "--stream through a full disk: tmpfs" { through_full tmpfs 16; }
