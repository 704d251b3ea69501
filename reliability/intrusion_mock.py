"""A mock that is attacked: a process of its own, asked over sockets. Knows no attack."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

_PATIENCE: Final = 30.0  # seconds
WORDS: Final = (sys.executable, "-m", "mockkie")


@dataclass(frozen=True, slots=True)
class Victim:
    """A mock that serves: where it is, its key, and where all it writes is."""

    url: str
    key: str
    folder: Path
    client: httpx2.Client

    @property
    def auth(self) -> dict[str, str]:
        """The header of who has the key."""
        return {"Authorization": f"Bearer {self.key}"}

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """One request; redirects are not followed."""
        return self.client.request(method, self.url + path, **more)

    def status(self, method: str, path: str, **more: Any) -> int:
        """The status of an answer, whose body may have no end."""
        with self.client.stream(method, self.url + path, **more) as answer:
            return answer.status_code

    def upload(
        self, content: bytes, *, path: str = "a", name: str = "b", mime: str = "text/plain"
    ) -> httpx2.Response:
        """A stream upload with the key."""
        fields = {"uploadPath": path, "fileName": name}
        part = {"file": ("x", content, mime)}
        target = "/api/file-stream-upload"
        return self.ask("POST", target, headers=self.auth, data=fields, files=part)

    def state(self) -> str:
        """What an intruder must not have changed: worlds, with clock and number of files."""
        worlds = self.ask("GET", "/__mockkie/worlds").json()["worlds"]
        return json.dumps([{**world, "clock": world["clock"]["frozen"]} for world in worlds])

    def said(self) -> bytes:
        """What it has printed so far."""
        return b"".join((self.folder / name).read_bytes() for name in ("stdout", "stderr"))


@contextlib.contextmanager
def serving(
    folder: Path, *words: str, key: str = "kie-mock-key", env: Mapping[str, str] | None = None
) -> Iterator[Victim]:
    """`mockkie serve` with all its traces in `folder`, under a umask that hides nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready.json"
    command = [*WORDS, "serve", "--port", "0", "--ready-file", str(ready), "--key", key, *words]
    if "--data" not in words:
        command += ["--data", str(folder / "data")]
    with (
        (folder / "stdout").open("wb") as out,
        (folder / "stderr").open("wb") as errors,
        subprocess.Popen(
            command, stdout=out, stderr=errors, env={**os.environ, **(env or {})}, umask=0
        ) as process,
        httpx2.Client(trust_env=False, timeout=_PATIENCE) as client,
    ):
        try:
            until = time.monotonic() + _PATIENCE
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((folder / "stderr").read_text())
                time.sleep(0.02)
            facts = json.loads(ready.read_text())
            yield Victim(facts["url"], facts["key"], folder, client)
        finally:
            process.terminate()


def command(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A command of mockkie to its end; `TimeoutExpired` when it hangs."""
    whole: Sequence[str] = (*WORDS, *words)
    known = {**os.environ, **(env or {})}
    return subprocess.run(
        whole, capture_output=True, env=known, cwd=cwd, timeout=_PATIENCE, check=False
    )
