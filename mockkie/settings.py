"""What OpenAPI cannot say: the `x-mockkie` part of the document, typed. Knows nothing of requests.

The facts behind the defaults, with their levels, are the claims in `openapi.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

import jsonschema_rs

from mockkie.changes import PROFILE, Changes
from mockkie.clock import parse_duration
from mockkie.document import Document
from mockkie.problems import UsageError
from mockkie.quirks import QUIRKS, Quirk, closed, schemas
from mockkie.source import Pointer
from mockkie.tasks import TASK_SETTINGS, TaskLife, task_durations

DOCUMENTED: Final = "documented"
_SETTINGS: Final[dict[str, Any]] = {**schemas(), "tasks": TASK_SETTINGS}
_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed(
        {
            **_SETTINGS,
            "profiles": {"type": "object", "additionalProperties": closed(_SETTINGS)},
            "claims": {
                "type": "object",
                "additionalProperties": {
                    **closed(
                        {
                            "level": {"enum": ["documented", "observed", "assumed"]},
                            "source": {"type": "string", "minLength": 1},
                            "says": {"type": "string", "minLength": 1},
                            "verified": {
                                "type": "string",
                                "pattern": r"^(?:never|\d{4}-\d\d-\d\d)$",
                            },
                        }
                    ),
                    "required": ["level", "source", "says", "verified"],
                },
            },
        }
    ),
}
_VALIDATOR: Final = jsonschema_rs.validator_for(_SCHEMA)
_LIMITS: Final = ("fileSize", "totalSize", "fieldSize", "jsonSize", "parts")

DeadBody = Literal["envelope", "empty", "html"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, `parts` a count. `file`, or `total` of a world, None: no limit."""

    file: int | None = None
    total: int | None = None
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


@dataclass(frozen=True, slots=True)
class Settings:
    """The behaviour beside the schemas, of a mock or of a world. `retention` in milliseconds.

    `origin` is the scheme and host of links, None: those of the request. `aliases` are other
    origins that programs take for the server's; what is `missing` has none of its routes.
    `values` are the same as they are written, by the names of `QUIRKS`.
    """

    profile: str = DOCUMENTED
    retention: int = 259_200_000
    origin: str | None = None
    link_style: Literal["documented", "observed"] = "documented"
    aliases: Mapping[str, Literal["served", "missing"]] = field(default_factory=dict)
    expired_status: int | None = None
    expired_body: DeadBody = "envelope"
    unknown_status: int | None = None
    unknown_body: DeadBody = "envelope"
    error_transport: Literal["status", "body"] = "status"
    edge_slashes: Literal["refuse", "trim"] = "refuse"
    inner_slashes: Literal["refuse", "resolve"] = "refuse"
    url_name: Literal["url", "random"] = "url"
    generated_name: Literal["observed", "uuid"] = "observed"
    empty_file: Literal["store", "refuse"] = "store"
    unknown_fields: Literal["ignore", "refuse"] = "ignore"
    cache_control: str | None = None
    extra_data: Mapping[str, Any] = field(default_factory=dict)
    upload_cors: str | None = None
    download_cors: str | None = None
    refused_agents: Sequence[str] = ()
    agent_status: int = 403
    head: Literal["serve", "refuse"] = "serve"
    ranges: Literal["serve", "ignore"] = "serve"
    etags: Literal["send", "omit"] = "send"
    limits: Limits = field(default_factory=Limits)
    url_upload: UrlUpload = field(default_factory=UrlUpload)
    tasks: TaskLife = field(default_factory=TaskLife)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, document: Document, profile: str = DOCUMENTED, *changes: Changes) -> Self:
        """The settings of a document (see `check_settings`) under a profile, then with changes.

        Changes are applied in order, each as a whole; the last profile that one names is the one.
        `UsageError`: there is no such profile.
        """
        written = document.root.get("x-mockkie", {})
        profiles = written.get("profiles", {})
        for above in changes:
            profile = above.get(PROFILE, profile)
        if profile != DOCUMENTED and profile not in profiles:
            known = ", ".join((DOCUMENTED, *profiles))
            raise UsageError(f"there is no profile {profile!r}; {document.name} has: {known}")
        merged = _merge(written, profiles.get(profile, {}))
        values = {name: _written(merged, quirk) for name, quirk in QUIRKS.items()}
        for above in changes:
            values |= above
        values.pop(PROFILE, None)
        return cls._read(profile, values, TaskLife.of(merged.get("tasks", {})))

    @classmethod
    def _read(cls, profile: str, values: Mapping[str, Any], tasks: TaskLife) -> Self:
        return cls(
            profile=profile,
            retention=parse_duration(values["retention"]),
            origin=None if values["links.origin"] == "request" else values["links.origin"],
            link_style=values["links.style"],
            aliases=values["aliases"],
            expired_status=values["expiredLink.status"],
            expired_body=values["expiredLink.body"],
            unknown_status=values["unknownLink.status"],
            unknown_body=values["unknownLink.body"],
            error_transport=values["errorTransport"],
            edge_slashes=values["edgeSlashes"],
            inner_slashes=values["innerSlashes"],
            url_name=values["urlName"],
            generated_name=values["generatedName"],
            empty_file=values["emptyFile"],
            unknown_fields=values["unknownFields"],
            cache_control=values["cacheControl"],
            extra_data=values["extraData"],
            upload_cors=values["cors.uploads"],
            download_cors=values["cors.downloads"],
            refused_agents=[text.lower() for text in values["userAgents.refuse"]],
            agent_status=values["userAgents.status"],
            head=values["head"],
            ranges=values["ranges"],
            etags=values["etags"],
            limits=Limits(*(values[f"limits.{name}"] for name in _LIMITS)),
            url_upload=UrlUpload(
                mode=values["urlUpload.mode"],
                timeout=parse_duration(values["urlUpload.timeout"]),
                size=values["urlUpload.size"],
                redirects=values["urlUpload.redirects"],
            ),
            tasks=tasks,
            values=values,
        )


def check_settings(document: Document) -> None:
    """Hold `x-mockkie` against what can be there; errors name the place in the file."""
    written = document.root.get("x-mockkie", {})
    for error in _VALIDATOR.iter_errors(written):
        strange = error.kind.as_dict().get("unexpected", [])
        steps = (str(step) for step in (*error.instance_path, *strange[:1]))
        message = f"this setting cannot be used: {error.message}"
        document.fail(("x-mockkie", *steps), message)
    _check_durations(document, written)


def _written(settings: Mapping[str, Any], quirk: Quirk) -> Any:
    value: Any = settings
    for step in quirk.name.split("."):
        if step not in value:
            return quirk.fallback
        value = value[step]
    return value


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
    plain = [name.split(".") for name, quirk in QUIRKS.items() if quirk.kind.duration]
    for above, values in (
        ((), written),
        *((("profiles", name), profiles[name]) for name in profiles),
    ):
        tasks = (("tasks", *at) for at in task_durations(values.get("tasks", {})))
        for below in (*plain, *tasks):
            pointer: Pointer = ("x-mockkie", *above, *below)
            try:
                parse_duration(document.at(pointer))
            except KeyError:
                continue
            except ValueError as error:
                document.fail(pointer, str(error))
