"""A data folder against its own index, while nobody writes to it. Knows no clients."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from blake3 import blake3

OURS: Final = {
    *("lock", "incoming", "files", "counts", "journals"),
    *(
        f"{name}.sqlite{suffix}"
        for name in ("index", "shared")
        for suffix in ("", "-wal", "-shm", "-journal")
    ),
}
"""All that may be in a data folder."""


def audit(data: Path) -> tuple[int, Sequence[str]]:
    """How many files were looked at, and what is wrong, a sentence each."""
    with contextlib.closing(sqlite3.connect(data / "index.sqlite", timeout=30)) as index:
        files = index.execute("SELECT count(*) FROM file").fetchone()[0]
        return files, [*_index(index), *_contents(index), *_bytes(index, data)]


def _index(index: sqlite3.Connection) -> Iterator[str]:
    said = [text for (text,) in index.execute("PRAGMA integrity_check")]
    if said != ["ok"]:
        yield f"the index is damaged: {said}"
    [(trash,)] = index.execute("SELECT count(*) FROM trash")
    if trash:
        yield f"{trash} blobs wait in the trash for being freed"
    strange = index.execute(
        "SELECT world, count(*) FROM file WHERE world NOT IN (SELECT id FROM world) GROUP BY world"
    )
    for world, files in strange:
        yield f"{files} files are of the world {world!r}, which there is not"
    if index.execute("SELECT 1 FROM sqlite_master WHERE name = 'held'").fetchall():
        counted = set(index.execute("SELECT world, count(*), sum(size) FROM file GROUP BY world"))
        held = set(index.execute("SELECT world, files, bytes FROM held WHERE files"))
        if counted != held:
            yield f"the counts are {held}, and there are {counted}"


def _contents(index: sqlite3.Connection) -> Iterator[str]:
    rows = index.execute(
        "SELECT world, path, size, digest, content FROM file WHERE content IS NOT NULL"
    )
    for world, path, size, digest, content in rows:
        if len(content) != size or blake3(content).hexdigest() != digest:
            yield f"{path} of {world} has another content in the index than its facts say"


def _bytes(index: sqlite3.Connection, data: Path) -> Iterator[str]:
    rows = index.execute("SELECT blob, world, path, size, digest FROM file WHERE content IS NULL")
    kept = {f"{blob:016x}": rest for blob, *rest in rows}
    found = {each.name: each for each in data.glob("files/*/*")}
    for name, (world, path, size, digest) in kept.items():
        at = found.pop(name, None)
        if at is None:
            yield f"the bytes of {path} of {world} are not on their shelf ({name})"
        elif (seen := at.stat().st_size) != size:
            yield f"{path} of {world} has {seen:,} bytes in place of {size:,}"
        elif blake3(at.read_bytes()).hexdigest() != digest:
            yield f"{path} of {world} has other bytes than its digest says"
    yield from (f"an orphan: {at.relative_to(data)}" for at in found.values())
    for at in data.glob("incoming/*"):
        yield f"an upload that nobody sends any more: {at.relative_to(data)}"
    yield from (f"{at.name} is in the folder" for at in data.iterdir() if at.name not in OURS)
