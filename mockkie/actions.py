"""What a fault can do. Knows no requests, no worlds, and not when a fault does it.

An action is a name and its values: `{"reset": {"afterBytes": 65536}}`, in short `{"reset": 65536}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from mockkie.values import (
    BYTES,
    COUNT,
    DIFFERENCE,
    EDITS,
    ERROR,
    FLAG,
    HEADERS,
    JSON,
    MEDIA,
    NAMED_ERROR,
    NORMAL,
    PER,
    POINTER,
    RANGE,
    RATE,
    RENAMES,
    SHIFT,
    SPAN,
    STATUS,
    TEXT,
    WINDOW,
    FaultError,
    Kind,
    Pointer,
    unknown,
)

Stage = Literal["reading", "answering", "storing", "spoiling", "sending", "delay"]
"""Where on the way of a request an action is carried out."""

About = Literal["all", "uploads", "downloads"]

_DISTRIBUTIONS: Final = ("fixed", "uniform", "normal", "exponential")
_BODILESS: Final = (204, 205, 304)
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Way:
    """One thing that a fault can do.

    `parameters` are what it takes, `defaults` what may be left out, `short` the one that a plain
    value stands for. `wire`: it needs a connection, there is none in process. `about` are the
    operations to which it can be done.
    """

    stage: Stage
    does: str
    parameters: Mapping[str, Kind] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    short: str | None = None
    wire: bool = False
    about: About = "all"


def _one(stage: Stage, does: str, name: str, kind: Kind, **more: Any) -> Way:
    """A way with one parameter, which has to be given."""
    return Way(stage, does, {name: kind}, short=name, **more)


def _after(stage: Stage, does: str, **more: Any) -> Way:
    """A way that begins after so many bytes, by default at once."""
    return Way(stage, does, {"afterBytes": BYTES}, {"afterBytes": 0}, "afterBytes", **more)


WAYS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "status": _one("answering", "answers with this error, as documented", "code", ERROR),
        "example": _one(
            "answering", "answers with the documented error of this name", "name", TEXT
        ),
        "answer": Way(
            "answering",
            "answers with any status, body and headers",
            {"status": STATUS, "body": JSON, "headers": HEADERS},
            {"status": 200, "body": None, "headers": _NOTHING},
            "status",
        ),
        "errorIn200": _one("answering", "answers an error in HTTP 200", "error", NAMED_ERROR),
        "quota": Way(
            "answering",
            "answers 429 with Retry-After to what is too much in a window of the world's clock",
            {"limit": COUNT, "window": WINDOW, "per": PER},
            {"window": 60_000, "per": "key"},
            "limit",
        ),
        "malformed": Way("spoiling", "cuts the end off the JSON of the answer"),
        "contentType": _one("spoiling", "calls the answer by another type", "type", MEDIA),
        "without": _one("spoiling", "leaves a field out of the answer", "pointer", POINTER),
        "rename": _one("spoiling", "gives fields of the answer other names", "names", RENAMES),
        "put": _one("spoiling", "adds or replaces fields of the answer", "values", EDITS),
        "skew": _one("spoiling", "shifts uploadedAt in the answer", "by", SHIFT, about="uploads"),
        "reset": _after("reading", "resets the connection after so many bytes of the body"),
        "stall": Way(
            "reading",
            "stops reading after so many bytes of the body, and resets the connection in the end",
            {"afterBytes": BYTES, "for": SPAN},
            {"afterBytes": 0, "for": 60_000},
            "afterBytes",
            wire=True,
        ),
        "readRate": _one("reading", "reads the body at this pace", "bytesPerSecond", RATE),
        "early": Way(
            "reading",
            "answers with an error while the body is still coming, and reads on unless it closes",
            {"status": ERROR, "afterBytes": BYTES, "close": FLAG},
            {"afterBytes": 0, "close": False},
            "status",
        ),
        "notStored": Way("storing", "answers as if the file was stored", about="uploads"),
        "storageFull": Way("storing", "cannot store: nothing is kept, 500", about="uploads"),
        "lifetime": _one("storing", "keeps the file for so long", "span", SPAN, about="uploads"),
        "stale": _one(
            "storing", "serves what was overwritten for so long", "span", SPAN, about="downloads"
        ),
        "readError": _after(
            "storing", "fails to read the file after so many bytes", about="downloads"
        ),
        "dropAnswer": Way("sending", "does what was asked and resets before the answer"),
        "latency": Way(
            "delay",
            "waits before the answer",
            {"fixed": SPAN, "uniform": RANGE, "normal": NORMAL, "exponential": WINDOW},
            dict.fromkeys(_DISTRIBUTIONS),
            "fixed",
        ),
        "truncate": _after("sending", "ends the connection after so many bytes of the answer"),
        "resetAnswer": _after("sending", "resets the connection after so many bytes of the answer"),
        "dribble": _one("sending", "sends the answer at this pace", "bytesPerSecond", RATE),
        "wrongLength": _one(
            "sending", "is wrong about Content-Length by so much", "by", DIFFERENCE, wire=True
        ),
        "garbageChunk": Way("sending", "sends the answer in chunks, and an illegal one", wire=True),
        "closeAfter": Way("sending", "closes a kept-alive connection unannounced", wire=True),
    }
)


@dataclass(frozen=True, slots=True)
class Action:
    """What a fault does: one of `WAYS` with its values, durations in milliseconds."""

    name: str
    values: Mapping[str, Any]

    @property
    def way(self) -> Way:
        """What is known of it."""
        return WAYS[self.name]

    def to_json(self) -> dict[str, Any]:
        """`{"reset": {"afterBytes": 65536}}`: as it is read, without what is not given."""
        return {self.name: self._shown() or True}

    def _shown(self) -> dict[str, Any]:
        return {
            name: kind.write(self.values[name])
            for name, kind in self.way.parameters.items()
            if self.values[name] is not None and self.values[name] != {}
        }

    def __str__(self) -> str:
        """`reset=65536`, `malformed`, `early status=413 close=True`: without what is as usual."""
        way = self.way
        shown = {
            name: value
            for name, value in self._shown().items()
            if name not in way.defaults or self.values[name] != way.defaults[name]
        }
        texts = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in shown.items()
        }
        if way.short is not None and list(texts) == [way.short]:
            return f"{self.name}={texts[way.short]}"
        return " ".join([self.name, *(f"{name}={text}" for name, text in texts.items())])


def read_action(value: Any, pointer: Pointer = ("then",)) -> Action:
    """The one action of a `then`; `FaultError` tells what is wrong with it."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise FaultError(
            pointer, 'a fault does one thing, such as {"reset": {"afterBytes": 65536}}'
        )
    [(name, given)] = value.items()
    here = (*pointer, str(name))
    if name not in WAYS:
        unknown(here, name, WAYS, "action")
    way = WAYS[name]
    values = _values(name, way, given, here)
    for key, kind in way.parameters.items():
        if key not in values and key not in way.defaults:
            raise FaultError(here, f"{name} needs {key}: {kind.right}")
    if name == "answer" and values.get("status") in _BODILESS and values.get("body") is not None:
        raise FaultError((*here, "body"), f"an answer {values['status']} has no body")
    if name == "latency" and len(values) != 1:
        raise FaultError(here, f"a latency is one of {', '.join(_DISTRIBUTIONS)}")
    return Action(name, {**way.defaults, **values})


def _values(name: str, way: Way, given: Any, here: Pointer) -> dict[str, Any]:
    """What is given of the parameters; a plain value is that of the short one."""
    if given is True:
        given = {}
    if way.short is not None and (not isinstance(given, Mapping) or _is_bare(way, given)):
        return {way.short: way.parameters[way.short].of(here, given)}
    if not isinstance(given, Mapping):
        takes = f"takes {', '.join(way.parameters)}" if way.parameters else "is just true"
        raise FaultError(here, f"{name} {takes}")
    for key in given:
        if key not in way.parameters:
            unknown((*here, str(key)), key, way.parameters or ["true"], f"parameter of {name}")
    return {key: way.parameters[key].of((*here, key), inner) for key, inner in given.items()}


def _is_bare(way: Way, given: Mapping[str, Any]) -> bool:
    """Whether a mapping is the value of the short parameter, not the parameters."""
    kind = way.parameters[way.short or ""]
    return kind in (EDITS, RENAMES) and bool(given) and way.short not in given
