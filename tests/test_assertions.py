"""What the journal of a world lets a test assert, and what it says when that does not hold."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import pytest
from blake3 import blake3

from mockkie import kie_journal
from mockkie.kie import Kie
from mockkie.worlds import DEFAULT_KEY
from tests.handles import PNG, STREAM, ask, send

pytest_plugins = ["pytester"]

T = TypeVar("T")
BASE64 = "/api/file-base64-upload"


def failure(assertion: Callable[..., object], *values: Any, **facts: Any) -> str:
    """What an assertion that does not hold says."""
    with pytest.raises(AssertionError) as caught:
        assertion(*values, **facts)
    return str(caught.value)


# ------------------------------------------------------------------------------ it holds


def test_an_upload_is_found_by_its_path(world: Kie) -> None:
    answer = send(world, "images/a.png").json()["data"]
    [upload] = world.journal.assert_uploaded("images/a.png")
    assert (upload.path, upload.name, upload.size) == ("images/a.png", "a.png", len(PNG))
    assert (upload.mime, upload.digest) == ("image/png", blake3(PNG).hexdigest())
    assert upload.entry is world.journal[0]
    assert upload.entry.operation == "upload-file-stream"
    assert upload.download_url == world.files["images/a.png"].download_url
    if world.base_url.startswith("http://127."):
        assert upload.download_url == answer["downloadUrl"]
    assert ask(world, "GET", upload.download_url).content == PNG
    world.clock.advance(days=3)
    assert world.journal.assert_uploaded("images/a.png") == [upload]


def test_everything_that_can_be_expected(world: Kie, tmp_path: Path) -> None:
    send(world, "images/a.png")
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for content in (PNG, bytearray(PNG), path, blake3(PNG).hexdigest()):
        for pattern in ("images/a.png", "images/*", "**/a.png", "*/?.png"):
            world.journal.assert_uploaded(
                pattern, content=content, mime="image/*", route="stream", size=len(PNG)
            )
    world.journal.assert_uploaded("images/a.png", route="upload-file-stream", mime="IMAGE/PNG")
    for wrong in (
        {"content": b"other"},
        {"content": blake3(b"other").hexdigest()},
        {"mime": "image/gif"},
        {"route": "base64"},
        {"size": 1},
        {"size": 0},
    ):
        failure(world.journal.assert_uploaded, "images/a.png", **wrong)
        failure(world.journal.assert_uploaded, "images/a.png", None, **wrong)
        world.journal.assert_not_uploaded("images/a.png", **wrong)
    failure(world.journal.assert_not_uploaded, "images/*.png", content=PNG)


def test_uploads_are_counted(world: Kie) -> None:
    for content in (b"one", b"two"):
        send(world, "a/b.txt", content)
    first, second = world.journal.assert_uploaded("a/b.txt", 2)
    assert [first.entry.seq, second.entry.seq] == [1, 2]
    assert world.journal.assert_uploaded("a/b.txt", count=None) == [first, second]
    assert world.journal.assert_uploaded("a/b.txt", content=b"one") == [first]
    text = failure(world.journal.assert_uploaded, "a/b.txt")
    assert text.startswith(
        "a/b.txt was not uploaded once, but 2 times\nThese are the ones:\n   1  POST"
    )
    text = failure(world.journal.assert_uploaded, "a/b.txt", 3)
    assert text.startswith("a/b.txt was not uploaded 3 times, but 2 times\n")
    with pytest.raises(ValueError, match="assert_not_uploaded"):
        world.journal.assert_uploaded("a/b.txt", 0)


def test_what_cannot_be_expected_is_said_at_once(world: Kie) -> None:
    with pytest.raises(ValueError, match="'form' is none of the operations upload-file-stream"):
        world.journal.assert_uploaded("a/b", route="form")
    with pytest.raises(ValueError, match="encode a text first"):
        world.journal.assert_not_uploaded("a/b", content="text")
    with pytest.raises(TypeError, match="an upload has no contents"):
        world.journal.assert_uploaded("a/b", contents=b"")  # type: ignore[call-arg]


# ------------------------------------------------------------- it does not hold, and says why


def test_a_mismatch_is_shown_fact_by_fact(world: Kie) -> None:
    send(world, "docs/other.txt", b"far away")
    send(world, "Images/a.png", base64.b64encode(PNG), mime="image/png")
    text = failure(
        world.journal.assert_uploaded,
        "images/a.png",
        content=PNG,
        mime="image/jpeg",
        route="base64",
        size=16,
    )
    sent = base64.b64encode(PNG)
    shown = f"16 bytes, BLAKE3 {blake3(PNG).hexdigest()[:16]}…, {PNG!r}"
    facts = f"the content {shown}, 16 bytes, the type image/jpeg, the route upload-file-base64"
    assert text.splitlines()[:19] == [
        f"images/a.png with {facts} was not uploaded",
        "The nearest of 2 other uploads:",
        "   2  POST /api/file-stream-upload 200  [kept Images/a.png, 24 bytes, image/png]",
        "      path: expected images/a.png",
        "            got      Images/a.png",
        "            they differ in upper and lower case only",
        f"      content: expected {shown}",
        f"               got      24 bytes, BLAKE3 {blake3(sent).hexdigest()[:16]}…",
        "               what arrived is the base64 text, undecoded",
        f"               they part at byte 0: {PNG!r} was expected, {sent!r} arrived",
        "      size: expected 16",
        "            got      24",
        "      mime: expected image/jpeg",
        "            got      image/png",
        "            the request said image/png; content and name outweigh that",
        "      route: expected upload-file-base64",
        "             got      upload-file-stream",
        "   1  POST /api/file-stream-upload 200  [kept docs/other.txt, 8 bytes, text/plain]",
        "      path: expected images/a.png",
    ]


@pytest.mark.parametrize("end", ["overwritten", "expired", "deleted"])
def test_bytes_that_are_gone_are_still_judged_by_their_digest(world: Kie, end: str) -> None:
    send(world, "a/b.txt", b"a\r\nb\r\n")
    if end == "overwritten":
        send(world, "a/b.txt", b"other")
    elif end == "expired":
        world.clock.advance(days=3)
    else:
        world.files.delete("a/b.txt")
    text = failure(world.journal.assert_uploaded, "a/b.txt", content=b"a\nb\n")
    assert "line ends were changed from LF to CRLF" in text
    assert "is among the files, but no upload" not in text
    assert "only its size and digest are known: the bytes are no longer there" in text


def test_only_the_nearest_are_shown(world: Kie) -> None:
    for number in range(9):
        send(world, f"docs/{number}.txt", b"x")
    send(world, "images/b.png", b"wanted")
    text = failure(world.journal.assert_uploaded, "images/a.png", content=b"wanted")
    assert "The nearest of 10 other uploads:\n  10  POST" in text
    assert text.count("path: expected") == 3


def test_refusals_are_shown_with_their_reasons(world: Kie) -> None:
    answers = [
        send(world, "../a.png"),
        send(world, "images/b.png", headers={"Authorization": "Basic eDp5"}),
        ask(world, "POST", BASE64, json={"uploadPath": "images", "base64Data": "%"}),
        ask(world, "POST", "/api/file-upload", json={}),
        ask(world, "GET", "/12345678/images/a.png"),
    ]
    assert [answer.status_code for answer in answers] == [400, 401, 400, 404, 404]
    text = failure(world.journal.assert_uploaded, "images/a.png")
    for answer in answers[1:4]:
        assert answer.headers["x-mockkie-why"] in text
    assert 'uploadPath: ".." does not match' in text
    assert answers[4].headers["x-mockkie-why"] not in text, "a download is no upload"
    refused = failure(world.journal.assert_no_refused)
    assert refused.startswith("5 requests were refused or failed:\n")
    assert answers[4].headers["x-mockkie-why"] in refused


def test_what_was_meant_comes_first_among_the_refusals(world: Kie) -> None:
    for path in ("images//c.png", "images//a.png", "images//b.png"):
        assert send(world, path).status_code == 400
    text = failure(world.journal.assert_uploaded, "images//a.png")
    assert "Refused or failed, and why:\n   2  POST" in text


def test_a_wrong_key_is_told(world: Kie) -> None:
    answer = send(world, "images/a.png", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    text = failure(world.journal.assert_uploaded, "images/a.png")
    assert answer.headers["x-mockkie-why"] in text
    nested = world.new_world()
    assert answer.headers["x-mockkie-why"] not in failure(nested.journal.assert_uploaded, "a/b")
    world.journal.clear()
    assert answer.headers["x-mockkie-why"] not in failure(world.journal.assert_uploaded, "a/b")


def test_the_key_of_the_default_world_is_told(kie: Kie) -> None:
    send(kie, "images/a.png", headers={"Authorization": f"Bearer {DEFAULT_KEY}"})
    text = failure(kie.journal.assert_uploaded, "images/a.png")
    assert "Uploaded to the world 'default' instead, whose key was sent:\n" in text
    assert "[kept images/a.png, " in text
    assert "whose key" not in failure(kie.journal.assert_uploaded, "images/b.png")


def test_nothing_arrived(world: Kie) -> None:
    assert "No request has reached this world: " in failure(
        world.journal.assert_uploaded, "images/a.png"
    )
    send(world, "a/b")
    text = failure(world.journal.assert_uploaded, "images/a.png")
    assert "No request" not in text
    assert "What was uploaded instead:" in text


def test_a_file_that_is_there_without_an_upload(world: Kie) -> None:
    send(world, "images/a.png")
    world.journal.clear()
    text = failure(world.journal.assert_uploaded, "images/*.png")
    assert "images/a.png is among the files, but no upload of the journal put it there" in text


def test_what_was_evicted_is_not_known(kie: Kie) -> None:
    kie.world.journal.limit = 1
    for path in ("images/a.png", "images/b.png"):
        send(kie, path)
    kie.journal.assert_uploaded("images/b.png")
    for assertion in (kie.journal.assert_uploaded, kie.journal.assert_not_uploaded):
        assert "1 older entries were evicted from the journal" in failure(assertion, "images/a.png")
    assert "whether anything was refused is not known" in failure(kie.journal.assert_no_refused)


def test_what_a_fault_did_not_store_was_not_uploaded(world: Kie) -> None:
    world.faults.add("not-stored", times=1)
    assert send(world, "images/a.png").status_code == 200
    world.journal.assert_not_uploaded("images/a.png")
    text = failure(world.journal.assert_uploaded, "images/a.png")
    assert "Refused or failed, and why:\n   1  POST" in text
    assert "[fault 1: notStored (shot 1)]" in text
    send(world, "images/a.png")
    [upload] = world.journal.assert_uploaded("images/a.png")
    assert upload.entry.seq == 2


def test_what_should_not_have_been_uploaded(world: Kie) -> None:
    world.journal.assert_not_uploaded("**")
    assert send(world, "/a.png").status_code == 400
    world.journal.assert_not_uploaded("**")
    send(world, "images/a.png")
    text = failure(world.journal.assert_not_uploaded, "images/*")
    assert text.startswith("images/* was uploaded:\n   2  POST /api/file-stream-upload 200  [kept")


def test_nothing_was_refused(world: Kie) -> None:
    send(world, "images/a.png")
    world.journal.assert_no_refused()
    why = send(world, "/a.png").headers["x-mockkie-why"]
    text = failure(world.journal.assert_no_refused)
    assert text.startswith("1 request was refused or failed:\n   2  POST")
    assert why in text
    unknown = {"Authorization": "Bearer unknown"}
    why = send(world, "images/a.png", headers=unknown).headers["x-mockkie-why"]
    text = failure(world.journal.assert_no_refused)
    assert text.startswith("2 requests were refused or failed:\n")
    assert why in text
    world.journal.clear()
    world.journal.assert_no_refused()


def test_strangers_may_be_left_out(kie: Kie) -> None:
    send(kie, "images/a.png", headers={"Authorization": "Bearer unknown"})
    kie.journal.assert_no_refused(strangers=False)
    text = failure(kie.journal.assert_no_refused)
    assert "Refused before it was known whose request it is (perhaps one of another test):" in text
    kie.new_world().journal.assert_no_refused()


def test_a_failed_assertion_shows_no_frames_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_fails(kie):
            kie.journal.assert_uploaded("images/a.png")
        """
    )
    text = pytester.runpytest().stdout.str()
    assert "kie_journal.py" not in text
    assert "E       AssertionError: images/a.png was not uploaded" in text


# ------------------------------------------------------------------------------- waiting


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once somebody has looked through the journal in vain, and waits for what comes."""
    begun = threading.Event()

    class Queue(SimpleQueue[Any]):
        def get(self, *values: Any, **options: Any) -> Any:
            begun.set()
            return super().get(*values, **options)

    monkeypatch.setattr(kie_journal, "SimpleQueue", Queue)
    return begun


def test_waiting_for_an_upload(world: Kie, waiting: threading.Event) -> None:
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(world.journal.wait_for_upload, "images/*.png", 60, content=PNG)
        assert waiting.wait(60)
        send(world, "images/a.png", b"not this one")
        send(world, "images/b.png")
        upload = waiter.result(60)
    assert (upload.path, upload.entry.seq) == ("images/b.png", 2)
    assert world._service.watchers == []  # noqa: SLF001 - nobody else can tell
    assert world.journal.wait_for_upload("images/*.png", 0) == upload_at(world, 0)


def upload_at(kie: Kie, index: int) -> kie_journal.Upload:
    return kie.journal.assert_uploaded("**", None)[index]


def test_waiting_for_the_next_one(world: Kie, waiting: threading.Event) -> None:
    send(world, "images/a.png")
    first = world.journal.wait_for_upload("images/a.png")
    assert not waiting.is_set()
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(
            world.journal.wait_for_upload, "images/a.png", 60, after=first.entry.seq
        )
        assert waiting.wait(60)
        world._service.tell(world.world, first.entry)  # noqa: SLF001 - as if its answer was slow
        send(world, "images/a.png", b"again")
        assert waiter.result(60).size == 5
    text = failure(world.journal.wait_for_upload, "images/*", 0.01, after=2)
    assert text == "images/* was not uploaded within 0.01 s behind entry 2"


def test_other_worlds_do_not_wake_anybody(world: Kie, waiting: threading.Event) -> None:
    other = world.new_world()
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(world.journal.wait_for_upload, "a/b", 60)
        assert waiting.wait(60)
        send(other, "a/b", b"not here")
        send(world, "a/b", b"here")
        assert waiter.result(60).size == 4


def test_waiting_in_vain(world: Kie) -> None:
    send(world, "images/b.png")
    text = failure(world.journal.wait_for_upload, "images/a.png", 0.01)
    assert text.startswith("images/a.png was not uploaded within 0.01 s\nWhat was uploaded instead")
    assert "event loop" not in text
    assert world._service.watchers == []  # noqa: SLF001 - as above

    async def block() -> None:
        text = failure(world.journal.wait_for_upload, "images/a.png", 0.01)
        assert "`await kie.journal.async_wait_for_upload(...)` lets it go on" in text

    asyncio.run(block())


def test_waiting_in_a_coroutine(world: Kie, waiting: threading.Event) -> None:
    async def upload_when_somebody_waits() -> None:
        assert await asyncio.to_thread(waiting.wait, 60)
        async with world.async_client as client:
            file = {"file": ("a.png", PNG)}
            await client.post(STREAM, files=file, data={"uploadPath": "i", "fileName": "a.png"})

    async def go() -> None:
        waiter = world.journal.async_wait_for_upload("i/a.png", 60, mime="image/png")
        upload, _ = await asyncio.gather(waiter, upload_when_somebody_waits())
        assert upload.digest == blake3(PNG).hexdigest()
        assert await world.journal.async_wait_for_upload("i/*") == upload
        with pytest.raises(AssertionError, match=r"i/b was not uploaded within 0\.01 s"):
            await world.journal.async_wait_for_upload("i/b", 0.01)

    asyncio.run(go())


def test_nobody_waits_on_for_who_gave_up(world: Kie, waiting: threading.Event) -> None:
    async def go() -> None:
        before = threading.active_count()
        waiter = asyncio.create_task(world.journal.async_wait_for_upload("a/b", 600))
        assert await asyncio.to_thread(waiting.wait, 60)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert world._service.watchers == []  # noqa: SLF001 - as above
        assert before <= threading.active_count()

    run_to_the_end(go())


def run_to_the_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine; a thread that waited on would keep the pool from closing."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(60)
