"""An OpenAPI document as data, with the place of every value. Knows nothing of requests.

What mockkie does not understand is refused here, with file and line: a keyword that is silently
ignored would make the mock disagree with its own contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from mockkie.keywords import EXPLAINED, KEYWORDS, Child
from mockkie.problems import UsageError

Pointer = tuple[str, ...]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_NODES: Final = 200_000
_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")
)


class DocumentError(UsageError):
    """The document is wrong; the text begins with `file:line:column`."""


class Document:
    """The values of a YAML or JSON document, and where each of them stands."""

    def __init__(self, text: str, name: str) -> None:
        """Read and check `text`; `DocumentError` tells what is wrong and where."""
        self.name = name
        self._marks: dict[Pointer, yaml.Mark] = {}
        self._budget = _MOST_NODES
        self.root: dict[str, Any] = self._load(text)
        self._check((), self.root, "document")

    @classmethod
    def read(cls, path: Path) -> Document:
        """The document of a file; `DocumentError` also for a file that cannot be read."""
        try:
            return cls(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentError(f"{path}: cannot be read as a contract: {error}") from error

    def place(self, pointer: Pointer) -> str:
        """`file:line:column` of a value, or of the nearest that exists above it."""
        while pointer not in self._marks and pointer:
            pointer = pointer[:-1]
        mark = self._marks.get(pointer)
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}" if mark else self.name

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

    def resolve(self, pointer: Pointer) -> Pointer:
        """Where a value really stands: references followed to their end."""
        seen = {pointer}
        while isinstance(value := self.at(pointer), dict) and "$ref" in value:
            pointer = self._target(pointer, value["$ref"])
            if pointer in seen:
                self.fail(pointer, "this reference leads back to itself")
            seen.add(pointer)
        return pointer

    def descend(self, pointer: Pointer, *steps: str) -> Pointer:
        """Where `steps` lead from a value, references followed; `KeyError` when nowhere."""
        pointer = self.resolve(pointer)
        for step in steps:
            self.at((*pointer, step))
            pointer = self.resolve((*pointer, step))
        return pointer

    def items(self, pointer: Pointer) -> Iterator[tuple[str, Pointer]]:
        """The members of a mapping (none where there is no mapping), references followed."""
        try:
            pointer = self.resolve(pointer)
            value = self.at(pointer)
        except KeyError:
            return
        if isinstance(value, dict):
            for key in value:
                yield key, self.resolve((*pointer, key))
        elif isinstance(value, list):
            for index in range(len(value)):
                yield str(index), self.resolve((*pointer, str(index)))

    def _target(self, pointer: Pointer, reference: Any) -> Pointer:
        where = (*pointer, "$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            self.fail(
                where, f"$ref {reference!r}: only places in this file can be referred to: #/…"
            )
        target = parse_pointer(reference)
        try:
            self.at(target)
        except KeyError:
            self.fail(where, f"$ref {reference!r} points at nothing in this file")
        return target

    def _load(self, text: str) -> dict[str, Any]:
        try:
            node = yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f"{self.name}:{mark.line + 1}:{mark.column + 1}" if mark else self.name
            problem = getattr(error, "problem", None) or str(error)
            raise DocumentError(f"{place}: this is not YAML: {problem}") from error
        if not isinstance(node, yaml.MappingNode):
            raise DocumentError(f"{self.name}: an OpenAPI document is a mapping, this is none")
        value = self._value(node, (), ())
        if not isinstance(value, dict):
            raise TypeError("a mapping node makes a mapping")
        return value

    def _value(self, node: yaml.Node, pointer: Pointer, above: tuple[int, ...]) -> Any:
        self._marks.setdefault(pointer, node.start_mark)
        self._budget -= 1
        if self._budget < 0:
            self.fail(
                pointer, f"the document has more than {_MOST_NODES:,} values with its aliases"
            )
        if id(node) in above:
            self.fail(pointer, "this alias contains itself")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer, (*above, id(node)))
        if isinstance(node, yaml.SequenceNode):
            inside = (*above, id(node))
            return [
                self._value(child, (*pointer, str(index)), inside)
                for index, child in enumerate(node.value)
            ]
        return self._scalar(node, pointer)

    def _mapping(
        self, node: yaml.MappingNode, pointer: Pointer, above: tuple[int, ...]
    ) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self._marks[(*pointer, "?")] = key_node.start_mark
                self.fail((*pointer, "?"), "a key must be a text")
            inner = (*pointer, key)
            if key in mapping:
                self._marks[inner] = key_node.start_mark
                self.fail(inner, f"{key!r} stands here twice")
            self._marks[inner] = key_node.start_mark
            mapping[key] = self._value(value_node, inner, above)
        return mapping

    def _scalar(self, node: yaml.Node, pointer: Pointer) -> Any:
        if node.tag not in _PLAIN_TAGS:
            self.fail(pointer, f"YAML tag {node.tag!r} is not for OpenAPI documents")
        if node.tag.endswith((":timestamp", ":str")):
            return node.value
        try:
            return yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            self.fail(pointer, f"{node.value!r} cannot be read: {error}")

    def _check(self, pointer: Pointer, value: Any, kind: str) -> None:
        """Hold `value` against the keywords of its kind, and what is below it against theirs."""
        if kind == "schema" and isinstance(value, bool):
            return
        if not isinstance(value, dict):
            self.fail(pointer, f"a mapping is expected here, not {value!r}")
        if "$ref" in value:
            self._target(pointer, value["$ref"])
            if kind != "schema":
                kind = "reference"
        known = KEYWORDS[kind]
        for key, inner in value.items():
            if key in known:
                self._descend((*pointer, key), inner, known[key])
            elif not key.startswith("x-") or key.startswith("x-mockkie"):
                hint = EXPLAINED.get(key, "mockkie does not know it; is it misspelt?")
                self.fail((*pointer, key), f"keyword {key!r} is not supported here: {hint}")

    def _descend(self, pointer: Pointer, value: Any, child: Child) -> None:
        if child is None:
            return
        if isinstance(child, str):
            self._check(pointer, value, child)
        elif isinstance(child, list):
            if not isinstance(value, list):
                self.fail(pointer, f"a list is expected here, not {value!r}")
            for index, inner in enumerate(value):
                self._check((*pointer, str(index)), inner, child[0])
        else:
            if not isinstance(value, dict):
                self.fail(pointer, f"a mapping is expected here, not {value!r}")
            for key, inner in value.items():
                self._check((*pointer, key), inner, child["*"])


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
