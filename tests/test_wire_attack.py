"""The attack on the wire notices what is planted: answers too many, files too many, other ends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockkie.protocol import Protocol
from reliability import wire
from reliability.run import Outcome, Run
from reliability.wire_cases import cases
from reliability.wire_messages import CHUNKED, Case, chunks, get, upload


@pytest.fixture
def run(tmp_path: Path) -> Run:
    outcome = Outcome("wire", "2026-01-01", "a machine", 1, short=True)
    return Run(outcome, tmp_path, random.Random(1))  # noqa: S311 - to be had again


@pytest.fixture
def on_the_wire() -> Iterator[wire.Wire]:
    found = wire.Wire()
    yield found
    found.close()


def judged(run: Run, on_the_wire: wire.Wire, case: Case) -> list[str]:
    wire.judge(run, on_the_wire, case, [case.sent])
    return run.outcome.failures


def test_what_is_as_it_should_be_is_no_failure(run: Run, on_the_wire: wire.Wire) -> None:
    for case in (
        Case("an upload", upload(), (200,), ("kept",), closed=False),
        Case("no host", upload(host=None)),
        Case("two", get() + upload(name="b"), (200, 200), ("b",), closed=False),
    ):
        assert judged(run, on_the_wire, case) == []


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            Case("a", upload(), (400,), ("kept",), closed=False),
            r"answered (200, 404), not (400, 404)",
        ),
        (Case("a", upload(), (200,), (), closed=False), "kept ['kept'], not []"),
        (Case("a", upload(host=None), (), closed=False), "answered (400,), not (404,)"),
        (
            Case("a", upload() + upload(), (200,), ("kept",), closed=False),
            "answered (200, 200",  # whether what is asked behind it was answered, too, or not yet
        ),
    ],
)
def test_what_is_not_is_told(run: Run, on_the_wire: wire.Wire, case: Case, told: str) -> None:
    failures = judged(run, on_the_wire, case)
    assert told in failures[0]


def test_a_lenient_server_is_found_out(
    run: Run, on_the_wire: wire.Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the judgement of heads, as uvicorn has them."""
    monkeypatch.setattr(Protocol, "_judge_head", lambda _: None)
    found = [
        case.name
        for case in cases()
        if case.name in ("no Host", "TE in HTTP/1.0", "b'GET /livez HTTP/2.0'")
        and judged(run, on_the_wire, case)
    ]
    assert len(found) == 3


def test_headers_behind_a_body_are_found_out(
    run: Run, on_the_wire: wire.Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Protocol, "on_header", Protocol.__mro__[1].on_header)  # type: ignore[attr-defined]
    [case] = [one for one in cases() if one.name == "a trailer that takes the key away"]
    assert judged(run, on_the_wire, case)


def test_h11_sees_uploads_where_there_are_some() -> None:
    sized, chunked = upload(name="a"), upload(CHUNKED, body=chunks("b"), sized=False)
    assert wire.uploads(sized + get() + chunked) == {"a", "b"}
    assert wire.uploads(upload(CHUNKED, CHUNKED, body=chunks("b"), sized=False)) == set()
    hidden = get(b"/livez", b"HTTP/1.1", b"Content-Length: %d" % len(sized)) + sized
    assert wire.uploads(hidden) == set()
    assert wire.uploads(sized[:-1]) == set()


def test_names_of_cases_are_unique_and_each_is_bytes() -> None:
    names = [case.name for case in cases()]
    assert len(names) > 180
    assert len(set(names)) == len(names)
