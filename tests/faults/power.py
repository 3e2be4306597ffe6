"""power.py: cuts a file system off at every system call of a replacement, and mounts it again.

Needs root, loop devices, and mkfs of ext4, xfs and btrfs. ext4 and xfs are shut down without writing their logs
(xfs_io); of btrfs, which cannot be, the backing file is copied while spool stands still, and the copy is mounted.

The old contents or the new, whole; and status 0 means the new. That this harness would see it otherwise is shown with
spool built without the fsync of the file, and without that of the directory: tests/mutations has the patches.
"""
import ctypes
import os
import shutil
import subprocess
import time
import zlib

import scenarios
from scenarios import Result, gap, is_new, is_old, judge_litter, prepare, run_at

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
USED = ["existing", "existing-spill", "new-spill", "elsewhere", "direct", "product", "edit"]


# Of so many cases one is run, and the next one on the next day.
SHARE = int(os.environ.get("TEST_SHARE", "1"))


def turn(scenario):
    """The first case of a scenario that is run. Scenarios differ, so that together they come to most of the calls."""
    return (int(time.time()) // 86400 + zlib.crc32(scenario.name.encode())) % SHARE


class FileSystem:
    """An image, and where it is mounted. The current directory is inside while it is."""

    KINDS = {
        "ext4": ("300M", "mkfs.ext4 -q", ""),
        "ext4-noauto": ("300M", "mkfs.ext4 -q", "noauto_da_alloc"),
        "xfs": ("300M", "mkfs.xfs -q", ""),
        "btrfs": ("300M", "mkfs.btrfs -q", ""),
    }

    def __init__(self, kind):
        size, make, self.options = self.KINDS[kind]
        self.scratch = os.getcwd()
        # Where the backing file is does not matter to what is tested, but to how long it takes.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else self.scratch
        self.image = f"{memory}/{os.path.basename(self.scratch)}-{os.getpid()}.image"
        self.point = self.scratch + "/mnt"
        os.makedirs(self.point, exist_ok=True)
        with open(self.image, "wb"):
            os.truncate(self.image, int(size[:-1]) << 20)
        self.shell(f"{make} {self.image}")
        self.copied = kind == "btrfs"
        self.cut = (f"cp --sparse=always {self.image} {self.image}.copy" if self.copied
                    else f"xfs_io -x -c shutdown {self.point}")
        self.mount()

    @staticmethod
    def shell(command):
        done = subprocess.run(command, shell=True, check=False, capture_output=True, text=True,
                              env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
        if done.returncode != 0:
            raise OSError(f"{command}: {done.stderr}")

    def mount(self):
        self.shell(f"mount -o loop{',' * bool(self.options)}{self.options} {self.image} {self.point}")
        os.chdir(self.point)

    def unmount(self):
        """Another job that copies its mounts into a namespace of its own keeps it busy for a moment."""
        os.chdir(self.scratch)
        for tries in range(100, -1, -1):
            try:
                return self.shell(f"umount {self.point}")
            except OSError:
                if tries == 0:
                    raise
            time.sleep(0.05)

    def settle(self):
        """All that is there so far is on the disk."""
        fd = os.open(".", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).syncfs(fd) == -1:
            raise OSError(ctypes.get_errno(), "syncfs")
        os.close(fd)

    def come_back(self):
        self.unmount()
        if self.copied:
            os.rename(self.image + ".copy", self.image)
        self.mount()

    def close(self):
        os.chdir(self.scratch)
        subprocess.run(["umount", "-l", self.point], check=False)
        for name in (self.image, self.image + ".copy"):
            if os.path.exists(name):
                os.unlink(name)


def judge_power(scenario, result):
    if result.status is None:
        return "it hangs: " + result.err
    if result.status == 0 and not is_new(scenario):
        return "status 0, but after the power cut the target is not new"
    if not is_old(scenario) and not is_new(scenario):
        return "after the power cut the target is neither old nor new"
    return judge_litter(scenario, result, gap(scenario))


def cut_at(system, scenario, number):
    """Returns whether the call was reached; if not, the power fails when spool has just ended."""
    prepare(scenario)
    system.settle()
    reached, result = run_at(scenario, number, system.cut, system.scratch + "/report", AT_MAIN="1")
    if result.status is not None and not reached:
        system.shell(system.cut)
    system.come_back()
    return reached, judge_power(scenario, result), result


def cases(scenario):
    return [kind + ":" for kind in FileSystem.KINDS] if scenario.name in USED else []


def run(scenario, case):
    """KIND:N, the Nth call from main on, or without N all; "end" is when spool has ended."""
    kind, where = case.split(":")
    number = 0 if where == "end" else int(where or 1 + turn(scenario))
    system = FileSystem(kind)
    try:
        while True:
            reached, wrong, result = cut_at(system, scenario, number)
            yield f"{kind}:{number if reached else 'end'}", wrong, result
            if where or not reached:
                return
            number += SHARE
    finally:
        system.close()


#
# Proof
#

DEFECTS = ["no-file-fsync", "no-directory-fsync"]


def build(defect):
    """spool with a defect; returns its path."""
    top = os.getcwd() + "/" + defect
    if not os.path.exists(top):
        shutil.copytree(SOURCE + "/src", top + "/src")
        FileSystem.shell(f"cd {top} && chmod -R u+w . && patch -s -p1 <{SOURCE}/tests/mutations/{defect}.patch && "
                         f"cc -std=c17 -pthread -O1 -w -I{scenarios.BUILD} -Isrc/libspool -o spool "
                         "src/*.c src/libspool/*.c $(pkg-config --cflags --libs libbsd-overlay)")
    return top + "/spool"


def proof_cases(scenario):
    return DEFECTS if scenario.name == "existing-spill" else []


def proof_run(scenario, case):
    right = scenarios.SPOOL
    scenarios.SPOOL = build(case)
    try:
        seen = [kind for kind in ("ext4-noauto", "xfs") for _, wrong, _ in run(scenario, kind + ":end") if wrong]
    finally:
        scenarios.SPOOL = right
    yield case, None if seen else "power cuts do not show it", Result(0, b"", f"shown by {seen}")
