"""One multipart body, four parsers: what they disagree about, and what was decided."""

from __future__ import annotations

import logging
import random
from collections import Counter
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from reliability.form_bodies import BOUNDARY, body
from reliability.form_classes import ACCEPTED, DECISIONS, boundary_class, classes
from reliability.form_readers import OTHERS, TYPE_READERS, our_boundary, ours
from reliability.form_types import content_type
from reliability.run import Run

TITLE: Final = "Forms that parsers disagree about"
WHOLE: Final = 400_000
SHORT: Final = 6_000
_TYPES: Final = 4  # bodies for each Content-Type
_TABLE: Final = "\n".join(
    f"| `{one.name}` | {one.about} | {'read' if one.name in ACCEPTED else 'refused'}: {one.why} |"
    for one in DECISIONS
)
ABOUT: Final = f"""\
A server reads a form one way, the proxy or the scanner in front of it another way: that is how
files are smuggled past checks, and how a test passes on a mock and fails on the service. Multipart
bodies are made by a grammar that breaks each of its rules from time to time, and are then mutated;
Content-Types are made the same way. Werkzeug, python-multipart, `multipart` 2 and mockkie read
each of them. What one reads and another refuses, or reads otherwise, is put into a class, by what
is in the bytes. Each class has a decision, in this table; a disagreement without a class is a
failure. Where two parsers get other parts, names or contents out of the same bytes, mockkie
refuses them, but for the classes that it has to read since common clients send them so.

| class | what is sent | mockkie |
|---|---|---|
{_TABLE}
"""
FOUND: Final = (
    "A boundary behind a lone CR or LF was content, for Werkzeug it is a boundary: it is refused.",
    "A malformed Content-Disposition, or one with a parameter twice or in pieces, is refused.",
    "Control characters in the heads of parts were passed over: they are refused.",
    "A second boundary in disguise (`boundary*=`, `boundary=a,boundary=b`) is refused.",
    "An unquoted boundary that others cut short, at `=` or a comma, is refused.",
)


def attack(run: Run) -> None:
    """Make bodies, have them read, and put what differs into classes."""
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    seen, read = Counter[str](), 0
    count = run.size(WHOLE, SHORT)
    for number in range(count):
        seed = run.random.getrandbits(48)
        data = body(random.Random(seed))
        found = ours(data, BOUNDARY)
        read += not isinstance(found, str)
        for name, reader in OTHERS.items():
            theirs = reader(data, BOUNDARY)
            for one in classes(data, found, name, theirs):
                _account(
                    run, one, data, f"{name} has {theirs!r:.300}, mockkie {found!r:.300}", seen
                )
        if number % _TYPES == 0:
            _content_type(run, content_type(random.Random(seed)), seen)
        run.tell(lambda: f"{number:,} bodies")  # noqa: B023 - told at once
    run.figure("bodies", count)
    run.figure("bodies that mockkie reads", read)
    run.figure("parsers beside mockkie's", len(OTHERS))
    for decision in DECISIONS:
        run.figure(f"disagreements: `{decision.name}`", seen[decision.name])
    run.figure("disagreements in all, decided", sum(seen.values()))
    for decision in () if run.short else DECISIONS:
        if not seen[decision.name]:
            run.fail(f"no disagreement was of the class {decision.name}: is it still one?")


def _content_type(run: Run, text: str, seen: Counter[str]) -> None:
    found = our_boundary(text)
    for name, reader in TYPE_READERS.items():
        theirs = reader(text)
        if theirs != found:
            one = boundary_class(text, found, theirs)
            told = f"{name} has the boundary {theirs!r}, mockkie {found!r}"
            _account(run, one, text.encode(), told, seen)


def _account(run: Run, one: str | None, data: bytes, told: str, seen: Counter[str]) -> None:
    if one is not None:
        seen[one] += 1
        return
    kept = Path(gettempdir()) / f"mockkie-form-{run.outcome.seed}"
    kept.write_bytes(data)
    run.fail(f"undecided: {told}; the bytes are in {kept}")
