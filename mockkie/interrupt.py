"""Ctrl-C, where Python would lose it. Knows no commands."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Progress = Callable[[int, int, str], None]


@contextmanager
def heard(progress: Progress) -> Iterator[Progress]:
    """A progress that raises `KeyboardInterrupt` once more where it was swallowed.

    Python drops without a word what is raised while it finalizes a file, and the answers of an
    HTTP client are files: a Ctrl-C at such a moment would let the run go on to its end.
    """
    pending = False

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal pending
        pending = True
        raise KeyboardInterrupt

    def tell(done: int, everything: int, name: str) -> None:
        nonlocal pending
        if pending:
            pending = False
            raise KeyboardInterrupt
        progress(done, everything, name)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield progress  # ignored, or somebody else's
        return
    before = signal.signal(signal.SIGINT, hear)
    try:
        yield tell
    finally:
        signal.signal(signal.SIGINT, before)
