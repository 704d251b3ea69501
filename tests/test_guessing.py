"""How long a key takes to be refused tells nothing of it, and the attack would see it."""

from __future__ import annotations

import pytest

from reliability.guessing import JUDGES, KEY, unlikeness


@pytest.mark.parametrize("name", JUDGES)
def test_time_does_not_tell_how_much_of_a_key_was_right(name: str) -> None:
    assert 0.5 < unlikeness(JUDGES[name]) < 2


def test_a_comparison_that_ends_early_is_seen() -> None:
    assert unlikeness(lambda key: key == KEY) > 2
