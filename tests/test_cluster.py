"""Three mocks behind nginx over one bucket of a real S3 server: one mock, for all that can be seen.

The mocks are processes of `mockkie serve`; they share nothing but the bucket.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.balancing import CONFIGURATION, NGINX, balanced
from tests.installed import ROOT
from tests.judging import check
from tests.loopback import free_port
from tests.s3_servers import S3, Gateway, radosgw
from tests.unsteady import Unsteady, unsteady
from tests.walkthrough import blocks_of

KEY: Final = "cluster-key"
MOCKS: Final = 3
MB: Final = 1 << 20
_PATIENCE: Final = 60.0


@dataclass
class Member:
    """One mock of the cluster, a process on a port of its own."""

    port: int
    environment: Mapping[str, str]
    place: str
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["serve", "--port", str(self.port), "--data", self.place, "--key", KEY]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mockkie",
                *words,
                "--quiet",
                "--url-upload",
                "fetch",
                "--url-upload-private",
            ],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def await_ready(self) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.communicate()[1]
            try:
                if ask("GET", f"{self.url}/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"{self.url} is not ready")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode


def ask(method: str, url: str, **more: Any) -> httpx2.Response:
    more.setdefault("timeout", 60)
    return httpx2.request(method, url, trust_env=False, **more)


def upload(origin: str, path: str, content: bytes, key: str = KEY) -> httpx2.Response:
    folder, _, name = path.rpartition("/")
    return ask(
        "POST",
        f"{origin}/api/file-stream-upload",
        headers={"Authorization": f"Bearer {key}"},
        files={"file": ("file.bin", content)},
        data={"uploadPath": folder, "fileName": name},
    )


def link_of(answer: httpx2.Response) -> str:
    """The path of the link that an upload was answered with."""
    assert answer.status_code == 200, answer.text
    return httpx2.URL(answer.json()["data"]["downloadUrl"]).path


@contextmanager
def members(s3: S3, place: str, count: int = MOCKS) -> Iterator[Sequence[Member]]:
    """Mocks over one place in a bucket, all of them started at the same time."""
    found = [Member(free_port(), s3.environment, f"s3://{s3.bucket}/{place}") for _ in range(count)]
    with ExitStack() as stack:
        for member in found:
            member.start()
            stack.callback(member.process.kill)
        for member in found:
            member.await_ready()
        yield found
        for member in found:
            if member.process.poll() is None:
                assert member.end() == 0


@pytest.fixture(scope="module")
def mocks(s3_server: Gateway) -> Iterator[Sequence[Member]]:
    with members(s3_server, "cluster") as found:
        yield found


@pytest.fixture(scope="module")
def origin(mocks: Sequence[Member]) -> Iterator[str]:
    with balanced([member.port for member in mocks]) as found:
        yield found


@pytest.fixture
def world(origin: str) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = ask("POST", f"{origin}/__mockkie/worlds").json()
    yield made
    assert ask("DELETE", f"{origin}/__mockkie/worlds/{made['id']}").status_code == 204


def control(where: str, world: Mapping[str, Any], method: str, path: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {world['key']}"}
    answer = ask(method, f"{where}/__mockkie/{path}", headers=headers, **more)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


# ------------------------------------------------------------------------------------ as one mock


def test_the_whole_suite_is_upheld(tmp_path: Path, origin: str) -> None:
    other = ask("POST", f"{origin}/__mockkie/worlds").json()
    words = (origin, "--key", KEY, "--other-key", other["key"])
    done = check(tmp_path, *words)
    assert done.code == 0, done.output
    verdicts = {clause["id"]: clause["verdict"] for clause in done.report["clauses"]}
    others = [name for name, verdict in verdicts.items() if verdict != "upheld"]
    assert others == ["url.limits"], "which takes half a minute to show, so --full alone does"


def test_what_one_is_told_all_act_upon(mocks: Sequence[Member], world: dict[str, Any]) -> None:
    first, second, third = (member.url for member in mocks)
    key = world["key"]
    path = link_of(upload(first, "docs/a.txt", b"one", key))
    assert [ask("GET", url + path).content for url in (first, second, third)] == [b"one"] * 3
    control(second, world, "POST", "clock/advance", json={"duration": "P2D"})
    for member in mocks:
        assert control(member.url, world, "GET", "clock")["offset"] == 172_800
    later = link_of(upload(third, "docs/b.txt", b"two", key))
    control(first, world, "POST", "clock/advance", json={"duration": "P1DT1H"})
    assert [ask("GET", url + path).status_code for url in (first, second, third)] == [404] * 3
    assert [ask("GET", url + later).content for url in (first, second, third)] == [b"two"] * 3
    # Back: what was expired then is gone for good, whoever sweeps it, and when.
    control(third, world, "DELETE", "clock")
    assert [ask("GET", url + path).status_code for url in (first, second, third)] == [404] * 3
    assert [ask("GET", url + later).content for url in (first, second, third)] == [b"two"] * 3
    control(first, world, "PATCH", "settings", json={"expiredLink": {"status": 410}})
    for member in mocks:
        settings = control(member.url, world, "GET", "settings")
        assert settings["changed"] == {"expiredLink": {"status": 410}}
    control(second, world, "POST", "reset")
    assert [ask("GET", url + later).status_code for url in (first, second, third)] == [404] * 3
    assert control(third, world, "GET", "files")["files"] == []


def test_a_dropped_world_is_gone_everywhere(mocks: Sequence[Member]) -> None:
    urls = [member.url for member in mocks]
    for made_at, dropped_at in itertools.pairwise((*urls, urls[0])):
        world = ask("POST", f"{made_at}/__mockkie/worlds", json={"id": "short"}).json()
        taken = ask("POST", f"{dropped_at}/__mockkie/worlds", json={"id": "short"})
        assert taken.status_code == 409
        path = link_of(upload(dropped_at, "a/b.txt", b"x", world["key"]))
        assert ask("DELETE", f"{dropped_at}/__mockkie/worlds/short").status_code == 204
        for url in urls:
            assert upload(url, "a/b.txt", b"x", world["key"]).status_code == 401
            assert ask("GET", url + path).status_code == 404


def test_a_fault_is_counted_once(
    mocks: Sequence[Member], origin: str, world: dict[str, Any]
) -> None:
    fault = control(
        origin, world, "POST", "faults", json={"then": {"status": {"code": 503}}, "times": 5}
    )
    with ThreadPoolExecutor(12) as pool:
        answers = pool.map(
            lambda n: upload(mocks[n % MOCKS].url, f"f/{n}.bin", b"x", world["key"]), range(30)
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 25 + [503] * 5
    for member in mocks:
        told = control(member.url, world, "GET", f"faults/{fault['id']}")
        assert (told["matched"], told["shots"]) == (30, 5)
        entries = control(member.url, world, "GET", "journal")["entries"]
        assert sum(bool(entry["shots"]) for entry in entries) == 5


def test_no_move_of_the_clock_is_lost(mocks: Sequence[Member], world: dict[str, Any]) -> None:
    with ThreadPoolExecutor(MOCKS) as pool:
        moves = pool.map(
            lambda n: control(
                mocks[n % MOCKS].url, world, "POST", "clock/advance", json={"seconds": 3_600}
            ),
            range(9),
        )
        assert len(list(moves)) == 9
    for member in mocks:
        assert control(member.url, world, "GET", "clock")["offset"] == 9 * 3_600


def test_the_journal_has_what_every_mock_answered(
    mocks: Sequence[Member], origin: str, world: dict[str, Any]
) -> None:
    paths = [f"j/{number}.txt" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: upload(origin, path, path.encode(), world["key"]), paths))
    told = [control(member.url, world, "GET", "journal") for member in mocks]
    for journal in told:
        assert sorted(entry["file"]["path"] for entry in journal["entries"]) == sorted(paths)
        assert [entry["seq"] for entry in journal["entries"]] == list(range(1, 25))
        assert (journal["last"], journal["evicted"]) == (24, 0)
    assert told[0]["entries"] == told[1]["entries"] == told[2]["entries"]
    page = control(mocks[1].url, world, "GET", "journal?after=20&limit=3")
    assert [entry["seq"] for entry in page["entries"]] == [21, 22, 23]
    control(mocks[2].url, world, "DELETE", "journal")
    assert all(control(m.url, world, "GET", "journal")["entries"] == [] for m in mocks)
    upload(origin, "j/last.txt", b"x", world["key"])
    assert [e["seq"] for e in control(mocks[0].url, world, "GET", "journal")["entries"]] == [25]


# ------------------------------------------------------------------------------- at the same time


def test_concurrent_overwrites_leave_one_of_them(
    mocks: Sequence[Member], origin: str, world: dict[str, Any]
) -> None:
    """Whoever reads finds all of one upload; in the end, all mocks have the same one."""
    contents = [bytes([number]) * (1_000 + 40_000 * (number % 4)) for number in range(24)]
    path = link_of(upload(origin, "same/name.bin", contents[0], world["key"]))
    seen: set[bytes] = set()
    writing = threading.Event()

    def read() -> None:
        for url in itertools.cycle(member.url for member in mocks):
            seen.add(ask("GET", url + path).content)
            if writing.is_set():
                return

    with ThreadPoolExecutor(12) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        answers = list(
            pool.map(lambda one: upload(origin, "same/name.bin", one, world["key"]), contents)
        )
        writing.set()
        for reader in readers:
            reader.result()
    assert {answer.status_code for answer in answers} == {200}
    assert seen <= set(contents)
    [last] = {ask("GET", member.url + path).content for member in mocks}
    assert last in contents
    for number, member in enumerate(mocks):  # one after the other: the latest counts, for all
        upload(member.url, "same/name.bin", b"%d" % number, world["key"])
        assert {ask("GET", other.url + path).content for other in mocks} == {b"%d" % number}


def test_a_killed_mock_loses_nothing_acknowledged(s3_server: Gateway) -> None:
    """kill -9 of one of three in the middle of many uploads, again and again."""
    draws = random.Random(6)  # noqa: S311 - sizes of files
    acknowledged: dict[str, bytes] = {}
    tried: dict[str, bytes] = {}
    ending = threading.Event()
    with members(s3_server, "killed") as mocks, balanced([m.port for m in mocks]) as origin:
        account = ask("GET", f"{origin}/__mockkie/worlds").json()["worlds"][0]["account"]

        def work(worker: int) -> None:
            for number in itertools.count():
                size = draws.choice((10, 100_000, 9 * MB))
                path = f"w{worker}/{number}.bin"
                tried[path] = content = draws.randbytes(1_000) * (size // 1_000 + 1)
                try:
                    if upload(origin, path, content).status_code == 200:
                        acknowledged[path] = content
                except httpx2.TransportError:
                    pass
                if ending.is_set():
                    return

        with ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(work, number) for number in range(4)]
            for victim in (mocks[0], mocks[1], mocks[0]):
                time.sleep(1.0)
                victim.end(signal.SIGKILL)
                victim.start()
                victim.await_ready()
            ending.set()
            for worker in workers:
                worker.result()
        assert len(acknowledged) > 10
        assert len(acknowledged) < len(tried), "no upload was interrupted"
        found = {path: ask("GET", f"{origin}/{account}/{path}") for path in tried}
    for path, answer in found.items():
        if answer.status_code == 404:
            assert path not in acknowledged
        else:
            assert answer.content == tried[path]


# ------------------------------------------------------------------------------ a store in trouble


@pytest.fixture
def troubled(s3_server: Gateway) -> Iterator[tuple[Unsteady, Member]]:
    """A mock whose way to the store can be in trouble."""
    with (
        unsteady(s3_server.endpoint) as proxy,
        members(s3_server.at(proxy.endpoint), "troubled", 1) as [mock],
    ):
        yield proxy, mock
        proxy.steady()


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (lambda proxy: proxy.refuse(), "cannot be reached"),
        (lambda proxy: proxy.busy(), r"answers \w+ with 503 Service Unavailable"),
        (lambda proxy: proxy.silent(), r"does not answer \w+ in time"),
    ],
    ids=["gone", "503", "silent"],
)
def test_a_store_in_trouble_is_told_and_passes(
    troubled: tuple[Unsteady, Member], trouble: Callable[[Unsteady], None], told: str
) -> None:
    proxy, mock = troubled
    path = link_of(upload(mock.url, "a/kept.txt", b"kept"))
    trouble(proxy)
    with ThreadPoolExecutor(2) as pool:
        asking = [
            pool.submit(upload, mock.url, "a/lost.txt", b"lost"),
            pool.submit(ask, "GET", mock.url + path),
        ]
        answers = [one.result() for one in asking]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (500, 500)
        assert answer.json()["success"] is False
        assert re.search(told, answer.headers["x-mockkie-why"])
    assert ask("GET", f"{mock.url}/livez").status_code == 200
    until = time.monotonic() + _PATIENCE
    while (ready := ask("GET", f"{mock.url}/readyz")).status_code == 200:  # by a look just before
        assert time.monotonic() < until
    assert ready.status_code == 503
    assert ready.headers["content-type"] == "application/problem+json"
    proxy.steady()
    assert ask("GET", mock.url + path).content == b"kept"
    again = link_of(upload(mock.url, "a/lost.txt", b"found"))
    assert ask("GET", mock.url + again).content == b"found"
    entries = ask("GET", f"{mock.url}/__mockkie/journal").json()["entries"]
    statuses = [entry["status"] for entry in entries if entry["method"] == "POST"]
    assert statuses[-2:] == [500, 200]  # what could not be written down then was so later


def test_a_slow_or_hiccuping_store_is_waited_for(troubled: tuple[Unsteady, Member]) -> None:
    proxy, mock = troubled
    proxy.slow(0.3)
    path = link_of(upload(mock.url, "a/slow.txt", b"slow"))
    assert ask("GET", mock.url + path).content == b"slow"
    proxy.busy(2)
    assert upload(mock.url, "a/busy.txt", b"busy").status_code == 200
    proxy.steady()
    content = random.Random(1).randbytes(20 * MB)  # noqa: S311 - any bytes do
    proxy.busy(1, only="partNumber")
    path = link_of(upload(mock.url, "a/large.bin", content))
    proxy.tear(9 * MB, 1, only=" /")
    assert ask("GET", mock.url + path).content == content


def test_a_gateway_that_is_killed_comes_back(s3_server: Gateway) -> None:
    with members(s3_server, "gateway", 2) as mocks:
        path = link_of(upload(mocks[0].url, "a/kept.txt", b"kept"))
        s3_server.stop()
        try:
            answers = [ask("GET", member.url + path) for member in mocks]
            assert [answer.status_code for answer in answers] == [500, 500]
        finally:
            s3_server.start()
        assert [ask("GET", member.url + path).content for member in mocks] == [b"kept"] * 2
        assert upload(mocks[1].url, "a/kept.txt", b"again").status_code == 200
        assert ask("GET", mocks[0].url + path).content == b"again"


# -------------------------------------------------------------------------------------- the page


def block(kind: str) -> str:
    """The one block of that kind on the page about clusters."""
    (found,) = (one.content for one in blocks_of(ROOT / "docs/cluster.md") if one.kind == kind)
    return found


def test_the_page_shows_what_nginx_was_told_here() -> None:
    """What the tests use is what the page shows, but for addresses, timeouts and buffers."""
    assert NGINX is not None
    shown = {line.strip() for line in block("nginx").splitlines() if "proxy_" in line}
    assert shown <= {line.strip() for line in CONFIGURATION.splitlines()}
    assert "max_fails=0;" in block("nginx")


def test_the_rules_of_the_page_free_what_no_sweep_finds() -> None:
    """A server whose days are a second is given the rules, with what a `kill -9` can leave."""
    with radosgw(day=1) as server:
        client = server.client()
        client.put_bucket_lifecycle_configuration(
            Bucket=server.bucket, LifecycleConfiguration=json.loads(block("json"))
        )
        client.create_multipart_upload(Bucket=server.bucket, Key="staging/bytes/broken")
        left = [f"staging/{name}/x" for name in ("files/default", "bytes", "ends/default")]
        stays = ["staging/board", "staging/worlds/default", "elsewhere/files/x"]
        for key in (*left, *stays):
            client.put_object(Bucket=server.bucket, Key=key, Body=b"x")
        until = time.monotonic() + _PATIENCE
        while server.uploads() or set(server.keys()) & set(left):
            assert time.monotonic() < until, (server.uploads(), server.keys())
            time.sleep(0.2)
        assert sorted(server.keys()) == sorted(stays)
