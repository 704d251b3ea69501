"""What is in the files that mockkie writes, as a page has it, read from JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from docs.pages.tables import code, table

FOLDER: Final = Path(__file__).parent.parent / "reference" / "schemas"


def makers() -> Mapping[str, Callable[[], Iterator[str]]]:
    """For each schema what makes its table, by the name that a page asks for it with."""
    return {f"schema_{path.stem}": partial(lines, path) for path in sorted(FOLDER.glob("*.json"))}


def lines(path: Path) -> Iterator[str]:
    """The members of a schema, those of objects below them too."""
    schema = json.loads(path.read_text())
    rows = list(_members("", schema, schema))
    for name, part in schema.get("$defs", {}).items():
        rows += _members(f"{name}.", part, schema)
    yield from table(("member", "type", "is"), rows)


def _members(before: str, part: Mapping[str, Any], whole: Any) -> Iterator[tuple[str, str, str]]:
    for name, value in part.get("properties", {}).items():
        known = name in part.get("required", ())
        place, about = f"{before}{name}", value.get("description", "")
        yield code(place), _type(value), about if known else f"{about}; may be missing"
        yield from _members(f"{place}.", value, whole)
        yield from _members(f"{place}[].", value.get("items", {}), whole)


def _type(value: Mapping[str, Any]) -> str:
    """What a value is, in the words of JSON."""
    if "enum" in value:
        return ", ".join(code(word) for word in value["enum"])
    if "const" in value:
        return code(json.dumps(value["const"]))
    if "$ref" in value:
        return code(value["$ref"].rpartition("/")[2])
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"])
    kinds = value.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    kinds = ["instant" if one == "string" and _is_instant(value) else one for one in kinds]
    of = _type(value["items"]) if "items" in value else ""
    return " or ".join(kinds) + (f" of {of}" if of else "")


def _is_instant(value: Mapping[str, Any]) -> bool:
    return "T" in value.get("pattern", "")
