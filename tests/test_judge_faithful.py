"""No false alarms: servers on another stack that do as the documents say, each in its own way."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.foreign import FAITHFUL, foreign
from tests.judging import Run, check, judge
from tests.wsgi_api import wsgi_api
from tests.wsgi_ways import FAITHFUL as WSGI_WAYS

pytestmark = pytest.mark.usefixtures("unmeasured")
SLOW: Final = {"rate-limit": ("--only", "overwrite")}
"""Variants that make the judge wait: these are asked less."""
TIME: Final = {
    "expiry.three-days",
    "expiry.of-its-own",
    "expiry.reading",
    "overwrite.restarts-life",
}


CHOSEN: Final = "clock seconds stale gone-410-html rate-limit live-like bare far-east".split()
"""What the others do, these do several at a time; docs/kill-table.md has each by itself."""


FLASK: Final = (
    "downloads-apart extra-keys fraction-when-needed extension-by-type type-by-content "
    "gone-410-text slashes-kept gzip http-1.0 lax strict small-shop like-node redirected "
    "failed-fetch-500"
).split()
"""Of another stack, whose author had not seen the suite."""


def is_upheld(run: Run, *, clock: bool) -> None:
    """Every documented clause; where the clock cannot be moved, time is deferred."""
    assert run.verdicts("violated", "documented") == set(), run.output
    assert run.code == 0
    assert run.report["requests"] <= 1_500
    known = {clause["id"] for clause in run.report["clauses"]}
    expected = set() if clock else TIME & known
    # An overwrite is upheld by what needs no clock, too.
    assert run.verdicts("deferred") - TIME == set()
    assert run.verdicts("deferred") <= expected


@pytest.mark.parametrize("name", CHOSEN)
def test_a_faithful_server_is_upheld(tmp_path: Path, name: str) -> None:
    with foreign(FAITHFUL[name]) as server:
        keys = ("--key", server.key, "--other-key", server.keys[1])
        run = check(tmp_path, server.url, *keys, *SLOW.get(name, ()))
    is_upheld(run, clock=FAITHFUL[name].clock)


@pytest.mark.parametrize("name", FLASK)
def test_a_faithful_server_of_another_stack_is_upheld(tmp_path: Path, name: str) -> None:
    with wsgi_api(name) as server:
        other = ("--other-key", server.keys[1]) if server.keys[1:] else ()
        run = check(tmp_path, server.url, "--key", server.keys[0], *other)
    is_upheld(run, clock=WSGI_WAYS[name].clock)


@pytest.mark.parametrize("name", ["downloads-apart-observed", "strict", "type-by-content", "lax"])
def test_the_mock_and_a_faithful_server_are_alike(tmp_path: Path, name: str) -> None:
    with wsgi_api(name) as server:
        keys = ("--key", server.keys[0], "--other-key", server.keys[1])
        run = judge(tmp_path, "compare", server.url, *keys)
    assert run.code == 0, run.output
