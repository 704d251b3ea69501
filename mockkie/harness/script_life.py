"""The walks about the life of a file: overwritten, read, raced for, one of many, and ended.

Knows no targets. Nothing is judged within a minute of a file's end: a real clock goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mockkie.harness.script import MIB, READ, ROUTES, THREE, TYPES, A
from mockkie.harness.steps import Content, Many, Read, Step, Upload, Wait, Walk

MARGIN: Final = 90.0
JUST_BEFORE: Final = Wait(1, -MARGIN)
JUST_AFTER: Final = Wait(0, 2 * MARGIN)
B: Final = replace(A, content=Content(text="the other one."))
BAD: Final = replace(A, route="base64", set={"base64Data": "!!!!"}, link="")
RANGES: Final = ("bytes=2-4", "bytes=7-", "bytes=-3", "bytes=0-0", "bytes=5-99", "bytes=99-", "x=1")


def script_life(*, full: bool) -> Iterator[Walk]:
    """All walks about the life of a file."""
    yield from _overwrites()
    yield from _downloads()
    yield from _expiry()
    yield from _on_the_way()
    yield from _many(full=full)


def _overwrites() -> Iterator[Walk]:
    about = "overwrite.latest-bytes"
    for one in ROUTES:
        for other in ROUTES:
            steps = [replace(A, route=one), READ, replace(B, route=other), READ]
            yield Walk(f"{other} over {one}", about, steps)
    same = Content(text="kept as it iz")
    contents = {
        "of the same size": same,
        "shorter": Content(text="k"),
        "longer": Content(counting=70_000),
        "of the same start": Content(text="kept as it is, and sixteen bytes more"),
        "the same": A.content,
    }
    long = replace(A, content=Content(text="kept as it is, and sixteen more bytes"))
    for name, content in contents.items():
        first = long if name == "of the same start" else A
        steps = [first, replace(A, content=content), READ, first, READ]
        yield Walk(f"overwritten by one {name}", about, steps)
    big = replace(A, content=Content(counting=200_000))
    yield Walk("a large one and a small one in turn", about, [big, READ, A, READ, big, READ])
    steps = [A, replace(A, content=Content()), READ]
    yield Walk("overwritten by an empty one", about, steps, level="assumed")
    alike = [replace(A, content=Content(text="alike until " * 99 + end)) for end in ("one", "two")]
    steps = [each for one in alike for each in (one, READ)]
    yield Walk("overwritten by one of the same start and size", about, steps)
    again = [replace(A, content=Content(text=f"version {n}")) for n in range(6)]
    yield Walk("overwritten again and again", about, [each for n in again for each in (n, READ)])
    png = replace(A, content=Content(hex=TYPES["a.png"]), name="a", type="image/png")
    text = replace(png, content=Content(text="text"), type="text/plain")
    yield Walk("overwritten by another type", about, [png, READ, text, READ, png, READ])
    places = [("", "A.txt"), ("sub", "a.txt"), ("a.txt", "a"), ("", "a.txt.bak"), ("", "a.tx")]
    others = [
        Upload(name=name, folder=folder, link=f"l{n}", content=Content(text=f"other {n}"))
        for n, (folder, name) in enumerate(places)
    ]
    reads = [Read(step.link) for step in others]
    yield Walk("what is not overwritten", "overwrite.nothing-else", [A, *others, B, *reads, READ])
    base = [replace(step, route="base64") for step in others]
    yield Walk("others beside it", "overwrite.nothing-else", [*base, A, READ, *reads, B, *reads])
    copy = Upload(name="copy.txt", route="url", source="a", link="c")
    yield Walk("a copy stays", "url.fetched", [A, copy, B, Read("c"), READ])
    for kind, bad in (("invalid", BAD), ("keyless", replace(B, auth="none", link=""))):
        steps = [A, bad, READ, B, READ, bad, READ]
        yield Walk(f"an {kind} upload over a file", "input.changes-nothing", steps)


def _downloads() -> Iterator[Walk]:
    ten = replace(A, content=Content(text="0123456789"))
    yield Walk("read again and again", "content.stays", [A, READ, READ, Read("a", times=10), READ])
    yield Walk("HEAD", "download.head", [ten, READ, Read("a", "HEAD"), READ])
    for given in RANGES:
        steps = [ten, Read("a", range=given)]
        yield Walk(f"Range: {given}", "download.range", steps)
    for word in ("none-match", "none-match-other", "modified-since"):
        steps = [ten, READ, Read("a", condition=word)]
        yield Walk(f"if {word}", "download.range", steps)
    for word in ("if-range", "if-range-other"):
        steps = [ten, READ, Read("a", range="bytes=2-4", condition=word)]
        yield Walk(word, "download.range", steps)
    tags = [ten, READ, replace(A, content=Content(text="9876543210")), READ, ten, READ]
    yield Walk("tags of contents of one size", "download.range", tags)
    for word in ("never", "folder", "case", "start", "account", "query"):
        steps = [replace(A, name="Ab.txt"), Read("a", spelled=word)]
        yield Walk(f"a link: {word}", "expiry.answer", steps)


def _expiry() -> Iterator[Walk]:
    end: list[Step] = [JUST_BEFORE, READ, JUST_AFTER, READ, READ]
    for route in ROUTES:
        yield Walk(
            f"the end of a file by {route}", "expiry.three-days", [replace(A, route=route), *end]
        )
        nameless = replace(A, name=None, route=route)
        yield Walk(
            f"the end of one without a name by {route}", "expiry.three-days", [nameless, *end]
        )
    several = [replace(A, name=f"{n}.txt", link=f"l{n}", route=r) for n, r in enumerate(ROUTES)]
    reads = [Read(step.link) for step in several]
    steps = [*several, JUST_BEFORE, *reads, JUST_AFTER, *reads]
    yield Walk("several that end together", "expiry.three-days", steps)
    large = replace(A, content=Content(counting=MIB + 1))
    yield Walk("the end of a large file", "expiry.three-days", [large, *end])
    dead = [Read("a", "HEAD"), Read("a", range="bytes=0-1"), Read("a", spelled="query")]
    steps = [A, READ, Wait(1, MARGIN), *dead, READ]
    yield Walk("a file that is gone, in other words", "expiry.answer", steps)
    head = Read("a", "HEAD", about="download.head", level="observed")
    for name, step in (("GET", READ), ("HEAD", head), ("a range", Read("a", range="bytes=0-1"))):
        look = replace(step, level=step.level or "assumed") if step.range else step
        steps = [A, READ, Wait(0.5), look, look, Wait(0.5, MARGIN), READ]
        yield Walk(f"looked at by {name}", "expiry.reading", steps)


def _on_the_way() -> Iterator[Walk]:
    """What happens in the middle of a life."""
    half, rest = Wait(0.5), Wait(0.5, MARGIN)
    for route in ROUTES:
        over = [A, half, replace(B, route=route), rest, READ, half, READ]
        yield Walk(f"overwritten by {route} on the way", "overwrite.restarts-life", over)
    intruders = [
        (f"a wrong key by {route}", replace(B, route=route, auth="wrong", link=""))
        for route in ("stream", "base64")
    ]
    for name, bad in (
        ("bad base64", BAD),
        *intruders,
        ("no file", replace(B, drop=("file",), link="")),
    ):
        steps = [A, half, bad, rest, READ]
        yield Walk(f"refused for {name} on the way", "input.changes-nothing", steps)
    yield from _neighbours()
    steps = [A, B, JUST_BEFORE, READ, JUST_AFTER, READ, Wait(1), READ]
    yield Walk("the end of an overwritten file", "expiry.three-days", steps)
    for route in THREE:
        reborn = [A, Wait(1, MARGIN), READ, replace(B, route=route), READ, JUST_BEFORE, READ]
        steps = [*reborn, JUST_AFTER, READ]
        yield Walk(f"a name used again by {route}", "expiry.three-days", steps)
    new = replace(B, name="b.txt", link="b")
    yield Walk("times go on", "metadata.time", [A, Wait(0.5), B, new, Wait(2), new, A])
    fetched = Upload(name="c.txt", route="url", source="a", link="c")
    steps = [A, half, fetched, rest, READ, Read("c"), half, Read("c")]
    yield Walk("a copy lives for itself", "expiry.of-its-own", steps)
    late = replace(fetched, link="")
    yield Walk("a copy of what is gone", "url.fetched", [A, Wait(1, MARGIN), late], level="assumed")


def _neighbours() -> Iterator[Walk]:
    half, rest = Wait(0.5), Wait(0.5, MARGIN)
    places = (("b.txt", ""), ("a.txt", "sub"), ("a.txt", "other/deep"), ("a.txt.bak", ""))
    for name, folder in places:
        other = replace(B, name=name, folder=folder, link="b")
        steps = [A, half, other, rest, READ, Read("b"), half, READ, Read("b")]
        yield Walk(f"a neighbour {folder or '.'}/{name}", "expiry.of-its-own", steps)
    early = [replace(B, name="b.txt", link="b"), half, A, rest, Read("b"), READ, half, READ]
    yield Walk("the older of two", "expiry.of-its-own", early)


def _many(*, full: bool) -> Iterator[Walk]:
    upload = Upload(name="many.txt", content=Content(text="one of many"))
    yield Walk("many in one folder", "stability.many", [Many(upload, 105)])
    for route in ("stream", "base64") if not full else ROUTES:
        steps = [Many(replace(upload, route=route), 45 if route == "stream" else 22, "none")]
        yield Walk(f"many without a name by {route}", "naming.unique", steps)
    large = [
        replace(upload, name=f"large-{n}.bin", link=f"l{n}", content=Content(counting=MIB + n))
        for n in range(1, 4)
    ]
    yield Walk("several large ones", "stability.many", [*large, *(Read(one.link) for one in large)])
    same = replace(upload, link="a")
    twice = [same, replace(same, link="b"), READ, Read("b")]
    nameless = [replace(step, name=None) if isinstance(step, Upload) else step for step in twice]
    yield Walk("the same twice without a name", "naming.unique", nameless)
    about = "concurrency.one-of-them"
    for size in (0, 60_000):
        raced = replace(upload, content=Content(text="raced", counting=size))
        yield Walk(
            f"a race for one name, {size} bytes", about, [Many(raced, 12, "one", at_once=True)]
        )
        steps = [Many(raced, 12, "one", at_once=True, readers=3)]
        yield Walk(f"a race with readers, {size} bytes", about, steps)
        many = [Many(raced, 24, at_once=True)]
        yield Walk(f"at once, {size} bytes each", "concurrency.apart", many)
    for names in ("none", "pairs"):
        steps = [Many(upload, 24, names, at_once=True)]
        level = "assumed" if names == "pairs" else ""
        yield Walk(f"at once with names: {names}", "concurrency.apart", steps, level=level)
