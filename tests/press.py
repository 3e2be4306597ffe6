#!/usr/bin/python3
# press.py: presses keys in an interactive shell on a terminal, and prints what the shell shows until spool has run.
#
#	press.py KEYS SHELL [ARG ...]
#
# The shell's prompt is READY>, and the spool that it finds says so when it is done. KEYS and the return key after them
# are sent when the first prompt is there. Nothing is waited for but these two; two minutes mean that they do not come.
import os
import pty
import re
import select
import sys
import time

keys = sys.argv[1].encode().decode('unicode_escape').encode('latin-1') + b'\r'
child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM='xterm', COLUMNS='160', LINES='100')
    os.execvp(sys.argv[2], sys.argv[2:])

shown = b''
deadline = time.monotonic() + 120


def read_until(mark):
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


read_until(b'READY>')
shown = b''
os.write(terminal, keys)
read_until(b'[spool has run]')
os.close(terminal)
os.waitpid(child, 0)
# Without the terminal's control sequences.
print(re.sub(r'\x1b(\[[0-9;?]*[A-Za-z]|[=>()][0B]?)|[\r\x07]', '', shown.decode()))
