"""How Sphinx makes the site of these pages: `make docs`. Knows nothing of what they say.

The pages are plain Markdown that GitHub shows too. What only a site needs is added while they are
read: which page stands where (`NAVIGATION`), and what stands for files outside of this folder
(`STANDING_FOR`). Nothing is loaded from elsewhere, neither here nor by whoever reads the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

import mockkie

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent

NAVIGATION: Final[Mapping[str, Sequence[str]]] = {
    "Tutorial": ["tutorial"],
    "How-to guides": [
        "Installing <install>",
        "how-to/*",
        "Writing tests <testing>",
        "Programs with hard-coded hosts <run>",
        "The dashboard <dashboard>",
        "Many mocks over one bucket <cluster>",
    ],
    "Reference": [
        "reference/cli",
        "Judging: check <check>",
        "Side by side: compare, record, replay <compare>",
        "What takes days: probe <probe>",
        "Adopting a service: learn <learn>",
        "The ledger: claims <claims>",
        "reference/environment",
        "reference/fixtures",
        "reference/python",
        "Control API <control>",
        "The contract <contract>",
        "Settings <quirks>",
        "Faults <faults>",
        "Tasks <jobs>",
        "reference/clauses",
        "reference/reports",
        "reference/*",
        "openapi.yaml <reference/openapi>",
        "jobs.yaml <reference/jobs-document>",
    ],
    "Explanation": [
        "explanation/evidence",
        "explanation/limits",
        "explanation/design",
        "explanation/*",
        "comparison",
        "The kill table <kill-table>",
        "Benchmarks <benchmarks>",
        "Reliability <reliability>",
    ],
    "Project": ["contributing", "security", "changelog"],
}
"""The side bar: pages with the names that they have there; a pattern stands for all others."""

STANDING_FOR: Final[Mapping[str, str]] = {
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "changelog": "CHANGELOG.md",
    "reference/openapi": "openapi.yaml",
    "reference/jobs-document": "jobs.yaml",
    "reference/scenarios": "mockkie/scenarios",
}
"""Pages that have a file or folder outside of `docs/` on the site, and a link to it on GitHub."""

project = "mockkie"
author = "The mockkie authors"
project_copyright = author
version = release = mockkie.__version__

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["pages"]
myst_heading_anchors = 4
smartquotes = False
nitpicky = True

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = "mockkie"
html_logo = html_favicon = "../mockkie/dashboard/assets/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0c6b5c", "color-brand-content": "#0c6b5c"},
    "dark_css_variables": {"color-brand-primary": "#62cdb6", "color-brand-content": "#62cdb6"},
}

_LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(?=[)#])")
_CODE: Final = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_NAMED: Final = re.compile(r"<(.+)>$")


def setup(app: Sphinx) -> None:
    """Have pages changed as they are read."""
    app.connect("source-read", complete)
    app.connect("env-get-outdated", always_read)


def always_read(*_: object) -> list[str]:
    """Pages with things from elsewhere: that they did not change themselves says nothing."""
    return ["index", *STANDING_FOR]


def complete(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add to a page what GitHub has no use for, and have its links lead to pages of the site."""
    del app
    page, outside = HERE / f"{docname}.md", STANDING_FOR.get(docname)
    if outside is None:
        source[0] = linked(source[0], page, docname)
    elif outside.endswith(".md"):
        source[0] = linked((ROOT / outside).read_text(), ROOT / outside, docname)
    else:
        shown = contents(ROOT / outside, page.parent)
        source[0] = linked(source[0], page, docname) + "".join(shown)
    if docname == "index":
        source[0] += "".join(toctrees())


def toctrees() -> Iterator[str]:
    """The side bar, for the first page."""
    known = {
        named[1] if (named := _NAMED.search(entry)) else entry
        for entries in NAVIGATION.values()
        for entry in entries
    }
    for caption, entries in NAVIGATION.items():
        names: list[str] = []
        for entry in entries:
            if "*" in entry:
                found = (path.relative_to(HERE).as_posix() for path in HERE.glob(f"{entry}.md"))
                names += sorted({name.removesuffix(".md") for name in found} - known)
            elif _NAMED.search(entry) or (HERE / f"{entry}.md").exists():
                names.append(entry)
        if names:
            lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```"]
            yield "\n\n" + "\n".join(lines) + "\n"


def contents(outside: Path, folder: Path) -> Iterator[str]:
    """A file, or the files of a folder, as they are; for a page in `folder`."""
    for path in sorted(outside.glob("*.yaml")) if outside.is_dir() else [outside]:
        if outside.is_dir():
            yield f"\n\n## {path.stem}\n"
        inside = relpath(path, folder)
        yield f"\n\n```{{literalinclude}} {inside}\n:language: yaml\n:linenos:\n```\n"


def linked(text: str, place: Path, docname: str) -> str:
    """The text of a page that stands at `place`, its links leading from the page `docname`."""
    pages = {(ROOT / outside).resolve(): name for name, outside in STANDING_FOR.items()}
    pages[ROOT / "README.md"] = "index"

    def leading(link: re.Match[str]) -> str:
        path = (place.parent / link[1]).resolve()
        if path in pages and (pages[path] != docname or path.is_dir()):
            return f"/{pages[path]}.md"
        if path.is_dir():
            raise ValueError(f"{place}: a page has to stand for {link[1]}: see STANDING_FOR")
        return relpath(path, (HERE / docname).parent)

    pieces: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        pieces += [_LINK.sub(leading, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, _LINK.sub(leading, text[end:])])
