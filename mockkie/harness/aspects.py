"""What each aspect of an observation speaks about, and how much a difference in it weighs.

Knows neither targets nor answers: two observations are data here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

from mockkie.harness.document import clauses
from mockkie.harness.observation import Observation
from mockkie.harness.steps import Read, Step, Upload, Walk
from mockkie.harness.verdicts import Clause, Level

_WEIGHT: Final = {Level.ASSUMED: 0, Level.OBSERVED: 1, Level.DOCUMENTED: 2}


@dataclass(frozen=True, slots=True)
class Aspect:
    """`clause` None: the clause of the step. `only` in walks of that clause it has its level."""

    clause: str | None = None
    level: Level = Level.DOCUMENTED
    only: str = ""


_ASSUMED: Final = Level.ASSUMED
ASPECTS: Final[Mapping[str, Aspect]] = {
    "outcome": Aspect(),
    "status": Aspect(),
    "gone status": Aspect("expiry.answer", _ASSUMED),
    "envelope": Aspect("envelope.error"),
    "code": Aspect("envelope.status-is-code"),
    "media": Aspect("envelope.error"),
    "facts": Aspect("envelope.success"),
    "name": Aspect("naming.given"),
    "path": Aspect("naming.path"),
    "link": Aspect("overwrite.latest-bytes"),
    "link form": Aspect("naming.path"),
    "size": Aspect("metadata.size"),
    "time": Aspect("metadata.time"),
    "content": Aspect(),
    "steady": Aspect("content.stays"),
    "outcomes": Aspect(),
    "links": Aspect("naming.unique"),
    "told": Aspect(),
    "read": Aspect(),
    "meanwhile": Aspect(),
    "served type": Aspect("metadata.type-is-served"),
    "type": Aspect("metadata.type", only="metadata.type"),
    "extension": Aspect("naming.generated", only="naming.generated"),
    "shape": Aspect("naming.shape", Level.OBSERVED),
    "length": Aspect("download.head", Level.OBSERVED),
    "cache": Aspect("download.cache-header", Level.OBSERVED),
    "cors": Aspect("hosts.cors", Level.OBSERVED),
    "download cors": Aspect("hosts.cors", Level.OBSERVED),
    "tag": Aspect("download.range", _ASSUMED),
    "precision": Aspect("metadata.time", _ASSUMED),
    "style": Aspect("naming.path", _ASSUMED),
    "extra": Aspect("envelope.success", _ASSUMED),
    "extra facts": Aspect("envelope.success", _ASSUMED),
    "msg": Aspect("envelope.error", _ASSUMED),
}
"""Every aspect, those first that explain the others."""


Key: TypeAlias = tuple[str, str, Level]
"""Clause, aspect and level."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An aspect in which two observations of one step differ; None: there is no such aspect."""

    aspect: str
    clause: str
    level: Level
    left: Any
    right: Any

    @property
    def key(self) -> Key:
        """What makes two differences the same one."""
        return self.clause, self.aspect, self.level


@cache
def known_clauses() -> Mapping[str, Clause]:
    """The clauses of the document by id."""
    return {clause.id: clause for clause in clauses()}


def differences(walk: Walk, step: Step, left: Observation, right: Observation) -> list[Difference]:
    """In what two observations differ; where the outcome does, nothing else is worth a word."""
    found = list(_differences(walk, step, left, right))
    weighty = [one for one in found if one.aspect == "outcome"]
    return weighty or found


def _differences(
    walk: Walk, step: Step, left: Observation, right: Observation
) -> Iterator[Difference]:
    about, most = walk.clause_of(step)
    for name, aspect in ASPECTS.items():
        one, other = left.get(name), right.get(name)
        if one == other:
            continue
        clause = _clause(aspect, name, step, about, left)
        levels = [aspect.level, *([most] if most else [])]
        known = known_clauses().get(clause)
        levels.append(known.level if known else _ASSUMED)  # a recording may know older clauses
        if aspect.only and about != aspect.only:
            levels.append(_ASSUMED)
        yield Difference(name, clause, min(levels, key=_WEIGHT.__getitem__), one, other)


def _clause(aspect: Aspect, name: str, step: Step, about: str, left: Observation) -> str:
    """The clause that a difference is about, for this step."""
    if aspect.clause is None:
        return about
    if aspect.clause == "envelope.error" and left.get("outcome") == "accepted":
        return "envelope.success"
    if name == "name" and isinstance(step, Upload) and step.name is None:
        return "url.name" if step.route == "url" else "naming.generated"
    return aspect.clause


def ends_a_walk(step: Step, found: list[Difference]) -> bool:
    """Whether what follows cannot be compared any more: the targets keep different files now."""
    if any(one.level == Level.DOCUMENTED for one in found):
        return True
    return not isinstance(step, Read) and any(one.aspect in ("outcome", "link") for one in found)
