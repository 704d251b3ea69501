"""Content-Types of forms, right ones and wrong ones. Knows no parser."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final


def content_type(chance: random.Random) -> str:
    """The Content-Type of a form, with a boundary or something like one."""
    return "".join(chance.choice(one) for one in _TYPES)


_TYPES: Final[Sequence[Sequence[str]]] = (
    (
        "multipart/form-data",
        "multipart/form-data",
        "Multipart/Form-Data",
        "multipart/mixed",
        " multipart/form-data",
    ),
    (
        "",
        "",
        "",
        "; charset=utf-8",
        ";",
        ' ; a="b;c"',
        '; x="boundary=no"',
        "; boundary=first",
        ";;",
    ),
    (";", "; ", ";\t", " ;", "", ","),
    (
        "boundary=",
        "boundary=",
        "boundary=",
        "Boundary=",
        "boundary =",
        "boundary= ",
        "xboundary=",
        "boundary*=",
        "boundary*0=",
    ),
    (
        "abc",
        '"abc"',
        '"a b"',
        '"a\\"b"',
        "a b",
        "",
        '""',
        '"abc',
        "a;b",
        "a,b",
        "'abc'",
        "a=b",
        '"a\\\\b"',
        "\u00e9",
        "x" * 250,
    ),
    ("", "", "", ";", "; boundary=other", "; charset=x", " ", '"', "; boundary"),
)
