"""Which part of a page is made by whom. Knows no page.

A part stands between two comments, that nobody sees who reads the page:

    <!-- made: commands -->
    ...
    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from docs.pages import clauses, commands, guides, licences, plugins, python, schemas

FOLDER: Final = Path(__file__).parent.parent

MAKERS: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "clauses": clauses.lines,
    "commands": commands.lines,
    "variables": commands.variables,
    "fixtures": plugins.fixtures,
    "marks": plugins.marks,
    "options": plugins.options,
    "guides": guides.lines,
    "licences": licences.direct,
    "licences_below": licences.indirect,
    "python": python.lines,
    **schemas.makers(),
}
CHANGING: Final = frozenset({"licences", "licences_below"})
"""Parts that change with releases of others: as the last `make docs` found them."""

_PART: Final = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def made(page: str, but: Collection[str] = ()) -> str:
    """The text of a page with its parts as the code has them now, `but` some that stay.

    `KeyError` for a part that nobody makes.
    """

    def again(part: re.Match[str]) -> str:
        return part[0] if part[2] in but else f"{part[1]}\n{_text(part[2])}\n{part[3]}"

    return _PART.sub(again, page)


def _text(name: str) -> str:
    return "".join(f"{line}\n" for line in MAKERS[name]()).lstrip("\n")
