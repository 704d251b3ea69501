"""Whether the head of a request can be read in one way only. Does no I/O.

Where two readers of the same bytes can differ about whom a request is for, or where it ends, one
request hides in another (request smuggling). The parser refuses most of that: two lengths, a
length beside chunks, line feeds alone, folded lines. What it lets pass is judged here, strictly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MOST_HEAD: Final = 131_072  # bytes of a request line and headers: a path alone may have 64 KiB
MOST_HEADERS: Final = 200
_VERSIONS: Final = ("1.0", "1.1")
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::([0-9]{0,5}))?", re.ASCII)
_WHOLE: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)")
_PORTS: Final = {b"http": b"80", b"https": b"443"}


def head_size(url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> int:
    """About how many bytes a head has."""
    return len(url) + sum([len(name) + len(value) for name, value in headers])


def why_refused(url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Why a head is refused; None: it can be read in one way only.

    `url` is the target of the request line, `version` as in `1.1`, names of headers in lower case.
    """
    if version not in _VERSIONS:
        return f"HTTP/{version} is not spoken here; send HTTP/1.1"
    if b"#" in url:
        return "the target of the request has a fragment; leave out what begins with #"
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and (version == "1.0" or [one.strip().lower() for one in codings] != [b"chunked"]):
        return "the one Transfer-Encoding that is understood is chunked, once, in HTTP/1.1"
    hosts = [value for name, value in headers if name == b"host"]
    return _why_no_host(version, hosts) or _why_two_hosts(url, hosts)


def _why_no_host(version: str, hosts: Sequence[bytes]) -> str | None:
    if len(hosts) > 1 or (not hosts and version != "1.0"):
        return f"the request has {len(hosts)} Host headers; send one"
    if hosts and _HOST.fullmatch(hosts[0]) is None:
        return "the Host header is no name or address, with or without a port"
    return None


def _why_two_hosts(url: bytes, hosts: Sequence[bytes]) -> str | None:
    whole = _WHOLE.match(url)
    if whole is None:
        return None
    scheme = whole[1].lower()
    if scheme not in _PORTS or not whole[2]:
        return "the target of the request is of another scheme than http and https, or of no host"
    if hosts and _normal(scheme, whole[2]) != _normal(scheme, hosts[0]):
        return "the target of the request and its Host header are of two hosts; send it for one"
    return None


def _normal(scheme: bytes, authority: bytes) -> tuple[bytes, bytes] | None:
    match = _HOST.fullmatch(authority)
    return None if match is None else (match[1].lower(), match[2] or _PORTS[scheme])
