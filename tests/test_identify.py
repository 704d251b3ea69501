"""What type bytes and names have, and which extension a type gets."""

from __future__ import annotations

import filetype
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockkie.identify import UNKNOWN, extension_for, identify
from mockkie.samples import MIMES, Sample, sample_named
from mockkie.signatures import guess
from mockkie.store import HEAD

SAMPLES = [found for name in MIMES if (found := sample_named(f"x.{name}")) is not None]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
ZIP = b"PK\x03\x04"


@pytest.mark.parametrize(
    ("head", "name", "declared", "mime"),
    [
        (PNG, None, None, "image/png"),
        (PNG, "cat.jpg", "image/jpeg", "image/png"),
        (PNG, "cat.txt", "text/plain", "image/png"),
        (b"hello", "cat.png", "text/plain", "image/png"),
        (b"hello", "cat.PNG", None, "image/png"),
        (b"hello", "cat", "text/plain", "text/plain"),
        (b"hello", "cat", "Text/Plain", "text/plain"),
        (b"hello", "cat.unknown", "text/x-own", "text/x-own"),
        (b"hello", "cat.unknown", None, UNKNOWN),
        (b"hello", ".png", None, UNKNOWN),
        (b"hello", "png", None, UNKNOWN),
        (b"hello", "cat.", None, UNKNOWN),
        (b"hello", None, "nonsense", UNKNOWN),
        (b"hello", None, "a/b/c", UNKNOWN),
        (b"hello", None, "text/plain\r\nX-Evil: 1", UNKNOWN),
        (b"hello", None, "text/\u00e9", UNKNOWN),
        (b"hello", None, "text/" + "a" * 65, UNKNOWN),
        (b"", None, None, UNKNOWN),
        (b"", "cat.png", None, "image/png"),
        (b"", None, "image/png", "image/png"),
        (b"BMW is a maker of cars", "cars.txt", None, "text/plain"),
        (b"MZ is how some texts begin", "text.md", None, "text/markdown"),
        (b"BMxxxxxx", None, None, "image/bmp"),
        (b"BMxxxxxx", "cat.bmp", None, "image/bmp"),
        (b"var a = 1;", "a.js", None, "text/javascript"),
        (b"var a = 1;", "a.mjs", None, "text/javascript"),
        (b"a: 1", "a.yml", None, "application/yaml"),
        (b"<a/>", "a.xml", None, "application/xml"),
        (b"x", "a.wav", None, "audio/x-wav"),
        (b"x", "a.avi", None, "video/x-msvideo"),
        (ZIP, "a.zip", None, "application/zip"),
    ],
)
def test_content_goes_before_name_before_what_is_said(
    head: bytes, name: str | None, declared: str | None, mime: str
) -> None:
    assert identify(head, name, declared) == mime


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_sample_has_its_type_by_name_and_by_what_is_said(sample: Sample) -> None:
    assert identify(sample.content[:HEAD], sample.name, None) == sample.mime
    assert identify(sample.content[:HEAD], None, sample.mime) == sample.mime


@pytest.mark.parametrize(
    ("mime", "extension"),
    [(mime, {"tiff": "tif"}.get(extension, extension)) for extension, mime in MIMES.items()]
    + [
        ("image/jpg", "jpg"),
        ("audio/wav", "wav"),
        ("audio/wave", "wav"),
        ("audio/mp3", "mp3"),
        ("audio/x-m4a", "m4a"),
        ("application/x-gzip", "gz"),
        ("application/x-zip-compressed", "zip"),
        ("text/css", "css"),
        ("text/javascript", "js"),
        ("application/yaml", "yaml"),
        ("nonsense/unheard-of", "bin"),
        ("", "bin"),
    ],
)
def test_each_common_type_has_its_usual_extension(mime: str, extension: str) -> None:
    assert extension_for(mime) == extension


@pytest.mark.parametrize(
    ("names", "extension"),
    [
        (("cat.JPEG",), "JPEG"),
        ((None, "a.tar.gz"), "gz"),
        (("cat", "dog.gif"), "gif"),
        ((".bashrc",), "png"),
        (("cat.",), "png"),
        (("cat.a b",), "png"),
        (("cat.\u00e9",), "png"),
        (("cat." + "x" * 17,), "png"),
        (("a.b/c",), "png"),
        ((), "png"),
    ],
)
def test_an_extension_is_of_the_first_name_that_has_one(
    names: tuple[str | None, ...], extension: str
) -> None:
    assert extension_for("image/png", *names) == extension


@given(st.binary(max_size=400), st.none() | st.text(max_size=20), st.none() | st.text(max_size=20))
def test_anything_has_a_type_that_is_one(
    head: bytes, name: str | None, declared: str | None
) -> None:
    mime = identify(head, name, declared)
    assert mime.isascii()
    assert mime.isprintable()
    assert [bool(part) for part in mime.split("/")] == [True, True]
    assert extension_for(mime, name).isalnum()


@given(st.sampled_from(SAMPLES), st.integers(0, 400), st.binary(max_size=8), st.integers(0, 60))
def test_a_file_that_is_cut_or_damaged_has_a_type(
    sample: Sample, size: int, damage: bytes, at: int
) -> None:
    head = bytearray(sample.content[:size])
    head[at : at + len(damage)] = damage
    assert "/" in identify(bytes(head), None, None)


MARKS = st.sampled_from(
    [
        *(b"ftypisom", b"ftypM4A ", b"ftypqt  ", b"ftypavif", b"ftypheic", b"ustar", b"DICM"),
        *(b"PK\x03\x04", b"mimetype", b"word/", b"xl/", b"\x42\x82\x84webm", b"\x1a\x45\xdf\xa3"),
        *(
            b"\xef\xbb\xbf",
            b"%PDF",
            b"RIFF",
            b"WEBP",
            b"\x28\xb5\x2f\xfd",
            b"\x50\x2a\x4d\x18",
            b"LP",
        ),
    ]
)


@given(
    st.sampled_from(SAMPLES) | st.none(),
    st.lists(st.tuples(st.integers(0, 300), MARKS | st.binary(max_size=8)), max_size=6),
    st.integers(0, 600),
)
@example(None, [], 0)
def test_the_index_of_signatures_changes_nothing(
    sample: Sample | None, marks: list[tuple[int, bytes]], size: int
) -> None:
    head = bytearray(sample.content[:HEAD] if sample else bytes(600))
    for at, mark in marks:
        head[at : at + len(mark)] = mark
    content = bytes(head[:size])
    assert guess(content) is filetype.guess(content)


@pytest.mark.parametrize("first", range(256))
def test_no_first_byte_rules_out_what_it_begins(first: int) -> None:
    found = [guess(bytes([first, *tail])) for tail in TAILS]
    assert found == [filetype.guess(bytes([first, *tail])) for tail in TAILS]


TAILS = [
    b"",
    b"\x00" * 600,
    *{sample.content[1:HEAD] for sample in SAMPLES},
    *{sample.content[1 : 1 + size] for sample in SAMPLES for size in (1, 2, 3, 7, 15)},
    bytes(3) + b"ftypisom" + bytes(300),
    bytes(127) + b"DICM" + bytes(125) + b"ustar" + bytes(300),
]
