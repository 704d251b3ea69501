"""When a fault fires: conditions, and the facts that they are held against. Knows no actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Self

from mockkie.values import (
    BYTES,
    COUNT,
    MOMENT,
    SHARE,
    SPAN,
    TEXT,
    FaultError,
    Kind,
    Pointer,
    unknown,
)

_KINDS: Final[Mapping[str, tuple[str, Kind]]] = {
    "nth": ("nth", COUNT),
    "every": ("every", COUNT),
    "probability": ("probability", SHARE),
    "file": ("file", TEXT),
    "largerThan": ("larger_than", BYTES),
    "smallerThan": ("smaller_than", BYTES),
    "olderThan": ("older_than", SPAN),
    "youngerThan": ("younger_than", SPAN),
    "since": ("since", MOMENT),
    "until": ("until", MOMENT),
}
CONDITIONS: Final = tuple(_KINDS)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a request when faults are decided on.

    `size` is that of the announced body, or of the file that is read; `file` its name, `age` how
    long ago it was uploaded. `downloads`: it reads a file. `former`: an overwrite replaced
    content that can still be served. `key` and `link` tell clients and links apart. Instants and
    durations as in `mockkie.clock`.
    """

    operation: str
    path: str
    now: int
    key: str = ""
    link: str = ""
    size: int | None = None
    file: str | None = None
    age: int | None = None
    former: bool = False
    downloads: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a fault, all of which have to hold.

    `nth` and `every` count the requests that the others let pass: the third; every third; with
    both, the `nth` and each `every` behind it. `since` and `until` are instants of the world, or
    durations from when the fault was added.
    """

    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    file: str | None = None
    larger_than: int | None = None
    smaller_than: int | None = None
    older_than: int | None = None
    younger_than: int | None = None
    since: tuple[str, int] | None = None
    until: tuple[str, int] | None = None

    @classmethod
    def of(cls, value: Any, pointer: Pointer = ("when",)) -> Self:
        """The conditions of `{"nth": 3}`; `FaultError` tells what is wrong, and where."""
        if not isinstance(value, Mapping):
            raise FaultError(pointer, 'conditions are a mapping, such as {"nth": 3}')
        for name in value:
            if name not in _KINDS:
                unknown((*pointer, str(name)), name, _KINDS, "condition")
        found = {
            field: kind.of((*pointer, name), value[name])
            for name, (field, kind) in _KINDS.items()
            if name in value
        }
        when = cls(**found)
        when._judge(pointer)
        return when

    def _judge(self, pointer: Pointer) -> None:
        """Refuse what no request can be: a fault that never fires proves nothing."""
        for above, below in (("largerThan", "smallerThan"), ("olderThan", "youngerThan")):
            least, most = (getattr(self, _KINDS[name][0]) for name in (above, below))
            if least is not None and most is not None and most - least <= 1:
                why = f"nothing is above {above} and below {below} at once"
                raise FaultError((*pointer, below), why)
        if self.since is not None and self.until is not None:
            kind, ends = self.until
            if kind == self.since[0] and ends <= self.since[1]:
                raise FaultError((*pointer, "until"), "until has to be later than since")

    def to_json(self) -> dict[str, Any]:
        """The conditions as `of` reads them."""
        given = {name: (kind, getattr(self, field)) for name, (field, kind) in _KINDS.items()}
        return {
            name: kind.write(value) for name, (kind, value) in given.items() if value is not None
        }

    def holds(self, facts: Facts, added_at: int) -> bool:
        """Whether the facts are as wanted; counting and chance come after."""
        if self.file is not None and not fnmatchcase(facts.file or "", self.file):
            return False
        for value, above, below in (
            (facts.size, self.larger_than, self.smaller_than),
            (facts.age, self.older_than, self.younger_than),
        ):
            if above is not None and not (value is not None and value > above):
                return False
            if below is not None and not (value is not None and value < below):
                return False
        begins, ends = _instant(self.since, added_at), _instant(self.until, added_at)
        return (begins is None or begins <= facts.now) and (ends is None or facts.now < ends)

    def hits(self, number: int, chance: float) -> bool:
        """Whether the request of this number is one, by count and by chance (0 up to 1)."""
        behind = number - (self.nth or self.every or 1)
        if self.every is not None:
            counted = behind >= 0 and behind % self.every == 0
        else:
            counted = self.nth is None or behind == 0
        return counted and (self.probability is None or chance < self.probability)

    @property
    def looks(self) -> bool:
        """Whether the file that is read has to be looked at."""
        return any(
            known is not None
            for known in (self.larger_than, self.smaller_than, self.older_than, self.younger_than)
        )


def _instant(moment: tuple[str, int] | None, added_at: int) -> int | None:
    if moment is None:
        return None
    kind, value = moment
    return added_at + value if kind == "P" else value
