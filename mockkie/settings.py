"""What OpenAPI cannot say: the `x-mockkie` part of the document, typed. Knows nothing of requests.

The facts behind the defaults, with their levels, are the claims in `openapi.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

import jsonschema_rs

from mockkie.clock import parse_duration
from mockkie.document import Document
from mockkie.problems import UsageError
from mockkie.source import Pointer
from mockkie.tasks import TASK_SETTINGS, TaskLife, task_durations

DOCUMENTED: Final = "documented"
_SIZE: Final = {"type": ["integer", "null"], "minimum": 0}
_COUNT: Final = {"type": "integer", "minimum": 1}
_HEADER: Final = {"type": ["string", "null"], "pattern": r"^[\x20-\x7e]*$"}
_STATUS: Final = {
    "type": "object",
    "properties": {"status": {"type": "integer", "minimum": 400, "maximum": 599}},
    "additionalProperties": False,
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


_SETTINGS: Final[dict[str, Any]] = {
    "retention": {"type": "string"},
    "links": _object(
        origin={"type": "string", "pattern": r"^(?:request|https?://[^\s/?#@]+)$"},
        style={"enum": ["documented", "observed"]},
    ),
    "aliases": {
        "type": "object",
        "propertyNames": {"pattern": r"^https?://[^\s/?#@]+$"},
        "additionalProperties": {"enum": ["served", "missing"]},
    },
    "expiredLink": _STATUS,
    "unknownLink": _STATUS,
    "errorTransport": {"enum": ["status", "body"]},
    "edgeSlashes": {"enum": ["refuse", "trim"]},
    "urlName": {"enum": ["url", "random"]},
    "cacheControl": _HEADER,
    "extraData": {"type": "object"},
    "cors": _object(uploads=_HEADER),
    "limits": _object(fileSize=_SIZE, fieldSize=_COUNT, jsonSize=_COUNT, parts=_COUNT),
    "urlUpload": _object(
        mode={"enum": ["offline", "fetch", "deny"]},
        timeout={"type": "string"},
        size=_COUNT,
        redirects={"type": "integer", "minimum": 0},
    ),
    "tasks": TASK_SETTINGS,
}
_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        **_SETTINGS,
        profiles={"type": "object", "additionalProperties": _object(**_SETTINGS)},
        claims={
            "type": "object",
            "additionalProperties": {
                **_object(
                    level={"enum": ["documented", "observed", "assumed"]},
                    source={"type": "string", "minLength": 1},
                    says={"type": "string", "minLength": 1},
                    verified={"type": "string", "pattern": r"^(?:never|\d{4}-\d\d-\d\d)$"},
                ),
                "required": ["level", "source", "says", "verified"],
            },
        },
    ),
}
_VALIDATOR: Final = jsonschema_rs.validator_for(_SCHEMA)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, `parts` a count. `file` None: no limit."""

    file: int | None = None
    field: int = 65_536
    json: int = 1_048_576
    parts: int = 64


@dataclass(frozen=True, slots=True)
class UrlUpload:
    """How URL uploads get their bytes. `timeout` in milliseconds, `size` in bytes."""

    mode: Literal["offline", "fetch", "deny"] = "offline"
    timeout: int = 30_000
    size: int = 104_857_600
    redirects: int = 5
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The behaviour beside the schemas. `retention` in milliseconds.

    `origin` is the scheme and host of links, None: those of the request. `aliases` are other
    origins that programs take for the server's; what is `missing` has none of its routes.
    """

    profile: str = DOCUMENTED
    retention: int = 259_200_000
    origin: str | None = None
    link_style: Literal["documented", "observed"] = "documented"
    aliases: Mapping[str, Literal["served", "missing"]] = field(default_factory=dict)
    expired_status: int | None = None
    unknown_status: int | None = None
    error_transport: Literal["status", "body"] = "status"
    edge_slashes: Literal["refuse", "trim"] = "refuse"
    url_name: Literal["url", "random"] = "url"
    cache_control: str | None = None
    extra_data: Mapping[str, Any] = field(default_factory=dict)
    upload_cors: str | None = None
    limits: Limits = field(default_factory=Limits)
    url_upload: UrlUpload = field(default_factory=UrlUpload)
    tasks: TaskLife = field(default_factory=TaskLife)

    @classmethod
    def of(cls, document: Document, profile: str = DOCUMENTED) -> Self:
        """The settings of a document under a profile; errors name the place in the file."""
        written = document.root.get("x-mockkie", {})
        for error in _VALIDATOR.iter_errors(written):
            strange = error.kind.as_dict().get("unexpected", [])
            steps = (str(step) for step in (*error.instance_path, *strange[:1]))
            message = f"this setting cannot be used: {error.message}"
            document.fail(("x-mockkie", *steps), message)
        _check_durations(document, written)
        profiles = written.get("profiles", {})
        if profile != DOCUMENTED and profile not in profiles:
            known = ", ".join((DOCUMENTED, *profiles))
            raise UsageError(f"there is no profile {profile!r}; {document.name} has: {known}")
        values = _merge(written, profiles.get(profile, {}))
        return cls(
            profile=profile,
            retention=parse_duration(values.get("retention", "P3D")),
            origin=_origin(values.get("links", {}).get("origin")),
            link_style=values.get("links", {}).get("style", "documented"),
            aliases=values.get("aliases", {}),
            expired_status=values.get("expiredLink", {}).get("status"),
            unknown_status=values.get("unknownLink", {}).get("status"),
            error_transport=values.get("errorTransport", "status"),
            edge_slashes=values.get("edgeSlashes", "refuse"),
            url_name=values.get("urlName", "url"),
            cache_control=values.get("cacheControl"),
            extra_data=values.get("extraData", {}),
            upload_cors=values.get("cors", {}).get("uploads"),
            limits=_limits(values.get("limits", {})),
            url_upload=_url_upload(values.get("urlUpload", {})),
            tasks=TaskLife.of(values.get("tasks", {})),
        )


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        merged[key] = _merge(inner, value) if both and inner is not None else value
    return merged


def _check_durations(document: Document, written: Mapping[str, Any]) -> None:
    """Those of the profiles too, used or not."""
    profiles = written.get("profiles", {})
    for above, values in (
        ((), written),
        *((("profiles", name), profiles[name]) for name in profiles),
    ):
        tasks = (("tasks", *at) for at in task_durations(values.get("tasks", {})))
        for below in (("retention",), ("urlUpload", "timeout"), *tasks):
            pointer: Pointer = ("x-mockkie", *above, *below)
            try:
                parse_duration(document.at(pointer))
            except KeyError:
                continue
            except ValueError as error:
                document.fail(pointer, str(error))


def _origin(text: str | None) -> str | None:
    return None if text in (None, "request") else text


def _limits(values: Mapping[str, Any]) -> Limits:
    default = Limits()
    return Limits(
        file=values.get("fileSize"),
        field=values.get("fieldSize", default.field),
        json=values.get("jsonSize", default.json),
        parts=values.get("parts", default.parts),
    )


def _url_upload(values: Mapping[str, Any]) -> UrlUpload:
    default = UrlUpload()
    return UrlUpload(
        mode=values.get("mode", default.mode),
        timeout=parse_duration(values.get("timeout", "PT30S")),
        size=values.get("size", default.size),
        redirects=values.get("redirects", default.redirects),
    )
