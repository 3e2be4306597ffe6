# spool.fish: completes the command line of spool in fish 3.4 or later.

# COMMAND and its arguments, as far as they are before the cursor: what follows spool's options.
function __fish_spool_operands
    set -l words (commandline -opc)
    argparse -s $__fish_spool_specs -- $words[2..-1] 2>/dev/null
    or return
    string escape -- $argv
end

function __fish_spool_no_operand
    test -z "$(__fish_spool_operands)"
end

# What COMMAND would get, if its name and its arguments were the line.
function __fish_spool_command
    set -l operands (__fish_spool_operands)
    complete --do-complete="$(string join ' ' -- $operands (commandline -ct))"
end

# fish's own function for this takes the option for a part of the name when both are one word.
function __fish_spool_directories
    __fish_complete_directories (commandline -ct | string replace -r -- '^(--[a-z-]*=|-[a-zA-Z]*T)' '')
end

# Options end at the first operand.
function __fish_spool_option
    complete -c spool -n __fish_spool_no_operand $argv
end

complete -c spool -f -a '(__fish_spool_command)'
# @options@
