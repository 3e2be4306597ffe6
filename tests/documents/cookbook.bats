#!/usr/bin/env bats
# cookbook.bats: the recipes of contrib/cookbook.md, read out of it and run, each for what it should do.

load ../helper

book=$BATS_TEST_DIRNAME/../../contrib/cookbook.md

# Splits the book: the Nth block of sh under a heading is recipes/HEADING/N.sh, and the block of text after it, which is
# what it prints, N.txt. What fits nowhere is an error.
split_book() {
	awk -v to="$1" '
	/^(===|---)/ { heading = before; n = 0; last = "" }
	sub(/^### /, "") { heading = $0; n = 0; last = "" }
	/^```/ && file != "" { close(file); file = ""; next }
	/^```sh$/ {
		directory = to "/" heading
		system("mkdir -p \"" directory "\"")
		file = directory "/" ++n ".sh"
		last = "sh"
		next
	}
	/^```text$/ && last == "sh" { file = directory "/" n ".txt"; last = "text"; next }
	file != "" { print >file; next }
	/^ *```/ || /^    / || /\t/ { print FILENAME ":" FNR ": not sh, nor what it prints"; failed = 1 }
	{ before = $0 }
	END { if (file != "") { print FILENAME ": a block without an end"; failed = 1 }; exit failed }' "$book"
}

# Runs the blocks under a heading, one after another, as scripts. What the Nth prints is in out.N.
cook() {
	recipe=$BATS_FILE_TMPDIR/recipes/$1
	local n=0
	while [ -e "$recipe/$((n + 1)).sh" ]; do
		n=$((n + 1))
		cat "$recipe/$n.sh"
		bash -e -o pipefail "$recipe/$n.sh" </dev/null >"out.$n" || return 1
		[ ! -e "$recipe/$n.txt" ] || diff "$recipe/$n.txt" "out.$n" || return 1
	done
	[ "$n" -gt 0 ]
}

# Runs the Nth block of the last recipe once more.
again() {
	bash -e -o pipefail "$recipe/$1.sh" </dev/null
}

# The same, changed by sed. What changes nothing is no test of anything, and fails in teardown, since failing here may be
# what the test expects.
altered() {
	sed "$2" "$recipe/$1.sh" >"$BATS_TEST_TMPDIR.altered"
	if cmp "$recipe/$1.sh" "$BATS_TEST_TMPDIR.altered" >/dev/null; then
		echo "$2" >>"$BATS_TEST_TMPDIR.unaltered"
	fi
	bash -e -o pipefail "$BATS_TEST_TMPDIR.altered" </dev/null
}

teardown() {
	if [ -e "$BATS_TEST_TMPDIR.unaltered" ]; then
		echo "these change nothing:"
		cat "$BATS_TEST_TMPDIR.unaltered"
		return 1
	fi
}

# ssh and sshd on both ends of a pipe, with no port. The far end works in the test's directory far, as the host would in
# the home directory. Where the user's account is locked, a shell stands for both.
make_host() {
	local keys=$PWD/keys real sshd
	real=$(command -v ssh) || return 1
	sshd=$(command -v sshd) || return 1
	mkdir "$keys" || return 1
	ssh-keygen -q -t ed25519 -N '' -f "$keys/host" && ssh-keygen -q -t ed25519 -N '' -f "$keys/user" || return 1
	[ -d /run/sshd ] || [ "$(id -u)" -ne 0 ] || mkdir /run/sshd || return 1
	cat >"$keys/sshd_config" <<-END
	HostKey $keys/host
	AuthorizedKeysFile $keys/user.pub
	StrictModes no
	UsePAM no
	PermitRootLogin prohibit-password
	SetEnv PATH=$PATH
	ForceCommand cd "\$(cat $keys/far)" && exec sh -c "\$SSH_ORIGINAL_COMMAND"
	END
	cat >"$keys/ssh_config" <<-END
	Host host
	ProxyCommand $sshd -i -f $keys/sshd_config -E $keys/log
	IdentityFile $keys/user
	UserKnownHostsFile /dev/null
	StrictHostKeyChecking no
	LogLevel ERROR
	BatchMode yes
	END
	cat >bin/ssh <<-END
	#!/bin/sh
	mkdir -p far && cd far && pwd >$keys/far && exec $real -F $keys/ssh_config "\$@"
	END
	chmod +x bin/ssh
	(mkdir try && cd try && ../bin/ssh host true </dev/null 2>../try.log) && return 0
	grep 'account is locked' "$keys/log" || { cat try.log "$keys/log"; return 1; }
	echo '# sshd does not let this user in: a shell stands for it' >&3
	printf '#!/bin/sh\nshift\nmkdir -p far && cd far && exec sh -c "$*"\n' >bin/ssh
}

# What the recipes need beside what the tests need anyway. Bats cannot skip from setup_file.
programs='curl ssh sqlite3 pdfinfo zstd jq unzip file pandoc ffmpeg 7z mksquashfs qemu-img jar ogrinfo'

has() {
	local program
	for program in "$@"; do
		type -P "$program" >/dev/null || return 1
	done
}

# A server on this machine, in the place of https://example.org, and other programs that reach out.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir served bin || return 1
	split_book "$PWD/recipes" || return 1
	printf '#!/bin/sh\n(echo "$*"; cat) >mail\n' >bin/mail
	chmod +x bin/mail
	if has curl; then
		make_server || return 1
	fi
	if has ssh sshd ssh-keygen; then
		make_host || return 1
	fi
	PATH=$PWD/bin:$PATH
	export PATH
}

make_server() {
	local real port='' try
	printf '%s\n' 'echo "installed $*" >installed' '# end' >served/install.sh
	echo '<p>new</p>' >served/page.html
	/usr/bin/python3 -u -m http.server --bind 127.0.0.1 -d served 0 >server.log 2>&1 3>&- &
	echo $! >server.pid
	for try in {1..500}; do
		port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' server.log)
		[ -z "$port" ] || break
		sleep 0.02
	done
	[ -n "$port" ] || { echo "no server after $try tries"; return 1; }
	real=$(command -v curl) || return 1
	cat >bin/curl <<-END
	#!/bin/sh
	for word; do
		shift
		set -- "\$@" "\$(printf %s "\$word" | sed 's|https://example.org|http://127.0.0.1:$port|')"
	done
	exec $real --noproxy '*' "\$@"
	END
	chmod +x bin/curl
}

# A test needs the programs that are in its recipe.
setup() {
	local program heading
	cd "$BATS_TEST_TMPDIR" && exec </dev/null || return 1
	heading=$(awk -v begin="@test \"$BATS_TEST_DESCRIPTION\" {" -F '"' '
	    $0 == begin { found = 1 }
	    found && /^\tcook "/ { print $2; exit }
	    found && /^}/ { exit }' "$BATS_TEST_FILENAME")
	[ -n "$heading" ] || return 0
	for program in $programs; do
		if grep -qw -- "$program" "$BATS_FILE_TMPDIR/recipes/$heading"/*.sh; then
			needs "$program"
			[ "$program" != ssh ] || needs sshd ssh-keygen
		fi
	done
}

teardown_file() {
	[ ! -e "$BATS_FILE_TMPDIR/server.pid" ] || kill "$(cat "$BATS_FILE_TMPDIR/server.pid")"
}

@test "no command escapes: each recipe is run here" {
	ls "$BATS_FILE_TMPDIR/recipes" >recipes
	sed -n 's/^	cook "\([^"]*\)".*/\1/p' "$BATS_TEST_FILENAME" | sort -u >cooked
	diff <(sort recipes) cooked
	[ "$(grep -c '^```sh$' "$book")" -eq "$(find "$BATS_FILE_TMPDIR/recipes" -name '*.sh' | wc -l)" ]
	[ "$(grep -c '^```text$' "$book")" -eq "$(find "$BATS_FILE_TMPDIR/recipes" -name '*.txt' | wc -l)" ]
	[ "$(cat "$BATS_FILE_TMPDIR"/recipes/*/*.sh | wc -l)" -ge 30 ]
}

@test "what is no block of sh, nor what it prints, is found" {
	local book
	for book in $'A\n---\n    ls\n' $'A\n---\n```\nls\n```\n' $'A\n---\n```text\n1\n```\n' $'A\n---\n```sh\nls\n' \
	    $'A\n---\n```bash\nls\n```\n' $'A\n---\n\tls\n' $'A\n---\n - x\n   ```sh\n   ls\n'; do
		printf %s "$book" >wrong
		run ! with_book wrong
		[ ! -e split ]
	done
	printf %s $'A\n---\n```sh\nls\n```\n\n```text\na\n```\n' >right
	with_book right
	[ "$(cat split/A/1.sh split/A/1.txt)" = $'ls\na' ]
}

with_book() {
	local book=$1
	rm -rf split
	split_book split || { rm -rf split; return 1; }
}

@test "a script from the network" {
	local hash
	hash=$(cd "$BATS_FILE_TMPDIR/served" && sha256sum <install.sh | cut -d ' ' -f 1)
	grep -q HASH "$BATS_FILE_TMPDIR/recipes/Run a script from the network, or none of it/1.sh"
	sed -i "s/HASH/$hash/" "$BATS_FILE_TMPDIR/recipes/Run a script from the network, or none of it/1.sh"
	# A file of the script's name is not what is checked.
	cp "$BATS_FILE_TMPDIR/served/install.sh" .
	cook "Run a script from the network, or none of it"
	[ "$(cat installed)" = 'installed --prefix=here' ]
	# Half of it does not run, nor another, nor one that is not there.
	rm installed
	run -3 altered 1 's/ | spool/ | head -n 1&/'
	run -3 altered 2 's/ | spool/ | head -n 1&/'
	run -3 altered 1 's/ | spool/ | sed s,installed,other,&/'
	run ! altered 1 's/install.sh/none.sh/'
	run ! altered 2 's/install.sh/none.sh/'
	[ ! -e installed ]
}

@test "a download" {
	cook "Download into a file, whole or not at all"
	[ "$(cat page.html)" = '<p>new</p>' ]
	touch -d 2001-01-01 page.html
	cook "Download into a file, whole or not at all"
	[ "$(date -r page.html +%Y)" = 2001 ]
	run -22 altered 1 's|org/page|org/none|'
	[ "$(cat page.html)" = '<p>new</p>' ]
}

@test "a configuration" {
	printf '%s\n' 'root ALL=(ALL) ALL' '#%wheel ALL=(ALL) ALL' >sudoers
	# A file that may not be written is not replaced, but by root.
	mode=440
	[ "$(id -u)" -eq 0 ] || mode=640
	chmod $mode sudoers
	ssh-keygen -q -t ed25519 -N '' -f key
	printf '%s\n' "HostKey $PWD/key" 'Port 22' >sshd_config
	printf '%s\n' "pid $PWD/pid; error_log stderr; events {}" \
	    'http { access_log off; server { listen 80; } server { listen 8081; } }' >nginx.conf
	echo '{"port": 80, "name": "x"}' >config.json
	echo '<old><b/></old>' >list.xml
	cook "Change a configuration, if the program accepts it"
	[ "$(tail -n 1 sudoers)" = '%wheel ALL=(ALL) ALL' ]
	[ "$(tail -n 1 sudoers~)" = '#%wheel ALL=(ALL) ALL' ]
	[ "$(stat -c %a sudoers)" = $mode ]
	[ "$(tail -qn 1 sshd_config sshd_config~)" = $'Port 2222\nPort 22' ]
	grep -q 'listen 8080; } server { listen 8081; }' nginx.conf
	[ "$(jq -c . config.json)" = '{"port":8080,"name":"x"}' ]
	[ "$(cat list.xml)" = '<new><b/></new>' ]
	# None is replaced by what its program refuses.
	touch -d 2001-01-01 sudoers sshd_config nginx.conf config.json list.xml
	run -3 altered 1 '1!d; s/sed .*/sed s,ALL=.*,ALL=, sudoers/'
	run -3 altered 1 '2!d; s/Port 2222/Port many/'
	run -3 altered 2 's/sed .* /sed s,8080,many, /'
	run -3 altered 3 '1!d; s/port = 8080/port = 80/'
	run -3 altered 3 '2!d; s/new.g/new/'
	# With -u it is not touched where it is as it should be.
	again 2
	[ "$(date -r sudoers +%Y) $(date -r sshd_config +%Y) $(date -r nginx.conf +%Y)" = '2001 2001 2001' ]
	[ "$(date -r config.json +%Y) $(date -r list.xml +%Y)" = '2001 2001' ]
}

@test "a configuration that can only be checked in place" {
	needs nginx
	mkdir conf.d
	printf '%s\n' "pid $PWD/pid; error_log stderr; events {}" 'http { access_log off; include conf.d/*.conf; }' >nginx.conf
	printf 'server { listen 80; }\n' >conf.d/site.conf
	cook "Change a configuration that can only be checked in place"
	grep -q 'listen 8080;' conf.d/site.conf
	run -3 altered 1 's/sed .*conf.d/sed s,8080,many, conf.d/'
	grep -q 'listen 8080;' conf.d/site.conf
	[ "$(ls -A conf.d)" = site.conf ]
}

@test "many files" {
	mkdir -p src/a
	printf '\tcolour\n' >src/a/one.c
	printf 'none\n' >'src/two words.c'
	printf 'colour\n' >src/three
	touch -d 2001-01-01 'src/two words.c'
	echo src/three >names
	cook "Rewrite many files"
	[ "$(cat src/a/one.c)" = '        color' ]
	[ "$(cat src/three)" = color ]
	[ "$(date -r 'src/two words.c' +%Y)" = 2001 ]
	# A command that fails empties nothing.
	altered 1 '1!d; s/expand/false/'
	run ! altered 1 '2!d; s/colour/color/; s/sed/false/'
	[ "$(cat src/a/one.c src/three 'src/two words.c')" = $'        color\ncolor\nnone' ]
}

@test "a loop, of which COMMAND does not eat the standard input" {
	mkdir src
	printf '\ta\n' | tee src/one >src/two
	touch src/three
	printf 'src/one\nsrc/two\nsrc/three\n' >names
	recipe=$BATS_FILE_TMPDIR/recipes/"Rewrite many files"
	again 2
	[ "$(cat src/one src/two)" = $'        a\n        a' ]
}

@test "Replace a file only if the writer at the other end succeeds" {
	needs ssh
	printf '#!/bin/sh\nexec "$@"\n' >sudo
	chmod +x sudo
	PATH=$PWD:$PATH
	mkdir -p far
	seq 9 >far/data
	cook "Replace a file only if the writer at the other end succeeds"
	cmp data far/data
	echo old >data
	run ! altered 1 '1!d; s/cat data/head -c 5 data; false/'
	run ! altered 1 '2!d; s/cat data/cat no-such/'
	[ "$(cat data)" = old ]
}

@test "Reload a program only if its configuration has changed" {
	echo port=80 >template
	printf '#!/bin/sh\necho reloaded\n' >reload
	chmod +x reload
	cook "Reload a program only if its configuration has changed"
	[ "$(cat out.1 app.conf)" = $'reloaded\nport=8080' ]
	[ -z "$(again 1 2>&1)" ]
	[ "$(altered 1 's/sed/false/' 2>&1)" = $'spool: false: exited with status 1; the file is unchanged\napp.conf was not made' ]
	[ "$(altered 1 's/8080/8081/')" = reloaded ]
}

@test "See what would change" {
	echo port=80 >app.conf
	cook "See what would change" 2>differences
	grep -A 1 -x -e -port=80 differences | grep -qx +port=8080
	[ "$(cat app.conf)" = port=80 ]
}

@test "A file that several processes change" {
	needs flock
	echo 0 >count
	cook "A file that several processes change"
	[ "$(cat count)" = 2 ]
	echo 0 >count
	for _ in {1..5}; do again 1 & done
	wait
	[ "$(cat count)" = 5 ]
	for _ in {1..5}; do again 2 & done
	wait
	[ "$(cat count)" = 10 ]
	# A failure is not tried again.
	run ! altered 1 's/awk/false/'
	[ "$(cat count)" = 10 ]
}

# The smallest PDF that pdfinfo takes.
make_pdf() {
	/usr/bin/python3 - <<-'END'
	parts = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
	    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>"]
	out, places = b"%PDF-1.4\n", []
	for number, part in enumerate(parts, 1):
	    places.append(len(out))
	    out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
	index = len(out)
	out += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
	out += b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % index
	open("a.pdf", "wb").write(out)
	END
}

@test "formats that seek" {
	echo 'read me' >readme.txt
	zip -q a.zip readme.txt
	make_pdf
	sqlite3 db.sqlite 'create table t (x); insert into t values (1), (2), (3)'
	cook "Formats that need to seek, from a pipe"
	# Without spool none of them can.
	run ! altered 1 '1!d; s/spool//'
	run ! altered 1 '2!d; s/spool -f//'
	run ! altered 1 '3!d; s/spool//'
}

@test "sqlite3" {
	sqlite3 db.sqlite 'create table t (x); insert into t values (1), (2), (3)'
	cook "sqlite3"
	grep -qx 'INSERT INTO t VALUES(3);' out.1
	[ "$(sqlite3 backup.sqlite 'select count(*) from t')" = 3 ]
	# Nothing comes of what is empty, cut short, or no database.
	cp backup.sqlite before
	head -c 4096 db.sqlite >cut.sqlite
	head -c 8000 db.sqlite >cut2.sqlite
	: >empty.sqlite
	cp "$BATS_TEST_FILENAME" other.sqlite
	for bad in cut cut2 empty other; do
		run -3 --separate-stderr altered 1 "1!d; s/db.sqlite/$bad.sqlite/"
		[ -z "$output" ]
	done
	run ! altered 1 '2!d; s/db.sqlite/cut.sqlite/'
	run ! altered 1 '2!d; s/db.sqlite/other.sqlite/'
	run ! altered 1 '2!d; s/db.sqlite/none.sqlite/'
	cmp backup.sqlite before
	[ ! -e none.sqlite ]
}

@test "awk" {
	cook "awk"
	# Without the path, awk passes over the stream once.
	run --separate-stderr altered 1 's/spool -f/spool/; s/{} {}/- -/'
	[ "$output" != "$(cat out.1)" ]
}

@test "zstd" {
	zstd -q <"$DATA/numbers" >log.zst
	cook "zstd"
	grep -q ' log.zst$\|/log.zst$' out.1
	run ! altered 1 's/cat/head -c 1000/'
	run ! altered 1 's/cat log.zst/seq 9/'
	run ! altered 1 's/spool --name log.zst//; s/{}//'
}

@test "file" {
	cp "$DATA/doc.zip" unknown
	cook "file"
	run -0 altered 1 's/cat/head -c 0/'
	[ "$output" = inode/x-empty ]
}

@test "pandoc" {
	echo 'a report' | pandoc -f markdown -t docx -o upload
	cook "pandoc"
	grep -qx 'a report' out.1
	run ! altered 1 's/cat/head -c 100/'
	run ! altered 1 's/cat/head -c 0/'
}

# A second of sound.
make_wav() {
	/usr/bin/python3 -c 'import math, wave
with wave.open("sound.wav", "wb") as file:
    file.setparams((1, 2, 8000, 0, "NONE", ""))
    file.writeframes(b"".join(int(9999 * math.sin(i)).to_bytes(2, "little", signed=True) for i in range(8000)))'
}

# The recipe has made a file with these four bytes at an offset. Without its source, the recipe fails, and the file is as
# before: makes FILE OFFSET BYTES SOURCE.
makes() {
	local before
	[ "$(od -An -tx1 -j "$2" -N 4 "$1" | tr -d ' ')" = "$3" ]
	before=$(sha256sum <"$1")
	run ! altered 1 "s/ $4\( \|\$\)/ none\1/"
	[ "$(sha256sum <"$1")" = "$before" ]
	[ -z "$(find . -name '.*.spool-*')" ]
}

@test "ffmpeg" {
	make_wav
	cook "ffmpeg"
	makes sound.mp4 4 66747970 sound.wav
	cp sound.mp4 before
	echo 'no sound' >sound.wav
	run ! again 1
	cmp sound.mp4 before
}

@test "7z" {
	mkdir src
	seq 1000 >src/numbers
	cook "7z"
	makes src.7z 0 377abcaf src
	# It is a new one, without what has gone.
	mv src/numbers src/others
	again 1
	7z l src.7z >listed
	grep -q others listed
	run ! grep numbers listed
}

@test "mksquashfs" {
	mkdir src
	seq 1000 >src/numbers
	cook "mksquashfs"
	makes src.sqfs 0 68737173 src
}

@test "qemu-img" {
	head -c 1048576 "$DATA/random" >disk.img
	cook "qemu-img"
	makes disk.qcow2 0 514649fb disk.img
}

@test "jar" {
	mkdir classes
	seq 1000 >classes/numbers
	cook "jar"
	makes app.jar 0 504b0304 classes
	jar -tf app.jar >listed
	grep -q numbers listed
}

@test "ogrinfo" {
	needs ogr2ogr
	cat >places.json <<-END
	{"type": "FeatureCollection", "name": "places", "features": [{"type": "Feature", "properties": {"id": 1},
	 "geometry": {"type": "Point", "coordinates": [1, 2]}}]}
	END
	ogr2ogr -f GPKG places.gpkg places.json
	mv places.gpkg upload
	cook "ogrinfo"
	grep -q '^1: places' out.1
	run ! altered 1 's/cat/head -c 50/'
	run ! altered 1 's/cat/head -c 0/'
}

@test "editors" {
	echo a >conf
	echo a >notes
	printf '#!/bin/sh\necho typed >>"$1"\n' >./vi
	chmod +x vi
	PATH=$PWD:$PATH
	cook "Change a file by an editor, or in place"
	[ "$(cat conf notes notes~)" = $'b\na\ntyped\na' ]
	# Without a change, or by a program that fails, nothing happens.
	touch -d 2001-01-01 conf notes
	printf '#!/bin/sh\necho typed >>"$1"; exit 1\n' >./vi
	run -1 altered 1 '1!d'
	run -0 altered 1 '2!d'
	run ! altered 1 '2!d; s/s.a.b./s,a/'
	[ "$(date -r conf +%Y) $(date -r notes +%Y)" = '2001 2001' ]
	[ "$(cat conf notes)" = $'b\na\ntyped' ]
	only conf notes notes~ vi out.1
}

@test "several passes" {
	cook "Pass over a stream several times"
	# What is expected is in the book, and wrong without spool.
	[ "$(altered 1 's/spool//' 2>/dev/null)" != "$(cat out.1)" ]
}

@test "several consumers" {
	cp "$DATA/random" disk.img
	cook "Several consumers of one stream"
	[ "$(cut -d ' ' -f 1 img.sum)" = "$(sha256sum <disk.img | cut -d ' ' -f 1)" ]
	gzip -dc img.gz | cmp - disk.img
	run ! altered 1 's/sha256sum/false/'
	run ! altered 1 's/gzip/false/'
}

@test "ssh" {
	cp "$DATA/doc.tar" backup.tar
	cook "Over ssh"
	cmp backup.tar far/far.tar
	cmp backup.tar near.tar
	# A stream that is cut short changes nothing, nor does a command that fails at the other end.
	echo old >far/far.tar
	run -3 altered 1 's/<backup/< <(head -c 100 backup.tar) #/'
	[ "$(cat far/far.tar)" = old ]
	run ! altered 2 's/cat far.tar/"head -c 100 far.tar; exit 1"/'
	cmp backup.tar near.tar
}

@test "dumps" {
	sqlite3 db.sqlite 'create table t (x); insert into t values (1)'
	echo yesterday >dump.sql
	cook "Database dumps"
	grep -q 'INSERT INTO t' dump.sql
	[ "$(cat dump.sql~)" = yesterday ]
	gzip -dc dump.sql.gz | cmp - dump.sql
	run ! altered 1 's/ \.dump/ .nonsense/'
	run -3 altered 1 's/sqlite3 db.sqlite .dump/head -n 2 dump.sql/'
	run ! altered 2 's/ \.dump/ .nonsense/'
	grep -q 'INSERT INTO t' dump.sql
	gzip -dc dump.sql.gz | cmp - dump.sql
}

@test "a slow reader" {
	sqlite3 db.sqlite 'create table t (x); insert into t values (1)'
	cook "A slow reader, and a writer that must not wait"
	sqlite3 db.sqlite .dump | cmp - far/far.sql
	gzip -dc dump.gz | cmp - far/far.sql
	run -4 altered 2 's/gzip -9/sh -c "cat >part; exit 4"/'
}

@test "cron" {
	printf 'fine\nERROR one\n' >log
	printf '#!/bin/sh\necho reported\n' >report
	chmod +x report
	cook "Mail from cron, complete or none"
	[ "$(cat mail)" = $'-s the report root\nreported' ]
	rm mail
	again 1
	[ "$(cat mail)" = $'-s errors today root\nERROR one' ]
	rm mail
	echo fine >log
	# grep has found nothing, and says so.
	run -1 again 1
	[ ! -e mail ]
	printf '#!/bin/sh\necho half\nexit 1\n' >report
	run ! again 2
	[ ! -e mail ]
	[ "$(cat report.txt)" = reported ]
}

@test "little memory" {
	mkdir scratch
	cp "$DATA/random" upload
	echo secret >secret
	cp "$DATA/numbers" log
	cook "Little memory, little disk"
	gzip -dc upload.gz | cmp - upload
	[ "$(gzip -dc secret.gz)" = secret ]
	run -3 altered 1 's/1G/1M/'
	run -3 altered 2 's/secret |/upload |/'
	# "Less than half".
	altered 3 's/spool/spool -l 994000/'
	only scratch upload secret log upload.gz secret.gz out.1 out.2 out.3
	[ -z "$(ls scratch)" ]
}

@test "watching" {
	mkdir src
	seq 1000 >src/file
	cook "Watch a long run, and keep its figures"
	[ "$(tar -xOf src.tar src/file | tail -n 1)" = 1000 ]
	grep -qE '^10240 bytes in [0-9.e-]+ s, status 0$' out.1
}
