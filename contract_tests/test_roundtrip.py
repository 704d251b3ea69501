"""What was uploaded is what is read, whichever way it came: the simplest promise of the API."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

import pytest
import requests
from hypothesis import HealthCheck, Phase, event, example, given, settings
from hypothesis import strategies as st

from .target import Target

NAMESPACE: Final = f"roundtrip-{uuid4().hex[:12]}"
"""One run's folder: a target may keep the files of an earlier one."""
EXAMPLES = count()

LETTERS = st.characters(codec="utf-8", exclude_characters="/", exclude_categories=["Cc", "Cs"])
SEGMENTS = st.text(LETTERS, min_size=1, max_size=24).filter(lambda text: text not in (".", ".."))
NAMES = st.one_of(
    st.sampled_from(
        [
            *("a.txt", "A.JPG", "a+b.txt", "%41.txt", " a b .txt", "#?&;\"'.txt", ".dotfile"),
            *(
                "no-extension",
                "é.png",
                "e\u0301.png",
                "😀.gif",
                "a.tar.gz",
                "null",
                "...",
                "日本.pdf",
            ),
            "x" * 251 + ".bin",
        ]
    ),
    SEGMENTS,
)
FOLDERS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
MAGIC = st.sampled_from(
    [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"%PDF-1.7\n",
        b"GIF89a",
        b"PK\x03\x04",
        b"BM",
        b"{",
    ]
)
CONTENTS = st.one_of(
    st.binary(max_size=2_000),
    st.builds(bytes.__add__, MAGIC, st.binary(max_size=200)),
    st.sampled_from([b"", b"\0", b"\r\n", b"\n", b"\r\n--", b"--boundary--\r\n"]),
    st.builds(
        lambda seed, size: bytes([seed, 255 - seed]) * size,
        st.integers(0, 255),
        st.sampled_from([32_768, 131_072, 524_289]),
    ),
)


def as_stream(target: Target, content: bytes, fields: Mapping[str, str]) -> requests.Response:
    """As a form."""
    return target.post(
        "/api/file-stream-upload", files={"file": ("upload.dat", content)}, data=fields
    )


def as_base64(target: Target, content: bytes, fields: Mapping[str, str]) -> requests.Response:
    """As base64 in JSON."""
    text = base64.b64encode(content).decode()
    return target.post("/api/file-base64-upload", json={"base64Data": text, **fields})


def as_data_url(target: Target, content: bytes, fields: Mapping[str, str]) -> requests.Response:
    """As a data URL in JSON."""
    text = "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    return target.post("/api/file-base64-upload", json={"base64Data": text, **fields})


def as_url(target: Target, content: bytes, fields: Mapping[str, str]) -> requests.Response:
    """By the link of a file that was uploaded before."""
    source = {"uploadPath": f"{fields['uploadPath']}/source", "fileName": "source.dat"}
    link = as_stream(target, content, source).json()["data"]["downloadUrl"]
    return target.post("/api/file-url-upload", json={"fileUrl": link, **fields})


Route = Callable[[Target, bytes, Mapping[str, str]], requests.Response]
ROUTES: Final[list[Route]] = [as_stream, as_base64, as_data_url, as_url]


def date_of(answer: requests.Response) -> datetime:
    """The moment that an answer itself names."""
    return parsedate_to_datetime(answer.headers["Date"])


def accepted(answer: requests.Response) -> dict[str, Any]:
    """The facts of an accepted upload."""
    assert answer.status_code == 200, (answer.text, answer.headers.get("X-Mockkie-Why"))
    body = answer.json()
    assert (body["success"], body["code"]) == (True, 200)
    data: dict[str, Any] = body["data"]
    return data


@given(
    content=CONTENTS,
    folder=FOLDERS,
    name=st.none() | NAMES,
    route=st.sampled_from(ROUTES),
)
@example(content=b"", folder="a", name="empty.txt", route=as_stream)
@example(content=b"\x00\xff\r\n" * 262_145, folder="a/b/c", name=None, route=as_url)
@settings(
    max_examples=120,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_what_was_uploaded_is_read(
    target: Target, content: bytes, folder: str, name: str | None, route: Route
) -> None:
    """Bytes, size, type, path and time of a file agree, by every route."""
    event(route.__name__)
    path = f"{NAMESPACE}/{next(EXAMPLES)}/{folder}"
    fields = {"uploadPath": path} | ({} if name is None else {"fileName": name})
    before = date_of(target.get(f"{target.url}/{uuid4()}/none"))
    answer = route(target, content, fields)
    data = accepted(answer)
    assert name in (None, data["fileName"])
    assert data["filePath"].endswith(f"{path}/{data['fileName']}")
    assert data["fileSize"] == len(content)
    assert data["uploadedAt"].endswith("Z")
    uploaded = datetime.fromisoformat(data["uploadedAt"])
    assert before <= uploaded.astimezone(UTC).replace(microsecond=0) <= date_of(answer)
    link = urlsplit(data["downloadUrl"])
    assert unquote(link.path).endswith(f"/{data['filePath']}")
    assert link.path.endswith(quote(data["filePath"], safe="/"))
    assert (link.query, link.fragment) == ("", "")
    read = target.get(data["downloadUrl"])
    assert (read.status_code, read.content) == (200, content)
    assert read.headers["Content-Type"] == data["mimeType"]
    assert read.headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize("second", ROUTES)
@pytest.mark.parametrize("first", ROUTES)
def test_the_same_name_again_replaces_the_file(target: Target, first: Route, second: Route) -> None:
    """The link stays, and leads to the latest bytes."""
    fields = {"uploadPath": f"{NAMESPACE}/again/{next(EXAMPLES)}", "fileName": "same.txt"}
    before = accepted(first(target, b"the first one", fields))
    after = accepted(second(target, b"another", fields))
    assert after["downloadUrl"] == before["downloadUrl"]
    assert after["fileSize"] == 7
    assert target.get(before["downloadUrl"]).content == b"another"


def test_generated_names_do_not_collide(target: Target) -> None:
    """Without a name every upload is a file of its own."""
    fields = {"uploadPath": f"{NAMESPACE}/generated"}
    links = {}
    for number in range(25):
        content = str(number).encode()
        links[accepted(as_stream(target, content, fields))["downloadUrl"]] = content
    assert len(links) == 25
    assert {link: target.get(link).content for link in links} == links


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("key", [None, "", "Basic", "wrong", "case", "prefix", "suffix"])
def test_a_refused_upload_changes_nothing(target: Target, route: Route, key: str | None) -> None:
    """Without a valid key nothing is replaced."""
    fields = {"uploadPath": f"{NAMESPACE}/refused/{next(EXAMPLES)}", "fileName": "victim.txt"}
    link = accepted(as_stream(target, b"mine", fields))["downloadUrl"]
    right = target.key
    header = {
        None: None,
        "": "Bearer ",
        "Basic": f"Basic {right}",
        "wrong": "Bearer wrong",
        "case": f"Bearer {right.swapcase()}",
        "prefix": f"Bearer {right[:-1]}",
        "suffix": f"Bearer {right}x",
    }[key]
    intruder = target.with_authorization(header)
    if route is as_url:
        answer = intruder.post("/api/file-url-upload", json={"fileUrl": link, **fields})
    else:
        answer = route(intruder, b"theirs", fields)
    assert answer.status_code == 401
    assert answer.json()["code"] == 401
    assert target.get(link).content == b"mine"
