"""What is shown of an answer: short, without keys, and nothing that somebody still reads."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import requests
from hypothesis import assume, given
from hypothesis import strategies as st

import mockkie
from mockkie.harness.answered import hiding
from mockkie.harness.plan import Plan
from mockkie.harness.target import open_target

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=24)


@given(KEYS, st.text(), st.text(), st.sampled_from([str, str.swapcase, str.upper, quote]))
def test_a_key_is_hidden_however_it_is_spelt(
    key: str, before: str, after: str, spelt: type
) -> None:
    assume("KIE_API_KEY" not in key.upper() and key.upper() not in "$KIE_API_KEY")
    text = hiding([(key, "$KIE_API_KEY"), (None, "x")])(before + spelt(key) + after)
    assert "$KIE_API_KEY" in text
    assert key.lower() not in text.lower().replace("$kie_api_key", "")


@given(KEYS, st.integers(8, 24), st.text())
def test_the_beginning_of_a_key_is_hidden(key: str, length: int, after: str) -> None:
    """The suite sends half a key, and what a target says of it may be cut anywhere."""
    assume(len(key) >= 8)
    assume("KIE_API_KEY" not in key.upper())
    text = hiding([(key, "$K")])(f"unknown key: {key[:length]}")
    assert text == "unknown key: $K"
    assert hiding([(key, "$K")])(f"{key[:8]}{after}").startswith("$K")


def test_nothing_is_hidden_where_nothing_is_secret() -> None:
    assert hiding([(None, "x"), ("", "y")])("any text") == "any text"


@pytest.fixture
def answers() -> list[str]:
    """Of a text, of bytes, of a long text, of a stream that nobody read, and of no answer."""
    with mockkie.serve(keys=["its-secret-key"]) as kie:
        contents = (b"its-secret-key is a text", b"\0\1" * 200, b"x" * 50_000)
        names = ("f/a.txt", "f/b.bin", "f/c.txt")
        seeded = kie.files.seed(dict(zip(names, contents, strict=True)))
        links = [seeded[name].download_url for name in names]
        plan = Plan(url=kie.base_url, key="its-secret-key")
        with open_target(plan) as target:
            for link in links:
                target.get(link)
            target.get(links[0], stream=True)
            with pytest.raises(AssertionError):
                target.get("http://127.0.0.1:9/nobody")
            return list(target.answers(6))


def test_answers_are_shortened(answers: list[str]) -> None:
    text, binary, long, unread, none, again = answers
    assert text.splitlines()[1] == "200 OK"
    assert text.endswith("\n\n$KIE_API_KEY is a text")
    assert binary.endswith("\n\n(400 bytes)")
    assert long.endswith("\n(50,000 bytes in all)")
    assert len(long) < 2_500
    assert unread.splitlines()[1] == "200 OK"
    assert "is a text" not in unread
    assert none == again == "GET http://127.0.0.1:9/nobody\nno answer"


def test_a_body_is_let_go_of_when_the_next_request_is_sent() -> None:
    with mockkie.serve() as kie, open_target(Plan(url=kie.base_url, key=kie.key)) as target:
        for _ in range(3):
            target.get(f"{kie.base_url}/livez")
        kept = [exchange.answer for exchange in target.wire.log]
    assert kept[:-1] == [None, None]
    assert isinstance(kept[-1], requests.Response)
