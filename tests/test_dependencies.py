"""What mockkie asks for: nothing that it does not use, within bounds, under licences that fit."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PathDistribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs.pages.licences import (
    COMPATIBLE,
    UNKNOWN,
    incompatible,
    licence_of,
    needed,
    required,
    spdx,
)

ROOT = Path(__file__).parent.parent
ASKED = required()
DEV = [
    Requirement(one)
    for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
]
UNBOUND = {"cryptography", "furo", "types-pyyaml", "types-requests"}
"""Without an upper bound; `pyproject.toml` says beside each why."""

LED_TO = {"uvloop"}
"""What is not imported: uvicorn does, when it is there."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "mockkie[check]": ("mockkie/harness/", "contract_tests/"),
    "mockkie[test]": ("mockkie/pytest_plugin.py",),
    "mockkie[s3]": ("mockkie/store/",),
    "mockkie[metrics]": ("mockkie/metrics.py",),
    "mockkie[otel]": ("mockkie/tracing.py",),
}
"""Where an extra may be imported; `mockkie/harness/` is the judge, which needs `check` anyway."""


ALIASES = {"multipart": {"python-multipart"}}
"""Who has a package under the name of another's, and hands on what that one has."""


def imports() -> Iterator[tuple[str, str]]:
    """`(path, distribution)` for each import of another's package."""
    owners = packages_distributions()
    paths = [*ROOT.glob("mockkie/**/*.py"), *ROOT.glob("contract_tests/*.py")]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_bytes())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names}:
                if name not in sys.stdlib_module_names and name not in {"mockkie", "opentelemetry"}:
                    (owner,) = set(owners[name]) - ALIASES.get(name, set())
                    yield path.relative_to(ROOT).as_posix(), canonicalize_name(owner)


def names(who: str) -> set[str]:
    return {canonicalize_name(one.name) for one in ASKED[who]}


def test_what_is_imported_is_asked_for() -> None:
    """By mockkie itself: what another package brings along today is gone with its next release."""
    lacking = set()
    for path, owner in imports():
        allowed = names("mockkie").union(
            *(names(extra) for extra, places in PARTS.items() if path.startswith(places))
        )
        if owner not in allowed:
            lacking.add((path, owner))
    assert lacking == set()


def test_what_is_asked_for_is_imported() -> None:
    used = {owner for _, owner in imports()}
    asked = set().union(*(names(who) for who in ASKED if who != "mockkie[docs]"))
    spaces = {name for name in asked if name.startswith("opentelemetry-")}  # one package of many
    assert spaces == names("mockkie[otel]")
    assert asked - used - spaces == LED_TO


@pytest.mark.parametrize("who", [*ASKED, "dev"])
def test_all_is_asked_for_within_bounds(who: str) -> None:
    for one in DEV if who == "dev" else ASKED[who]:
        signs = {bound.operator for bound in one.specifier}
        if canonicalize_name(one.name) in UNBOUND:
            assert signs == {">="}, one
        else:
            assert signs in ({">=", "<"}, {"=="}), one


def test_who_has_no_upper_bound_says_why() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    for name in UNBOUND - {"types-requests"}:
        said = [line for line in lines if re.match(rf'  "{name}[>=]', line, re.IGNORECASE)]
        assert said
        assert [line for line in said if "#" not in line] == []


def test_the_tests_run_with_what_users_get() -> None:
    asked = {canonicalize_name(one.name): one for group in ASKED.values() for one in group}
    ours = {canonicalize_name(one.name): one for one in DEV}
    extras = set().union(*(names(who) for who in ASKED if who != "mockkie"))
    assert extras <= set(ours)
    for name in set(asked) & set(ours):
        assert asked[name].specifier == ours[name].specifier, name


# --------------------------------------------------------------------------- licences


def test_every_licence_is_known_and_fits() -> None:
    found = needed(ASKED)
    assert len(found) > 60
    assert {one.name: one.licence for one in found.values() if incompatible(one.licence)} == {}


def test_the_page_has_all_that_is_asked_for() -> None:
    page = (ROOT / "docs" / "reference" / "licences.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", page, re.MULTILINE)
    listed = {canonicalize_name(name) for name, _ in rows}
    assert set().union(*(names(who) for who in ASKED)) <= listed, "run make docs"
    assert [row for row in rows if incompatible(row[1])] == []


@pytest.mark.parametrize(
    ("told", "licence", "wrong"),
    [
        ("License-Expression: MIT", "MIT", []),
        ("License-Expression: mit and (apache-2.0 or bsd-3-clause)", None, []),
        ("License: MIT", "MIT", []),
        ("License: Apache License 2.0", "Apache-2.0", []),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD", []),
        ("License: see the file\nClassifier: License :: OSI Approved :: MIT License", "MIT", []),
        ("License-Expression: GPL-3.0-only", "GPL-3.0-only", ["GPL-3.0-only"]),
        ("License-Expression: MIT OR AGPL-3.0-or-later", None, ["AGPL-3.0-or-later"]),
        ("License: GPLv3", UNKNOWN, [UNKNOWN]),
        (
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: GPL",
            f"MIT AND {UNKNOWN}",
            [UNKNOWN],
        ),
        ("License: ", UNKNOWN, [UNKNOWN]),
        ("Summary: says nothing", UNKNOWN, [UNKNOWN]),
    ],
)
def test_what_metadata_says(
    tmp_path: Path, told: str, licence: str | None, wrong: list[str]
) -> None:
    folder = tmp_path / "some-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: some\nVersion: 1.0\n{told}\n")
    there: Distribution = PathDistribution(folder)
    found = licence_of(there)
    assert licence is None or found == licence
    assert incompatible(found) == wrong


def test_compatible_licences_are_spelt_as_spdx_has_them() -> None:
    assert {one for one in COMPATIBLE if spdx(one) != one} == {"BSD", "Public-Domain"}
