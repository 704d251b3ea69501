"""What looks say about overwritten files, and about the bytes of all. Knows no target."""

from __future__ import annotations

from mockkie.harness.conclusion import Conclusion, instead, open_, upheld, violated
from mockkie.harness.evidence import Evidence, hours, in_words
from mockkie.harness.judge_expiry import of_its_own
from mockkie.harness.lifespan import DAY, MINUTE, Span, to_overwrite
from mockkie.harness.receipts import Role, Sight, gets
from mockkie.harness.verdicts import Verdict


def restarts_life(evidence: Evidence) -> Conclusion:
    """An overwritten file lives as long from its overwrite as another from its upload."""
    receipt = evidence.planting.of(Role.OVERWRITTEN)
    refused = evidence.planting.missing.get(Role.OVERWRITTEN)
    if refused or receipt is None:
        return open_(f"no file could be overwritten: {refused or 'none is planted'}", evidence)
    if receipt.overwritten is None:
        half, until = to_overwrite(evidence.planting)
        missed = evidence.now >= until
        when = f"between {hours(half - receipt.born)} and {hours(until - receipt.born)}"
        return open_(f"it is overwritten by a collect {when}", evidence, too_late=missed)
    life, span = evidence.peers, evidence.of(Role.OVERWRITTEN)
    passed = receipt.overwritten - receipt.born
    if life.gone is not None and life.gone - 2 * MINUTE <= passed:
        return open_("files had ended before one could be overwritten", evidence)
    if span.gone is not None and life.alive is not None and span.gone < life.alive:
        if of_its_own(evidence).verdict == Verdict.VIOLATED:
            return open_("the end of another file may have taken it along", evidence)
        return violated(
            f"an overwritten file ended {in_words(span)} after its overwrite; "
            f"others live for {hours(life.alive)}"
        )
    return _outlived(evidence, life, span, passed)


def _outlived(evidence: Evidence, life: Span, span: Span, passed: int) -> Conclusion:
    if evidence.prolonged_by:
        return open_("looks prolong a life here, so an overwrite tells nothing", evidence)
    if life.gone is None:
        return open_("no file was seen to end", evidence)
    if not evidence.reads_are_harmless:
        return open_("it is not known whether looks prolong a life", evidence)
    if span.alive is not None and span.alive > life.gone:
        return violated(
            f"an overwritten file ended {in_words(span)} after its overwrite; "
            f"others were gone by {hours(life.gone)}"
        )
    restarted = span.alive is not None and passed + span.alive > life.gone
    if restarted and span.gone is not None and _close(evidence, life, span):
        return upheld(f"it ended {in_words(span)} after its overwrite")
    wide = evidence.over and span.gone is not None
    return open_(
        "the end of the overwritten file was not seen from close by", evidence, too_late=wide
    )


def _close(evidence: Evidence, life: Span, span: Span) -> bool:
    """Whether two lives have one length, as far as one end of either tells: caches blur one."""
    least = (life.alive or 0) - evidence.edge
    return (span.alive or 0) >= least or (span.gone or 0) <= (life.gone or 0) + evidence.edge


def stays(evidence: Evidence) -> Conclusion:
    """While a file lives it is read with the same bytes."""
    most = 0
    for receipt in evidence.planting.receipts:
        for age, look in evidence.spoilt(receipt):
            if age < evidence.retention - MINUTE:
                return violated(f"a file is answered 200 at {hours(age)}, {instead(look)}")
        reads = [look for look in gets(receipt.looks) if look.at >= receipt.lives_from]
        most = max(most, sum(look.sight == Sight.ALIVE for look in reads))
    if most > 1:
        return upheld(f"up to {most} reads of a file had the right bytes")
    return open_("no file was read twice", evidence)


def latest_bytes(evidence: Evidence) -> Conclusion:
    """An overwritten link leads to the new bytes, at the latest when caches have let go."""
    receipt = evidence.planting.of(Role.OVERWRITTEN)
    since = None if receipt is None else receipt.overwritten
    if receipt is None or since is None:
        return open_("nothing was overwritten yet", evidence)
    reads = [look for look in gets(receipt.looks) if look.at >= since]
    for look in reads:
        age = look.at - look.cached_for - since
        if look.sight == Sight.FORMER and age > DAY:
            return violated(f"{hours(age)} after an overwrite the former bytes are served")
    if any(look.sight == Sight.ALIVE for look in reads):
        return upheld("the overwritten link led to the new bytes")
    former = any(look.sight == Sight.FORMER for look in reads)
    what = "led to its former bytes only" if former else "was not seen alive"
    return open_(f"the overwritten link {what}", evidence)
