"""A report says the same in every form, and no text in it becomes a command, a tag or a colour."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from mockkie.harness.report import (
    check_report_path,
    github_annotations,
    print_report,
    sentence,
    write_report,
)
from mockkie.harness.verdicts import Clause, Finding, Layer, Level, Report, Verdict
from mockkie.problems import UsageError

D, O, A = Level.DOCUMENTED, Level.OBSERVED, Level.ASSUMED  # noqa: E741 - as short as the table
UPHELD, VIOLATED, OPEN, LATER = Verdict
CURL = (
    """curl -i -X PUT -H "Authorization: Bearer $KIE_API_KEY" """
    """--data-binary '{"uploadPath": "a [bold]b[/bold] :smile:\tc"}' """
    "https://kieai.redpandaai.co/api/file-base64-upload  # 200"
)
TEXTS = st.text(st.characters(), max_size=40)
PLAIN = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=200)


def report_of(*rows: tuple[Level, Verdict, str, Sequence[str]]) -> Report:
    clauses = [
        Clause(f"group.c{number}", row[0], f"Sentence {number}.", "vendor pages")
        for number, row in enumerate(rows)
    ]
    found = [
        (clause.id, Finding("test_it", verdict, why, lines, 0.25))
        for clause, (_, verdict, why, lines) in zip(clauses, rows, strict=True)
    ]
    facts: dict[str, Any] = {"target": "https://a.test", "profile": "quick", "seed": 7}
    return Report.of(clauses, found, **facts, requests=1234, seconds=2.5)


def brief(*pairs: tuple[Level, Verdict]) -> Report:
    return report_of(*((level, verdict, "", ()) for level, verdict in pairs))


MIXED = report_of(
    (D, VIOLATED, "got 200, not {401}", [CURL, "curl second"]),
    (O, VIOLATED, "was seen otherwise", ["curl observed"]),
    (A, VIOLATED, "we chose otherwise", ["curl assumed"]),
    (D, UPHELD, "", ()),
    (D, OPEN, "no second key is set", ()),
    (D, LATER, "plant a probe", ()),
)


def written(report: Report, suffix: str) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"report{suffix}"
        write_report(report, path)
        assert [below.name for below in Path(folder).iterdir()] == [path.name]
        return path.read_bytes().decode()


def printed(report: Report, **options: Any) -> str:
    file = io.StringIO()
    print_report(report, Console(file=file, **options))
    return file.getvalue()


def escaped(text: str, *, keep: str = "\t\n\r") -> str:
    """As markup shows it: what XML does not have is its escape sequence."""
    return "".join(
        letter.encode("unicode_escape").decode()
        if (
            letter not in keep
            and (letter < " " or "\x7f" <= letter < "\xa0" or "\ud800" <= letter < "\ue000")
        )
        or letter in "\ufffe\uffff"
        else letter
        for letter in text
    )


# ------------------------------------------------------------------------------------- files


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_json_keeps_every_text(why: str, lines: list[str]) -> None:
    clause = json.loads(written(report_of((D, VIOLATED, why, lines)), ".json"))["clauses"][0]

    def kept(text: str) -> str:
        return text.encode("utf-8", "backslashreplace").decode()

    assert clause["why"] == kept(why)
    assert clause["reproduce"] == [kept(line) for line in lines]


@given(TEXTS.filter(bool), st.lists(TEXTS, min_size=1, max_size=3))
def test_xml_keeps_every_text(why: str, lines: list[str]) -> None:
    root = ET.fromstring(written(report_of((D, VIOLATED, why, lines)), ".xml").encode())  # noqa: S314 - our own
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == escaped(why)
    assert (failure.text or "") == escaped("\n".join(lines))


def test_junit_has_a_case_for_each_clause() -> None:
    suite = ET.fromstring(written(MIXED, ".xml").encode())[0]  # noqa: S314 - our own
    totals = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "6", "failures": "1", "errors": "0", "skipped": "2"}
    cases = suite.findall("testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases][:2] == [
        ("group", "group.c0"),
        ("group", "group.c1"),
    ]
    assert [below.get("type") for case in cases for below in case.findall("failure")] == [
        "documented"
    ]
    told = [
        str(below.text).partition(",")[0] for case in cases for below in case.findall("system-out")
    ]
    assert told == ["observed", "assumed"]
    assert [below.get("message") for case in cases for below in case.findall("skipped")] == [
        "not judged: no second key is set",
        "deferred: plant a probe",
    ]


def test_sarif_has_a_rule_for_each_clause_and_a_result_for_each_violation() -> None:
    log = json.loads(written(MIXED, ".sarif"))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == [f"group.c{number}" for number in range(6)]
    assert [found["level"] for found in run["results"]] == ["error", "warning", "note"]
    for found in run["results"]:
        assert rules[found["ruleIndex"]]["id"] == found["ruleId"]
        assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert run["results"][0]["message"]["text"] == "got 200, not {{401}}"
    assert run["results"][0]["properties"]["reproduce"] == [CURL, "curl second"]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]


class Reader(HTMLParser):
    """Takes down the tags of a page and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


HOSTILE = (
    "",
    "<script>alert(1)</script>",
    "</code></pre><img src=x>",
    '" onclick="alert(1)',
    "{{ 7 * 7 }}</style></script>",
)


@settings(deadline=None)  # a page is made and read in each
@given(st.sampled_from(HOSTILE), TEXTS.filter(bool), TEXTS.filter(bool), TEXTS.filter(bool))
def test_no_text_becomes_a_tag(before: str, why: str, line: str, answer: str) -> None:
    page = Reader(written(shown(before + why, before + line, before + answer), ".html"))
    assert page.tags == usual_tags()
    text = "".join(page.texts).replace("\r", "\n")
    for one in (why, line, answer):
        assert escaped(before + one).replace("\r", "\n") in text


@cache
def usual_tags() -> list[tuple[str, tuple[str, ...]]]:
    return Reader(written(shown("w", "l", "a"), ".html")).tags


def shown(why: str, line: str, answer: str) -> Report:
    clause = Clause("group.c0", D, "Sentence.", "vendor pages")
    finding = Finding("test_it", VIOLATED, why, [line], 0.25, "test_it.py:1", [answer])
    facts: dict[str, Any] = {"target": "https://a.test", "profile": "quick", "seed": 7}
    return Report.of([clause], [(clause.id, finding)], **facts, requests=1, seconds=2.5)


def test_the_page_says_it_in_words_and_loads_nothing() -> None:
    text = written(MIXED, ".html")
    page = Reader(text)
    words = " ".join("".join(page.texts).split())
    assert not {"img", "iframe", "base", "object"} & {tag for tag, _ in page.tags}
    assert not {"src", "srcset", "action", "style"} & {
        name for _, names in page.tags for name in names
    }
    assert "//" not in re.sub(r"https://(a\.test|kieai\.redpandaai\.co)", "", text)
    assert "url(" not in text
    outcome, _, rest = sentence(MIXED).partition(": ")
    for told in (outcome, rest, "Exit code 1", "1,234", "violated (warning)", "250 ms"):
        assert told in words
    for told in ("differs from our assumption", "not judged", "deferred", "Sentence 0."):
        assert told in words
    assert CURL in "".join(page.texts)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("verdict", "more", "code", "heading"),
    [
        (UPHELD, {}, 0, "upheld"),
        (OPEN, {}, 3, "still"),
        (UPHELD, {"interrupted": True}, 130, "still"),
        (VIOLATED, {"interrupted": True}, 130, "violated"),
        (UPHELD, {"too_late": ["group.c0"]}, 4, "still"),
        (VIOLATED, {"too_late": ["group.c0"]}, 1, "violated"),
        (OPEN, {"too_late": ["group.c0"], "interrupted": True}, 130, "still"),
    ],
)
def test_page_and_sarif_have_the_exit_code_of_the_command(
    verdict: Verdict, more: dict[str, Any], code: int, heading: str
) -> None:
    report = replace(brief((D, verdict)), **more)
    page = written(report, ".html")
    assert f"Exit code {code}: " in page
    assert f'<h1 class="{heading}">' in page
    (run,) = json.loads(written(report, ".sarif"))["runs"]
    successful = code != 3 and not report.interrupted
    assert run["invocations"] == [{"executionSuccessful": successful, "exitCode": code}]


def test_the_page_runs_its_own_script_and_no_other() -> None:
    """The policy has the digests of the very texts that are in the page."""
    text = written(shown("</script><script>alert(1)", "l", "a"), ".html")
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', text)
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} &#39;sha256-{digest}&#39;;" in policy.replace("&#x27;", "&#39;")
    assert "unsafe" not in policy


def test_what_was_answered_is_in_the_page_and_in_the_json() -> None:
    report = shown("w", "curl x", "POST /x\n400 Bad Request\n\n{}")
    assert json.loads(written(report, ".json"))["clauses"][0]["answers"] == [
        "POST /x\n400 Bad Request\n\n{}"
    ]
    assert "400 Bad Request" in "".join(Reader(written(report, ".html")).texts)


def test_each_layer_has_a_part_of_its_own() -> None:
    layers = [Layer("directed", 330, 1_140, 2.04, 0), Layer("model", 1, 31, 0.1, 1)]
    report = replace(MIXED, layers=layers)
    assert json.loads(written(report, ".json"))["layers"][1] == {
        "name": "model",
        "tests": 1,
        "requests": 31,
        "seconds": 0.1,
        "violations": 1,
    }
    lines = [line.split() for line in printed(report).splitlines()]
    assert ["directed", "330", "1,140", "2.0", "0"] in lines
    assert lines.index(["Layers", "(2)"]) > lines.index(["Violated", "(1)"])
    page = written(report, ".html")
    cells = [f'<td class="number">{cell}</td>' for cell in ("330", "1,140", "2.0", "0")]
    assert f'<tr><th scope="row">directed</th>{"".join(cells)}</tr>' in page
    assert "Layers" not in printed(MIXED)


@pytest.mark.parametrize("name", ["report.txt", "report", ".json", "report.json.gz"])
def test_an_ending_that_is_not_understood(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"use \.json, \.xml \(JUnit\), \.html or \.sarif"):
        write_report(MIXED, tmp_path / name)


def test_places_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*gone; make it first"):
        write_report(MIXED, tmp_path / "gone" / "report.json")
    (tmp_path / "report.json").mkdir()
    with pytest.raises(UsageError, match="it is a folder; name a file"):
        write_report(MIXED, tmp_path / "report.json")
    with pytest.raises(UsageError, match="File name too long"):
        write_report(MIXED, tmp_path / f"{'x' * 250}.json")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)  # root may write anywhere
        with pytest.raises(UsageError, match=r"you may not write to .*; change its permissions"):
            check_report_path(tmp_path / "other.json")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.JSON"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(UsageError, match="No space left on device"):
            write_report(MIXED, path)
    assert [(below.name, below.read_text()) for below in tmp_path.iterdir()] == [(path.name, "old")]
    write_report(MIXED, path)
    assert json.loads(path.read_text())["seed"] == 7


# ------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (brief((D, UPHELD)), "upheld: 1 documented clause holds"),
        (
            brief((D, UPHELD), (D, UPHELD), (D, OPEN), (D, OPEN), (D, LATER), (O, VIOLATED)),
            (
                "upheld: 2 documented clauses hold, 2 were not judged, 1 was deferred"
                "; 1 observed clause does not (a warning)"
            ),
        ),
        (brief((D, UPHELD), (A, VIOLATED)), "upheld: 1 documented clause holds"),
        (
            brief((D, VIOLATED), (D, UPHELD)),
            "violated: 1 of 2 documented clauses does not hold (group.c0)",
        ),
        (
            brief(*[(D, VIOLATED)] * 5),
            (
                "violated: 5 of 5 documented clauses do not hold "
                "(group.c0, group.c1, group.c2 and 2 more)"
            ),
        ),
        (brief((D, OPEN)), "nothing was checked: of 1 documented clause none was judged"),
        (brief((A, UPHELD)), "nothing was checked: the run had no documented clause"),
    ],
)
def test_the_last_line_is_the_sentence(report: Report, text: str) -> None:
    assert sentence(report) == text
    assert printed(report, width=200).splitlines()[-1] == text


@pytest.mark.parametrize("terminal", [True, False])
def test_curl_lines_are_never_cut(*, terminal: bool) -> None:
    lines = printed(MIXED, width=40, force_terminal=terminal, no_color=True).splitlines()
    assert {CURL, "curl second", "curl observed", "curl assumed"} <= set(lines)


@given(PLAIN)
def test_lines_are_printed_as_they_are(line: str) -> None:
    assert line in printed(report_of((D, VIOLATED, "w", [line])), width=40).splitlines()


def test_the_order_of_what_is_printed() -> None:
    text = printed(MIXED, width=200)
    assert text.startswith("1 violated, 1 violated (warning), 1 differs from our assumption, ")
    parts = "Violated (1)|Warnings: |Differs from |Not judged (1)|Deferred (1)|Upheld (1)".split(
        "|"
    )
    places = [text.index(f"\n{part}") for part in parts]
    assert places == sorted(places)
    assert "error" not in text


def test_no_escape_codes_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    nasty = report_of((D, VIOLATED, "\x1b[31mred\x9b \u202eback \ud800", ["curl \x1b]0;t\x07"]))
    assert "\x1b[" in printed(MIXED, force_terminal=True, no_color=False, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    for report in (MIXED, nasty):
        assert printed(report, force_terminal=True).isprintable() is False  # it has lines
        assert "\x1b" not in printed(report, force_terminal=True)
    text = printed(nasty)
    assert r"\x1b[31mred\x9b \u202eback \ud800" in text
    assert r"curl \x1b]0;t\x07" in text


def test_a_terminal_that_knows_ascii_only() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    print_report(report_of((D, VIOLATED, "größer", ())), Console(file=file))
    file.flush()
    assert rb"gr\xf6\xdfer" in raw.getvalue()


def test_annotations_are_escaped() -> None:
    found = github_annotations(report_of((D, VIOLATED, "100%\r\n::error::a, b: c", ())))
    assert found == [
        "::error title=group.c0%3A violated::Sentence 0. - 100%25%0D%0A::error::a, b: c"
    ]
    commands = [line.split(" ")[0] for line in github_annotations(MIXED)]
    assert commands == ["::error", "::warning", "::notice"]


@given(TEXTS)
def test_an_annotation_is_one_line(why: str) -> None:
    (line,) = github_annotations(report_of((O, VIOLATED, why, ())))
    assert len(line.splitlines()) == 1
    assert line.encode()
