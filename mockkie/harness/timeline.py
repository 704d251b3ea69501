"""The life of each planted file, as a line to read and as JSON. Knows no target and no clause."""

from __future__ import annotations

from typing import Any, Final

from mockkie.clock import SECOND, format_duration, isoformat
from mockkie.harness.evidence import Evidence, hours
from mockkie.harness.lifespan import MINUTE, next_due
from mockkie.harness.receipts import Look, Planting, Receipt, Sight

_WIDTH: Final = 48
_END: Final = 36  # where in it the documented end is


def timeline(planting: Planting, now: int) -> list[str]:
    """A heading, and a line for each file: known to live `=`, not known `?`, gone `.`."""
    evidence = Evidence(planting, now)
    end = hours(planting.retention)
    scale = "0 h".ljust(_END - len(end)) + end + "|"
    lines = [f"{'file':11}  {scale:{_WIDTH + 1}}  {'last alive':11}  {'first gone':11}  then"]
    for receipt in planting.receipts:
        alive, gone = evidence.last_alive(receipt), evidence.dead(receipt)
        if alive is not None and alive.at < receipt.lives_from:
            alive = None
        lines.append(
            f"{receipt.role:11}  {_bar(evidence, receipt)}  {_age(alive, receipt):11}  "
            f"{_age(gone, receipt):11}  {_then(receipt, gone)}".rstrip()
        )
    lines += [f"{role:11}  not planted: {why}" for role, why in planting.missing.items()]
    return lines


def _bar(evidence: Evidence, receipt: Receipt) -> str:
    span = evidence.of(receipt.role)
    unit = evidence.retention / _END
    age = evidence.now - receipt.lives_from
    cells = []
    for cell in range(_WIDTH):
        middle = (cell + 0.5) * unit
        if span.alive is not None and middle <= span.alive + MINUTE:
            cells.append("=")
        elif span.gone is not None and middle >= span.gone - 2 * MINUTE:
            cells.append(".")
        else:
            cells.append("?" if middle <= age else " ")
    return "".join([*cells[:_END], "|", *cells[_END:]])


def _age(look: Look | None, receipt: Receipt) -> str:
    return "-" if look is None else hours(look.at - look.cached_for - receipt.lives_from)


def _then(receipt: Receipt, dead: Look | None) -> str:
    """What the dead link is answered, and since when the life is counted if not from planting."""
    words = []
    if receipt.overwritten is not None:
        words.append(f"(overwritten at {hours(receipt.overwritten - receipt.born)})")
    if dead is not None:
        words.insert(0, f"{dead.status} {'' if dead.sight == Sight.GONE else dead.sight}".strip())
    tail = cache_tail(receipt)
    if tail is not None:
        words.append(f"(a cache served a copy of {hours(tail.cached_for)})")
    return " ".join(words)


def cache_tail(receipt: Receipt) -> Look | None:
    """The last look that a cache answered with a copy, if one did."""
    cached = [look for look in receipt.looks if look.sight == Sight.ALIVE and look.cached_for]
    return cached[-1] if cached else None


def lives_json(planting: Planting, now: int) -> dict[str, Any]:
    """The same for programs, without links: what was published."""
    evidence = Evidence(planting, now)
    due = next_due(planting, now)
    return {
        "planted": isoformat(planting.born),
        "now": isoformat(now),
        "retention": format_duration(planting.retention),
        "next": None if due is None else isoformat(due),
        "missing": {role.value: why for role, why in planting.missing.items()},
        "files": [_life_json(evidence, receipt) for receipt in planting.receipts],
    }


def _life_json(evidence: Evidence, receipt: Receipt) -> dict[str, Any]:
    span, dead = evidence.of(receipt.role), evidence.dead(receipt)
    since = [] if dead is None else receipt.looks[receipt.looks.index(dead) :]
    head = next((look for look in since if look.method == "HEAD"), None)
    tail = cache_tail(receipt)
    overwritten = receipt.overwritten
    return {
        "role": receipt.role.value,
        "born": isoformat(receipt.born),
        "overwritten": None if overwritten is None else isoformat(overwritten),
        "looks": len(receipt.looks),
        "livedAtLeast": None if span.alive is None else span.alive // SECOND,
        "livedAtMost": None if span.gone is None else span.gone // SECOND,
        "deadLink": None if dead is None else dead.to_json(),
        "deadLinkHead": None if head is None else head.to_json(),
        "cacheTail": None if tail is None else tail.to_json(),
    }
