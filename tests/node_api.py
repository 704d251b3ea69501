"""The server of `node_api.mjs` as a process: one that works, or one with a way or a bug.

Its author had not seen the suite. What it can do is told by itself, with `--list`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

PROGRAM: Final = Path(__file__).with_name("node_api.mjs")
KEYS: Final = ("key-Alpha-1234567", "key-Beta-7654321x")


@cache
def listed() -> dict[str, list[dict[str, Any]]]:
    """Its `ways` and `bugs`: each has a `name` and what it `says`."""
    told: dict[str, list[dict[str, Any]]] = json.loads(
        subprocess.check_output(["node", PROGRAM, "--list"])  # noqa: S607 - any Node
    )
    return told


@dataclass(frozen=True)
class NodeApi:
    """A running server."""

    url: str
    keys: tuple[str, ...] = KEYS


@contextmanager
def started(*options: str) -> Iterator[IO[str]]:
    """A process of it on a free port; what it prints, a JSON line a server."""
    command = ["node", str(PROGRAM), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()


@contextmanager
def node_api(way: str | None = None, bug: str | None = None) -> Iterator[NodeApi]:
    """The server on a free port, for two accounts."""
    words = [word for key in KEYS for word in ("--key", key)]
    words += ["--way", way] if way else []
    words += ["--bug", bug] if bug else []
    with started(*words) as lines:
        yield NodeApi(json.loads(lines.readline())["url"])
