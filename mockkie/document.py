"""An OpenAPI document whose every keyword is understood, and its references. Knows no requests.

What mockkie does not understand is refused here, with file and line: a keyword that is silently
ignored would make the mock disagree with its own contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

from mockkie.keywords import EXPLAINED, KEYWORDS, Child
from mockkie.overlay import Overlay
from mockkie.source import Pointer, Source, parse_pointer, read_text

_WORDS: Final[dict[type, str]] = {
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}
_LONGEST_SHOWN: Final = 80


class Document(Source):
    """A source held against the keywords of OpenAPI. `kinds` tells what stands at each pointer.

    Overlays are applied first, in order: what they change is held against the same keywords.
    """

    def __init__(self, text: str, name: str, overlays: Sequence[Overlay] = ()) -> None:
        """Read and check `text`; `DocumentError` tells what is wrong and where."""
        super().__init__(text, name)
        self.overlays = [overlay.name for overlay in overlays]
        for overlay in overlays:
            overlay.apply(self)
        self.kinds: dict[Pointer, str] = {}
        self._references: list[Pointer] = []
        self._check((), self.root, "document")
        for pointer in self._references:
            self._check_reference(pointer)

    @classmethod
    def read(cls, path: Path, overlays: Sequence[Path] = ()) -> Self:
        """The document of a file; `DocumentError` also for a file that cannot be read."""
        known = [Overlay.read(overlay) for overlay in overlays]
        return cls(read_text(path, "a contract"), str(path), known)

    def resolve(self, pointer: Pointer) -> Pointer:
        """Where a value really stands: references followed to their end."""
        seen = {pointer}
        while isinstance(value := self.at(pointer), dict) and "$ref" in value:
            pointer = self.target(pointer)
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

    def target(self, pointer: Pointer) -> Pointer:
        """Where the `$ref` of a value leads, one step."""
        where, reference = (*pointer, "$ref"), self.at(pointer)["$ref"]
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

    def _check(self, pointer: Pointer, value: Any, kind: str) -> None:
        """Hold `value` against the keywords of its kind, and what is below it against theirs."""
        self.kinds[pointer] = kind
        if kind == "schema" and isinstance(value, bool):
            return
        if not isinstance(value, dict):
            self._expect(pointer, value, dict)
        known = KEYWORDS[kind]
        if "$ref" in value:
            self._references.append(pointer)
            if kind != "schema":
                known = KEYWORDS["reference"]
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
        elif isinstance(child, type):
            self._expect(pointer, value, child)
        elif isinstance(child, list):
            self._expect(pointer, value, list)
            for index, inner in enumerate(value):
                self._check((*pointer, str(index)), inner, child[0])
        else:
            self._expect(pointer, value, dict)
            for key, inner in value.items():
                self._check((*pointer, key), inner, child["*"])

    def _expect(self, pointer: Pointer, value: Any, wanted: type) -> None:
        if not isinstance(value, wanted):
            shown = repr(value)
            shown = shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…"
            self.fail(pointer, f"{_WORDS[wanted]} is expected here, not {shown}")

    def _check_reference(self, pointer: Pointer) -> None:
        """A reference leads, without turning back, to something of the kind that is wanted."""
        wanted, found = self.kinds[pointer], self.kinds.get(self.target(pointer))
        if found != wanted:
            reference = self.at(pointer)["$ref"]
            self.fail(
                (*pointer, "$ref"),
                f"$ref {reference!r} leads to {found or 'something else'}, not to a {wanted}",
            )
        self.resolve(pointer)
