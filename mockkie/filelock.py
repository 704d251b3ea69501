"""One lock of the operating system on a whole file. Knows no files."""

from __future__ import annotations

import os
import sys
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FAR: Final = 1 << 30  # behind what any of these files holds: Windows lets nobody read locked bytes


def lock(fd: int, *, wait: bool) -> None:
    """Lock an open file, until it is closed; the offset of `fd` is its beginning behind that.

    Without `wait`, `BlockingIOError` or `PermissionError` where another process has it.
    """
    if sys.platform == "win32":
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)
    else:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
