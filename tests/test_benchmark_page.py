"""The page, the plots and the numbers of a benchmark, from a tiny load that is really measured."""

from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import results, servers
from benchmarks.bench import Bench, loading
from benchmarks.dialects import KIE, S3, Azure, Put, read_link
from benchmarks.load import RefusedError, ask, run_load, waits
from benchmarks.measure_crowd import Ask, started
from benchmarks.measures import MEASURES
from benchmarks.page import TITLES, write_page
from benchmarks.plot import plot
from benchmarks.report import Outcome, Refusal, Row, spread
from benchmarks.servers import running
from benchmarks.uploads import content
from mockkie import serve

pytestmark = pytest.mark.usefixtures("unmeasured")

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Two rounds of a moment each: what counts here is that they are real, not what they say."""
    outcome = Outcome("2026-01-05", quick=True, rounds=2, machine="a machine, 2 CPUs")
    bench = Bench("small", tmp_path_factory.mktemp("bench"), outcome)
    commands = {"memory": servers.mockkie("memory:"), "sink": servers.peer("sink")}
    with ExitStack() as stack:
        up = {name: stack.enter_context(running(command)) for name, command in commands.items()}
        attempts = {name: loading(server, 1_024, 0.1) for name, server in up.items()}
        samples = bench.interleave("1 KB upload", attempts)
    bench.beside("1 KB upload", samples, "req/s", {"memory / sink": ">= 0.0001"})
    rates = [sample.rate for sample in samples["memory"]]
    bench.compare("1 KB upload, memory / itself", (rates, rates), "req/s", ">= 3")
    bench.add(spread("small", "1 KB upload", rates, "req/s", None))
    outcome.refusals.append(Refusal("10 MB upload", "Prism", "it answered 413 <too large>"))
    bench.note("a note")
    return outcome


def test_the_page_says_when_where_and_what(measured: Outcome, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    write_page(page, {"small": measured})
    text, picture = page.read_text(), page.parent / "images" / "benchmarks-small.svg"
    assert "Measured on 2026-01-05 in 0 s, 2 rounds, the short form, on one machine: a mac" in text
    assert "Of 2 targets 1 are met." in text
    assert "| 1 KB upload, memory / itself | 1 x |  | >= 3 | **no** |" in text
    assert "](images/benchmarks-small.svg)" in text
    assert "](images/benchmarks.svg)" in text
    assert "](benchmarks.json)" in text
    assert "| 10 MB upload | Prism | it answered 413 &lt;too large> |" in text
    assert "- a note" in text
    root = ET.parse(picture).getroot()  # noqa: S314 - our own
    words = [one.text for one in root.iter(f"{SVG}text")]
    assert words.count("1 KB upload, memory") == 1
    assert {"beside sink", "beside itself", "1 x", "1.00 x"} <= set(words)
    assert "measured 2026-01-05 on a machine, 2 CPUs" in words
    looks = [one.get("class") for one in root.iter(f"{SVG}circle")]
    assert looks[:2] == ["met", "missed"]


def test_a_measure_has_a_title() -> None:
    assert TITLES.keys() == MEASURES.keys()


def test_rows_without_a_ratio_have_no_picture(measured: Outcome, tmp_path: Path) -> None:
    plain = replace(measured, rows=measured.rows[2:])
    write_page(tmp_path / "a.md", {"small": plain})
    assert "](images" not in (tmp_path / "a.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    with pytest.raises(ValueError, match="no ratio was measured"):
        plot(plain.rows, "2026-01-05", "here")


def test_numbers_that_were_kept_are_read_again(measured: Outcome, tmp_path: Path) -> None:
    kept = tmp_path / "numbers.json"
    assert results.read(kept) == {}
    results.write(kept, {"small": measured})
    assert results.read(kept) == {"small": measured}
    assert results.read(kept)["small"].rows[0].cpu == measured.rows[0].cpu
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.json"]


def test_a_second_run_keeps_what_the_first_one_found(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    for name in ("worlds", "imports"):
        words = ("--quick", "--rounds", "1", "--only", name, "--page", str(page))
        run = [sys.executable, "benchmarks/run.py", *words]
        done = subprocess.run(run, cwd=servers.ROOT, capture_output=True, text=True, check=True)
        assert f"measuring {name} ..." in done.stderr
    known = results.read(tmp_path / "benchmarks.json")
    assert set(known) == {"worlds", "imports"}
    assert all(outcome.quick and outcome.rounds == 1 for outcome in known.values())
    text = page.read_text()
    assert text.index("## Imports") < text.index("## A world for a test")
    assert "round, the short form" in text
    page.with_suffix(".json").write_text("{}")
    refused = subprocess.run(run, cwd=servers.ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "holds no numbers of this benchmark" in refused.stderr


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"measures": {"small": {"rows": []}}}'])
def test_a_file_of_others_is_not_overwritten(tmp_path: Path, text: str) -> None:
    kept = tmp_path / "numbers.json"
    kept.write_text(text)
    with pytest.raises(ValueError, match="holds no numbers of this benchmark"):
        results.read(kept)


def test_what_a_server_refuses_is_told_and_left_out(tmp_path: Path) -> None:
    bench = Bench("small", tmp_path, Outcome("2026-01-05", quick=True, rounds=1, machine=""))
    with running(servers.mockkie("memory:", "--set", "limits.fileSize=2048")) as server:
        attempts = {"small": loading(server, 1_024, 0.1), "large": loading(server, 4_096, 0.1)}
        samples = bench.interleave("an upload", attempts)
    assert list(samples) == ["small"]
    assert len(samples["small"]) == 1
    [refusal] = bench.outcome.refusals
    assert (refusal.what, refusal.peer) == ("an upload", "large")
    assert refusal.said.startswith('it answered 400 {"success":false')


@pytest.mark.parametrize("size", [0, 1, 1_024, 100_000])
def test_a_load_sends_whole_files_under_names_of_their_own(size: int) -> None:
    with serve(keys=["kie-mock-key"]) as kie:
        port = int(kie.base_url.rpartition(":")[2])
        result = run_load(port, KIE.upload(port, content(size)), 0.05, 3)
        files = list(kie.files)
        assert len(files) == min(result.requests, KIE.upload(port, content(size)).names)
        assert {kie.files[path].size for path in files} == {size}


def test_a_range_is_asked_for_and_anything_else_is_refused() -> None:
    with serve(keys=["kie-mock-key"]) as kie:
        port = int(kie.base_url.rpartition(":")[2])
        ask(port, KIE.upload(port, content(1_024)))
        link = next(iter(kie.files.values())).download_url
        assert run_load(port, read_link(link, KIE, (100, 199)), 0.05, 2).requests
        assert run_load(port, read_link(link, KIE), 0.05, 2).requests
        with pytest.raises(RefusedError, match="404"):
            run_load(port, read_link(link + "x", KIE), 0.05, 2)
        with pytest.raises(RefusedError, match="it answered 404"):
            ask(port, Put().upload(port, b"x"))


def test_every_dialect_sends_the_same_bytes_once() -> None:
    data = content(3_000)
    for dialect in (KIE, Put(), S3(), Azure()):
        request = dialect.upload(80, data)
        assert (request.before + request.behind).count(data) == 1
        assert (request.before[-100:] + request.behind).count(b"NNNNNNNN") == 0


@pytest.mark.parametrize("store", ["memory", "disk"])
@pytest.mark.parametrize("words", [(), ("serve",)])
def test_many_files_are_planted_asked_for_and_swept(
    store: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    with started("memory:" if store == "memory" else tmp_path / "data", 150, *words) as (ask, port):
        assert bool(port) == bool(words)
        assert ask_many(ask, "left", "upload 20", "left", "download 20", "list 2 10") == [150, 170]
        assert ask_many(ask, "plant 300", "left", "expire 320", "left") == [470, 150]
        if port:
            assert len(waits(port, KIE.upload(port, content(10)), 0.05)) == int(ask("left")) - 150


def ask_many(ask: Ask, *lines: str) -> list[int]:
    """What is left, each time that it is asked; the rest are times, two of them for a sweep."""
    answers = {f"{number} {line}": ask(line) for number, line in enumerate(lines)}
    assert all(float(one) >= 0 for one in " ".join(answers.values()).split() if one != "-")
    return [int(answer) for line, answer in answers.items() if line.endswith("left")]


RATIOS = st.floats(0.001, 1_000)


@given(st.lists(st.tuples(RATIOS, RATIOS, RATIOS), min_size=1, max_size=8))
def test_the_scale_is_logarithmic_and_holds_every_mark(ratios: list[tuple[float, ...]]) -> None:
    rows = []
    for number, (low, value, high) in enumerate(map(sorted, ratios)):
        rows.append(Row("x", f"load / {number}", value, low, high, "x", ">= 1.2", ""))
    root = ET.fromstring(plot(rows, "2026-01-05", "<here> & there"))  # noqa: S314 - our own
    marks = [one for one in root.iter(f"{SVG}circle") if one.get("r") == "5.5"][: len(rows)]
    places = [float(one.get("cx", 0)) for one in marks]
    assert all(200 <= place <= 680 for place in places)
    for (one, at), (other, there) in zip(
        list(zip(rows, places, strict=True))[1:], list(zip(rows, places, strict=True)), strict=False
    ):
        longer = math.log(one.value / other.value)
        assert (at - there) * longer >= -1e-6 or abs(at - there) < 0.2
