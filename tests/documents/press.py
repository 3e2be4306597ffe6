#!/usr/bin/python3
# press.py: presses keys in an interactive shell on a terminal, and prints what the shell shows.
#
#	press.py SHELL [ARG ...] <LINES
#
# Each line is typed with the return key after it, "\t" in it being the tab key. The shell's prompt is READY>, and the
# spool that it finds says when it has run. Nothing is waited for but these; if they do not come, a minute ends it.
import os
import pty
import re
import select
import sys
import time

child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM='xterm', COLUMNS='160', LINES='100')
    os.execvp(sys.argv[1], sys.argv[1:])

shown = b''
deadline = time.monotonic() + 60


def read_until(mark):
    """Returns what is shown before the mark; what comes after it is for the next call."""
    global shown
    while mark not in shown:
        ready = select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]
        try:
            more = os.read(terminal, 65536) if ready else b''
        except OSError:
            more = b''
        if not more:
            sys.exit('press.py: no %s in: %s' % (mark.decode(), shown.decode(errors='replace')))
        shown += more
    before, shown = shown.split(mark, 1)
    return before


for line in sys.stdin:
    read_until(b'READY>')
    os.write(terminal, line.rstrip('\n').replace('\\t', '\t').encode() + b'\r')
    # Without the terminal's control sequences.
    print(re.sub(r'\x1b(\[[0-9;?]*[A-Za-z]|[=>()][0B]?)|[\r\x07]', '', read_until(b'[spool has run]').decode()))
os.close(terminal)
os.waitpid(child, 0)
