"""Files that come as base64, and by URL."""

from __future__ import annotations

import base64
from textwrap import wrap
from typing import Final

import pytest
import requests

from mockkie.harness.target import Target

from .calls import (
    BASE64,
    ROUTES,
    URL,
    Victim,
    accepted,
    as_stream,
    body_of,
    expect,
    reads,
    sized,
)
from .test_content import EVERY_BYTE, fields_in

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
    data = accepted(target.post(BASE64, json={"base64Data": text, **fields_in(target)}))
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


@pytest.mark.clause("url.fetched", "metadata.size")
@pytest.mark.parametrize("name", ["a b+%.txt", "ä#?.txt"])
def test_a_link_is_fetched_by_its_url(target: Target, name: str) -> None:
    """Of files with any name; the copy stays when the source changes."""
    fields = fields_in(target, name)
    link = accepted(as_stream(target, b"source", fields))["downloadUrl"]
    copy = {"fileUrl": link, "uploadPath": target.folder(), "fileName": "copy.txt"}
    data = accepted(target.post(URL, json=copy))
    reads(target, data["downloadUrl"], b"source", "the link of a copy")
    sized(data, b"source")
    accepted(as_stream(target, b"changed", fields))
    reads(target, data["downloadUrl"], b"source", "the link of a copy whose source has changed")


@pytest.mark.clause("url.fetched", "input.changes-nothing")
def test_a_link_that_leads_nowhere_is_not_stored(target: Target) -> None:
    """What is answered for it is no file; nor is an empty file made of a host that is not there."""
    victim = Victim.of(target)
    dead = victim.link.replace("mockkie-", "never-was-", 1)
    answer = target.post(URL, json={"fileUrl": dead, **victim.fields})
    stored = answer.status_code == requests.codes.ok and body_of(answer).get("success") is True
    expect(not stored, "the answer of a link that leads nowhere was stored as a file")
    victim.is_unharmed()
    nowhere = {"fileUrl": "http://nowhere.invalid/a.bin", "uploadPath": target.folder()}
    answer = target.post(URL, json=nowhere)
    if answer.status_code == requests.codes.ok:  # a mock may have something in place of the web
        size = accepted(answer)["fileSize"]
        expect(size, "a host that is not there became an empty file")
