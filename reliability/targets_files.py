"""What comes in documents: OpenAPI, settings, overlays, faults."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson

from mockkie.arming import Armed
from mockkie.changes import nested, read_changes, read_words
from mockkie.conditions import Facts
from mockkie.contract import Contract
from mockkie.document import Document
from mockkie.faults import Fault
from mockkie.overlay import Overlay
from mockkie.problems import UsageError
from mockkie.scenarios import Script, read_script
from reliability.target import Check, Target, hold, text_of

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
)
