"""`mockkie serve` as a process of its own, and who visits it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.clients import Client
from tests.visitors import Visitor


@contextlib.contextmanager
def served(
    folder: Path,
    *words: str,
    limit: str = "",
    env: Mapping[str, str] | None = None,
    said: Path = Path(os.devnull),
) -> Iterator[Mapping[str, Any]]:
    """`mockkie serve` over a folder; what its ready file says. It has to end well.

    `limit` is shell before the command; what it has said on stderr by the end is in `said`.
    """
    ready = folder.parent / f"{folder.name}.json"
    command = [sys.executable, "-m", "mockkie", "serve", "--port", "0", "--quiet"]
    command += ["--data", str(folder / "data"), "--ready-file", str(ready), *words]
    shell = ["sh", "-c", f'{limit} exec "$@"', "sh", *command]
    with subprocess.Popen(
        shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield json.loads(ready.read_text())
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert b"Traceback" not in errors, errors.decode()
        said.write_bytes(errors)


def visitor_at(facts: Mapping[str, Any], client: Client) -> Visitor:
    """The default world of a mock that serves."""
    state = {"id": "default", "key": facts["key"], "account": ""}
    return Visitor(facts["url"], facts["url"], client, state)


def told_without(folder: Path, library: str, *words: str) -> str:
    """What `mockkie serve` says on stderr where a library is not installed; it ends with 2."""
    (folder / library).mkdir()
    gone = f"raise ModuleNotFoundError('gone', name={library!r})"
    (folder / library / "__init__.py").write_text(gone)
    path = os.pathsep.join([str(folder), str(Path(__file__).parent.parent)])
    done = subprocess.run(
        [sys.executable, "-m", "mockkie", "serve", "--data", "memory:", *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    return done.stderr
