"""The contract and its claims, beside what the mock runs with. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from mockkie.dashboard.described import described
from mockkie.dashboard.diagnosis import claims_of, documents
from mockkie.dashboard.page import Site
from mockkie.quirks import QUIRKS, Quirk
from mockkie.service import Service
from mockkie.worlds import World

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
        settings=running_settings(site.service, world),
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A setting as a world has it. `usual` is what the shipped document says, if that differs."""

    quirk: Quirk
    value: str
    usual: str | None
    of_world: bool


def running_settings(service: Service, world: World) -> Sequence[Running]:
    """What the world runs with: document, profile, options and its own changes applied."""
    values = service.settings_of(world).values
    return [
        Running(
            quirk,
            _written(values[name]),
            None if values[name] == quirk.default else _written(quirk.default),
            name in world.changes,
        )
        for name, quirk in QUIRKS.items()
    ]


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
