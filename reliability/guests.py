"""Who asks a mock whose disk goes wrong, and knows what was acknowledged. Knows no disk."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
from blake3 import blake3

from mockkie.store.disk import DiskStore
from mockkie.worlds import DEFAULT_WORLD
from reliability.audit import audit

PATIENCE: Final = 30.0  # seconds for an answer
_RECOVERY: Final = 15.0  # seconds until all is well again
_SIZES: Final = (100, 20_000, 300_000)
_WAYS: Final = ("stream", "base64", "url")
_ENVELOPE: Final = {"success", "code", "msg"}


@dataclass(slots=True)
class Guests:
    """`may_be` has the digests that each path may have, None for nothing; `wrong` what was seen."""

    url: str
    key: str
    chances: random.Random
    may_be: dict[str, set[str | None]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    answers: int = 0
    failed: int = 0

    def settle_in(self) -> None:
        """Keep files of all sizes, while all is well."""
        for number, size in enumerate(_SIZES * 2):
            if not self.upload(f"k/n{number}", size, "stream"):
                self.wrong.append("an upload failed while all was well")

    def visit(self) -> None:
        """Ask for everything once."""
        for number, size in enumerate(_SIZES):
            self.upload(f"k/n{number}", size, _WAYS[self.chances.randrange(3)])
            self.upload(f"v/n{number}", size, "stream")
        for path in list(self.links):
            self.download(path, strict=False)
        self.control("POST", "/__mockkie/clock/advance", {"seconds": 1})
        self.control("GET", "/__mockkie/files", None)
        self.control("GET", "/__mockkie/journal", None)
        self.control("POST", "/__mockkie/worlds", {})
        alive = self._ask("livez", lambda: httpx.get(f"{self.url}/livez", timeout=PATIENCE))
        if alive is not None and alive.status_code != HTTPStatus.OK:
            self.wrong.append(f"/livez answered {alive.status_code}")

    def recover(self) -> None:
        """The cause is gone: soon all is well again."""
        end = time.monotonic() + _RECOVERY
        while not all(
            self.upload(f"r/n{number}", size, "stream") for number, size in enumerate(_SIZES)
        ):
            if time.monotonic() > end:
                self.wrong.append(f"uploads still fail {_RECOVERY:.0f} s after the cause is gone")
                return
            time.sleep(0.1)
        for number, size in enumerate(_SIZES):
            self.upload(f"k/n{number}", size, "stream")
        for path in list(self.links):
            self.download(path, strict=True)

    def upload(self, path: str, size: int, way: str) -> bool:
        """One upload; whether it was acknowledged."""
        content = self.chances.randbytes(size)
        folder, _, name = path.partition("/")
        fields = {"uploadPath": folder, "fileName": name}
        more: dict[str, Any] = {"data": fields, "files": {"file": ("f.bin", content)}}
        if way == "base64":
            more = {"json": {**fields, "base64Data": base64.b64encode(content).decode()}}
        elif way == "url":
            content = b""
            more = {"json": {**fields, "fileUrl": f"{self.url}/__mockkie/origin/empty"}}
        digest = blake3(content).hexdigest()
        headers = {"Authorization": f"Bearer {self.key}"}
        at = f"{self.url}/api/file-{way}-upload"
        answer = self._ask(
            f"an upload ({way})", lambda: httpx.post(at, headers=headers, timeout=PATIENCE, **more)
        )
        if answer is not None and answer.status_code == HTTPStatus.OK:
            self.may_be[path] = {digest}
            self.links[path] = answer.json()["data"]["downloadUrl"]
            return True
        self.may_be.setdefault(path, {None}).add(digest)
        if answer is not None:
            self._judge_refusal(f"an upload ({way})", answer)
        return False

    def download(self, path: str, *, strict: bool) -> None:
        """Read a file back; `strict` where nothing is wrong with the disk."""
        with suppress(httpx.RemoteProtocolError):  # cut in the middle of its body
            answer = self._ask(
                "a download",
                lambda: httpx.get(self.links[path], timeout=PATIENCE),
                cut=not strict,
            )
            if answer is None:
                return
            digest = blake3(answer.content).hexdigest()
            if answer.status_code == HTTPStatus.OK:
                if digest not in self.may_be[path]:
                    self.wrong.append(f"{path} was served with other bytes")
            elif strict:
                self.wrong.append(f"{path} was answered {answer.status_code} when all was well")
            elif answer.status_code != HTTPStatus.NOT_FOUND:
                self._judge_refusal("a download", answer)

    def control(self, method: str, path: str, body: Mapping[str, Any] | None) -> None:
        """A call of the control API."""
        answer = self._ask(
            f"{method} {path}",
            lambda: httpx.request(method, self.url + path, json=body, timeout=PATIENCE),
        )
        if answer is None or answer.status_code < HTTPStatus.BAD_REQUEST:
            return
        self.failed += 1
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or "detail" not in answer.text:
            self.wrong.append(f"{method} {path} answered {answer.status_code}: {answer.text[:200]}")

    def _ask(
        self, what: str, ask: Callable[[], httpx.Response], *, cut: bool = False
    ) -> httpx.Response | None:
        self.answers += 1
        try:
            return ask()
        except httpx.HTTPError as error:
            if not (cut and isinstance(error, httpx.RemoteProtocolError)):
                self.wrong.append(f"{what} was not answered: {error!r}")
            return None

    def _judge_refusal(self, what: str, answer: httpx.Response) -> None:
        self.failed += 1
        is_envelope = answer.headers.get("content-type", "").startswith("application/json")
        if answer.status_code != HTTPStatus.INTERNAL_SERVER_ERROR or not is_envelope:
            self.wrong.append(f"{what} was answered {answer.status_code}: {answer.text[:200]}")
        elif set(answer.json()) != _ENVELOPE or not answer.headers.get("x-mockkie-why"):
            self.wrong.append(f"{what} was refused outside the envelope: {answer.text[:200]}")

    def inspect(self, data: Path) -> None:
        """The folder, when the mock has ended: what was acknowledged, and nothing else."""

        async def digests() -> dict[str, str]:
            store = DiskStore.open_folder(data)
            files = await store.list(DEFAULT_WORLD)
            await store.close()
            return {file.path: file.digest for file in files}

        there = asyncio.run(digests())
        for path, may_be in self.may_be.items():
            if there.get(path) not in may_be:
                self.wrong.append(f"{path} is {there.get(path)} after a restart, not of {may_be}")
        self.wrong += audit(data)[1]
