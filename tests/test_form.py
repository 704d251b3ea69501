"""Every way to spell a multipart form: what is taken, what is refused, and what it means."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkie.form import boundary_of
from mockkie.problems import Problem
from tests.inside import (
    BOUNDARY,
    FORM,
    STREAM,
    Inside,
    file_part,
    form_of,
    inside,
    refused,
    text_part,
    why,
)

CRLF = b"\r\n"
PATH = text_part("uploadPath", "a/b")
FILE = file_part(b"content")
MALFORMED = "Malformed request body"


@pytest.fixture(scope="module")
def shared() -> Iterator[Inside]:
    with inside() as mock:
        yield mock


@pytest.fixture
def mock(shared: Inside) -> Inside:
    """A mock without files."""
    shared.ask("DELETE", "/__mockkie/files")
    return shared


def send(mock: Inside, *parts: Any, content_type: str = FORM) -> httpx2.Response:
    return mock.ask("POST", STREAM, form_of(*parts), content_type)


def stored(mock: Inside, answer: httpx2.Response) -> tuple[str, bytes]:
    """`(path, bytes)` of what an upload stored, as it is read back."""
    assert answer.status_code == 200, why(answer)
    data = answer.json()["data"]
    got = mock.ask("GET", data["downloadUrl"], key=None).content
    assert data["fileSize"] == len(got)
    return data["filePath"], got


def nothing(mock: Inside, answer: httpx2.Response, msg: str = MALFORMED, hint: str = "") -> None:
    """It was refused with this text and this diagnosis, and nothing was stored."""
    assert refused(answer, 400, msg)
    assert hint in why(answer)
    assert mock.files() == []


# What is taken


def test_fields_come_in_any_order(mock: Inside) -> None:
    parts = (PATH, FILE, text_part("fileName", "n"), text_part("extra", "x"))
    for order in itertools.permutations(parts):
        assert stored(mock, send(mock, *order)) == ("a/b/n", b"content")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"-",
        b"--",
        b"\r\n--",
        b"\r\n--" + BOUNDARY[:-1].encode(),
        b"--" + BOUNDARY[:-1].encode(),
        b"x--" + BOUNDARY.encode() + b"--\r\n",
        b"\n--" + BOUNDARY[:-1].encode() + b"--\n",
        b"\r--" + BOUNDARY[:-1].encode() + b"\r\n",
        b"\r\n-" + BOUNDARY.encode(),
        b"\r\n--" + BOUNDARY.upper().encode() + b"--",
        b"\r\n --" + BOUNDARY.encode(),
        b"Content-Disposition: form-data; name=uploadPath\r\n\r\nevil",
        bytes(range(256)),
        b"\x00" * 1000,
        b"\r\n--a-" * 500,
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_contents_that_look_like_something_else(mock: Inside, content: bytes, size: int) -> None:
    body = form_of(PATH, file_part(content))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert stored(mock, mock.ask("POST", STREAM, pieces, FORM))[1] == content


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"--", b"x"])
def test_a_content_that_begins_with_the_boundary_can_mean_two_things(
    mock: Inside, behind: bytes
) -> None:
    """By RFC 2046 it is the end of a part without a body, some parsers take it for content."""
    answer = send(mock, PATH, file_part(b"--" + BOUNDARY.encode() + behind))
    nothing(mock, answer, hint="the content of a part begins with the boundary")


def test_every_split_in_two(mock: Inside) -> None:
    body = form_of(PATH, file_part(b"12\r\n--34\r\n"), text_part("fileName", "n"))
    for cut in range(len(body) + 1):
        answer = mock.ask("POST", STREAM, [body[:cut], body[cut:]], FORM)
        assert stored(mock, answer) == ("a/b/n", b"12\r\n--34\r\n")


@pytest.mark.parametrize(
    "boundary",
    ["x", "-" * 70, "b" * 200, "'()+_,-./:=?", "a b", "--", "ü", 'q"q', "back\\slash"],
)
def test_boundaries(mock: Inside, boundary: str) -> None:
    quoted = boundary.replace("\\", "\\\\").replace('"', '\\"')
    body = form_of(PATH, FILE, boundary="@@").replace(b"@@", boundary.encode("latin-1"))
    for media in ("multipart/form-data", "Multipart/FORM-Data", " multipart/form-data "):
        for spelling in (
            f'{media};boundary="{quoted}"',
            f'{media}; charset=utf-8; BOUNDARY = "{quoted}"; x=y',
        ):
            answer = mock.ask("POST", STREAM, body, spelling)
            assert stored(mock, answer)[1] == b"content"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary",
        "multipart/form-data; xboundary=a-boundary",
        "multipart/form-data; boundary=a; boundary=a-boundary",
        "multipart/form-data; boundary=a-boundary; boundary=a",
        'multipart/form-data; boundary="a-boundary',
        f"multipart/form-data; boundary={'b' * 201}",
        'multipart/form-data; boundary="a\tb"',
        'multipart/form-data; boundary="a\x85b"',
    ],
)
def test_boundaries_that_cannot_be(mock: Inside, content_type: str) -> None:
    nothing(mock, send(mock, PATH, FILE, content_type=content_type), hint="boundary")


def test_another_boundary_than_the_one_that_is_named(mock: Inside) -> None:
    answer = send(mock, PATH, FILE, content_type=FORM + "x")
    nothing(mock, answer, hint="multipart form is not complete")


def test_what_stands_around_the_form_is_ignored(mock: Inside) -> None:
    body = form_of(PATH, FILE)
    for before in (b"", CRLF, b"This is a form.\r\n", b"-" * 5_000 + CRLF, b"\r\n\r\n\r\n"):
        for behind in (b"", b"bye", b"\r\n--" + BOUNDARY.encode() + CRLF, b"x" * 5_000):
            for size in (1, 11, 100_000):
                whole = before + body + behind
                pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
                answer = mock.ask("POST", STREAM, pieces, FORM)
                assert stored(mock, answer)[1] == b"content"


@pytest.mark.parametrize(
    "head",
    [
        b"CONTENT-DISPOSITION: FORM-DATA; NAME=file; FILENAME=a.gif",
        b"content-disposition:form-data;name=file;filename=a.gif",
        b'Content-Disposition: form-data; filename="a.gif"; name="file"',
        b'Content-Disposition: form-data;\r\n name="file";\r\n\tfilename="a.gif"',
        b"Content-Type: text/plain\r\nContent-Disposition: form-data; name=file; filename=a.gif",
        b'Content-Disposition: form-data; name="file"; filename="x"; filename*=utf-8\'\'a.gif',
        b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8'en'%C3%A4.gif",
        b"Content-Disposition: form-data; name=file; filename*=ISO-8859-1''%E4.gif",
        'Content-Disposition: form-data; name=file; filename="ä b.gif"'.encode(),
        b'Content-Disposition: form-data; name=file; filename="\xe4.gif"',
        b'Content-Disposition: form-data; name="file"; filename="a\\"b.gif"',
        b'Content-Disposition: form-data; name="file"; filename="C:\\dir\\a.gif"',
        b'Content-Disposition: form-data; name="file"; filename="../../a.gif"',
        b"Content-Disposition: form-data; name=file; filename=a.gif\r\nContent-Length: 7",
        b"Content-Transfer-Encoding: BINARY\r\n"  # noqa: ISC004 - one head of two lines
        b"Content-Disposition: form-data; name=file; filename=a.gif",
        b"Content-Disposition: form-data; name=file; filename*=x''y; filename=a.gif",
        b"Content-Disposition: form-data; name=file; filename*=hex''61; filename=a.gif",
        b"Content-Disposition: form-data; name=file; filename*=utf-8''%ff; filename=a.gif",
        b"Content-Disposition: form-data; name=file; filename*=\"utf-8''a.gif\"; filename=b",
        b'Content-Disposition: form-data; name="file"; filename="a; filename*=x\'\'b.gif"',
        b"X-Own: 1\r\nContent-Disposition: form-data; name=file; filename=a.gif\r\nX-Other: 2",
    ],
)
def test_heads_of_the_file(mock: Inside, head: bytes) -> None:
    answer = send(mock, PATH, head + b"\r\n\r\ncontent")
    path, content = stored(mock, answer)
    assert content == b"content"
    assert path.startswith("a/b/")
    assert path.endswith(".gif"), "of the filename only the extension survives"


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a", "x.ä", "x." + "y" * 300, "é"])
def test_filenames_without_a_usable_extension(mock: Inside, name: str) -> None:
    part = file_part(b"content", filename=name.encode().decode("latin-1"))
    path, content = stored(mock, send(mock, PATH, part))
    assert (path.rpartition(".")[2], content) == ("bin", b"content")


def test_a_file_needs_no_filename_when_it_has_a_type(mock: Inside) -> None:
    head = b'Content-Disposition: form-data; name="file"\r\nContent-Type: image/png'
    assert stored(mock, send(mock, PATH, head + b"\r\n\r\ncontent"))[1] == b"content"


@pytest.mark.parametrize("content_type", [b"image/\xff", b"/", b"x" * 500, b"a/b/c"])
def test_types_of_the_file_that_are_none(mock: Inside, content_type: bytes) -> None:
    head = b'Content-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: '
    answer = send(mock, PATH, head + content_type + b"\r\n\r\ncontent")
    assert stored(mock, answer)[1] == b"content"
    assert answer.json()["data"]["mimeType"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("é".encode(), ""),
        ("é".encode(), "utf-8"),
        ("é".encode("latin-1"), "ISO-8859-1"),
        ("é".encode("cp1252"), '"windows-1252"'),
        ("é".encode("utf-16"), "UTF-16"),
    ],
)
def test_charsets_of_text(mock: Inside, content: bytes, charset: str) -> None:
    extra = f"\r\nContent-Type: text/plain; charset={charset}" if charset else ""
    answer = send(mock, text_part("uploadPath", content, extra), FILE)
    assert stored(mock, answer)[0].startswith("é/")


def test_fields_that_the_contract_does_not_know_are_ignored(mock: Inside) -> None:
    parts = (
        text_part("extra", b"\xff\xfe", "\r\nContent-Type: text/plain; charset=utf-16"),
        text_part("extra", "again"),
        text_part("extra", "and again"),
        text_part("FILE", "case matters"),
        text_part("file[]", "x"),
        file_part(b"other", "photo"),
        file_part(b"x" * 100_000, "photo"),
        text_part("naïve", "x"),
    )
    assert stored(mock, send(mock, *parts, PATH, FILE, *parts))[1] == b"content"
    assert len(mock.files()) == 1


def test_an_empty_file_input_of_a_browser_is_no_file(mock: Inside) -> None:
    empty = file_part(b"", filename="")
    nothing(mock, send(mock, PATH, empty), "Missing required parameter: file")
    assert stored(mock, send(mock, PATH, empty, FILE))[1] == b"content"


def test_many_parts_up_to_the_limit(mock: Inside) -> None:
    extra = [text_part(f"x{number}", "x") for number in range(62)]
    assert stored(mock, send(mock, *extra, PATH, FILE))[1] == b"content"
    answer = send(mock, *extra, text_part("y", "y"), PATH, FILE)
    mock.ask("DELETE", "/__mockkie/files")
    nothing(mock, answer, hint="64 parts")


# What is refused

TWICE = b'Content-Disposition: form-data; name="uploadPath"\r\n'
HEADS: list[tuple[bytes, str, str]] = [
    (b"", MALFORMED, "Content-Disposition"),
    (b"Content-Type: text/plain", MALFORMED, "Content-Disposition"),
    (b"Content-Disposition: attachment; name=file; filename=x", MALFORMED, "Disposition"),
    (b"Content-Disposition: form-data", MALFORMED, "lacks its name"),
    (b'Content-Disposition: form-data; name=""', MALFORMED, "lacks its name"),
    (b"Content-Disposition form-data", MALFORMED, "header"),
    (b": x", MALFORMED, "header"),
    (b"Bad Header: x\r\n" + TWICE[:-2], MALFORMED, "header"),
    (b" folded: x\r\n" + TWICE[:-2], MALFORMED, "header"),
    (TWICE + TWICE[:-2], MALFORMED, "two Content-Disposition headers"),
    (TWICE + b"Content-Type: a/b\r\nContent-Type: a/b", MALFORMED, "two Content-Type"),
    (TWICE + b"Content-Transfer-Encoding: base64", MALFORMED, "encoded as base64"),
    (TWICE + b"Content-Transfer-Encoding: quoted-printable", MALFORMED, "quoted-printable"),
    (TWICE + b"Content-Length: 3", MALFORMED, "Content-Length"),
    (TWICE + b"Content-Length: 99", MALFORMED, "Content-Length"),
    (TWICE + b"Content-Length: x", MALFORMED, "Content-Length"),
    (TWICE + b"X: " + b"x" * 9_000, MALFORMED, "8 KiB"),
    (TWICE + b"\r\n".join(b"X%d: x" % number for number in range(999)), MALFORMED, "8 KiB"),
    (TWICE + b"Content-Type: a/b\ninjected: x", MALFORMED, "malformed header line"),
    (TWICE + b"Content-Type: a/b\rinjected: x", MALFORMED, "malformed header line"),
    (TWICE + b"Content-Type : a/b", MALFORMED, "malformed header line"),
    (TWICE + b"X: 1\r\nx: 2", MALFORMED, "two X headers"),
]


@pytest.mark.parametrize(("head", "msg", "hint"), HEADS)
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_heads_that_cannot_be(mock: Inside, head: bytes, msg: str, hint: str, size: int) -> None:
    body = form_of(FILE, head + b"\r\n\r\nabcde" if head else b"\r\nabcde")
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    nothing(mock, mock.ask("POST", STREAM, pieces, FORM), msg, hint)


@pytest.mark.parametrize(
    ("parts", "name", "hint"),
    [
        ((PATH, text_part("file", "text")), "file", "-F file=@photo.jpg"),
        ((PATH, FILE, FILE), "file", "sent twice"),
        ((PATH, FILE, file_part(b"")), "file", "sent twice"),
        ((PATH, PATH, FILE), "uploadPath", "sent twice"),
        ((PATH, FILE, text_part("uploadPath", "")), "uploadPath", "sent twice"),
        ((file_part(b"a", "uploadPath"), FILE), "uploadPath", "as a text field"),
        ((PATH, FILE, file_part(b"a", "fileName")), "fileName", "as a text field"),
        ((text_part("uploadPath", b"\xff"), FILE), "uploadPath", "UTF-8"),
        ((text_part("uploadPath", "x" * 65_537), FILE), "uploadPath", "65,536 bytes"),
        ((PATH, FILE, text_part("extra", "x" * 65_537)), "extra", "65,536 bytes"),
    ],
)
@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_fields_that_cannot_be(mock: Inside, parts: Any, name: str, hint: str, size: int) -> None:
    body = form_of(*parts)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    answer = mock.ask("POST", STREAM, pieces, FORM)
    nothing(mock, answer, f"Invalid parameter: {name}", hint)


@pytest.mark.parametrize(
    "charset",
    [
        *("nope", "hex", "rot13", "base64", "zip", "undefined", "idna", "punycode", "utf-7"),
        *("unicode_escape", "raw_unicode_escape", "é", "../x", "x" * 500, " "),
    ],
)
def test_charsets_that_cannot_be(mock: Inside, charset: str) -> None:
    extra = f'\r\nContent-Type: text/plain; charset="{charset}"'
    answer = send(mock, text_part("uploadPath", "\\ud800", extra), FILE)
    nothing(mock, answer, "Invalid parameter: uploadPath", "send it in UTF-8")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--a-boundary--",
        b"--a-boundary--\r\n",
        form_of(PATH, FILE).replace(CRLF, b"\n"),
        form_of(PATH, FILE).replace(CRLF, b"\r"),
        form_of(PATH, FILE)[2:],
        b"x" + form_of(PATH, FILE),
        b"\n" + form_of(PATH, FILE),
        form_of(PATH, FILE)[:-4],
        form_of(PATH, FILE).replace(b"--a-boundary--", b"--a-boundaryy--"),
        form_of(PATH, FILE).replace(b"--a-boundary\r\n", b"--a-boundary \r\n"),
        form_of(PATH, FILE).replace(b"--a-boundary\r\n", b"--a-boundaryx\r\n", 1),
        b"-" * 100_000,
        b"\r\n" * 50_000,
    ],
)
def test_bodies_that_are_no_form(mock: Inside, body: bytes) -> None:
    whole = mock.ask("POST", STREAM, body, FORM)
    assert whole.status_code == 400
    assert mock.files() == []
    assert why(whole)
    if len(body) < 1_000:
        bytewise = mock.ask("POST", STREAM, [bytes([byte]) for byte in body] or [b""], FORM)
        assert (bytewise.status_code, bytewise.text) == (400, whole.text)


def test_a_form_cut_at_every_byte(mock: Inside) -> None:
    body = form_of(PATH, FILE)
    assert stored(mock, mock.ask("POST", STREAM, body[:-2], FORM))
    mock.ask("DELETE", "/__mockkie/files")
    for cut in range(len(body) - 2):
        answer = mock.ask("POST", STREAM, body[:cut], FORM)
        if cut:
            nothing(mock, answer, MALFORMED, "multipart form")
        else:
            nothing(mock, answer)


# The same bytes mean the same however they arrive

WORDS = st.sampled_from(
    [
        *(b"\r\n", b"\r", b"\n", b"-", b"--", b" ", b":", b";", b'"', b"=", b"\x00", b"\xff"),
        *(b"--a-boundary", b"--a-boundary\r\n", b"--a-boundary--", b"\r\n\r\n", b"a-boundary"),
        b'Content-Disposition: form-data; name="file"; filename="x"\r\n\r\n',
        b'Content-Disposition: form-data; name="uploadPath"\r\n\r\na',
        b"Content-Type: text/plain\r\n",
    ]
)


@st.composite
def almost_forms(draw: st.DrawFn) -> bytes:
    """A form with a few things wrong with it, perhaps."""
    body = form_of(PATH, FILE, text_part("fileName", "n"))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        stop = draw(st.integers(start, min(start + 12, len(body))))
        body = body[:start] + draw(WORDS | st.binary(max_size=3)) + body[stop:]
    return body


@settings(max_examples=80, deadline=None)
@given(body=almost_forms(), cuts=st.lists(st.integers(0, 500), max_size=6))
def test_how_a_body_arrives_does_not_matter(shared: Inside, body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(body)]
    pieces = [body[start:stop] for start, stop in itertools.pairwise(edges)]

    def outcome(sent: bytes | list[bytes]) -> tuple[int, str, list[bytes]]:
        answer = shared.ask("POST", STREAM, sent, FORM)
        files = shared.files()
        contents = [shared.ask("GET", file["downloadUrl"], key=None).content for file in files]
        shared.ask("DELETE", "/__mockkie/files")
        assert answer.status_code in (200, 400)
        assert (answer.status_code == 200) == (len(files) == 1)
        return answer.status_code, answer.json()["msg"], contents

    found = [outcome(pieces), outcome(body), outcome([bytes([byte]) for byte in body])]
    assert found[0] == found[1] == found[2]


@given(st.text())
def test_any_content_type_has_one_boundary_or_is_refused(text: str) -> None:
    try:
        boundary = boundary_of(f"multipart/form-data; {text}")
    except Problem as problem:
        assert problem.name == "malformed-body"  # noqa: PT017 - some texts have a boundary
    else:
        assert boundary
        assert boundary in text.replace("\\", "") or "\\" in text
