"""Who may upload, and that nobody else changes anything."""

from __future__ import annotations

from typing import Final

import pytest
import requests

from mockkie.harness.target import Target

from .calls import (
    BASE64,
    GONE,
    ROUTES,
    STREAM,
    THREE,
    UNAUTHORIZED,
    URL,
    Victim,
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
    "token-scheme": "Token {key}",
    "bare": "{key}",
    "wrong": "Bearer wrong",
    "same-length": "Bearer {same}",
    "case": "Bearer {swapped}",
    "prefix": "Bearer {key:.{short}}",
    "first-half": "Bearer {key:.{half}}",
    "suffix": "Bearer {key}x",
    "second-word": "Bearer {key} x",
    "twice": "Bearer {key},Bearer {key}",
    "in-quotes": 'Bearer "{key}"',
    "wildcard": "Bearer *",
    "other-end": "Bearer {other_end}",
}
"""Headers that are nearly right."""


def header(kind: str, key: str) -> str | None:
    """A header that is nearly right."""
    text = WRONG[kind]
    last = "y" if key.endswith("x") else "x"
    return text and text.format(
        key=key,
        swapped=key.swapcase() if key.swapcase() != key else f"{key}X",
        same="".join("b" if sign == "a" else "a" for sign in key),
        short=len(key) - 1,
        half=max(len(key) // 2, 1),
        other_end=key[:-1] + last,
    )


@pytest.mark.clause("auth.bearer", "auth.exact", "auth.changes-nothing")
@pytest.mark.parametrize("route", THREE)
def test_without_the_key_nothing_changes(target: Target, route: str) -> None:
    """Requests with keys that are not quite right are refused, and their victim is as before."""
    victim = Victim.of(target, MINE)
    for kind in WRONG:
        answer = intrude(target, route, header(kind, target.key), victim)
        clause = "auth.bearer" if kind in ("none", "empty", "wrong") else "auth.exact"
        status = answer.status_code
        expect(status == UNAUTHORIZED, f"with the key {kind!r} it was answered {status}", clause)
        refused(answer, UNAUTHORIZED)
    victim.is_unharmed("auth.changes-nothing")


def intrude(
    target: Target, route: str, authorization: str | None, victim: Victim, **other: str
) -> requests.Response:
    """What somebody is answered who uploads there with another header."""
    intruder, fields = target.with_authorization(authorization), {**victim.fields, **other}
    if route == "url":
        return intruder.post(URL, json={"fileUrl": victim.link, **fields})
    return ROUTES[route](intruder, b"theirs", fields)


@pytest.mark.clause("auth.changes-nothing")
@pytest.mark.parametrize("route", THREE)
def test_what_is_refused_for_its_key_is_not_stored(target: Target, route: str) -> None:
    """A new file of a refused request is not behind the link that it would have."""
    victim = Victim.of(target)
    refused(intrude(target, route, "Bearer wrong", victim, fileName="other.txt"), UNAUTHORIZED)
    stored = target.get(victim.link.replace("victim.txt", "other.txt"))
    expect(stored.status_code in GONE, "a file was stored that was refused for its key")


@pytest.mark.clause("auth.first")
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_the_key_is_judged_first(target: Target, path: str) -> None:
    """A request that is wrong altogether is refused for its key."""
    wrong = target.with_authorization("Bearer wrong")
    refused(wrong.post(path, data=b"nonsense"), UNAUTHORIZED)
    refused(target.with_authorization(None).post(path), UNAUTHORIZED)
    if path != STREAM:
        refused(wrong.post(path, json={}), UNAUTHORIZED)
        refused(wrong.post(path, json={"uploadPath": "", "fileName": 7}), UNAUTHORIZED)
    else:
        refused(wrong.post(path, files={"file": ("a.txt", b"x")}), UNAUTHORIZED)


@pytest.mark.clause("auth.exact")
@pytest.mark.parametrize("route", THREE)
def test_a_connection_remembers_no_key(target: Target, route: str) -> None:
    """On one connection, each request is judged by its own key."""
    victim = Victim.of(target)
    refused(intrude(target, route, None, victim), UNAUTHORIZED)
    accepted(as_stream(target, victim.content, victim.fields))
    refused(intrude(target, route, "Bearer wrong", victim), UNAUTHORIZED)


@pytest.mark.clause("auth.downloads-open")
@pytest.mark.parametrize("route", THREE)
def test_a_link_needs_no_key(target: Target, route: str) -> None:
    """A link alone is enough, and a wrong key does no harm."""
    fields = {"uploadPath": target.folder(), "fileName": "open.txt"}
    link = accepted(ROUTES[route](target, MINE, fields))["downloadUrl"]
    reads(target, link, MINE)
    answer = target.get(link, headers={"Authorization": "Bearer wrong"})
    expect(answer.content == MINE, f"with a wrong key a link is answered {answer.status_code}")


@pytest.mark.clause("account.apart")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_accounts_are_apart(target: Target, route: str) -> None:
    """The same path in another account is another file, in both directions."""
    fields = {"uploadPath": target.folder(), "fileName": "same.txt"}
    other = target.of_other_account()
    ours = accepted(ROUTES[route](target, MINE, fields))["downloadUrl"]
    answer = ROUTES[route](other, b"theirs", fields)
    valid = answer.status_code != UNAUTHORIZED
    expect(valid, "the key of the other account is refused", "auth.bearer")
    theirs = accepted(answer)["downloadUrl"]
    expect(ours != theirs, "the same path has the same link in two accounts")
    reads(target, ours, MINE)
    eventually(target, theirs, b"theirs", ())
    accepted(ROUTES[route](target, b"mine again", fields))
    reads(target, theirs, b"theirs", "the link of another account")
