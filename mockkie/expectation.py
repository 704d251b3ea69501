"""What an upload was expected to be, and in what one differs. Knows no store and no world."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Final, NamedTuple, TypedDict

from mockkie.content_hints import Content, content_hints
from mockkie.journal import Entry
from mockkie.path_hints import distance, path_hints
from mockkie.stored import StoredFile

Source = bytes | bytearray | memoryview | os.PathLike[str] | str
"""A content: bytes, a `Path` to a file that has it, or its BLAKE3 digest in hex."""

ROUTES: Final = {way: f"upload-file-{way}" for way in ("stream", "base64", "url")}


class Facts(TypedDict, total=False):
    """What else can be expected of an upload, apart from its path."""

    content: Source
    mime: str
    route: str
    size: int


Read = Callable[[StoredFile], bytes | None]
"""Gives the bytes of a kept file, or None when they are gone."""


def _unread(_: StoredFile) -> None:
    return None


def _nothing() -> Iterable[str]:
    return ()


class Difference(NamedTuple):
    """One fact that is not as expected. `far`: how much that tells against the upload, up to 1.

    `hints` are looked for when they are asked for: most differences are never shown.
    """

    fact: str
    expected: str
    got: str
    hints: Callable[[], Iterable[str]]
    far: float

    def lines(self) -> list[str]:
        """The difference for a person, the two values below one another."""
        indent = " " * (len(self.fact) + 2)
        return [
            f"{self.fact}: expected {self.expected}",
            f"{indent}got      {self.got}",
            *[f"{indent}{hint}" for hint in self.hints()],
        ]


@dataclass(frozen=True, slots=True)
class Expectation:
    """An upload that is looked for. What is None may be anything.

    `path` is `<uploadPath>/<fileName>` or a pattern of it; `mime` may be a pattern such as
    `image/*`; `route` is an operationId; `size` is in bytes.
    """

    path: str
    content: Content | None = None
    mime: str | None = None
    route: str | None = None
    size: int | None = None

    @classmethod
    def of(cls, path: str, facts: Facts) -> Expectation:
        """The expectation of a caller; `ValueError`, `TypeError` and `OSError` as `Content.of`."""
        unknown = set(facts) - Facts.__optional_keys__
        if unknown:
            raise TypeError(f"an upload has no {', '.join(sorted(unknown))}")
        content, route = facts.get("content"), facts.get("route")
        return cls(
            path,
            None if content is None else Content.of(content),
            facts.get("mime"),
            None if route is None else ROUTES.get(route, route),
            facts.get("size"),
        )

    def differences(self, entry: Entry, read: Read = _unread) -> list[Difference]:
        """In what the upload of an entry differs; nothing when it is the expected one.

        `read` gives the bytes that it kept to whoever can still read them: they change what is
        said of a content, not whether it is the one.
        """
        file, found = entry.file, list[Difference]()
        if file is None:
            return [Difference("outcome", "a file that was kept", "none", _nothing, 1.0)]
        far = distance(self.path, file.path)
        if far:
            hints = partial(path_hints, self.path, file.path)
            found.append(Difference("path", self.path, file.path, hints, far))
        if self.content is not None and self.content.digest != file.digest:
            got = Content(file.digest, file.size)
            told = partial(_told, self.content, file, read)
            found.append(Difference("content", str(self.content), str(got), told, 0.3))
        if self.size not in (None, file.size):
            found.append(Difference("size", f"{self.size:,}", f"{file.size:,}", _nothing, 0.2))
        if self.mime is not None and not fnmatchcase(file.mime, self.mime.lower()):
            found.append(Difference("mime", self.mime, file.mime, partial(_declared, entry), 0.1))
        if self.route not in (None, entry.operation):
            found.append(Difference("route", f"{self.route}", f"{entry.operation}", _nothing, 0.1))
        return found

    def __str__(self) -> str:
        """`images/a.png with 5 bytes, …, of image/png`."""
        said = [
            "" if self.content is None else f"the content {self.content}",
            "" if self.size is None else f"{self.size:,} bytes",
            "" if self.mime is None else f"the type {self.mime}",
            "" if self.route is None else f"the route {self.route}",
        ]
        facts = ", ".join(filter(None, said))
        return self.path + (f" with {facts}" if facts else "")


def _told(expected: Content, file: StoredFile, read: Read) -> Iterable[str]:
    data = read(file)
    yield from content_hints(expected, Content(file.digest, file.size, data))
    if data is None:
        yield "only its size and digest are known: the bytes are no longer there, or too many"


def _declared(entry: Entry) -> list[str]:
    """What the sender said the type is: content and name outweigh it."""
    said = [field.content_type for field in entry.fields if field.kind == "file"]
    return [f"the request said {kind}; content and name outweigh that" for kind in said if kind]
