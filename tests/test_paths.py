"""The order of the paths of a memory store, against a sorted set."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.store import paths
from mockkie.store.paths import Paths


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "BLOCK", 3)


TEXTS = st.text("ab\U0001f600é/", max_size=3)


@given(st.lists(TEXTS), TEXTS, st.integers(1, 9))
def test_pages_are_those_of_a_sorted_set(changes: list[str], after: str, limit: int) -> None:
    """A text that is there is taken out, another one is put in."""
    known, wanted = Paths(), set[str]()
    for text in changes:
        if text in wanted:
            known.remove(text)
        else:
            known.add(text)
        wanted ^= {text}
        assert list(known.behind("")) == sorted(wanted - {""})
    behind = sorted(text for text in wanted if text > after)
    assert list(islice(known.behind(after), limit)) == behind[:limit]


def test_ten_thousand_in_any_order() -> None:
    known = Paths()
    texts = [f"{number * 7_919 % 10_007}" for number in range(10_007)]
    for text in texts:
        known.add(text)
    assert list(known.behind("")) == sorted(texts)
    for text in texts[:-1]:
        known.remove(text)
    assert list(known.behind("")) == texts[-1:]
