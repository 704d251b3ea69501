"""Whether a data folder is a mock's own: the one it opened, no links, nothing of third users.

Who may write to a folder could put a link there, and have the mock write to where it leads.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mockkie.problems import UsageError

NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
"""For `os.open`: fail where the last step of the path is a link."""

_log: Final = logging.getLogger("mockkie")
_DATABASES: Final = ("index.sqlite", "shared.sqlite")
_FILES: Final = ("lock", *(f"{name}{end}" for name in _DATABASES for end in ("", "-wal", "-shm")))
_FOLDERS: Final = ("incoming", "files", "journals", "counts")


class Place:
    """A data folder as it was opened, told by the number of its index."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._index = f"{folder}/index.sqlite"
        self._opened = os.stat(self._index).st_ino  # noqa: PTH116 - a str, no Path per upload

    def judge(self) -> None:
        """Before something is changed: `OSError` (`ESTALE`) when nobody would find it again.

        SQLite goes on with an index that was deleted or moved away, and says nothing.
        """
        try:
            there = os.stat(self._index).st_ino  # noqa: PTH116 - as above
        except FileNotFoundError:
            there = None
        if there != self._opened:
            raise OSError(
                errno.ESTALE,
                f"the data folder {self.folder} was deleted, moved or replaced; bring it back, or "
                "start the mock anew",
            )


def judge_entries(folder: Path) -> None:
    """`UsageError` for an entry that no mock has made; warns of a folder that others write to."""
    owners = _trusted(folder)
    for path, is_kind, kind in _known(folder):
        found = path.lstat()
        if not is_kind(found.st_mode) or (kind == "file" and found.st_nlink > 1):
            _refuse(folder, path, f"is no {kind} of its own, but a link or something else")
        if owners is not None and found.st_uid not in owners:
            _refuse(folder, path, f"belongs to another user ({found.st_uid})")


def _known(folder: Path) -> Iterator[tuple[Path, Callable[[int], bool], str]]:
    for name in _FILES:
        if os.path.lexists(folder / name):
            yield folder / name, stat.S_ISREG, "file"
    for name in _FOLDERS:
        if os.path.lexists(folder / name):
            yield folder / name, stat.S_ISDIR, "folder"
    if (folder / "files").is_dir():
        for shelf in (folder / "files").iterdir():
            yield shelf, stat.S_ISDIR, "folder"


def _trusted(folder: Path) -> set[int] | None:
    """Whose entries are taken; None: those of everybody, as for root and where there are no users.

    The owner of the folder is: on some file systems all is of one user, whoever made it.
    """
    if not hasattr(os, "geteuid"):
        return None
    us, found = os.geteuid(), folder.stat()
    shared = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX
    if shared or found.st_uid not in (us, 0):
        _log.warning(
            "other users of this machine can write to the data folder %s, and so to the files "
            "in it: have it be yours alone (chmod 700, chown)",
            folder,
        )
    return None if us == 0 else {us, found.st_uid, 0}


def _refuse(folder: Path, path: Path, why: str) -> None:
    raise UsageError(
        f"{path.relative_to(folder)} in the data folder {folder} {why}: somebody else may have put "
        "it there; look at it, and take it away, or choose another folder"
    )
