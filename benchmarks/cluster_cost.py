"""What a mock over a bucket asks of the store, and what one of its uploads costs, as Markdown.

`python benchmarks/cluster_cost.py` starts a real S3 server (radosgw), a proxy that counts what goes
through it, and a mock. Requests are counted there; CPU is that of the mock's process, on 1 KB
uploads that go straight to the server.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Final
from urllib.parse import unquote

import httpx2

from benchmarks.dialects import KIE
from benchmarks.load import Result, run_load
from benchmarks.report import where
from benchmarks.servers import Running, mockkie, running
from benchmarks.uploads import KEY, content
from tests.s3_servers import Gateway, radosgw
from tests.unsteady import Unsteady, unsteady

_MANY: Final = 200
_LARGE: Final = 100
_SECONDS: Final = 5.0
_ROUNDS: Final = 5
_STEP: Final = {"seconds": 1}
_HEADERS: Final = {"Authorization": f"Bearer {KEY}"}


def main() -> None:
    """Print both tables."""
    with ExitStack() as stack:
        server = stack.enter_context(radosgw())
        proxy = stack.enter_context(unsteady(server.endpoint))
        print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {where()}, radosgw 16 in memory\n")
        print("| what the mock is asked | what it asks of the store |\n|---|---|")
        with _over(server.at(proxy.endpoint).environment, "counted") as mock:
            for what, told in _counts(mock.url, proxy):
                print(f"| {what} | {told} |")
        print("\n| 1 KB uploads | requests a second | CPU of a mock, µs |\n|---|---|---|")
        for count in (1, 3):
            rate, cost = _speed(server, count)
            print(f"| {count} mock{'s' if count > 1 else ''} | {rate:,.0f} | {cost:,.0f} |")


@contextmanager
def _over(environment: Mapping[str, str], prefix: str) -> Iterator[Running]:
    """A mock over the bucket."""
    with running(mockkie(f"s3://mockkie/{prefix}"), KIE, **environment) as mock:
        yield mock


def _counts(url: str, proxy: Unsteady) -> Iterator[tuple[str, str]]:
    """What was asked, and what came of it at the store, one each."""
    links: list[str] = []

    def upload(size: int, name: str) -> None:
        answer = httpx2.post(
            f"{url}/api/file-stream-upload",
            headers=_HEADERS,
            files={"file": ("a.bin", b"x" * size)},
            data={"uploadPath": "cost", "fileName": name},
            timeout=60,
        )
        links.append(answer.json()["data"]["downloadUrl"])

    def ask(method: str, path: str, json: object = None) -> None:
        httpx2.request(method, f"{url}/__mockkie/{path}", json=json, timeout=60).raise_for_status()

    upload(1, "warm-up.bin")

    def upload_many() -> None:
        for number in range(_MANY):
            upload(1_024, f"{number}.bin")

    yield _counted(proxy, f"{_MANY} uploads of 1 KB", upload_many)
    yield _counted(proxy, f"an upload of {_LARGE} MB", lambda: upload(_LARGE << 20, "large.bin"))
    small, large = links[1], links[-1]
    yield _counted(proxy, "a download of 1 KB", lambda: httpx2.get(small))
    yield _counted(
        proxy,
        "a range of the large one",
        lambda: httpx2.get(large, headers={"Range": "bytes=5000000-5000999"}),
    )
    yield _counted(proxy, "`HEAD` of a link", lambda: httpx2.head(small))
    yield _counted(proxy, "a page of 100 files", lambda: ask("GET", "files?limit=100"))
    yield _counted(
        proxy, "a move of the clock", lambda: ask("POST", "clock/advance", json={"seconds": 1})
    )
    yield _counted(proxy, "a new world", lambda: ask("POST", "worlds"))
    yield _counted(proxy, "the journal", lambda: ask("GET", "journal?limit=10"))


def _counted(proxy: Unsteady, what: str, act: Callable[[], object]) -> tuple[str, str]:
    before = len(proxy.requests)
    act()
    found = Counter(_kind(line) for line in proxy.requests[before:])
    return what, ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))


def _kind(line: str) -> str:
    verb, target, _ = line.split(" ")
    listed = re.search(r"[?&]prefix=([^&]*)", target)
    key = unquote(listed[1] if listed else target.partition("?")[0])
    place = key.split("counted/", 1)[-1].split("/")[0] or "?"
    return f"{'LIST' if listed else verb} `{place}`"


def _speed(server: Gateway, count: int) -> tuple[float, float]:
    """Uploads a second over all mocks, and the CPU of one upload: the medians of the rounds."""
    rates, costs = [], []
    with ExitStack() as stack:
        mocks = [
            stack.enter_context(_over(server.environment, f"of-{count}")) for _ in range(count)
        ]
        for number in range(_ROUNDS + 1):
            used = sum(mock.cpu() for mock in mocks)
            with ThreadPoolExecutor(count) as pool:
                results = list(pool.map(_load, mocks))
            if number:  # the first one fills the caches
                done = sum(result.requests for result in results)
                rates.append(sum(result.rate for result in results))
                costs.append((sum(mock.cpu() for mock in mocks) - used) / done * 1e6)
    return sorted(rates)[_ROUNDS // 2], sorted(costs)[_ROUNDS // 2]


def _load(mock: Running) -> Result:
    return run_load(mock.port, KIE.upload(mock.port, content(1_024)), _SECONDS)


if __name__ == "__main__":
    main()
