#!/usr/bin/python3
"""battery.py: uses spool on one mounted file system in every way, and judges what is there afterwards.

    battery.py NAME DIR [--small DIR2] [--down CMD --up CMD] [--only REGEX]

NAME is the name of the file system, for the output and for MAY_REFUSE. DIR is a directory on it with room for 300 MB.
DIR2 is one on the same kind of file system where about 24 MiB fit. The shell commands CMD end its server, and bring it
back. REGEX selects operations by their names. Environment: TEST_BUILD, the build directory.

The promise is that of tests/faults: status 0 means that the whole stream arrived, anything else that nothing partial
was released, that the file is as it was, and that a message says what is so. An operation that a file system cannot do
is to be refused in this way; MAY_REFUSE has those that may be.
"""
import argparse
import contextlib
import errno
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../faults")

import scenarios
from scenarios import (CHECK, FILE, OLD, Result, Scenario, judge, judge_file, judge_litter, judge_message, mode_of,
                       prepare, read_file, stream, write_file)

LENGTH = 5_000_000
MANY = OLD * 1000               # 4 MB, to be overwritten or added to
SECONDS = 60                    # until a run counts as hanging
SETTLE = 5                      # until a name that the file system itself has hidden is gone
NOBODY = 65534
MB = 1_000_000

# The operations that need not work on a file system, by patterns of their names.
NO_NAME = "FUSE, 9p: a file without a name cannot be opened again"
WRITE_ONLY = "what is open for writing cannot be read, nor written but from its beginning to its end"
NO_MODES = "there are no modes, so everybody can rename what is there"
PROGRAM_READS_SPILL = ("command*-spill", "check-spill", "check-path-spill", "full-command-5MB-m0", "full-check-5MB-m0")
IN_SPILL_DIRECTORY = ("check-path-*", "path-*", "full-path-*", "made-elsewhere", "made-overwrite", "edit-elsewhere")
NO_LINKS = dict.fromkeys(("try", "try-fails"), "there are no hard links")
MAY_REFUSE = {
    "gluster": {"command-again-spill": NO_NAME, "check-path-spill": NO_NAME},
    "gocryptfs": {"command-again-spill": NO_NAME, "check-path-spill": NO_NAME},
    "mergerfs": {"command-again-spill": NO_NAME, "check-path-spill": NO_NAME},
    # Not even fstat(2) works, which cat begins with.
    "securefs": dict.fromkeys(PROGRAM_READS_SPILL, NO_NAME),
    "9p": dict.fromkeys(PROGRAM_READS_SPILL, NO_NAME),
    "davfs2": dict.fromkeys(PROGRAM_READS_SPILL, NO_NAME) | NO_LINKS,
    "rclone-full": dict.fromkeys(PROGRAM_READS_SPILL, NO_NAME) | NO_LINKS,
    "rclone-writes": {"command-again-spill": NO_NAME, "check-path-spill": NO_NAME} | NO_LINKS,
    "vfat": NO_LINKS,
    "ntfs-3g": dict.fromkeys(IN_SPILL_DIRECTORY, NO_MODES),
    "exfat-fuse": dict.fromkeys(IN_SPILL_DIRECTORY, NO_MODES) | NO_LINKS,
    # rclone's manual says so of this mode. What is in memory when it is written is no matter.
    "rclone-off": dict.fromkeys(("*-spill", "out-slow", "*-5MB-m0", "check-file-*", "overwrite-*", "append-*",
                                 "producer*", "limit*", "path-checked-*", "made-elsewhere",
                                 "made-overwrite", "edit-elsewhere", "try*"), WRITE_ONLY),
}
COMES_BACK = r"left behind: ((tmp|d)/spool-\w{6}(\.stream)?|d/\.\S+\.spool-\w{6}(\.\w+)?)$"
# What no program can help there, by patterns of operations and of what is wrong then. The manual names it.
LIMITS = {
    # A file that was removed while it was open comes back when it is closed, and one that was closed and removed at once
    # is sent all the same if that has begun.
    "rclone-writes": (("*", COMES_BACK),),
    "rclone-full": (("*", COMES_BACK),),
    # And where the server is full, it may make a file of the right size that is all zeros, and tell nobody: it reports no
    # error, and lets the file be read.
    "rclone-off": (("*", COMES_BACK),
                   ("full-*-30MB-m0", r"the first 0 of them right")),
    # What it could not write as a whole it cannot read any more either.
    "securefs": (("full-append-*", "PermissionError|old contents are lost"),),
}
# A file that is looked at again has another mode.
FORGETS_MODE = ("davfs2",)
# Its rename(2) leaves a name behind where a longer one is replaced, also for mv(1).
LONGEST = {"ntfs-3g": 236}


@dataclass
class Operation(Scenario):
    length: int = LENGTH
    contents: bytes = None      # the new contents, where the stream is not all of them, or not all of it
    feed: list = None           # the parts of standard input, or what is called between them; None: the stream
    shell: str = None           # a command that takes the place of spool and its arguments
    expected: int = 0           # the status; None: any
    run: object = None
    judges: list = field(default_factory=list)
    small: bool = False         # on the small file system
    down: bool = False          # the server goes down

    def new(self):
        return super().new() if self.contents is None else self.contents


#
# Running
#

def feeder(child, parts):
    """Writes to standard input, as far as anybody reads it."""
    with contextlib.suppress(BrokenPipeError):
        for part in parts:
            if callable(part):
                part()
            else:
                child.stdin.write(part)
                child.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()


def command_of(operation):
    if operation.shell:
        return ["/bin/sh", "-c", operation.shell]
    return [scenarios.SPOOL] + operation.arguments()


def execute(operation, read=lambda out: out.read(), wait=lambda child: None, **options):
    """Runs it with its standard input fed by a thread. wait is called when all has been fed."""
    environment = dict(os.environ, TMPDIR=os.getcwd() + "/local", SPOOL=scenarios.SPOOL, LC_ALL="C")
    parts = [stream(operation.length)] if operation.feed is None else operation.feed
    outputs = []
    with tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command_of(operation), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err,
                                 env=environment, **options)
        threads = [threading.Thread(target=feeder, args=(child, parts), daemon=True),
                   threading.Thread(target=lambda: outputs.append(read(child.stdout)), daemon=True)]
        for thread in threads:
            thread.start()
        threads[0].join(2 if operation.down else SECONDS)
        wait(child)
        try:
            status = child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            status = None
        threads[1].join(SECONDS)
        err.seek(0)
        return Result(status, outputs[0] if outputs else b"", err.read().decode(errors="replace"))


def drop_pages():
    """What the kernel has of files in memory, and what it has written already, is read from the file system again."""
    os.sync()
    with contextlib.suppress(OSError):      # only root may
        write_file("/proc/sys/vm/drop_caches", b"1\n")


def read_slowly(out):
    """The reader waits until the pages of what is to come are gone."""
    parts = []
    while part := out.read(MB):
        if len(parts) in (0, 2):
            drop_pages()
        parts.append(part)
    return b"".join(parts)


def slowly(operation):
    return execute(operation, read_slowly)


def while_open(operation):
    with open(FILE, "rb"):
        return execute(operation)


def from_itself(operation):
    """Standard input is FILE, opened for reading."""
    with open(FILE, "rb") as file, tempfile.TemporaryFile() as err:
        status = subprocess.run(command_of(operation), stdin=file, stderr=err, timeout=SECONDS, check=False).returncode
        err.seek(0)
        return Result(status, b"", err.read().decode(errors="replace"))


def reopened():
    """Every page of FILE that is clean is read from the file system again."""
    for path in glob.glob("d/**", recursive=True):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            with contextlib.suppress(OSError):
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


#
# Several at a time
#

def together(operation, count, meanwhile=lambda: None):
    """Several processes replace the same file. Standard output has the numbers of those that did not do so."""
    children = []
    for number in range(count):
        write_file(f"stream.{number}", stream(MB + number))
        with open(f"stream.{number}", "rb") as source:
            children.append(subprocess.Popen(command_of(operation), stdin=source, stderr=subprocess.PIPE))
    while any(child.poll() is None for child in children):
        meanwhile()
        time.sleep(0.001)
    said = b"".join(child.communicate(timeout=SECONDS)[1] for child in children).decode(errors="replace")
    for number in range(count):
        os.unlink(f"stream.{number}")
    return Result(max(child.returncode for child in children), b"", said)


def replacers(operation):
    return together(operation, 30)


def replacers_and_remover(operation):
    def remove():
        """That this fails where others do the same is no matter."""
        with contextlib.suppress(OSError):
            os.unlink(FILE)
            write_file("d/g", OLD)
            os.rename("d/g", FILE)
    try:
        return together(operation, 10, remove)
    finally:
        with contextlib.suppress(OSError):
            os.unlink("d/g")


def judge_together(_operation, result):
    contents = OLD
    with contextlib.suppress(FileNotFoundError):        # it may have been removed last
        contents = read_file(FILE)
    if contents != OLD and contents not in (stream(MB + number) for number in range(30)):
        return f"the file has the contents of nobody, {len(contents)} bytes"
    return None


#
# Judges of more
#

# A name for the file or the directory that a message is about.
NAMES = re.compile(r"spool: (\.|d\b|tmp\b|link|\S*/local\b|standard output)|the check|in memory")
# What a message says of a staged file that others can write into.
WARNED = re.compile(r"can (read|write|change|rename)|other (users|process)|another process")


def judge_names(operation, result):
    if operation.command and (not operation.target or "{}" in operation.command):
        return None         # the message may be that of the command
    if result.status not in (0, operation.expected) and not NAMES.search(result.err):
        return f"status {result.status}, and the message names no file"
    return None


def judge_refused(operation, result):
    """Nothing comes out of standard output of a part."""
    if result.status != 0 and result.out not in (b"", stream(operation.length)):
        return f"status {result.status}, and {len(result.out)} bytes were released"
    return None


def judge_kept(operation, result):
    """On a full disk the old contents are there, whatever was said."""
    if operation.target and result.status != 0 and not scenarios.is_old(operation) and not scenarios.is_new(operation):
        return f"status {result.status}, and the old contents are lost"
    if "another process" in result.err:
        return "it blames others, and there were none"
    return None


def judge_new_mode(operation, result):
    """A new file gets the mode that any file gets that is made there."""
    if result.status != 0:
        return None
    with open("d/model", "wb"):
        pass
    wanted, mode = mode_of("d/model"), mode_of(operation.target)
    os.unlink("d/model")
    return None if mode == wanted else f"its mode is {mode:o}, and not {wanted:o}"


def same_contents(operation):
    """-u: neither the time nor the file changes. CIFS moves the time by itself when somebody reads what was written."""
    first = os.stat(FILE)
    read_file(FILE)
    before = os.stat(FILE)
    keeps_time = first.st_mtime_ns == before.st_mtime_ns

    def judge_same(_operation, result):
        after = os.stat(FILE)
        same = before.st_ino == after.st_ino and (not keeps_time or before.st_mtime_ns == after.st_mtime_ns)
        return None if same or result.status != 0 else "it was not left alone"
    operation.judges = [judge_same]
    return execute(operation)


#
# Somebody else, who writes into what spool has not yet finished
#

INTRUDER = """
import sys
for path in sys.argv[1:]:
    try:
        with open(path, "r+b") as file:
            file.seek(500000)       # what is in the spill file by now
            file.write(b"somebody else")
    except OSError:
        pass
"""


def intrude():
    paths = [directory + "/" + name for directory in (os.path.realpath("d"), os.path.realpath("tmp"))
             for name in os.listdir(directory) if name.startswith(".") or "spool-" in name]
    if os.geteuid() == 0:
        subprocess.run([sys.executable, "-c", INTRUDER] + paths, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
                       check=False, timeout=SECONDS)


def judge_intruder(operation, result):
    """What nobody else was able to write into, or what the message has warned of."""
    if not operation.target:
        return None if WARNED.search(result.err) else judge(operation, result)
    if result.status == 0 and not scenarios.is_new(operation):
        return None if WARNED.search(result.err) else "status 0 and no warning, with what somebody else has written"
    return None if result.status == 0 else judge_file(operation, result)


#
# A server that goes down
#

class Server:
    def __init__(self, directory, down, up):
        self.directory, self.down_command, self.up_command = directory, down, up
        self.is_down = False

    def down(self):
        self.is_down = True
        subprocess.run(self.down_command, shell=True, check=False, timeout=SECONDS)

    def up(self):
        if self.is_down:
            subprocess.run(self.up_command, shell=True, check=False, timeout=SECONDS)
        self.is_down = False
        for _ in range(300):
            # In another process, which can hang. ls(1) may be answered without the server.
            if subprocess.run(["sh", "-c", 'echo >"$0/up" && rm "$0/up"', self.directory], timeout=SECONDS, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)

    def run(self, operation):
        def wait(child):
            """Where spool does not notice, or waits for it."""
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(2)
            self.up()
        return execute(operation, wait=wait)


def may_stay(_directory, name):
    """What nobody was able to remove."""
    return re.match(r"\.\w+(\.txt)?\.spool-\w{6}|spool-\w{6}|\.fuse_hidden|\.nfs|\.smbdelete", name) is not None


#
# The operations
#

SPILL = ("-m", "10K")
INTO = ("-T", "tmp")
# The stream is changed, and the time of its modification put back. Where it cannot be changed, all is right.
CHANGE = 'm=$(stat -L -c %y {}) && printf XXXX 1<>{}; touch -d "$m" {} || true'
CHECKED = "cmp {} stream"
TAC = b"".join(reversed(MANY.splitlines(True)))
SORTED = b"".join(sorted(TAC.splitlines(True)))


def basic():
    for kind, memory in (("memory", ()), ("spill", SPILL)):
        yield Operation(f"out-{kind}", memory + INTO)
        yield Operation(f"command-{kind}", memory + INTO, command=("cat",))
        yield Operation(f"command-again-{kind}", memory + INTO,
                        command=("sh", "-c", "head -c 9 >/dev/null; cat /dev/stdin"))
        yield Operation(f"check-{kind}", memory + INTO + ("-c", CHECK))
        yield Operation(f"check-path-{kind}", memory + INTO + ("-c", CHECKED))
        yield Operation(f"check-changes-{kind}", memory + INTO + ("-c", CHANGE), expected=None)
    yield Operation("out-slow", ("-m", "0") + INTO, run=slowly)


def replacing():
    for kind, memory in (("memory", ()), ("spill", SPILL)):
        yield Operation(f"new-{kind}", memory, target=FILE, judges=[judge_new_mode])
        yield Operation(f"existing-{kind}", memory, target=FILE, old=True)
        yield Operation(f"open-{kind}", memory, target=FILE, old=True, run=while_open)
        yield Operation(f"sort-{kind}", memory, target=FILE, old=True, before=TAC, contents=SORTED,
                        shell=f'LC_ALL=C sort d/f | "$SPOOL" {" ".join(memory)} -o d/f')
        yield Operation(f"from-itself-{kind}", memory, target=FILE, old=True, before=MANY, contents=MANY,
                        run=from_itself)
        yield Operation(f"check-file-new-{kind}", memory + ("-c", CHECKED), target=FILE)
        yield Operation(f"check-file-{kind}", memory + ("-c", CHECKED), target=FILE, old=True)
        yield Operation(f"check-file-suffix-{kind}", memory + ("-c", CHECKED), target="d/f.txt", old=True)
        yield Operation(f"check-file-changes-{kind}", memory + ("-c", CHANGE), target=FILE, old=True, expected=3)
        yield Operation(f"check-file-writes-{kind}", memory + ("-c", "printf X 1<>{}"), target=FILE, old=True,
                        expected=3)
        yield Operation(f"elsewhere-{kind}", memory + INTO, target=FILE, old=True)
    yield Operation("check-file-fails", SPILL + ("-c", "cmp {} stream && false"), target=FILE, old=True, expected=3)
    yield Operation("new-suffix", SPILL, target="d/f.txt")
    yield Operation("symlink", SPILL, target=FILE, old=True, shell='ln -sf d/f link; "$SPOOL" -m 10K -o link')
    yield Operation("backup", SPILL + ("-b",), target=FILE, old=True)
    yield Operation("guard-spill", SPILL + ("-g",), target=FILE, old=True)
    yield Operation("try", SPILL + ("--try", "cmp {} stream"), target=FILE, old=True)
    yield Operation("try-fails", SPILL + ("--try", "cmp {} stream && false"), target=FILE, old=True, expected=3)
    yield Operation("try-new-fails", SPILL + ("--try", "cmp {} stream && false"), target=FILE, expected=3)
    yield Operation("no-clobber-spill", SPILL + ("--no-clobber",), target=FILE)
    yield Operation("if-changed-other", SPILL + ("-u",), target=FILE, old=True)
    yield Operation("if-changed-same", SPILL + ("-u",), target=FILE, old=True, before=MANY, contents=MANY, feed=[MANY],
                    run=same_contents)
    yield Operation("no-sync", SPILL + ("--no-sync",), target=FILE, old=True)
    yield Operation("producer", SPILL, target=FILE, old=True, command=("cat", "stream"), feed=[])
    yield Operation("producer-fails", SPILL, target=FILE, old=True, command=("sh", "-c", "cat stream; exit 5"), feed=[],
                    expected=5)
    yield Operation("producer-false", (), target=FILE, old=True, command=("false",), feed=[], expected=1)
    yield Operation("limit", SPILL + ("-l", "1M"), target=FILE, old=True, expected=3)
    yield Operation("limit-new", SPILL + ("-l", "1M"), target=FILE, expected=3)


# COMMANDs that make, change and read a file by its path.
MAKE = ("sh", "-c", 'cat >"$1"', "sh", "{}")
ADD = ("sh", "-c", 'cat >>"$1"', "sh", "{}")
READ = ("cat", "{}")


def by_path():
    for kind, memory in (("memory", ()), ("spill", SPILL)):
        yield Operation(f"path-{kind}", memory + INTO + ("-f",), command=READ)
        yield Operation(f"path-checked-{kind}", memory + INTO + ("-f", "-c", CHECKED), command=READ)
    yield Operation("path-changed", INTO + ("-f",),
                    command=("sh", "-c", 'cat "$1"; echo x >>"$1"; mkdir "$1.d"', "sh", "{}"))
    yield Operation("path-fails", INTO + ("-f",), command=("sh", "-c", 'cat "$1"; echo no >&2; exit 5', "sh", "{}"),
                    expected=5)
    yield Operation("made-new", ("-f",), target=FILE, command=MAKE)
    yield Operation("made-existing", ("-f",), target=FILE, old=True, command=MAKE)
    yield Operation("made-open", ("-f",), target=FILE, old=True, command=MAKE, run=while_open)
    yield Operation("made-suffix", ("-f",), target="d/f.txt", old=True, command=MAKE)
    yield Operation("made-linked", ("-f",), target=FILE, old=True,
                    command=("sh", "-c", 'cat >"$1"; ln "$1" "$1.d" || true', "sh", "{}"))
    yield Operation("made-checked", ("-f", "-c", CHECKED), target=FILE, old=True, command=MAKE)
    yield Operation("made-check-fails", ("-f", "-c", "cmp {} stream && false"), target=FILE, old=True, command=MAKE,
                    expected=3)
    yield Operation("made-backup", ("-f", "-b"), target=FILE, old=True, command=MAKE)
    yield Operation("made-fails", ("-f",), target=FILE, old=True, command=MAKE[:2] + (MAKE[2] + "; exit 5",) + MAKE[3:],
                    expected=5)
    yield Operation("made-nothing", ("-f",), target=FILE, old=True, command=("true", "{}"), feed=[], expected=1)
    yield Operation("made-limit", ("-f", "-l", "1M"), target=FILE, old=True, command=MAKE, expected=3)
    yield Operation("made-elsewhere", SPILL + INTO + ("-f",), target=FILE, old=True, command=MAKE)
    yield Operation("made-overwrite", INTO + ("-f", "-w"), target=FILE, old=True, before=MANY, how="overwrite",
                    command=MAKE)
    yield Operation("edit", ("--edit",), target=FILE, old=True, before=MANY, how="edit", command=ADD)
    yield Operation("edit-new", ("--edit",), target=FILE, command=ADD)
    yield Operation("edit-fails", ("--edit",), target=FILE, old=True, before=MANY, how="edit",
                    command=ADD[:2] + (ADD[2] + "; exit 5",) + ADD[3:], expected=5)
    yield Operation("edit-elsewhere", SPILL + INTO + ("--edit",), target=FILE, old=True, before=MANY, how="edit",
                    command=ADD)


def in_place():
    for kind, memory in (("memory", ()), ("spill", SPILL)):
        yield Operation(f"overwrite-{kind}", memory + ("-w",), target=FILE, old=True, before=MANY, how="overwrite")
        yield Operation(f"append-{kind}", memory + ("-a",), target=FILE, old=True, before=MANY, how="append")
    yield Operation("overwrite-shorter", ("-w",), target=FILE, old=True, before=MANY, length=1000, how="overwrite")
    yield Operation("overwrite-check", SPILL + ("-w", "-c", CHECKED), target=FILE, old=True, how="overwrite")
    yield Operation("overwrite-backup", SPILL + ("-w", "-b"), target=FILE, old=True, before=MANY, how="overwrite")
    yield Operation("overwrite-open", SPILL + ("-w",), target=FILE, old=True, how="overwrite", run=while_open)
    yield Operation("overwrite-producer-fails", SPILL + ("-w",), target=FILE, old=True, how="overwrite", feed=[],
                    command=("sh", "-c", "cat stream; exit 5"), expected=5)
    yield Operation("append-new", SPILL + ("-a",), target=FILE)
    yield Operation("append-open", SPILL + ("-a",), target=FILE, old=True, how="append", run=while_open)


def longest(directory, wanted):
    """The longest name, up to wanted, that the file system takes."""
    for length in range(wanted, 0, -1):
        path = f"{directory}/{'n' * length}"
        with contextlib.suppress(OSError):
            with open(path, "wb"):
                pass
            os.unlink(path)
            return path.rsplit("/", 1)[1]
    return "n"


def long_names(name, directory):
    for kind, wanted in (("long", 200), ("longest", LONGEST.get(name, 255))):
        path = "d/" + longest(directory, wanted)
        yield Operation(f"{kind}-name-new", SPILL, target=path)
        yield Operation(f"{kind}-name", SPILL, target=path, old=True)
        yield Operation(f"{kind}-name-check", SPILL + ("-c", CHECKED), target=path, old=True)


def competing():
    slow = [stream(LENGTH)[:MB], intrude, stream(LENGTH)[MB:]]

    yield Operation("intruder", SPILL, target=FILE, old=True, feed=slow, judges=[judge_intruder])
    yield Operation("intruder-spill", SPILL + INTO, feed=slow, judges=[judge_intruder])
    yield Operation("replacers", SPILL, target=FILE, old=True, run=replacers, judges=[judge_together])
    yield Operation("replacers-and-remover", SPILL, target=FILE, old=True, run=replacers_and_remover,
                    judges=[judge_together])


def full(length, memory):
    """Where it may not fit. The bytes that do not can be noticed late."""
    options, name = ("-m", memory) if memory else (), f"{length // MB}MB-m{memory or '64M'}"
    more = {"length": length, "small": True, "expected": 0 if length == LENGTH else None}
    # What fits into memory needs no room.
    sink = dict(more, expected=0 if not memory else more["expected"])

    yield Operation(f"full-out-{name}", options + INTO, **sink)
    yield Operation(f"full-command-{name}", options + INTO, command=("cat",), **sink)
    yield Operation(f"full-check-{name}", options + INTO + ("-c", "cmp - stream"), **sink)
    yield Operation(f"full-new-{name}", options, target=FILE, **more)
    yield Operation(f"full-existing-{name}", options, target=FILE, old=True, before=MANY, **more)
    yield Operation(f"full-overwrite-{name}", options + ("-w",), target=FILE, old=True, before=MANY, how="overwrite",
                    **more)
    yield Operation(f"full-append-{name}", options + ("-a",), target=FILE, old=True, before=MANY, how="append", **more)
    yield Operation(f"full-path-{name}", options + INTO + ("-f",), command=READ, **more)
    yield Operation(f"full-backup-{name}", options + ("-b",), target=FILE, old=True, before=MANY, **more)
    if memory:      # it is not in memory anyway
        yield Operation(f"full-made-{name}", options + ("-f",), target=FILE, old=True, before=MANY, command=MAKE, **more)
        yield Operation(f"full-edit-{name}", options + ("--edit",), target=FILE, old=True, before=MANY, how="edit",
                        command=ADD, **more)


def all_full():
    for length in (5 * MB, 30 * MB, 60 * MB):
        yield from full(length, "0")
    yield from full(60 * MB, None)
    yield Operation("full-out-slow", ("-m", "0") + INTO, run=slowly, length=30 * MB, small=True, expected=None)
    yield Operation("full-no-sync", ("-m", "0", "--no-sync"), target=FILE, old=True, length=30 * MB, small=True,
                    expected=None)
    yield Operation("full-overwrite-no-sync", ("-m", "0", "-w", "--no-sync"), target=FILE, old=True, before=MANY,
                    how="overwrite", length=30 * MB, small=True, expected=None)
    yield Operation("full-elsewhere", ("-m", "0"), target=FILE, old=True, before=MANY, length=30 * MB, small=True,
                    expected=None, shell='"$SPOOL" -m 0 -T . -o d/f')


def server_down(server):
    """In the middle of the stream, and at its end."""
    whole = stream(LENGTH)
    more = {"run": server.run, "down": True, "expected": None}

    for moment, feed in (("midway", [whole[:2 * MB], server.down, whole[2 * MB:]]), ("end", [whole, server.down])):
        more["feed"] = feed
        yield Operation(f"down-{moment}-out", ("-m", "0") + INTO, **more)
        yield Operation(f"down-{moment}-existing", ("-m", "0"), target=FILE, old=True, **more)
        yield Operation(f"down-{moment}-made", ("-f",), target=FILE, old=True, command=MAKE, **more)
    yield Operation("down-end-command", ("-m", "0") + INTO, command=("cat",), **more)
    yield Operation("down-end-new", (), target=FILE, **more)
    yield Operation("down-end-overwrite", ("-w",), target=FILE, old=True, before=MANY, how="overwrite", **more)
    yield Operation("down-end-append", ("-a",), target=FILE, old=True, before=MANY, how="append", **more)


def operations(options):
    yield from basic()
    yield from replacing()
    yield from by_path()
    yield from in_place()
    yield from long_names(options.name, options.directory)
    yield from competing()
    if options.small:
        yield from all_full()
    if options.down:
        yield from server_down(Server(options.directory, options.down, options.up))


#
# Judging, and telling
#

def reason_to_refuse(name, operation):
    for pattern, reasons in MAY_REFUSE.items():
        if fnmatch.fnmatch(name, pattern):
            for names, reason in reasons.items():
                if fnmatch.fnmatch(operation, names):
                    return reason
    return None


def is_limit(name, operation, wrong):
    return any(fnmatch.fnmatch(operation, names) and re.search(pattern, wrong)
               for names, pattern in LIMITS.get(name, ()))


def settled_litter(operation, result, stays):
    """A file system may list what was removed until a moment after the last process has closed it."""
    for _ in range(SETTLE * 10):
        wrong = judge_litter(operation, result, stays)
        if wrong is None:
            break
        time.sleep(0.1)
    return wrong


def difference(operation):
    """How FILE is other than it should be after status 0."""
    wanted = operation.new()
    try:
        data = read_file(operation.target)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    same = os.path.commonprefix([data, wanted])
    return f"{len(data)} bytes and not {len(wanted)}, the first {len(same)} of them right"


def judge_local(_operation, _result):
    return f"left behind: {os.listdir('local')}" if os.listdir("local") else None


def is_gone(operation):
    """davfs2 hides a file that it has not been able to write, until it looks at the directory again."""
    for _ in range(50 if operation.old else 0):
        with contextlib.suppress(FileNotFoundError), open(operation.target, "rb"):
            return False
        os.listdir("d")
        time.sleep(0.1)
    return operation.old


def wrong_with(name, operation, result):
    stays = may_stay if operation.down else scenarios.nothing_stays
    special = any(function in (judge_together, judge_intruder) for function in operation.judges)
    judges = list(operation.judges) + [judge_names, judge_local]
    if operation.small:
        judges += [judge_refused, judge_kept]
    if result.status is None:
        return "it hangs"
    reopened()
    wrong = settled_litter(operation, result, stays)
    if not special and is_gone(operation):
        return f"status {result.status}, and the file is gone"
    if name in FORGETS_MODE and operation.old and os.path.exists(operation.target):
        operation.mode = mode_of(operation.target)
    if not special:
        wrong = judge(operation, result, lambda *_: True) or wrong
    if wrong and "not new" in wrong:
        wrong += ": " + difference(operation)
    for one in judges:
        wrong = wrong or one(operation, result)
    wrong = wrong or judge_message(result)
    if not wrong and operation.expected not in (None, result.status):
        reason = reason_to_refuse(name, operation.name) if result.status != 0 else None
        wrong = None if reason else f"status {result.status}, and not {operation.expected}"
    return wrong


def judged(name, operation, result):
    """After a server was down, single requests still fail for a moment."""
    for _ in range(SETTLE * 10 if operation.down else 0):
        with contextlib.suppress(OSError):
            return wrong_with(name, operation, result)
        time.sleep(0.1)
    return wrong_with(name, operation, result)


def leave():
    """Away with d and tmp, as far as that is possible: the server may have gone down."""
    for name in ("d", "tmp"):
        if os.path.islink(name):
            shutil.rmtree(os.readlink(name), ignore_errors=True)
            os.unlink(name)


def enter(directory, number):
    """The scratch directory's d and tmp are on the file system, and nothing of what was there before is in them."""
    leave()
    for name in ("d", "tmp"):
        os.makedirs(f"{directory}/{name}.{number}", exist_ok=True)
        os.symlink(f"{directory}/{name}.{number}", name)


def begin(options, operation, number):
    """A full server may have the room of what was removed a moment later; and what mounts may have crashed."""
    for tries in range(SETTLE * 10, -1, -1):
        try:
            enter(options.small if operation.small else options.directory, number)
            prepare(operation)
            return
        except OSError as error:
            if tries == 0:
                raise
            if error.errno == errno.ENOTCONN and options.up:
                print("# it is not mounted any more, and mounted again\n", end="", flush=True)
                subprocess.run(options.up, shell=True, check=False, timeout=SECONDS)
        time.sleep(0.1)


def attempt(options, operation, number):
    """What is wrong, or None, and what spool said."""
    said, doing = "", "cannot be prepared"
    try:
        begin(options, operation, number)
        doing = "cannot be run"
        result = (operation.run or execute)(operation)
        said, doing = result.err, "cannot be judged"
        return judged(options.name, operation, result), said
    except (OSError, subprocess.SubprocessError) as error:
        return f"{doing}: {error!r}", said


def report(name, operation, wrong, said):
    line = f"{'not ok' if wrong else 'ok'} - {name}: {operation.name}"
    if wrong:
        line += f": {wrong}; it said: " + " / ".join(said.strip().splitlines())[:400]
    # In one call: others may write to the same pipe.
    print(line + "\n", end="", flush=True)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("directory")
    parser.add_argument("--small")
    parser.add_argument("--down")
    parser.add_argument("--up")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if bool(options.down) != bool(options.up):
        parser.error("--down and --up belong together")
    for key in ("directory", "small"):
        if getattr(options, key):
            setattr(options, key, os.path.abspath(getattr(options, key)))
    return options


def main():
    options = parse()
    if not os.access(scenarios.SPOOL, os.X_OK):
        raise SystemExit(f"{scenarios.SPOOL}: there is no spool there; TEST_BUILD is the build directory")
    chosen = [operation for operation in operations(options) if re.search(options.only, operation.name)]
    # One of so many, and others each day, but at least one.
    share = min(int(os.environ.get("TEST_SHARE", "1")), len(chosen))
    if share > 1:
        chosen = chosen[(int(time.time()) // 86400 + zlib.crc32(options.name.encode())) % share::share]
    base = tempfile.mkdtemp(prefix="battery-", dir=os.environ.get("TMPDIR") or "/var/tmp")
    failed = 0
    os.chdir(base)
    os.mkdir("local")
    print(f"1..{len(chosen)}")
    try:
        for number, operation in enumerate(chosen):
            wrong, said = attempt(options, operation, number)
            if wrong and is_limit(options.name, operation.name, wrong):
                wrong = None
            failed += wrong is not None
            report(options.name, operation, wrong, said)
    finally:
        leave()
        os.chdir("/")
        shutil.rmtree(base, ignore_errors=True)
    failed += not chosen        # nothing was tried
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
