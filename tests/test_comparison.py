"""The page that compares: dated, every tool with a link, every trial with a version."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import pytest

from mockkie.cli import main
from tests.installed import ROOT

PAGE: Final = (ROOT / "docs" / "comparison.md").read_text()
LINKS: Final = re.findall(r"\[([^\]]+)\]\((https?://[^)]+)\)", PAGE)
TOOLS: Final = (
    *("respx", "responses", "requests-mock", "MSW", "nock", "VCR.py", "Polly.JS", "Prism"),
    *("WireMock", "MockServer", "Mockoon", "Microcks", "moto", "Azurite", "fake-gcs-server"),
    *("S3Mock", "s3rver", "Schemathesis", "Pact", "Dredd", "Portman", "Specmatic"),
)
TRIED: Final = ("VCR.py", "Prism", "moto", "s3rver", "Azurite", "Dredd", "Specmatic", "Portman")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_has_a_link_to_its_own_page(tool: str) -> None:
    assert [url for name, url in LINKS if name == tool]


@pytest.mark.parametrize("tool", TRIED)
def test_a_trial_names_the_version(tool: str) -> None:
    near = re.search(rf"{re.escape(tool)}[^|#]{{0,200}}?\b\d+\.\d+", PAGE, re.DOTALL)
    assert near


def test_it_is_dated_and_leads_elsewhere_by_https_only() -> None:
    assert re.search(r"^Written in \w+ 20\d\d", PAGE, re.MULTILINE)
    assert len(LINKS) > 30
    assert [url for _, url in LINKS if not url.startswith("https://")] == []


def test_each_kind_is_told_what_it_is_better_at() -> None:
    kinds = re.split(r"^## ", PAGE, flags=re.MULTILINE)[2:-1]
    for kind in kinds:
        assert "**Better at:**" in kind
        assert re.search(r"\*\*Take (one|it) instead\*\*", kind)
        assert re.search(r"\*\*What is missing", kind)


def test_the_judge_is_the_version_that_comes_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pinned,) = (
        one for one in project["optional-dependencies"]["check"] if one.startswith("schemathesis")
    )
    assert f"Schemathesis {pinned.rpartition('==')[2]}" in PAGE


def test_its_commands_are_there() -> None:
    named = set(re.findall(r"`mockkie (\w+)", PAGE))
    assert {"check", "record"} <= named <= set(main.commands)
