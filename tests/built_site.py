"""The site of docs/, built once for a file of tests, and what its pages say of each other."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
_LOADING = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "use": ("href",),
    "form": ("action",),
}
_HINTS = {"author", "index", "search", "next", "prev", "canonical"}
"""What a <link> names for readers; a browser loads none of these."""
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


@dataclass
class Built(HTMLParser):
    """A page of the site: where it leads, what it loads, and the anchors that it has."""

    path: Path
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if not (tag == "link" and found.get("rel") in _HINTS):
            self.loads += [found[name] for name in _LOADING.get(tag, ()) if found.get(name)]
        self.loads += [name for pair in IN_STYLE.findall(found.get("style", "")) for name in pair]


def build(folder: Path) -> Path:
    """Build the site as `make docs` does, warnings being errors; where it is."""
    makefile = (ROOT / "Makefile").read_text()
    (command,) = re.findall(r"-m (sphinx .*) docs build/docs\n", makefile)
    places = ("docs", str(folder / "site"), "--doctree-dir", str(folder / "doctrees"))
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def pages(site: Path) -> dict[Path, Built]:
    """The pages of a site by their place."""
    return {path: Built(path) for path in sorted(site.rglob("*.html"))}


def target(page: Path, link: str) -> tuple[Path, str]:
    """The file and the anchor that a link of a page leads to."""
    parts = urlsplit(urljoin(page.as_uri(), link))
    return Path(unquote(parts.path)), unquote(parts.fragment)


def is_elsewhere(link: str) -> bool:
    """Whether a link names a host, or is no link to a file at all."""
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme not in ("", "file")
