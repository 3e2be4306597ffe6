#!/usr/bin/env bats
# completions.bats: what bash, zsh and fish complete in a command line of spool, in the shells themselves.

load ../helper

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
completions=${TEST_BUILD:?}/completions
package=/usr/share/bash-completion/bash_completion

# Four shells, "plain" being bash without its package bash-completion. They find the completions where they are
# installed, in the directory "shares". There are files to be named, a command with completions of its own, and a spool
# that tells its arguments.
setup() {
	needs_terminals
	left_out=
	cd "$BATS_TEST_TMPDIR" || return 1
	shares=$PWD/shares
	install -D -m 644 "$completions/spool" shares/bash-completion/completions/spool
	install -D -m 644 -t shares/zsh/site-functions "$completions/_spool"
	install -D -m 644 -t shares/fish/vendor_completions.d "$completions/spool.fish"
	mkdir home bin files 'files/my dir'
	touch 'files/my file' files/other
	printf '#!/bin/sh\n{ printf "<%%s>" "$@"; echo; } >>"$HOME/arguments"\necho "[spool has" "run]"\n' >bin/spool
	printf '#!/bin/sh\n' >bin/greek
	chmod +x bin/*
	cat >home/plain <<-'END'
	PS1='READY>'
	bind 'set enable-bracketed-paste off'
	complete -W 'alpha beta --gamma' greek
	END
	{ cat home/plain; echo ". $package"; } >home/bash
	echo ". '$shares/bash-completion/completions/spool'" >>home/plain
	cat >home/.zshrc <<-'END'
	PROMPT='READY>'
	fpath=($ZSH_SHARE/zsh/site-functions $fpath)
	autoload -U compinit
	compinit -u -D
	_greek() { _arguments --gamma '*:letter:(alpha beta)'; }
	compdef _greek greek
	END
	cat >home/fish <<-'END'
	function fish_prompt; echo 'READY>'; end
	function fish_greeting; end
	complete -c greek -f
	complete -c greek -a 'alpha beta'
	complete -c greek -l gamma
	END
}

# Whether this shell is here. Where one is not, the others are tested all the same, and then all_shells skips.
here_is() {
	case $1 in
	plain) return 0 ;;
	bash) [ ! -e "$package" ] || return 0 ;;
	*) ! type -P "$1" >/dev/null || return 0 ;;
	esac
	left_out=$1
	return 1
}

all_shells() {
	case $left_out in
	'') ;;
	bash) unmet "needs bash-completion" ;;
	*) unmet "needs $left_out" ;;
	esac
}

# Types the lines of its standard input in a shell, then tells the arguments that spool gets by each. What the shell
# shows is in the file "shown".
typed() {
	local -a shell
	case $1 in
	plain | bash) shell=(bash --noprofile --rcfile "../home/$1" -i) ;;
	zsh) shell=(zsh -d -i) ;;
	fish) shell=(fish -C 'source ../home/fish') ;;
	esac
	rm -f home/arguments
	(
		cd files
		export HOME=$BATS_TEST_TMPDIR/home ZDOTDIR=$BATS_TEST_TMPDIR/home
		export ZSH_SHARE=$shares XDG_DATA_DIRS=$shares:/usr/share
		PATH=$BATS_TEST_TMPDIR/bin:$PATH /usr/bin/python3 "$BATS_TEST_DIRNAME/press.py" "${shell[@]}"
	) >shown 2>&1 || { cat shown >&2; return 1; }
	cat home/arguments
}

# Each line of the standard input is what is typed, and after "=>" what comes of it; in these shells, or all four.
lines() {
	local shell
	[ $# -gt 0 ] || set -- bash plain zsh fish
	cat >lines
	sed 's/ *=> .*//' lines >keys
	sed 's/.*=> //' lines >expected
	for shell in "$@"; do
		here_is "$shell" || continue
		echo "in $shell:"
		typed "$shell" <keys >arguments
		diff expected arguments
	done
}

# What bash finds for a line that consists of these words, the last being the one to be completed.
found_by_bash() {
	bash -c '. "$0"
	    compopt() { :; }
	    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
	    _spool "$1" "${!#}"
	    printf "%s\n" "${COMPREPLY[@]}"' "$completions/spool" "$@"
}

found_by_zsh() {
	printf '%s\\t\n' "$*" | typed zsh >/dev/null
	sed 1d shown
}

found_by_fish() {
	(cd files && HOME=$PWD/../home XDG_DATA_DIRS=$shares:/usr/share fish -c 'complete -C "$argv"' "$*")
}

@test "each shell offers the long options that the help names, and no others" {
	spool --help | grep -oE -- '--[a-z][a-z-]+' | sort -u >in-help
	[ "$(wc -l <in-help)" -ge 15 ]
	found_by_bash spool -- | sort | diff in-help -
	if here_is zsh; then
		found_by_zsh spool -- | grep -oE -- '(^| )--[a-z][a-z-]+' | tr -d ' ' | sort | diff in-help -
	fi
	if here_is fish; then
		found_by_fish spool -- | cut -f 1 | sort | diff in-help -
	fi
	all_shells
}

@test "each shell offers the short options that the help names, and no others" {
	spool --help | grep -oE -- '(^  |; )-[a-zA-Z],' | tr -d ' ;,' | sort -u >in-help
	[ "$(wc -l <in-help)" -ge 15 ]
	found_by_bash spool - | grep -v -- -- | sort | diff in-help -
	if here_is zsh; then
		found_by_zsh spool - | sed 's/ -- .*//' | grep -oE -- '(^| )-[a-zA-Z]( |$)' | tr -d ' ' | sort | diff in-help -
	fi
	if here_is fish; then
		found_by_fish spool - | cut -f 1 | grep -v -- -- | sort | diff in-help -
	fi
	all_shells
}

@test "zsh and fish describe each option" {
	if here_is zsh; then
		found_by_zsh spool - | grep '^-' >found
		[ "$(wc -l <found)" -ge 15 ]
		run ! grep -vE -- ' -- [a-z].* ' found
	fi
	if here_is fish; then
		found_by_fish spool - >found
		[ "$(wc -l <found)" -ge 28 ]
		run ! grep -vP '\t[A-Z].* ' found
	fi
	all_shells
}

@test "files for -o and --stats, also those with a space in their name" {
	lines <<-'END'
	spool -o oth\t                  => <-o><other>
	spool -vo oth\t                 => <-vo><other>
	spool --output oth\t            => <--output><other>
	spool --output=oth\t            => <--output=other>
	spool --stats oth\t             => <--stats><other>
	spool --stats=oth\t             => <--stats=other>
	spool -o my\ f\t                => <-o><my file>
	spool -o "my f\t                => <-o><my file>
	spool --output=my\ f\t          => <--output=my file>
	END
	all_shells
}

@test "directories, and nothing else, for -T" {
	lines <<-'END'
	spool -T oth\t                  => <-T><oth>
	spool --temporary-directory=o\t => <--temporary-directory=o>
	END
	# Some shells leave the slash.
	lines <<-'END'
	spool -T m\tx                   => <-T><my dir/x>
	spool --temporary-directory m\tx => <--temporary-directory><my dir/x>
	spool --temporary-directory=m\tx => <--temporary-directory=my dir/x>
	END
	all_shells
}

@test "sizes for -m and -l, and commands for -c" {
	lines <<-'END'
	spool -m 6\t                    => <-m><64M>
	spool --memory=5\t              => <--memory=50%>
	spool --memory unl\t            => <--memory><unlimited>
	spool -l 25\t                   => <-l><256M>
	spool --limit=4\t               => <--limit=4G>
	spool -c gree\t                 => <-c><greek>
	END
	found_by_bash spool -m '' | diff - <(printf '%s\n' 64M 256M 1G 0 unlimited 50%)
	all_shells
}

@test "an option is completed to its end" {
	lines <<-'END'
	spool --app\t -o x              => <--append><-o><x>
	spool -v --over\t -o x          => <-v><--overwrite><-o><x>
	spool -o x --ver\tb\t           => <-o><x><--verbose>
	END
	all_shells
}

@test "the first operand is a command, and what follows it is that command's" {
	lines <<-'END'
	spool gree\t                    => <greek>
	spool -o x gree\t               => <-o><x><greek>
	spool cat my\ f\t               => <cat><my file>
	END
	lines bash zsh fish <<-'END'
	spool greek al\t                => <greek><alpha>
	spool greek beta al\t           => <greek><beta><alpha>
	spool greek --ga\t              => <greek><--gamma>
	spool -v greek al\t             => <-v><greek><alpha>
	spool -o x greek al\t           => <-o><x><greek><alpha>
	spool -vo my\ file greek al\t   => <-vo><my file><greek><alpha>
	spool -ox greek al\t            => <-ox><greek><alpha>
	spool --output=x -m 1G greek al\t => <--output=x><-m><1G><greek><alpha>
	spool -T . --stats x -c y greek al\t => <-T><.><--stats><x><-c><y><greek><alpha>
	spool -o a:b=c greek al\t       => <-o><a:b=c><greek><alpha>
	spool -o '' greek al\t          => <-o><><greek><alpha>
	spool greek "it's" al\t         => <greek><it's><alpha>
	END
	all_shells
}

@test "the options of spool end at the first operand" {
	lines <<-'END'
	spool greek --app\t             => <greek><--app>
	spool greek -m 6\t              => <greek><-m><6>
	spool -o x greek --app\t        => <-o><x><greek><--app>
	spool -- --app\t                => <--><--app>
	END
	all_shells
}

@test "after two dashes comes the command" {
	lines <<-'END'
	spool -- gree\t                 => <--><greek>
	spool -a -- gree\t              => <-a><--><greek>
	spool -- cat my\ f\t            => <--><cat><my file>
	END
	lines bash zsh fish <<-'END'
	spool -- greek al\t             => <--><greek><alpha>
	spool -o x -- greek al\t        => <-o><x><--><greek><alpha>
	spool -- greek -- al\t          => <--><greek><--><alpha>
	END
	all_shells
}

@test "a suffix for -b is in the same word, and the next word is the command" {
	lines <<-'END'
	spool -b gree\t                 => <-b><greek>
	spool --backup gree\t           => <--backup><greek>
	spool -b.old gree\t             => <-b.old><greek>
	spool -vb gree\t                => <-vb><greek>
	spool --backup=.old gree\t      => <--backup=.old><greek>
	END
	# fish has no such letters that take an argument in the same word alone, and takes the last one here for -o.
	lines bash plain zsh <<-'END'
	spool -abo gree\t               => <-abo><greek>
	END
	lines bash zsh fish <<-'END'
	spool -b greek al\t             => <-b><greek><alpha>
	spool --backup greek al\t       => <--backup><greek><alpha>
	spool -bo greek al\t            => <-bo><greek><alpha>
	END
	all_shells
}

@test "bash: abbreviated options, and redirections" {
	lines bash plain <<-'END'
	spool --out my\ f\t             => <--out><my file>
	spool --temp=m\tx               => <--temp=my dir/x>
	spool -o x 2>/dev/null gree\t   => <-o><x><greek>
	spool -o x 2> /dev/null gree\t  => <-o><x><greek>
	spool -v <oth\t                 => <-v>
	spool -v < oth\t                => <-v>
	END
	all_shells
}

@test "bash: what is completed is what is before the cursor" {
	run -0 bash -c '. "$0"
	    COMP_WORDS=(spool --verX) COMP_CWORD=1 COMP_LINE="spool --verX" COMP_POINT=11
	    _spool spool --ver
	    echo "${COMPREPLY[@]}"' "$completions/spool"
	[ "$output" = '--verbose --version' ]
	# Where "=" is a part of the word, so is the option.
	run -0 bash -c '. "$0"
	    COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
	    COMP_WORDS=(spool --mem=6) COMP_CWORD=1 COMP_LINE="spool --mem=6" COMP_POINT=13
	    _spool spool --mem=6
	    echo "${COMPREPLY[@]}"' "$completions/spool"
	[ "$output" = '--memory=64M' ]
}

@test "zsh: options that exclude each other" {
	lines zsh <<-'END'
	spool -a --over\t               => <-a><--over>
	spool --overwrite --app\t       => <--overwrite><--app>
	spool --help --verb\t           => <--help><--verb>
	spool -V gree\t                 => <-V><gree>
	END
	all_shells
}

# bats test_tags=long
@test "make install puts each where its shell looks, make uninstall removes it" {
	mkdir build
	(cd build && "$top/configure" -q --prefix=/usr/local >/dev/null &&
	    make -s -j2 install DESTDIR="$PWD/../to" >log 2>&1) || { cat build/log; return 1; }
	cmp to/usr/local/share/bash-completion/completions/spool "$completions/spool"
	cmp to/usr/local/share/zsh/site-functions/_spool "$completions/_spool"
	cmp to/usr/local/share/fish/vendor_completions.d/spool.fish "$completions/spool.fish"
	shares=$PWD/to/usr/local/share
	lines bash zsh fish <<-'END'
	spool --memory=6\t              => <--memory=64M>
	END
	make -s -C build uninstall DESTDIR="$PWD/to"
	find to ! -type d >left
	[ ! -s left ]
	all_shells
}

# bats test_tags=long
@test "configure can be told where the completions go, or that they do not" {
	mkdir build
	(cd build && "$top/configure" -q --prefix="$PWD/../to" --with-bash-completion-dir="$PWD/../to/my bash" \
	    --without-zsh-completion-dir --with-fish-completion-dir=no >/dev/null &&
	    make -s -j2 install >log 2>&1) || { cat build/log; return 1; }
	find to ! -type d | sort | diff - <(printf '%s\n' to/bin/spool 'to/my bash/spool' to/share/man/man1/spool.1)
	make -s -C build uninstall
	find to ! -type d >left
	[ ! -s left ]
}
