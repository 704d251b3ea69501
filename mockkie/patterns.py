"""Validators whose regular expressions come to an end soon, whatever they are held against.

Patterns that say only what a text is made of are held against it in a time that grows with its
length, and no faster. Those that look around or back have no such bound: they try again, and each
try may look at all of the text. So they have a number of tries, and fewer the longer the texts
are; a text that needs more of them does not match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import jsonschema_rs

Options = jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions
Make = Callable[[Options], jsonschema_rs.Validator]

TOO_MANY_TRIES: Final = "Error executing regex"
"""How the message of an error begins that is of the number of tries."""
_COST: Final = 100_000_000  # characters looked at by one pattern: about a quarter of a second
_FEWEST: Final = 100  # characters that all texts are taken to have at least
_LEAST: Final = 10  # tries


class Validator(Protocol):
    """Holds values against a schema."""

    def is_valid(self, instance: Any) -> bool:
        """Whether the value is as the schema says."""

    def iter_errors(self, instance: Any) -> Iterator[jsonschema_rs.ValidationError]:
        """What is wrong with the value."""


def ending(make: Make) -> Validator:
    """The validator of a schema. Raises what `make` does for a schema that cannot be used."""
    try:
        return make(jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError:
        return _Trying(make)


class _Trying:
    """For schemas with patterns that try again; one validator for each length of the texts."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._by_length = {_FEWEST: self._made(_FEWEST)}

    def is_valid(self, instance: Any) -> bool:
        return self._for(instance).is_valid(instance)

    def iter_errors(self, instance: Any) -> Iterator[jsonschema_rs.ValidationError]:
        return self._for(instance).iter_errors(instance)

    def _for(self, instance: Any) -> jsonschema_rs.Validator:
        length, characters = _FEWEST, _characters(instance)
        while length < characters:
            length *= 10
        if length not in self._by_length:
            self._by_length[length] = self._made(length)
        return self._by_length[length]

    def _made(self, length: int) -> jsonschema_rs.Validator:
        tries = max(_LEAST, _COST // length)
        return self._make(jsonschema_rs.FancyRegexOptions(backtrack_limit=tries))


def _characters(instance: Any) -> int:
    """Of all texts and names in a value."""
    count, rest = 0, [instance]
    while rest:
        match rest.pop():
            case str() as text:
                count += len(text)
            case dict() as members:
                rest += members.keys()
                rest += members.values()
            case list() as items:
                rest += items
    return count
