# spool.bash: completes the command line of spool in bash 4 or later, with or without the package bash-completion.
# shellcheck shell=bash

# The line up to the cursor, as spool would get it: bash has broken it at "=" and ":", too. Sets the caller's words, and
# firsts, the place where each begins in COMP_WORDS.
_spool_words()
{
	local line=${COMP_LINE:0:COMP_POINT} part blanks i
	words=()
	firsts=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		blanks=${line%%[![:space:]]*}
		line=${line#"$blanks"}
		part=$line
		((i == COMP_CWORD)) || part=${COMP_WORDS[i]}
		if ((i == 0)) || [[ $blanks ]]; then
			words+=("$part")
			firsts+=("$i")
		else
			words[-1]+=$part
		fi
		line=${line#"$part"}
	done
}

# Sets the caller's takes to the option, by its long name, whose argument comes after this word.
_spool_takes()
{
	local name rest
	takes=
	case $1 in
	--*)
		# Whatever else an abbreviation may stand for, spool refuses it then.
		for name in check limit memory output stats temporary-directory; do
			[[ --$name != "$1"* ]] || takes=$name
		done
		return
		;;
	esac
	# Several letters in one word, of which the last may take an argument. What follows -b is its suffix.
	rest=${1#-}
	while [[ $rest ]]; do
		case $rest in
		c) takes=check ;;
		l) takes=limit ;;
		m) takes=memory ;;
		o) takes=output ;;
		T) takes=temporary-directory ;;
		[bclmoT]*) return ;;
		esac
		rest=${rest#?}
	done
}

_spool_argument()
{
	local prefix=
	# Where bash does not break the word at "=", all of it is replaced.
	[[ $3 != yes || $COMP_WORDBREAKS == *=* ]] || prefix=--$1=
	case $1 in
	check) mapfile -t COMPREPLY < <(compgen -P "$prefix" -c -- "$2") ;;
	limit) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W '1M 64M 256M 1G 4G' -- "$2") ;;
	memory) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W '64M 256M 1G 0 unlimited 50%' -- "$2") ;;
	output | stats | redirection) compopt -o default ;;
	temporary-directory) compopt -o dirnames ;;
	esac
}

# What COMMAND would get, if its name and its arguments were the line.
_spool_command()
{
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$1"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	else
		compopt -o default -o filenames
		(($1 < COMP_CWORD)) || mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

_spool()
{
	local words firsts takes='' word n last operand=''
	COMPREPLY=()
	_spool_words
	last=$((${#words[@]} - 1))
	for ((n = 1; n < last; n++)); do
		word=${words[n]}
		if [[ $takes ]]; then
			takes=
		elif [[ $word == -- ]]; then
			operand=$((n + 1))
			break
		elif [[ $word == -?* ]]; then
			_spool_takes "$word"
		elif [[ $word =~ ^[0-9]*\&?[\<\>] ]]; then
			[[ $word != *[\<\>\&\|] ]] || takes=redirection
		else
			operand=$n
			break
		fi
	done
	word=${words[last]}
	if [[ $operand ]]; then
		_spool_command "${firsts[operand]}"
	elif [[ $takes ]]; then
		_spool_argument "$takes" "$word"
	elif [[ $word =~ ^[0-9]*\&?[\<\>] ]]; then
		_spool_argument redirection
	elif [[ $word == --*=* ]]; then
		_spool_takes "${word%%=*}"
		_spool_argument "$takes" "${word#*=}" yes
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '-a -b -c -h -l -m -n -o -p -T -u -v -V -w
		    --append --backup --check --help --if-changed --ignore-epipe --limit --memory --no-sync --output
		    --overwrite --progress --skip-empty --stats --temporary-directory --verbose --version' -- "$word")
	else
		_spool_command "${firsts[last]}"
	fi
}

complete -F _spool spool
