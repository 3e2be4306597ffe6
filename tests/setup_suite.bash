# setup_suite.bash: makes the data that all bats files use, once.

setup_suite() {
	# A broken environment ends the run; it must not look like tests that pass.
	local tool
	PATH=$PATH:/usr/sbin:/sbin
	for tool in spool zip unzip python3 strace setpriv time getfacl setfattr xmllint visudo nginx sshd mkfs.ext4 \
	    mkfs.xfs xfs_io mkfs.btrfs bindfs tmux jq zsh fish curl sqlite3 pdfinfo zstd; do
		if ! type -P "$tool" >/dev/null; then
			echo "$tool is missing" >&2
			return 1
		fi
	done

	DATA=$BATS_SUITE_TMPDIR/data
	export DATA
	mkdir "$DATA" || return 1
	cd "$DATA" || return 1
	seq 300000 >numbers
	head -c 5000000 /dev/urandom >random
	tar -cf doc.tar -C /usr/share doc/bash doc/tar doc/libc6 2>/dev/null || return 1
	zip -qr doc.zip doc.tar numbers || return 1
	unset TMPDIR POSIXLY_CORRECT
}
