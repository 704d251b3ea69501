"""Clients of a mock that may be killed at any moment; a ledger has what they were told.

Three libraries and raw sockets upload in three ways, overwrite, read, and move clocks, settings,
worlds and files through the control API. Knows no process.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import requests
from blake3 import blake3

from mockkie.clock import parse_instant, real_now
from mockkie.origin import large_body
from reliability.ledger import Kept, WorldLedger, Write

RETENTION: Final = 3 * 86_400_000  # milliseconds
_SECONDS: Final = 60.0  # what a client waits for at most; nothing here takes as long
_DEAD: Final = (404, 403, 410)  # what the crowd has a link answer that has expired
_SIZES: Final = (0, 1, 900, 16_384, 16_385, 65_536, 300_000, 1_500_000)
_REFUSED: Final = 400

Answer = tuple[int, Any]
LOST: Final = (OSError, httpx.HTTPError, requests.RequestException, http.client.HTTPException)
"""What a client sees of a mock that is gone."""


class Crowd:
    """Threads that ask until `stop`; `wrong` has what they saw and should never have seen."""

    def __init__(self, url: str, worlds: Sequence[WorldLedger], chances: random.Random) -> None:
        self._url = url
        self._worlds = worlds
        self._stopped = threading.Event()
        self.wrong: list[str] = []
        self.answered = 0
        seeds = iter(lambda: chances.randrange(1 << 32), None)
        clients = (_by_httpx, _by_requests, _by_socket, _by_socket)
        jobs: list[Callable[[random.Random], None]] = [
            *(self._uploading(number, client) for number, client in enumerate(clients)),
            self._read,
            self._govern,
        ]
        self._threads = [
            threading.Thread(target=self._do, args=(job, random.Random(seed)), daemon=True)
            for job, seed in zip(jobs, seeds, strict=False)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more, and wait for what was asked."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(2 * _SECONDS)
            if thread.is_alive():
                self.wrong.append("a client hangs: no answer, and the connection stays")

    def _do(self, job: Callable[[random.Random], None], chances: random.Random) -> None:
        try:
            job(chances)
        except Exception:  # noqa: BLE001 - an answer that no client should ever get
            self.wrong.append(f"a client broke:\n{traceback.format_exc()}")

    def _uploading(
        self, number: int, client: Callable[..., Answer]
    ) -> Callable[[random.Random], None]:
        def go(chances: random.Random) -> None:
            while not self._stopped.is_set():
                world = chances.choice(self._worlds)
                mine = chances.random() < 0.7  # noqa: PLR2004 - most names have one writer
                path = f"c{number if mine else 'x'}/n{chances.randrange(4)}"
                self._upload(client, world, path, chances)

        return go

    def _upload(
        self,
        client: Callable[..., Answer],
        world: WorldLedger,
        path: str,
        chances: random.Random,
    ) -> None:
        content, way = _content(chances), chances.choice(("stream", "stream", "base64", "url"))
        folder, _, name = path.partition("/")
        fields = {"uploadPath": folder, "fileName": name}
        if way == "url":
            fields["fileUrl"] = f"{self._url}/__mockkie/origin/large/{len(content)}"
            content = _large(len(content))
        elif way == "base64":
            fields["base64Data"] = base64.b64encode(content).decode()
        register = world.files[path]
        write = register.begin(Kept(blake3(content).hexdigest(), len(content)))
        at = f"{self._url}/api/file-{way}-upload"
        with suppress(*LOST):
            sent = content if way == "stream" else None
            status, told = client(at, world.key, fields, sent, chances)
            self._note(world, path, write, status, told)

    def _note(
        self, world: WorldLedger, path: str, write: Write[Kept | None], status: int, told: Any
    ) -> None:
        assert write.value is not None  # noqa: S101 - uploads have something
        self.answered += 1
        if status != http.client.OK:
            world.files[path].refuse(write)
            full = world.quota is not None and "storage" in str(told).lower()
            if not full and False not in world.there.may_be():
                self.wrong.append(f"an upload of {path} was answered {status}: {told}")
            return
        data, kept = told["data"], write.value
        if data["fileSize"] != kept.size:
            self.wrong.append(f"{path}: {kept.size:,} bytes were sent, {data['fileSize']:,} kept")
        instant = parse_instant(data["uploadedAt"])
        world.files[path].end(write, Kept(kept.digest, kept.size, data["mimeType"], instant))

    def _read(self, chances: random.Random) -> None:
        """What is read is whole, and was sent by somebody."""
        while not self._stopped.is_set():
            world = chances.choice(self._worlds)
            path, register = chances.choice(list(world.files.items()))
            with suppress(*LOST):
                listed = httpx.get(
                    f"{self._url}/__mockkie/files",
                    params={"after": path[:-1], "limit": 3},
                    headers={"Authorization": f"Bearer {world.key}"},
                    timeout=_SECONDS,
                )
                files = listed.json()["files"] if listed.status_code == http.client.OK else []
                for file in files:
                    if file["path"] == path:
                        got = httpx.get(file["downloadUrl"], timeout=_SECONDS)
                        known = {kept.digest for kept in register.ever() if kept is not None}
                        self._judge(path, got, known)

    def _judge(self, path: str, got: httpx.Response, known: set[str]) -> None:
        self.answered += 1
        if got.status_code == http.client.OK:
            if blake3(got.content).hexdigest() not in known:
                self.wrong.append(f"a download of {path} gave {len(got.content):,} strange bytes")
        elif got.status_code not in _DEAD:
            self.wrong.append(f"a download of {path} was answered {got.status_code}")

    def _govern(self, chances: random.Random) -> None:
        """Clocks, settings, worlds: what one person does beside all the uploads."""
        governor = Governor(self._url, chances)
        while not self._stopped.is_set():
            with suppress(*LOST):
                governor.act(chances.choice(self._worlds))
                self.answered += 1
            self._stopped.wait(chances.random() * 0.05)


class Governor:
    """Acts upon worlds through the control API. What is not answered ends its work on a world."""

    def __init__(self, url: str, chances: random.Random) -> None:
        self._url = url
        self._chances = chances
        self._unsure: set[str] = set()

    def act(self, world: WorldLedger) -> None:
        """Do one thing, and note it."""
        if world.id in self._unsure:
            return
        self._unsure.add(world.id)
        deeds = [self._advance] * 4 + [self._freeze, self._real, self._reset]
        deeds += [self._set] * 2 + [self._delete, self._clear]
        deeds += [self._drop] if world.passing else []
        self._chances.choice(deeds)(world)
        if world.there.may_be() == {True}:
            self._unsure.discard(world.id)

    def ask(self, world: WorldLedger, method: str, path: str, body: Any = None) -> Any:
        """What a call of the control API answers, None for nothing; `LOST` if it is none."""
        answer = httpx.request(
            method,
            f"{self._url}/__mockkie{path}",
            json=body,
            headers={"Authorization": f"Bearer {world.key}"},
            timeout=_SECONDS,
        )
        if answer.status_code >= _REFUSED:
            raise httpx.HTTPError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def _move(
        self, world: WorldLedger, predicted: tuple[bool, int], method: str, path: str, body: Any
    ) -> None:
        world.latest = max(world.latest, _instant(predicted))
        write = world.clock.begin(predicted)
        told = clock_of(self.ask(world, method, path, body))
        world.clock.end(write, told)
        world.latest = max(world.latest, _instant(told))

    def _advance(self, world: WorldLedger) -> None:
        seconds = self._chances.choice((60, 3_600, 86_400, 100_000, 300_000))
        world.moved += seconds * 1_000
        ((frozen, at),) = world.clock.may_be()
        self._move(
            world, (frozen, at + seconds * 1_000), "POST", "/clock/advance", {"seconds": seconds}
        )

    def _freeze(self, world: WorldLedger) -> None:
        ((frozen, at),) = world.clock.may_be()
        predicted = (False, at - real_now()) if frozen else (True, real_now() + at)
        self._move(world, predicted, "PUT", "/clock", {"frozen": not frozen})

    def _real(self, world: WorldLedger) -> None:
        self._move(world, (False, 0), "DELETE", "/clock", None)

    def _set(self, world: WorldLedger) -> None:
        status = self._chances.choice(_DEAD)
        write = world.status.begin(status)
        self.ask(world, "PATCH", "/settings", {"expiredLink": {"status": status}})
        world.status.end(write)

    def _delete(self, world: WorldLedger) -> None:
        path, register = self._chances.choice(list(world.files.items()))
        write = register.begin(None)
        try:
            self.ask(world, "DELETE", f"/files?path={quote(path)}")
        except httpx.HTTPError as error:
            if "404" not in str(error):
                raise
        register.end(write)

    def _clear(self, world: WorldLedger) -> None:
        with world.emptying():
            self.ask(world, "DELETE", "/files")

    def _drop(self, world: WorldLedger) -> None:
        write = world.there.begin(value=False)
        with world.emptying():
            self.ask(world, "DELETE", f"/worlds/{world.id}")
        world.there.end(write)

    def _reset(self, world: WorldLedger) -> None:
        clock, status = world.clock.begin((False, 0)), world.status.begin(404)
        with world.emptying():
            self.ask(world, "POST", "/reset")
        world.clock.end(clock)
        world.status.end(status)


def clock_of(told: Any) -> tuple[bool, int]:
    """The value of a world's register for what `GET /clock` says."""
    frozen = bool(told["frozen"])
    return frozen, parse_instant(told["now"]) if frozen else round(told["offset"] * 1_000)


def _instant(clock: tuple[bool, int]) -> int:
    frozen, at = clock
    return at if frozen else real_now() + at


def _content(chances: random.Random) -> bytes:
    size = chances.choice(_SIZES)
    return chances.randbytes(size and chances.randint(max(1, size - 50), size))


def _large(size: int) -> bytes:
    """What the built-in origin has at `/large/{size}`."""

    async def go() -> bytes:
        return b"".join([block async for block in large_body(size)])

    return asyncio.run(go())


def _by_httpx(
    at: str, key: str, fields: dict[str, str], content: bytes | None, _: random.Random
) -> Answer:
    headers = {"Authorization": f"Bearer {key}"}
    if content is None:
        answer = httpx.post(at, json=fields, headers=headers, timeout=_SECONDS)
    else:
        files = {"file": ("f.bin", content, "application/octet-stream")}
        answer = httpx.post(at, data=fields, files=files, headers=headers, timeout=_SECONDS)
    return answer.status_code, answer.json()


def _by_requests(
    at: str, key: str, fields: dict[str, str], content: bytes | None, _: random.Random
) -> Answer:
    headers = {"Authorization": f"Bearer {key}"}
    if content is None:
        answer = requests.post(at, json=fields, headers=headers, timeout=_SECONDS)
    else:
        files = {"file": ("f.bin", content)}
        answer = requests.post(at, data=fields, files=files, headers=headers, timeout=_SECONDS)
    return answer.status_code, answer.json()


def _by_socket(
    at: str, key: str, fields: dict[str, str], content: bytes | None, chances: random.Random
) -> Answer:
    """In pieces with pauses: a kill finds it in the middle of its body."""
    parts = urlsplit(at)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
    try:
        kind, body = _written(fields, content)
        connection.putrequest("POST", parts.path)
        connection.putheader("Authorization", f"Bearer {key}")
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        for piece in _pieces(body, chances):
            connection.send(piece)
            time.sleep(chances.random() * 0.02)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _pieces(body: bytes, chances: random.Random) -> Iterator[bytes]:
    step = max(1, len(body) // chances.randint(1, 6))
    yield from (body[at : at + step] for at in range(0, len(body), step))


def _written(fields: dict[str, str], content: bytes | None) -> tuple[str, bytes]:
    """The media type and the text of a body."""
    if content is None:
        return "application/json", json.dumps(fields).encode()
    head = "".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    file = '--edge\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
    body = (head + file).encode() + content + b"\r\n--edge--\r\n"
    return "multipart/form-data; boundary=edge", body
