"""What counts as wrong by the vendor's pages alone, of requests as they are sent."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from contract_tests.sent import asked_for, content_of, is_wrong

FILE = {"file": ("a.txt", b"x")}


def sent(route: str, **more: Any) -> requests.PreparedRequest:
    return requests.Request("POST", f"http://127.0.0.1/api/file-{route}-upload", **more).prepare()


@pytest.mark.parametrize(
    ("route", "more"),
    [
        ("stream", {"files": FILE, "data": {"uploadPath": "a", "fileName": "null"}}),
        ("stream", {"files": FILE, "data": {"uploadPath": "/a//..", "fileName": ""}}),
        ("stream", {"files": FILE, "data": {"uploadPath": ["a", "a"], "more": "x"}}),
        ("base64", {"json": {"base64Data": "", "uploadPath": "a"}}),
        ("base64", {"json": {"base64Data": "@@", "uploadPath": "a" * 5_000, "fileName": 7}}),
        ("base64", {"data": b"{", "headers": {"Content-Type": "text/plain"}}),
        ("url", {"json": {"fileUrl": "x", "uploadPath": "a", "fileName": None, "more": {}}}),
    ],
)
def test_what_only_we_refuse_is_not_wrong(route: str, more: dict[str, Any]) -> None:
    assert not is_wrong(sent(route, **more))


@pytest.mark.parametrize(
    ("route", "more"),
    [
        ("stream", {"files": FILE, "data": {"uploadPath": ""}}),
        ("stream", {"files": FILE, "data": {"fileName": "a"}}),
        ("stream", {"files": {"other": ("a.txt", b"x")}, "data": {"uploadPath": "a"}}),
        ("stream", {"files": {"file": (None, b"x")}, "data": {"uploadPath": "a"}}),
        ("stream", {"json": {}}),
        ("base64", {"json": {"base64Data": "eA==", "uploadPath": 7}}),
        ("base64", {"json": {"uploadPath": "a"}}),
        ("base64", {"json": {"base64Data": "eA==", "uploadPath": ""}}),
        ("url", {"json": {"fileUrl": "", "uploadPath": "a"}}),
        ("base64", {"json": ["eA=="]}),
        ("base64", {"data": b"{", "headers": {"Content-Type": "application/json"}}),
        ("url", {"json": {"fileUrl": None, "uploadPath": "a"}}),
        ("url", {"json": {"fileUrl": "http://a.test/", "uploadPath": ""}}),
    ],
)
def test_what_the_pages_demand_is_missed(route: str, more: dict[str, Any]) -> None:
    assert is_wrong(sent(route, **more))


def test_the_document_itself_is_not_changed() -> None:
    one, other = asked_for(), asked_for()
    assert one == other
    assert one is not other


@pytest.mark.parametrize(
    ("route", "more", "content"),
    [
        ("stream", {"files": FILE, "data": {"uploadPath": "a"}}, b"x"),
        ("stream", {"files": {"other": ("a.txt", b"x")}}, None),
        ("base64", {"json": {"base64Data": "eA=="}}, b"x"),
        ("base64", {"json": {"base64Data": "data:image/png;base64,eA=="}}, b"x"),
        ("base64", {"json": {"base64Data": "eA"}}, None),
        ("base64", {"json": {"base64Data": "e A="}}, None),
        ("base64", {"json": ["base64Data"]}, None),
        ("base64", {"data": b"{", "headers": {"Content-Type": "application/json"}}, None),
        ("url", {"json": {"fileUrl": "http://a.test/"}}, None),
    ],
)
def test_the_file_of_an_upload_is_read_back(
    route: str, more: dict[str, Any], content: bytes | None
) -> None:
    assert content_of(sent(route, **more)) == content
