"""The classes of what parsers of forms disagree about: each is there, and others are noticed."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("python_multipart")

from reliability.form_bodies import BOUNDARY, body
from reliability.form_classes import ACCEPTED, DECISIONS, boundary_class, classes
from reliability.form_readers import OTHERS, TYPE_READERS, Part, our_boundary, ours
from reliability.form_types import content_type

DISPOSITION = b'Content-Disposition: form-data; name="a"'


def form(head: bytes = DISPOSITION, content: bytes = b"x", *, start: bytes = b"") -> bytes:
    return start + b"--xYz\r\n" + head + b"\r\n\r\n" + content + b"\r\n--xYz--\r\n"


EXAMPLES = {
    "lone-break": form(content=b"x\n--xYz\r\n" + DISPOSITION + b"\r\n\r\ny"),
    "line-feeds": b"--xYz\n" + DISPOSITION + b"\n\nx\n--xYz--\n",
    "boundary-goes-on": form().replace(b"--xYz\r\n", b"--xYz \r\n", 1),
    "boundary-in-line": form(start=b"preamble"),
    "begins-with-boundary": form(content=b"--xYz"),
    "no-end": b"--xYz\r\n" + DISPOSITION + b"\n\nx\r\n--xYz--\r\n",
    "header-line": form(DISPOSITION + b"\r\nX: \0"),
    "header-twice": form(DISPOSITION + b"\r\n" + DISPOSITION),
    "long-head": form(DISPOSITION + b"\r\nX: " + b"y" * 9_000),
    "length": form(DISPOSITION + b"\r\nContent-Length: 7"),
    "disposition": form(DISPOSITION + b"x"),
    "parameter-twice": form(DISPOSITION + b'; name="b"'),
    "extended": form(DISPOSITION + b"; name*=UTF-8''b"),
    "no-disposition": form(b"X: y"),
    "no-name": form(b"Content-Disposition: form-data"),
    "disposition-kind": form(DISPOSITION.replace(b"form-data", b"attachment")),
    "parts": b"".join([form().removesuffix(b"--xYz--\r\n")] * 70) + b"--xYz--\r\n",
    "filename-star": form(DISPOSITION + b"; filename=\"x\"; filename*=UTF-8''y"),
    "backslash": form(DISPOSITION + b'; filename="C:\\d\\x.png"'),
    "percent": form(DISPOSITION + b'; filename="a%22b"'),
    "not-utf-8": form(DISPOSITION + b'; filename="\xe9"'),
    "preamble": form(start=b"preamble\r\n"),
    "folded": form(DISPOSITION + b"\r\nX: a\r\n b"),
    "their-limit": form(DISPOSITION + b"\r\nX: " + b"y" * 6_000),
}
TYPES = {
    "content-type": "multipart/form-data; boundary=a; boundary=b",
    "boundary-characters": "multipart/form-data;\tboundary=a",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_body_of_a_class_is_in_it_and_treated_as_was_decided(name: str) -> None:
    sent = EXAMPLES[name]
    found = ours(sent, BOUNDARY)
    seen = {
        one
        for parser, reader in OTHERS.items()
        for one in classes(sent, found, parser, reader(sent, BOUNDARY))
    }
    assert seen == {name}
    assert isinstance(found, str) == (name not in ACCEPTED)


@pytest.mark.parametrize("name", TYPES)
def test_a_content_type_of_a_class_is_in_it(name: str) -> None:
    text, found = TYPES[name], our_boundary(TYPES[name])
    theirs = [reader(text) for reader in TYPE_READERS.values()]
    assert {boundary_class(text, found, one) for one in theirs if one != found} == {name}
    assert (found is None) == (name not in ACCEPTED)


def test_every_class_has_an_example() -> None:
    assert {one.name for one in DECISIONS} == {*EXAMPLES, *TYPES}


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ([Part("a", None, b"x")], [Part("a", None, b"y")]),
        ([Part("a", None, b"x")], [Part("b", None, b"x")]),
        ([Part("a", "f", b"x")], [Part("a", "g", b"x")]),
        ([Part("a", None, b"x")], []),
        ([Part("a", None, b"x")], "refused"),
        ("a complaint that nobody knows", [Part("a", None, b"x")]),
    ],
)
def test_a_disagreement_without_a_class_is_noticed(
    mine: list[Part] | str, theirs: list[Part] | str
) -> None:
    assert list(classes(form(), mine, "Werkzeug", theirs)) == [None]
    assert list(classes(form(), mine, "python-multipart", theirs)) == [None]


def test_two_boundaries_without_a_class_are_noticed() -> None:
    assert boundary_class("multipart/form-data; boundary=a", "a", "b") is None
    assert boundary_class("multipart/form-data; boundary=a", "a", None) is None


def test_the_parsers_agree_about_what_is_right() -> None:
    sent = form(DISPOSITION + b'; filename="b"\r\nContent-Type: image/png', b"\r\n--x\0")
    assert ours(sent, BOUNDARY) == [Part("a", "b", b"\r\n--x\0")]
    for name, reader in OTHERS.items():
        assert reader(sent, BOUNDARY) == ours(sent, BOUNDARY), name
    for read in TYPE_READERS.values():
        assert read("multipart/form-data; boundary=abc") == our_boundary("a/b; boundary=abc")


def test_bodies_are_right_and_wrong_and_the_same_for_a_seed() -> None:
    made = [body(random.Random(seed)) for seed in range(300)]  # noqa: S311 - to be had again
    assert made == [body(random.Random(seed)) for seed in range(300)]  # noqa: S311 - as above
    right = [one for one in made if not isinstance(ours(one, BOUNDARY), str)]
    assert 30 < len(right) < 200
    types = [content_type(random.Random(seed)) for seed in range(300)]  # noqa: S311 - as above
    assert 30 < sum(our_boundary(one) is not None for one in types) < 200
