"""The faults of a world: which are armed, what can be, and how it is written. Knows no shots."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mockkie.actions import WAYS
from mockkie.dashboard.page import Site, address, read_form, see
from mockkie.faults import Fault
from mockkie.jsonapi import Refused
from mockkie.problems import UsageError
from mockkie.scenarios import Script, scenarios
from mockkie.source import Source

_TYPED: Final = "faults.yaml"
_COMPACT: Final = re.compile(r"[A-Za-z][\w-]*(?:[=\s;,].*)?")
_CONDITIONS: Final = ("nth", "every", "probability", "file", "largerThan", "until")
_EXAMPLE: Final = """\
seed: 7
faults:
  - operation: upload-file-stream
    when: {nth: 3, largerThan: 1000000}
    times: 1
    then: {reset: {afterBytes: 65536}}
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script that comes along."""

    name: str
    about: str
    faults: Sequence[str]


async def show_faults(
    site: Site, request: Request, error: str = "", typed: Mapping[str, str] | None = None
) -> Response:
    """The page of the faults; `typed` is what was refused, to be put right."""
    world = site.world(request)
    await world.faults.reload()
    operations = list(site.service.contract.operations)
    return site.page(
        request,
        "faults.html",
        world,
        section="faults",
        status=400 if error else 200,
        error=error,
        typed=defaultdict(str, typed or {}),
        armed=[(one, str(one.fault)) for one in world.faults],
        ways=WAYS,
        operations=["upload-*", *operations],
        conditions=_CONDITIONS,
        scenarios=_scenarios(),
        example=_EXAMPLE,
    )


def _scenarios() -> list[Scenario]:
    scripts = ((name, Script.named(name)) for name in scenarios())
    return [
        Scenario(name, script.about, [str(fault) for fault in script.faults])
        for name, script in scripts
    ]


async def arm_faults(site: Site, request: Request) -> Response:
    """Arm what a form says, a text, or a scenario."""
    world = site.world(request)
    form = await read_form(request)
    try:
        await site.service.arm(world, _wanted(form))
    except UsageError as error:
        return await show_faults(site, request, str(error), form)
    return see(address(world, "faults"))


def _wanted(form: Mapping[str, str]) -> Sequence[Fault]:
    if "scenario" in form:
        return Script.named(form["scenario"]).faults if form["scenario"] in scenarios() else ()
    if "text" in form:
        return read_faults(form["text"])
    return [Fault.of(_fault(form))]


def read_faults(text: str) -> Sequence[Fault]:
    """The faults of a text: a script or one fault in YAML or JSON, or the compact form."""
    text = text.strip()
    if "\n" not in text and _COMPACT.fullmatch(text):
        return [Fault.of(text)]
    root = Source(text, _TYPED).root
    return Script(text, _TYPED).faults if "faults" in root else [Fault.of(root)]


def _fault(form: Mapping[str, str]) -> dict[str, Any]:
    """The fault that the fields of the form make up; what is left empty is as usual."""
    way = form.get("then", "")
    given = form.get("value", "")
    when = {name: _value(form[name]) for name in _CONDITIONS if form.get(name)}
    plain = {name: _value(form[name]) for name in ("times", "seed") if form.get(name)}
    words = {name: form[name] for name in ("operation", "path") if form.get(name)}
    then = {way: _value(given) if given else True}
    return {**words, **plain, **({"when": when} if when else {}), "then": then}


def _value(text: str) -> Any:
    """The JSON that was typed, else the text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


async def disarm_faults(site: Site, request: Request) -> Response:
    """Take one fault away, or all."""
    world = site.world(request)
    form = await read_form(request)
    wanted = form.get("id")
    if not await site.service.disarm(world, wanted) and wanted is not None:
        raise Refused(404, "there is no such fault any more")
    return see(address(world, "faults"))
