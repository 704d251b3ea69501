"""Who may upload, and that nobody else changes anything."""

from __future__ import annotations

from typing import Final

import pytest

from mockkie.harness.target import Target

from .calls import (
    BASE64,
    ROUTES,
    STREAM,
    THREE,
    URL,
    accepted,
    as_stream,
    eventually,
    expect,
    reads,
    refused,
)

MINE: Final = b"mine, and nobody else's"
WRONG: Final = {
    "none": None,
    "empty": "Bearer ",
    "other-scheme": "Basic {key}",
    "bare": "{key}",
    "wrong": "Bearer wrong",
    "case": "Bearer {swapped}",
    "prefix": "Bearer {key:.{short}}",
    "suffix": "Bearer {key}x",
    "twice": "Bearer {key},Bearer {key}",
    "in-quotes": 'Bearer "{key}"',
}


def header(kind: str, key: str) -> str | None:
    """A header that is nearly right."""
    text = WRONG[kind]
    return text and text.format(key=key, swapped=key.swapcase(), short=len(key) - 1)


@pytest.mark.clause("auth.bearer", "auth.exact", "auth.changes-nothing", "envelope.error")
@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("route", THREE)
def test_without_the_key_nothing_changes(target: Target, route: str, kind: str) -> None:
    """A request with a key that is not quite right is refused, and its victim is as before."""
    fields = {"uploadPath": target.folder(), "fileName": "victim.txt"}
    link = accepted(as_stream(target, MINE, fields))["downloadUrl"]
    intruder = target.with_authorization(header(kind, target.key))
    if route == "url":
        answer = intruder.post(URL, json={"fileUrl": link, **fields})
    else:
        answer = ROUTES[route](intruder, b"theirs", fields)
    refused(answer, 401)
    reads(target, link, MINE, "a link behind a refused upload")


@pytest.mark.clause("auth.first")
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_the_key_is_judged_first(target: Target, path: str) -> None:
    """A request that is wrong altogether is refused for its key."""
    refused(target.with_authorization("Bearer wrong").post(path, data=b"nonsense"), 401)


@pytest.mark.clause("auth.bearer")
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_an_empty_request_without_a_key_is_refused(target: Target, path: str) -> None:
    """Nothing is accepted that has neither key nor body."""
    answer = target.with_authorization(None).post(path)
    expect(answer.status_code in (400, 401, 415), f"it was answered {answer.status_code}")


@pytest.mark.clause("auth.downloads-open")
def test_a_link_needs_no_key(target: Target) -> None:
    """A link alone is enough, and a wrong key does no harm."""
    link = accepted(as_stream(target, MINE, {"uploadPath": target.folder()}))["downloadUrl"]
    reads(target, link, MINE)
    answer = target.get(link, headers={"Authorization": "Bearer wrong"})
    expect(answer.content == MINE, f"with a wrong key a link is answered {answer.status_code}")


@pytest.mark.clause("account.apart")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_accounts_are_apart(target: Target, route: str) -> None:
    """The same path in another account is another file."""
    fields = {"uploadPath": target.folder(), "fileName": "same.txt"}
    ours = accepted(ROUTES[route](target, MINE, fields))["downloadUrl"]
    theirs = accepted(ROUTES[route](target.of_other_account(), b"theirs", fields))["downloadUrl"]
    expect(ours != theirs, "the same path has the same link in two accounts")
    reads(target, ours, MINE)
    eventually(target, theirs, b"theirs", ())
