"""A store with many files in it, for `measures.crowd`: `python -m benchmarks.crowd STORE FILES`.

STORE is `memory:` or a folder. Every line on standard input is a number: as many 1 KB files are
uploaded through the app, then expired by the sweep. The seconds of both come back as a line.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Message, Scope

from benchmarks.uploads import KEY, PATH, small_upload
from mockkie.app import Mock
from mockkie.build import build_mock
from mockkie.clock import parse_duration, real_now
from mockkie.store import StoredFile
from mockkie.sweeping import SLICE
from mockkie.worlds import DEFAULT_WORLD

_LONG = parse_duration("P3650D")


async def plant(mock: Mock, files: int) -> None:
    """Keep files that outlive everything that is uploaded here."""
    store = mock.service.store
    now = real_now()
    for number in range(files):
        draft = store.draft()
        await draft.write(b"alive")
        name = f"{number:08d}.txt"
        facts = ("text/plain", draft.digest, now, now + _LONG + number)
        path = f"crowd/{number % 1_000}/{name}"
        file = StoredFile(secrets.token_hex(12), path, name, draft.size, *facts)
        await store.keep(DEFAULT_WORLD, draft, file)


async def upload(mock: Mock, files: int) -> float:
    """Upload files through the app; the seconds that it took."""
    before, behind = small_upload(80)
    head, _, rest = before.partition(b"\r\n\r\n")
    headers = [
        (name.lower(), value)
        for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    ]
    started = time.perf_counter()
    for number in range(files):
        scope = _scope([(name, value) for name, value in headers])
        body = b"%s%08d%s" % (rest, number, behind)
        status: list[int] = []
        await mock(scope, _once(body), _send_to(status))
        if status != [200]:
            raise RuntimeError(f"an upload was answered {status}")
    return time.perf_counter() - started


async def expire(mock: Mock, files: int) -> float:
    """Sweep exactly the files that were uploaded; the seconds that it took."""
    store = mock.service.store
    now = real_now() + parse_duration("P30D")
    swept = 0
    started = time.perf_counter()
    while page := await store.sweep(DEFAULT_WORLD, now, SLICE):
        swept += len(page)
    took = time.perf_counter() - started
    if swept != files:
        raise RuntimeError(f"{swept} files expired instead of {files}")
    return took


async def main(data: str, files: int) -> None:
    """Plant, say so, then work line by line."""
    mock = build_mock(data=data, keys=[KEY])
    await mock.service.start()
    await plant(mock, files)
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line)
        uploading = await upload(mock, number)
        print(uploading, await expire(mock, number), flush=True)
    await mock.service.close()


def _scope(headers: list[tuple[bytes, bytes]]) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def _once(body: bytes) -> Callable[[], Coroutine[Any, Any, Message]]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _send_to(status: list[int]) -> Callable[[Message], Coroutine[Any, Any, None]]:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    return send


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
