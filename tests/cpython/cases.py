"""cases.py: CPython's own tests, over contrib/python/spooled.py; for tests/cpython/run.

    cases.py missing                    exits with 1, and says what to install, if the tests are not there
    cases.py layout                     a C program that compiles if spooled.py has the structure of spool.h
    cases.py cases LIMIT malloc|memfd   the tests; LIMIT: own (that of each test), unlimited, or bytes

A result is a line "ok - NAME" or "not ok - NAME: why".
"""
import importlib.util
import inspect
import re
import sys
import tempfile
import unittest
from unittest import mock

import spooled

# Tests of BytesIO that are not for a file: why.
NOT_FOR_FILES = {
    "test_getbuffer": "a pointer to the bytes",
    "test_getbuffer_empty": "a pointer to the bytes",
    "test_getbuffer_gc_collect": "a pointer to the bytes",
    "test_pickling": "a file cannot be pickled",
    "test_relative_seek": "BytesIO takes an offset before the start for 0; for a file that is an error",
}

# A test that looks at whether the file has rolled over, by _rolled or by name, which is None until then. What it
# expects is true for its own limit only.
LOOKS_AT_ROLLING = re.compile(r"\._rolled\b|\.name\b")


def missing():
    """What has to be installed, or None."""
    if importlib.util.find_spec("test") and importlib.util.find_spec("test.test_memoryio"):
        return None
    return "install libpython3.%d-testsuite" % sys.version_info.minor


def layout():
    """A C program which asserts that the members have the same place and size."""
    options = spooled.Options
    lines = ["#include <stddef.h>", '#include "spool.h"']
    lines.append('_Static_assert(sizeof(struct spool_options) == %d, "size");' % spooled.ctypes.sizeof(options))
    for name, _ in options._fields_:
        field = getattr(options, name)
        lines.append('_Static_assert(offsetof(struct spool_options, %s) == %d, "%s");' % (name, field.offset, name))
        lines.append('_Static_assert(sizeof(((struct spool_options *)0)->%s) == %d, "%s");' % (name, field.size, name))
    for name in ("UNLIMITED", "AUTOMATIC"):
        lines.append('_Static_assert(SPOOL_%s == %d, "%s");' % (name, getattr(spooled, name), name))
    return "\n".join(lines)


def file_class(limit, memfd):
    """A SpooledTemporaryFile with the options under test, and with what the tests look at in Python's own one."""
    class SpooledTemporaryFile(spooled.SpooledTemporaryFile):
        def __init__(self, max_size=0, *arguments, **keywords):
            # The binding's 0 is unlimited, and what is negative is 0.
            sizes = {"own": max_size, "unlimited": 0, "0": -1}
            super().__init__(sizes[limit] if limit in sizes else int(limit), *arguments, memfd=memfd, **keywords)

        @property
        def _file(self):
            return self

        def getvalue(self):
            at = self.tell()
            self.seek(0)
            value = self.read()
            self.seek(at)
            return value

    return SpooledTemporaryFile


def bytes_class(file):
    """The same with the constructor of BytesIO. Its own limit is one that some tests exceed."""
    class BytesIO(file):
        def __init__(self, initial_bytes=None):
            super().__init__(max_size=16)
            if initial_bytes is not None:
                self.write(initial_bytes)
                self.seek(0)

    return BytesIO


def cases(limit, file):
    """The tests that make sense for a file with this limit."""
    from test import test_memoryio, test_tempfile       # only here, since they may not be installed
    for case in unittest.defaultTestLoader.loadTestsFromTestCase(test_tempfile.TestSpooledTemporaryFile):
        if limit == "own" or not LOOKS_AT_ROLLING.search(inspect.getsource(getattr(case, case._testMethodName))):
            yield case

    class TestBytesIO(test_memoryio.PyBytesIOTest):
        ioclass = bytes_class(file)

    for case in unittest.defaultTestLoader.loadTestsFromTestCase(TestBytesIO):
        if case._testMethodName not in NOT_FOR_FILES:
            yield case


def run(case, label):
    """Runs one test, and prints its result."""
    name = "%s: %s.%s" % (label, type(case).__name__, case._testMethodName)
    result = unittest.TestResult()
    case.run(result)
    wrong = result.failures + result.errors
    if result.skipped:
        wrong.append((case, "skipped: " + result.skipped[0][1]))
    if wrong:
        print("".join("# %s\n" % line for _, text in wrong for line in text.splitlines()), end="")
        print("not ok - %s: %s" % (name, wrong[0][1].strip().splitlines()[-1]))
    else:
        print("ok - " + name)
    # If the next test ends the process, what is known is printed.
    sys.stdout.flush()


def main():
    what = sys.argv[1]
    if what == "missing":
        needed = missing()
        print(needed or "")
        sys.exit(0 if needed is None else 1)
    elif what == "layout":
        print(layout())
    else:
        limit, memory = sys.argv[2:]
        file = file_class(limit, memory == "memfd")
        with mock.patch.object(tempfile, "SpooledTemporaryFile", file):
            for case in cases(limit, file):
                run(case, "limit %s, %s" % (limit, memory))


main()
