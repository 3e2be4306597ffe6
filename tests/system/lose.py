#!/usr/bin/python3
"""lose.py: writes what spool has in a spill or staged file to the disk, as the kernel does some time, and drops it from
the page cache.

    lose.py DIRECTORY       a file of a spool in this directory
"""
import ctypes
import glob
import os
import sys

WRITE, WAIT_AFTER = 2, 4


def files(directory):
    """The descriptors under which processes called spool have regular files there, but for the whole disk's."""
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        process = link.split("/fd/")[0]
        try:
            if os.readlink(link).startswith(directory + "/") and os.readlink(process + "/exe").endswith("/spool"):
                yield link
        except OSError:
            pass        # it has just ended


def lose(link):
    file = os.open(link, os.O_RDONLY)
    # The error that this reports stays for spool: each open file has its own.
    ctypes.CDLL(None).sync_file_range(file, ctypes.c_long(0), ctypes.c_long(0), WRITE | WAIT_AFTER)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


for found in files(os.path.realpath(sys.argv[1])):
    lose(found)
