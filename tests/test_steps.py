"""Steps as data: written, read back, refused when they are none, and made fewer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockkie.harness.compare import walks_of
from mockkie.harness.document import clauses
from mockkie.harness.observation import scrub
from mockkie.harness.plan import Plan
from mockkie.harness.shrinking import shorten
from mockkie.harness.step_schema import why_no_step
from mockkie.harness.steps import (
    Content,
    Read,
    Upload,
    Wait,
    Walk,
    step_from_json,
    step_to_json,
)
from mockkie.harness.wording import in_words

WALKS = walks_of(Plan(profile="full"))


def test_every_step_comes_back_from_json() -> None:
    steps = [step for walk in WALKS for step in walk.steps]
    for step in steps:
        written = json.loads(json.dumps(step_to_json(step)))
        assert why_no_step(written) == ""
        assert step_to_json(step_from_json(written)) == step_to_json(step)
        assert in_words(step_from_json(written)) == in_words(step)


def test_walks_have_names_of_their_own_and_clauses_of_the_document() -> None:
    names = [walk.name for walk in WALKS]
    assert sorted(names) == sorted(set(names))
    assert {walk.about for walk in WALKS} <= {clause.id for clause in clauses()}


def test_the_same_seed_gives_the_same_walks() -> None:
    assert walks_of(Plan(seed=1)) == walks_of(Plan(seed=1))
    assert walks_of(Plan(seed=1)) != walks_of(Plan(seed=2))


def test_contents_of_one_size_differ_everywhere() -> None:
    one, other = Content(counting=200_001).read(), Content(counting=200_001, first=1).read()
    assert len(one) == len(other) == 200_001
    assert one[:4] != other[:4]
    assert one[-8:] != other[-8:]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ([], "it is no object"),
        ({}, "`do` is None"),
        ({"do": "delete"}, "`do` is 'delete'"),
        ({"do": "read"}, "of"),
        ({"do": "read", "of": "a", "speed": 1}, "speed"),
        ({"do": "read", "of": "a", "times": 1_000_000}, "times"),
        ({"do": "upload", "route": "ftp"}, "route"),
        ({"do": "upload", "auth": "stolen"}, "auth"),
        ({"do": "upload", "content": {"hex": "abc"}}, "content.hex"),
        ({"do": "upload", "content": {"counting": 10**12}}, "content.counting"),
        ({"do": "ask", "path": "http://example.com/"}, "path"),
        ({"do": "ask", "path": "/__mockkie/reset", "method": "POST"}, "path"),
        ({"do": "ask", "path": "/api/a", "method": "GET\r\nX: y"}, "method"),
        ({"do": "wait", "lives": -1}, "lives"),
        ({"do": "many", "upload": {"route": "x"}, "times": 1}, "upload.route"),
    ],
)
def test_what_is_no_step_is_refused(step: Any, why: str) -> None:
    assert why in why_no_step(step)


def test_a_walk_is_made_as_short_as_it_still_shows() -> None:
    noise = [Upload(name=f"{n}.txt", link=f"n{n}") for n in range(20)]
    steps = [*noise[:7], Upload(name="a", link="a"), *noise[7:], Wait(1), Read("n3"), Read("a")]
    tries: list[int] = []

    def shows(walk: Walk) -> bool:
        tries.append(len(walk.steps))
        waits = any(isinstance(step, Wait) for step in walk.steps)
        return waits and walk.steps[-1] == Read("a")

    short = shorten(Walk("w", "a.b", steps), shows, 100)
    assert short.steps == (Upload(name="a", link="a"), Wait(1), Read("a"))
    assert shorten(Walk("w", "a.b", steps), lambda _: False, 100).steps == steps
    tries.clear()
    shorten(Walk("w", "a.b", steps), shows, 3)
    assert len(tries) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "see https://kieai.redpandaai.co/123/a?b",
        "at 10.0.0.12:8080",
        "account 4200017",
        "id 0b7e3c5e9d4f4b7c8a61f0e2",
        "in mockkie-0123456789ab/17",
        "since 2026-11-24T12:00:00.000Z",
    ],
)
def test_texts_lose_what_tells_targets_apart(text: str) -> None:
    word, _, secret = text.partition(" ")
    assert scrub(text).startswith(f"{word} <")
    assert not set(secret.split("/")) & set(scrub(text).split("/"))
