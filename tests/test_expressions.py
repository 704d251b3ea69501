"""Regular expressions, ours and those of documents: none of them takes long for any text."""

from __future__ import annotations

import re

import pytest

import mockkie
from mockkie.auth import credential
from mockkie.dashboard.page import _PLACE
from mockkie.security import Scheme
from mockkie.wire import Request
from reliability.pumping import Expression, expressions, slow

KNOWN = {expression.place: expression for expression in expressions(mockkie)}


def request(*cookies: str) -> Request:
    headers = [(b"cookie", cookie.encode()) for cookie in cookies]

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize("place", KNOWN)
def test_what_clients_send_is_read_in_no_time(place: str) -> None:
    assert list(slow(KNOWN[place])) == []


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", "fullmatch"),
        (r"([\w-]+)\s*=", "findall"),
        (r"(?:[^\s(]*/)?([\w.-]+\.yaml):\d+", "sub"),
    ],
)
def test_an_expression_that_takes_long_is_found(pattern: str, method: str) -> None:
    found = list(slow(Expression("planted", re.compile(pattern), (method,))))
    assert [one.method for one in found] == [method]
    assert "planted" in str(found[0])


def test_most_expressions_are_found() -> None:
    assert "mockkie.links._HOST" in KNOWN
    assert KNOWN["mockkie.links._HOST"].methods == ("fullmatch",)
    assert any(re.fullmatch(r"mockkie\.origin:\d+", place) for place in KNOWN)


def test_a_place_is_shown_without_its_folder() -> None:
    told = "it is missing (the contract says so at /home/me/openapi.yaml:12:3), see jobs.yml:4:5"
    assert _PLACE.sub(r"\1:\2", told) == (
        "it is missing (the contract says so at openapi.yaml:12), see jobs.yml:4"
    )


def test_cookies_are_taken_apart_at_once() -> None:
    # Python's own reader of cookies took 24 s for this (CVE-2024-7592)
    cookies = request('a="' + "\\" * 60_000 + '"; key = one ;b', "c=d=e").cookies
    assert cookies["key"] == ["one"]
    assert cookies["c"] == ["d=e"]
    assert "b" not in cookies


def test_a_key_in_two_cookies_is_none() -> None:
    scheme = Scheme("apiKey", "cookie", "key")
    assert credential(scheme, request('key="one"')) == ("one", "")
    assert credential(scheme, request("key=one; key=two"))[0] is None
