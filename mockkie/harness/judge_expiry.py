"""What looks say about the end of files, clause by clause. Knows no target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mockkie.harness.conclusion import Conclusion, instead, open_, upheld, violated
from mockkie.harness.evidence import ROUTES, Evidence, hours, in_words
from mockkie.harness.lifespan import FAILED, MINUTE, SPOILT, Span, to_overwrite
from mockkie.harness.receipts import Role, Sight
from mockkie.harness.verdicts import Verdict

_NO_HEAD: Final = (405, 501)


def three_days(evidence: Evidence) -> Conclusion:
    """A file is deleted when its time is over, neither earlier nor later."""
    end = hours(evidence.retention)
    wrong = [f"{', '.join(routes)}: {what}" for what, routes in _ends(evidence).items()]
    wrong += _after_the_end(evidence)
    if wrong:
        return violated(f"{'; '.join(wrong)}; its time is {end}")
    lives = {route: evidence.life(route) for route in _routes(evidence)}
    missed = [route for route, span in lives.items() if _missed(evidence, span)]
    seen = "; ".join(f"{route}: {in_words(span)}" for route, span in lives.items())
    if not lives:
        return open_("no file is planted that could tell", evidence)
    reads = evidence.of(Role.READ).gone  # what it tells about reads is known by then
    settled = reads is not None or evidence.prolonged_by or evidence.over
    if missed and settled:
        return open_(f"no look came close enough to the end ({seen})", evidence, too_late=True)
    if all(_tight(evidence, span) for span in lives.values()):
        whole = Span()
        for span in lives.values():
            whole = whole.with_(span)
        return upheld(f"files ended {in_words(whole)} after their upload")
    return open_("no file has come to its end yet", evidence)


def _routes(evidence: Evidence) -> list[str]:
    """The routes that can be judged: only untouched files, if looks prolong a life."""
    routes = ["stream"] if evidence.prolonged_by else list(ROUTES)
    return [
        route
        for route in routes
        if any(evidence.planting.of(role) is not None for role in ROUTES[route])
    ]


def _ends(evidence: Evidence) -> Mapping[str, Sequence[str]]:
    """When files ended too early or too late, and by which routes these came."""
    found: dict[str, list[str]] = {}
    groups = {route: ROUTES[route] for route in _routes(evidence)}
    if of_its_own(evidence).verdict != Verdict.VIOLATED:
        groups["planted later"] = (Role.YOUNGER, Role.NAMESAKE)
    for route, roles in groups.items():
        whole = evidence.together(roles)
        for role in roles:
            span = evidence.of(role)
            if _ended_wrongly(evidence, role, span):
                one_life = (whole.alive or 0) < (whole.gone or whole.alive or 1)
                routes = found.setdefault(f"ended {in_words(whole if one_life else span)}", [])
                routes += [] if route in routes else [route]
    return found


def _ended_wrongly(evidence: Evidence, role: Role, span: Span) -> bool:
    receipt = evidence.planting.of(role)
    late = evidence.first_alive(receipt) if receipt is not None else None
    late = span.alive if evidence.reads_are_harmless and role != Role.HEAD else late
    if late is not None and late > evidence.retention:
        return True
    return span.gone is not None and span.gone < evidence.retention


def _after_the_end(evidence: Evidence) -> list[str]:
    """What still is answered 200 when the time is over."""
    return [
        f"a file is answered 200 at {hours(age)}, {instead(look)}"
        for receipt in evidence.planting.receipts
        if not evidence.prolonged_by
        for age, look in evidence.spoilt(receipt)[:1]
        if age > evidence.retention + MINUTE
    ][:1]


def _missed(evidence: Evidence, span: Span) -> bool:
    """Whether a span is too wide, and no look can narrow it any more."""
    first, last = evidence.retention - evidence.edge, evidence.retention + evidence.edge
    alive = span.alive is None or span.alive < first
    gone = span.gone is None or span.gone > last
    return (alive and evidence.age >= evidence.retention) or (gone and evidence.age > last)


def _tight(evidence: Evidence, span: Span) -> bool:
    first, last = evidence.retention - evidence.edge, evidence.retention + evidence.edge
    return (
        span.alive is not None
        and span.gone is not None
        and span.alive >= first
        and span.gone <= last
    )


def reading(evidence: Evidence) -> Conclusion:
    """A look at a file, by GET or by HEAD, does not give it a longer life."""
    if evidence.prolonged_by:
        return violated("; ".join(evidence.prolonged_by.values()))
    held = [evidence.ended_all_the_same(role) for role in (Role.READ, Role.HEAD)]
    if any(held):
        return upheld("; ".join(why for why in held if why))
    receipt = evidence.planting.of(Role.READ)
    dead = None if receipt is None else evidence.dead(receipt)
    why = "when it ended tells nothing about its reads" if dead else "no file was seen to end"
    return open_(why, evidence, too_late=dead is not None and evidence.over)


def of_its_own(evidence: Evidence) -> Conclusion:
    """The end of a file takes no younger one along."""
    elder = evidence.planting.of(Role.STREAM)
    dead = None if elder is None else evidence.dead(elder)
    younger = [evidence.planting.of(role) for role in (Role.YOUNGER, Role.NAMESAKE)]
    known = [receipt for receipt in younger if receipt is not None]
    if elder is None or dead is None:
        return open_("the older file was not seen to end", evidence)
    late = evidence.age >= to_overwrite(evidence.planting)[1] - evidence.planting.born
    if not known:
        return open_("no younger file was planted in time", evidence, too_late=late)
    if elder.born + (evidence.of(Role.STREAM).alive or 0) < known[-1].born:
        return open_("the older file may have ended before the younger ones were there", evidence)
    least = evidence.peers.alive or 0
    for receipt in known:
        span = evidence.of(receipt.role)
        gone, born = span.gone, receipt.born
        together = born + (span.alive or 0) <= dead.at and gone and born + gone >= dead.at
        if gone is not None and together and gone < least:
            return violated(
                f"a {receipt.role} file was gone by {hours(gone)}, when an older one had ended; "
                f"others lived for {hours(least)}"
            )
    survived = [
        one
        for one in known
        if (last := evidence.last_alive(one)) and last.at - last.cached_for >= dead.at
    ]
    if len(survived) == len(known):
        return upheld("younger files of the same folder and of the same name were still there")
    return open_("whether younger files outlive older ones was not seen", evidence)


def answer(evidence: Evidence) -> Conclusion:
    """An ended link is answered as one that does not exist: 404, as is claimed; or 403, or 410."""
    seen: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for receipt in evidence.planting.receipts:
        dead = evidence.dead(receipt)
        if dead is None:
            continue
        for look in receipt.looks[receipt.looks.index(dead) :]:
            fine = look.sight == Sight.GONE or (look.method == "HEAD" and look.status in _NO_HEAD)
            if fine or look.sight not in {Sight.NOTHING, *FAILED - {dead.sight}}:
                detail = f", {instead(look)}" if look.sight in SPOILT else ""
                (seen if fine else wrong)[f"{look.method} {look.status}{detail}"] = None
    if wrong:
        return violated("after the end: " + ", ".join(wrong))
    if seen:
        return upheld("after the end: " + ", ".join(seen))
    return open_("no file was seen to end", evidence)
