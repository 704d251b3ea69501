"""`mockkie.serve()` and what it yields, from a thread of this process."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

import mockkie
from mockkie.harness.plan import Plan
from mockkie.harness.target import open_target
from mockkie.kie import Runner
from mockkie.store.disk import DiskStore


def upload(kie: mockkie.Kie, content: bytes = b"hello") -> httpx2.Response:
    return kie.client.post(
        "/api/file-stream-upload",
        files={"file": ("a.txt", content)},
        data={"uploadPath": "docs", "fileName": "a.txt"},
    )


@pytest.fixture
def threads() -> Callable[[], int]:
    """How many mocks run in threads that did not when the test began."""
    before = set(threading.enumerate())
    return lambda: sum(
        thread.name == "mockkie" for thread in threading.enumerate() if thread not in before
    )


def test_the_block_is_the_life_of_the_mock(threads: Callable[[], int]) -> None:
    with mockkie.serve() as kie:
        assert upload(kie).status_code == 200
        assert kie.key == "kie-mock-key"
        assert threads() == 1
        client = kie.client
    assert client.is_closed
    assert threads() == 0
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(kie.base_url, trust_env=False)
    with pytest.raises(RuntimeError, match="not running"):
        kie.files.clear()


def test_an_exception_ends_it_too(threads: Callable[[], int]) -> None:
    def fail() -> None:
        with mockkie.serve() as kie:
            assert upload(kie).status_code == 200
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert threads() == 0


def test_several_at_once_know_nothing_of_each_other() -> None:
    with mockkie.serve() as one, mockkie.serve() as two:
        upload(one)
        assert one.base_url != two.base_url
        assert (len(one.files), len(two.files)) == (1, 0)
        one.clock.advance(days=1)
        assert two.clock.offset.total_seconds() == 0


def test_the_options_count(tmp_path: Path) -> None:
    with mockkie.serve(
        host="localhost",
        download_port=0,
        data=tmp_path / "data",
        keys=["first", "second"],
        any_key=True,
        profile="observed",
        retention="PT1H",
        url_upload="deny",
    ) as kie:
        assert kie.key == "first"
        assert kie.download_origin != kie.base_url
        link = upload(kie).json()["data"]["downloadUrl"]
        assert link.startswith(f"{kie.download_origin}/kieai/")
        assert kie.files["docs/a.txt"].download_url == link
        file = kie.files["docs/a.txt"]
        assert (file.expires_at - file.uploaded_at).total_seconds() == 3_600
        assert httpx2.get(link, trust_env=False).content == b"hello"
    with mockkie.serve(data=tmp_path / "data", download_origin="https://files.example") as kie:
        assert kie.files.read("docs/a.txt") == b"hello"
        assert kie.files["docs/a.txt"].download_url.startswith("https://files.example/")


def test_a_start_that_fails_leaves_nothing_behind(
    tmp_path: Path, threads: Callable[[], int]
) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(mockkie.UsageError, match=f"port {port} is taken"):
            mockkie.serve(data=data, port=port).__enter__()
    with mockkie.serve(data=data) as kie:
        key = kie.new_world().key
    with pytest.raises(mockkie.UsageError, match="opens another world already"):
        mockkie.serve(data=data, keys=[key]).__enter__()
    with mockkie.serve(data=data) as kie:
        assert upload(kie).status_code == 200
        with pytest.raises(mockkie.UsageError, match="another mock"):
            mockkie.serve(data=data).__enter__()
    assert threads() == 0
    gc.collect()  # an unclosed socket would warn now, and warnings are errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retention": "tomorrow"}, "--retention"),
        ({"profile": "none"}, "no profile"),
        ({"url_upload": "never"}, "--url-upload"),
        ({"data": "s3://x/y"}, "s3://x/y"),
        ({"contract": "none.yaml"}, r"none\.yaml"),
        ({"host": "host.invalid"}, r"host\.invalid"),
    ],
)
def test_a_wrong_option(options: dict[str, str], message: str) -> None:
    with pytest.raises(mockkie.UsageError, match=message):
        mockkie.serve(**options).__enter__()  # type: ignore[arg-type] # of one kind here


def test_the_handle_works_from_within_a_running_loop() -> None:
    async def use(kie: mockkie.Kie) -> None:
        async with kie.async_client as client:
            answer = await client.post(
                "/api/file-stream-upload",
                files={"file": ("a.txt", b"x")},
                data={"uploadPath": "docs", "fileName": "a.txt"},
            )
            assert answer.status_code == 200
            assert kie.files.read("docs/a.txt") == b"x"
            kie.clock.advance("P3D")
            assert not kie.files

    with mockkie.serve() as kie:
        asyncio.run(use(kie))


def test_in_process_nothing_may_wait() -> None:
    async def wait() -> None:
        await asyncio.sleep(0)

    async def fail() -> None:
        raise LookupError

    with pytest.raises(RuntimeError, match="this store waits"):
        Runner()(wait())
    with pytest.raises(LookupError):
        Runner()(fail())


def test_the_disk_never_waits(tmp_path: Path) -> None:
    store = DiskStore.open_folder(tmp_path / "data")
    run = Runner()
    assert run(store.count("default")) == (0, 0)
    run(store.close())


# ---------------------------------------------------------------- what the contract suite asks


def test_the_suite_takes_a_target_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with mockkie.serve(keys=["its-key"]) as kie:
        monkeypatch.setenv("MOCKKIE_TARGET", kie.base_url + "/")
        monkeypatch.setenv("KIE_API_KEY", "its-key")
        with open_target(Plan.of_environment()) as target:
            assert target.url == kie.base_url
            assert target.post("/api/file-stream-upload").status_code == 400
            stranger = target.with_authorization(None)
            assert stranger.post("/api/file-stream-upload").status_code == 401


@pytest.mark.parametrize(
    "address",
    [
        *("https://kieai.redpandaai.co", "http://localhost.example", "ftp://127.0.0.1", "x", ""),
        *("http://10.0.0.1", "http://127.0.0.1@example.com", "http://0.0.0.0"),
    ],
)
def test_the_suite_is_not_let_loose_on_others(address: str) -> None:
    with (
        pytest.raises(mockkie.UsageError, match=r"--live|no base URL"),
        open_target(Plan(address)),
    ):
        pass


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:5430/", "http://[::1]:5430", "http://localhost"]
)
def test_the_suite_tries_this_machine(address: str) -> None:
    with open_target(Plan(address)) as target:
        assert target.url == address.rstrip("/")
