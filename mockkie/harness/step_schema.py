"""What a step may be when it is read from a file, where anybody may have changed it.

Knows what steps are made of; nothing of how they are taken.
"""

from __future__ import annotations

from typing import Any, Final

import jsonschema_rs

from mockkie.harness.sending import AUTHS, CONDITIONS, LINKS, SPELLINGS

_MOST_BYTES: Final = 64 * 1_024 * 1_024
_LONG: Final = {"type": "string", "maxLength": 200_000}
_TEXT: Final = {"type": "string", "maxLength": 2_000}
_METHOD: Final = {"type": "string", "pattern": "^[A-Z]{1,12}$"}
_LABEL: Final = {"type": "string", "pattern": "^[a-z0-9 -]{0,40}$"}
_LEVEL: Final = {"enum": ["", "documented", "observed", "assumed"]}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _words(known: Any, *more: str) -> dict[str, Any]:
    return {"enum": ["", *known, *more]}


_ABOUT: Final[dict[str, Any]] = {"about": _TEXT, "level": _LEVEL}
_CONTENT: Final = _object(
    text=_LONG,
    hex={**_LONG, "pattern": "^(?:[0-9a-f]{2})*$"},
    counting={"type": "integer", "minimum": 0, "maximum": _MOST_BYTES},
    first={"type": "integer", "minimum": 0, "maximum": 16_000},
)
_UPLOAD: Final[dict[str, Any]] = {
    "route": {"enum": ["stream", "base64", "data-url", "url"]},
    "name": {"type": ["string", "null"], "maxLength": 2_000},
    "content": _CONTENT,
    "folder": _TEXT,
    "link": _LABEL,
    "auth": _words(AUTHS, "other"),
    "method": _METHOD,
    "spelled": _words(SPELLINGS),
    "type": _TEXT,
    "filename": _TEXT,
    "source": _TEXT,
    "set": {"type": "object", "maxProperties": 20},
    "drop": {"type": "array", "items": _TEXT, "maxItems": 20},
    "body": _CONTENT,
    **_ABOUT,
}
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "upload": _object(**_UPLOAD),
    "read": _object(
        "of",
        of=_LABEL,
        method=_METHOD,
        times={"type": "integer", "minimum": 1, "maximum": 100},
        auth=_words(AUTHS, "other"),
        spelled=_words(LINKS),
        range={"type": "string", "pattern": "^[ -~]{0,80}$"},
        condition=_words(CONDITIONS),
        **_ABOUT,
    ),
    "ask": _object(
        "path",
        path={"type": "string", "pattern": "^/api/[!-~]{0,200}$"},
        method=_METHOD,
        auth=_words(AUTHS, "other"),
        preflight={"type": "boolean"},
        **_ABOUT,
    ),
    "wait": _object(
        lives={"type": "number", "minimum": 0, "maximum": 100},
        seconds={"type": "number", "minimum": -1e6, "maximum": 1e8},
        **_ABOUT,
    ),
    "many": _object(
        "upload times",
        upload=_object(**_UPLOAD),
        times={"type": "integer", "minimum": 1, "maximum": 1_000},
        names={"enum": ["own", "one", "none", "pairs"]},
        at_once={"type": "boolean"},
        readers={"type": "integer", "minimum": 0, "maximum": 8},
        **_ABOUT,
    ),
}
_VALIDATORS: Final = {
    name: jsonschema_rs.Draft202012Validator(
        {**schema, "properties": {**schema["properties"], "do": {"const": name}}}
    )
    for name, schema in _KINDS.items()
}


def why_no_step(value: Any) -> str:
    """Why a value of JSON is no step; empty if it is one."""
    if not isinstance(value, dict):
        return "it is no object"
    validator = _VALIDATORS.get(value.get("do", ""))
    if validator is None:
        return f"`do` is {value.get('do')!r}, not one of {', '.join(_VALIDATORS)}"
    for error in validator.iter_errors(value):
        place = ".".join(str(part) for part in error.instance_path)
        return f"{place or 'it'}: {error.message[:200]}"
    return ""
