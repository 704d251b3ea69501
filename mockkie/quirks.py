"""Every setting of the document's `x-mockkie` that behaviour hangs on, with what is known. Data.

The one source for the schema of `x-mockkie`, the table of docs/quirks.md and what is said of wrong
values. Levels: documented (the vendor's pages), observed (logged live answers in public code),
assumed (ours), unknown (nobody has said or seen it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["documented", "observed", "assumed", "unknown"]

_AS_DEFAULT: Final = object()


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value can be: `right` says it in words, `schema` as JSON Schema."""

    right: str
    schema: Mapping[str, Any]
    duration: bool = False


@dataclass(frozen=True, slots=True)
class Quirk:
    """One setting. `default` is what the shipped document says, `unsaid` what holds without it.

    `whole` means that it is of the mock, no world can have it otherwise.
    """

    name: str
    kind: Kind
    default: Any
    level: Level
    does: str
    known: str
    unsaid: Any = _AS_DEFAULT
    whole: bool = False

    @property
    def fallback(self) -> Any:
        """The value where a document says nothing."""
        return self.default if self.unsaid is _AS_DEFAULT else self.unsaid


def _one_of(*words: str) -> Kind:
    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", {"enum": [*words]})


_DURATION: Final = Kind("an ISO 8601 duration such as PT24H", {"type": "string"}, duration=True)
_HEADER: Final = Kind(
    "a header's value in ASCII, or null for none",
    {"type": ["string", "null"], "pattern": r"^[\x20-\x7e]*$"},
)
_STATUS: Final = Kind(
    "an HTTP status from 400 to 599", {"type": "integer", "minimum": 400, "maximum": 599}
)
_COUNT: Final = Kind("a number from 1 on", {"type": "integer", "minimum": 1})
_NUMBER: Final = Kind("a number from 0 on", {"type": "integer", "minimum": 0})
_SIZE: Final = Kind(
    "a number of bytes, or null for any", {"type": ["integer", "null"], "minimum": 0}
)
_ORIGIN: Final = Kind(
    "request, or scheme and host such as https://tempfile.redpandaai.co",
    {"type": "string", "pattern": r"^(?:request|https?://[^\s/?#@]+)$"},
)
_ALIASES: Final = Kind(
    "origins, each served or missing",
    {
        "type": "object",
        "propertyNames": {"pattern": r"^https?://[^\s/?#@]+$"},
        "additionalProperties": {"enum": ["served", "missing"]},
    },
)
_MEMBERS: Final = Kind("a mapping of names to values", {"type": "object"})
_TEXTS: Final = Kind(
    "a list of texts", {"type": "array", "items": {"type": "string", "minLength": 1}}
)
_BODY: Final = _one_of("envelope", "empty", "html")

_DEAD: Final = "404 is claimed; some public clients handle 403 and 410"
_FORM: Final = "the download host's own form of errors is in no public answer"
_OURS: Final = "nothing; a bound of the mock"

_ALL: Final = (
    Quirk(
        *("retention", _DURATION, "P3D", "documented"),
        "how long a file lives from its upload on; files that are there keep their end",
        "three days, on some pages 24 hours since mid-2026; nobody has measured it",
    ),
    Quirk(
        *("links.origin", _ORIGIN, "request", "observed"),
        "scheme and host of download links: those of the request, or these",
        "links lead to another host than uploads; some clients refuse http, or a port",
    ),
    Quirk(
        *("links.style", _one_of("documented", "observed"), "documented", "documented"),
        "`observed`: `kieai/<account>/` stands before `filePath`, in the link too",
        "the pages have `<origin>/xxx/<filePath>`; live answers had the other (2026-02 to -09)",
    ),
    Quirk(
        *("aliases", _ALIASES, {"https://api.kie.ai": "served"}, "observed"),
        "other origins that programs take for the server's; on a missing one all routes are 404",
        "the pages print this host too; live it answered 404 on these routes (2026-08)",
        unsaid={},
        whole=True,
    ),
    Quirk(
        *("expiredLink.status", _STATUS, 404, "unknown"),
        "the answer to a link whose file has expired",
        _DEAD,
        unsaid=None,
    ),
    Quirk(
        *("expiredLink.body", _BODY, "envelope", "unknown"),
        "its body: the API's envelope, nothing, or a page as a CDN has it",
        _FORM,
    ),
    Quirk(
        *("unknownLink.status", _STATUS, 404, "unknown"),
        "the answer to a link that never was",
        _DEAD,
        unsaid=None,
    ),
    Quirk(
        *("unknownLink.body", _BODY, "envelope", "unknown"),
        "its body: the API's envelope, nothing, or a page as a CDN has it",
        _FORM,
    ),
    Quirk(
        *("errorTransport", _one_of("status", "body"), "status", "documented"),
        "`body`: refused uploads are HTTP 200, with the error inside",
        "the status equals `code`; the sister host api.kie.ai answered HTTP 200 (observed)",
    ),
    Quirk(
        *("edgeSlashes", _one_of("refuse", "trim"), "refuse", "unknown"),
        "slashes at the ends of `uploadPath`",
        "the pages ask for a path without them, and do not say what becomes of others",
    ),
    Quirk(
        *("innerSlashes", _one_of("refuse", "resolve"), "refuse", "unknown"),
        "`//`, `.` and `..` within `uploadPath`; `resolve` refuses what leads out of the root",
        "nothing",
    ),
    Quirk(
        *("urlName", _one_of("url", "random"), "url", "unknown"),
        "the name of a URL upload without `fileName`",
        "the pages contradict each other",
    ),
    Quirk(
        *("generatedName", _one_of("observed", "uuid"), "observed", "observed"),
        "`<epoch ms>-<11 characters of base36>.<ext>`, or `<uuid>.<ext>`",
        "about 40 logged names, with 9 to 12 characters",
    ),
    Quirk(
        *("emptyFile", _one_of("store", "refuse"), "store", "assumed"),
        "a file of zero bytes",
        "nothing",
    ),
    Quirk(
        *("unknownFields", _one_of("ignore", "refuse"), "ignore", "assumed"),
        "fields of an upload that the document does not name",
        "nothing",
    ),
    Quirk(
        *("extraData", _MEMBERS, {}, "documented"),
        "further members of `data` in the answer to an upload",
        "the pages have six; live answers had `success: true` beside them (2026-02 to -09)",
    ),
    Quirk(
        *("cacheControl", _HEADER, "public, max-age=86400", "observed"),
        "`Cache-Control` of downloads",
        "live answers of 2026-08",
        unsaid=None,
    ),
    Quirk(
        *("cors.uploads", _HEADER, "*", "observed"),
        "`Access-Control-Allow-Origin` of everything but downloads, preflights included",
        "logged preflights",
        unsaid=None,
    ),
    Quirk(
        *("cors.downloads", _HEADER, None, "observed"),
        "the same of downloads",
        "the download host names no origin",
    ),
    Quirk(
        *("userAgents.refuse", _TEXTS, [], "assumed"),
        "refuse every request whose `User-Agent` has one of these texts, in any case",
        "that some CDNs refuse the likes of `Python-urllib`; not that this one does",
    ),
    Quirk(
        *("userAgents.status", _STATUS, 403, "assumed"),
        "with this status, in the envelope, before the key is looked at",
        "nothing",
    ),
    Quirk(
        *("head", _one_of("serve", "refuse"), "serve", "observed"),
        "HEAD on a link; `refuse` is 405",
        "live answers of 2026-08: 200, with `cache-control`",
    ),
    Quirk(
        *("ranges", _one_of("serve", "ignore"), "serve", "unknown"),
        "`Range` on a link; `ignore` sends the whole file, and `Accept-Ranges: none`",
        "nothing",
    ),
    Quirk(
        *("etags", _one_of("send", "omit"), "send", "unknown"),
        "`ETag` of downloads; without it `If-None-Match` means nothing",
        "nothing",
    ),
    Quirk(
        *("limits.fileSize", _SIZE, None, "assumed"),
        "the most bytes of one file",
        "no enforced limit was ever logged; from 10 MB on the pages advise against base64",
    ),
    Quirk(
        *("limits.totalSize", _SIZE, None, "assumed"),
        "the most bytes of all living files of a world; an overwrite counts by what it adds",
        "nothing; no page speaks of an account's quota",
    ),
    Quirk(
        *("limits.fieldSize", _COUNT, 65_536, "assumed"),
        "the most bytes of a text field of a form",
        _OURS,
    ),
    Quirk(
        *("limits.jsonSize", _COUNT, 1_048_576, "assumed"),
        "the most bytes of JSON beside the base64 text",
        _OURS,
    ),
    Quirk(*("limits.parts", _COUNT, 64, "assumed"), "the most parts of a form", _OURS),
    Quirk(
        *("urlUpload.mode", _one_of("offline", "fetch", "deny"), "offline", "assumed"),
        "where URL uploads get their bytes: samples stand in for the web, the web, or nowhere",
        "nothing; a choice of the mock",
    ),
    Quirk(
        *("urlUpload.timeout", _DURATION, "PT30S", "documented"),
        "how long a fetch may take",
        "30 seconds",
    ),
    Quirk(
        *("urlUpload.size", _COUNT, 104_857_600, "documented"),
        "the most bytes of a fetched file",
        "100 MB are recommended at most",
    ),
    Quirk(
        *("urlUpload.redirects", _NUMBER, 5, "assumed"),
        "the most redirects that are followed",
        "nothing",
    ),
)
QUIRKS: Final[Mapping[str, Quirk]] = {quirk.name: quirk for quirk in _ALL}
"""By name: the path below `x-mockkie`, its steps joined by dots."""
TOP: Final = tuple(dict.fromkeys(name.partition(".")[0] for name in QUIRKS))
"""What stands directly below `x-mockkie`."""


def closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with these members only."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def schemas() -> dict[str, Any]:
    """The schema of each of `TOP`."""
    found: dict[str, Any] = {}
    for quirk in QUIRKS.values():
        above, _, below = quirk.name.partition(".")
        if below:
            inner = found.setdefault(above, closed({}))
            inner["properties"][below] = dict(quirk.kind.schema)
        else:
            found[above] = dict(quirk.kind.schema)
    return found
