"""No false alarms: servers on another stack that do as the documents say, each in its own way."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.foreign import FAITHFUL, foreign
from tests.judging import check

SLOW: Final = {"rate-limit": ("--only", "overwrite")}
"""Variants that make the judge wait: these are asked less."""
TIME: Final = {
    "expiry.three-days",
    "expiry.of-its-own",
    "expiry.reading",
    "overwrite.restarts-life",
}


CHOSEN: Final = (
    "clock observed-links download-port chinese seconds no-head stale gone-410-html trim "
    "rate-limit close live-like bare far-east"
).split()
"""Each takes ten seconds; the variants that are left out differ from these in one thing."""


@pytest.mark.parametrize("name", CHOSEN)
def test_a_faithful_server_is_upheld(tmp_path: Path, name: str) -> None:
    """Every documented clause; where the clock cannot be moved, time is deferred."""
    ways = FAITHFUL[name]
    with foreign(ways) as server:
        keys = ("--key", server.key, "--other-key", server.keys[1])
        run = check(tmp_path, server.url, *keys, *SLOW.get(name, ()))
    assert run.verdicts("violated", "documented") == set(), run.output
    assert run.code == 0
    assert run.report["requests"] <= 1_500
    known = {clause["id"] for clause in run.report["clauses"]}
    expected = set() if ways.clock else TIME & known
    # An overwrite is upheld by what needs no clock, too.
    assert run.verdicts("deferred") - TIME == set()
    assert run.verdicts("deferred") <= expected
