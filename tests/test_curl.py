"""Requests as shell lines: no key is in them, and they say to a shell what was sent."""

from __future__ import annotations

import subprocess

import pytest
import requests

from mockkie.harness.curl import curl_lines
from mockkie.harness.sending import AUTHS
from mockkie.harness.session import Exchange

KEY = 'Secret"$key`of\\somebody'
OTHER = "another-secret"


def shell(line: str) -> list[str]:
    """The words that a shell makes of a line, for people who have set their keys."""
    environment = {"KIE_API_KEY": KEY, "KIE_OTHER_API_KEY": OTHER, "PATH": "/usr/bin:/bin"}
    script = f"curl() {{ printf '%s\\n' \"$@\"; }}; {line}"
    done = subprocess.run(
        ["/bin/bash", "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()


def line_of(header: str) -> str:
    request = requests.Request("GET", "http://127.0.0.1/a", headers={"Authorization": header})
    (line,) = curl_lines([Exchange(request.prepare(), 401)], KEY, OTHER)
    return line


@pytest.mark.parametrize("kind", [kind for kind in AUTHS if kind != "none"])
def test_no_kind_of_key_shows_the_key(kind: str) -> None:
    header = AUTHS[kind](KEY)
    assert header is not None
    line = line_of(header)
    assert KEY[:6] not in line
    assert KEY.swapcase()[:6] not in line
    assert f"Authorization: {header}".rstrip() in [word.rstrip() for word in shell(line)]


@pytest.mark.parametrize(
    "header", [f"Bearer {OTHER}", f"Bearer {KEY},Bearer {KEY}", f"Bearer {KEY},Bearer {OTHER}x"]
)
def test_keys_of_two_accounts_are_hidden(header: str) -> None:
    line = line_of(header)
    assert OTHER not in line
    assert KEY not in line
    assert f"Authorization: {header}" in shell(line)
