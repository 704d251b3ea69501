"""Files that are there whole or not at all. Knows nothing of what is in them."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file all at once: who reads it finds the old content or the new one.

    `mode` as `os.open` takes it. Raises `OSError`.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
