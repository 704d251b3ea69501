"""What a URL and the headers beside it say. Follows none of them: no input or output.

The texts are assumed, like everything about how the API refuses a URL; that it takes `http` and
`https` is documented.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote, urlsplit

from mockkie.problems import Problem
from mockkie.secrecy import redact_urls

LONGEST: Final = 8_192  # characters of a URL; assumed, the contract says the same
SHOWN: Final = 160  # characters of a URL that a message repeats

_URL = re.compile(r"(?i:https?)://(?P<authority>[^/?#]*).*", re.DOTALL)
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\x00-\x2c\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]*)"
    r"(?::(?P<port>[0-9]{0,5}))?"
)
_MIME = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
# `multipart` has a parser of such headers, but for forms, which know no `filename*` (RFC 6266).
_OPTION = re.compile(r';\s*(?P<name>[^\s=;"]+)\s*=\s*(?P<value>"(?:\\.|[^"\\])*"|[^;]*)')
_EXTENDED = re.compile(r"(?P<charset>[\w-]+)'[\w-]*'(?P<text>.*)", re.ASCII)


def not_fetched(why: str) -> Problem:
    """The refusal of a URL that could be fetched in principle."""
    return Problem("url-not-fetched", why, parameter="fileUrl")


def checked(url: str) -> str:
    """The URL in its normal form (ASCII, lower-case host, no fragment, no default port).

    Raises `Problem("invalid-parameter")` for one that cannot be fetched by anybody.
    """
    try:
        return _normal(url)
    except ValueError as error:
        why = f"fileUrl {error}; it has to be like https://example.com/cat.png"
        raise Problem("invalid-parameter", why, parameter="fileUrl") from None


def joined(base: str, location: str) -> str:
    """Where a redirect leads, in normal form; `Problem("url-not-fetched")` when nowhere."""
    from httpx2 import URL, InvalidURL  # noqa: PLC0415 - slow to import, and most runs fetch nothing

    try:
        target = str(URL(base).join(location.strip().replace(" ", "%20")))
    except (InvalidURL, ValueError):
        target = location
    try:
        return _normal(target)
    except ValueError as error:
        why = (
            f"{shown(base)} redirects to {shown(location)!a}, which is not followed: it {error}. "
            "Redirects are followed from http or https to http or https only"
        )
        raise not_fetched(why) from None


def host_of(url: str) -> str:
    """The host of a URL in normal form, an IPv6 address without its brackets."""
    return urlsplit(url).hostname or ""


def shown(url: str) -> str:
    """A URL as a message repeats it: not for ever, and without what it may be signed with."""
    url = redact_urls(url)
    return url if len(url) <= SHOWN else f"{url[:SHOWN]}..."


def mime_of(content_type: str | None) -> str | None:
    """`image/png` of `Image/PNG; q=1`; None for a header that is missing or says no type."""
    mime = (content_type or "").partition(";")[0].strip().lower()
    return mime if _MIME.fullmatch(mime) else None


def file_name(disposition: str | None, url: str) -> str | None:
    """The name a download is offered under: `filename*`, `filename`, the end of the URL's path.

    Only a last path segment, never a path; None when nobody names the file.
    """
    offered = [*_offered(disposition or ""), unquote(urlsplit(url).path)]
    return next(filter(None, map(_last_segment, offered)), None)


def _offered(disposition: str) -> tuple[str, str]:
    options: dict[str, str] = {}
    for option in _OPTION.finditer(disposition):
        value = option["value"].strip()
        if value.startswith('"'):
            value = re.sub(r'\\(["\\])', r"\1", value[1:].removesuffix('"'))
        options.setdefault(option["name"].lower(), value)
    return _extended(options.get("filename*", "")), options.get("filename", "")


def _extended(value: str) -> str:
    """The text of `UTF-8''na%C3%AFve.png` (RFC 8187); empty when it is not of that form."""
    match = _EXTENDED.fullmatch(value)
    if match is None:
        return ""
    try:
        return unquote(match["text"], match["charset"], "strict")
    except (LookupError, UnicodeError):
        return ""


def _last_segment(path: str) -> str:
    name = path.replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in name if unicodedata.category(char) not in {"Cc", "Cs"}).strip()
    return "" if name in {".", ".."} else name


def _normal(url: str) -> str:
    """See `checked`; `ValueError` with the end of a sentence that begins with the URL."""
    from httpx2 import URL, InvalidURL  # noqa: PLC0415 - slow to import, and most runs fetch nothing

    if len(url) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in url):
        raise ValueError("contains a control character or half a character")
    if any(char == "\\" or unicodedata.category(char)[0] == "Z" for char in url):
        raise ValueError("contains a space or a backslash: percent-encode it")
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("is not an absolute URL with http or https")
    _check_authority(match["authority"])
    try:
        normal = URL(url).copy_with(fragment=None)
        _check_host(normal.raw_host.decode("ascii"))
    except (InvalidURL, ValueError) as error:
        raise ValueError(f"is not a valid URL ({shown(str(error))!a})") from None
    return str(normal)


def _check_authority(authority: str) -> None:
    if "@" in authority:
        raise ValueError("carries a user name or a password")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError("names no valid host and port")
    if not match["host"]:
        raise ValueError("names no host")
    if match["port"] and not 1 <= int(match["port"]) <= 65_535:  # noqa: PLR2004 - 16 bits
        raise ValueError("names a port outside 1 to 65535")


def _check_host(host: str) -> None:
    """`ValueError` for a name that no resolver can take (RFC 1035, RFC 5891)."""
    import idna  # noqa: PLC0415 - its tables are large

    if ":" in host:
        return
    labels = host.removesuffix(".").split(".")
    if len(host) > 254 or not all(1 <= len(label) <= 63 for label in labels):  # noqa: PLR2004 - RFC 1035
        raise ValueError("a host has labels of 1 to 63 characters, together up to 253")
    for label in labels:
        if label.startswith("xn--"):
            idna.ulabel(label)
