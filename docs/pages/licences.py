"""What is installed along with mockkie, and under which licences. Knows no page of others.

What is needed is read from `pyproject.toml`, what that needs in turn and all licences from the
metadata of what is installed here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs.pages.tables import code, table

PROJECT: Final = Path(__file__).parent.parent.parent / "pyproject.toml"
UNKNOWN: Final = "unknown"

COMPATIBLE: Final = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python"),
        *("ISC", "MIT", "MIT-0", "PSF-2.0", "Public-Domain", "Unlicense"),
        "MPL-2.0",  # it binds who changes its own files, and nobody here does
    )
)
"""Licences of libraries that a program under MIT, and a program that uses it, may import."""

_SAID: Final[Mapping[str, str]] = {
    # Its classifiers name the GPL too: of an Emacs mode that its wheel has not (its COPYING.rst).
    "docutils": "Public-Domain AND BSD-2-Clause AND BSD-3-Clause AND PSF-2.0",
}
"""Where the metadata says something else than what was looked up."""

_SPELT: Final[Mapping[str, str]] = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Public Domain": "Public-Domain",
    "The Unlicense (Unlicense)": "Unlicense",
}
"""How metadata spells licences when it does not by SPDX; `BSD` is any of those."""


@dataclass(slots=True)
class Needed:
    """A distribution by name, its licence, and who asks for it: `mockkie[s3]`, or another name."""

    name: str
    licence: str
    version: str
    direct: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


def required(project: Path = PROJECT) -> dict[str, list[Requirement]]:
    """What `mockkie`, `mockkie[check]` and so on ask for, as it is written."""
    told = tomllib.loads(project.read_text())["project"]
    groups = {"mockkie": told["dependencies"]}
    groups |= {f"mockkie[{name}]": said for name, said in told["optional-dependencies"].items()}
    return {name: [Requirement(one) for one in said] for name, said in groups.items()}


def needed(asked: Mapping[str, Sequence[Requirement]]) -> dict[str, Needed]:
    """All that is installed for what is asked for, by canonical name, in the order of names.

    What is for other systems is left out, and so is what is needed but not installed.
    """
    found: dict[str, Needed] = {}
    waiting = [(who, one, True) for who, group in asked.items() for one in group]
    seen: set[tuple[str, str]] = set()
    while waiting:
        who, asks, direct = waiting.pop(0)
        if asks.marker is not None and not asks.marker.evaluate({"extra": ""}):
            continue
        try:
            there = distribution(asks.name)
        except PackageNotFoundError:
            continue
        name = canonicalize_name(asks.name)
        one = found.setdefault(name, Needed(there.name, licence_of(there), there.version))
        asking = one.direct if direct else one.below
        if who not in asking:
            asking.append(who)
        for extra in ("", *asks.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(there.name, below, False) for below in _below(there, extra)]
    return dict(sorted(found.items()))


def _below(there: Distribution, extra: str) -> Iterator[Requirement]:
    """What a distribution asks for, `extra` being asked for, or (empty) none."""
    for written in there.requires or ():
        asks = Requirement(written)
        if asks.marker is None or asks.marker.evaluate({"extra": extra}):
            asks.marker = None
            yield asks


def licence_of(there: Distribution) -> str:
    """The licence of a distribution as SPDX writes it, or nearly; `unknown`."""
    metadata = there.metadata
    if said := _SAID.get(canonicalize_name(there.name)):
        return said
    for key in ("License-Expression", "License"):
        for written in metadata.get_all(key) or ():
            if spelt := spdx(written):
                return spelt
    classifiers = metadata.get_all("Classifier") or ()
    ends = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")]
    found = [spdx(end) or UNKNOWN for end in ends if end != "OSI Approved"]
    return " AND ".join(dict.fromkeys(found)) or UNKNOWN


def spdx(written: str) -> str:
    """The SPDX expression of a spelling; empty for one that is not known."""
    if written in _SPELT:
        return _SPELT[written]
    try:
        return canonicalize_license_expression(written)
    except InvalidLicenseExpression:
        return ""


def incompatible(licence: str) -> list[str]:
    """The licences of an expression that are not `COMPATIBLE`, behind an OR as well."""
    words = licence.replace("(", " ").replace(")", " ").split()
    return [word for word in words if word not in {"AND", "OR", "WITH"} | COMPATIBLE]


def direct() -> Iterator[str]:
    """What `pyproject.toml` asks for, by who asks."""
    rows = [
        (code(one.name), one.licence, ", ".join(map(code, one.direct)))
        for one in needed(required()).values()
        if one.direct
    ]
    yield from table(("package", "licence", "comes with"), rows)


def indirect() -> Iterator[str]:
    """What comes along because another package needs it."""
    rows = [
        (code(one.name), one.licence, ", ".join(map(code, sorted(one.below))))
        for one in needed(required()).values()
        if not one.direct
    ]
    yield from table(("package", "licence", "needed by"), rows)
