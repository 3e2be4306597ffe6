# spool.fish: completes the command line of spool in fish 3.4 or later.

# COMMAND and its arguments, as far as they are before the cursor: what follows spool's options.
function __fish_spool_operands
    set -l words (commandline -opc)
    argparse -s a/append 'b/backup=?' c/check= h/help ignore-epipe l/limit= m/memory= n/skip-empty no-sync \
        o/output= p/progress stats= T/temporary-directory= u/if-changed v/verbose V/version w/overwrite \
        -- $words[2..-1] 2>/dev/null
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
__fish_spool_option -s a -l append -d 'Append to the file, all or nothing'
__fish_spool_option -s b -l backup -d 'Keep the old file as FILE~, or FILE and SUFFIX'
__fish_spool_option -s c -l check -x -a '(__fish_complete_command)' \
    -d 'Go on only if sh -c CHECK, reading the stream, exits 0'
__fish_spool_option -s h -l help -d 'Print a summary of the options'
__fish_spool_option -l ignore-epipe -d 'A reader that stops early is no error'
__fish_spool_option -s l -l limit -x -a '1M 64M 256M 1G 4G' -d 'Refuse a stream longer than this'
__fish_spool_option -s m -l memory -x -ka '64M 256M 1G 0 unlimited 50%' -d 'At most this in memory, the rest on disk'
__fish_spool_option -s n -l skip-empty -d 'Do nothing if the stream is empty'
__fish_spool_option -l no-sync -d 'Do not wait until the file is on the disk'
__fish_spool_option -s o -l output -r -F -d 'Replace the file as a whole, keeping its owner and mode'
__fish_spool_option -s p -l progress -d 'Show the progress on standard error'
__fish_spool_option -l stats -r -F -d 'Write figures into the file at the end, as JSON'
__fish_spool_option -s T -l temporary-directory -x -a '(__fish_spool_directories)' -d 'Make the spill file there'
__fish_spool_option -s u -l if-changed -d 'Leave the file alone if it has the contents already'
__fish_spool_option -s v -l verbose -d 'Print one line of summary on standard error'
__fish_spool_option -s V -l version -d 'Print the version'
__fish_spool_option -s w -l overwrite -d 'Write into the file itself, keeping its inode and links'
