"""Recordings: walks with what came of each step, as a file that can be published and compared.

Sanitised by construction: steps are symbols and observations are labels, so there is no key, no
link and no host in it. Knows no targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import jsonschema_rs
import orjson

from mockkie import __version__
from mockkie.clock import isoformat, parse_instant, real_now
from mockkie.harness.document import document_path
from mockkie.harness.observation import Observation
from mockkie.harness.step_schema import why_no_step
from mockkie.harness.steps import Walk, step_from_json, step_to_json
from mockkie.problems import UsageError

FORMAT: Final = "mockkie-recording"
VERSION: Final = 1
SAMPLE: Final = "sample"
_MOST_BYTES: Final = 64 * 1_024 * 1_024
_TEXT: Final = {"type": "string", "maxLength": 500}
_WALK: Final = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "about": {"type": "string", "pattern": r"^[a-z0-9]+\.[a-z0-9.-]+$", "maxLength": 80},
        "level": {"enum": ["documented", "observed", "assumed"]},
        "steps": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"step": {"type": "object"}, "saw": {"type": "object"}},
                "required": ["step", "saw"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["name", "about", "steps"],
    "additionalProperties": False,
}
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "made": _TEXT,
        "by": _TEXT,
        "target": _TEXT,
        "clock": {"type": "boolean"},
        "profile": {"enum": ["quick", "full"]},
        "seed": {"type": "integer"},
        "document": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "leftOut": {"type": "object", "additionalProperties": _TEXT},
        "walks": {"type": "array", "items": _WALK},
    },
    "required": [*("format", "version", "made", "target", "clock", "profile", "seed", "walks")],
    "additionalProperties": False,
}
_VALIDATOR: Final = jsonschema_rs.Draft202012Validator(_SCHEMA)


@dataclass(slots=True)
class Recording:
    """What was seen on one target. `made` is an instant, `document` a digest of the contract."""

    target: str
    clock: bool
    seed: int
    profile: str = "quick"
    made: int = field(default_factory=real_now)
    by: str = f"mockkie {__version__}"
    document: str = field(
        default_factory=lambda: sha256(document_path().read_bytes()).hexdigest()[:16]
    )
    left_out: dict[str, str] = field(default_factory=dict)
    walks: list[tuple[Walk, Sequence[Observation]]] = field(default_factory=list)

    @property
    def age(self) -> int:
        """How old it is, in milliseconds."""
        return max(real_now() - self.made, 0)

    def to_json(self) -> bytes:
        """The file: a line for each step, so that two recordings can be compared by `diff`."""
        head = {
            "format": FORMAT,
            "version": VERSION,
            "made": isoformat(self.made),
            "by": self.by,
            "target": self.target,
            "clock": self.clock,
            "profile": self.profile,
            "seed": self.seed,
            **({"document": self.document} if self.document else {}),
            "leftOut": self.left_out,
        }
        lines = [f" {_dump(name)}: {_dump(value)}," for name, value in head.items()]
        walks = ",\n".join(_walk_lines(walk, saw) for walk, saw in self.walks)
        return "\n".join(["{", *lines, ' "walks": [', walks, " ]", "}", ""]).encode()

    @classmethod
    def read(cls, path: Path) -> Self:
        """The recording of a file; `UsageError` says what is wrong with it."""
        value = _value_of(path)
        walks = [_walk(path, number, each) for number, each in enumerate(value["walks"], 1)]
        try:
            made = parse_instant(value["made"])
        except ValueError as error:
            raise UsageError(f"{path}: made: {error}") from error
        return cls(
            target=value["target"],
            clock=value["clock"],
            seed=value["seed"],
            profile=value["profile"],
            made=made,
            by=value.get("by", ""),
            document=value.get("document", ""),
            left_out=value.get("leftOut", {}),
            walks=walks,
        )


def sample_path() -> Path:
    """The recording that comes along: made from the mock, not from the live service."""
    return Path(__file__).parent.parent / "recordings" / "mock.json"


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _walk_lines(walk: Walk, saw: Sequence[Observation]) -> str:
    level = {"level": walk.level} if walk.level else {}
    head = _dump({"name": walk.name, "about": walk.about, **level})[:-1]
    lines = [
        "   " + _dump({"step": step_to_json(step), "saw": one})
        for step, one in zip(walk.steps, saw, strict=False)
    ]
    return f'  {head},"steps":[\n' + ",\n".join(lines) + "\n  ]}"


def _value_of(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is too large to be a recording")
        value = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path} is no recording, or a damaged one: {error}") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UsageError(f"{path} is no recording: make one with `mockkie record`")
    version = value.get("version")
    if isinstance(version, int) and version > VERSION:
        raise UsageError(
            f"{path} is a recording of version {version}, this mockkie reads {VERSION}: update it"
        )
    wrong = next(iter(_VALIDATOR.iter_errors(value)), None)
    if wrong is not None:
        place = _place(list(wrong.instance_path)) or "it"
        raise UsageError(f"{path}: {place}: {wrong.message[:200]}")
    found: dict[str, Any] = value
    return found


def _place(parts: Sequence[Any]) -> str:
    """Where something is wrong, counted as people do: `walk 3 step 1`."""
    names = {"walks": "walk", "steps": "step"}
    return " ".join(
        str(part + 1) if isinstance(part, int) else names.get(part, part) for part in parts
    )


def _walk(path: Path, number: int, value: Mapping[str, Any]) -> tuple[Walk, Sequence[Observation]]:
    steps = []
    for at, each in enumerate(value["steps"], 1):
        why = why_no_step(each["step"])
        if why:
            raise UsageError(f"{path}: step {at} of walk {number} ({value['name']}): {why}")
        steps.append(step_from_json(each["step"]))
    walk = Walk(value["name"], value["about"], steps, value.get("level", ""))
    return walk, [each["saw"] for each in value["steps"]]
