"""A JSON object with one big base64 member, parsed as it arrives. Knows no HTTP, file or store.

A scanner walks the text and empties the string of the streamed member; `orjson` judges the rest
at the end. Only that string can hide an error from it, so the string is held to JSON's rules here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mockkie.base64text import BLANKS, Base64Text
from mockkie.problems import Problem

PIECE: Final = 64 * 1_024  # bounds what is copied at a time, however large a chunk is


MARK: Final = re.compile(rb'["{}\[\]:,]')
QUOTE_OR_ESCAPE: Final = re.compile(rb'"|\\.?', re.DOTALL)
ESCAPE: Final = re.compile(rb"\\(?:u(.{4})|(.))", re.DOTALL)
LINE_BREAK: Final = re.compile(rb"\\[nr]")
JSON_TEXT: Final = re.compile(rb'(?:[^\x00-\x1f"\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
UNFINISHED: Final = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?")
SHORT: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class EncodedText:
    """Stands in the parsed object where the streamed member was.

    `length` counts the characters of the value, escapes resolved, a `data:` header included.
    `media_type` is the header's, lower-cased `type/subtype` without parameters; None without one.
    """

    length: int
    media_type: str | None


def _character(escape: re.Match[bytes]) -> bytes:
    code, short = escape.groups()
    if short:
        return SHORT.get(short, short)
    number = int(code, 16)
    return bytes([number]) if number < 0x80 else b"\x80"  # noqa: PLR2004 - where ASCII ends


class JsonBodyParser:
    """Takes a body in chunks cut anywhere; memory depends on `limit`, not on the streamed member.

    `streamed` names the top-level member whose string is base64 to be decoded on the fly; a value
    of another type stays itself. `limit` is how many bytes everything else in the body may have.
    `feed` and `close` raise `Problem("malformed-body")` and `Problem("invalid-base64")`, the same
    one however the body is cut; after that the parser is of no further use.
    """

    def __init__(self, streamed: str | None, *, limit: int) -> None:
        self._streamed = streamed
        self._limit = limit
        self._base64 = Base64Text(streamed or "")
        self._residue = bytearray()  # the body, the streamed string emptied
        self._unread = b""  # an escape of which the end is yet to come
        self._step = self._between_strings
        self._decoded: list[bytes] = []
        self._depth = 0
        self._key = 0  # where in the residue the latest string of depth 1 starts
        self._given = False  # whether the streamed member was named
        self._expected = False  # whether a string here would be its value
        self._gap: int | None = None  # where in the residue its text is left out
        self._left_out = 0  # bytes

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes of the body; returns the decoded bytes that became available."""
        data = self._unread + chunk
        at, before = 0, -1
        while before < at < len(data):
            before, at = at, self._step(data, at)
        self._unread = data[at:]
        decoded, self._decoded = self._decoded, []
        return decoded

    def close(self) -> dict[str, Any]:
        """End of the body; returns the object, an `EncodedText` in place of the streamed text."""
        if self._step == self._in_streamed_string:
            at = len(self._residue) + self._left_out + len(self._unread)
            raise self._malformed(f"it ends at byte {at}, inside {self._streamed}: send all of it")
        body = self._parsed()
        if not isinstance(body, dict):
            raise self._malformed(f"it is JSON, but not an object: {self._excerpt(0)}")
        if self._streamed is not None and self._gap is not None:
            body[self._streamed] = EncodedText(self._base64.length, self._base64.media_type)
        return body

    def _between_strings(self, data: bytes, at: int) -> int:
        mark = MARK.search(data, at)
        stop = mark.end() if mark else len(data)
        self._keep(data[at:stop])
        match mark and mark[0]:
            case b'"':
                self._start_string()
            case b"{" | b"[":
                self._depth += 1
            case b"}" | b"]":
                self._depth -= 1
            case b":" if self._depth == 1:
                self._expected = self._named()
            case b",":
                self._expected = False
        return stop

    def _start_string(self) -> None:
        self._step = self._in_kept_string
        if self._depth != 1:
            return
        self._key = len(self._residue) - 1
        if self._expected:
            self._expected = False
            self._gap = len(self._residue)
            self._step = self._in_streamed_string

    def _named(self) -> bool:
        """Whether the colon that was just read follows the name of the streamed member."""
        key = self._residue[self._key : -1]
        self._key = len(self._residue)  # a run of colons must not read the same bytes again
        try:
            named = self._streamed is not None and orjson.loads(key) == self._streamed
        except orjson.JSONDecodeError:  # what is wrong with it is said at the end
            return False
        if named and self._given:
            raise self._malformed(f"{self._streamed} is given twice: remove one of them")
        self._given |= named
        return named

    def _in_kept_string(self, data: bytes, at: int) -> int:
        stop = len(data)
        for match in QUOTE_OR_ESCAPE.finditer(data, at):
            if match[0] == b'"':
                stop = match.end()
                self._step = self._between_strings
                break
            if match[0] == b"\\":
                stop = match.start()
        self._keep(data[at:stop])
        return stop

    def _in_streamed_string(self, data: bytes, at: int) -> int:
        quote = data.find(b'"', at, at + PIECE)
        stop = quote if quote >= 0 else min(at + PIECE, len(data))
        decoded = self._plain(data[at:stop])
        if decoded is None:
            text = JSON_TEXT.match(data, at, at + PIECE)
            raw = text[0] if text else b""
            stop = at + len(raw)
            decoded = self._base64.feed(ESCAPE.sub(_character, raw))
        self._left_out += stop - at
        if decoded:
            self._decoded.append(decoded)
        if data[stop : stop + 1] == b'"':
            self._decoded.append(self._base64.finish())
            self._keep(b'"')
            self._step = self._between_strings
            return stop + 1
        if stop == at and not UNFINISHED.fullmatch(data, at):
            what = "an unknown escape" if data[at : at + 1] == b"\\" else "a control character"
            at = len(self._residue) + self._left_out
            raise self._malformed(f"byte {at} is {what}, inside {self._streamed}: remove it")
        return stop

    def _plain(self, raw: bytes) -> bytes | None:
        if b"\\" not in raw:
            return self._base64.plain(raw, len(raw))
        # The escapes that PHP, .NET and wrapped lines make common. In this order a backslash that
        # is escaped itself is left over, and as it is no base64 the exact way has to judge it.
        text = raw.replace(rb"\/", b"/").replace(rb"\u002B", b"+")
        bare = LINE_BREAK.sub(b"", text)
        return self._base64.plain(bare, (len(text) + len(bare)) // 2)

    def _keep(self, data: bytes) -> None:
        if len(self._residue) + len(data) > self._limit:
            what = f"apart from {self._streamed} it" if self._streamed else "it"
            raise self._malformed(f"{what} has more than {self._limit} bytes: shorten it")
        self._residue += data

    def _parsed(self) -> Any:
        text = ""
        try:
            text = self._residue.decode()
            return orjson.loads(text)
        except UnicodeDecodeError as error:
            at, why = error.start, "not UTF-8"
        except orjson.JSONDecodeError as error:
            at, why = len(text[: error.pos].encode()), error.msg
        if not self._residue.strip(BLANKS):
            raise self._malformed("it is empty: send a JSON object")
        left_out = self._left_out if self._gap is not None and at >= self._gap else 0
        raise self._malformed(f"{why}, at byte {at + left_out}: {self._excerpt(at)}")

    def _excerpt(self, at: int) -> str:
        there = self._residue[at : at + 20].decode(errors="replace")
        return f"{there!a} stands there" if there else "the body ends there"

    def _malformed(self, why: str) -> Problem:
        return Problem("malformed-body", f"the body must be a JSON object; {why}")
