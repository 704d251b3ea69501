"""Multipart bodies, right ones and wrong ones in every way that parsers are known to trip over.

Knows no parser.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

BOUNDARY: Final = "xYz"
_B: Final = BOUNDARY.encode()
_NAMES: Final = (
    *(b'name="a"', b'name="uploadPath"', b'name="file"', b'name="a"', b'name="file"', b"name=a"),
    *(b'name="\xc3\xa9"', b'name="\xe9"', b'name=""', b"name=", b'NAME="a"', b'name = "a"', b""),
    *(b'name="a%22b"', b'name="a\\"b"', b'name="a\\\\b"', b'name="a\\b"', b'name="a"; name="b"'),
    *(b'name="a', b"name='a'", b'name="a;b"', b'name="a b"', b"name=a b", b'name="a\0b"'),
    *(
        b"name*=UTF-8''b",
        b"name=\"a\"; name*=UTF-8''b",
        b'name*0="a"; name*1="b"',
        b'x="y"; name="a"',
    ),
    *(b'name="a\tb"', b'name="a"x', b'name="a" x', b'name="a";', b'name="a";;', b';name="a"'),
)
_FILENAMES: Final = (
    *(
        b"",
        b"",
        b"",
        b'; filename="x.png"',
        b'; filename="x.png"',
        b'; filename=""',
        b"; filename=x",
    ),
    *(
        b'; filename="C:\\dir\\x.png"',
        b'; filename="a\\"b"',
        b'; filename="a%22b"',
        b"; filename=a b",
    ),
    *(b'; filename="../x"', b'; filename="/etc/x"', b'; filename="\xc3\xa9"', b'; filename="\xe9"'),
    *(b"; filename*=UTF-8''%e2%82%ac", b"; filename=\"x\"; filename*=UTF-8''y", b"; filename*=x"),
    *(b"; filename*=UTF-8''y; filename=x", b'; filename="x"; filename="y"', b'; filename="x'),
    *(b"; filename*=utf-16''%00", b"; filename*=UTF-8''%ff", b'; filename*0="x"; filename*1="y"'),
    *(
        b'; filename="a;b"',
        b'; filename="a\nb"',
        b'; FILENAME="x"',
        b';filename="x"',
        b'; filename="x";',
    ),
    *(
        b"; filename*=iso-8859-1''%e9",
        b"; filename*=\"UTF-8''y\"",
        b'; filename="=?utf-8?b?eA==?="',
    ),
)
_KINDS: Final = (
    *(b"form-data; ",) * 12,
    *(
        b"form-data;",
        b"Form-Data; ",
        b"attachment; ",
        b"",
        b"form-data ; ",
        b'"form-data"; ',
        b"form-data ",
    ),
)
_HEADERS: Final = (
    *(b"", b"", b"", b"", b"Content-Type: text/plain\r\n", b"Content-Type: image/png\r\n"),
    *(
        b"Content-Type: text/plain; charset=utf-16\r\n",
        b"Content-Type: TEXT/Plain; charset=latin1\r\n",
    ),
    *(
        b"Content-Type: multipart/mixed; boundary=in\r\n",
        b"Content-Type:\r\n",
        b"content-type: a/b\r\n",
    ),
    *(b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: 7bit\r\n"),
    *(b"Content-Length: 1\r\n", b"Content-Length: 3\r\n", b"Content-Length: -1\r\n"),
    *(
        b"Content-Type: a/b\r\nContent-Type: c/d\r\n",
        b"X-Other: 1\r\n",
        b"X-Other: 1\r\nX-Other: 2\r\n",
    ),
    *(
        b'Content-Disposition: form-data; name="b"\r\n',
        b"X: a\r\n b\r\n",
        b"X: a\r\n\tb\r\n",
        b"X:a\r\n",
    ),
    *(
        b"X : a\r\n",
        b"no colon\r\n",
        b": a\r\n",
        b"X\0: a\r\n",
        b"X: \0\r\n",
        b"X: a\rb\r\n",
        b"X: a\nb\r\n",
    ),
    *(
        b"X: a\n",
        b" X: a\r\n",
        b"X(: a\r\n",
        b"X: " + b"y" * 9_000 + b"\r\n",
        b"X: 1\r\n" * 30,
        b"\xe9: a\r\n",
    ),
    *(b"X-\xc3\xa9: a\r\n", b"X:  a  \r\n", b"X:\r\n"),
)
_CONTENTS: Final = (
    *(
        b"x",
        b"abc",
        b"",
        b"a/b",
        b"\r\n",
        b"\n",
        b"\r",
        b"x\r\n",
        b"\r\nx",
        b"x\r",
        b"\0",
        b"\xff\xfe",
    ),
    *(
        b"--",
        b"--x",
        b"-",
        b"--xY",
        b"--" + _B,
        b"--" + _B + b"--",
        b"x--" + _B,
        b"\n--" + _B,
        b"\r--" + _B,
    ),
    *(
        b"\r\n--" + _B + b"z",
        b"\r\n--" + _B + b"-",
        b"\r\n--" + _B + b" ",
        b"\r\n -- " + _B,
        b"\r\n-" + _B,
    ),
    *(
        b"x\n--" + _B + b"\r\n",
        b"x\n--" + _B + b"\n",
        b"\r\n--" + _B[:-1],
        b"\r\n--xyz\r\n",
        b"eA==",
    ),
    *(
        b"--in\r\n\r\ny\r\n--in--\r\n",
        b"x" * 5_000,
        b'Content-Disposition: form-data; name="b"\r\n\r\ny',
    ),
)
_BEFORE: Final = (
    *(b"",) * 8,
    *(
        b"\r\n",
        b"preamble\r\n",
        b"preamble",
        b"\n",
        b"--\r\n",
        b"--xY\r\n",
        b"\r\n\r\n",
        b"a\n",
        b"\r",
    ),
    *(b"--" + _B + b"z\r\n", b'--other\r\nContent-Disposition: form-data; name="z"\r\n\r\nz\r\n'),
)
_AFTER_LINE: Final = (
    *(b"\r\n",) * 20,
    b"\n",
    b" \r\n",
    b"\t\r\n",
    b"\r",
    b"z\r\n",
    b"",
    b" z\r\n",
    b"\r\n\r\n",
    b"-\r\n",
)
_ENDS: Final = (
    *(b"--\r\n",) * 10,
    *(
        b"--",
        b"--\n",
        b"-- \r\n",
        b"",
        b"-",
        b"\r\n",
        b"--z",
        b"--\r\nepilogue",
        b"--\r\n\r\n",
        b"--\r",
    ),
    b'--\r\n--xYz\r\nContent-Disposition: form-data; name="late"\r\n\r\nlate\r\n--xYz--\r\n',
)
_BREAKS: Final = (
    *(b"\r\n\r\n",) * 16,
    b"\n\n",
    b"\r\n\n",
    b"\n\r\n",
    b"\r\n",
    b"\r\r",
    b"\r\n \r\n",
)
_MOST: Final = 3
_AS_IT_IS: Final = 0.8
_OFTEN_MANY: Final = 0.0005
_MANY: Final = 70
_SIMPLE: Final = b"--" + _B + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'


def body(chance: random.Random) -> bytes:
    """One body whose boundary is `BOUNDARY`; in each of its places it is mostly right."""
    if chance.random() < _OFTEN_MANY:
        return _SIMPLE * _MANY + b"--" + _B + b"--\r\n"
    found = [chance.choice(_BEFORE)] if chance.random() > _AS_IT_IS else []
    for number in range(chance.randint(0, _MOST)):
        found.append(
            (b"--" if not number else b"\r\n--") + _B + _after(chance, _AFTER_LINE, b"\r\n")
        )
        found += [_head(chance), _after(chance, _BREAKS, b"\r\n\r\n"), chance.choice(_CONTENTS)]
    found.append((b"\r\n--" if len(found) > 1 else b"--") + _B + _after(chance, _ENDS, b"--\r\n"))
    whole = b"".join(found)
    return whole if chance.random() < _AS_IT_IS else _changed(chance, whole)


def _head(chance: random.Random) -> bytes:
    disposition = _after(chance, _KINDS, b"form-data; ") + _after(chance, _NAMES, b'name="a"')
    line = b"Content-Disposition: " + disposition + chance.choice(_FILENAMES)
    if chance.random() > 0.95:  # noqa: PLR2004 - seldom
        line = line.replace(b"; ", chance.choice((b";\r\n ", b" ;", b";\n ", b"; \t")), 1)
    before, behind = chance.choice(_HEADERS), chance.choice(_HEADERS)
    return before + line + b"\r\n" + behind.removesuffix(b"\r\n") if behind else before + line


def _after(chance: random.Random, given: Sequence[bytes], usual: bytes) -> bytes:
    return usual if chance.random() < _AS_IT_IS else chance.choice(given)


def _changed(chance: random.Random, data: bytes) -> bytes:
    at = chance.randint(0, len(data))
    match chance.randrange(4):
        case 0:
            return (
                data[:at] + chance.choice((b"\r", b"\n", b"\0", b"-", b" ", b'"', b";")) + data[at:]
            )
        case 1:
            return data[:at] + data[at + 1 :]
        case 2:
            return data[:at]
        case _:
            return data[:at] + data[max(0, at - 20) : at] + data[at:]
