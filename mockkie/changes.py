"""Settings beside the document: of an option, a world, a test. Knows no documents and no worlds.

Given in the document's form, `{"expiredLink": {"status": 410}}`, where a name may also be a path,
`expiredLink.status`; kept by path. `profile` is one of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

import jsonschema_rs

from mockkie.clock import TooMuchError, parse_duration
from mockkie.problems import UsageError
from mockkie.quirks import QUIRKS, TOP, Quirk
from mockkie.source import DocumentError, Source

Changes = Mapping[str, Any]
"""Values as the document would have them, by the names of `QUIRKS`, and `profile`."""

PROFILE: Final = "profile"
_KNOWN: Final = tuple(dict.fromkeys((PROFILE, *TOP, *QUIRKS)))
_SHOWN: Final = 80
_HUMP: Final = re.compile(r"(?<=[a-z])[A-Z]")
_LOW: Final = re.compile(r"_([a-z])")


def read_changes(given: Any, *, of_world: bool = False) -> dict[str, Any]:
    """The changes that a mapping asks for; `UsageError` names what is wrong, and what is right.

    `of_world` refuses what is of the mock as a whole.
    """
    if not isinstance(given, Mapping):
        raise UsageError(f"settings are a mapping of names to values, not {_shown(given)}")
    return dict(_flat(given, "", str, of_world=of_world))


def read_keywords(given: Mapping[str, Any], *, of_world: bool = True) -> dict[str, Any]:
    """The same of Python's keyword arguments: `error_transport="body"`, `links={"style": ...}`."""
    camel = {_LOW.sub(lambda match: match[1].upper(), name): given[name] for name in given}
    return dict(_flat(camel, "", _snake, of_world=of_world))


def read_words(words: Iterable[str]) -> dict[str, Any]:
    """The same of texts like `expiredLink.status=410`; a value is read as YAML."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is no setting; write NAME=VALUE, as retention=PT24H")
        found |= read_changes({name.strip(): _value(text.strip())})
    return found


def nested(changes: Changes) -> dict[str, Any]:
    """Changes in the document's form."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        above, _, below = name.partition(".")
        if below:
            found.setdefault(above, {})[below] = value
        else:
            found[above] = value
    return found


def _flat(
    given: Mapping[Any, Any], above: str, spell: Callable[[str], str], *, of_world: bool
) -> Iterable[tuple[str, Any]]:
    for key, value in given.items():
        name = f"{above}{key}"
        if name == PROFILE:
            if not isinstance(value, str):
                raise UsageError(f"profile: {_shown(value)} is not the name of a profile")
            yield name, value
        elif name in QUIRKS:
            if of_world and QUIRKS[name].whole:
                why = "is of the mock as a whole: set it in the document, or where the mock starts"
                raise UsageError(f"{spell(name)} {why}")
            yield name, _judged(QUIRKS[name], value, spell)
        elif name in TOP:
            if not isinstance(value, Mapping):
                within = ", ".join(known for known in QUIRKS if known.startswith(f"{name}."))
                raise UsageError(
                    f"{spell(name)}: {_shown(value)} is not a mapping; it has {within}"
                )
            yield from _flat(value, f"{name}.", spell, of_world=of_world)
        else:
            raise UsageError(_unknown(name, spell))


def _unknown(name: str, spell: Callable[[str], str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for what is wrong only

    if name == "tasks" or name.startswith("tasks."):
        return "tasks are of their document: edit x-mockkie.tasks in it (docs/jobs.md)"
    near = get_close_matches(name, _KNOWN, n=1)
    known = ", ".join(spell(word) for word in (PROFILE, *TOP))
    hint = f"did you mean {spell(near[0])!r}?" if near else f"there are: {known}"
    return f"{spell(name)!r:.80} is no setting; {hint}"


def _judged(quirk: Quirk, value: Any, spell: Callable[[str], str]) -> Any:
    try:
        copied = json.loads(json.dumps(value, allow_nan=False))
        right = _validator(quirk.name).is_valid(copied) and not isinstance(copied, float)
        if right and quirk.kind.duration:
            parse_duration(copied)
    except TooMuchError as error:
        raise UsageError(f"{spell(quirk.name)}: {error}") from None
    except (TypeError, ValueError, RecursionError):  # no duration, or nothing that JSON has
        right = False
    if not right:
        raise UsageError(f"{spell(quirk.name)}: {_shown(value)} is not {quirk.kind.right}")
    return copied


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(dict(QUIRKS[name].kind.schema))


def _value(text: str) -> Any:
    """A value of the command line. What is no YAML, such as `*`, is the text that it is."""
    if "\n" in text:
        return text
    try:
        return Source(f"value: {text}", "value").root["value"]
    except DocumentError:
        return text


def _snake(name: str) -> str:
    top, dot, below = name.partition(".")
    return _HUMP.sub(lambda match: f"_{match[0].lower()}", top) + dot + below


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
