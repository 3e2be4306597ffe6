"""scenarios.py: the ways in which spool is used when things go wrong, and how it is judged afterwards.

A scenario runs in the current directory, a scratch one: d has the target, tmp is $TMPDIR. Environment: TEST_BUILD, the
build directory.
"""
import contextlib
import fcntl
import functools
import os
import random
import re
import select
import shutil
import signal
import time
from dataclasses import dataclass

BUILD = os.path.abspath(os.environ.get("TEST_BUILD", "."))
SPOOL = BUILD + "/spool"
AT = BUILD + "/tests/faults/at"
INJECT = BUILD + "/tests/faults/inject.so"
SPONGE = "./sponge"
PIPE = 1 << 20
SECONDS = 30            # until a run counts as hanging

OLD = b"".join(b"old line %d\n" % i for i in range(300))


@functools.lru_cache(maxsize=8)
def stream(length):
    """The same bytes each time, no part of them like another."""
    return random.Random(length).randbytes(length)


@dataclass
class Scenario:
    name: str
    options: tuple
    target: str = None          # of -o
    old: bool = False           # the target is there before,
    before: bytes = OLD         # and has this
    mode: int = 0o604           # and this mode, as far as the file system has modes
    how: str = "replace"        # or append, overwrite, link, edit
    command: tuple = ()
    producer: bool = False      # COMMAND is where the stream comes from
    length: int = 100_000
    source: str = "pipe"        # or file
    sink: str = "pipe"          # or file
    threads: bool = False       # some of the calls are made by threads
    program: str = None         # instead of spool
    environment: tuple = ()     # pairs
    ending: bool = False        # the source has a last line that is taken off

    def arguments(self):
        options = list(self.options)
        if self.program == SPONGE:
            return options + [self.target]
        if self.target:
            options += ["-o", "d/link" if self.how == "link" else self.target]
        return options + list(self.command)

    def comes(self):
        return stream(self.length) + (b"\nEND\n" if self.ending else b"")

    def new(self):
        return ((self.before if self.how in ("append", "edit") else b"") + stream(self.length)
                + (b"\n" if self.ending else b""))

    def waits(self):
        """COMMAND does not take the place of spool."""
        return self.producer or "-f" in self.options or self.streams()

    def streams(self):
        """What comes is sent on before the end."""
        return "-s" in self.options

    def is_piped(self):
        """The stream comes through a pipe from COMMAND, or goes to it through one."""
        if self.streams():
            return bool(self.command)
        return self.producer and not any("{}" in word for word in self.command)


SPILL = ("-m", "10K")
CHECK = 'test $(wc -c) = "$SPOOL_SIZE"'
CHECK_FILE = 'test $(wc -c <{}) = "$SPOOL_SIZE"'
FILE = "d/f"
MAKE = ("cp", "stream", "{}")
ADD = ("dd", "if=stream", "of={}", "oflag=append", "conv=notrunc", "bs=1M", "status=none")
SCENARIOS = [
    Scenario("stdout", ()),
    Scenario("stdout-spill", SPILL),
    Scenario("stdout-large", (), length=5_000_000, source="file", sink="file"),
    Scenario("stdout-file", SPILL, source="file", sink="file"),
    Scenario("command", (), command=("cat",)),
    Scenario("command-spill", SPILL, command=("cat",)),
    Scenario("check", ("-c", CHECK)),
    Scenario("check-spill", SPILL + ("-c", CHECK)),
    Scenario("check-name", SPILL + ("-c", CHECK_FILE)),
    Scenario("new", (), target=FILE),
    Scenario("new-spill", SPILL, target=FILE),
    Scenario("existing", (), target=FILE, old=True),
    Scenario("existing-spill", SPILL, target=FILE, old=True),
    Scenario("symlink", SPILL, target="d/sub/f", old=True, how="link"),
    Scenario("elsewhere", SPILL + ("-b", "-T", "tmp"), target=FILE, old=True),
    Scenario("if-changed", SPILL + ("-u",), target=FILE, old=True),
    Scenario("ending", SPILL + ("-e", "END"), target=FILE, old=True, ending=True),
    Scenario("guard", SPILL + ("-g",), target=FILE, old=True),
    Scenario("try", SPILL + ("--try", "true"), target=FILE, old=True),
    Scenario("check-file", SPILL + ("-c", CHECK_FILE), target=FILE, old=True),
    Scenario("overwrite", SPILL + ("-w",), target=FILE, old=True, how="overwrite"),
    Scenario("overwrite-backup", SPILL + ("-w", "-b"), target=FILE, old=True, how="overwrite"),
    Scenario("append", SPILL + ("-a",), target=FILE, old=True, how="append"),
    Scenario("producer", SPILL, target=FILE, old=True, command=("cat", "stream"), producer=True),
    Scenario("file", SPILL + ("-f",), command=("cat", "{}")),
    Scenario("file-check", SPILL + ("-f", "-c", CHECK_FILE), command=("cat", "{}")),
    Scenario("product", ("-f",), target=FILE, old=True, command=MAKE, producer=True),
    Scenario("product-check", ("-f", "-c", CHECK_FILE), target=FILE, old=True, command=MAKE, producer=True),
    Scenario("edit", ("--edit",), target=FILE, old=True, how="edit", command=ADD, producer=True),
    Scenario("edit-elsewhere", SPILL + ("--edit", "-T", "tmp"), target=FILE, old=True, how="edit", command=ADD,
             producer=True),
    Scenario("stream", ("-s",), threads=True),
    Scenario("stream-spill", ("-s", "-m", "0"), source="file", threads=True),
    Scenario("stream-command", ("-s", "-n", "-m", "10K"), command=("cat",), source="file"),
    Scenario("direct", ("-m", "0"), target=FILE, old=True, length=17 << 20, source="file", threads=True),
]
# More, for the part libc alone, which takes less time than those that let system calls fail.
SMB = (("FAIL_TYPE", "fe534d42"),)
NEIGHBOURS = "d=$(dirname {}) && mkdir $d/a $d/b && touch $d/a/c $d/d"
LIBC_SCENARIOS = [
    Scenario("stdout-small", (), length=292),
    Scenario("stdout-ignore-epipe", ("--ignore-epipe",), length=292),
    Scenario("figures", ("--stats", "figures")),
    Scenario("figures-spill", SPILL + ("--stats", "figures", "-p")),
    Scenario("stream-figures", ("-s", "-m", "0", "--stats", "figures", "-p"), source="file"),
    Scenario("check-name-memory", ("-c", CHECK_FILE)),
    Scenario("check-neighbours", ("-c", NEIGHBOURS), command=("cat",)),
    Scenario("check-file-memory", ("-c", CHECK), target=FILE, old=True),
    Scenario("if-changed-same", SPILL + ("-u",), target=FILE, old=True, before=stream(100_000)),
    Scenario("no-clobber", ("--no-clobber", "--stats", "figures"), target=FILE),
    Scenario("try-new", ("--try", "true", "--stats", "figures"), target=FILE),
    Scenario("overwrite-no-sync", ("--no-sync", "-w", "-b"), target=FILE, old=True, how="overwrite"),
    Scenario("overwrite-check", ("-w", "-c", CHECK_FILE), target=FILE, old=True, how="overwrite"),
    Scenario("producer-script", SPILL, target=FILE, old=True, command=("./script",), producer=True),
    Scenario("file-script", ("-f",), command=("./open", "{}")),
    Scenario("product-new", ("-f",), target=FILE, command=MAKE, producer=True),
    Scenario("product-limit", ("-f", "-l", "100K", "-u", "-b"), target=FILE, old=True, command=MAKE, producer=True),
    Scenario("product-overwrite", SPILL + ("-f", "-w"), target=FILE, old=True, how="overwrite", command=MAKE,
             producer=True),
    Scenario("product-append", SPILL + ("-f", "-a"), target=FILE, old=True, how="append", command=MAKE, producer=True),
    Scenario("sponge", (), target=FILE, old=True, program=SPONGE),
    Scenario("smb-existing", SPILL, target=FILE, old=True, environment=SMB),
    Scenario("smb-backup", SPILL + ("-b",), target=FILE, old=True, environment=SMB),
    Scenario("smb-new", SPILL, target=FILE, environment=SMB),
]


@dataclass
class Result:
    status: int         # as the shell has it, but -N for signal N
    out: bytes
    err: str


def write_file(path, data, mode=0o604):
    with open(path, "wb") as file:
        file.write(data)
    with contextlib.suppress(OSError):
        os.chmod(path, mode)


def mode_of(path):
    return os.stat(path).st_mode & 0o7777


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def empty(directory):
    for name in os.listdir(directory):
        path = directory + "/" + name
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def prepare(scenario):
    """The scratch directory, which is the current one: d has the target, tmp is $TMPDIR."""
    for directory in ("d", "tmp"):
        os.makedirs(directory, exist_ok=True)
        empty(directory)
    if scenario.how == "link":
        os.mkdir("d/sub")
        os.symlink("sub/f", "d/link")
    if scenario.old:
        write_file(scenario.target, scenario.before)
        scenario.mode = mode_of(scenario.target)
        try:
            os.setxattr(scenario.target, "user.note", b"kept")
        except OSError:
            pass        # not every file system has them
    if scenario.program == SPONGE and not os.path.exists(SPONGE):
        os.symlink(SPOOL, SPONGE)
    for name, text in (("script", b"cat stream\n"), ("open", b'cat "$1"\n')):
        if "./" + name in scenario.command and not os.path.exists(name):
            write_file(name, text, 0o755)       # without #!
    if not os.path.exists("stream") or os.path.getsize("stream") != len(scenario.comes()):
        write_file("stream", scenario.comes())


def open_source(scenario):
    if scenario.producer:
        return os.open("/dev/null", os.O_RDONLY)
    if scenario.source == "file":
        return os.open("stream", os.O_RDONLY)
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE)
    os.write(into, scenario.comes())
    os.close(into)
    return out


def read_pipe(fd):
    """All that is written to it: a COMMAND may go on when spool was killed."""
    parts = []
    end = time.monotonic() + SECONDS
    while select.select([fd], [], [], max(0, end - time.monotonic()))[0] and (part := os.read(fd, PIPE)):
        parts.append(part)
    os.close(fd)
    return b"".join(parts)


class Hang(Exception):
    pass


def hang(*_):
    raise Hang


def exit_status(status):
    return os.waitstatus_to_exitcode(status)


def start(prefix, scenario, environment):
    """Returns the process, and where its standard output and error can be read."""
    source = open_source(scenario)
    if scenario.sink == "file":
        out = os.open("out", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        into = os.dup(out)
    else:
        out, into = os.pipe()
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE)
    err, err_into = os.pipe()
    arguments = list(prefix) + [scenario.program or SPOOL] + scenario.arguments()
    environment = dict(os.environ, TMPDIR=os.getcwd() + "/tmp", **dict(scenario.environment), **environment)
    actions = [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, into, 1), (os.POSIX_SPAWN_DUP2, err_into, 2)]
    child = os.posix_spawnp(arguments[0], arguments, environment, file_actions=actions, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])
    for fd in (source, into, err_into):
        os.close(fd)
    return child, out, err


def finish(scenario, child, out, err):
    signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        status = exit_status(os.waitpid(child, 0)[1])
    except Hang:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        status = None
    signal.setitimer(signal.ITIMER_REAL, 0)
    if scenario.sink == "file":
        os.lseek(out, 0, os.SEEK_SET)
        data = os.read(out, 1 << 30)
        os.close(out)
    else:
        data = read_pipe(out)
    return Result(status, data, read_pipe(err).decode(errors="replace"))


def execute(prefix, scenario, **environment):
    return finish(scenario, *start(prefix, scenario, environment))


def run_at(scenario, number, action, report="report", **environment):
    """With at.c, which writes the report. Returns whether that call was reached, and the result of spool itself."""
    if os.path.exists(report):
        os.unlink(report)
    result = execute([AT, report, str(number), action], scenario, **environment)
    if result.status is None:
        return True, result
    if result.status != 0:
        return False, Result(None, b"", "at failed: " + result.err)
    seen, _, status = (int(word) for word in read_file(report).split())
    return 0 < number <= seen, Result(exit_status(status), result.out, result.err)


#
# The judge. Each returns what is wrong, or None.
#

def is_old(scenario):
    if not scenario.old:
        return not os.path.lexists(scenario.target)
    return (os.path.isfile(scenario.target) and read_file(scenario.target) == scenario.before
            and mode_of(scenario.target) == scenario.mode)


def is_new(scenario):
    if not os.path.isfile(scenario.target) or read_file(scenario.target) != scenario.new():
        return False
    return not scenario.old or mode_of(scenario.target) == scenario.mode


def judge_litter(scenario, result, may_stay):
    directory, target = os.path.split(scenario.target or FILE)
    known = {"d": set(), "tmp": set(), directory: {target}}
    if scenario.how == "link":
        known["d"] = {"link", "sub"}
    if "-b" in scenario.options:
        backup = f"{directory}/{target}~"
        known[directory].add(target + "~")
        if os.path.exists(backup) and read_file(backup) != scenario.before:
            return "the backup is not the old file"
    for directory, names in known.items():
        for name in set(os.listdir(directory)) - names:
            if not may_stay(directory, name) and not (name in result.err
                                                      and re.search("cannot remove|they are in|cannot be put back|one version is", result.err)):
                return f"left behind: {directory}/{name}"
    return None


def nothing_stays(_directory, _name):
    return False


def gap(scenario):
    """What SIGKILL and power cuts may leave: beside the target, a hidden name just before the rename; the private
    directory of {}, and in the spill directory the file that has just left it; and, where files cannot be without a
    name, an empty spill file's."""
    named = any("{}" in argument for argument in scenario.arguments())
    # The spill directory is that of a target which is written to in place.
    spills = ("tmp", "d") if scenario.how in ("overwrite", "append") else ("tmp",)

    def may_stay(directory, name):
        path = directory + "/" + name
        if os.path.isdir(path):
            return named and mode_of(path) == 0o700 and re.fullmatch(r"\.f\.spool-\w{6}|spool-\w{6}", name) is not None
        if directory in spills and re.fullmatch(r"spool-\w{6}", name):
            return os.path.getsize(path) == 0
        return re.fullmatch(r"spool-\w{6}\.(stream|f)" if directory == "tmp" else r"\.f\.spool-\w{6}", name) is not None
    return may_stay


def judge_stream(scenario, result):
    """What came out of standard output."""
    whole = stream(scenario.length)
    if result.status == 0 and result.out != whole:
        return "status 0, but the stream is not whole"
    if scenario.command and result.out not in (b"", whole) and not scenario.streams():
        return "the command got a part"
    return None if whole.startswith(result.out) else "what came out is not the beginning of the stream"


# Two ways to fail that cannot be undone; the message has to tell.
TOLD = "it has the new contents|it may be incomplete"
NOT_PUT_BACK = "cannot put its old contents back|cannot be cut back|cannot be put back|cannot be removed again|this cannot be undone"


def judge_file(scenario, result):
    if result.status == 0:
        return None if is_new(scenario) else "status 0, but the target is not new"
    if is_old(scenario) or (is_new(scenario) and re.search(TOLD, result.err)):
        return None
    if re.search(NOT_PUT_BACK, result.err):
        kept = re.search(r"they are in (\S+)|the old file, (\S+), cannot be put back", result.err)
        return None if not kept or read_file(kept[1] or kept[2]) == scenario.before else "the old contents were not kept"
    return f"status {result.status}, and the target is not as it was"


def judge_claims(scenario, result):
    """What a message says about the state of things is so."""
    if scenario.target and "the file is unchanged" in result.err and not is_old(scenario):
        return "it says that the file is unchanged, and it is not"
    if scenario.target and "no file was made" in result.err and os.path.lexists(scenario.target):
        return "it says that no file was made, and there is one"
    if re.search("the old file is back|the file was removed again", result.err) and not is_old(scenario):
        return "it says that all is as it was before the trial, and it is not"
    if "nothing was released" in result.err and result.out:
        return "it says that nothing was released, and something was"
    return None


def judge(scenario, result, may_stay=nothing_stays):
    if result.status is None:
        return "it hangs"
    return ((judge_file if scenario.target else judge_stream)(scenario, result)
            or judge_claims(scenario, result)
            or judge_litter(scenario, result, may_stay))


def judge_message(result):
    if result.status != 0 and not result.err:
        return f"status {result.status} without a message"
    if "AddressSanitizer" in result.err or "runtime error" in result.err:
        return "a sanitizer's report"
    return None


def judge_success(scenario, result):
    wrong = judge(scenario, result)
    if not wrong and result.status != 0:
        wrong = f"status {result.status}"
    return wrong or (result.err and "a message")
