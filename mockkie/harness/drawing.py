"""Pictures as SVG: shapes and texts in classes of one style, for the light and the dark.

Knows nothing of what is drawn. Texts are escaped by the writer of XML, never by hand.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final, Self

from mockkie.harness.report_formats import for_markup

_STYLE: Final = """
svg { color-scheme: light dark;
  font: 13px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  --sheet: #fff; --ink: #1c211f; --quiet: #5a625e; --line: #dcdcd4; --good: #1b6b34;
  --bad: #a3231f; --warn: #8a4b00; --odd: #6b3fa0; --late: #2a5c8f; --band: #e8c48a; }
@media (prefers-color-scheme: dark) { svg {
  --sheet: #1b1f1e; --ink: #e7ebe8; --quiet: #a3ada8; --line: #39413e; --good: #85d69b;
  --bad: #ff9d94; --warn: #f0bb6a; --odd: #c9a8f5; --late: #8dbcf0; --band: #7a5a24; } }
text { fill: var(--ink); } .quiet { fill: var(--quiet); font-size: 12px; }
.bold { font-weight: 650; } .head { font-size: 16px; font-weight: 650; }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.sheet { fill: var(--sheet); } .grid { stroke: var(--line); }
"""


class Drawing:
    """A picture of `width` by `height` pixels; `says` is what it shows, in words."""

    def __init__(self, width: int, height: int, title: str, says: str, style: str = "") -> None:
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width} {height}",
                "width": str(width),
                "height": str(height),
                "role": "img",
                "aria-labelledby": "title says",
            },
        )
        ET.SubElement(self._root, "title", {"id": "title"}).text = title
        ET.SubElement(self._root, "desc", {"id": "says"}).text = says
        ET.SubElement(self._root, "style").text = _STYLE + style
        self._group = self._root
        self.rect("sheet", 0, 0, width, height)

    def group(self, title: str) -> Self:
        """What is drawn from now on belongs together, and is called so where a pointer rests."""
        self._group = ET.SubElement(self._root, "g")
        ET.SubElement(self._group, "title").text = title
        return self

    def text(self, words: str, x: float, y: float, look: str = "") -> None:
        """A text whose baseline begins there, or ends there, as its class says."""
        self._add("text", look, x=x, y=y).text = words

    def line(self, look: str, x1: float, y1: float, x2: float, y2: float) -> None:
        """A line."""
        self._add("line", look, x1=x1, y1=y1, x2=x2, y2=y2)

    def rect(self, look: str, x: float, y: float, width: float, height: float) -> None:
        """A rectangle; one of no width is still seen."""
        self._add("rect", look, x=x, y=y, width=max(width, 0.5), height=height)

    def circle(self, look: str, x: float, y: float, radius: float) -> None:
        """A disc."""
        self._add("circle", look, cx=x, cy=y, r=radius)

    def path(self, look: str, moves: str) -> None:
        """A path, as SVG spells it."""
        ET.SubElement(self._group, "path", {"class": look, "d": moves})

    def diamond(self, look: str, x: float, y: float, radius: float) -> None:
        """A square on its corner."""
        r = radius
        self.path(look, f"M{x:.1f} {y - r:.1f}l{r:g} {r:g}l{-r:g} {r:g}l{-r:g} {-r:g}z")

    def cross(self, look: str, x: float, y: float, radius: float) -> None:
        """Two lines that cross."""
        r = radius
        self.path(
            look, f"M{x - r:.1f} {y - r:.1f}l{2 * r:g} {2 * r:g}m0 {-2 * r:g}l{-2 * r:g} {2 * r:g}"
        )

    def to_bytes(self) -> bytes:
        """The file."""
        ET.indent(self._root, " ")
        return (for_markup(ET.tostring(self._root, encoding="unicode")) + "\n").encode()

    def _add(self, tag: str, look: str, **numbers: float) -> ET.Element:
        known = {name: f"{number:.1f}".removesuffix(".0") for name, number in numbers.items()}
        return ET.SubElement(self._group, tag, {**({"class": look} if look else {}), **known})
