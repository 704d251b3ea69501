"""The control key: who has it may ask below `/__mockkie`. Knows no calls and no worlds.

A mock that other machines reach has one; a mock of this machine only may have one. Programs send it
in a header. A browser is given a cookie for it, of which the key cannot be told.
"""

from __future__ import annotations

import hmac
from html import escape
from typing import Final
from urllib.parse import parse_qs

from blake3 import blake3
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mockkie.control import PREFIX
from mockkie.cookies import read_cookies
from mockkie.jsonapi import Refused
from mockkie.problems import UsageError
from mockkie.secrecy import CONTROL_HEADER, can_be_key

COOKIE: Final = "mockkie-control"
ENTER: Final = f"{PREFIX}/enter"
SHORTEST: Final = 16  # characters of a control key
_LONGEST: Final = 1_000
_MOST: Final = 4_096  # bytes of the form
_CONTEXT: Final = "mockkie 2026-11-28 the cookie of a control key"
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>mockkie</title></head>
<body>
<h1>This mock has a control key</h1>
<p role="alert">{told}</p>
<form method="post" action="{action}">
<label>Control key <input type="password" name="key" autocomplete="off" autofocus required></label>
<button>Enter</button>
</form>
</body>
</html>
"""


class NoControlKey(Refused):
    """Who asked has not the key."""


def check_control_key(key: str | None) -> None:
    """`UsageError` for one that is easily guessed, or that no header can carry."""
    if key is None:
        return
    if key and (not can_be_key(key) or len(key) > _LONGEST):
        raise UsageError("--control-key: a key is printable ASCII without spaces")
    if len(key) < SHORTEST:
        raise UsageError(
            f"--control-key: say at least {SHORTEST} characters, such as `openssl rand -hex 16` "
            "makes: other machines may try as often as they want"
        )


def judge_control_key(headers: Headers, key: str) -> None:
    """Refuse who has not the key, neither in the header nor as the cookie of a browser."""
    given = headers.get(CONTROL_HEADER, "")
    if _same(given, key):
        return
    cookies = read_cookies(headers.getlist("cookie")).get(COOKIE, [])
    if any(_same(cookie, _cookie_for(key)) for cookie in cookies):
        return
    wrong = "the control key is another one" if given else "this mock has a control key"
    raise NoControlKey(
        403, f"{wrong}: send it in {CONTROL_HEADER} (mockkie's commands: MOCKKIE_CONTROL_KEY)"
    )


def asking_page(told: str = "It was named when the mock was started.") -> Response:
    """What a browser without the key sees in place of a page of the dashboard."""
    page = _PAGE.format(told=escape(told), action=ENTER)
    return Response(page, 403, dict(_HEADERS), "text/html; charset=utf-8")


async def enter(request: Request, key: str) -> Response:
    """Let a browser in that sends the key in the form of `asking_page`."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST:
            return asking_page("That was too long to be the key.")
    given = parse_qs(content.decode("latin-1"), encoding="utf-8").get("key", [""])[-1].strip()
    if not _same(given, key):
        return asking_page("That is not the key.")
    response = RedirectResponse(f"{PREFIX}/", 303, {"cache-control": "no-store"})
    response.set_cookie(
        COOKIE,
        _cookie_for(key),
        path=PREFIX,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def _cookie_for(key: str) -> str:
    """The same from every process of a mock; cookies go to other ports of a host as well."""
    return blake3(key.encode(), derive_key_context=_CONTEXT).hexdigest()


def _same(given: str, key: str) -> bool:
    """Compared in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode(), key.encode())
