"""What mockkie writes and reads again: receipts, recordings, HAR, journals."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import click
import orjson
import requests

from mockkie.clock import real_now
from mockkie.harness.har import Tape
from mockkie.harness.receipts import Planting, read_receipts
from mockkie.harness.recording import Recording
from mockkie.harness.resuming import Judged
from mockkie.journal import Entry, Field, head_text
from mockkie.lines import request_line
from mockkie.problems import UsageError
from reliability.target import Check, Target, hold, line_of, split_off, text_of

JSON: Final = (b'"', b"{", b"}", b"[", b"]", b":", b",", b"null", b"1e9", b"-1", b"\n", b"\\u0000")


KEY: Final = "kie-secret-key-of-the-fuzzer"


def receipts() -> Check:
    """The files of `mockkie probe`."""
    read = _of_file("receipts.json", read_receipts)

    def check(data: bytes) -> None:
        planting = read(data)
        if planting is not None:
            hold(Planting.from_json(planting.to_json()) == planting, "another planting")
            public = orjson.dumps(planting.published()).decode()
            for receipt in planting.receipts:
                known = receipt.link not in planting.target and len(receipt.link) > 16  # noqa: PLR2004 - no word
                hold(
                    not known
                    or receipt.link not in public
                    or receipt.link in str(_texts(planting)),
                    "a link",
                )

    return check


def _texts(planting: Planting) -> list[Any]:
    looks = [look.to_json() for receipt in planting.receipts for look in receipt.looks]
    return [planting.missing, looks, [receipt.digests for receipt in planting.receipts]]


def recordings() -> Check:
    """Recordings."""
    read = _of_file("recording.json", Recording.read)

    def check(data: bytes) -> None:
        recording = read(data)
        if recording is not None:
            again = read(recording.to_json())
            hold(again == recording, "another recording", again)

    return check


def resumed() -> Check:
    """The files of `mockkie check --resume`."""
    read = _of_file("resume", lambda path: Judged.open(path, "http://localhost", "quick", 1, ()))

    def check(data: bytes) -> None:
        judged = read(data)
        if judged is not None:
            hold(judged.spent("a") is not None, "no number")

    return check


def _of_file(name: str, read: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """What is read of a file, None when it is refused."""
    folder = tempfile.mkdtemp(prefix="mockkie-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / name

    def of(data: bytes) -> Any:
        path.write_bytes(data)
        try:
            return read(path)
        except UsageError as error:
            hold(str(path) in str(error), "no place", str(error))
            return None

    return of


def tapes() -> Check:
    """HAR files of answers of strangers: no key, no host and no link is in one."""
    session = requests.Session()

    def check(data: bytes) -> None:
        session.hooks["response"] = []
        target: Any = SimpleNamespace(
            url="http://upload.host.test", secrets=(KEY, "upload.host.test"), session=session
        )
        tape = Tape(target)
        status, media, link, body = split_off(data, 4)
        answer = requests.Response()
        answer.status_code = 200 + len(status) % 300
        answer.headers["Content-Type"] = line_of(media)
        answer.headers["Location"] = f"{target.url}/{KEY}"
        address = f"http://download.host.test/secret-{line_of(link)}"
        quoted = orjson.dumps(address) if b"%LINK" in body else b""
        answer._content = body.replace(b"%LINK", quoted).replace(b"%KEY", KEY.encode())  # noqa: SLF001 - as an adapter does
        answer.elapsed = timedelta(seconds=1)
        answer.request = requests.Request(
            "POST",
            f"{target.url}/api/{KEY}",
            {"Authorization": f"Bearer {KEY}"},
            json={"a": address},
        ).prepare()
        for hook in session.hooks["response"]:
            hook(answer)
            hook(answer)
        written = tape.to_json()
        hold(KEY.encode() not in written, "the key")
        hold(b"upload.host.test" not in written, "the host")
        orjson.loads(written)

    return check


def journals() -> Check:
    """Entries of a journal: there and back, and on one line."""

    def check(data: bytes) -> None:
        target, name, value, why, path = split_off(data, 5)
        texts = [text_of(piece) for piece in (target, why, path)]
        asked = "".join(letter for letter in texts[0] if "!" <= letter <= "~")  # as HTTP has it
        field = Field(text_of(name), "text", len(name), "0" * 64, texts[0], texts[1])
        entry = Entry(
            *(real_now(), "POST", asked),
            head=head_text([(line_of(name).replace(":", ""), line_of(value))]),
            path=texts[2],
            fields=[field],
            notes=[texts[1]],
            why=texts[1],
            status=200,
        )
        written = orjson.loads(orjson.dumps(entry.to_json()))
        hold(Entry.from_json(written).to_json() == written, "another entry", written)
        hold(click.unstyle(request_line(entry)).isprintable(), "more than a line")

    return check


RECORDS: Final = (
    Target(
        "receipts",
        "receipts are read and written alike, or refused with a reason, and publish no link",
        *(receipts, 40, 900, JSON),
    ),
    Target(
        "recordings",
        "a recording is read and written alike, or refused with a reason",
        *(recordings, 80, 900, JSON),
    ),
    Target(
        "resumed",
        "a file of --resume is gone on with, or refused with a reason",
        *(resumed, 25, 400, JSON),
    ),
    Target(
        "har",
        "a HAR has no key and no host in it, whatever was answered",
        *(
            tapes,
            30,
            300,
            (*JSON, b"%LINK", b"%KEY", b'"downloadUrl":', b'"data":{', b"application/json|"),
        ),
    ),
    Target(
        "journal",
        "an entry of the journal is written and read alike, on one line",
        *(journals, 150, 200, (b"|", b"\n", b"\r", b"\x1b[2J", b": ", b"\xe2\x80\xae")),
    ),
)
