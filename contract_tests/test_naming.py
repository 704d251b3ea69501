"""Names and paths: what is kept as it is, what is generated, and what the link makes of it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import pytest
import requests

from mockkie.harness.target import Target

from .calls import BASE64, ROUTES, STREAM, THREE, URL, accepted, as_stream, expect, reads, refused

NAMES: Final = {
    "plain": "a.txt",
    "upper-extension": "PHOTO.JPG",
    "mixed-case": "ReadMe.Txt",
    "plus": "a+b.txt",
    "percent": "%41.txt",
    "percent-20": "a%20b.txt",
    "inner-spaces": "a  b c.txt",
    "hash": "a#b.txt",
    "question": "a?b=c.txt",
    "ampersand": "a&b;c='d\".txt",
    "composed": "caf\u00e9.png",
    "decomposed": "cafe\u0301.png",
    "emoji": "\U0001f600.gif",
    "japanese": "\u65e5\u672c\u8a9e.pdf",
    "dotfile": ".dotfile",
    "no-extension": "no-extension",
    "two-extensions": "a.tar.gz",
    "false-extension": "text.png",
    "sixty": "s" * 56 + ".txt",
    "hundred": "h" * 96 + ".txt",
    "longest": "x" * 251 + ".bin",
    "null": "null",
}
STRANGE: Final = ("plus", "percent", "inner-spaces", "hash", "decomposed", "emoji", "longest")
FOLDERS: Final = {
    "deep": "a/b/c/d/e",
    "spaces": "my files/new ones",
    "unicode": "\u00fcber/\u65e5\u672c",
    "signs": "a+b/c&d/e=f",
    "dots": "v1.2/.hidden",
    "case": "Images/User-Uploads",
}
SHAPE: Final = re.compile(r"\d{13}-[0-9a-z]{9,12}\.[A-Za-z0-9]+")


def located(data: dict[str, Any], path: str) -> None:
    """Path, link and name of an upload agree."""
    name = data["fileName"]
    ends = f"{path}/{name}"
    said = data["filePath"]
    expect(said == ends or said.endswith(f"/{ends}"), f"filePath is {said!r}, not .../{ends}")
    link = urlsplit(data["downloadUrl"])
    expect(
        not link.query and not link.fragment, f"the link {data['downloadUrl']!r} is cut at ? or #"
    )
    expect(
        unquote(link.path).endswith(f"/{said}"),
        f"the link {link.path!r} does not end with {said!r}",
    )
    expect(link.path.isascii() and " " not in link.path, f"{link.path!r} is not percent-encoded")


@pytest.mark.clause("naming.given", "naming.path", "content.byte-exact")
@pytest.mark.parametrize(
    ("route", "kind"),
    [("stream", kind) for kind in NAMES] + [("base64", kind) for kind in STRANGE],
)
def test_a_given_name_is_kept(target: Target, route: str, kind: str) -> None:
    """Sign for sign, in the answer, the path and the link."""
    folder, name, content = target.folder(), NAMES[kind], f"{route} {kind}".encode()
    answer = ROUTES[route](target, content, {"uploadPath": folder, "fileName": name})
    data = accepted(answer)
    found = data["fileName"]
    same = unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", name)
    what = "in another Unicode form" if same else f"as {found!r}"
    expect(found == name, f"the name {name!r} was kept {what}")
    located(data, folder)
    reads(target, data["downloadUrl"], content)


@pytest.mark.clause("naming.given", "naming.path", "url.fetched")
@pytest.mark.parametrize("kind", STRANGE[:6])
def test_a_given_name_is_kept_by_url(target: Target, kind: str) -> None:
    """The name of the source counts for nothing then."""
    folder, name = target.folder(), NAMES[kind]
    data = accepted(ROUTES["url"](target, b"by url", {"uploadPath": folder, "fileName": name}))
    expect(data["fileName"] == name, f"the name {name!r} was kept as {data['fileName']!r}")
    located(data, folder)
    reads(target, data["downloadUrl"], b"by url")


@pytest.mark.clause("naming.path")
@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("route", THREE)
def test_paths_are_kept(target: Target, route: str, kind: str) -> None:
    """Each segment of `uploadPath` is in the path and in the link."""
    path = f"{target.folder()}/{FOLDERS[kind]}"
    data = accepted(ROUTES[route](target, b"x", {"uploadPath": path, "fileName": "n.txt"}))
    located(data, path)
    reads(target, data["downloadUrl"], b"x")


@pytest.mark.clause("input.no-edge-slashes")
@pytest.mark.parametrize("spelling", ["/{}", "{}/", "/{}/"])
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_slashes_at_the_ends_of_a_path(target: Target, route: str, spelling: str) -> None:
    """They are refused, or trimmed; in no case are they in the path of the file."""
    folder = target.folder()
    fields = {"uploadPath": spelling.format(folder), "fileName": "edge.txt"}
    answer = ROUTES[route](target, b"edge", fields)
    if answer.status_code != requests.codes.ok:
        refused(answer, 400)
        return
    data = accepted(answer)
    located(data, folder)
    reads(target, data["downloadUrl"], b"edge")


@pytest.mark.clause("naming.path")
def test_names_that_differ_in_one_sign_are_different_files(target: Target) -> None:
    """Case, Unicode form, signs that links encode: none of them is the same name."""
    folder = target.folder()
    names = ["a b", "a+b", "a%20b", "A b", "a  b", "caf\u00e9", "cafe\u0301", "a_b", "a-b"]
    links = {}
    for name in names:
        data = accepted(as_stream(target, name.encode(), {"uploadPath": folder, "fileName": name}))
        links[data["downloadUrl"]] = name.encode()
    expect(len(links) == len(names), f"{len(names)} names have {len(links)} links")
    for link, content in links.items():
        reads(target, link, content, f"the link of {content.decode()!r}")


@pytest.mark.clause("naming.generated", "naming.path")
@pytest.mark.parametrize("route", ROUTES)
def test_a_name_is_generated(target: Target, route: str) -> None:
    """With an extension, and not out of the folder or the content."""
    folder = target.folder()
    data = accepted(ROUTES[route](target, b"\x89PNG\r\n\x1a\n" + bytes(20), {"uploadPath": folder}))
    name = data["fileName"]
    stem, dot, extension = name.rpartition(".")
    expect(bool(stem and dot and extension), f"the generated name {name!r} has no extension")
    located(data, folder)


@pytest.mark.clause("naming.shape")
def test_the_shape_of_a_generated_name(target: Target) -> None:
    """As it was logged: milliseconds, a dash, base36."""
    name = accepted(as_stream(target, b"x", {"uploadPath": target.folder()}))["fileName"]
    expect(SHAPE.fullmatch(name), f"the generated name is {name!r}")


@pytest.mark.clause("naming.generated")
@pytest.mark.parametrize("extension", ["jpg", "PDF", "webm", "json"])
def test_the_extension_of_the_form_s_filename(target: Target, extension: str) -> None:
    """A generated name ends as the file that was chosen."""
    files = {"file": (f"My Photo.{extension}", b"not what it says")}
    answer = target.post(STREAM, files=files, data={"uploadPath": target.folder()})
    name = accepted(answer)["fileName"]
    right = name.lower().endswith(f".{extension.lower()}")
    expect(right, f"a file x.{extension} got the name {name!r}")


@pytest.mark.clause("naming.unique", "stability.many")
@pytest.mark.parametrize("path", [STREAM, BASE64])
def test_generated_names_do_not_collide(target: Target, path: str) -> None:
    """Of many files without a name, in one folder and quickly, each one stays."""
    folder, links = target.folder(), {}
    number = 120 if target.plan.full else 22
    route = ROUTES["stream" if path == STREAM else "base64"]
    for content in (f"{path} {index}".encode() for index in range(number)):
        links[accepted(route(target, content, {"uploadPath": folder}))["downloadUrl"]] = content
    expect(len(links) == number, f"{number} files without a name have {len(links)} links")
    for link, content in links.items():
        reads(target, link, content, f"the link of one of {number} files in one folder")


@pytest.mark.clause("url.name")
def test_a_url_gives_its_name(target: Target) -> None:
    """The last segment of its path, where none is given."""
    folder = target.folder()
    fields = {"uploadPath": folder, "fileName": "source.dat"}
    link = accepted(as_stream(target, b"x", fields))["downloadUrl"]
    fields = {"fileUrl": link, "uploadPath": f"{folder}/by-url"}
    name = accepted(target.post(URL, json=fields))["fileName"]
    expect(name == "source.dat", f"a URL that ends with source.dat gave {name!r}")
    expect(quote(name) == name, "the name is not a plain one")
