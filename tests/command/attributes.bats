#!/usr/bin/env bats
# attributes.bats: owner, group, mode, access control list and extended attributes stay; set-id bits do not.
# bats file_tags=portable, sanitized, memory, valgrind, coverage, narrow

load ../helper

@test "every mode stays, but for the set-id bits" {
	local mode
	for mode in 600 644 4755 2755 6777 1666 400 0; do
		rm -f f
		echo old >f
		chmod "$mode" f
		[ -w f ] || continue
		echo new | spool -o f
		[ "$(cat f)" = new ]
		[ "$(printf %04o $((0$(stat -c %a f))))" = "$(printf %04o $((0$mode & 01777)))" ]
	done
}

@test "owner and group stay" {
	needs_to_give_files_away
	echo old >f
	chown 1234:2345 f
	chmod 4640 f
	echo new | spool -o f
	[ "$(stat -c '%u %g %a' f)" = '1234 2345 640' ]
	echo newer | spool -m 0 -c true -o f
	[ "$(stat -c '%u %g %a' f)" = '1234 2345 640' ]
}

@test "an owner or a group that cannot be kept is refused before reading, naming -w" {
	needs_to_give_files_away
	mkdir d
	chmod 777 d
	cd d
	echo old >f
	chmod 666 f
	chown 1234:65534 f
	says 1 "spool: f: cannot replace: its owner cannot be kept: Operation not permitted; use -w to overwrite the file in place; nothing was read, the file is unchanged" \
	    as_user spool -o f <"$DATA/numbers"
	chown 65534:1234 f
	run as_user spool -o f <"$DATA/numbers"
	[ "$status" -eq 1 ]
	[[ $output == "spool: f: cannot replace: its group cannot be kept: "* ]]
	[ "$(cat f)" = old ]
	as_user spool -w -o f <"$DATA/numbers"
	cmp f "$DATA/numbers"
	[ "$(stat -c '%u %g' f)" = '65534 1234' ]
	# A backup of what belongs to somebody else is nobody else's.
	chown 1234:1234 f
	echo new | says 0 "spool: ./f~: its owner cannot be kept: Operation not permitted; it belongs to user 65534 and group 65534, with mode 0600" \
	    as_user spool -w -b -o f
	[ "$(stat -c '%u %g %a' f~)" = '65534 65534 600' ]
	cmp f~ "$DATA/numbers"
	only f f~
}

@test "the access control list stays" {
	needs setfacl
	echo old >f
	setfacl -m u:1234:rw,g:2345:r,m::rw f || unmet "this file system has no access control lists"
	getfacl -c f >before
	echo new | spool -o f
	getfacl -c f | cmp before
	[ "$(cat f)" = new ]
	# One that would come from the directory does not come to a file that has none.
	mkdir d
	echo old >d/f
	setfacl -d -m u:1234:rwx,o::- d
	getfacl -c d/f >before
	echo new | spool -o d/f
	getfacl -c d/f | cmp before
}

@test "a new file gets the access control list that the directory gives" {
	needs setfacl
	mkdir d
	setfacl -d -m u:1234:rwx,g:2345:r,o::- d || unmet "this file system has no access control lists"
	(
		umask 022
		echo 1 >d/by-shell
		echo 1 | spool -o d/by-spool
		cd d
		getfacl -c by-shell | cmp - <(getfacl -c by-spool)
	)
}

@test "extended attributes stay; capabilities do not" {
	needs setfattr
	echo old >f
	setfattr -n user.note -v 'a note' f || unmet "this file system has no extended attributes"
	setfattr -n user.other -v "$(printf 'x%.0s' {1..2000})" f
	if [ "$(id -u)" -eq 0 ]; then
		# CAP_NET_RAW, in the kernel's format.
		setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 f
		! is_whole_root || setfattr -n trusted.note -v mine f
	fi
	getfattr -d -m '^user|^trusted' f >before
	echo new | spool -o f
	getfattr -d -m '^user|^trusted' f | cmp before
	[ -z "$(getfattr -m capability f)" ]
	[ "$(cat f)" = new ]
}

@test "a file that may only be written" {
	needs setfacl
	mkdir d
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 d
	cd d
	: >f
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 f
	chmod 200 f
	as_user spool -o f <"$DATA/numbers"
	[ "$(stat -c %a f)" = 200 ]
	# What it has is kept, though it cannot be read.
	if setfacl -m u:1234:r,m::r f 2>/dev/null; then
		getfacl -n f >before
		as_user spool -o f <"$DATA/numbers"
		getfacl -n f | diff before -
		rm before
		setfacl -b f
		chmod 200 f
	fi
	local option doing
	while read -r option doing; do
		says 1 "spool: f: cannot $doing: Permission denied; nothing was read, the file is unchanged" \
		    as_user spool "$option" -o f <"$DATA/numbers"
	done <<-'END'
	-u read it to compare
	-b read it to make its backup
	-w read it to put its old contents aside
	END
	# Or it has become so.
	chmod 600 f
	says 1 "spool: f: cannot read it to compare: Permission denied; the file is unchanged" \
	    as_user spool -u -o f sh -c 'chmod 200 f; echo new'
	chmod 600 f
	cmp f "$DATA/numbers"
	only f
}

@test "what chattr has made append-only or immutable" {
	needs chattr
	needs_root
	echo old >f
	chattr +a f 2>/dev/null || unmet "this file system has no such attribute"
	says 1 "spool: f: cannot replace: it is append-only; use -a to append; nothing was read, the file is unchanged" \
	    spool -o f <"$DATA/numbers"
	says 1 "spool: f: cannot overwrite: it is append-only; use -a to append; nothing was read, the file is unchanged" \
	    spool -w -o f <"$DATA/numbers"
	echo more | spool -a -o f
	chattr -a f
	[ "$(cat f)" = $'old\nmore' ]
	local option
	for option in -o -ao -wo; do
		chattr +i f
		run spool $option f <"$DATA/numbers"
		chattr -i f
		[ "$status" -eq 1 ]
		[ "$output" = "spool: f: cannot write: it is immutable (chattr -i); nothing was read, the file is unchanged" ]
	done
	# Or it has become so.
	run spool -o f sh -c 'chattr +i f; echo new'
	chattr -i f
	[ "$status" -eq 1 ]
	[ "$output" = "spool: f: cannot write: it is immutable (chattr -i); the file is unchanged" ]
	mkdir d
	echo old >d/f
	chattr +i d
	run spool -o d/f <"$DATA/numbers"
	local replaced=$output
	run spool -w -b -o d/f <"$DATA/numbers"
	local backed_up=$output
	run spool -o d/new <"$DATA/numbers"
	chattr -i d
	[ "$status" -eq 1 ]
	[ "$output" = "spool: d/new: cannot create: its directory is immutable (chattr -i); nothing was read" ]
	[ "$replaced" = "spool: d/f: cannot replace: its directory is immutable (chattr -i); use -w to overwrite the file in place; nothing was read, the file is unchanged" ]
	[ "$backed_up" = "spool: d/f: cannot make its backup f~: its directory is immutable (chattr -i); nothing was read, the file is unchanged" ]
	chattr +a d
	run spool -o d/f <"$DATA/numbers"
	chattr -a d
	[ "$status" -eq 1 ]
	[[ $output == "spool: d/f: cannot replace: its directory is append-only; "* ]]
	only d f
	cd d
	only f
}

@test "{}: a file that COMMAND has made immutable stays, and the message says why" {
	needs chattr
	touch tried
	chattr +i tried 2>/dev/null || unmet "needs root, and a file system that has such attributes"
	chattr -i tried
	run spool -T . -f chattr +i {} </dev/null
	chattr -i spool-*/stream
	[ "$status" -eq 0 ]
	[[ $output == "spool: ./spool-"*": cannot remove: Operation not permitted" ]]
	rm -r spool-*
	only tried
}

@test "--try: what could not be taken back is refused before anything is read" {
	needs chattr
	mkdir d
	chattr +a d 2>/dev/null || unmet "needs root, and a file system that has such attributes"
	run spool -o d/new --try true </dev/null
	chattr -a d
	local why="cannot try: its directory is append-only, so it could not be taken back"
	# Without O_TMPFILE, no new file can be made there at all.
	[ "$TEST_VARIANT" != portable ] || why="cannot create: its directory is append-only: Operation not permitted"
	[ "$output" = "spool: d/new: $why; nothing was read" ]
	[ -z "$(ls -A d)" ]
}
