"""One target for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .target import Target, open_target


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The API under test; see `target.open_target`."""
    with open_target() as opened:
        yield opened
