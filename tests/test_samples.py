from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from importlib.resources import files
from xml.etree import ElementTree as ET

import filetype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.samples import MIMES, Sample, sample_for, sample_named

TEXTS = {"svg", "txt", "md", "csv", "json", "xml", "html"}
NAMELESS = TEXTS | {"bin"}  # what no content tells apart
ZIPS = ("zip", "docx", "xlsx", "pptx")


def sample(extension: str) -> Sample:
    found = sample_named(f"cat.{extension}")
    assert found is not None
    return found


@pytest.mark.parametrize("extension", sorted(set(MIMES) - NAMELESS))
def test_content_tells_the_declared_type(extension: str) -> None:
    kind = filetype.guess(sample(extension).content)
    assert kind is not None
    assert kind.mime == sample(extension).mime


@pytest.mark.parametrize("extension", sorted(NAMELESS))
def test_no_content_tells_a_wrong_type(extension: str) -> None:
    assert filetype.guess(sample(extension).content) is None


@pytest.mark.parametrize("extension", sorted(TEXTS))
def test_texts_are_utf8(extension: str) -> None:
    assert sample(extension).content.decode().endswith("\n")


@pytest.mark.parametrize("extension", ZIPS)
def test_archives_are_whole(extension: str) -> None:
    with zipfile.ZipFile(io.BytesIO(sample(extension).content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                ET.fromstring(archive.read(name))  # noqa: S314 - written by us


def test_structured_texts_parse() -> None:
    assert json.loads(sample("json").content)["sample"] is True
    for extension in ("svg", "xml"):
        ET.fromstring(sample(extension).content)  # noqa: S314 - written by us
    assert gzip.decompress(sample("gz").content) == sample("txt").content


def test_the_picture_decodes() -> None:
    content, pixels, offset = sample("png").content, b"", 8
    while offset < len(content):
        size, kind = struct.unpack(">I4s", content[offset : offset + 8])
        data = content[offset + 8 : offset + 8 + size]
        (check,) = struct.unpack(">I", content[offset + 8 + size : offset + 12 + size])
        assert check == zlib.crc32(kind + data)
        pixels += data if kind == b"IDAT" else b""
        offset += 12 + size
    assert zlib.decompress(pixels)


def test_the_folder_is_small_and_holds_what_the_table_says() -> None:
    found = {
        entry.name: len(entry.read_bytes())
        for entry in files("mockkie.samples").iterdir()
        if entry.name.startswith("sample.")
    }
    assert set(found) == {f"sample.{extension}" for extension in MIMES}
    assert all(found.values())
    assert sum(found.values()) < 80_000


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/a/Cat.JPEG", "sample.jpg"),
        ("https://example.com/cat.tif?x=y.mp3#z.gif", "sample.tiff"),
        ("https://example.com/cat%2Emp4", "sample.mp4"),
        ("https://example.com/a.pdf/", "sample.png"),
        ("https://example.com/archive.tar.gz", "sample.gz"),
        ("https://example.mp3", "sample.png"),
        ("https://example.com/?file=a.mp3", "sample.png"),
        ("https://example.com/.mp3", "sample.png"),
        ("https://example.com/unknown.xyz", "sample.png"),
        ("https://example.com/mp3", "sample.png"),
        ("https://[broken/cat.mp3", "sample.png"),
        ("", "sample.png"),
    ],
)
def test_the_path_of_a_url_chooses(url: str, name: str) -> None:
    assert sample_for(url).name == name


@pytest.mark.parametrize("name", ["cat", "", ".png", "cat.", "cat.xyz", "png"])
def test_a_name_without_a_known_extension_has_no_sample(name: str) -> None:
    assert sample_named(name) is None


def test_a_sample_is_read_once() -> None:
    assert sample_named("a.png") is sample_named("b.PNG")


@given(st.text())
def test_every_text_has_the_same_sample_each_time(text: str) -> None:
    assert sample_for(text) is sample_for(text)
