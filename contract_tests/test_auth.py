"""Who may upload, and that nobody else changes anything."""

from __future__ import annotations

from typing import Final

import pytest
import requests

from mockkie.harness.api import BASE64, GONE, STREAM, URL
from mockkie.harness.forms import pieces
from mockkie.harness.session import NoAnswerError, NotJudgedError
from mockkie.harness.target import Target

from .calls import (
    ROUTES,
    THREE,
    UNAUTHORIZED,
    Victim,
    about,
    accepted,
    as_stream,
    eventually,
    expect,
    instant,
    reads,
    refused,
)

NEAR: Final = 60.0  # seconds between two uploads in a row
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
    refused(intrude(target, route, "Bearer null", victim, fileName="other.txt"), UNAUTHORIZED)
    stored = target.get(victim.link.replace("victim.txt", "other.txt"))
    expect(stored.status_code in GONE, "a file was stored that was refused for its key")


@pytest.mark.clause("auth.first")
@pytest.mark.parametrize("path", [STREAM, BASE64, URL])
def test_the_key_is_judged_first(target: Target, path: str) -> None:
    """A request that is wrong altogether is refused for its key."""
    wrong = target.with_authorization("Bearer wrong")
    headers = {} if path == STREAM else {"Content-Type": "application/json"}
    refused(wrong.post(path, data=pieces(b'{"nonsense', 5), headers=headers), UNAUTHORIZED)
    refused(target.with_authorization(None).post(path), UNAUTHORIZED)
    if path != STREAM:
        refused(wrong.post(path, json={}), UNAUTHORIZED)
        bad = {"base64Data": "@@@@", "fileUrl": "@@@@", "uploadPath": "a", "fileName": "a.txt"}
        refused(wrong.post(path, json=bad), UNAUTHORIZED)
    else:
        refused(wrong.post(path, files={"file": ("a.txt", b"x")}), UNAUTHORIZED)


@pytest.mark.clause("auth.bearer", "auth.changes-nothing")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_a_large_body_needs_a_key_too(target: Target, route: str) -> None:
    """However large the body is; a server may hang up before it has come."""
    victim = Victim.of(target)
    intruder = target.with_authorization(None)
    try:
        answer = ROUTES[route](intruder, b"l" * 1_100_000, victim.fields)
    except NoAnswerError as error:
        raise NotJudgedError("it hangs up on a large body without a key") from error
    refused(answer, UNAUTHORIZED)
    victim.is_unharmed("auth.changes-nothing")


@pytest.mark.clause("auth.exact")
def test_a_key_of_other_letters_is_refused(target: Target) -> None:
    """Beyond ASCII: by the service or by a server in front of it, as a fault of the client."""
    victim = Victim.of(target)
    url, name = target.url + BASE64, "Bearer schl\u00fcssel".encode("latin-1")
    body = {"base64Data": "eA==", **victim.fields}
    answer = target.get(url, "POST", headers={"Authorization": name}, json=body)
    status = answer.status_code
    expect(400 <= status < 500, f"a key that is not ASCII is answered {status}")


@pytest.mark.clause("auth.exact")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_a_connection_remembers_no_key(target: Target, route: str) -> None:
    """On one connection, each request is judged by its own key."""
    victim = Victim.of(target)
    refused(intrude(target, route, None, victim), UNAUTHORIZED)
    accepted(as_stream(target, victim.content, victim.fields))
    refused(intrude(target, route, "Bearer undefined", victim), UNAUTHORIZED)


@pytest.mark.clause("auth.downloads-open")
@pytest.mark.parametrize("route", THREE)
def test_a_link_needs_no_key(target: Target, route: str) -> None:
    """A link alone is enough, and a wrong key does no harm."""
    fields = {"uploadPath": target.folder(), "fileName": "open.txt"}
    link = accepted(ROUTES[route](target, MINE, fields))["downloadUrl"]
    reads(target, link, MINE)
    answer = target.get(link, headers={"Authorization": "Bearer wrong"})
    expect(answer.content == MINE, f"with a wrong key a link is answered {answer.status_code}")
    status = target.get(link, "HEAD").status_code
    expect(status not in (401, 403), f"without a key HEAD of a link is answered {status}")


@pytest.mark.clause("account.apart")
def test_accounts_are_apart(target: Target) -> None:
    """The same path in another account is another file, in both directions."""
    fields = {"uploadPath": target.folder(), "fileName": "same.txt"}
    other = target.of_other_account()
    ours = accepted(as_stream(target, MINE, fields))["downloadUrl"]
    theirs = accepted(as_stream(other, b"theirs", fields))["downloadUrl"]
    reads(target, ours, MINE, "the link of one account, behind an upload of another,")
    eventually(target, theirs, b"theirs", ())
    accepted(as_stream(target, b"mine again", fields))
    reads(target, theirs, b"theirs", "the link of another account")


@pytest.mark.clause("auth.bearer", "content.byte-exact", "overwrite.latest-bytes")
@pytest.mark.parametrize("route", ["stream", "base64"])
def test_the_other_account_works_alike(target: Target, route: str) -> None:
    """What holds for one key holds for another."""
    other, first = target.of_other_account(), "gr\u00fc\u00dfe\r\n\0".encode()
    fields = {"uploadPath": target.folder(), "fileName": "\u00fc b.txt"}
    answer = ROUTES[route](other, first, fields)
    valid = answer.status_code not in (UNAUTHORIZED, 403)
    expect(valid, "the key of the other account is refused", "auth.bearer")
    with about("content.byte-exact"):
        data = accepted(answer)
    ours = accepted(as_stream(target, b"mine", {"uploadPath": target.folder()}))["uploadedAt"]
    named = data["fileName"] == fields["fileName"]
    expect(named, f"the name became {data['fileName']!r} in another account", "naming.given")
    found = target.get(data["downloadUrl"])
    keyless = found.status_code not in (401, 403)
    expect(keyless, "a link of another account needs a key", "auth.downloads-open")
    with about("content.byte-exact"):
        reads(target, data["downloadUrl"], first, "a link of another account")
    apart = abs((instant(ours) - instant(data["uploadedAt"])).total_seconds())
    expect(apart < NEAR, f"two accounts are {apart:.0f} s apart in time", "metadata.time")
    again = accepted(ROUTES[route](other, b"second", fields))["downloadUrl"]
    with about("overwrite.latest-bytes"):
        eventually(target, again, b"second", [first])
