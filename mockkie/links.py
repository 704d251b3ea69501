"""Download links: how they are made, and whose file one names. Knows nothing of stores.

Documented: `filePath` is `<uploadPath>/<fileName>`, the link `<origin>/xxx/<filePath>`.
Observed: `filePath` is `kieai/<account>/<uploadPath>/<fileName>`, the link `<origin>/<filePath>`.
Both are read back whatever the style is, so that links outlive a change of the setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from mockkie.contract import decode_path
from mockkie.hosts import is_ipv6
from mockkie.settings import Settings
from mockkie.worlds import World

_OBSERVED: Final = "kieai"
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_SAFE: Final = re.compile(r"[\w.~/-]*", re.ASCII)
_LAST_PORT: Final = 65_535
_PORTS: Final = {"http": 80, "https": 443}


def file_path(settings: Settings, world: World, path: str) -> str:
    """The `filePath` of a file in the style of the settings."""
    return before_path(settings, world)[0] + path


def link_path(settings: Settings, world: World, path: str) -> str:
    """The path of a file's link, percent-encoded, with its leading slash."""
    return "/" + encoded(before_path(settings, world)[1] + path)


def before_path(settings: Settings, world: World) -> tuple[str, str]:
    """What stands before `<uploadPath>/<fileName>`: in a `filePath`, and in a link behind `/`."""
    if settings.link_style == "observed":
        before = f"{_OBSERVED}/{world.account}/"
        return before, before
    return "", f"{world.account}/"


def encoded(path: str) -> str:
    """A path as a link has it, percent-encoded."""
    return path if _SAFE.fullmatch(path) else quote(path, safe="/")


def parse_link(link: str) -> tuple[str, str] | None:
    """`(account, path)` of a decoded link without its leading slash; None when it is no link."""
    account, _, path = link.removeprefix(f"{_OBSERVED}/").partition("/")
    return (account, path) if account and path else None


def request_origin(scope: Scope, headers: Headers) -> str:
    """Scheme and host as the client sees them: also behind a proxy or a mapped port."""
    host, scheme = headers.get("host", ""), str(scope.get("scheme", "http"))
    if "x-forwarded-host" in headers:
        host = headers["x-forwarded-host"].partition(",")[0].strip() or host
    if "x-forwarded-proto" in headers:
        forwarded = headers["x-forwarded-proto"].partition(",")[0].strip().lower()
        scheme = forwarded if forwarded in _PORTS else scheme
    if not _is_host(host):
        name, port = scope.get("server") or ("localhost", None)
        host = f"[{name}]" if ":" in name else name
        host += f":{port}" if port else ""
    return f"{scheme}://{host}"


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    """Whether a link can carry it: a name or an address, and perhaps a port."""
    match = _HOST.fullmatch(text)
    if match is None or int(match[2] or 0) > _LAST_PORT:
        return False
    return match[1] is None or is_ipv6(match[1])


def link_origin(
    settings: Settings, download_port: int | None, scope: Scope, headers: Headers
) -> str:
    """Scheme and host of the links that a request is answered with.

    Who hands a request on that came for another host says where its links lead (`state` of ASGI).
    """
    if settings.origin is not None:
        return settings.origin
    told: str | None = scope.get("state", {}).get("download_origin")
    if told is not None:
        return told
    origin = request_origin(scope, headers)
    return origin if download_port is None else with_port(origin, download_port)


def with_port(origin: str, port: int) -> str:
    """The origin with another port, left out where it is the scheme's own."""
    parts = urlsplit(origin)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if _PORTS.get(parts.scheme) == port else f":{port}")


def link_in(url: str, origins: Iterable[str]) -> str | None:
    """The decoded path, without leading slash, of a URL on one of our origins; None elsewhere."""
    ours = _normal_origin(url)
    if ours is None or ours not in map(_normal_origin, origins):
        return None
    return path_in(url)


def path_in(url: str) -> str | None:
    """The decoded path, without leading slash, of a URL; None when it has none to speak of."""
    try:
        path = decode_path(quote(urlsplit(url).path, safe="/%").encode())
    except ValueError:
        return None
    return None if path is None else path.removeprefix("/")


def _normal_origin(url: str) -> str | None:
    """Scheme, host and port of a URL, spelled in the one way; None when it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return with_port(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", port)
