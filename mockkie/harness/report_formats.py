"""A `Report` as JSON, JUnit XML and SARIF. Knows no target, no test runner and no other file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any, Final

import orjson

from mockkie import __version__
from mockkie.harness.verdicts import UNCHECKED_CODE, Level, Report, Verdict

NO_REASON: Final = "the target does something else"
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_SEVERITIES: Final = {Level.DOCUMENTED: "error", Level.OBSERVED: "warning", Level.ASSUMED: "note"}
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_NO_MARKUP: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COMMANDS: Final = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def for_markup(text: str) -> str:
    """The text with an escape sequence for each character that XML does not have."""
    return _NO_MARKUP.sub(_visible, text)


def for_terminal(text: str) -> str:
    """The text with an escape sequence for what a terminal obeys; tabs and line feeds stay."""
    return _COMMANDS.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def as_json(report: Report) -> bytes:
    """The report for programs."""
    return _dumped(report.to_json())


def _dumped(value: Any) -> bytes:
    return orjson.dumps(_encodable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _encodable(value: Any) -> Any:
    """The value without lone surrogates, which UTF-8 does not have."""
    if isinstance(value, str):
        return _SURROGATES.sub(_visible, value)
    if isinstance(value, dict):
        return {_encodable(name): _encodable(below) for name, below in value.items()}
    return [_encodable(below) for below in value] if isinstance(value, list) else value


def as_junit(report: Report) -> bytes:
    """JUnit XML: a test case for each clause. Only a documented one fails, as in the exit code."""
    violated = report.with_verdict(Verdict.VIOLATED)
    failed = [judged for judged in violated if judged.clause.level == Level.DOCUMENTED]
    counts = {
        "tests": len(report.judgements),
        "failures": len(failed),
        "errors": 0,
        "skipped": report.summary[Verdict.NOT_JUDGED] + report.summary[Verdict.DEFERRED],
    }
    totals = {name: str(count) for name, count in counts.items()}
    totals["time"] = f"{report.seconds:.3f}"
    root = ET.Element("testsuites", {"name": "mockkie", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": "mockkie check", **totals})
    properties = ET.SubElement(suite, "properties")
    for name, value in _run_facts(report).items():
        ET.SubElement(properties, "property", {"name": name, "value": str(value)})
    for judged in report.judgements:
        names = {"classname": judged.clause.group, "name": judged.clause.id}
        case = ET.SubElement(suite, "testcase", {**names, "time": f"{judged.seconds:.3f}"})
        if judged in failed:
            about = {"message": judged.why or NO_REASON, "type": judged.clause.level.value}
            ET.SubElement(case, "failure", about).text = "\n".join(judged.reproduce)
        elif judged.verdict == Verdict.VIOLATED:
            told = [f"{judged.clause.level.value}, violated: {judged.why}", *judged.reproduce]
            ET.SubElement(case, "system-out").text = "\n".join(told)
        elif judged.verdict != Verdict.UPHELD:
            reason = f"{judged.verdict.value}: {judged.why}" if judged.why else judged.verdict.value
            ET.SubElement(case, "skipped", {"message": reason})
    ET.indent(root)
    text = for_markup(ET.tostring(root, encoding="unicode"))
    text = text.replace("\r", "&#13;")  # as it is, a parser would read a line feed
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _run_facts(report: Report) -> dict[str, Any]:
    names = ("target", "profile", "seed", "requests")
    return {name: getattr(report, name) for name in names}


def as_sarif(report: Report) -> bytes:
    """SARIF 2.1.0: a rule for each clause, a result for each violation.

    Each result is placed at line 1 of openapi.yaml: GitHub takes none without a file.
    """
    rules = [
        {
            "id": judged.clause.id,
            "shortDescription": _message(judged.clause.says),
            "help": _message(f"Evidence: {judged.clause.level.value}; {judged.clause.source}"),
            "defaultConfiguration": {"level": _SEVERITIES[judged.clause.level]},
            "properties": {"tags": [judged.clause.group, judged.clause.level.value]},
        }
        for judged in report.judgements
    ]
    place = {"artifactLocation": {"uri": "openapi.yaml"}, "region": {"startLine": 1}}
    results = [
        {
            "ruleId": judged.clause.id,
            "ruleIndex": index,
            "level": _SEVERITIES[judged.clause.level],
            "message": _message(judged.why or NO_REASON),
            "locations": [
                {
                    "physicalLocation": place,
                    "logicalLocations": [{"name": judged.clause.id, "kind": "clause"}],
                }
            ],
            "partialFingerprints": {"primaryLocationLineHash": judged.clause.id},
            "properties": {"reproduce": list(judged.reproduce)},
        }
        for index, judged in enumerate(report.judgements)
        if judged.verdict == Verdict.VIOLATED
    ]
    told = report.exit_code != UNCHECKED_CODE and not report.interrupted
    run = {
        "tool": {"driver": {"name": "mockkie", "version": __version__, "rules": rules}},
        "invocations": [{"executionSuccessful": told, "exitCode": report.command_code}],
        "results": results,
        "properties": _run_facts(report),
    }
    return _dumped({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _message(text: str) -> dict[str, str]:
    """Braces are placeholders in messages, unless they are doubled (SARIF 2.1.0, 3.11.5)."""
    return {"text": text.replace("{", "{{").replace("}", "}}")}
