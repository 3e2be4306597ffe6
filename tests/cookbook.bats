#!/usr/bin/env bats
# cookbook.bats: the recipes of contrib/cookbook.md, read out of it and run, each for what it should do.

load helper

book=$BATS_TEST_DIRNAME/../contrib/cookbook.md

# The lines of the blocks of sh under a heading.
recipe() {
	awk -v heading="$1" '/^(===|---)/ { inside = before == heading } { before = $0 }
	    /^```/ { block = $0 == "```sh"; next } inside && block' "$book"
}

# Runs them, one after another. What the Nth prints is in out.N.
cook() {
	local command
	count=0
	while read -r command; do
		count=$((count + 1))
		echo "\$ $command"
		bash -e -o pipefail -c "$command" >"out.$count" || return 1
	done < <(recipe "$1")
	[ "$count" -gt 0 ]
}

# A server on this machine, in the place of https://example.org, and other programs that reach out.
setup_file() {
	local real
	mkdir "$BATS_FILE_TMPDIR/served" "$BATS_FILE_TMPDIR/bin" || return 1
	cd "$BATS_FILE_TMPDIR/served" || return 1
	printf '%s\n' 'echo "installed $*" >installed' '# end' >install.sh
	echo '<p>new</p>' >page.html
	/usr/bin/python3 -u -m http.server --bind 127.0.0.1 0 >../server.log 2>&1 3>&- &
	echo $! >../server.pid
	cd .. || return 1
	local port=
	for try in {1..500}; do
		port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' server.log)
		[ -z "$port" ] || break
		sleep 0.02
	done
	[ -n "$port" ] || return 1
	real=$(command -v curl) || return 1
	cat >bin/curl <<-END
	#!/bin/sh
	for word; do
		shift
		set -- "\$@" "\$(printf %s "\$word" | sed 's|https://example.org|http://127.0.0.1:$port|')"
	done
	exec $real --noproxy '*' "\$@"
	END
	# The other machine is this one, in a directory of its own.
	cat >bin/ssh <<-'END'
	#!/bin/sh
	shift
	mkdir -p far && cd far && exec sh -c "$*"
	END
	printf '#!/bin/sh\n(echo "$*"; cat) >mail\n' >bin/mail
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
	export PATH
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/server.pid")"
}

@test "no command escapes: each block is sh and under a heading that is tested here" {
	grep '^```.' "$book" | sort -u | diff - <(echo '```sh')
	[ $(($(grep -c '^```' "$book") % 2)) -eq 0 ]
	run grep -nE '^( {4}|	)' "$book"
	[ "$status" -eq 1 ]
	# Each heading with a block has a test of that name, and the other way round.
	awk '/^---/ { heading = before } { before = $0 } /^```sh/ { print heading }' "$book" | uniq >headings
	sed -n 's/^	cook "\(.*\)"$/\1/p' "$BATS_TEST_FILENAME" | uniq | diff headings -
}

@test "a script from the network" {
	(cd "$BATS_FILE_TMPDIR/served" && sha256sum install.sh) | sed 's/install.sh/-/' >install.sum
	cook "Run a script from the network, or none of it"
	[ "$(cat installed)" = 'installed --prefix=here' ]
	# Half of it does not run.
	rm installed
	local command
	while read -r command; do
		run -3 bash -c "curl() { command curl \"\$@\" | head -n 1; }; $command"
	done < <(recipe "Run a script from the network, or none of it")
	[ ! -e installed ]
}

@test "a download" {
	cook "Download into a file, whole or not at all"
	[ "$(cat page.html)" = '<p>new</p>' ]
	touch -d 2001-01-01 page.html
	cook "Download into a file, whole or not at all"
	[ "$(date -r page.html +%Y)" = 2001 ]
	run ! bash -c "$(recipe 'Download into a file, whole or not at all' | sed 's|org/page|org/none|')"
	[ "$(cat page.html)" = '<p>new</p>' ]
}

@test "a configuration" {
	printf '%s\n' 'root ALL=(ALL) ALL' '#%wheel ALL=(ALL) ALL' >sudoers
	chmod 440 sudoers
	echo '{"port": 80, "name": "x"}' >config.json
	cook "Change a configuration, if the program accepts it"
	[ "$(tail -n 1 sudoers)" = '%wheel ALL=(ALL) ALL' ]
	[ "$(tail -n 1 sudoers~)" = '#%wheel ALL=(ALL) ALL' ]
	[ "$(stat -c %a sudoers)" = 440 ]
	[ "$(jq -c . config.json)" = '{"port":8080,"name":"x"}' ]
	[ "$(cat list.xml)" = '<a><b/></a>' ]
	run -3 bash -c "$(recipe 'Change a configuration, if the program accepts it' | sed -n '2s/8080/80/p')"
	[ "$(jq .port config.json)" = 8080 ]
}

@test "many files" {
	mkdir -p src/a
	printf '\tcolour\n' >src/a/one.c
	printf 'none\n' >'src/two words.c'
	printf 'colour\n' >src/three
	touch -d 2001-01-01 'src/two words.c'
	cook "Rewrite many files"
	[ "$(cat src/a/one.c)" = '        color' ]
	[ "$(cat src/three)" = color ]
	[ "$(date -r 'src/two words.c' +%Y)" = 2001 ]
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
	[ "$(cat out.1)" = 'read me' ]
	grep -qE '^Pages: +1$' out.2
	[ "$(cat out.3)" = 3 ]
}

@test "several passes" {
	cook "Pass over a stream several times"
	[ "$(head -n 1 out.1)" = '0.111111 1' ]
	[ "$(wc -l <out.1)" -eq 9 ]
	[ "$(cat out.2)" = $'18 bytes\n9' ]
}

@test "several consumers" {
	cp "$DATA/random" disk.img
	cook "Several consumers of one stream"
	[ "$(cut -d ' ' -f 1 img.sum)" = "$(sha256sum <disk.img | cut -d ' ' -f 1)" ]
	gzip -dc img.gz | cmp - disk.img
}

@test "ssh" {
	cp "$DATA/doc.tar" backup.tar
	cook "Over ssh"
	cmp backup.tar far/far.tar
	cmp backup.tar near.tar
	# A stream that is cut short changes nothing.
	echo old >far/far.tar
	run -3 bash -c "$(recipe 'Over ssh' | sed -n '1s/<backup/< <(head -c 100 backup.tar) #/p')"
	[ "$(cat far/far.tar)" = old ]
}

@test "dumps" {
	sqlite3 db.sqlite 'create table t (x); insert into t values (1)'
	echo yesterday >dump.sql
	cook "Database dumps"
	grep -q 'INSERT INTO t' dump.sql
	[ "$(cat dump.sql~)" = yesterday ]
	run ! bash -c "$(recipe 'Database dumps' | sed 's/ \.dump/ .nonsense/')"
	grep -q 'INSERT INTO t' dump.sql
}

@test "cron" {
	printf 'fine\nERROR one\n' >log
	printf '#!/bin/sh\necho reported\n' >report
	chmod +x report
	cook "Mail from cron, whole or none"
	[ "$(cat mail)" = $'-s the report root\nreported' ]
	rm mail
	recipe "Mail from cron, whole or none" | head -n 1 >first
	bash -e first
	[ "$(cat mail)" = $'-s errors today root\nERROR one' ]
	rm mail
	echo fine >log
	bash first
	[ ! -e mail ]
	printf '#!/bin/sh\necho half\nexit 1\n' >report
	run ! bash -c "$(recipe 'Mail from cron, whole or none' | tail -n 1)"
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
	[ "$(cat out.3)" -eq 300000 ]
	run -3 bash -c "$(recipe 'Little memory, little disk' | sed -n 's/1G/1M/p')"
	only scratch upload secret log upload.gz secret.gz out.1 out.2 out.3
}

@test "watching" {
	mkdir src
	seq 1000 >src/file
	cook "Watch a long one, and keep the figures"
	[ "$(tar -xOf src.tar src/file | tail -n 1)" = 1000 ]
	grep -qE '^10240 bytes in [0-9.e-]+ s, status 0$' out.2
}
