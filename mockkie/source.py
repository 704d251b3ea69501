"""A YAML or JSON text as plain values, and the place of each. Knows nothing of OpenAPI.

What the versions of YAML read differently (`no`, `010`, `1:30`, `1e3`) is refused rather than
guessed at: every reader of the document has to see the same values.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import yaml

from mockkie.problems import UsageError

Pointer = tuple[str, ...]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTRUCTOR: Final = yaml.constructor.SafeConstructor()
_MOST_VALUES: Final = 200_000
_DEEPEST: Final = 100
_TAG: Final = "tag:yaml.org,2002:"
_TEXTS: Final = (f"{_TAG}str", f"{_TAG}timestamp")
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_BROKEN: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_ESCAPE: Final = re.compile(r"\\(?:u(d[89ab]..)\\u(d[c-f]..)|.)", re.IGNORECASE | re.DOTALL)


class DocumentError(UsageError):
    """The document is wrong; the text begins with `file:line:column`."""


class Source:
    """The values of a text, and where each of them stands."""

    kind: ClassVar[str] = "an OpenAPI document"

    def __init__(self, text: str, name: str) -> None:
        """Read `text`; `DocumentError` tells what is wrong and where."""
        self.name = name
        self._marks: dict[Pointer, tuple[str, yaml.Mark]] = {}
        self._left = _MOST_VALUES
        values = None
        if name.endswith(".json"):
            values, text = self._json(text)
        node = self._compose(text)
        if not isinstance(node, yaml.MappingNode):
            raise DocumentError(f"{name}: {self.kind} is a mapping, this is none")
        read = self._mapping(node, (), ())
        self.root: dict[str, Any] = read if values is None else values

    def place(self, pointer: Pointer) -> str:
        """`file:line:column` of a value, or of the nearest that exists above it."""
        found = self._marked(pointer)
        return self.name if found is None else _shown(*found)

    def _marked(self, pointer: Pointer) -> tuple[str, yaml.Mark] | None:
        while pointer not in self._marks and pointer:
            pointer = pointer[:-1]
        return self._marks.get(pointer)

    def fail(self, pointer: Pointer, text: str) -> NoReturn:
        """Raise a `DocumentError` about the value at `pointer`."""
        raise DocumentError(f"{self.place(pointer)}: {text}")

    def at(self, pointer: Pointer) -> Any:
        """The value at a pointer; `KeyError` when there is none."""
        value: Any = self.root
        for step in pointer:
            if isinstance(value, list):
                if not step.isdecimal() or int(step) >= len(value):
                    raise KeyError(step)
                value = value[int(step)]
            elif isinstance(value, dict):
                value = value[step]
            else:
                raise KeyError(step)
        return value

    def adopt(self, pointer: Pointer, source: Source, there: Pointer) -> None:
        """Put a copy of what stands `there` in a source at `pointer`; it keeps its places.

        What is put behind the end of a list is appended to it. `ValueError`: it is too much.
        """
        value = copy.deepcopy(source.at(there))
        places = {(*pointer, *at): source._marked((*there, *at)) for at in _pointers(value)}
        self._left -= len(places)
        if self._left < 0 or max(map(len, places)) > _DEEPEST:
            most = f"{_MOST_VALUES:,} values or is nested more than {_DEEPEST} deep"
            raise ValueError(f"with this the document has more than {most}")
        self._marks |= {at: place for at, place in places.items() if place is not None}
        above, last = self.at(pointer[:-1]), pointer[-1]
        if isinstance(above, list):
            above[int(last) : int(last) + 1] = [value]
        else:
            above[last] = value

    def remove(self, pointer: Pointer) -> None:
        """Take the value at `pointer` out; what follows it in a list moves up."""
        above, last, depth = self.at(pointer[:-1]), pointer[-1], len(pointer) - 1
        in_list = isinstance(above, list)
        del above[int(last) if in_list else last]
        kept: dict[Pointer, tuple[str, yaml.Mark]] = {}
        for at, place in self._marks.items():
            if at[:depth] != pointer[:depth] or len(at) == depth:
                kept[at] = place
            elif in_list and int(at[depth]) > int(last):
                kept[(*at[:depth], str(int(at[depth]) - 1), *at[depth + 1 :])] = place
            elif at[depth] != last:
                kept[at] = place
        self._marks = kept

    def _show(self, mark: Any) -> str:
        return _shown(self.name, mark) if mark else self.name

    def _json(self, text: str) -> tuple[Any, str]:
        """The values of a JSON text, and the text as YAML can read it, for the places."""
        try:
            values = json.loads(text, parse_constant=_finite, parse_float=_finite)
        except json.JSONDecodeError as error:
            place = f"{self.name}:{error.lineno}:{error.colno}"
            raise DocumentError(f"{place}: this is not JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"{self.name}: this JSON cannot be read: {error}") from error
        return values, _ESCAPE.sub(_join, text.replace("\t", " "))

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            depth = 0
            # YAML's own composer descends without end and takes the process along.
            for event in yaml.parse(text, Loader=_LOADER):
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
                if depth > _DEEPEST:
                    place = self._show(event.start_mark)
                    raise DocumentError(f"{place}: this is nested more than {_DEEPEST} deep")
            return yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as error:
            place = self._show(getattr(error, "problem_mark", None))
            problem = getattr(error, "problem", None) or str(error)
            if "nesting depth" in problem:  # libyaml from 0.2.6 on looks ahead, and sees it first
                raise DocumentError(f"{place}: this is nested more than {_DEEPEST} deep") from error
            raise DocumentError(f"{place}: this is not YAML: {problem}") from error
        except UnicodeEncodeError as error:
            raise DocumentError(f"{self.name}: this is not Unicode: {error}") from error

    def _value(self, node: yaml.Node, pointer: Pointer, above: tuple[int, ...]) -> Any:
        self._marks.setdefault(pointer, (self.name, node.start_mark))
        self._left -= 1
        if self._left < 0:
            self.fail(pointer, f"the document has more than {_MOST_VALUES:,} values, aliases read")
        if id(node) in above:
            self.fail(pointer, "this alias contains itself")
        if len(above) > _DEEPEST:
            self.fail(pointer, f"this is nested more than {_DEEPEST} deep")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer, (*above, id(node)))
        if isinstance(node, yaml.SequenceNode):
            self._plain(node, "seq", pointer)
            inside = (*above, id(node))
            return [
                self._value(child, (*pointer, str(index)), inside)
                for index, child in enumerate(node.value)
            ]
        return self._scalar(node, pointer)

    def _mapping(
        self, node: yaml.MappingNode, pointer: Pointer, above: tuple[int, ...]
    ) -> dict[str, Any]:
        self._plain(node, "map", pointer)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            inner = (*pointer, key)
            self._marks[inner] = (self.name, key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.fail(inner, "a key must be a text")
            if key_node.tag == f"{_TAG}merge":
                self.fail(inner, "'<<' merges are not JSON; write the members out, or use $ref")
            if key in mapping:
                self.fail(inner, f"{key!r} stands here twice")
            mapping[key] = self._value(value_node, inner, above)
        return mapping

    def _plain(self, node: yaml.Node, kind: str, pointer: Pointer) -> None:
        """Refuse a collection that a tag calls something else: other readers would obey it."""
        if node.tag != f"{_TAG}{kind}":
            self.fail(pointer, f"YAML tag {node.tag!r} has no place in {self.kind}")

    def _scalar(self, node: yaml.Node, pointer: Pointer) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        if kind not in ("str", "int", "float", "bool", "null", "timestamp"):
            self.fail(pointer, f"YAML tag {node.tag!r} is not for OpenAPI documents")
        if (
            not getattr(node, "style", None)
            and _is_ambiguous(kind, text)
            and not self.name.endswith(".json")
        ):
            self.fail(pointer, f"YAML 1.1 and 1.2 read {text} differently; put it in quotes")
        if node.tag in _TEXTS:
            return text
        try:
            value = _CONSTRUCTOR.construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError) as error:
            self.fail(pointer, f"{text!r} cannot be read: {error}")
        if isinstance(value, float) and not math.isfinite(value):
            self.fail(pointer, f"{text} is no number of JSON")
        return value


def _shown(file: str, mark: Any) -> str:
    return f"{file}:{mark.line + 1}:{mark.column + 1}"


def _pointers(value: Any) -> Iterator[Pointer]:
    """The places in a value, itself included."""
    yield ()
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in inside:
            yield from ((str(step), *rest) for rest in _pointers(inner))


def _is_ambiguous(kind: str, text: str) -> bool:
    match kind:
        case "bool":
            return text.lower() not in ("true", "false")
        case "int":
            return not _WHOLE.fullmatch(text)
        case "float":
            return not (_BROKEN.fullmatch(text) or text.lower().lstrip("+-") in (".inf", ".nan"))
        case "str":
            return bool(_BROKEN.fullmatch(text) or _OCTAL.fullmatch(text))
    return False


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value


def _join(match: re.Match[str]) -> str:
    """One character for the two halves that JSON writes it as; other escapes as they are."""
    if match[1] is None:
        return match[0]
    return bytes.fromhex(match[1] + match[2]).decode("utf-16-be")


def read_text(path: Path, what: str) -> str:
    """The text of a file; `DocumentError` when it cannot be read as `what` it should be."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: cannot be read as {what}: {error}") from error


def parse_pointer(reference: str) -> Pointer:
    """The steps of a JSON pointer in a URI fragment: `#/paths/~1a` is `("paths", "/a")`."""
    from urllib.parse import unquote  # noqa: PLC0415 - only documents with references need it

    fragment = unquote(reference.partition("#")[2])
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in fragment.removeprefix("/").split("/")
    )


def format_pointer(pointer: Pointer) -> str:
    """The JSON pointer as a URI fragment, `#/paths/~1a`, as `parse_pointer` reads it."""
    from urllib.parse import quote  # noqa: PLC0415 - the counterpart of the one above

    return "#" + "".join(
        "/" + quote(step.replace("~", "~0").replace("/", "~1"), safe="~") for step in pointer
    )
