"""What every target is asked: the words of the script, and its walks about names and contents.

Knows no targets. `script_input` has the walks about requests, `script_life` those about the life
of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from mockkie.harness import forms
from mockkie.harness.steps import Content, Read, Upload, Walk

KIB: Final = 1_024
MIB: Final = 1_024 * KIB
ROUTES: Final = ("stream", "base64", "data-url", "url")
THREE: Final = ("stream", "base64", "url")
A: Final = Upload(name="a.txt", link="a", content=Content(text="kept as it is"))
READ: Final = Read("a")
THEIRS: Final = replace(A, content=Content(text="theirs"), link="")
NAMES: Final = (
    *("PHOTO.JPG", "ReadMe.Txt", "a+b.txt", "%41.txt", "a%20b.txt", "a  b c.txt", " ends .txt "),
    *("a#b.txt", "a?b=c.txt", "a&b.txt", "a;b.txt", 'a"b.txt', "a'b.txt", "a\\b.txt", "a..b.txt"),
    *("caf\u00e9.png", "cafe\u0301.png", "\U0001f600.gif", "\u65e5\u672c\u8a9e.pdf", ".dotfile"),
    *("no-extension", "a.tar.gz", "s" * 61 + ".txt", "h" * 96 + ".txt", "x" * 251 + ".bin", "null"),
    *("\u00e9" * 100 + ".txt", "<b>.txt", "a=b,c.txt", "~tilde(1)!*.txt", "a:b|c.txt", "1", "a.b."),
)
DOUBTFUL: Final = ("a\\b.txt", " ends .txt ", "<b>.txt", "a:b|c.txt")
"""Names that mean something else elsewhere: a strict service may refuse them."""
UNNAMED: Final = (
    ("a.gif", Content(text="GIF89a\1\0\1\0\0\0\0;"), ""),
    ("a b.pdf", Content(text="%PDF-1.7\n%%EOF\n"), ""),
    ("a.PDF", Content(text="%PDF-1.7\n%%EOF\n"), "assumed"),
    ("b.webm", Content(text="not what it says"), "observed"),
    ("noextension", Content(text="not what it says"), "assumed"),
)
"""The sender's own name of a file, its content, and how sure it is what becomes of them."""
STRANGE: Final = ("a+b.txt", "%41.txt", "a  b c.txt", "a#b.txt", "a&b.txt", "cafe\u0301.png")
FOLDERS: Final = (
    *("a/b/c/d/e", "my files/new ones", "\u00fcber/\u65e5\u672c", "a+b/c&d/e=f", "v1.2/.hidden"),
    *("Images/User-Uploads", "50%41/x", "l" * 120, "a#b/c?d"),
)
CONTENTS: Final = {
    "one byte": Content(text="a"),
    "a NUL": Content(hex="00"),
    "a NUL inside": Content(text="before\0behind"),
    "NULs at the end": Content(hex="610000"),
    "line ends": Content(text="one\r\ntwo\nthree\rfour\r\n\r\n"),
    "a CRLF at the end": Content(text="text\r\n"),
    "an LF at the end": Content(text="text\n"),
    "dashes": Content(text="\r\n--"),
    "a boundary cut short": Content(text=f"x\r\n--{forms.BOUNDARY[:-1]}\r\n"),
    "a boundary within a line": Content(text=f"x--{forms.BOUNDARY}--"),
    "every byte": Content(hex=bytes(range(256)).hex() * 2),
    "UTF-8": Content(text="gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \U0001f600"),
    "Latin-1": Content(hex="6772fcdf65"),
    "UTF-16": Content(hex="fffe6700"),
    "a byte order mark": Content(hex="efbbbf", text=""),
    "text behind a mark": Content(hex="efbbbf61"),
    "spaces": Content(text="  text  "),
    "base64": Content(text="aGVsbG8="),
    "a data URL": Content(text="data:text/plain;base64,aGVsbG8="),
    "a refusal": Content(text='{"success": false, "code": 500}'),
    "percent": Content(text="%41%0D%0A+"),
    "gzip": Content(hex="1f8b0800000000000203cb48cdc9c9070086a6103605000000"),
    "a tail behind a PNG": Content(
        hex="89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000049454e44ae4260827461696c"
    ),
}
TYPES: Final = {
    "a.png": "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de",
    "a.jpg": "ffd8ffe000104a46494600010100000100010000" + "00" * 30,
    "a.gif": "47494638396101000100000000003b" + "00" * 20,
    "a.pdf": "255044462d312e370a25e2e3cfd30a" + "00" * 30,
}


def script(*, full: bool) -> Iterator[Walk]:
    """The walks about names and contents."""
    yield from _names(full=full)
    yield from _contents(full=full)


def _names(*, full: bool) -> Iterator[Walk]:
    for route in ROUTES if full else ("stream", "base64", "url"):
        for name in NAMES if full or route == "stream" else STRANGE:
            step = Upload(name=name, route=route, link="a", content=Content(text=f"named {name}"))
            level = "assumed" if name in DOUBTFUL else ""
            yield Walk(f"{route}: {name[:20]!r}", "naming.given", [step, READ], level=level)
    png = Content(hex=TYPES["a.png"])
    for name in ("picture.txt", "picture", "picture.jpg"):
        steps = [Upload(name=name, content=png, link="a"), READ]
        yield Walk(f"a PNG named {name}", "naming.given", steps)
    for folder in FOLDERS:
        for route in ("stream", "base64"):
            steps = [replace(A, folder=folder, route=route), READ]
            yield Walk(f"{route}: folder {folder[:20]!r}", "naming.path", steps)
    near = ["a b", "a+b", "a%20b", "A b", "a  b", "caf\u00e9", "cafe\u0301", "a_b", "a-b"]
    files = [
        Upload(name=name, link=f"l{n}", content=Content(text=name)) for n, name in enumerate(near)
    ]
    reads = [Read(step.link) for step in files]
    yield Walk("names that differ in one sign", "naming.path", [*files, *reads])
    for route in ROUTES:
        step = Upload(route=route, content=png, link="a", filename="My Photo.png")
        level = "assumed" if route == "url" else ""
        steps = [step, READ, replace(step, link="b"), Read("b")]
        yield Walk(f"{route}: no name", "naming.generated", steps, level=level)
    for name, content, level in UNNAMED:
        steps = [Upload(filename=name, content=content, link="a"), READ]
        yield Walk(f"no name, a file of {name}", "naming.generated", steps, level=level)
    source = Upload(name="a+b.txt", folder="source", link="s")
    for word in ("", "plus"):
        steps = [source, Upload(route="url", source="s", link="a", spelled=word), READ]
        yield Walk(f"the name of a URL {word}".rstrip(), "url.name", steps)


def _contents(*, full: bool) -> Iterator[Walk]:
    usual = Upload(name="content.bin", link="a")
    for name, content in CONTENTS.items():
        for route in ROUTES if full else ("stream", "base64"):
            step = replace(usual, route=route, content=content)
            yield Walk(f"{route}, content: {name}", "content.byte-exact", [step, READ])
        for route in ("stream", "data-url"):
            step = replace(usual, name="content.txt", route=route, content=content)
            step = replace(step, type="text/plain")
            yield Walk(f"{route}, as text: {name}", "content.byte-exact", [step, READ])
    near = Content(text=f"before\r\n--{forms.BOUNDARY}-and-more\r\nbehind")
    steps = [replace(usual, content=near), READ]  # RFC 2046, 5.1.1 would end the part there
    yield Walk("a line that begins like the boundary", "content.byte-exact", steps, level="assumed")
    for route in ROUTES:
        step = replace(usual, route=route, content=Content())
        yield Walk(f"{route}: empty", "content.zero-byte", [step, READ])
    for name, data in TYPES.items():
        for route in ROUTES:
            step = Upload(name=name, route=route, content=Content(hex=data), link="a")
            yield Walk(f"{route}: type of {name}", "metadata.type", [step, READ])
    for size, routes in _sizes(full=full):
        for route in routes:
            step = replace(usual, route=route, content=Content(counting=size))
            yield Walk(f"{route}: {size:,} bytes", "content.byte-exact", [step, READ])


def _sizes(*, full: bool) -> Iterator[tuple[int, Any]]:
    edges = (8, 16, 32, 64, 128, 256, 1_024) if full else (64, 1_024)
    for edge in edges:
        for more in (-1, 0, 1):
            yield edge * KIB + more, ROUTES if full or (edge, more) == (64, 0) else ("stream",)
    if not full:
        yield MIB + 1, ROUTES[1:]
    yield 5 * MIB + 1, ROUTES if full else ("stream",)
    if full:
        yield 10 * MIB + 1, ("stream", "base64")
