"""spooled.py: libspool for Python, with the interface of tempfile.SpooledTemporaryFile; an example of a binding.

    from spooled import SpooledTemporaryFile
    with SpooledTemporaryFile(max_size=1 << 20) as file:
        file.write(b"in memory until it outgrows 1 MiB, then on disk")

The environment variable LIBSPOOL names the shared library; without it, that is libspool.so.0. spool.h documents the C
functions.

What differs from Python's own class is what differs between libspool and io.BytesIO:
- seek() to before the start is an error, and does not stop at 0.
- truncate() beyond the end adds zeros, whether the file is in memory or on disk.
- The bytes up to max_size stay in memory when the file rolls over. All go to the disk when its descriptor is asked for
  (fileno, name), or by rollover().
- Nothing is buffered here, so the descriptor and the file always agree. buffering is accepted and ignored.
- The file is always open for reading and writing. mode only says whether it is binary or text.
- dir=None is the directory of spool_directory().
- mode and name of a closed file are a ValueError.
"""
import ctypes
import errno
import io
import operator
import os
import threading
import types
import warnings

UNLIMITED = 2 ** 63 - 1     # SPOOL_UNLIMITED
AUTOMATIC = -1              # SPOOL_AUTOMATIC

# off_t has 64 bits here, also on machines of 32 bits: the library is built so.
c_off_t = ctypes.c_int64
c_spool_p = ctypes.c_void_p


class Options(ctypes.Structure):
    """struct spool_options. The members and their order must be those of spool.h."""
    _fields_ = [
        ("memory_limit", c_off_t),
        ("cache_limit", c_off_t),
        ("size_limit", c_off_t),
        ("directory", ctypes.c_char_p),
        ("prefix", ctypes.c_char_p),
        ("suffix", ctypes.c_char_p),
        ("memfd", ctypes.c_bool),
        ("hold", ctypes.CFUNCTYPE(None)),
        ("release", ctypes.CFUNCTYPE(None)),
        ("spill_fd", ctypes.c_int),
        ("spill_filled", ctypes.c_bool),
    ]


# The result and the arguments of each function. Without them, ctypes would pass and return 32 bits.
FUNCTIONS = {
    "spool_open": (c_spool_p, ctypes.POINTER(Options)),
    "spool_close": (ctypes.c_int, c_spool_p),
    "spool_read": (ctypes.c_ssize_t, c_spool_p, ctypes.c_void_p, ctypes.c_size_t),
    "spool_read_at": (ctypes.c_ssize_t, c_spool_p, ctypes.c_void_p, ctypes.c_size_t, c_off_t),
    "spool_write": (ctypes.c_ssize_t, c_spool_p, ctypes.c_void_p, ctypes.c_size_t),
    "spool_seek": (c_off_t, c_spool_p, c_off_t, ctypes.c_int),
    "spool_tell": (c_off_t, c_spool_p),
    "spool_size": (c_off_t, c_spool_p),
    "spool_truncate": (ctypes.c_int, c_spool_p, c_off_t),
    "spool_fileno": (ctypes.c_int, c_spool_p),
    "spool_rollover": (ctypes.c_int, c_spool_p),
    "spool_is_rolled": (ctypes.c_bool, c_spool_p),
}


# use_errno: Python itself makes system calls between the call and the look at errno.
LIBRARY = ctypes.CDLL(os.environ.get("LIBSPOOL") or "libspool.so.0", use_errno=True)
for _name, (_result, *_arguments) in FUNCTIONS.items():
    getattr(LIBRARY, _name).restype = _result
    getattr(LIBRARY, _name).argtypes = _arguments


def error():
    """The exception for errno."""
    number = ctypes.get_errno()
    # For a wrong argument Python raises ValueError in memory, and OSError on disk. This is both.
    kind = io.UnsupportedOperation if number == errno.EINVAL else OSError
    return kind(number, os.strerror(number))


def integer(value, bits):
    """value as a signed integer of so many bits. ctypes would drop the bits that do not fit."""
    value = operator.index(value)
    if not -2 ** (bits - 1) <= value < 2 ** (bits - 1):
        raise OverflowError("integer does not fit into %d bits" % bits)
    return value


def string(path):
    """path as a string of C. C would take a zero byte for the end."""
    if path is None:
        return None
    path = os.fsencode(path)
    if b"\0" in path:
        raise ValueError("embedded null byte")
    return path


class Spool(io.BufferedIOBase):
    """A struct spool as a binary file. As with io.BytesIO, one call reads or writes all that was asked for."""

    _handle = None      # the struct spool, while the file is open

    def __init__(self, options):
        # Two threads may not use a struct spool at a time, and ctypes lets other threads run during a call. The lock
        # is reentrant for signal handlers, which Python never runs during a call.
        self._lock = threading.RLock()
        self._handle = LIBRARY.spool_open(options)
        if self._handle is None:
            raise error()

    def __reduce_ex__(self, _):
        raise TypeError("a spool cannot be copied or pickled")      # the copy would free the same struct again

    def _call(self, name, *arguments):
        with self._lock:
            if self._handle is None:
                raise ValueError("I/O operation on closed file")
            result = getattr(LIBRARY, name)(self._handle, *arguments)
        if result == -1:
            raise error()
        return result

    def close(self):
        super().close()     # sets closed
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None and LIBRARY.spool_close(handle) == -1:
            raise error()

    def readinto(self, buffer):
        length = memoryview(buffer).nbytes
        return self._call("spool_read", (ctypes.c_char * length).from_buffer(buffer), length)

    def read(self, size=-1):
        rest = max(0, self._call("spool_size") - self.tell())
        size = -1 if size is None else operator.index(size)
        buffer = bytearray(rest if size < 0 else min(size, rest))
        del buffer[self.readinto(buffer):]
        return bytes(buffer)

    read1 = read

    def peek(self, _=0):
        """The next bytes, without moving on. readline() of the base class would read single bytes without it."""
        buffer = bytearray(1024)
        data = (ctypes.c_char * len(buffer)).from_buffer(buffer)
        with self._lock:
            length = self._call("spool_read_at", data, len(buffer), self.tell())
        return bytes(buffer[:length])

    def write(self, data):
        if not isinstance(data, bytes):
            data = memoryview(data).tobytes()
        return self._call("spool_write", data, len(data))

    def seek(self, offset, whence=os.SEEK_SET):
        return self._call("spool_seek", integer(offset, 64), integer(whence, 32))

    def tell(self):
        return self._call("spool_tell")

    def truncate(self, size=None):
        size = self.tell() if size is None else integer(size, 64)
        self._call("spool_truncate", size)
        return size

    def fileno(self):
        return self._call("spool_fileno")

    def rollover(self):
        self._call("spool_rollover")

    def is_rolled(self):
        return self._call("spool_is_rolled")

    def readable(self):
        self.flush()    # of the base class: it only raises ValueError if the file is closed
        return True

    writable = seekable = readable


def forward(name):
    """A method that calls the method of that name of the stream."""
    def method(self, *arguments, **keywords):
        return getattr(self._stream, name)(*arguments, **keywords)
    method.__name__ = name
    return method


class SpooledTemporaryFile(io.IOBase):
    """A temporary file in memory, which rolls over to disk when it is larger than max_size bytes.

    max_size 0: it never rolls over; negative: it does with the first byte. memfd: the memory part is a memfd.
    """

    __class_getitem__ = classmethod(types.GenericAlias)

    def __init__(self, max_size=0, mode="w+b", buffering=-1, encoding=None, newline=None, suffix=None, prefix=None,
                 dir=None, *, errors=None, memfd=False):
        limit = int(min(max(max_size, 0), UNLIMITED)) if max_size else UNLIMITED
        self._mode = mode
        self._spool = Spool(Options(memory_limit=limit, cache_limit=AUTOMATIC, size_limit=UNLIMITED,
                                    directory=string(dir), prefix=string(prefix), suffix=string(suffix),
                                    memfd=memfd, spill_fd=-1))
        if "b" in mode:
            self._stream = self._spool
        else:
            # write_through: the library must see each write at once, to roll over in time.
            self._stream = io.TextIOWrapper(self._spool, encoding=io.text_encoding(encoding), errors=errors,
                                            newline=newline, write_through=True)

    def __del__(self):
        try:
            closed = self.closed
        except (AttributeError, ValueError):
            return      # __init__ has failed, or detach() has given the file away
        if not closed:
            warnings.warn("Unclosed file %r" % self, ResourceWarning, stacklevel=2, source=self)
            self.close()

    @property
    def _rolled(self):
        return self._spool.is_rolled()

    @property
    def mode(self):
        # Python's file on disk names its mode differently.
        return "rb+" if "b" in self._mode and self._rolled else self._mode

    @property
    def name(self):
        return self.fileno() if self._rolled else None

    def rollover(self):
        self._spool.rollover()


# The base class makes the others from these: iteration, readlines, writelines, the context manager, isatty. A binary
# file has no encoding, errors and newlines, as its stream has none.
for _name in ("close", "detach", "fileno", "flush", "read", "read1", "readable", "readinto", "readinto1", "readline",
              "seek", "seekable", "tell", "truncate", "writable", "write"):
    setattr(SpooledTemporaryFile, _name, forward(_name))
for _name in ("closed", "encoding", "errors", "newlines"):
    setattr(SpooledTemporaryFile, _name, property(operator.attrgetter("_stream." + _name)))
