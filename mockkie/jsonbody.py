"""A JSON object with one big base64 member, parsed as it arrives. Knows no HTTP, file or store.

A scanner walks the text and empties the string of the streamed member; `orjson` judges the rest
at the end. Only that string can hide an error from it, so the string is held to JSON's rules here.

What counts as base64 (assumed, except for the `data:` URL, which is documented):

- the standard alphabet, padding required (RFC 4648 section 4); unused bits of the last character
  are zero; nothing follows the padding; url-safe `-` and `_` are refused
- space, tab, CR and LF between characters are ignored, as the `base64` command wraps its lines
- JSON escapes in the value count as the characters that they stand for
- `data:[<type>/<subtype>][;name=value]*;base64,` may come first, at most 1,024 characters of it;
  `data` and `base64` in any case; a `data:` URL without `;base64` is refused
- the empty string is a file of zero bytes
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mockkie.problems import Problem

PIECE: Final = 64 * 1_024  # bounds what is copied at a time, however large a chunk is
HEADER: Final = 1_024  # characters of a `data:` URL before its data, the comma included

BLANKS: Final = b" \t\r\n"
STRAY: Final = re.compile(rb"[^A-Za-z0-9+/ \t\r\n]")
NOT_BARE: Final = re.compile(rb"[^A-Za-z0-9+/]")
NOT_BLANK: Final = re.compile(rb"[^ \t\r\n]")
DATA_URL: Final = re.compile(
    rb"data:([\w!#$&^.+-]+/[\w!#$&^.+-]+)?(?:;[\w!#$&^.+-]+=[ -+\--:<-~]*)*;base64", re.IGNORECASE
)

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


class _Base64:
    """Characters in, bytes out; `length` is how many characters were accepted. Knows no JSON."""

    def __init__(self, name: str) -> None:
        self.length = 0
        self.media_type: str | None = None
        self._name = name
        self._head: bytes | None = b""  # what may yet be a `data:` header; None behind it
        self._group = b""  # the characters of a group of four that is not complete
        self._owed: int | None = None  # how many `=` must still come; None before the first

    def plain(self, bare: bytes, length: int) -> bytes | None:
        """Decode what is all data, from `length` characters; None, and no effect, if it is not."""
        if self._head is not None or self._owed is not None:
            return None
        decoded = self._groups(bare)
        if decoded is not None:
            self.length += length
        return decoded

    def feed(self, text: bytes) -> bytes:
        """Decode any characters, one byte each; what is not ASCII is one byte from 0x80 on."""
        text = self._behind_header(text)
        decoded = b""
        if self._owed is None:
            data, padding, text = text.partition(b"=")
            bare = self._groups(data.translate(None, BLANKS))
            stray = STRAY.search(data) if bare is None else None
            if stray:
                raise self._stray(self.length + stray.start(), stray[0])
            decoded = bare or b""
            self.length += len(data)
            if not padding:
                return decoded
            decoded += self._last_group()
            self.length += 1
        self._rest_of_padding(text)
        return decoded

    def finish(self) -> bytes:
        """End of the value; returns what was held back as the possible start of a header."""
        held, self._head = self._head or b"", None
        if held[:5].lower() == b"data:":
            raise self._refusal(
                "the data: URL has no comma: send data:<type>/<subtype>;base64,<data>"
            )
        decoded = self.feed(held) if held else b""
        missing = self._owed if self._owed is not None else -len(self._group) % 4
        if missing:
            what = f'add "{"=" * missing}"' if missing < 3 else "one character is left over"  # noqa: PLR2004 - a group needs two characters
            raise self._refusal(
                f"the text ends after {self.length} characters inside a group of four: {what}"
            )
        return decoded

    def _groups(self, bare: bytes) -> bytes | None:
        whole = self._group + bare
        cut = len(whole) // 4 * 4
        # The strict decoder admits padding at the very end; what follows it may be yet to come.
        if NOT_BARE.search(whole, max(0, cut - 1)):
            return None
        try:
            decoded = a2b_base64(memoryview(whole)[:cut], strict_mode=True)
        except Error:
            return None
        self._group = whole[cut:]
        return decoded

    def _behind_header(self, text: bytes) -> bytes:
        if self._head is None:
            return text
        head = self._head = self._head + text
        if head[:5].lower() != b"data:"[: len(head)]:
            self._head = None
            return head
        comma = head.find(b",", 0, HEADER)
        if comma < 0:
            if len(head) >= HEADER:
                raise self._refusal(
                    f"the data: URL has no comma in its first {HEADER} characters: shorten its "
                    "header to data:<type>/<subtype>;base64,"
                )
            return b""
        self._read_header(head[:comma])
        self._head = None
        self.length = comma + 1
        return head[comma + 1 :]

    def _read_header(self, header: bytes) -> None:
        match = DATA_URL.fullmatch(header)
        if not match:
            encoded = header.lower().endswith(b";base64")
            raise self._refusal(
                f"the comma of the data: URL, character {len(header)}, does not follow "
                + ("data:[<type>/<subtype>][;name=value]*;base64" if encoded else '";base64"')
                + ": send data:<type>/<subtype>;base64,<data>"
            )
        self.media_type = match[1].lower().decode() if match[1] else None

    def _last_group(self) -> bytes:
        group, at = self._group, self.length
        if len(group) < 2:  # noqa: PLR2004 - one character is less than a byte
            why = "a character is missing before it" if group else "no group is open, remove it"
            raise self._refusal(f'character {at} is "=", padding: {why}')
        self._owed = 3 - len(group)
        self._group = b""
        group = group.ljust(4, b"=")
        decoded = a2b_base64(group)
        exact = b2a_base64(decoded, newline=False)
        if exact != group:
            raise self._refusal(
                f'the group padded at character {at} is "{group.decode()}", its unused bits are '
                f'not zero: encode the file again, or send "{exact.decode()}"'
            )
        return decoded

    def _rest_of_padding(self, text: bytes) -> None:
        for match in NOT_BLANK.finditer(text):
            at, found = self.length + match.start(), match[0]
            if found != b"=":
                raise self._refusal(
                    f"character {at} is {_shown(found)}, behind the padding: the text must end "
                    "there; encode the file as a whole, not piece by piece"
                )
            if not self._owed:
                raise self._refusal(f'character {at} is "=", surplus padding: remove it')
            self._owed -= 1
        self.length += len(text)

    def _stray(self, at: int, found: bytes) -> Problem:
        if found in b"-_":
            return self._refusal(
                f"character {at} is {_shown(found)}: url-safe base64 is not accepted, use + and /"
            )
        return self._refusal(
            f"character {at} is {_shown(found)}, which is not base64: send the file's bytes "
            "encoded with A-Z a-z 0-9 + / and padded with ="
        )

    def _refusal(self, why: str) -> Problem:
        return Problem("invalid-base64", f"{self._name}: {why}", parameter=self._name)


def _shown(character: bytes) -> str:
    return ascii(character.decode()) if character.isascii() else "not ASCII"


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
        self._base64 = _Base64(streamed or "")
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
