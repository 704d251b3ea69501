"""In what two upload paths differ, as a person would say it. Knows nothing but texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import unquote

_GENERATED: Final = re.compile(r"\d{10,}-[0-9a-z]{9,12}\.[0-9A-Za-z]+")
_LEAST: Final = 0.01  # of what differs in upper and lower case only
_WILD: Final = re.compile(r"[*?\[]")

_ALIKE: Final[Sequence[tuple[Callable[[str], str], str]]] = (
    (lambda path: path.strip("/"), "they differ in slashes at the ends; paths have none there"),
    (lambda path: path.replace("\\", "/"), "they differ in backslashes: a path has slashes"),
    (lambda path: re.sub("/+", "/", path), "they differ in repeated slashes"),
    (str.lower, "they differ in upper and lower case only"),
    (str.strip, "they differ in blanks at the ends"),
    (unquote, "one of them is percent-encoded"),
    (
        lambda path: unicodedata.normalize("NFC", path),
        "they look alike, but their accents are composed differently (NFC and NFD)",
    ),
    (lambda path: unicodedata.normalize("NFKC", path).casefold().strip(" /"), "they look alike"),
)


def matches(pattern: str, path: str) -> bool:
    """Whether a path is the one, or matches the pattern, that somebody asked for.

    `*`, `?` and `[abc]` stand for characters of one folder or name, `**` for any folders.
    A path that is spelled like the pattern matches it, whatever characters it has.
    """
    return pattern == path or (
        bool(_WILD.search(pattern)) and _match(pattern.split("/"), path.split("/"))
    )


def _match(pattern: Sequence[str], path: Sequence[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_match(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _match(pattern[1:], path[1:])


def distance(pattern: str, path: str) -> float:
    """How unlike a path is to the one that was asked for: 0 it matches, 1 nothing in common."""
    if matches(pattern, path):
        return 0.0
    alike = SequenceMatcher(None, pattern.lower(), path.lower(), autojunk=False).ratio()
    return max(1.0 - alike, _LEAST)


def path_hints(expected: str, got: str) -> Iterator[str]:
    """What is to be said about a path that does not match; nothing when nothing comes to mind."""
    hint = _alike(expected, got) or _half_alike(expected, got)
    if hint:
        yield hint


def _alike(expected: str, got: str) -> str:
    for plain, hint in _ALIKE:
        if matches(plain(expected), plain(got)):
            return hint
    if "://" in expected:
        return "a link was expected; say the path, <uploadPath>/<fileName>"
    if expected.endswith(f"/{got}"):
        return f"{expected.removesuffix(got)!r} was expected in front of it"
    if got.endswith(f"/{expected}"):
        return f"{got.removesuffix(expected)!r} is in front of it"
    return ""


def _half_alike(expected: str, got: str) -> str:
    """What is to be said when the folder or the name is right."""
    expected_folder, _, expected_name = expected.rpartition("/")
    folder, _, name = got.rpartition("/")
    if folder == expected_folder and _GENERATED.fullmatch(name):
        pattern = f"{folder}/*.{name.rpartition('.')[2]}"
        return f"the name was generated, as no fileName was sent; expect {pattern!r}"
    if folder == expected_folder:
        return "the folder is right, the name is not"
    if name == expected_name:
        return "the name is right, the folder is not"
    return ""
