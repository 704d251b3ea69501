"""Who has a data folder: the file `lock` in it. Knows no index and no uploads."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from mockkie.filelock import lock
from mockkie.problems import UsageError
from mockkie.store.diskbytes import read_at
from mockkie.store.owning import NO_LINK, judge_entries

_PAUSE: Final = 0.05  # seconds


def take_lock(folder: Path, *, seconds: float = 5.0) -> int:
    """The open lock file; the system lets go of it when the processes that have it end.

    That is waited for, at most so many seconds, where the mock that took it is dead already, and
    its workers are about to end. `UsageError` names who has it, `OSError` why it cannot be had.
    """
    judge_entries(folder)
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
    try:
        for left in reversed(range(1 + round(seconds / _PAUSE))):
            try:
                lock(fd, wait=False)
                break
            except (BlockingIOError, PermissionError) as error:
                holder = read_at(fd, 32, 0).decode("ascii", "replace").strip()
                if left and _is_dead(holder):
                    time.sleep(_PAUSE)
                    continue
                raise UsageError(
                    f"another mock{f' (process {holder})' if holder else ''} uses the data folder "
                    f"{folder}: stop it, or choose another folder"
                ) from error
    except BaseException:
        os.close(fd)
        raise
    os.lseek(fd, 0, os.SEEK_SET)
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()}\n".encode())
    return fd


def _is_dead(holder: str) -> bool:
    """Whether the process of that number is gone, as far as this system tells."""
    if sys.platform == "win32" or not holder.isdecimal():
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def let_go(lock: int | None) -> None:
    """Close the lock file, if there is one."""
    if lock is not None:
        os.ftruncate(lock, 0)
        os.close(lock)
