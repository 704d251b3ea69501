"""What a loss of power took, looked for once after each start of the system. Knows no uploads.

Whoever does not wait for the platter (`durable`) may find, after a loss of power, rows without
their bytes and bytes without their rows; the index itself is whole, as of some commit. A loss of
power ends the system: where it has started anew since a folder was opened last, all bytes that
were kept since its start before are read once. A file whose bytes are not there is dropped, as if
it had never come; bytes that nothing names are deleted. Only Linux says when it started anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

from mockkie.store import PIECE
from mockkie.store.diskbytes import Shelves, read_at

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_TABLE: Final = "CREATE TABLE IF NOT EXISTS boot (id TEXT NOT NULL, session INTEGER NOT NULL)"
_KEPT_SINCE: Final = (
    "SELECT blob, size, digest FROM file WHERE blob >= ? << 40 AND content IS NULL ORDER BY blob"
)
_NAMELESS: Final = """
SELECT value FROM json_each(?)
WHERE value NOT IN (SELECT blob FROM file) AND value NOT IN (SELECT blob FROM trash)
"""

Execute = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""A statement and its values; gives the rows."""


def look_after_blackout(execute: Execute, shelves: Shelves) -> None:
    """Put right what a loss of power left, if there may have been one. `OSError`.

    Within the opening of the index by whoever is alone with it, when nothing is in flight.
    """
    boot = _boot()
    if boot is None:
        return
    execute(_TABLE, ())
    known = execute("SELECT id, session FROM boot", ())
    if known and known[0][0] == boot:
        return
    lost = [
        blob
        for blob, size, digest in execute(_KEPT_SINCE, (known[0][1] if known else 0,))
        if not _is_whole(shelves, blob, size, digest)
    ]
    execute("DELETE FROM file WHERE blob IN (SELECT value FROM json_each(?))", (json.dumps(lost),))
    for blobs in shelves.shelved():
        for (blob,) in execute(_NAMELESS, (json.dumps(blobs),)):
            shelves.free(blob)
    execute("DELETE FROM boot", ())
    execute("INSERT INTO boot SELECT ?, number FROM session", (boot,))


def _boot() -> str | None:
    """What tells this start of the system from all others; None where nothing does."""
    try:
        return _BOOT.read_text().strip() or None
    except OSError:
        return None


def _is_whole(shelves: Shelves, blob: int, size: int, digest: str) -> bool:
    fd = shelves.open(blob)
    if fd is None:
        return False
    try:
        if os.fstat(fd).st_size != size:
            return False
        hashed, at = blake3(), 0
        while piece := read_at(fd, PIECE, at):
            hashed.update(piece)
            at += len(piece)
    finally:
        os.close(fd)
    return hashed.hexdigest() == digest
