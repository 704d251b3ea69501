"""The map for contributors: it names what there is, and the issue forms are forms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.test_architecture import LAYERS, MOST_LINES, MOST_LINES_OF_A_FUNCTION

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
CODE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_every_file_of_the_map_is_there() -> None:
    named = {word for word in CODE if re.fullmatch(r"[\w.]+(?:/[\w.]*)+|[\w.]+\.(?:md|yaml)", word)}
    assert len(named) > 60
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("HANDLERS upload_file_stream", "operations"),
        ("Mock Mock._route Mock._admit", "app"),
        ("Contract.route", "contract"),
        ("Operation.miss", "operation"),
        ("breaker_for", "breaking"),
        ("BodyReader", "body"),
        ("WAYS", "actions"),
        ("QUIRKS", "quirks"),
        ("Settings", "settings"),
        ("Store Store.keep Draft Reading", "store/__init__"),
        ("open_store", "build"),
    ],
)
def test_what_the_map_names_is_where_it_says(words: str, file: str) -> None:
    code = (ROOT / "mockkie" / f"{file}.py").read_text()
    for word in words.split():
        assert word in CODE
        name = word.rpartition(".")[2]
        assert re.search(rf"(?:\bdef |^class |^){name}\b", code, re.MULTILINE), word


def test_the_map_goes_down_as_the_layers_do() -> None:
    """Its rows name the lowest modules last; the judge's rows stand beside the others."""
    depth = {name: number for number, names in enumerate(LAYERS) for name in names}
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "mockkie/" in line]
    told = [
        [depth[name] for name in re.findall(r"`mockkie/(\w+)\.py`", row) if name in depth]
        for row in rows
    ]
    ends = [min(depths) for depths in told if depths]
    assert ends == sorted(ends)


def test_the_numbers_are_those_of_the_checks() -> None:
    told = f"files of at most {MOST_LINES} lines, functions of at most {MOST_LINES_OF_A_FUNCTION}"
    assert told in PAGE
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make ([a-z]+)", PAGE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_asks_for_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert set(form) == {"name", "description", "labels", "body"}
    assert form["body"]
    for field in form["body"]:
        assert set(field) <= {"type", "id", "attributes", "validations"}
        assert field["type"] in ("textarea", "input", "dropdown")
        assert field["attributes"]["label"]
        assert ("options" in field["attributes"]) == (field["type"] == "dropdown")
