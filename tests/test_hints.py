"""What is said of a path or a content that is not the expected one."""

from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from mockkie import content_hints
from mockkie.content_hints import Content, first_difference
from mockkie.content_hints import content_hints as hints_of
from mockkie.path_hints import distance, matches, path_hints

SEGMENTS = st.text("ab*?[.", min_size=1, max_size=4)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@given(PATHS)
def test_a_path_matches_itself_and_nothing_is_nearer(path: str) -> None:
    assert matches(path, path)
    assert matches("**", path)
    assert distance(path, path) == 0


@given(st.lists(st.text("ab.", min_size=1, max_size=3), min_size=2, max_size=4))
def test_what_patterns_stand_for(segments: list[str]) -> None:
    path = "/".join(segments)
    assert matches("/".join("*" for _ in segments), path)
    assert not matches("/".join("*" for _ in segments[1:]), path)
    assert matches(f"**/{segments[-1]}", path)
    assert matches(f"{segments[0]}/**", path)
    assert matches("/".join("?" * len(segment) for segment in segments), path)
    assert not matches(f"{path}?", path)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("images/*.png", "images/a.png", True),
        ("images/*.png", "images/b/a.png", False),
        ("**/a.png", "images/b/a.png", True),
        ("images/[ab].png", "images/b.png", True),
        ("images/[1].png", "images/[1].png", True),
        ("images/[1].png", "images/1.png", True),
        ("Images/*.png", "images/a.png", False),
        ("images/a.png", "images/A.png", False),
    ],
)
def test_patterns(pattern: str, path: str, *, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("expected", "got", "hint"),
    [
        ("/images/a.png", "images/a.png", "slashes at the ends"),
        ("images\\a.png", "images/a.png", "backslashes"),
        ("images//a.png", "images/a.png", "repeated slashes"),
        ("Images/A.png", "images/a.png", "upper and lower case only"),
        ("images/*.PNG", "images/a.png", "upper and lower case only"),
        ("images/a.png ", "images/a.png", "blanks"),
        ("images/my%20a.png", "images/my a.png", "percent-encoded"),
        ("images/cafe\u0301.png", "images/caf\u00e9.png", "NFC and NFD"),
        ("/IMAGES/a.png ", "images/a.png", "look alike"),
        ("https://x.test/1/images/a.png", "images/a.png", "a link was expected"),
        ("kieai/1/images/a.png", "images/a.png", "'kieai/1/' was expected in front of it"),
        ("a.png", "images/a.png", "'images/' is in front of it"),
        ("images/a.png", "images/images/a.png", "'images/' is in front of it"),
        ("images/a.png", "images/1735732800000-k3j5h7f9d1s.png", "expect 'images/*.png'"),
        ("images/a.png", "images/b.gif", "the folder is right, the name is not"),
        ("images/a.png", "pictures/a.png", "the name is right, the folder is not"),
        ("images/a.png", "docs/readme.txt", None),
    ],
)
def test_a_path_that_differs(expected: str, got: str, hint: str | None) -> None:
    assert 0 < distance(expected, got) <= 1
    told = list(path_hints(expected, got))
    assert told == [] if hint is None else hint in told[0]


CONTENT = b"\x89PNG\r\n\x1a\n\xff\x00 caf\xc3\xa9 line\r\nline\n\n"
TEXT = "\ufeffcaf\u00e9\nline\n".encode()


@pytest.mark.parametrize(
    ("expected", "got", "hint"),
    [
        (CONTENT, b"", "nothing arrived"),
        (CONTENT, CONTENT[:10], "truncated at 10 bytes"),
        (CONTENT, base64.b64encode(CONTENT), "what arrived is the base64 text, undecoded"),
        (b"ab", b"YWI", "what arrived is the base64 text, undecoded"),
        (b"\xff\xfe\xfb", b"__77", "for URLs"),
        (CONTENT * 9, base64.encodebytes(CONTENT * 9), "in lines"),
        (CONTENT, CONTENT.hex().encode(), "hexadecimal"),
        (CONTENT, repr(CONTENT).encode(), "str(data)"),
        (b"a\nb\n", b"a\r\nb\r\n", "from LF to CRLF"),
        (b"a\r\nb\r\n", b"a\nb\n", "from CRLF to LF"),
        (TEXT, TEXT.decode("latin-1").encode(), "Latin-1"),
        (CONTENT, CONTENT.decode(errors="replace").encode(), "were replaced"),
        (b"ab", b"ab\n", "a line end was added"),
        (b"ab\n ", b"ab", "truncated at 2 bytes"),
        (b" ab ", b"ab", "blanks at the ends were lost"),
        (b"ab", b"\xef\xbb\xbfab", "a byte order mark was added"),
        (TEXT, TEXT[3:], "the byte order mark was lost"),
    ],
)
def test_a_change_is_told_by_size_and_digest_alone(expected: bytes, got: bytes, hint: str) -> None:
    assert hint in next(hints_of(Content.of(expected), digest_of(got)))
    assert hint in next(hints_of(Content.of(expected), Content.of(got)))


def digest_of(data: bytes) -> Content:
    """What the journal knows of a content."""
    return Content(blake3(data).hexdigest(), len(data))


@pytest.mark.parametrize(
    ("expected", "got", "hint"),
    [
        (b"hello", b"data:text/plain;base64,aGVsbG8=", "the `data:` prefix was kept"),
        (b"hello", gzip.compress(b"hello", mtime=0), "compressed with gzip"),
        (b"hello", b"--x\r\n\r\nhello\r\n--x--", "from byte 7 on"),
        (b"hello", b"hello world", "6 bytes more arrived behind it"),
        (b"aGVsbG8=", b"hello", "what was expected is the base64 text, undecoded"),
        (b"hello", b"help!", "they part at byte 3: b'lo' was expected, b'p!' arrived"),
        (b"hello", b"\x1f\x8bhel", "they part at byte 0"),
    ],
)
def test_a_change_that_only_the_bytes_show(expected: bytes, got: bytes, hint: str) -> None:
    assert hint in next(hints_of(Content.of(expected), Content.of(got)))
    assert list(hints_of(Content.of(expected), digest_of(got))) == []


def test_another_digest_of_the_right_content() -> None:
    expected = Content.of(hashlib.sha256(b"hello").hexdigest())
    assert list(hints_of(expected, Content.of(b"hello"))) == [
        "the digest is its sha256; mockkie's digests are BLAKE3"
    ]
    assert list(hints_of(expected, Content.of(b"other"))) == []
    encoded = digest_of(base64.b64encode(b"hello")).digest
    told = list(hints_of(Content.of(encoded), Content.of(b"hello")))
    assert told == ["what was expected is the base64 text, undecoded"]


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_contents_that_differ_part_somewhere(one: bytes, other: bytes) -> None:
    hints = list(hints_of(Content.of(one), Content.of(other)))
    assert all(hints)
    if one != other and other:
        at = int(hints[-1].split("part at byte ")[1].split(":")[0])
        assert one[:at] == other[:at]
        assert one[at : at + 1] != other[at : at + 1]


def test_large_contents_part_too() -> None:
    one = bytes(range(256)) * 1_024
    other = one[:200_000] + b"\xff" + one[200_001:]
    assert first_difference(one, other).startswith("they part at byte 200,000: b'@AB")
    assert "byte 262,144" in first_difference(one, one + b"x")


def test_what_a_content_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"hello")
    known = Content.of(b"hello")
    assert Content.of(path) == Content.of(bytearray(b"hello")) == known
    assert Content.of(memoryview(b"hello")) == known
    assert Content.of(known.digest) == Content(known.digest)
    assert str(known) == f"5 bytes, BLAKE3 {known.digest[:16]}…, b'hello'"
    assert str(Content.of(known.digest)) == f"BLAKE3 {known.digest[:16]}…"
    for text in ("hello", known.digest.upper(), known.digest[1:]):
        with pytest.raises(ValueError, match="encode a text first"):
            Content.of(text)
    with pytest.raises(TypeError, match="not int"):
        Content.of(5)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        Content.of(tmp_path / "none")
    monkeypatch.setattr(content_hints, "LARGEST", 4)
    assert Content.of(path) == Content(known.digest, 5)
