"""The same multipart body as four parsers read it. Knows nothing of what is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from multipart import parse_options_header as multipart_options
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header as werkzeug_options
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from mockkie.form import boundary_of
from mockkie.parts import PartsError, PartsParser
from mockkie.problems import Problem

MOST_PARTS: Final = 64


class Part(NamedTuple):
    """A part as a parser has it."""

    name: str | None
    filename: str | None
    content: bytes


Read = list[Part] | str
"""The parts, or why there are none."""


def ours(body: bytes, boundary: str) -> Read:
    """As mockkie has it."""
    parser, found = PartsParser(boundary.encode(), MOST_PARTS), list[Part]()
    content, between = b"", True
    try:
        for part, data, ends in parser.feed(body):
            content = data if between else content + data
            between = ends
            if ends:
                found.append(Part(part.name, part.filename, content))
        parser.close()
    except PartsError as error:
        return str(error)
    return found


def multipart(body: bytes, boundary: str) -> Read:
    """As multipart 2 (defnull's) has it by default."""
    found, segment, content = list[Part](), None, b""
    try:
        with PushMultipartParser(boundary) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    segment, content = event, b""
                elif event is not None:
                    content += event
                elif segment is not None:
                    found.append(Part(segment.name, segment.filename, content))
    except MultipartError as error:
        return f"{type(error).__name__}: {error}"
    return found


def werkzeug(body: bytes, boundary: str) -> Read:
    """Werkzeug's, of Flask."""
    decoder, found = MultipartDecoder(boundary.encode(), max_parts=MOST_PARTS), list[Part]()
    part = Part(None, None, b"")
    decoder.receive_data(body)
    decoder.receive_data(None)
    try:
        while True:
            event = decoder.next_event()
            if isinstance(event, NeedData):
                return "it ends too early"
            if isinstance(event, Field):
                part = Part(event.name, None, b"")
            elif isinstance(event, File):
                part = Part(event.name, event.filename, b"")
            elif isinstance(event, Data):
                part = part._replace(content=part.content + event.data)
                if not event.more_data:
                    found.append(part)
            elif isinstance(event, Epilogue):
                return found
    except (ValueError, KeyError, HTTPException, LookupError) as error:
        return f"{type(error).__name__}: {error}"


def python_multipart(body: bytes, boundary: str) -> Read:
    """python-multipart, with what Starlette and FastAPI make of it."""
    seen = _Callbacks()
    try:
        parser = MultipartParser(boundary, seen.callbacks())
        parser.write(body)
        parser.finalize()
    except (MultipartParseError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if not seen.over:
        return "it ends too early"
    return seen.found


class _Callbacks:
    def __init__(self) -> None:
        self.found: list[Part] = []
        self.over = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = self._content = b""

    def callbacks(self) -> Any:
        """By the parser's names."""
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._field,
            "on_header_value": self._text,
            "on_header_end": self._header,
            "on_end": self._over,
        }

    def _begin(self) -> None:
        self._headers, self._content = {}, b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name, filename = options.get(b"name"), options.get(b"filename")
        self.found.append(Part(_decoded(name), _decoded(filename), self._content))

    def _over(self) -> None:
        self.over = True


def _decoded(text: bytes | None) -> str | None:
    if text is None:
        return None
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


OTHERS: Final[Mapping[str, Callable[[bytes, str], Read]]] = {
    "Werkzeug": werkzeug,
    "python-multipart": python_multipart,
    "multipart": multipart,
}


def our_boundary(content_type: str) -> str | None:
    """The boundary that mockkie finds in a Content-Type; None: it refuses."""
    try:
        return boundary_of(content_type)
    except Problem:
        return None


def _of_python_multipart(content_type: str) -> str | None:
    found = parse_options_header(content_type)[1].get(b"boundary")
    return found.decode("latin-1") if found else None


TYPE_READERS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "Werkzeug": lambda text: werkzeug_options(text)[1].get("boundary") or None,
    "python-multipart": _of_python_multipart,
    "multipart": lambda text: multipart_options(text)[1].get("boundary") or None,
}
