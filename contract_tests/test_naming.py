"""Names and paths: what is kept as it is, what is generated, and what the link makes of it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from mockkie.harness.api import STREAM, URL
from mockkie.harness.plan import Plan
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import ROUTES, THREE, about, accepted, as_stream, expect, reads, refused

PLAN: Final = Plan.of_environment()
NAMES: Final = {
    "plain": "aux.txt",
    "upper-extension": "PHOTO.JPG",
    "plus": "a+b.txt",
    "percent": "%41%22.txt",
    "percent-20": "a%20b.txt",
    "percent-00": "a%00b.txt",
    "percent-2f": "a%2Fb.txt",
    "inner-spaces": "a  b (1).txt",
    "outer-spaces": " a.txt ",
    "hash": "a#b.txt",
    "question": "a?b=c.txt",
    "ampersand": "a&b;c='d\".txt",
    "entity": "a&amp;b.txt",
    "signs": "~!$()[]{}^_`,@=|<>*:.txt",
    "backslash": "a\\b.txt",
    "two-dots": "a..b.txt",
    "composed": "caf\u00e9.png",
    "decomposed": "cafe\u0301.png",
    "emoji": "\U0001f600.gif",
    "dotfile": ".dotfile",
    "no-extension": "2026",
    "four-letters": "photo.jpeg",
    "umlaut": "\u00dcbung \u00df \ufb01 \uff12.txt",
    "dot-at-the-end": "a.",
    "false-extension": "text.png",
    "other-extension": "photo.png",
    "longest": "x" * 251 + ".bin",
    "null": "null",
}
OTHERWISE: Final = {"other-extension": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9"}
"""Contents that contradict the name they are given."""
DOUBTFUL: Final = frozenset(("backslash", "outer-spaces", "dot-at-the-end", "signs"))
"""Names that mean something else elsewhere: kept as they are, or refused."""
BAD_REQUEST: Final = 400
STRANGE: Final = ("plus", "percent", "emoji", "hash", "outer-spaces")
FOLDERS: Final = {
    "deep": "a/b/c/d/e",
    "spaces": "my files/new ones",
    "unicode": "\u00fcber/\u65e5\u672c",
    "signs": "a+b/c&d/e=f",
    "dots": "v1.2/.hidden",
    "case": "Images/User-Uploads",
    "percent": "50%/a%20b",
    "looks-like-a-file": "a.txt/b.png",
}
SOME: Final = ("deep", "percent")
SHAPE: Final = re.compile(r"\d{13}-[0-9a-z]{9,12}\.[A-Za-z0-9]+")


def located(data: dict[str, Any], path: str) -> None:
    """Path, link and name of an upload agree."""
    ends, said, url = f"{path}/{data['fileName']}", data["filePath"], data["downloadUrl"]
    link = urlsplit(url)
    with about("naming.path"):
        expect(said == ends or said.endswith(f"/{ends}"), f"filePath is {said!r}, not .../{ends}")
        right = unquote(link.path).endswith(f"/{said}")
        expect(right, f"the path of the link {url!r} does not end with {said!r}")
        encoded = link.path.isascii() and " " not in link.path
        expect(encoded, f"{link.path!r} is not percent-encoded")
        whole = link.path.count("/") > said.count("/")
        expect(whole, f"in {link.path!r} the slashes of {said!r} are encoded")


@pytest.mark.clause("naming.given", "naming.path", "content.byte-exact")
@pytest.mark.parametrize(
    ("route", "kind"),
    [("stream", kind) for kind in NAMES] + [("base64", kind) for kind in STRANGE],
)
def test_a_given_name_is_kept(target: Target, route: str, kind: str) -> None:
    """Sign for sign, in the answer, the path and the link."""
    folder, name = target.folder(), NAMES[kind]
    content = OTHERWISE.get(kind, f"{route} {kind}".encode())
    answer = ROUTES[route](target, content, {"uploadPath": folder, "fileName": name})
    if kind in DOUBTFUL and answer.status_code == BAD_REQUEST:
        raise NotJudgedError(f"it refuses the name {name!r}, as a strict service may")
    data = accepted(answer)
    found = data["fileName"]
    same = unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", name)
    what = "in another Unicode form" if same else f"as {found!r}"
    expect(found == name, f"the name {name!r} was kept {what}")
    located(data, folder)
    with about("naming.path"):
        reads(target, data["downloadUrl"], content)


@pytest.mark.clause("naming.given", "naming.path", "url.fetched")
@pytest.mark.parametrize("kind", STRANGE[:3])
def test_a_given_name_is_kept_by_url(target: Target, kind: str) -> None:
    """The name of the source counts for nothing then."""
    folder, name = target.folder(), NAMES[kind]
    data = accepted(ROUTES["url"](target, b"by url", {"uploadPath": folder, "fileName": name}))
    expect(data["fileName"] == name, f"the name {name!r} was kept as {data['fileName']!r}")
    located(data, folder)
    with about("naming.path"):
        reads(target, data["downloadUrl"], b"by url")


@pytest.mark.clause("naming.path")
@pytest.mark.parametrize(
    ("route", "kind"),
    [(route, kind) for route in THREE for kind in FOLDERS if route == "stream" or kind in SOME],
)
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
    """They are refused, or the file can be read; what else becomes of them nobody knows."""
    folder = target.folder()
    fields = {"uploadPath": spelling.format(folder), "fileName": "edge.txt"}
    answer = ROUTES[route](target, b"edge", fields)
    if answer.status_code != requests.codes.ok:
        refused(answer, 400)
        return
    reads(target, accepted(answer)["downloadUrl"], b"edge")


@pytest.mark.clause("naming.path")
def test_names_that_differ_in_one_sign_are_different_files(target: Target) -> None:
    """In case, Unicode form, signs that links encode or cut at, or only at the end."""
    folder = target.folder()
    names = ["a b", "a+b", "a%20b", "A b", "a  b", "caf\u00e9", "cafe\u0301", "a_b", "a-b", "a b."]
    names += [f"a{sign}{end}" for sign in ";&#?%" for end in "12"]
    names += ["n" * 90 + end for end in ("1", "2")]
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
    right = bool(stem and dot and extension.isalnum())
    expect(right, f"the generated name {name!r} has no extension")
    located(data, folder)


@pytest.mark.clause("naming.shape")
def test_the_shape_of_a_generated_name(target: Target) -> None:
    """As it was logged: milliseconds, a dash, base36."""
    name = accepted(as_stream(target, b"x", {"uploadPath": target.folder()}))["fileName"]
    expect(SHAPE.fullmatch(name), f"the generated name is {name!r}")


KINDS: Final = {
    "My Photo.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "scan.final.PDF": b"%PDF-1.7\n" + bytes(20),
    "\u00fcbung.gif": b"GIF89a\1\0\1\0\0\0\0;",
}


@pytest.mark.clause("naming.generated")
@pytest.mark.parametrize("name", KINDS)
def test_the_extension_of_the_form_s_filename(target: Target, name: str) -> None:
    """A generated name ends as the file that was chosen, whose content is what it says."""
    answer = target.post(
        STREAM, files={"file": (name, KINDS[name])}, data={"uploadPath": target.folder()}
    )
    data, wanted = accepted(answer), name.lower().rpartition(".")[2]
    right = data["fileName"].lower().endswith(f".{wanted}")
    expect(right, f"a file {name!r} got the name {data['fileName']!r}")
    reads(target, data["downloadUrl"], KINDS[name])


@pytest.mark.clause("naming.shape")
def test_the_extension_counts_more_than_the_content(target: Target) -> None:
    """As it was logged: of the form's filename the extension survives."""
    files = {"file": ("video.webm", b"not what it says")}
    answer = target.post(STREAM, files=files, data={"uploadPath": target.folder()})
    name = accepted(answer)["fileName"]
    expect(name.endswith(".webm"), f"a file video.webm got the name {name!r}")


@pytest.mark.clause("naming.unique")
def test_equal_files_get_names_of_their_own(target: Target) -> None:
    """Neither content, nor folder, nor route makes a generated name."""
    folder, content = target.folder(), b"the same each time"
    routes = ("stream", "base64", "data-url", "stream", "base64", "data-url")
    told = [accepted(ROUTES[route](target, content, {"uploadPath": folder})) for route in routes]
    fetched = {"fileUrl": told[0]["downloadUrl"], "uploadPath": folder}
    by_url = [accepted(target.post(URL, json=fetched))["fileName"] for _ in "ab"]
    names = [data["fileName"] for data in told]
    if set(by_url) != {names[0]}:  # else it took the name of the URL, which no page forbids
        names += by_url
    expect(len(set(names)) == len(names), f"equal files without a name were named {names}")


LEGAL: Final = st.text(
    st.sampled_from("aZ09 ._-+@()[]!$&'=~,;#%^\u00e9\u00df\u4e2d\U0001f600"),
    min_size=1,
    max_size=60,
).filter(lambda name: name.strip(". ") == name)


@seed(PLAN.seed)
@settings(
    max_examples=200 if PLAN.full else 6,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(name=LEGAL, folder=LEGAL, route=st.sampled_from(["stream", "base64"]))
@pytest.mark.clause("naming.given", "naming.path", "content.byte-exact")
def test_any_name_is_kept(target: Target, name: str, folder: str, route: str) -> None:
    """Names and folders that nobody thought of."""
    target.begin()
    path, content = f"{target.folder()}/{folder}", name.encode()
    data = accepted(ROUTES[route](target, content, {"uploadPath": path, "fileName": name}))
    found = data["fileName"]
    expect(found == name, f"the name {name!r} was kept as {found!r}", "naming.given")
    located(data, path)
    with about("naming.path"):
        reads(target, data["downloadUrl"], content)


@pytest.mark.clause("url.name")
def test_a_url_gives_its_name(target: Target) -> None:
    """The last segment of its path, where none is given."""
    folder = target.folder()
    fields = {"uploadPath": folder, "fileName": "source.dat"}
    link = accepted(as_stream(target, b"x", fields))["downloadUrl"]
    fields = {"fileUrl": link, "uploadPath": f"{folder}/by-url"}
    name = accepted(target.post(URL, json=fields))["fileName"]
    expect(name == "source.dat", f"a URL that ends with source.dat gave {name!r}")
