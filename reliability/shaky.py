"""A disk below a process that fails, dawdles, kills or remembers as it is told. Knows no mock.

`shaky.c` does it, in front of the C library; it is compiled when it is needed.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Final, Self

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_SOURCE: Final = Path(__file__).with_name("shaky.c")


class Op(IntEnum):
    """What is done to a folder; the numbers are those of `shaky.c`."""

    CREATE = 0
    WRITE = 1
    SYNC = 2
    RENAME = 3
    UNLINK = 4
    TRUNCATE = 5
    MKDIR = 6
    READ = 7
    OPEN = 8


class Target(IntFlag):
    """To which files of a data folder."""

    INCOMING = 1
    SHELF = 2
    INDEX = 4
    LOG = 8
    SHARED = 16
    REST = 64
    STORE = INCOMING | SHELF | INDEX | LOG
    ALL = STORE | SHARED | REST


_OPS: Final = len(Op)
_CONTROL: Final = struct.Struct(f"={_OPS}ii{_OPS}iiiiiiii")
_NEVER: Final = -1


def compiler() -> str | None:
    """The C compiler of this machine, if it has one and is a Linux."""
    return (shutil.which("cc") or shutil.which("gcc")) if os.path.exists("/proc/self") else None  # noqa: PTH110 - a look


def build(folder: Path) -> Path:
    """The library, compiled; `RuntimeError` where there is no compiler."""
    found = compiler()
    if found is None:
        raise RuntimeError("a disk that fails on demand needs Linux and a C compiler (cc)")
    made = folder / "shaky.so"
    flags = ["-O2", "-shared", "-fPIC", "-o", str(made), str(_SOURCE), "-ldl"]
    subprocess.run([found, *flags], check=True)
    return made


class Disk:
    """What the disk below `data` is to do. Give `env` to the process that it is for.

    `boot` has what that process takes for the number of the system's start.
    """

    def __init__(self, library: Path, data: Path, *, record: Path | None = None) -> None:
        self._control = data.with_name(f"{data.name}.control")
        self._control.write_bytes(bytes(_CONTROL.size))
        with self._control.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), _CONTROL.size)
        self.failures = 0  # until it was last told to behave
        self.boot = data.with_name(f"{data.name}.boot")
        self.boot.write_bytes(_BOOT.read_bytes())
        self.env = {
            "LD_PRELOAD": str(library),
            "SHAKY_FOLDER": str(data),
            "SHAKY_CONTROL": str(self._control),
            "SHAKY_BOOT": str(self.boot),
        }
        if record is not None:
            self.env["SHAKY_LOG"] = str(record)
        self.behave()

    def behave(self) -> None:
        """Do what is asked, from now on."""
        self.failures += self.failed
        values = [0] * (2 * _OPS + 8)
        values[2 * _OPS + 2] = _NEVER
        _CONTROL.pack_into(self._memory, 0, *values)

    def fail(self, error: int, *ops: Op, on: Target = Target.STORE) -> None:
        """Have operations end with an errno."""
        values = self._values()
        for op in ops:
            values[op] = error
        values[_OPS] = on
        _CONTROL.pack_into(self._memory, 0, *values)

    def slow(self, seconds: float, *ops: Op, on: Target = Target.STORE) -> None:
        """Have operations take so much longer."""
        values = self._values()
        for op in ops:
            values[_OPS + 1 + op] = round(seconds * 1e6)
        values[2 * _OPS + 1] = on
        _CONTROL.pack_into(self._memory, 0, *values)

    def kill_at(self, op: Op, on: Target, *, time: int = 1, behind: bool = False) -> None:
        """Have an operation kill -9 the process group, at so many times from now."""
        values = self._values()
        values[2 * _OPS + 2 : 2 * _OPS + 6] = [op, on, time, behind]
        _CONTROL.pack_into(self._memory, 0, *values)

    @property
    def failed(self) -> int:
        """How many operations ended with an errno since it was last told to behave."""
        return self._values()[-2]

    @property
    def killed(self) -> bool:
        """Whether an operation has killed."""
        return bool(self._values()[-1])

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()

    def _values(self) -> list[int]:
        return list(_CONTROL.unpack_from(self._memory, 0))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done to a folder. `end` is where it ends in the log.

    `path` and `other` are below the folder, "" is the folder itself; `inode` tells files apart for
    as long as they are there.
    """

    op: Op
    path: str
    other: str
    inode: int
    at: int
    data: bytes
    end: int

    _HEAD = struct.Struct("=IIIIQq")

    @classmethod
    def read_all(cls, log: Path) -> Iterator[Self]:
        """The events of a log, in order; one that a kill cut off is none."""
        text, at = log.read_bytes(), 0
        while at + cls._HEAD.size <= len(text):
            op, path, other, size, inode, offset = cls._HEAD.unpack_from(text, at)
            first = at + cls._HEAD.size
            second, third = first + path, first + path + other
            if op == Op.WRITE:
                at = third + size
            else:
                at, size = third, 0
            if at > len(text):
                return
            yield cls(
                Op(op),
                text[first:second].decode(),
                text[second:third].decode(),
                inode,
                offset,
                text[third : third + size],
                at,
            )
