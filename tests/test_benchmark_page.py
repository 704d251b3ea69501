"""The page and the plot of a benchmark, from a tiny load that is really measured."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import servers
from benchmarks.load import run_load
from benchmarks.page import write_page
from benchmarks.plot import plot
from benchmarks.report import Row, ratio, spread
from benchmarks.servers import running

pytestmark = pytest.mark.usefixtures("unmeasured")

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def measured() -> list[Row]:
    """Two rounds of a moment each: what counts here is that they are real, not what they say."""
    rates: dict[str, list[float]] = {"memory": [], "sink": []}
    commands = {"memory": servers.mockkie("memory:"), "sink": servers.peer("sink")}
    with ExitStack() as stack:
        up = {name: stack.enter_context(running(command)) for name, command in commands.items()}
        for _ in range(2):
            for name, server in up.items():
                rates[name].append(run_load(server.port, 0.2).rate)
    ours, theirs = rates["memory"], rates["sink"]
    return [
        ratio("small", "1 KB uploads, memory / sink", (ours, theirs), "req/s", ""),
        ratio("small", "1 KB uploads, memory / itself", (ours, ours), "req/s", ">= 3"),
        spread("small", "1 KB uploads", ours, "req/s", None),
    ]


def test_the_page_says_when_where_and_what(measured: list[Row], tmp_path: Path) -> None:
    page = tmp_path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    write_page(page, measured, ["a note"], "2026-01-05", "python benchmarks/run.py --quick")
    text, picture = page.read_text(), page.parent / "images" / "benchmarks.svg"
    assert "Made by `python benchmarks/run.py --quick` on 2026-01-05" in text
    assert "CPUs, Python 3." in text
    assert "| 1 KB uploads, memory / itself | 1 x | 1 to 1 | >= 3 | **no** |" in text
    assert "](images/benchmarks.svg)" in text
    assert "- a note" in text
    root = ET.parse(picture).getroot()  # noqa: S314 - our own
    words = [one.text for one in root.iter(f"{SVG}text")]
    assert words.count("1 KB uploads, memory") == 1
    assert {"beside sink", "beside itself", "1 x", "1.00 x"} <= set(words)
    assert any("measured 2026-01-05 on " in str(word) for word in words)
    looks = [one.get("class") for one in root.iter(f"{SVG}circle")]
    assert looks[:2] == ["free", "missed"]


def test_rows_without_a_ratio_have_no_picture(measured: list[Row], tmp_path: Path) -> None:
    write_page(tmp_path / "a.md", measured[2:], [], "2026-01-05", "x")
    assert "](" not in (tmp_path / "a.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    with pytest.raises(ValueError, match="no ratio was measured"):
        plot(measured[2:], "2026-01-05", "here")


RATIOS = st.floats(0.001, 1_000)


@given(st.lists(st.tuples(RATIOS, RATIOS, RATIOS), min_size=1, max_size=8))
def test_the_scale_is_logarithmic_and_holds_every_mark(ratios: list[tuple[float, ...]]) -> None:
    rows = []
    for number, (low, value, high) in enumerate(map(sorted, ratios)):
        rows.append(Row("x", f"load / {number}", value, low, high, "x", ">= 1.2", ""))
    root = ET.fromstring(plot(rows, "2026-01-05", "<here> & there"))  # noqa: S314 - our own
    marks = [one for one in root.iter(f"{SVG}circle") if one.get("r") == "5.5"][: len(rows)]
    places = [float(one.get("cx", 0)) for one in marks]
    assert all(300 <= place <= 700 for place in places)
    for (one, at), (other, there) in zip(
        list(zip(rows, places, strict=True))[1:], list(zip(rows, places, strict=True)), strict=False
    ):
        longer = math.log(one.value / other.value)
        assert (at - there) * longer >= -1e-6 or abs(at - there) < 0.2
