"""What a loss of power may leave of a folder, by the events of a log. Knows no mock.

Bytes are sure to stay once their file was synced, names once one of their folders was. Of all else
any part may be there: no write since then, the first ones, some of them, each wholly or a part of
its sectors; no change of names, the first ones, or some of them. A rename is one change: it
happened in both folders or in neither, as journaling file systems have it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from reliability.shaky import Event, Op

_SECTOR: Final = 512  # bytes
_Write = tuple[int, bytes | None]
_Pending = TypeVar("_Pending")
LOSSES: Final = ("all", "none", "first", "some")
"""How much of what is not sure is there: `all` of it, and so on."""


@dataclass(eq=False, slots=True)
class _File:
    """`sure` is on the platter; `later` are writes `(at, bytes)` and truncations `(at, None)`."""

    sure: bytearray = field(default_factory=bytearray)
    later: list[_Write] = field(default_factory=list)

    def sync(self) -> None:
        _apply(self.sure, self.later)
        self.later = []

    def left(self, loss: str, chances: random.Random) -> bytes:
        content = bytearray(self.sure)
        kept = _kept(self.later, loss, chances)
        _apply(content, _torn(kept, chances) if loss == "some" else kept)
        return bytes(content)


@dataclass(eq=False, slots=True)
class _Change:
    """One change of names: `file` is what a new name is of, None for a folder and other changes."""

    op: Op
    path: str
    other: str
    file: _File | None

    @property
    def folders(self) -> set[str]:
        return {_above(self.path)} | ({_above(self.other)} if self.other else set())


class Platter:
    """A folder while events happen to it; all that it has in the beginning is sure."""

    def __init__(self, folder: Path | None = None) -> None:
        self._names: dict[str, _File | None] = {}
        self._changes: list[_Change] = []
        self._by_inode: dict[int, _File] = {}
        if folder is None:
            return
        for at in folder.rglob("*"):
            file = None
            if at.is_file():
                file = self._by_inode[at.stat().st_ino] = _File(bytearray(at.read_bytes()))
            self._names[at.relative_to(folder).as_posix()] = file

    def happen(self, event: Event) -> None:
        """One more thing was done."""
        if event.op in (Op.CREATE, Op.RENAME, Op.UNLINK, Op.MKDIR):
            file = None
            if event.op is Op.CREATE:
                file = self._by_inode[event.inode] = _File()
            if event.path:  # the folder itself is there
                self._changes.append(_Change(event.op, event.path, event.other, file))
        elif event.op is Op.WRITE:
            self._by_inode[event.inode].later.append((event.at, event.data))
        elif event.op is Op.TRUNCATE:
            self._by_inode[event.inode].later.append((event.at, None))
        elif event.inode in self._by_inode:
            self._by_inode[event.inode].sync()
        else:
            self._sync_folder(event.path)

    def left(self, loss: str, chances: random.Random) -> dict[str, bytes | None]:
        """What is there after a loss of power now, by path; None for a folder."""
        names = dict(self._names)
        for change in _kept(self._changes, loss, chances):
            _change(names, change)
        return {
            path: None if file is None else file.left(loss, chances) for path, file in names.items()
        }

    def _sync_folder(self, folder: str) -> None:
        sure = [change for change in self._changes if folder in change.folders]
        needed = {above for change in sure for above in change.folders}
        for change in self._changes:
            if change in sure or (change.op is Op.MKDIR and change.path in needed):
                _change(self._names, change)
        self._changes = [
            change
            for change in self._changes
            if change not in sure and not (change.op is Op.MKDIR and change.path in needed)
        ]


def write_out(left: dict[str, bytes | None], folder: Path) -> None:
    """Make a folder that has this."""
    folder.mkdir()
    for path, content in sorted(left.items()):
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


def _change(names: dict[str, _File | None], change: _Change) -> None:
    """Do it, as far as what it is about is there."""
    if change.op in (Op.CREATE, Op.MKDIR):
        if _above(change.path) in ("", *names):
            names[change.path] = change.file
    elif change.path in names:
        file = names[change.path]
        if change.op is Op.UNLINK:
            del names[change.path]
        elif _above(change.other) in ("", *names):
            del names[change.path]
            names[change.other] = file


def _above(path: str) -> str:
    above = str(PurePosixPath(path).parent)
    return "" if above == "." else above


def _kept(pending: Sequence[_Pending], loss: str, chances: random.Random) -> Iterator[_Pending]:
    if loss == "all":
        yield from pending
    elif loss == "first":
        yield from pending[: chances.randint(0, len(pending))]
    elif loss == "some":
        yield from (one for one in pending if chances.random() < 0.5)  # noqa: PLR2004 - a share


def _torn(writes: Iterable[_Write], chances: random.Random) -> Iterator[_Write]:
    for at, data in writes:
        if data is None or chances.random() < 0.7:  # noqa: PLR2004 - as above
            yield at, data
            continue
        for start in range(0, len(data), _SECTOR):
            if chances.random() < 0.5:  # noqa: PLR2004 - as above
                yield at + start, data[start : start + _SECTOR]


def _apply(content: bytearray, writes: Iterable[_Write]) -> None:
    for at, data in writes:
        if len(content) < at:
            content.extend(bytes(at - len(content)))
        if data is None:
            del content[at:]
        else:
            content[at : at + len(data)] = data
