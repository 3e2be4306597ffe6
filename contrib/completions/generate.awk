# generate.awk: puts the table of options into the completions for a shell, in place of the line "# @options@".
#
#	awk -f generate.awk src/options.def output=bash|zsh|fish COMPLETIONS
#	awk -v output=words -f generate.awk src/options.def
#	awk -v output=synopsis -f generate.awk src/options.def
#
# The second form prints the options as words of a command line, for libFuzzer's dictionary. The third one prints where
# each option makes sense, and the option as the manual's synopsis has it.

# Splits a row, without the quotes. The last column, which may have commas, is not of use then.
function columns(row, column,    i) {
	sub(/^[A-Z]+\([ \t]*/, "", row)
	split(row, column, /,[ \t]*/)
	for (i in column)
		gsub(/^['"]|['"]$/, "", column[i])
}

# Text in single quotes, as all three shells read it. None of the rows has a quote or a backslash.
function quoted(text) {
	return "'" text "'"
}

function capitalized(text) {
	return toupper(substr(text, 1, 1)) substr(text, 2)
}

/^(FLAG|WORD|VALUE|ACTION)\(/ {
	kind = $0
	sub(/\(.*/, "", kind)
	help = $0
	sub(/"\)$/, "", help)
	sub(/.*"/, "", help)
	columns($0, column)
	rows++
	letter[rows] = column[1] == "0" ? "" : column[1]
	name[rows] = column[2]
	action[rows] = kind == "ACTION"
	argument[rows] = kind == "WORD" || kind == "VALUE" ? column[3] : ""
	values[rows] = kind == "VALUE" ? column[5] : ""
	where[rows] = kind == "FLAG" || kind == "VALUE" ? column[4] : kind == "WORD" ? column[5] : "ANYWHERE"
	without[rows] = kind == "FLAG" ? column[5] : ""
	about[rows] = help
	by_letter[letter[rows]] = rows
	next
}

$0 == "# @options@" {
	if (output == "bash")
		bash()
	else if (output == "zsh")
		zsh()
	else
		fish()
	next
}

FNR != NR

# The words, and a line for each option with an argument.
function bash(    i, words, lines) {
	for (i = 1; i <= rows; i++) {
		if (letter[i] != "")
			words = words " -" letter[i]
		words = words " --" name[i]
		if (argument[i] != "")
			lines = lines "\n" name[i] " " (letter[i] != "" ? letter[i] : "-") " " argument[i] " " values[i]
	}
	print "_spool_options=" quoted(substr(words, 2))
	print "_spool_arguments=" quoted(substr(lines, 2))
}

# All names of an option.
function names(i, separator) {
	return (letter[i] != "" ? "-" letter[i] separator : "") "--" name[i]
}

function zsh_value(i) {
	if (argument[i] == "FILE")
		return "_files"
	if (argument[i] == "DIR")
		return "_path_files -/"
	return argument[i] == "CHECK" ? "_cmdstring" : "(" values[i] ")"
}

function zsh_spec(i,    not_with, spelled, more, at) {
	not_with = names(i, " ")
	for (at = 1; at <= length(without[i]); at++)
		not_with = not_with " " names(by_letter[substr(without[i], at, 1)], " ")
	if (action[i])
		not_with = "- : *"
	spelled = "{-" letter[i] ",--" name[i] "}"
	if (argument[i] ~ /^\[/) {
		spelled = "{-" letter[i] "-,--" name[i] "=-}"
		more = "::" tolower(substr(argument[i], 2, length(argument[i]) - 2)) ": "
	} else if (argument[i] != "") {
		spelled = "{-" letter[i] "+,--" name[i] "=}"
		more = ":" tolower(argument[i]) ":" zsh_value(i)
	}
	if (letter[i] == "")
		return quoted("(" not_with ")--" name[i] (argument[i] != "" ? "=" : "") "[" about[i] "]" more)
	return quoted("(" not_with ")") spelled quoted("[" about[i] "]" more)
}

function zsh(    i) {
	print "rows=("
	for (i = 1; i <= rows; i++)
		print "\t" zsh_spec(i)
	print ")"
}

# "a/append", "b/backup=?", "c/check=", as fish's argparse has them.
function fish_spec(i) {
	return (letter[i] != "" ? letter[i] "/" : "") name[i] (argument[i] == "" ? "" : argument[i] ~ /^\[/ ? "=?" : "=")
}

function fish_value(i) {
	if (argument[i] == "" || argument[i] ~ /^\[/)
		return ""
	if (argument[i] == "FILE")
		return " -r -F"
	if (argument[i] == "DIR")
		return " -x -a '(__fish_spool_directories)'"
	return argument[i] == "CHECK" ? " -x -a '(__fish_complete_command)'" : " -x -ka " quoted(values[i])
}

function fish(    i, specs) {
	for (i = 1; i <= rows; i++)
		specs = specs " " quoted(fish_spec(i))
	print "set -g __fish_spool_specs" specs
	for (i = 1; i <= rows; i++)
		print "__fish_spool_option" (letter[i] != "" ? " -s " letter[i] : "") " -l " name[i] fish_value(i) \
		    " -d " quoted(capitalized(about[i]))
}

function print_words(i) {
	if (letter[i] != "")
		printf "\"-%s\\x0a\"\n", letter[i]
	printf "\"--%s\\x0a\"\n", name[i]
	if (argument[i] != "")
		printf "\"--%s=\"\n", name[i]
}

# An optional argument is in the same word, and not in the synopsis; nor are the options that print and exit.
function print_synopsis(i) {
	if (!action[i])
		print where[i], (letter[i] != "" ? "-" letter[i] : "--" name[i]) \
		    (argument[i] == "" || argument[i] ~ /^\[/ ? "" : " " tolower(argument[i]))
}

END {
	for (i = 1; i <= rows; i++) {
		if (output == "words")
			print_words(i)
		else if (output == "synopsis")
			print_synopsis(i)
	}
}
