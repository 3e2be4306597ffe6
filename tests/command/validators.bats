#!/usr/bin/env bats
# validators.bats: -c with the programs that people check their files with, each with a right and a wrong file.
# bats file_tags=portable, sanitized, memory, valgrind, ported

load ../helper

# Replaces FILE by the text RIGHT, which the check accepts, and not by WRONG.
decides() {
	local check=$1 file=$2 right=$3 wrong=$4
	printf '%s' "$right" | spool -c "$check" -o "$file"
	printf '%s' "$right" | cmp "$file"
	run bash -c 'printf "%s" "$1" | spool -c "$2" -o "$3" 2>err; echo "$?"; tail -n 1 err >&2' - "$wrong" "$check" "$file"
	[ "${lines[0]}" = 3 ]
	[[ ${lines[1]} == "spool: the check '$check' exited with status "*"; the file is unchanged" ]]
	printf '%s' "$right" | cmp "$file"
	rm -f err
	only "$(basename "$file")" "${@:5}"
}

# Those of the system's administrator are not on everybody's path.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	PATH=$PATH:/usr/sbin:/sbin
}

@test "visudo -csf {}: looks at the owner and the mode, too" {
	needs visudo
	needs_root
	printf '# old\n' >sudoers
	chmod 440 sudoers
	decides 'visudo -csf {}' sudoers $'root ALL=(ALL:ALL) ALL\n' $'root ALL=(ALL:ALL ALL\n'
	[ "$(stat -c %a sudoers)" = 440 ]
	# The mode is the final one when visudo looks.
	decides 'visudo -csOPf {} && test "$(stat -c %a {})" = 440' sudoers $'root ALL=(ALL:ALL) ALL\n' $'?\n'
}

@test "nginx -t -c {}: a file that names others beside it" {
	needs nginx
	printf 'types { text/html html; }\n' >mime.types
	decides "nginx -q -t -p $PWD -c {}" "$PWD/nginx.conf" \
	    "pid $PWD/pid; error_log stderr; events {} http { include mime.types; access_log off; }" \
	    "pid $PWD/pid; error_log stderr; events {} http { include mime.types; access_log off; " mime.types pid
}

@test "sshd -t -f {}" {
	needs sshd
	needs_root
	ssh-keygen -q -t ed25519 -N '' -f key
	[ -d /run/sshd ] || mkdir /run/sshd
	decides 'sshd -t -f {}' sshd_config "HostKey $PWD/key"$'\nPort 2222\n' "HostKey $PWD/key"$'\nPort many\n' key key.pub
}

@test "python3 -m json.tool" {
	decides '/usr/bin/python3 -m json.tool' x.json '{"a": [1, 2]}' '{"a": [1, 2}'
	decides '/usr/bin/python3 -m json.tool {}' x.json '{"a": [1, 2]}' '{"a": [1, 2}'
}

@test "sh -n" {
	decides 'sh -n' x.sh $'if true; then echo yes; fi\n' $'if true; then echo yes\n'
	decides 'sh -n {}' x.sh $'if true; then echo yes; fi\n' $'if true; then echo yes\n'
}

@test "xmllint --noout -" {
	needs xmllint
	decides 'xmllint --noout -' x.xml '<a><b/></a>' '<a><b></a>'
	decides 'xmllint --noout {}' x.xml '<a><b/></a>' '<a><b></a>'
}

@test "unzip -t {}, tar -t, gzip -t" {
	needs unzip
	cat "$DATA/doc.zip" | spool -m 1K -c 'unzip -tq {}' -o a.zip 2>log
	cmp a.zip "$DATA/doc.zip"
	run -3 bash -c 'head -c 100000 "$DATA/doc.zip" | spool -m 1K -c "unzip -tq {}" -o a.zip'
	cat "$DATA/doc.tar" | spool -m 1K -c 'tar -t >/dev/null' -o a.tar
	gzip <a.tar | spool -c 'gzip -t' -o a.tar.gz
	run -3 bash -c 'gzip <a.tar | head -c 10000 | spool -c "gzip -t" -o a.tar.gz'
	gzip -dc a.tar.gz | cmp "$DATA/doc.tar"
	cmp a.zip "$DATA/doc.zip"
}
