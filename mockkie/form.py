"""A multipart form, streamed part by part into a draft. Knows nothing of requests or stores' kinds.

`mockkie.parts` cuts it; here is decided what the parts mean. Stated rules: the file part is the
one with the name of the contract's binary property, a file name or a type of its own; a text part
is UTF-8 unless it names its charset; an encoded part (`Content-Transfer-Encoding: base64`) is
refused, as RFC 7578 does; fields that the contract does not know are ignored (assumed), known
ones come once.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from blake3 import blake3

from mockkie.journal import Field
from mockkie.media import MediaType
from mockkie.parts import NO_PART, Part, PartsError, PartsParser, decoded
from mockkie.problems import Problem
from mockkie.settings import Limits
from mockkie.store import Draft
from mockkie.texts import TextTypes

_USUAL: Final = re.compile(r"multipart/form-data; ?boundary=([\w'()+.:/?-]{1,70})", re.ASCII)
_ESSENCE: Final = re.compile(r'[^;,="]*')
_OPTION: Final = re.compile(
    r'[ \t]*;[ \t]*(?:([^\s;,="]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s;,="]*))?[ \t]*'
)
_ESCAPED: Final = re.compile(r"\\(.)")
_LONGEST_BOUNDARY: Final = 200
_PLAIN_ENCODINGS: Final = ("", "7bit", "8bit", "binary")


@dataclass(slots=True)
class Body:
    """The values of a body; what the sender said of its file; its fields for the journal.

    `others` are the names of files that the contract does not know.
    While it is judged, True stands for the content of the file among the values.
    """

    values: dict[str, Any] = field(default_factory=dict)
    filename: str | None = None
    content_type: str | None = None
    fields: list[Field] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def path(self) -> str | None:
        """`<uploadPath>/<fileName>` as the sender put it, in so far as there is a text for it."""
        known = [self.values.get(name) for name in ("uploadPath", "fileName")]
        return "/".join([text for text in known if isinstance(text, str)]) or None


def boundary_of(content_type: str) -> str:
    """The boundary that a `Content-Type` names; refuses one that is missing or cannot be.

    So too where others may find another one: in what is no parameter, in a second one of the name,
    or in one that is extended (`boundary*`).
    """
    usual = _USUAL.fullmatch(content_type)
    if usual is not None:
        return usual[1]
    essence = _ESSENCE.match(content_type)
    found, at = list[str](), essence.end() if essence else 0
    while at < len(content_type):
        option = _OPTION.match(content_type, at)
        if option is None:
            raise Problem("malformed-body", f"the Content-Type is malformed: {content_type[:80]!a}")
        name, value = (option[1] or "").lower(), option[2] or ""
        if name.partition("*")[0] == "boundary":
            found.append("" if "*" in name else value)
        at = option.end()
    if not found:
        raise Problem("malformed-body", "the Content-Type names no boundary; let the client set it")
    boundary = _ESCAPED.sub(r"\1", found[0][1:-1]) if found[0][:1] == '"' else found[0]
    if len(found) > 1 or not 0 < len(boundary) <= _LONGEST_BOUNDARY or not boundary.isprintable():
        raise Problem("malformed-body", "the Content-Type names no single usable boundary")
    return boundary


class FormReader:
    """Reads one form. The bytes of its file go to the draft as they come."""

    def __init__(self, media: MediaType, limits: Limits, draft: Draft | None, body: Body) -> None:
        self._media = media
        self._limits = limits
        self._draft = draft
        self._body = body
        self._has_file = False
        self._between = True  # where the next that comes is the head of a part
        self._part = NO_PART
        self._text: list[bytes] | None = None
        self._length = 0
        self._is_file = False

    async def read(self, chunk: Callable[[], Awaitable[bytes]], boundary: str) -> None:
        """Read the form by `chunk`, up to an empty one; a `Problem` says what is wrong."""
        parser = PartsParser(boundary.encode("latin-1", "replace"), self._limits.parts)
        data = await chunk()
        parts = parser.whole(data)
        if parts is not None:
            await self._read_whole(parts)
            while data:
                data = await chunk()
            return
        try:
            while data:
                for part, content, ends in parser.feed(data):
                    if self._between:
                        self._begin(part)
                    if self._text is not None:
                        self._add_text(self._text, content)
                    elif self._is_file and self._draft is not None:
                        await self._draft.write(content)
                    if ends:
                        self._end()
                    self._between = ends
                data = await chunk()
            parser.close()
        except PartsError as error:
            raise Problem("malformed-body", str(error)) from error

    async def _read_whole(self, parts: Iterable[tuple[Part, bytes]]) -> None:
        for part, content in parts:
            self._begin(part)
            if self._text is not None:
                self._length = len(content)
                self._end_text(content)
            elif self._is_file and self._draft is not None:
                await self._draft.write(content)
                self._end_file(self._draft)

    def _begin(self, part: Part) -> None:
        self._part = part
        if part.encoding not in _PLAIN_ENCODINGS:
            why = f"part {part.name!r} is encoded as {part.encoding}; send its bytes as they are"
            raise Problem("malformed-body", why)
        streamed = self._media.streamed
        self._is_file = streamed is not None and part.name == streamed.name
        self._text = None if self._is_file or part.filename is not None else []
        self._length = 0
        if self._is_file:
            self._begin_file(part)
        elif part.filename is not None and part.name in self._media.properties:
            why = f"{part.name!r} was sent as a file (it has a filename); send it as a text field"
            raise Problem("invalid-parameter", why, parameter=part.name)
        elif part.filename is not None:
            self._body.others.append(part.name)

    def _add_text(self, text: list[bytes], data: bytes) -> None:
        text.append(data)
        self._length += len(data)
        self._judge_length()

    def _judge_length(self) -> None:
        if self._length > self._limits.field:
            name = self._part.name
            why = f"the text field {name!r} is over {self._limits.field:,} bytes"
            raise Problem("invalid-parameter", why, parameter=name)

    def _begin_file(self, part: Part) -> None:
        if self._has_file:
            why = f"{part.name!r} was sent twice; send one file a request"
            raise Problem("invalid-parameter", why, parameter=part.name)
        if part.filename is None and part.content_type in (None, "text/plain"):
            why = (
                f"{part.name!r} was sent as a text field; send it as a file, with a filename "
                f"(curl: -F {part.name}=@photo.jpg)"
            )
            raise Problem("invalid-parameter", why, parameter=part.name)
        self._has_file = True
        self._body.filename, self._body.content_type = part.filename, part.content_type

    def _end(self) -> None:
        if self._text is not None:
            self._end_text(b"".join(self._text))
        elif self._is_file and self._draft is not None:
            self._end_file(self._draft)

    def _end_text(self, content: bytes) -> None:
        self._judge_length()
        name = self._part.name
        digest = blake3(content).hexdigest()
        self._body.fields.append(Field(name, "text", len(content), digest))
        self._add(name, self._decode(content), self._media.properties.get(name))

    def _end_file(self, draft: Draft) -> None:
        body, part = self._body, self._part
        if not part.filename and draft.size == 0:
            # What a browser sends for a file input in which nothing was chosen.
            self._has_file = False
            return
        body.values[part.name] = True
        body.fields.append(
            Field(part.name, "file", draft.size, draft.digest, part.filename, part.content_type)
        )

    def _add(self, name: str, text: str, types: TextTypes | None) -> None:
        values = self._body.values
        if types is None or ("string" in types.own and name not in values):
            values[name] = text
        elif types.is_list:
            values.setdefault(name, []).append(types.read(text))
        elif name in values:
            why = f"{name!r} was sent twice; send it once"
            raise Problem("invalid-parameter", why, parameter=name)
        else:
            values[name] = types.read(text)

    def _decode(self, content: bytes) -> str:
        part = self._part
        try:
            return decoded(content, part.charset) if part.charset else content.decode()
        except (LookupError, ValueError):
            why = f"{part.name!r} is not text in {part.charset or 'UTF-8'}; send it in UTF-8"
            raise Problem("invalid-parameter", why, parameter=part.name) from None
