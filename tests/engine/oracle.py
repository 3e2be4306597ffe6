#!/usr/bin/python3
"""oracle.py: random scripts must give the same with libspool as with Python's SpooledTemporaryFile.

    oracle.py DRIVER [SEED [SCRIPTS]]

Where Python differs because its memory part is a BytesIO and not a file (truncate does not grow it, and
seeking before the start clips to 0), the file's meaning is the one that counts; Reference does that.
"""
import os
import random
import subprocess
import sys
import tempfile


def pattern(length, start):
    return bytes((start + i) % 251 for i in range(length))


def fnv(data):
    value = 2166136261
    for byte in data:
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


class Reference:
    """SpooledTemporaryFile, with libspool's words for what it gives."""

    def open(self, limit, _):
        # Python's 0 is "never roll over"; scripts ask for at least 1.
        self.file = tempfile.SpooledTemporaryFile(max_size=limit)
        return None

    def size(self):
        at = self.file.tell()
        end = self.file.seek(0, os.SEEK_END)
        end = self.file.tell() if end is None else end
        self.file.seek(at)
        return end

    def write(self, length, start):
        if length:      # a file's write of nothing past the end does not grow it
            self.file.write(pattern(length, start))
        return str(length)

    def read(self, length, _):
        data = self.file.read(length)
        return "%d bytes %08x" % (len(data), fnv(data))

    def seek(self, offset, whence):
        base = (0, self.file.tell(), self.size())[whence]
        if base + offset < 0:
            return "error Invalid argument"
        self.file.seek(offset, whence)
        return str(self.file.tell())

    def truncate(self, size, _):
        if not self.file._rolled and size <= self.file._max_size and size > self.size():
            at = self.file.tell()
            self.file.seek(0, os.SEEK_END)
            self.file.write(bytes(size - self.file.tell()))
            self.file.seek(at)
        else:
            self.file.truncate(size)
        return "0"

    def rollover(self, *_):
        self.file.rollover()
        return "0"

    def fileno(self, *_):
        number = self.file.fileno()
        self.file.flush()
        return "%d %d" % (self.file.tell(), os.fstat(number).st_size)

    def fill(self, length, start):
        at = self.file.tell()
        self.file.seek(0, os.SEEK_END)
        self.write(length, start)
        self.file.seek(at)
        return str(length)

    def drain(self, *_):
        return self.read(-1, None)

    def close(self, *_):
        self.file.close()
        return "0"

    def run(self, script):
        lines = []
        for name, a, b in script:
            result = getattr(self, name)(a, b)
            if result is not None:
                lines.append(result)
            if name != "close":
                state = "rolled" if self.file._rolled else "in memory"
                lines.append("at %d of %d, %s" % (self.file.tell(), self.size(), state))
        return lines


def make_script(rng):
    limit = rng.choice([1, 2, 100, 4095, 4096, 4097, 65536, 100000])
    around = [0, 1, limit - 1, limit, limit + 1]

    def length():
        if rng.random() < 0.4:
            return rng.choice(around)
        return rng.randrange(rng.choice([10, 1000, 10000]))

    script = [("open", limit, 0)]
    for _ in range(rng.randrange(1, 25)):
        name = rng.choices(
            ["write", "read", "seek", "truncate", "rollover", "fileno", "fill", "drain"],
            [8, 5, 8, 3, 1, 1, 4, 2])[0]
        if name in ("write", "fill"):
            script.append((name, length(), rng.randrange(251)))
        elif name in ("read", "truncate"):
            script.append((name, length(), 0))
        elif name == "seek":
            whence = rng.randrange(3)
            sign = 1 if whence == 0 else rng.choice([-1, 1])
            script.append((name, sign * length(), whence))
        else:
            script.append((name, 0, 0))
    script.append(("close", 0, 0))
    return script


def main():
    driver = sys.argv[1]
    first = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10 ** 9)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    name = "oracle.py: %d random scripts agree with SpooledTemporaryFile" % count
    print("1..1\n# seeds from %d on" % first)
    # Many scripts for one driver: starting it takes longer than a script.
    for batch in range(first, first + count, 100):
        scripts = [make_script(random.Random(seed)) for seed in range(batch, min(batch + 100, first + count))]
        text = "".join("%s %d %d\n" % line for script in scripts for line in script)
        done = subprocess.run([driver], input=text, capture_output=True, text=True, check=False)
        got = iter(done.stdout.splitlines())
        for seed, script in enumerate(scripts, batch):
            expected = Reference().run(script)
            actual = [next(got, "nothing") for _ in expected]
            if actual != expected:
                for line in script:
                    print("# script: %s %d %d" % line)
                for wanted, given in zip(expected, actual):
                    print("# %s expected %s, got %s" % ("  " if wanted == given else "->", wanted, given))
                print("not ok 1 - %s\n# seed %d" % (name, seed))
                sys.exit(1)
        if done.returncode != 0:
            print("# the driver ended with %d: %s" % (done.returncode, done.stderr))
            print("not ok 1 - " + name)
            sys.exit(1)
    print("ok 1 - " + name)


main()
