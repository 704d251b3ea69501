"""A multipart form, streamed part by part into a draft. Knows nothing of requests or stores' kinds.

The parser is the library `multipart`; here is decided what its events mean. Stated rules:
the file part is the one with the name of the contract's binary property, a file name or a type
of its own; a text part is UTF-8 unless it names its charset; an encoded part
(`Content-Transfer-Encoding: base64`) is refused, as RFC 7578 does; fields that the contract does
not know are ignored (assumed), known ones come once.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from blake3 import blake3
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from mockkie.journal import Field
from mockkie.media import MediaType
from mockkie.problems import Problem
from mockkie.settings import Limits
from mockkie.store import Draft

_BOUNDARY: Final = re.compile(
    r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE
)
_EXTENDED: Final = re.compile(
    r";\s*filename\*\s*=\s*\"?([\w!#$%&+^`{}~-]+)'[\w-]*'([^\s;\"]*)\"?", re.IGNORECASE
)
_ESCAPED: Final = re.compile(r"\\(.)")
_LONGEST_BOUNDARY: Final = 200
_HEADER_BYTES: Final = 8_192
_PLAIN_ENCODINGS: Final = ("", "7bit", "8bit", "binary")
_NO_CHARSETS: Final = ("punycode", "idna", "unicode-escape", "raw-unicode-escape", "utf-7")
_ONCE: Final = ("Content-Disposition", "Content-Type", "Content-Transfer-Encoding")


@dataclass(slots=True)
class Form:
    """The fields of a form: texts by name, and what is known of the file part."""

    values: dict[str, Any] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)
    has_file: bool = False
    filename: str | None = None
    content_type: str | None = None


def boundary_of(content_type: str) -> str:
    """The boundary that a `Content-Type` names; refuses one that is missing or cannot be."""
    found = _BOUNDARY.findall(content_type)
    if not found:
        raise Problem("malformed-body", "the Content-Type names no boundary; let the client set it")
    quoted, plain = found[0]
    boundary: str = _ESCAPED.sub(r"\1", quoted) if quoted else plain
    if len(found) > 1 or not 0 < len(boundary) <= _LONGEST_BOUNDARY or not boundary.isprintable():
        raise Problem("malformed-body", "the Content-Type names no single usable boundary")
    return boundary


class FormReader:
    """Reads one form. The bytes of its file go to the draft as they come."""

    def __init__(self, media: MediaType, limits: Limits, draft: Draft | None) -> None:
        self._media = media
        self._limits = limits
        self._draft = draft
        self._form = Form()
        self._part: MultipartSegment | None = None
        self._name = ""
        self._text: bytearray | None = None
        self._is_file = False

    async def read(self, chunks: AsyncIterator[bytes], boundary: str) -> Form:
        """The form that `chunks` hold; a `Problem` says what is wrong with them."""
        try:
            with PushMultipartParser(
                boundary.encode("latin-1", "replace"),
                max_header_size=_HEADER_BYTES,
                max_segment_count=self._limits.parts,
                header_charset="latin-1",
            ) as parser:
                async for chunk in chunks:
                    for event in parser.parse(chunk):
                        if self._is_file and self._draft is not None and event:
                            await self._draft.write(event)
                        else:
                            self._take(event)
        except ParserLimitReached as error:
            why = f"{error}: a form may have {self._limits.parts} parts, a part header 8 KiB"
            raise Problem("malformed-body", why) from error
        except MultipartError as error:
            raise Problem(
                "malformed-body", f"this is not a complete multipart form: {error}"
            ) from error
        return self._form

    def _take(self, event: MultipartSegment | bytes | None) -> None:
        if event is None:
            self._end()
        elif isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._text is not None:
            self._text += event
            if len(self._text) > self._limits.field:
                name = self._name
                why = f"the text field {name!r} is over {self._limits.field:,} bytes"
                raise Problem("invalid-parameter", why, parameter=name)

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._name = part, _utf8(part.name or "")
        if not part.name:
            raise Problem("malformed-body", "a part lacks its name; each form field has one")
        names = [name for name, _ in part.headerlist]
        twice = [name for name in _ONCE if names.count(name) > 1]
        if twice:
            raise Problem("malformed-body", f"part {self._name!r} has two {twice[0]} headers")
        encoding = str(part.header("Content-Transfer-Encoding", "")).strip().lower()
        if encoding not in _PLAIN_ENCODINGS:
            why = f"part {self._name!r} is encoded as {encoding}; send its bytes as they are"
            raise Problem("malformed-body", why)
        filename = _filename(part)
        streamed = self._media.streamed
        wanted = streamed is not None and self._name == streamed.name
        self._is_file = wanted
        self._text = None if wanted or filename is not None else bytearray()
        if wanted:
            self._begin_file(part, filename)
        elif filename is not None and self._name in self._media.properties:
            why = f"{self._name!r} was sent as a file (it has a filename); send it as a text field"
            raise Problem("invalid-parameter", why, parameter=self._name)

    def _begin_file(self, part: MultipartSegment, filename: str | None) -> None:
        if self._form.has_file:
            why = f"{self._name!r} was sent twice; send one file a request"
            raise Problem("invalid-parameter", why, parameter=self._name)
        if filename is None and part.content_type in (None, "text/plain"):
            why = (
                f"{self._name!r} was sent as a text field; send it as a file, with a filename "
                f"(curl: -F {self._name}=@photo.jpg)"
            )
            raise Problem("invalid-parameter", why, parameter=self._name)
        self._form.has_file = True
        self._form.filename, self._form.content_type = filename, part.content_type

    def _end(self) -> None:
        part, name, text = self._part, self._name, self._text
        if part is None:
            raise TypeError("a part ends that never began")
        if self._is_file and self._draft is not None:
            self._end_file(name)
        elif text is not None:
            content = bytes(text)
            self._form.fields.append(Field(name, "text", len(content), _digest(content)))
            self._add(name, self._decode(name, content, part.charset))
        self._part, self._text, self._is_file = None, None, False

    def _end_file(self, name: str) -> None:
        draft, form = self._draft, self._form
        if draft is None:
            return
        if not form.filename and draft.size == 0:
            # What a browser sends for a file input in which nothing was chosen.
            form.has_file = form.filename is not None and form.filename != ""
            return
        form.fields.append(
            Field(name, "file", draft.size, draft.digest, form.filename, form.content_type)
        )

    def _add(self, name: str, value: Any) -> None:
        types = self._media.properties.get(name)
        if types is not None and types.is_list:
            self._form.values.setdefault(name, []).append(value)
        elif name in self._form.values and types is not None:
            why = f"{name!r} was sent twice; send it once"
            raise Problem("invalid-parameter", why, parameter=name)
        else:
            self._form.values[name] = value

    def _decode(self, name: str, content: bytes, charset: str | None) -> Any:
        try:
            text = _decoded(content, charset or "utf-8")
        except (LookupError, ValueError):
            why = f"{name!r} is not text in {charset or 'UTF-8'}; send it in UTF-8"
            raise Problem("invalid-parameter", why, parameter=name) from None
        types = self._media.properties.get(name)
        return text if types is None else types.read(text)


def _decoded(content: bytes, charset: str) -> str:
    """`content` as text; `LookupError` or `ValueError` when it is none, or the charset is."""
    if codecs.lookup(charset).name in _NO_CHARSETS:
        raise LookupError(charset)
    return content.decode(charset)


def _filename(part: MultipartSegment) -> str | None:
    """The file name of a part; `filename*` (RFC 5987) goes before `filename`."""
    disposition = str(part.header("Content-Disposition", ""))
    match = _EXTENDED.search(disposition) if "*" in disposition else None
    if match:
        try:
            return _decoded(unquote_to_bytes(match[2]), match[1])
        except (LookupError, ValueError):
            pass  # then the plain one, if there is one
    name: str | None = part.filename
    return None if name is None else _utf8(name)


def _utf8(text: str) -> str:
    """Header text that was read as Latin-1, in UTF-8 where it is that."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _digest(content: bytes) -> str:
    return blake3(content).hexdigest()


def form_values(form: Form, media: MediaType) -> Mapping[str, Any]:
    """What the schema judges: the texts, and True where the file stands."""
    if media.streamed is not None and form.has_file:
        return {**form.values, media.streamed.name: True}
    return form.values
