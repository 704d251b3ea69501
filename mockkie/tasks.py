"""Tasks: what the document says of their life, and what is known of one. Knows no requests.

A task is a function of its facts and the world's time. Nothing runs in the background: what has
become of a task is settled when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Final, Literal, Self

from mockkie.clock import FIRST, LAST, parse_duration

Life = tuple[int, int]
"""From when until when something can be fetched: two instants, the latter exclusive."""

ALWAYS: Final[Life] = (FIRST, LAST + 1)
SUCCESS: Final = "success"
FAIL: Final = "fail"
_COUNT: Final = {"type": "integer", "minimum": 0}
_LIVES: Final = ("resultLink", "resultFile", "temporaryLink")

TASK_SETTINGS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "states": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string"},
        },
        "credits": _COUNT,
        "price": _COUNT,
        "otherUrls": {"enum": ["reachable", "dead"]},
        "result": {"type": "string", "pattern": r"^[\w-]+(?:\.[\w-]+)*$"},
        **{name: {"type": "string"} for name in _LIVES},
    },
}


def task_durations(values: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Where durations stand in the settings of tasks."""
    yield from ((name,) for name in _LIVES)
    yield from (("states", name) for name in values.get("states", ()))


@dataclass(frozen=True, slots=True)
class TaskLife:
    """`x-mockkie.tasks`. Durations in milliseconds; the last of `states` is the work itself."""

    states: Mapping[str, int] = field(
        default_factory=lambda: {"waiting": 1_000, "generating": 2_000}
    )
    credits: int = 1_000
    price: int = 1
    other_urls: Literal["reachable", "dead"] = "reachable"
    result: str = "result.png"
    result_link: int = 86_400_000
    result_file: int = 1_209_600_000
    temporary_link: int = 1_200_000

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """As a document says, with our defaults for what it leaves out."""
        default = cls()
        written = values.get("states")
        states = {name: parse_duration(text) for name, text in (written or {}).items()}
        link, file, temporary = (values.get(name) for name in _LIVES)
        return cls(
            states=states or default.states,
            credits=values.get("credits", default.credits),
            price=values.get("price", default.price),
            other_urls=values.get("otherUrls", default.other_urls),
            result=values.get("result", default.result),
            result_link=parse_duration(link) if link else default.result_link,
            result_file=parse_duration(file) if file else default.result_file,
            temporary_link=parse_duration(temporary) if temporary else default.temporary_link,
        )

    @property
    def most(self) -> int | None:
        """How many tasks the credits are enough for; None: any number."""
        return self.credits // self.price if self.price else None

    def phases(self, created_at: int) -> list[tuple[str, int]]:
        """The states of a task, and the instant until which each of them lasts."""
        ends = accumulate(self.states.values(), initial=created_at)
        return list(zip(self.states, list(ends)[1:], strict=True))


@dataclass(slots=True)
class Task:
    """What is known of a task. `param` is the request as JSON, `phases` as in `TaskLife`.

    `lives` has the URLs of the input as they were at the creation; None: nothing was there.
    `dead` are those that could not be fetched when the work began; None: that is not settled.
    """

    id: str
    model: str
    param: str
    created_at: int
    phases: list[tuple[str, int]]
    lives: dict[str, Life | None]
    dead: list[str] | None = None
    kept: bool = False
    """Whether its result is in the store."""

    @property
    def begins_at(self) -> int:
        """When the work begins: the links of the input are fetched at this instant."""
        return self.phases[-2][1] if len(self.phases) > 1 else self.created_at

    @property
    def ends_at(self) -> int:
        """When it ends: at once if there is a link that cannot be fetched."""
        return self.begins_at if self.dead else self.phases[-1][1]

    def had(self, before: Life | None, after: Life | None, now: int) -> bool:
        """Whether a link led to something when the work began.

        `before` is its life as of the creation, `after` as of now. A file that is missing now was
        swept if its life was over anyway, else it was deleted by hand.
        """
        known = [life for life in (before, after) if life and (after or life[1] <= now)]
        return any(start <= self.begins_at < stop for start, stop in known)

    def changed_at(self, now: int) -> int:
        """When its state changed last."""
        turns = (until for _, until in self.phases if until <= min(now, self.ends_at))
        return max(turns, default=self.created_at)

    def state(self, now: int) -> str:
        """The name of its state at an instant."""
        if now >= self.ends_at:
            return FAIL if self.dead else SUCCESS
        return next(name for name, until in self.phases if now < until)


TasksState = Sequence[Task]
"""The tasks of a world at some moment."""


class Tasks:
    """The tasks of one world. They end with the process, as journals do.

    Who asks waits where several processes share them, and never otherwise.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    async def add(self, task: Task, most: int | None) -> bool:
        """Keep a new task unless there are `most` by now, whoever else adds one; whether it is."""
        if most is not None and len(self._tasks) >= most:
            return False
        await self.put(task)
        return True

    async def put(self, task: Task) -> None:
        """Keep a task, in place of what is known of it."""
        self._tasks[task.id] = task

    async def get(self, task_id: str) -> Task | None:
        """The task of an id."""
        return self._tasks.get(task_id)

    def state(self) -> TasksState:
        """What `put_back` needs to have these tasks again, as they are now."""
        return [replace(task) for task in self._tasks.values()]

    def put_back(self, state: TasksState) -> None:
        """Have the tasks of that moment."""
        self._tasks = {task.id: replace(task) for task in state}

    async def clear(self) -> None:
        """Forget them all."""
        self._tasks.clear()

    async def count(self) -> int:
        """How many there are."""
        return len(self._tasks)
