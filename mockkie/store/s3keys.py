"""How worlds and paths are written in the keys of a bucket. Does no I/O.

    files/<world>/_images/_cat.png   the file at `images/cat.png`

- Keys are in the order of the paths: every byte of a path's UTF-8 is one code word, none begins
  another one, and they are in the order of the bytes.
- Every text has a key of its own, and every key is legal everywhere: only `-./0-9=A-Z_a-y!` and
  `z` are in it, and each segment of a path begins with `_`: none is empty, `.` or `..`.
- A key has up to 1,024 bytes (documented by AWS). One that would be longer is cut, `~` and a digest
  follow: in the order of the paths among those that differ before the cut only.
"""

from __future__ import annotations

import re
from typing import Final

from blake3 import blake3

_WORLD_MOST: Final = 120  # bytes of a world in a key
_PATH_MOST: Final = 690  # the rest of 1,024, but for 200 of a prefix, `files/` and slashes
_DIGITS: Final = 32  # of the digest of what was cut
_CUT: Final = "~"  # no code word has it
_ESCAPED: Final = re.compile(r"[!=_z][0-9a-f]{2}|/_")


def _word(byte: int) -> str:
    """The code word of a byte. What stands for itself is a letter, a digit, `-` or `.`."""
    character = chr(byte)
    if character == "/":
        return "/_"
    if character.isascii() and (character.isalnum() or character in "-.") and character != "z":
        return character
    escape = "!" if character < "-" else "=" if character < "A" else "_" if character < "a" else "z"
    return f"{escape}{byte:02x}"


_WORDS: Final = [_word(byte) for byte in range(256)]


def file_key(world: str, path: str) -> str:
    """The key of the file at a path."""
    return f"{files_of(world)}/{_cut(f'_{_encode(path)}', path, _PATH_MOST)}"


def files_of(world: str) -> str:
    """What the keys of all files of a world begin with, but for the last slash."""
    return f"files/{world_key(world)}"


def path_of(key: str) -> str | None:
    """The path of a file's key; None for one that was cut."""
    _, _, rest = key.split("/", 2)
    if _CUT in rest:
        return None
    return _decode(rest.removeprefix("_"))


def world_key(world: str) -> str:
    """A world as one segment of a key, which neither `.` nor `..` is."""
    written = _encode(world).replace("/_", "!2f").replace(".", "!2e")  # no byte has these words
    return _cut(written or "!", world, _WORLD_MOST)


def _encode(text: str) -> str:
    return "".join([_WORDS[byte] for byte in text.encode()])


def _decode(written: str) -> str:
    found = bytearray()
    at = 0
    for word in _ESCAPED.finditer(written):
        found += written[at : word.start()].encode()
        found += b"/" if word[0] == "/_" else bytes.fromhex(word[0][1:])
        at = word.end()
    return (found + written[at:].encode()).decode()


def _cut(written: str, text: str, most: int) -> str:
    if len(written) <= most:
        return written
    digest = blake3(text.encode()).hexdigest()[:_DIGITS]
    return f"{written[: most - _DIGITS - 1]}{_CUT}{digest}"
