"""The contract and its claims, beside what the mock runs with. Changes nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from mockkie.clock import format_duration
from mockkie.dashboard.described import described
from mockkie.dashboard.diagnosis import claims_of, documents
from mockkie.dashboard.page import Site
from mockkie.service import Service

_DURATIONS: Final = (
    "retention timeout waiting generating result_link result_file temporary_link".split()
)
_LEVELS: Final = ("documented", "observed", "assumed")


async def show_contract(site: Site, request: Request) -> Response:
    """The documents, operation by operation, and the settings."""
    world = site.world(request)
    return site.page(
        request,
        "contract.html",
        world,
        section="contract",
        documents=described(site.service.contract),
        settings=running_settings(site.service),
    )


def running_settings(service: Service) -> Sequence[tuple[str, str]]:
    """What the mock runs with: names and values, options and profile applied."""
    return list(_values(dataclasses.asdict(service.settings)))


def _values(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        words = name.split("_")
        shown = above + words[0] + "".join(word.title() for word in words[1:])
        if isinstance(value, dict) and value:
            yield from _values(value, f"{shown}.")
        elif name in _DURATIONS:
            yield shown, format_duration(value)
        else:
            yield shown, "not set" if value is None else json.dumps(value, default=str)


async def show_claims(site: Site, request: Request) -> Response:
    """The ledger: every claim with its level, its source, and when it was verified."""
    world = site.world(request)
    level, text = request.query_params.get("level", ""), request.query_params.get("q", "").lower()
    everything = [
        (line, document.root["x-mockkie"]["claims"][line.claim])
        for document in documents(site.service.contract)
        for line in claims_of(document).values()
    ]
    shown = [
        (line, claim)
        for line, claim in everything
        if level in ("", line.level)
        and text in f"{line.claim} {line.text} {claim['source']}".lower()
    ]
    counts = {name: sum(line.level == name for line, _ in everything) for name in _LEVELS}
    return site.page(
        request,
        "claims.html",
        world,
        section="claims",
        claims=shown,
        counts=counts,
        total=len(everything),
        verified=sum(claim["verified"] != "never" for _, claim in everything),
        level=level,
    )
