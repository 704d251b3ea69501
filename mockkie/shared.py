"""What the processes of one mock share beside files: journals, tasks, faults, and what changed.

Knows no requests, and not where it is kept: in `mockkie.shared_folder`, `mockkie.shared_bucket`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from mockkie.arming import Faults
from mockkie.journal import Journal
from mockkie.tasks import Tasks
from mockkie.worlds import World


class Shared(ABC):
    """One process's view. An `OSError` says why it cannot be had."""

    @abstractmethod
    async def changes(self) -> int:
        """How often worlds were changed, by any process, as far as this one has to know."""

    @abstractmethod
    async def changed(self) -> int:
        """Let the others know that a world was changed; returns the count as `changes` does.

        When this returns, every process acts upon it.
        """

    @abstractmethod
    def journal(self, world: World) -> Journal:
        """The journal of a world, the same for every process."""

    @abstractmethod
    def tasks(self, world: World) -> Tasks:
        """The tasks of a world, the same for every process."""

    @abstractmethod
    def faults(self, world: World) -> Faults:
        """The faults of a world, with counts that every process adds to; not read yet."""

    @abstractmethod
    async def reload_faults(self, worlds: Iterable[World]) -> None:
        """Have the faults of worlds be as other processes left them."""

    @abstractmethod
    async def forget(self, world: World) -> None:
        """Drop a world's journal, tasks and faults."""

    def retain(self, worlds: Iterable[World]) -> None:  # noqa: B027 - most remember nothing
        """Let go of what is remembered of other worlds than these: they were dropped elsewhere."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the place."""
