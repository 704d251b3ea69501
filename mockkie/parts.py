"""The framing of a multipart form: where its parts begin and end. Knows nothing of fields.

A push parser: bytes go in as they come, and what they mean never depends on how they were cut.
Stated rules, strict where parsers are known to disagree with one another: a boundary stands at
the beginning of a line and is all of it, no content begins with it or has it behind a lone CR or
LF, lines end with CRLF, no header comes twice in a part, nor does a parameter of its
Content-Disposition, and a part that tells its length is that long. What stands before the first
boundary and behind the last one is ignored.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from multipart import parse_content_disposition, parse_options_header

State = Literal["before", "head", "content", "behind"]

MOST_HEAD: Final = 8_192
_SMALL: Final = 65_536  # bytes of a form that is worth another way when it comes at once
_NO_CHARSETS: Final = ("punycode", "idna", "unicode-escape", "raw-unicode-escape", "utf-7")
_USUAL: Final = re.compile(
    rb'Content-Disposition: form-data; name="([^"%\\\x00-\x1f\x7f]+)"'
    rb'(?:; filename="([^"%\\\x00-\x1f\x7f]*)")?'
    rb"(?:\r\nContent-Type: ([\w.+/-]+))?"
)
"""The head of a part as browsers, curl and most libraries write it: read in one go."""
_BREAK: Final = b"\r\n"
_TAILS: Final = (_BREAK, b"--")
_TAIL: Final = 2
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z\x80-\xff-]+"
_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*)")
_OPTIONS: Final = re.compile(
    rf'(?:{_WORD})?(?:[ \t]*;[ \t]*+(?:{_WORD}=(?:{_WORD}|"(?:[^"\\]|\\.)*"))?)*'
)
_FOLD: Final = re.compile(r"\r\n[ \t]+(?=\S)")
_OPTION: Final = re.compile(r';\s*([^=;\s"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')
_EXTENDED: Final = re.compile(r"([\w!#$%&+^`{}~-]+)'[\w-]*'(.*)", re.DOTALL)


class PartsError(ValueError):
    """The bytes are no multipart form; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part. Texts are UTF-8 where they are that, else Latin-1.

    `content_type` is in lower case and without parameters, `encoding` that of the transfer,
    `length` what the part says of itself, in bytes.
    """

    name: str
    filename: str | None = None
    content_type: str | None = None
    charset: str | None = None
    encoding: str = ""
    length: int | None = None


NO_PART: Final = Part("")


class PartsParser:
    """Cuts a form into its parts, and their contents out of it, piece by piece."""

    def __init__(self, boundary: bytes, most_parts: int) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._most_parts = most_parts
        self._state: State = "before"
        self._held = b"\r\n"  # so that the first boundary may be the first of all
        self._parts = 0
        self._part = NO_PART
        self._length = 0
        self._line = 0  # bytes that still belong to the empty line before a content

    def feed(self, data: bytes) -> Iterator[tuple[Part, bytes, bool]]:
        """What `data` adds: a part, bytes of its content, and whether they are its last ones.

        Raises `PartsError`. To be used up before the next call.
        """
        data, at, part, state, ends = self._held + data, 0, self._part, self._state, True
        while state != "behind":
            fresh = state == "head"
            if fresh:
                end = self._end_of_head(data, at)
                if end < 0:
                    break
                part = self._part = read_head(data[at + 2 : end])
                state, self._length, self._line, at = "content", 0, 2, end + 2
            start, stop = self._find_boundary(data, at, state)
            tail = data[stop : stop + 2] if stop else b""
            if state == "content":
                begin = at + self._line
                if start >= begin:
                    self._length += start - begin
                    self._line = 0
                lone = stop and not data.startswith(_BREAK, start)
                ends = tail in _TAILS and start >= begin and part.length in (None, self._length)
                ends = ends and not lone
                if ends or fresh or start > begin:
                    yield part, data[begin:start], ends
                if stop and start < begin:
                    raise PartsError("the content of a part begins with the boundary")
                if lone:
                    raise PartsError("a boundary in a content stands behind a lone CR or LF")
            at = start
            if len(tail) < _TAIL:
                break
            state, at = self._behind_boundary(tail, ends=ends), stop
        self._state = state
        self._held = data[at:] if state != "behind" else b""

    def whole(self, data: bytes) -> list[tuple[Part, bytes]] | None:
        """The parts of a form that begins and ends in `data`; None: it has to be fed instead.

        The same as `feed` makes of it, at a third of the cost. What is not as usual is left to
        `feed`, which knows what is wrong with it.
        """
        delimiter = self._delimiter
        if len(data) > _SMALL or not data.startswith(delimiter[2:]):
            return None
        found: list[tuple[Part, bytes]] = []
        for piece in data[len(delimiter) - 2 :].split(delimiter):
            if piece.startswith(b"--") and len(found) <= self._most_parts:
                if data.count(delimiter[2:]) > len(found) + 1:  # not all stand where they should
                    break
                self._state = "behind"
                return found
            head, empty_line, content = piece.partition(b"\r\n\r\n")
            if not empty_line or not head.startswith(b"\r\n") or len(head) > MOST_HEAD:
                return None
            try:
                part = read_head(head[2:])
            except PartsError:  # the parts before it may have a worse fault
                return None
            if part.length not in (None, len(content)):
                return None
            found.append((part, content))
        return None

    def close(self) -> None:
        """No more bytes will come; raises `PartsError` when some are missing."""
        if self._state != "behind":
            raise PartsError(
                "the multipart form is not complete: it ends before the boundary that closes it"
            )

    def _end_of_head(self, data: bytes, at: int) -> int:
        end = data.find(b"\r\n\r\n", at)
        if (end - at - 2 if end >= 0 else len(data) - at - 5) > MOST_HEAD:
            raise PartsError("the head of a part is over 8 KiB")
        return end

    def _find_boundary(self, data: bytes, at: int, state: State) -> tuple[int, int]:
        """Where a boundary with its line break begins and ends; or 0, and what is no part."""
        delimiter = self._delimiter
        if state == "content":
            return self._find_in_content(data, at)
        start = data.find(delimiter[2:], at) - 2
        if start < 0:
            return max(at, len(data) - len(delimiter) + 1), 0
        if not data.startswith(b"\r\n", start):
            raise PartsError("the first boundary does not stand at the start of a line")
        return start, start + len(delimiter)

    def _find_in_content(self, data: bytes, at: int) -> tuple[int, int]:
        """The same; what stands behind a lone CR or LF counts, for it to be refused."""
        bare = self._delimiter[2:]
        found = data.find(bare, at + 1)
        while found >= 0 and data[found - 1] not in _BREAK:
            found = data.find(bare, found + 1)
        if found >= 0:
            whole = found - 2 >= at and data.startswith(_BREAK, found - 2)
            return found - 1 - whole, found + len(bare)
        near = max(at, len(data) - len(bare) - 1)
        start = max(data.rfind(b"\r", near), data.rfind(b"\n", near))
        if start < 0 or not bare.startswith(data[start + 1 :]):
            return len(data), 0
        return start - (start > at and data.startswith(_BREAK, start - 1)), 0

    def _behind_boundary(self, tail: bytes, *, ends: bool) -> State:
        """What comes next, if the part before `ends` as it should."""
        if tail not in _TAILS:
            if tail.startswith(b"\n"):
                raise PartsError("the lines of this multipart form end with LF, not with CRLF")
            raise PartsError("the line of a boundary goes on with something else")
        if not ends:
            raise PartsError(
                f"the Content-Length of a part is {self._part.length:,}, "
                f"it has {self._length:,} bytes"
            )
        if tail == b"--":
            return "behind"
        self._parts += 1
        if self._parts > self._most_parts:
            raise PartsError(f"a form may have {self._most_parts} parts; this one has more")
        return "head"


@lru_cache(maxsize=128)
def read_head(head: bytes) -> Part:
    """The head of one part, without the empty line behind it; raises `PartsError`.

    Remembered: a client writes the heads of its text fields the same way each time.
    """
    usual = _USUAL.fullmatch(head)
    if usual is None:
        return _read_unusual(head)
    name, filename, content_type = usual.groups()
    return Part(
        _text(name),
        None if filename is None else _text(filename),
        None if content_type is None else content_type.decode().lower(),
    )


def _read_unusual(head: bytes) -> Part:
    headers: dict[str, str] = {}
    for line in _FOLD.sub(" ", head.decode("latin-1")).split("\r\n") if head else ():
        match = _LINE.fullmatch(line)
        if match is None:
            raise PartsError(f"a part has a malformed header line: {line[:80]!r}")
        name = match[1].title()
        if name in headers:
            raise PartsError(f"a part has two {name} headers")
        headers[name] = match[2].rstrip()
    if "Content-Disposition" not in headers:
        raise PartsError("a part lacks its Content-Disposition header")
    disposition = headers["Content-Disposition"]
    _judge_options(disposition)
    kind, field, filename = parse_content_disposition(disposition)
    if kind != "form-data":
        raise PartsError(f"the Content-Disposition of a part is {kind!r}, not 'form-data'")
    if not field:
        raise PartsError("a part lacks its name; each form field has one")
    extended = _extended(disposition)
    if extended is None and filename is not None:
        extended = _text(filename.encode("latin-1"))
    content_type, options = parse_options_header(headers.get("Content-Type", ""))
    return Part(
        _text(field.encode("latin-1")),
        extended,
        content_type if "Content-Type" in headers else None,
        options.get("charset"),
        headers.get("Content-Transfer-Encoding", "").lower(),
        _length(headers.get("Content-Length")),
    )


def _judge_options(disposition: str) -> None:
    """Refuse parameters that others read otherwise, and what is none."""
    names = [name.lower() for name, _ in _OPTION.findall(disposition)]
    if _OPTIONS.fullmatch(disposition) is None:
        raise PartsError(f"a part has a malformed Content-Disposition: {disposition[:80]!r}")
    if len(set(names)) < len(names):
        raise PartsError("the Content-Disposition of a part has a parameter twice")
    if any("*" in name and name != "filename*" for name in names):
        raise PartsError("of the parameters of a Content-Disposition only filename can be extended")


def _extended(disposition: str) -> str | None:
    """The `filename*` (RFC 5987), which goes before `filename`; None if there is no good one."""
    for name, value in _OPTION.findall(disposition):
        match = _EXTENDED.fullmatch(value.strip('" ')) if name.lower() == "filename*" else None
        if match:
            try:
                return decoded(unquote_to_bytes(match[2]), match[1])
            except (LookupError, ValueError):
                return None
    return None


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(1 << 63)):
        raise PartsError(f"the Content-Length of a part is no number: {text[:80]!r}")
    return int(text)


def decoded(content: bytes, charset: str) -> str:
    """`content` as text; `LookupError` or `ValueError` when it is none, or the charset is."""
    if codecs.lookup(charset).name in _NO_CHARSETS:
        raise LookupError(charset)
    return content.decode(charset)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeError:
        return raw.decode("latin-1")
