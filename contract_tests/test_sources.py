"""Files that come as base64, and by URL."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from textwrap import wrap
from typing import Final

import pytest
import requests

from mockkie.harness.api import BASE64, URL
from mockkie.harness.plan import is_live
from mockkie.harness.session import NotJudgedError
from mockkie.harness.target import Target

from .calls import (
    ROUTES,
    Victim,
    accepted,
    as_stream,
    compare,
    eventually,
    expect,
    is_accepted,
    reads,
    sized,
)
from .origin import TEXT, Origin, open_origin
from .test_content import EVERY_BYTE, fields_in

FRESH: Final = 0.5
"""Seconds within which an overwrite is seen by all who read, where nothing is cached."""

LONG: Final = 120.0
"""Seconds within which also one that fetches one URL after the other has tried all three."""

DATA_URLS: Final = {
    "type": "data:image/png;base64,",
    "charset": "data:text/plain;charset=utf-8;base64,",
    "long-type": "data:application/vnd.oasis.opendocument.text-template;base64,",
    "without-type": "data:;base64,",
    "with-name": "data:image/png;name=a.png;base64,",
    "svg": "data:image/svg+xml;base64,",
}


@pytest.mark.clause("base64.data-url", "content.byte-exact", "metadata.size")
@pytest.mark.parametrize("kind", DATA_URLS)
def test_data_urls(target: Target, kind: str) -> None:
    """What stands before the comma is no content."""
    content = b" \r\n" + EVERY_BYTE + b"data \n"
    text = DATA_URLS[kind] + base64.b64encode(content).decode()
    fields = {"uploadPath": target.folder()}
    data = accepted(target.post(BASE64, json={"base64Data": text, **fields}))
    extension = data["fileName"].rpartition(".")[2]
    said = f"the file of {DATA_URLS[kind]!r} got the name {data['fileName']!r}"
    expect(extension.isalnum(), said, "naming.generated")
    reads(target, data["downloadUrl"], content)
    sized(data, content)


@pytest.mark.clause("base64.data-url", "content.byte-exact")
@pytest.mark.parametrize("size", range(4))
def test_base64_of_every_padding(target: Target, size: int) -> None:
    """Contents whose base64 ends with none, one and two signs of padding."""
    content = b"\xfb\xff\xfe\xfa\xf0/+"[: size + 1]
    reads(
        target,
        accepted(ROUTES["base64"](target, content, fields_in(target)))["downloadUrl"],
        content,
    )


WHITE_SPACE: Final = {"line-breaks": "\r\n", "line-feeds": "\n", "spaces": " "}


@pytest.mark.clause("base64.strict")
@pytest.mark.parametrize("kind", WHITE_SPACE)
def test_white_space_within_base64_does_not_count(target: Target, kind: str) -> None:
    """Base64 in lines of 76 signs, as mail has it."""
    content = EVERY_BYTE
    text = WHITE_SPACE[kind].join(wrap(base64.b64encode(content).decode(), 76))
    data = accepted(target.post(BASE64, json={"base64Data": text, **fields_in(target)}))
    reads(target, data["downloadUrl"], content)


COPIES: Final = {
    "a b+%.txt": "gr\u00fc\u00dfe, \u65e5\u672c\r\n".encode(),
    "\u00e4#?": EVERY_BYTE + b"\r\n\0\x1a\n",
    "page.html": b"<p>\xe9\0</p>\n\n",
}


@pytest.mark.clause("url.fetched", "metadata.size")
@pytest.mark.parametrize("name", COPIES)
def test_a_link_is_fetched_by_its_url(target: Target, name: str) -> None:
    """Of files with any name and content; the copy stays when the source changes."""
    fields, content = fields_in(target, name), COPIES[name]
    link = accepted(as_stream(target, content, fields))["downloadUrl"]
    copy = {"fileUrl": link, "uploadPath": target.folder(), "fileName": f"copy of {name}"}
    data = accepted(target.post(URL, json=copy))
    reads(target, data["downloadUrl"], content, "the link of a copy")
    sized(data, content)
    if name == "page.html":
        return
    accepted(as_stream(target, b"changed", fields))
    reads(target, data["downloadUrl"], content, "the link of a copy whose source has changed")
    eventually(target, link, b"changed", [content])
    again = {"fileUrl": link, "uploadPath": target.folder(), "fileName": f"again of {name}"}
    fetched = target.get(accepted(target.post(URL, json=again))["downloadUrl"]).content
    if fetched == content and target.staleness.longest > FRESH:
        raise NotJudgedError("it serves old bytes for a while, to itself too")
    compare(fetched, b"changed", "the copy of a link that has changed")


@pytest.fixture(scope="module")
def origin(target: Target) -> Iterator[Origin]:
    """An origin that the target can reach, if it fetches from this machine at all."""
    if is_live(target.url):
        raise NotJudgedError("the target is on another machine, which does not reach this one")
    with open_origin() as running:
        fields = {"uploadPath": target.folder(), "fileName": "first.txt"}
        target.post(URL, json={"fileUrl": f"{running.url}/text.txt", **fields})
        if not running.asked:
            raise NotJudgedError("it does not fetch from this machine")
        yield running


@pytest.mark.clause("url.fetched", "content.byte-exact", "metadata.size")
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/text.txt?a=1&b=%20", TEXT + b"a=1&b=%20"),
        ("/chunked.txt", TEXT),
        ("/elsewhere.txt", TEXT + b"moved"),
    ],
)
def test_what_an_origin_has_is_fetched(
    target: Target, origin: Origin, path: str, content: bytes
) -> None:
    """With its query, without a length, and where it has moved."""
    fields = fields_in(target, "fetched.txt")
    data = accepted(target.post(URL, json={"fileUrl": origin.url + path, **fields}))
    reads(target, data["downloadUrl"], content, "the link of what was fetched")
    sized(data, content)


@pytest.mark.clause("url.fetched")
def test_the_page_of_an_error_is_no_file(target: Target, origin: Origin) -> None:
    """What an origin says of a file that it has not is not stored as the file."""
    url = {"fileUrl": f"{origin.url}/missing.txt", **fields_in(target, "missing.txt")}
    answer = target.post(URL, json=url)
    expect(not is_accepted(answer), "the page of an origin's 404 was stored as a file")


WAITS: Final = {"/late.txt?20": True, "/late.txt?45": False, "/halting.txt?45": False}
"""What an origin lets itself be waited for, in seconds, and whether it is fetched all the same."""


@pytest.mark.clause("url.limits")
@pytest.mark.once
def test_a_fetch_has_half_a_minute(target: Target, origin: Origin) -> None:
    """An origin that needs 20 seconds is waited for, one that needs 45 is not."""
    if not target.plan.full:
        raise NotJudgedError("it takes half a minute to show: --full has the time")

    def fetch(path: str) -> requests.Response:
        fields = {"fileUrl": origin.url + path, **fields_in(target, f"{path[-2:]}.txt")}
        return target.post(URL, json=fields, timeout=LONG)

    with ThreadPoolExecutor(len(WAITS)) as pool:
        for answer, (path, in_time) in zip(pool.map(fetch, WAITS), WAITS.items(), strict=True):
            said = f"a URL upload from an origin that takes {path[-2:]} s was"
            said += " refused" if in_time else " accepted; it has 30 s"
            expect(is_accepted(answer) == in_time, said)


@pytest.mark.clause("url.fetched", "input.changes-nothing")
def test_a_link_that_leads_nowhere_is_not_stored(target: Target) -> None:
    """What is answered for it is no file; nor is an empty file made of a host that is not there."""
    victim = Victim.of(target)
    dead = victim.link.replace("mockkie-", "never-was-", 1)
    answer = target.post(URL, json={"fileUrl": dead, **victim.fields})
    expect(not is_accepted(answer), "the answer of a link that leads nowhere was stored as a file")
    victim.is_unharmed()
    nowhere = {"fileUrl": "http://nowhere.invalid/a.bin", "uploadPath": target.folder()}
    answer = target.post(URL, json=nowhere)
    if answer.status_code == requests.codes.ok:  # a mock may have something in place of the web
        size = accepted(answer)["fileSize"]
        expect(size, "a host that is not there became an empty file")
