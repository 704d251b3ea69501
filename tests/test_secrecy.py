"""What is written down of a request has no key in it, wherever the client put one."""

from __future__ import annotations

import json

import pytest

from mockkie.secrecy import REDACTED, redact_header, redact_target, redact_urls
from tests.visitors import Visitor

CANARY = "canary-7f3a9c"
AMZ = "X-Amz-Signature=[redacted]&X-Amz-Credential=[redacted]"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("/a", "/a"),
        ("/a?b=c&d", "/a?b=c&d"),
        ("/a?key=1&b=2", "/a?key=[redacted]&b=2"),
        ("/a?X-Amz-Signature=1&X-Amz-Credential=2&se=3", f"/a?{AMZ}&se=3"),
        ("/a?to%6ben=1&mine=2", "/a?to%6ben=[redacted]&mine=[redacted]"),
        ("/a?sig=1&signal=2", "/a?sig=[redacted]&signal=2"),
    ],
)
def test_queries(written: str, told: str) -> None:
    assert redact_target(written, {"mine"}) == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("authorization", "Bearer x", "Bearer [redacted]"),
        ("authorization", "x", REDACTED),
        ("x-goog-api-key", "x", REDACTED),
        ("x-auth-token", "x", REDACTED),
        ("cookie", "a=b", REDACTED),
        ("mine", "Bearer x", "Bearer [redacted]"),
        ("referer", "http://me:x@a/b?c=d#e", "http://[redacted]@a/b?[redacted]#e"),
        ("accept", "*/*", "*/*"),
        ("content-type", "text/plain; charset=a", "text/plain; charset=a"),
        ("idempotency-key", "7", "7"),
    ],
)
def test_headers(name: str, value: str, told: str) -> None:
    assert redact_header(name, value, {"mine"}) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("is it so? me@a.b", "is it so? me@a.b"),
        ('at "https://a/b?c=d" and http://e', 'at "https://a/b?[redacted]" and http://e'),
        ("HTTPS://u:p@a:1/b?c#d", "HTTPS://[redacted]@a:1/b?[redacted]#d"),
        ("https://u@v@w/", "https://[redacted]@w/"),
        ("//u:p@w/?a", "//[redacted]@w/?[redacted]"),
    ],
)
def test_addresses_in_a_text(text: str, told: str) -> None:
    assert redact_urls(text) == told


def test_no_canary_sings(guest: Visitor) -> None:
    """Keys where no key belongs: the journal has none, nor has any answer."""
    url = f"{guest.origin}/api/file-url-upload"
    kind = {"Content-Type": "application/json"}
    answers = [
        guest.ask("GET", f"{guest.origin}/a?token={CANARY}&key={CANARY}"),
        guest.ask("GET", f"{guest.origin}/a", X_Auth_Token=CANARY, Api_Key=CANARY, Token=CANARY),
        guest.ask("GET", f"{guest.origin}/a", Referer=f"http://a/?b={CANARY}"),
    ]
    origin = f"{guest.origin}/__mockkie/origin/redirect-to?url=https%3A%2F%2Fu%3A{CANARY}%40a.test"
    for source in (
        f"https://a.test/b.png?X-Amz-Signature={CANARY}",
        f"https://me:{CANARY}@a.test/b.png",
        f"https://10.0.0.1/b.png?se={CANARY}",
        f"ftp://me:{CANARY}@a.test/",
        origin,
    ):
        body = json.dumps({"fileUrl": source, "uploadPath": "a", "fileName": "b.png"}).encode()
        headers = {**guest.auth, **kind}
        answers.append(guest.client.fetch("POST", url, headers=headers, body=body))
    assert CANARY not in json.dumps(guest.journal())
    for answer in answers:
        assert CANARY not in str(answer.headers)
        assert CANARY not in str(answer.json)
