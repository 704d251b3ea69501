"""The journal of a world: a window of it, what is new, one entry opened. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from starlette.requests import Request
from starlette.responses import Response

from mockkie import links
from mockkie.clock import duration_text
from mockkie.dashboard.diagnosis import diagnose
from mockkie.dashboard.page import Site, address, number, see
from mockkie.dashboard.reproducing import copies
from mockkie.dashboard.versions import entry_at, first_of
from mockkie.journal import Entry, Journal
from mockkie.jsonapi import Refused

PAGE: Final = 100
_BLOCK: Final = 500
_DECISIONS: Final = ("accepted", "refused", "aborted", "broken")
_STATUSES: Final = {"": "any", "2": "2xx", "3": "3xx", "4": "4xx", "5": "5xx", "-": "no answer"}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted: a text that is in them, a decision, a kind of status."""

    text: str = ""
    decision: str = ""
    status: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The filter of an address; what makes no sense is left out."""
        decision, status = query.get("decision", ""), query.get("status", "")
        return cls(
            query.get("q", "").strip().lower(),
            decision if decision in _DECISIONS or decision == "failed" else "",
            status if status in _STATUSES or _is_status(status) else "",
        )

    @property
    def query(self) -> dict[str, str]:
        """The filter for an address."""
        return {"q": self.text, "decision": self.decision, "status": self.status}

    def __bool__(self) -> bool:
        return bool(self.text or self.decision or self.status)

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is wanted. No JSON is made of it: there are many."""
        if self.decision == "failed":
            if entry.decision == "accepted":
                return False
        elif self.decision and entry.decision != self.decision:
            return False
        if self.status == "-":
            if entry.status is not None:
                return False
        elif self.status and not str(entry.status or "").startswith(self.status):
            return False
        return not self.text or any(self.text in text.lower() for text in _texts(entry))


def _is_status(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) == len("404")


def _texts(entry: Entry) -> Iterator[str]:
    yield f"{entry.method} {entry.target}"
    yield from filter(None, (entry.path, entry.operation, entry.problem, entry.why, entry.msg))
    yield from entry.shots
    yield from entry.notes


def newest(journal: Journal, wanted: Filter, before: int, limit: int) -> list[Entry]:
    """Up to `limit` wanted entries in front of number `before`, the latest first.

    From the end in blocks: what is not looked for is not looked at.
    """
    first, found = first_of(journal), list[Entry]()
    stop = min(before, journal.last + 1)
    while stop > first and len(found) < limit:
        start = max(stop - _BLOCK, first)
        block = journal.entries(after=start - 1, limit=stop - start)
        fitting = [entry for entry in block if entry.seq < stop and wanted.takes(entry)]
        found += reversed(fitting)
        stop = start
    return found[:limit]


async def list_entries(site: Site, request: Request) -> Response:
    """The page of the journal: a window of it, the latest first."""
    world = site.world(request)
    journal, wanted = world.journal, Filter.of(request.query_params)
    await journal.catch_up()
    before = number(request, "before", journal.last + 1)
    last = journal.last
    entries = newest(journal, wanted, before, PAGE + 1)
    return site.page(
        request,
        "journal.html",
        world,
        section="journal",
        entries=entries[:PAGE],
        wanted=wanted,
        last=last,
        first=first_of(journal),
        evicted=journal.evicted,
        earlier=entries[PAGE - 1].seq if len(entries) > PAGE else None,
        live=before > last,
        decisions=_DECISIONS,
        statuses=_STATUSES,
    )


async def list_rows(site: Site, request: Request) -> Response:
    """What is new behind `after`, up to number `upto`, as rows."""
    world = site.world(request)
    await world.journal.catch_up()
    after, upto = number(request, "after", 0), number(request, "upto", world.journal.last)
    wanted = Filter.of(request.query_params)
    found = newest(world.journal, wanted, upto + 1, PAGE)
    rows = [entry for entry in found if entry.seq > after]
    return site.page(request, "rows.html", world, entries=rows)


async def show_entry(site: Site, request: Request) -> Response:
    """One entry as the mock understood it, why it was answered so, and how to ask again."""
    world = site.world(request)
    await world.journal.catch_up()
    seq = int(request.path_params["seq"])
    entry = entry_at(world.journal, seq)
    if entry is None:
        raise Refused(404, f"the journal has no entry {seq}: it was evicted, or cleared")
    origin = links.request_origin(request.scope, request.headers)
    part = "hx-request" in request.headers
    return site.page(
        request,
        "entry_part.html" if part else "entry.html",
        world,
        section="journal",
        entry=entry,
        diagnosis=diagnose(site.service.contract, entry),
        copies=copies(entry, origin),
        took=duration_text(entry.seconds)
        if entry.seconds >= 1
        else f"{entry.seconds * 1_000:.1f} ms",
        file_page=None
        if entry.file is None
        else address(world, "files/view", path=entry.file.path),
        faults=_faults(entry.shots, {armed.id for armed in world.faults}),
    )


def _faults(shots: Sequence[str], armed: set[str]) -> list[tuple[str, bool]]:
    """What hit an entry, and whether that fault is still armed."""
    return [(shot, shot.partition(":")[0].removeprefix("fault ") in armed) for shot in shots]


async def clear_journal(site: Site, request: Request) -> Response:
    """Forget the entries."""
    world = site.world(request)
    await world.journal.clear()
    return see(address(world, "journal"))
