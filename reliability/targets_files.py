"""What comes in files: documents, faults, settings, receipts, recordings, HAR, journals."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import click
import orjson
import requests

from mockkie.arming import Armed
from mockkie.changes import nested, read_changes, read_words
from mockkie.clock import real_now
from mockkie.conditions import Facts
from mockkie.contract import Contract
from mockkie.document import Document
from mockkie.faults import Fault
from mockkie.harness.har import Tape
from mockkie.harness.receipts import Planting, read_receipts
from mockkie.harness.recording import Recording
from mockkie.harness.resuming import Judged
from mockkie.journal import Entry, Field, head_text
from mockkie.lines import request_line
from mockkie.overlay import Overlay
from mockkie.problems import UsageError
from mockkie.scenarios import Script, read_script
from reliability.target import Check, Target, hold, line_of, split_off, text_of

KEY: Final = "kie-secret-key-of-the-fuzzer"
SMALL: Final = """\
openapi: 3.1.0
info: {title: Small, version: "1"}
x-mockkie: {retention: P3D}
paths:
  /a:
    get:
      operationId: a
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}
"""
_FACTS: Final = Facts("upload-file-stream", "/api/file-stream-upload", 0, "key", "", 9, "a", 1)


def documents() -> Check:
    """OpenAPI documents, their settings with them."""

    def check(data: bytes) -> None:
        for name in ("a.yaml", "a.json"):
            try:
                document = Document(text_of(data), name)
                Contract(document)
            except UsageError as error:
                hold(str(error).startswith(name), "no place", str(error))

    return check


def settings() -> Check:
    """The `x-mockkie` of a document, and the settings of commands and worlds."""

    def check(data: bytes) -> None:
        text = text_of(data)
        try:
            Contract(Document(SMALL.replace("{retention: P3D}", "\n" + text), "a.yaml"))
        except UsageError as error:
            hold(str(error).startswith("a.yaml"), "no place", str(error))
        for read in (partial(read_words, text.split("|")), partial(_changes, data)):
            try:
                changes = read()
                hold(read_changes(nested(changes)) == changes, "another setting", changes)
            except UsageError as error:
                hold(len(str(error).split()) > 2, "no reason", str(error))  # noqa: PLR2004 - a sentence

    return check


def _changes(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return read_changes(value, of_world=True)


def overlays() -> Check:
    """Overlays, and what becomes of a document by them."""

    def check(data: bytes) -> None:
        try:
            overlay = Overlay(text_of(data), "o.yaml")
            Document(SMALL, "a.yaml", [overlay])
        except UsageError as error:
            hold(str(error).startswith(("o.yaml", "a.yaml")), "no place", str(error))

    return check


def faults() -> Check:
    """Faults in every form, and scripts of them."""

    def check(data: bytes) -> None:
        text = text_of(data)
        found = [_fault(partial(Fault.of, text))]
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            value = None
        if value is not None:
            found.append(_fault(partial(Fault.of, value)))
        if isinstance(value, dict):
            with contextlib.suppress(UsageError):
                found += read_script(value)[1]
        try:
            found += Script(text, "s.yaml").faults
        except UsageError as error:
            hold(len(str(error)) > 2, "no reason", str(error))  # noqa: PLR2004 - a sentence
        for fault in found:
            if fault is not None:
                _judge_fault(fault)

    return check


def _fault(read: Callable[[], Fault]) -> Fault | None:
    try:
        return read()
    except UsageError as error:
        hold(len(str(error).split()) > 2, "no reason", str(error))  # noqa: PLR2004 - a sentence
        return None


def _judge_fault(fault: Fault) -> None:
    written = orjson.loads(orjson.dumps(fault.to_json()))
    hold(Fault.of(written) == fault, "another fault", written)
    hold(str(fault), "no words")
    armed = Armed("f1", fault, 0)
    armed.aim(_FACTS)
    state = orjson.loads(orjson.dumps(armed.state()))
    armed.set_state(state)
    hold(orjson.loads(orjson.dumps(armed.state())) == state, "another state", state)


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


YAML_WORDS: Final = (
    *(
        b"\n",
        b": ",
        b"- ",
        b"&a ",
        b"*a",
        b"<<: ",
        b"!!",
        b"|\n",
        b"'",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
    ),
    *(b"openapi: 3.1.0\n", b"paths:\n", b"x-mockkie:\n", b"$ref: '#/", b"retention: P3D", b"~"),
    *(
        b"schema:",
        b"type: object",
        b"properties:",
        b"overlay: 1.1.0\n",
        b"actions:\n",
        b"target: $",
    ),
    *(b"update:", b"copy: $", b"remove: true", b"$..*", b"[?@.a]", b"1e999", b"0x1", b"2025-01-01"),
)
JSON: Final = (b'"', b"{", b"}", b"[", b"]", b":", b",", b"null", b"1e9", b"-1", b"\n", b"\\u0000")
FAULT_WORDS: Final = (
    *(b"status=500", b"nth=3", b"latency=", b"uniform:1:2", b"reset=1", b"stall=1", b"times=1"),
    *(
        b'"then":{',
        b'"when":{',
        b'"status":500',
        b'"faults":[',
        b"operation=",
        b"quota=",
        b"headers=",
    ),
    *(
        b"corrupt=",
        b"truncate=",
        b"edit=",
        b"path=*",
        b"since=PT1S",
        b"probability=0.5",
        b"seed=1",
        *JSON,
    ),
)
FILES: Final = (
    Target(
        "documents",
        "a document is understood, or refused with the place that is wrong",
        *(documents, 40, 700, YAML_WORDS),
    ),
    Target(
        "settings",
        "settings are read and written alike, or refused with a reason",
        *(settings, 25, 200, (*YAML_WORDS, *JSON)),
    ),
    Target(
        "overlays",
        "an overlay changes a document, or is refused with the place that is wrong",
        *(overlays, 25, 500, YAML_WORDS),
    ),
    Target(
        "faults",
        "a fault is read and written alike, or refused with a reason",
        *(faults, 100, 200, FAULT_WORDS),
    ),
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
