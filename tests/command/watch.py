#!/usr/bin/python3
"""watch.py FILE COMMAND...: what inotify(7) tells of FILE, which is in this directory, while the command runs.

Prints the names of the events in their order, several writes as one, and exits with the command's status. Events of
reading are not printed.
"""
import ctypes
import os
import struct
import subprocess
import sys

EVENTS = {0x2: "modified", 0x8: "closed", 0x40: "moved away", 0x80: "moved here", 0x100: "made", 0x200: "removed"}
OPENED = 0x20  # keeps the kernel from making one event of two closings

libc = ctypes.CDLL(None, use_errno=True)
watcher = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
if watcher == -1 or libc.inotify_add_watch(watcher, b".", sum(EVENTS) | OPENED) == -1:
    sys.exit(f"cannot watch: {os.strerror(ctypes.get_errno())}")
status = subprocess.run(sys.argv[2:]).returncode
try:
    queue = os.read(watcher, 1 << 20)
except BlockingIOError:
    queue = b""
told = []
while queue:
    _, event, _, length = struct.unpack_from("iIII", queue)
    name = os.fsdecode(queue[16:16 + length].rstrip(b"\0"))
    queue = queue[16 + length:]
    event = EVENTS.get(event)
    if name == sys.argv[1] and event is not None and not (event == "modified" and told[-1:] == [event]):
        told.append(event)
print(*told, sep=", ")
sys.exit(status)
