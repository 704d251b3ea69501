"""What clients that people really use see of faults: the table in `docs/faults.md`, held to it.

`MOCKKIE_WRITE_TABLE=1` writes the table anew, from many rounds: some of it is a race of theirs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from mockkie.actions import WAYS
from mockkie.conditions import CONDITIONS
from mockkie.faults import Fault
from mockkie.server import Server
from tests.clients import CLIENTS, Client, Reply
from tests.test_faults import arm
from tests.visitors import Visitor, visiting

PAGE: Final = Path(__file__).parent.parent / "docs" / "faults.md"
NAMES: Final = ("httpx2", "requests", "aiohttp", "curl", "node")
ROUNDS: Final = 25
BEGIN, END = "<!-- seen: begin -->", "<!-- seen: end -->"
WAYS_MARKS: Final = ("<!-- ways: begin -->", "<!-- ways: end -->")
LARGE: Final = bytes(4 * 1024 * 1024)
CUT: Final[Mapping[str, Sequence[str]]] = {
    "httpx2": ("`ReadError`", "`RemoteProtocolError`", "`WriteError`"),
    "requests": ("`ConnectionError`",),
    "aiohttp": ("`ClientConnectionResetError`", "`ClientOSError`", "`ServerDisconnectedError`"),
    "curl": ("exit code 52", "exit code 55", "exit code 56"),
    "node": ("`TypeError: fetch failed`",),
}
"""What a cut connection may look like to each: it depends on who is quicker."""


@dataclass(frozen=True)
class Row:
    """A fault, and whether it is seen by an upload or a download, and asked how often.

    `race`: whether a cut is seen, and as what, depends on who is quicker.
    """

    fault: str
    download: bool = False
    times: int = 1
    race: bool = False
    content: bytes = field(default=b"0123456789" * 100, repr=False)

    @property
    def title(self) -> str:
        what = "download" if self.download else "upload"
        many = " twice" if self.times > 1 else ""
        return f"`{self.fault}` | {what}{many}"


ROWS: Final = (
    Row("status=503"),
    Row("error-in-200=500"),
    Row("malformed"),
    Row("content-type=text/html"),
    Row("without=/data/downloadUrl"),
    Row("reset=65536", content=LARGE, race=True),
    Row('{"then": {"stall": {"for": "PT0.1S"}}}', race=True),
    Row("read-rate=100000"),
    Row("early=413", content=LARGE),
    Row('{"then": {"early": {"status": 413, "close": true}}}', content=LARGE, race=True),
    Row("drop-answer", race=True),
    Row("truncate=100"),
    Row("garbage-chunk"),
    Row("latency=PT0.05S"),
    Row("quota=1", times=2),
    Row("truncate=0", download=True),
    Row("truncate=100", download=True),
    Row("reset-answer=100", download=True),
    Row("read-error=100", download=True),
    Row("dribble=10000", download=True),
    Row("wrong-length=10", download=True),
    Row("wrong-length=-10", download=True),
    Row("garbage-chunk", download=True),
    Row("close-after", download=True, times=2, race=True),
)


def seen(visitor: Visitor, client: Client, row: Row) -> str:
    """What a client sees of a fault: statuses, or its own error."""
    found = []
    for _ in range(row.times):
        try:
            found.append(_reply(visitor, client, row))
        except AssertionError as error:  # curl and node: of another process
            found.append(_foreign(str(error)))
        except Exception as error:  # noqa: BLE001 - each client has its own
            found.append(f"`{type(error).__name__}`")
    return ", ".join(found)


def _reply(visitor: Visitor, client: Client, row: Row) -> str:
    if not row.download:
        reply = visitor.post("stream", row.content, "a", "b.bin", client=client)
        return str(reply.status) + _json_note(reply)
    reply = client.fetch("GET", f"{visitor.downloads}/{visitor.account}/a/b.bin")
    size = len(reply.body)
    return str(reply.status) + ("" if size == len(row.content) else f" with {size:,} bytes")


def _json_note(reply: Reply) -> str:
    try:
        value = reply.json
    except ValueError:
        return " and no JSON"
    if reply.status == 200 and not value["success"]:
        return " and `success: false`"
    return ""


def _foreign(text: str) -> str:
    code = re.search(r"curl: \((\d+)\)", text)
    if code:
        return f"exit code {code[1]}"
    error = re.match(r"(\w+: [\w ]+)(?:: (.*))?", text.splitlines()[0])
    assert error is not None, text
    return f"`{error[1]}`"


@contextmanager
def broken(server: Server, http: Client, row: Row) -> Iterator[Visitor]:
    """A world in which the fault of a row is armed."""
    with visiting(server, http) as visitor:
        if row.download:
            visitor.upload("stream", row.content, "a", "b.bin")
        arm(visitor, Fault.of(row.fault).to_json())
        yield visitor


def between(begin: str, end: str) -> list[str]:
    """The lines of the page between two marks."""
    text = PAGE.read_text()
    return text[text.index(begin) + len(begin) : text.index(end)].strip().splitlines()


def write_between(begin: str, end: str, lines: Sequence[str]) -> None:
    text = PAGE.read_text()
    before, after = text[: text.index(begin)], text[text.index(end) :]
    PAGE.write_text("\n".join([f"{before}{begin}", *lines, after]))


def table() -> dict[str, list[str]]:
    """The cells of the page, by the first columns of their row."""
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in between(BEGIN, END)[2:]
    ]
    return {" | ".join(row[:2]).strip(): row[2:] for row in rows}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
@pytest.mark.parametrize("name", NAMES)
def test_a_client_sees_what_the_table_says(
    memory: Server, http: Client, name: str, row: Row
) -> None:
    cell = table()[row.title][NAMES.index(name)]
    client = CLIENTS[name]()
    try:
        with broken(memory, http, row) as visitor:
            assert seen(visitor, client, row) in cell.split(" or ")
            assert any(entry["shots"] for entry in visitor.journal())
    finally:
        client.close()


def test_the_table_has_the_rows_of_this_test() -> None:
    assert list(table()) == [row.title for row in ROWS]


def ways() -> list[str]:
    """What the page says of each thing that a fault can do."""
    lines = ["| `then` | the mock … | with |", "|---|---|---|"]
    for name, way in WAYS.items():
        parameters = [
            f"`{key}`: {kind.right}" + ("" if key in way.defaults else ", needed")
            for key, kind in way.parameters.items()
        ]
        about = "" if way.about == "all" else f" ({way.about} only)"
        lines.append(f"| `{name}` | {way.does}{about} | {'; '.join(parameters)} |")
    return lines


def test_the_page_tells_everything_that_a_fault_can_do() -> None:
    assert between(*WAYS_MARKS) == ways()


def test_the_page_tells_every_condition() -> None:
    text = PAGE.read_text()
    assert [name for name in CONDITIONS if f"`{name}" not in text] == []


def write_page(memory: Server, http: Client) -> None:
    lines = ["| fault | of | " + " | ".join(NAMES) + " |", "|---" * (len(NAMES) + 2) + "|"]
    for row in ROWS:
        cells = []
        for name in NAMES:
            outcomes = set()
            for _ in range(ROUNDS):
                client = CLIENTS[name]()
                with broken(memory, http, row) as visitor:
                    outcomes.add(seen(visitor, client, row))
                client.close()
            if row.race:
                outcomes |= {"200, " * (row.times - 1) + cut for cut in CUT[name]}
            cells.append(" or ".join(sorted(outcomes)))
        lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
    write_between(BEGIN, END, lines)
    write_between(*WAYS_MARKS, ways())


if "MOCKKIE_WRITE_TABLE" in os.environ:
    test_write_page = write_page
