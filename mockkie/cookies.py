"""Cookies as clients send them. Knows no requests."""

from __future__ import annotations

from collections.abc import Iterable


def read_cookies(written: Iterable[str]) -> dict[str, list[str]]:
    """The values of `Cookie` headers by name, in their order (RFC 6265, 5.4)."""
    found: dict[str, list[str]] = {}
    for pair in ";".join(written).split(";"):
        name, given, value = pair.partition("=")
        if given:
            found.setdefault(name.strip(), []).append(value.strip().strip('"'))
    return found
