"""The walks about requests: who may send them, how they may be spelled, and what is refused.

Knows no targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mockkie.harness import forms
from mockkie.harness.script import READ, THEIRS, THREE, A
from mockkie.harness.sending import AUTHS, PATHS
from mockkie.harness.steps import Ask, Content, Read, Step, Upload, Walk

KINDS: Final = (
    *("", "text/plain", "application/xml", "application/json"),
    *("multipart/form-data; boundary=x", "application/x-www-form-urlencoded"),
)
"""Media types under which half a JSON object is sent."""
NO_BASE64: Final = (
    *("!!!!", "a", "aGVsb", "aG=VsbG8=", "no base64 at all"),
    *("data:image/png;base64,@@", "data:image/png;base64"),
)
UNCERTAIN: Final = ("lower-case scheme", "two spaces", "two")
"""Keys of which nobody says whether they are valid."""


def script_input() -> Iterator[Walk]:
    """All walks about requests, the cheap and telling ones first."""
    yield from _auth()
    yield from _spellings()
    yield from _base64()
    yield from _refusals()
    yield from _odd_names()
    yield from _methods()


def _auth() -> Iterator[Walk]:
    for kind in AUTHS:
        if kind in ("valid", *UNCERTAIN):
            continue
        by = [replace(THEIRS, route=route, auth=kind) for route in ("stream", "base64")]
        by.append(replace(THEIRS, route="url", source="a", auth=kind))
        yield Walk(f"key: {kind}", "auth.exact", [A, *by, READ])
    for kind in UNCERTAIN:
        steps = [A, replace(THEIRS, auth=kind), READ]
        yield Walk(f"key: {kind}", "auth.exact", steps, level="assumed")
    looks = [Read("a", auth=kind) for kind in ("none", "wrong", "valid")]
    yield Walk("key: of a download", "auth.downloads-open", [A, *looks])
    theirs = Upload(auth="other", content=Content(text="gr\u00fc\u00dfe, \u65e5\u672c"))
    others = [
        replace(theirs, name=f"{route}.txt", route=route, link=route)
        for route in ("stream", "base64")
    ]
    reads = [Read(step.link) for step in others]
    yield Walk("key: of a second account", "auth.bearer", [*others, *reads])
    steps = [A, replace(THEIRS, auth="other", link="b"), READ, Read("b"), Read("b", auth="valid")]
    yield Walk("two accounts, one path", "account.apart", steps, level="assumed")
    for route in THREE:
        nonsense = Upload(route=route, auth="wrong", body=Content(text="x"), type="text/plain")
        bad = replace(THEIRS, route=route, auth="wrong", drop=("uploadPath",), source="a")
        yield Walk(f"key before body: {route}", "auth.first", [A, nonsense, bad, READ])


def _spellings() -> Iterator[Walk]:
    usual = replace(A, content=Content(text="gr\u00fc\u00dfe\r\n"))
    orders = "path-file-name file-path-name name-path-file file-name-path name-file-path".split()
    for word in (*orders, "epilogue", "file-last-epilogue", "no-line-at-the-end", "one-byte"):
        yield _spelled("stream.field-order", word, usual)
    for word in ("chunked", "expect", "charset", "upper-case-type"):
        yield _spelled("content.byte-exact", word, usual)
    for word in (f"media-{name}" for name in forms.MEDIA):
        yield _spelled("stream.field-order", word, usual)
    for word in (f"head-{name}" for name in forms.HEADS):
        yield _spelled("content.byte-exact", word, usual)
    for word in ("preamble",):
        yield _spelled("stream.field-order", word, usual, level="assumed")
    for word in ("charset", "upper-case-type", "chunked", "expect"):
        yield _spelled("content.byte-exact", word, replace(usual, route="base64"))
    for step in (replace(A, route=route, set={"extra": "x"}) for route in ("stream", "base64")):
        yield Walk(f"an unknown field: {step.route}", "input.extra-ignored", [step, READ])


def _base64() -> Iterator[Walk]:
    usual = replace(A, content=Content(text="gr\u00fc\u00dfe\r\n"))
    data = replace(usual, route="data-url", type="text/plain", content=Content(text="  hello \n"))
    yield Walk("a data URL of text", "base64.data-url", [data, READ])
    for word in ("no-type", "data-charset", "lines"):
        yield _spelled("base64.data-url", word, data)
    odd = replace(usual, route="base64", content=Content(hex="fbefbeffff"))
    for word in ("lines", "spaces", "unpadded", "url-safe", "garbage"):
        yield _spelled("base64.strict", word, odd, before=True)
    for size in range(1, 5):
        short = replace(usual, route="base64", content=Content(hex="fbfffefa"[: 2 * size]))
        yield Walk(f"base64 of {size} bytes", "base64.data-url", [short, READ])


def _spelled(about: str, word: str, step: Upload, *, level: str = "", before: bool = False) -> Walk:
    steps: list[Step] = [replace(step, spelled=word), READ]
    if before:
        steps = [replace(step, content=Content(text="before")), *steps]
    return Walk(f"{step.route}: {word}", about, steps, level=level)


def _refusals() -> Iterator[Walk]:
    """Each with a victim: the file that the request might have touched."""
    for route in THREE:
        bad = replace(THEIRS, route=route, source="a" if route == "url" else "")
        content = {"stream": "file", "base64": "base64Data", "url": "fileUrl"}[route]
        for name in ("uploadPath", content):
            steps = [A, replace(bad, drop=(name,)), READ]
            yield Walk(f"{route} without {name}", "input.required", steps)
        empty = replace(bad, set={"uploadPath": ""})
        yield Walk(f"{route} with an empty path", "input.required", [A, empty, READ])
        for kind in KINDS:
            body = replace(bad, body=Content(text='{"uploadPath": "x"'), type=kind)
            steps = [A, body, READ]
            yield Walk(f"{route}: a body of {kind or 'no type'}", "media.refused", steps)
    yield from _values()
    for text in NO_BASE64:
        bad = replace(THEIRS, route="base64", set={"base64Data": text})
        yield Walk(f"no base64: {text}", "input.base64-format", [A, bad, READ])
    fresh = replace(THEIRS, name="fresh.txt")
    for name, bad in (
        ("invalid", replace(fresh, route="base64", set={"base64Data": "!!!!"})),
        ("keyless", replace(fresh, auth="none")),
    ):
        steps = [A, bad, Read("a", spelled="sibling"), fresh, Read("a", spelled="sibling")]
        yield Walk(f"an {name} upload of a new name", "input.changes-nothing", steps)
    gone = replace(THEIRS, route="url", source="{url}/nothing/mockkie-here.png")
    yield Walk("a URL of nothing", "url.fetched", [A, gone, READ])
    for url in ("ftp://example.com/a", "not a url/", "file:///a", "//x"):
        bad = replace(THEIRS, route="url", source=url)
        yield Walk(f"no http URL: {url}", "input.required", [A, bad, READ])


def _odd_names() -> Iterator[Walk]:
    null: list[Step] = [
        Upload(route=route, set={"fileName": None}, link=route, content=Content(text=route))
        for route in ("base64", "url")
    ]
    reads = [Read("base64"), Read("url")]
    yield Walk("a name of null", "input.null-is-absent", [*null, *reads])
    for path in ("/{folder}", "{folder}/", "/{folder}/", "{folder}//x", "{folder}/./x"):
        yield _odd_path(path)
    for path in ("{folder}/y/../x", "../{folder}", "{folder}/a\tb", "{folder}/a\x01b"):
        yield _odd_path(path)
    for name in ("a/b.txt", "", "..", ".", "a\x01b.txt", "a\tb.txt", "/a.txt"):
        for route in ("stream", "base64"):
            steps = [replace(A, name=name, route=route), READ]
            yield Walk(f"{route}: name {name!r}", "input.plain-segments", steps)


def _values() -> Iterator[Walk]:
    """Values of a wrong type, which only JSON can carry."""
    for route in ("base64", "url"):
        bad = replace(THEIRS, route=route, source="a" if route == "url" else "")
        for value in (7, None, ["a"], True):
            number = replace(bad, set={"uploadPath": value})
            level = "" if value is None else "assumed"
            yield Walk(f"{route}: path {value!r}", "input.required", [A, number, READ], level)
        for value in (7, False):
            number = replace(bad, set={"fileName": value})
            yield Walk(f"{route}: name {value!r}", "input.required", [A, number, READ], "assumed")


def _odd_path(path: str) -> Walk:
    step = replace(A, set={"uploadPath": path})
    edge = path.strip("/") == "{folder}"
    about = "input.no-edge-slashes" if edge else "input.plain-segments"
    return Walk(f"path {path!r}", about, [step, replace(step, route="base64"), READ], "assumed")


def _methods() -> Iterator[Walk]:
    for route in THREE:
        for method in ("PUT", "PATCH", "DELETE"):
            other = replace(
                THEIRS, route=route, method=method, source="a" if route == "url" else ""
            )
            yield Walk(f"{method} by {route}", "method.refused", [A, other, READ])
        yield Walk(f"GET by {route}", "method.refused", [Ask(PATHS[route])])
        asked = Ask(PATHS[route], "OPTIONS", preflight=True)
        yield Walk(f"preflight by {route}", "hosts.cors", [asked])
    for method in ("DELETE", "POST", "PUT", "PATCH"):
        steps = [A, Read("a", method), READ]
        yield Walk(f"{method} of a link", "method.refused", steps, level="assumed")
    asks = [Ask("/api/unknown-upload", method) for method in ("GET", "POST")]
    yield Walk("an unknown route", "envelope.error", asks, level="assumed")
