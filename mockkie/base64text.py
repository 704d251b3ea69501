"""Base64 text, decoded as it arrives. Knows no JSON, HTTP, file or store.

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
from typing import Final

from pybase64 import b64decode

from mockkie.problems import Problem

HEADER: Final = 1_024  # characters of a `data:` URL before its data, the comma included
BLANKS: Final = b" \t\r\n"
STRAY: Final = re.compile(rb"[^A-Za-z0-9+/ \t\r\n]")
NOT_BARE: Final = re.compile(rb"[^A-Za-z0-9+/]")
NOT_BLANK: Final = re.compile(rb"[^ \t\r\n]")
DATA_URL: Final = re.compile(
    rb"data:([\w!#$&^.+-]+/[\w!#$&^.+-]+)?(?:;[\w!#$&^.+-]+=[ -+\--:<-~]*)*;base64", re.IGNORECASE
)


class Base64Text:
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
            decoded = b64decode(memoryview(whole)[:cut], validate=True)
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
