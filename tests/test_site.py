"""The site of docs/: all pages are in it, all links lead somewhere, nothing is from elsewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from docs.conf import STANDING_FOR, linked
from docs.pages.commands import walk
from docs.pages.made import CHANGING, FOLDER, MAKERS, made
from tests.built_site import DOCS, IN_STYLE, ROOT, Built, build, is_elsewhere, pages, target

SOURCES = sorted(DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, Built]:
    return pages(site)


def place_of(source: Path, site: Path) -> Path:
    return site / source.relative_to(DOCS).with_suffix(".html")


def test_every_page_is_in_it(site: Path, built: dict[Path, Built]) -> None:
    wanted = {place_of(source, site) for source in SOURCES} | {site / "search.html"}
    assert set(built) == wanted
    assert len(wanted) > 25


def test_every_page_is_in_the_side_bar(site: Path, built: dict[Path, Built]) -> None:
    first = site / "index.html"
    shown = {target(first, link)[0] for link in built[first].links if not is_elsewhere(link)}
    assert {place_of(source, site) for source in SOURCES} <= shown


def test_every_link_leads_somewhere(built: dict[Path, Built]) -> None:
    lost = []
    for path, page in built.items():
        for link in page.links:
            if is_elsewhere(link) or link == "#":
                continue
            file, anchor = target(path, link)
            if not file.is_file() or (anchor and anchor not in built[file].anchors):
                lost.append(f"{path.name}: {link}")
    assert lost == []


def test_nothing_is_loaded_from_elsewhere(site: Path, built: dict[Path, Built]) -> None:
    asked = [(path, name) for path, page in built.items() for name in page.loads]
    for sheet in site.rglob("*.css"):
        asked += [(sheet, a or b) for a, b in IN_STYLE.findall(sheet.read_text())]
    assert len(asked) > 100
    here = [(place, name) for place, name in asked if not is_elsewhere(name)]
    elsewhere = [name for _, name in asked if is_elsewhere(name)]
    assert [name for name in elsewhere if not name.startswith("data:")] == []
    assert [name for place, name in here if not target(place, name)[0].is_file()] == []


def test_files_beside_docs_are_on_the_site(site: Path) -> None:
    """Links out of docs/ lead to pages with all of what is there, or to the file itself."""
    for page, outside in STANDING_FOR.items():
        text = (site / f"{page}.html").read_text()
        for file in (
            [ROOT / outside] if (ROOT / outside).is_file() else (ROOT / outside).glob("*.y*")
        ):
            heads = re.findall(r"^## (.+)$|^(\w[\w-]+):", file.read_text(), re.MULTILINE)
            assert heads
            for name in (head or key for head, key in heads):
                assert name in text, (page, name)
    index = (site / "index.html").read_text()
    assert 'href="contributing.html"' in index
    assert 'href="reference/openapi.html"' in index
    assert list(site.rglob("_downloads/*/compose.yaml"))


def test_links_are_changed_outside_of_code_only() -> None:
    page = DOCS / "reference" / "new.md"
    text = (
        "[a](../../README.md#x) `[a](../../README.md)` [b](../check.md#y) [c](https://x.org/a.md)"
    )
    changed = "[a](/index.md#x) `[a](../../README.md)` [b](../check.md#y) [c](https://x.org/a.md)"
    assert linked(text, page, "reference/new") == changed
    with pytest.raises(ValueError, match="a page has to stand for"):
        linked("[tests](../../tests)", page, "reference/new")


@pytest.mark.parametrize("page", SOURCES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_what_is_made_from_the_code_is_as_the_code_is(page: Path) -> None:
    assert page.read_text() == made(page.read_text(), CHANGING), "run make docs"


def test_every_part_that_is_made_has_its_place() -> None:
    text = "".join(page.read_text() for page in FOLDER.rglob("*.md"))
    assert sorted(re.findall(r"<!-- made: (\w+) -->", text)) == sorted(MAKERS)


def test_variables_are_all_described() -> None:
    page = (DOCS / "reference" / "environment.md").read_text()
    places = [*ROOT.glob("mockkie/**/*.py"), ROOT / "action.yml", ROOT / "Dockerfile"]
    text = "".join(place.read_text() for place in places)
    known = set(re.findall(r"\b_?MOCKKIE_[A-Z]+(?:_[A-Z]+)*\b", text))
    assert len(known) > 10
    assert [name for name in sorted(known) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", ["check", "compare", "replay", "probe", "learn"])
def test_exit_codes_are_those_that_the_command_tells(name: str) -> None:
    page = (DOCS / "reference" / "environment.md").read_text()
    (row,) = re.findall(rf"^\| `mockkie {name}` \|(.+)\|$", page, re.MULTILINE)
    cells = [cell.strip() for cell in row.split("|")][:5]
    told = re.search(r"Exit codes: (.+)", dict(walk())[f"mockkie {name}"].help or "", re.DOTALL)
    assert told
    codes = {int(code) for code in re.findall(r"\b([0-4]) \w", told[1])}
    assert {code for code, cell in enumerate(cells) if cell} == codes


def test_help_has_no_marks_of_the_library() -> None:
    for name, command in walk():
        shown = command.get_help(click.Context(command, info_name=name))
        assert "\\b" not in shown, name


def test_those_who_test_have_what_the_site_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["project"]["optional-dependencies"]["docs"]) <= set(
        project["dependency-groups"]["dev"]
    )
