"""Framing of forms: the same events however bytes arrive, and as another parser sees them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from mockkie.parts import MOST_HEAD, Part, PartsError, PartsParser, read_head

Known = tuple[str, str | None, str | None, bytes]

USUAL = b'Content-Disposition: form-data; name="a"; filename="b.c"\r\nContent-Type: x/y'
DISPOSITION = b"--b\r\nContent-Disposition: form-data; "
WORDS = st.sampled_from(
    [
        *(
            b"\n--b",
            b"\r--b\r\n",
            b"--b",
            b"--b\r\n",
            b"--b--",
            b"\r\n",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b"-",
            b"--",
            b"x",
        ),
        *(USUAL, USUAL + b"\r\n\r\n", b'Content-Disposition: form-data; name="n"\r\n\r\n'),
        *(b"Content-Length: 1\r\n", b"--b\r\n" + USUAL + b"\r\n\r\n", b"\r\n--b\r\n", b"\r\n--b--"),
    ]
)
BODIES = st.lists(WORDS | st.binary(max_size=4), max_size=12).map(b"".join)
TEXTS = st.text(
    st.characters(exclude_characters='"\\%\r\n', exclude_categories=["Cs", "Cc"]), max_size=9
)


def events(pieces: Iterable[bytes]) -> tuple[list[Known], Known | None, str]:
    """What a parser makes of the pieces: complete parts, one that is not, and its complaint."""
    return fed(PartsParser(b"b", 5), pieces)


def fed(parser: PartsParser, pieces: Iterable[bytes]) -> tuple[list[Known], Known | None, str]:
    done, part, content = list[Known](), None, b""
    try:
        for piece in pieces:
            for found, data, ends in parser.feed(piece):
                content = data if found is not part else content + data
                part = None if ends else found
                if ends:
                    done.append(known(found, content))
        parser.close()
    except PartsError as error:
        return done, known(part, content) if part else None, str(error)
    return done, None, ""


@given(BODIES)
@example(b"--b\r\n" + USUAL + b"\r\n\r\n--b\r\n" + USUAL + b"\r\n\r\nx\r\n--b--")
@example(b"--b\r\nContent-Length: 1\r\n" + USUAL + b"\r\n\r\nxy\r\n--b--")
@example(b"--b\r\n\r\n\r\nx\r\n--b--")
@example(b"--b--\r\n" + USUAL + b"\r\n\r\nx\r\n--b--")
@example((b"--b\r\n" + USUAL + b"\r\n\r\nx\r\n") * 6 + b"--b--")
def test_a_form_that_comes_at_once_is_the_same_as_one_that_is_fed(body: bytes) -> None:
    parser = PartsParser(b"b", 5)
    whole = parser.whole(body)
    if whole is None:
        assert events([body]) == fed(parser, [body])  # nothing of it was taken
        return
    parser.close()
    assert events([body]) == ([known(part, content) for part, content in whole], None, "")


def known(part: Part, content: bytes) -> Known:
    return part.name, part.filename, part.content_type, content


def library(body: bytes) -> list[Known] | None:
    """What the library `multipart` makes of a body; None when it refuses it."""
    found: list[Known] = []
    segment, content = None, b""
    try:
        with PushMultipartParser("b", max_header_size=MOST_HEAD, header_charset="latin-1") as push:
            for event in push.parse(body):
                if isinstance(event, MultipartSegment):
                    segment, content = event, b""
                elif event is not None:
                    content += event
                elif segment is not None:
                    name, filename = segment.name or "", segment.filename
                    found.append((name, filename, segment.content_type, content))
    except MultipartError:
        return None
    return found


@given(BODIES, st.integers(1, 9))
@example(b"--b\r\n" + USUAL + b"\r\n\r\n\r\n--b--", 1)
@example(b"x--b\r\n", 2)
@example(b"--b\nContent", 3)
def test_it_does_not_matter_how_a_body_is_cut(body: bytes, size: int) -> None:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert events(pieces) == events([body])


@given(BODIES)
@example(b"--b\r\n" + USUAL + b"\r\n\r\ncontent\r\n--b--")
@example(b"--b--")
def test_what_is_understood_is_understood_alike_elsewhere(body: bytes) -> None:
    """Ours refuses more: never does it read something else out of the same bytes."""
    found, rest, complaint = events([body])
    if not complaint:
        assert found == library(body)
        assert rest is None


@given(
    st.lists(
        st.tuples(TEXTS.filter(bool), st.none() | TEXTS, st.none() | st.just("x/y"), st.binary()),
        max_size=5,
    ),
    st.integers(1, 40),
)
def test_what_was_written_is_read(parts: list[Known], size: int) -> None:
    body = b""
    for name, filename, content_type, content in parts:
        head = f'Content-Disposition: form-data; name="{name}"'
        head += "" if filename is None else f'; filename="{filename}"'
        head += f"\r\nContent-Type: {content_type}" if content_type else ""
        body += b"--b\r\n" + head.encode() + b"\r\n\r\n" + content.replace(b"--b", b"") + b"\r\n"
    body += b"--b--\r\n"
    found, rest, complaint = events(body[at : at + size] for at in range(0, len(body), size))
    assert (rest, complaint) == (None, "")
    assert found == [(*head, content.replace(b"--b", b"")) for *head, content in parts]


@given(
    TEXTS.filter(bool), st.none() | TEXTS, st.none() | st.from_regex(r"[\w.+/-]+", fullmatch=True)
)
@example("a", "b; filename*=utf-8''c", None)
@example("a", "", "TEXT/Plain")
@example("\xe4", "\u20ac", None)
def test_a_usual_head_means_what_it_means_the_long_way(
    name: str, filename: str | None, content_type: str | None
) -> None:
    head = f'Content-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if content_type is None else f"\r\nContent-Type: {content_type}"
    assert read_head(head.encode()) == read_head(b"X-Other: 1\r\n" + head.encode())


def test_a_head_has_eight_kib_to_the_byte() -> None:
    for more in (0, 1):
        head = USUAL + b"\r\nX: "
        body = b"--b\r\n" + head + b"x" * (MOST_HEAD + more - len(head)) + b"\r\n\r\n\r\n--b--"
        assert events([body])[2] == ("the head of a part is over 8 KiB" if more else "")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "not complete"),
        (b"--b\r\n" + USUAL + b"\r\n\r\nx", "not complete"),
        (b"--b\r\n" + USUAL + b"\r\n\r\nx\r\n--b", "not complete"),
        (b"--b\r\n" + USUAL + b"\r\n\r\n-", "not complete"),
        (b"--b\n" + USUAL, "end with LF"),
        (b"--bb\r\n" + USUAL, "goes on with something else"),
        (b"x--b\r\n", "start of a line"),
        (b"--b\r\n" + USUAL + b"\r\n\r\n--b\r\n", "begins with the boundary"),
        (b"--b\r\n" + USUAL + b"\r\n\r\n--b--", "begins with the boundary"),
        (b"--b\r\n" + USUAL + b"\r\n\r\n--bx\r\n--b--", "begins with the boundary"),
        ((b"--b\r\n" + USUAL + b"\r\n\r\n\r\n") * 6 + b"--b--", "may have 5 parts"),
        (b"--b\r\n" + USUAL + b"\r\nContent-Length: 2\r\n\r\nx\r\n--b--", "is 2, it has 1 bytes"),
        (b"--b\r\n" + USUAL + b"\r\n\r\nx\n--b\r\n--b--", "behind a lone CR or LF"),
        (b"--b\r\n" + USUAL + b"\r\n\r\n\r--b\r\n--b--", "behind a lone CR or LF"),
        (b"--b\r\n" + USUAL + b"\r\nX: \0\r\n\r\nx\r\n--b--", "malformed header line"),
        (DISPOSITION + b'name="a"; name="b"\r\n\r\nx\r\n--b--', "a parameter twice"),
        (DISPOSITION + b'name="a"; NAME=a\r\n\r\nx\r\n--b--', "a parameter twice"),
        (DISPOSITION + b'name="a"; filename=a b\r\n\r\nx\r\n--b--', "malformed Content-Disp"),
        (DISPOSITION + b'name="a"; filename="b\r\n\r\nx\r\n--b--', "malformed Content-Disp"),
        (DISPOSITION + b'name="a"x\r\n\r\nx\r\n--b--', "malformed Content-Disposition"),
        (DISPOSITION + b"name=\"a\"; name*=UTF-8''b\r\n\r\nx\r\n--b--", "can be extended"),
        (DISPOSITION + b'name="a"; filename*0="b"\r\n\r\nx\r\n--b--', "can be extended"),
        (b"--b\r\n" + USUAL + b"\r\nContent-Length: -1\r\n\r\nx\r\n--b--", "is no number"),
    ],
)
def test_complaints_say_what_is_wrong(body: bytes, complaint: str) -> None:
    assert complaint in events([body])[2]
