"""The document as the harness reads it: plain YAML, with its own eyes. Knows no target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from mockkie.clock import SECOND, parse_duration
from mockkie.harness.verdicts import Clause, Level
from mockkie.problems import UsageError

_NAME: Final = "openapi.yaml"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # much faster, where it is


def document_path() -> Path:
    """The document that comes with mockkie: in the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    inside = package / _NAME
    return inside if inside.exists() else package.parent / _NAME


@cache
def read_document() -> dict[str, Any]:
    """The values of the document."""
    value: dict[str, Any] = yaml.load(
        document_path().read_bytes(),
        Loader=_LOADER,  # noqa: S506 - one of two safe ones
    )
    return value


@cache
def life() -> float:
    """How long a file lives, in seconds, by the document."""
    return parse_duration(read_document()["x-mockkie"].get("retention", "P3D")) / SECOND


def clauses(document: Mapping[str, Any] | None = None) -> list[Clause]:
    """Every sentence of the contract, in the order of the document."""
    claims = (document or read_document())["x-mockkie"]["claims"]
    return [
        Clause(name, Level(claim["level"]), claim["says"], claim["source"])
        for name, claim in claims.items()
    ]


def suite_folder() -> Path:
    """Where the suite is: in the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "contract_tests", package.parent / "contract_tests"):
        if (folder / "conftest.py").exists():
            return folder
    raise UsageError("the contract suite is not installed; install mockkie again, from its wheel")
