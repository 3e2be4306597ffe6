"""spooled.py: the rival in Python: standard input through a SpooledTemporaryFile to standard output.

    python3 spooled.py MAX_SIZE
"""
import shutil
import sys
import tempfile

with tempfile.SpooledTemporaryFile(int(sys.argv[1])) as spooled:
    shutil.copyfileobj(sys.stdin.buffer, spooled, 1 << 20)
    spooled.seek(0)
    shutil.copyfileobj(spooled, sys.stdout.buffer, 1 << 20)
