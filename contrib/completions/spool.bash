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

# @options@

# Sets the caller's takes to the option, by its long name, whose argument comes after this word.
_spool_takes()
{
	local name letter argument rest=${1#-}
	takes=
	if [[ $1 == --* ]]; then
		# Whatever else an abbreviation may stand for, spool refuses it then.
		while read -r name letter argument; do
			[[ --$name != "$1"* || $argument == \[* ]] || takes=$name
		done <<<"$_spool_arguments"
		return
	fi
	# Several letters in one word, of which the last may take an argument. What follows -b is its suffix.
	while [[ $rest ]]; do
		while read -r name letter argument; do
			[[ $letter == "${rest:0:1}" ]] || continue
			[[ $rest != ? || $argument == \[* ]] || takes=$name
			return
		done <<<"$_spool_arguments"
		rest=${rest#?}
	done
}

_spool_argument()
{
	local prefix='' name letter argument values
	# Where bash does not break the word at "=", all of it is replaced.
	[[ $3 != yes || $COMP_WORDBREAKS == *=* ]] || prefix=--$1=
	while read -r name letter argument values; do
		[[ $name != "$1" ]] || break
	done <<<"$_spool_arguments"
	case $argument in
	CHECK) mapfile -t COMPREPLY < <(compgen -P "$prefix" -c -- "$2") ;;
	FILE) compopt -o default ;;
	DIR) compopt -o dirnames ;;
	*) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$values" -- "$2") ;;
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
			[[ $word != *[\<\>\&\|] ]] || takes=output	# a redirection: a file, too
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
		compopt -o default
	elif [[ $word == --*=* ]]; then
		_spool_takes "${word%%=*}"
		_spool_argument "$takes" "${word#*=}" yes
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$_spool_options" -- "$word")
	else
		_spool_command "${firsts[last]}"
	fi
}

complete -F _spool spool
