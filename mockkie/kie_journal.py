"""The journal of one world for whoever holds its handle, and what can be asserted of it.

Knows no pytest: what does not hold is an `AssertionError` that says what came nearest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, Unpack

from mockkie.clock import stopwatch
from mockkie.expectation import Expectation, Facts
from mockkie.explanation import Explanation
from mockkie.journal import Entry
from mockkie.kie_clock import Run
from mockkie.kie_files import File, KieFiles
from mockkie.service import Service
from mockkie.worlds import World

_SECONDS: Final = 5.0
_FACTS: Final = fields(File)


@dataclass(frozen=True, slots=True)
class Upload(File):
    """A file that was uploaded: what was kept then, and the `entry` of the journal about it."""

    entry: Entry


class KieJournal:
    """What was asked of the world and what it answered, oldest first."""

    def __init__(self, service: Service, world: World, files: KieFiles, run: Run) -> None:
        self._service = service
        self._run = run
        self._world = world
        self._files = files
        self.forget_strangers()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._world.journal.entries())

    def __len__(self) -> int:
        return len(self._world.journal.entries())

    def __getitem__(self, index: int) -> Entry:
        return self._world.journal.entries()[index]

    @property
    def refused(self) -> list[Entry]:
        """The entries that the mock said no to, or that it could not carry out."""
        return [entry for entry in self if entry.decision != "accepted"]

    @property
    def strangers(self) -> list[Entry]:
        """What was asked of the default world since this handle was made, or its journal cleared.

        That is where requests go whose key no world has, or whose path is none. Nothing on the
        handle of the default world itself: there they are among the others.
        """
        default = self._service.worlds.default
        return [] if default is self._world else default.journal.entries(after=self._since)

    @property
    def evicted(self) -> int:
        """How many entries are gone because the journal is bounded in bytes."""
        return self._world.journal.evicted

    def clear(self) -> None:
        """Forget the entries."""
        self._run(self._world.journal.clear())
        self.forget_strangers()

    def forget_strangers(self) -> None:
        """From now on, `strangers` are those that come later."""
        self._since = self._service.worlds.default.journal.last

    def __str__(self) -> str:
        """A line an entry, with the reasons."""
        lines = [str(entry) for entry in self]
        if self.evicted:
            lines.insert(0, f"({self.evicted} older entries were evicted)")
        return "\n".join(lines)

    def assert_uploaded(
        self, path: str, count: int | None = 1, **facts: Unpack[Facts]
    ) -> list[Upload]:
        """Assert that a file was uploaded, `count` times (None: at least once); returns these.

        `path` is `<uploadPath>/<fileName>`, or a pattern of it: `images/*.png`, `**/a.txt`.
        `content` is bytes, a `Path` to a file that has it, or a BLAKE3 digest in hex; `mime` may
        be a pattern, `image/*`; `route` is `stream`, `base64`, `url` or an operationId; `size`
        is in bytes. Uploads count even if the file has expired or was overwritten since.
        """
        __tracebackhide__ = True
        if count is not None and count < 1:
            raise ValueError("count is 1 or more; for 0 there is assert_not_uploaded")
        expected = self._expect(path, facts)
        found = [entry for entry in self if not expected.differences(entry)]
        if len(found) == count or (count is None and found):
            return [self._show(entry) for entry in found]
        raise AssertionError(self._explanation(expected).of_uploads(found, count))

    def assert_not_uploaded(self, path: str, **facts: Unpack[Facts]) -> None:
        """Assert that no such file was uploaded; the arguments are those of `assert_uploaded`."""
        __tracebackhide__ = True
        expected = self._expect(path, facts)
        found = [entry for entry in self if not expected.differences(entry)]
        if found or self.evicted:
            raise AssertionError(self._explanation(expected).of_unwanted(found))

    def assert_no_refused(self, *, strangers: bool = True) -> None:
        """Assert that nothing was refused, broken off or broken; else every reason is told.

        Among `strangers`, what was refused for its key or its path counts too: it may be of this
        test. `strangers=False` leaves it out.
        """
        __tracebackhide__ = True
        explanation = self._explanation(Expectation(""))
        if self.refused or self.evicted or (strangers and explanation.nobodys):
            raise AssertionError(explanation.of_refusals(strangers=strangers))

    def wait_for_upload(
        self, path: str, timeout: float = _SECONDS, *, after: int = 0, **facts: Unpack[Facts]
    ) -> Upload:
        """Wait until such a file was uploaded, for `timeout` seconds at most; returns the upload.

        One that was uploaded before is found at once; `after=upload.entry.seq` waits for one
        behind that. The arguments are those of `assert_uploaded`. Blocks this thread: in a
        coroutine, use `async_wait_for_upload`.
        """
        __tracebackhide__ = True
        expected = self._expect(path, facts)
        with self._arrivals() as arrivals:
            return self._wait(expected, timeout, after, arrivals)

    async def async_wait_for_upload(
        self,
        path: str,
        timeout: float = _SECONDS,  # noqa: ASYNC109 - the same arguments as the other one
        *,
        after: int = 0,
        **facts: Unpack[Facts],
    ) -> Upload:
        """The same for `async` code, on asyncio and trio: the event loop goes on meanwhile."""
        __tracebackhide__ = True
        from anyio import to_thread  # noqa: PLC0415 - for those who wait

        expected = self._expect(path, facts)
        with self._arrivals() as arrivals:
            wait = partial(self._wait, expected, timeout, after, arrivals)
            return await to_thread.run_sync(wait, abandon_on_cancel=True)

    @contextmanager
    def _arrivals(self) -> Iterator[SimpleQueue[Entry | None]]:
        """The uploads of the world as they come; None once nobody wants them any more."""
        arrivals: SimpleQueue[Entry | None] = SimpleQueue()

        def watch(world: World, entry: Entry) -> None:
            if world is self._world:
                arrivals.put(entry)

        self._service.watchers.append(watch)
        try:
            yield arrivals
        finally:
            self._service.watchers.remove(watch)
            arrivals.put(None)

    def _wait(
        self,
        expected: Expectation,
        timeout: float,
        after: int,
        arrivals: SimpleQueue[Entry | None],
    ) -> Upload:
        __tracebackhide__ = True
        end = stopwatch() + timeout
        for entry in self._world.journal.entries(after=after):
            if not expected.differences(entry):
                return self._show(entry)
        while (left := end - stopwatch()) > 0:
            try:
                arrived = arrivals.get(timeout=left)
            except Empty:
                break
            if arrived is None:
                break
            if arrived.seq > after and not expected.differences(arrived):
                return self._show(arrived)
        text = self._explanation(expected, after).of_uploads([], 1, within=timeout)
        raise AssertionError(text + _if_blocking())

    def _expect(self, path: str, facts: Facts) -> Expectation:
        expected = Expectation.of(path, facts)
        known = self._service.contract.operations
        if expected.route is not None and expected.route not in known:
            raise ValueError(f"{expected.route!r} is none of the operations {', '.join(known)}")
        return expected

    def _explanation(self, expected: Expectation, after: int = 0) -> Explanation:
        default = self._service.worlds.default
        return Explanation(
            expected,
            entries=self._world.journal.entries(after=after),
            after=after,
            strangers=self.strangers,
            evicted=self.evicted,
            live=list(self._files),
            read=self._files.read_version,
            elsewhere=default.id,
        )

    def _show(self, entry: Entry) -> Upload:
        if entry.file is None:
            raise LookupError("this entry kept no file")
        file = self._files.describe(entry.file)
        return Upload(entry=entry, **{known.name: getattr(file, known.name) for known in _FACTS})


def _if_blocking() -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return ""
    return (
        "\nThe event loop of this thread stood still meanwhile: "
        "`await kie.journal.async_wait_for_upload(...)` lets it go on."
    )
