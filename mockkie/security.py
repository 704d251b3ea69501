"""Who may ask: the security schemes of the document. Knows nothing of keys or requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockkie.document import Document
from mockkie.source import Pointer


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where a key is found in a request: `bearer` in Authorization, or `apiKey` by name."""

    kind: str
    where: str
    name: str


def security_schemes(document: Document) -> dict[str, Scheme]:
    """The schemes by name; one that mockkie cannot ask for is refused, used or not."""
    found = {}
    for name, pointer in document.items(("components", "securitySchemes")):
        value = document.at(pointer)
        kind, where = value.get("type"), value.get("in")
        if kind == "http" and str(value.get("scheme")).lower() == "bearer":
            found[name] = Scheme("bearer", "header", "authorization")
        elif kind == "apiKey" and where in ("header", "query", "cookie") and value.get("name"):
            found[name] = Scheme("apiKey", where, value["name"])
        else:
            document.fail(
                pointer,
                "security of type http with scheme bearer is understood, "
                "and apiKey with a name in header, query or cookie",
            )
    return found


def requirements(
    document: Document, schemes: Mapping[str, Scheme], operation: Pointer
) -> Sequence[Sequence[Scheme]]:
    """The alternatives of an operation, each a list of schemes that must all be met."""
    owner = operation if "security" in document.at(operation) else ()
    written = document.at(owner).get("security", [])
    for index, one in enumerate(written):
        where = (*owner, "security", str(index))
        if not isinstance(one, dict):
            document.fail(where, "a mapping is expected here: `- bearer: []`")
        for name in one:
            if name not in schemes:
                document.fail(where, f"no security scheme is named {name!r}")
    return [[schemes[name] for name in one] for one in written]
