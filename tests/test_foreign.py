"""The foreign servers do what the contract says, and each of their bugs is in the code."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from tests import foreign as module
from tests.foreign import FAITHFUL, Foreign, Ways, foreign
from tests.foreign_bugs import ASSUMED, BUGS

GROUPS: Final = frozenset(
    """
    auth envelope naming metadata content download overwrite expiry input method concurrency
    stability
    """.split()
)


def patiently(method: str, url: str, **more: Any) -> requests.Response:
    """Ask again after 429, which a faithful server may answer."""
    for _ in range(3):
        answer = requests.request(method, url, timeout=10, **more)
        if answer.status_code != 429:
            return answer
    return answer


def upload(server: Foreign, route: str, key: str, body: bytes, name: str) -> requests.Response:
    url, head = f"{server.url}/api/file-{route}-upload", {"Authorization": f"Bearer {key}"}
    fields = {"uploadPath": "a/b c", "fileName": name}
    if route == "stream":
        return patiently("POST", url, headers=head, data=fields, files={"file": ("x.txt", body)})
    if route == "base64":
        fields["base64Data"] = base64.b64encode(body).decode()
    else:
        source = upload(server, "stream", key, body, f"source of {name}").json()
        fields["fileUrl"] = source["data"]["downloadUrl"]
    return patiently("POST", url, headers=head, json=fields)


def settled(ways: Ways) -> Ways:
    """The same without stale answers, which need patience and show nothing here."""
    return Ways(**{**vars(ways), "stale_seconds": 0.0})


@pytest.mark.parametrize("name", FAITHFUL)
def test_a_faithful_server_keeps_what_it_is_given(name: str) -> None:
    with foreign(settled(FAITHFUL[name])) as server:
        for route in ("stream", "base64", "url"):
            links = set()
            for body in (b"one\r\n\0", b"", bytes(range(256)) * 300):
                answer = upload(server, route, server.key, body, f"50% {route} #?é+.txt")
                assert answer.status_code == 200, answer.text
                told = answer.json()
                assert (told["success"], told["code"]) == (True, 200)
                assert told["data"]["fileSize"] == len(body)
                link = told["data"]["downloadUrl"]
                links.add(link)
                read = patiently("GET", link)
                assert (read.status_code, read.content) == (200, body)
                assert read.headers["Content-Type"] == told["data"]["mimeType"]
            assert len(links) == 1
            refused = upload(server, "base64", "wrong", b"other", f"50% {route} #?é+.txt")
            assert refused.status_code == refused.json()["code"] == 401
            assert patiently("GET", link).content == body


def test_two_accounts_do_not_see_each_other() -> None:
    with foreign() as server:
        mine, other = (upload(server, "stream", key, key.encode(), "x") for key in server.keys)
        links = [answer.json()["data"]["downloadUrl"] for answer in (mine, other)]
        assert [requests.get(link, timeout=10).text for link in links] == list(server.keys)


@pytest.mark.parametrize("name", [name for name, ways in FAITHFUL.items() if ways.clock])
def test_a_file_is_gone_after_three_days(name: str) -> None:
    with foreign(FAITHFUL[name]) as server:
        clock = f"{server.url}/__mockkie/clock"
        link = upload(server, "stream", server.key, b"x", "x").json()["data"]["downloadUrl"]
        advance = {"seconds": 3 * 86_400 - 60}
        assert requests.post(f"{clock}/advance", json=advance, timeout=10).json()["offset"] > 1e5
        assert requests.get(link, timeout=10).content == b"x"
        requests.post(f"{clock}/advance", json={"duration": "PT1M1S"}, timeout=10)
        assert requests.get(link, timeout=10).status_code == FAITHFUL[name].gone_status
        assert requests.delete(clock, timeout=10).json()["frozen"] is False
        assert requests.get(link, timeout=10).status_code == FAITHFUL[name].gone_status


def test_old_bytes_are_served_for_a_while() -> None:
    with foreign(Ways(stale_seconds=60, clock=True)) as server:
        upload(server, "stream", server.key, b"old", "x")
        link = upload(server, "stream", server.key, b"new", "x").json()["data"]["downloadUrl"]
        assert requests.get(link, timeout=10).content == b"old"
        advance = {"seconds": 61}
        requests.post(f"{server.url}/__mockkie/clock/advance", json=advance, timeout=10)
        assert requests.get(link, timeout=10).content == b"new"


def test_every_bug_is_in_the_code() -> None:
    source = Path(module.__file__).read_text()
    asked = set(re.findall(r'self\.has\(\s*"([^"]+)"', source))
    assert asked == set(BUGS)
    assert set(BUGS) >= ASSUMED
    assert {name.partition(".")[0] for name in BUGS} == GROUPS


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_leaves_a_server_that_answers(bug: str) -> None:
    with foreign(bug=bug) as server:
        assert upload(server, "stream", server.key, b"x", "x.txt").status_code < 500
