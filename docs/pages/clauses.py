"""The clauses as a page has them, read from the document and from the suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from docs.pages.tables import code, table
from mockkie.harness.claims import Claim, Ledger, claims
from mockkie.harness.conclusions import JUDGES
from mockkie.harness.verdicts import Level


def lines() -> Iterator[str]:
    """How many there are, then each of them by its group."""
    found = claims(Ledger(), JUDGES)
    groups: dict[str, list[Claim]] = {}
    for one in found:
        groups.setdefault(one.clause.group, []).append(one)
    rows = []
    for name, some in groups.items():
        counts = Counter(one.clause.level for one in some)
        numbers = [str(counts[level] or "") for level in Level]
        rows.append((f"[{name}](#{name})", *numbers, str(len(some))))
    totals = Counter(one.clause.level for one in found)
    rows.append(("all", *(str(totals[level]) for level in Level), str(len(found))))
    yield from table(("group", *Level, "all"), rows)
    for name, some in groups.items():
        yield ""
        yield f"## {name}"
        for one in some:
            yield from _clause(one)


def _clause(claim: Claim) -> Iterator[str]:
    clause = claim.clause
    yield ""
    yield f"### `{clause.id}`"
    yield ""
    yield f"{clause.says}"
    yield ""
    yield f"- **{clause.level}**: {clause.source}"
    yield f"- held by {', '.join(code(test) for test in claim.tests)}"
