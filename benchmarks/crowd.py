"""A mock with many files in it: `python -m benchmarks.crowd STORE FILES [serve]`.

STORE is `memory:` or a folder. It says `ready`, with a port when it serves, then does what the
lines of its standard input say, and answers with a line each:

    upload N     upload N files of 1 KB through the app           CPU seconds
    download N   read them back through the app                   CPU seconds
    list N L     list N pages of L files, from the middle         CPU seconds
    plant N      have N more files that end in a day              -
    expire N     sweep what ends in 30 days, N files              CPU seconds, those of a slice
    left         how many files there are                         a number
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from starlette.types import Message, Scope

from benchmarks.uploads import FORM_TYPE, KEY, PATH, content, form
from mockkie import links
from mockkie.app import Mock
from mockkie.build import build_mock
from mockkie.clock import parse_duration
from mockkie.server import Server, tune_process
from mockkie.store import Draft, StoredFile
from mockkie.sweeping import SLICE
from mockkie.worlds import DEFAULT_WORLD

LONG: Final = parse_duration("P3650D")
DAY: Final = parse_duration("P1D")
MONTH: Final = parse_duration("P30D")
_BATCH: Final = 10_000
_SIZE: Final = 1_024


async def plant(mock: Mock, folder: str, files: int, life: int) -> None:
    """Keep files that end `life` milliseconds from now."""
    store = mock.service.store
    now = mock.service.worlds.default.clock.now()
    data = content(_SIZE)
    for start in range(0, files, _BATCH):
        batch: list[tuple[Draft, StoredFile]] = []
        for number in range(start, min(start + _BATCH, files)):
            draft = store.draft()
            await draft.write(data)
            name = f"{number:08d}.bin"
            facts = ("application/octet-stream", draft.digest, now, now + life + number // 100)
            path = f"{folder}/{number % 1_000:03d}/{name}"
            batch.append((draft, StoredFile(secrets.token_hex(12), path, name, draft.size, *facts)))
        await store.keep_all(DEFAULT_WORLD, batch)


async def upload(mock: Mock, files: int) -> None:
    """Upload files through the app."""
    before, _, behind = form(content(_SIZE)).partition(b"NNNNNNNN")
    headers = [
        (b"authorization", b"Bearer " + KEY.encode()),
        (b"content-type", FORM_TYPE.encode()),
        (b"content-length", str(len(before) + len(behind) + 8).encode()),
    ]
    for number in range(files):
        await _ask(mock, PATH, headers, b"%s%08d%s" % (before, number, behind))


async def download(mock: Mock, files: int) -> None:
    """Read what was uploaded."""
    world = mock.service.worlds.default
    settings = mock.service.settings_of(world)
    for number in range(files):
        path = f"bench/small/{number:08d}.bin"
        await _ask(mock, links.link_path(settings, world, path))


async def show(mock: Mock, pages: int, limit: int) -> None:
    """List files that are in the middle of all, over the control API."""
    for number in range(pages):
        after = f"after=crowd/{500 + number % 100}/&limit={limit}"
        await _ask(mock, f"/__mockkie/files?{after}")


async def expire(mock: Mock, files: int) -> float:
    """Sweep everything that ends soon; the CPU seconds of the longest slice."""
    store = mock.service.store
    now = mock.service.worlds.default.clock.now() + MONTH
    swept, longest = 0, 0.0
    while True:
        started = time.process_time()
        page = await store.sweep(DEFAULT_WORLD, now, SLICE)
        longest = max(longest, time.process_time() - started)
        if not page:
            break
        swept += len(page)
    if swept != files:
        raise RuntimeError(f"{swept} files expired instead of {files}")
    return longest


DOES: Final[Mapping[str, Callable[..., Awaitable[float | None]]]] = {
    "upload": upload,
    "download": download,
    "list": show,
    "expire": expire,
}


async def do(mock: Mock, line: str) -> str:
    """What a line says."""
    word, *numbers = line.split()
    given = [int(number) for number in numbers]
    started = time.process_time()
    if word == "plant":
        await plant(mock, "short", given[0], DAY)
        return "-"
    if word == "left":
        files, _ = await mock.service.store.count(DEFAULT_WORLD)
        return str(files)
    longest = await DOES[word](mock, *given)
    took = time.process_time() - started
    return str(took) if longest is None else f"{took} {longest}"


async def inside(data: str, files: int) -> None:
    """Plant, say so, then work line by line."""
    mock = build_mock(data=data, keys=[KEY])
    await mock.service.start()
    tune_process()
    await plant(mock, "crowd", files, LONG)
    print("ready", flush=True)
    for line in sys.stdin:
        print(await do(mock, line), flush=True)
    await mock.service.close()


def serving(data: str, files: int) -> None:
    """The same on a socket."""
    mock = build_mock(data=data, keys=[KEY])
    server = Server(mock)
    server.start()
    tune_process()
    server.call(plant(mock, "crowd", files, LONG))
    print("ready", server.origin.rpartition(":")[2], flush=True)
    for line in sys.stdin:
        print(server.call(do(mock, line)), flush=True)
    server.stop()


async def _ask(
    mock: Mock, target: str, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b""
) -> None:
    """GET, or POST a body."""
    status: list[int] = []
    scope = _scope("POST" if body else "GET", target, [(b"host", b"127.0.0.1"), *(headers or ())])
    await mock(scope, _once(body), _send_to(status))
    if status != [200]:
        raise RuntimeError(f"{target} was answered {status}")


def _scope(method: str, target: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
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
    if sys.argv[3:] == ["serve"]:
        serving(sys.argv[1], int(sys.argv[2]))
    else:
        asyncio.run(inside(sys.argv[1], int(sys.argv[2])))
