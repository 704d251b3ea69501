"""What the dashboard says about refusals holds against the contract, and fits every problem."""

from __future__ import annotations

from mockkie.build import read_contract
from mockkie.dashboard.diagnosis import ADVICE, claims_of, diagnose, documents
from mockkie.dashboard.page import bytes_text, span_text
from mockkie.journal import Entry
from mockkie.problems import FALLBACKS


def test_every_problem_has_its_claims_and_an_advice() -> None:
    assert set(ADVICE) == set(FALLBACKS)
    known = {name for one in documents(read_contract(())) for name in claims_of(one)}
    assert {claim for claims, _ in ADVICE.values() for claim in claims} <= known
    assert all(text.endswith(".") for _, text in ADVICE.values())


def test_a_refusal_leads_to_the_lines_of_the_document() -> None:
    contract = read_contract(())
    entry = Entry(
        at=0,
        method="POST",
        target="/api/file-stream-upload",
        operation="upload-file-stream",
        decision="refused",
        status=401,
        problem="invalid-api-key",
    )
    lines = diagnose(contract, entry).lines
    text = contract.document.name
    with open(text, encoding="utf-8") as file:  # noqa: PTH123 - the name is a text
        written = file.read().splitlines()
    for line in lines:
        name, _, number = line.short.partition(":")
        assert name == "openapi.yaml"
        words = {"answer 401": "Unauthorized", "upload-file-stream": "post"}
        assert words.get(line.label, line.label) in written[int(number) - 1]
    assert len(lines) == 5


def test_a_value_is_told_what_is_wrong_with_it() -> None:
    contract = read_contract(())

    def claims(why: str) -> list[str]:
        entry = Entry(at=0, method="POST", target="/", problem="invalid-parameter", why=why)
        return [line.claim for line in diagnose(contract, entry).lines]

    assert claims('uploadPath: "/a" does not match: a folder') == ["input.no-edge-slashes"]
    assert claims('uploadPath: "a//b" does not match: a folder') == ["input.plain-segments"]
    assert "input.types" in claims("fileName: 5 is not of types null, string")


def test_sizes_and_spans_are_said_as_people_say_them() -> None:
    assert [bytes_text(size) for size in (0, 999, 1_000, 1_550_000, 3 * 10**9)] == [
        *("0 B", "999 B", "1.0 kB", "1.6 MB", "3.0 GB")
    ]
    spans = (0, 999, 1_000, 61_000, 3_600_000, 90_000_000, 259_199_999, -5_000)
    assert [span_text(span) for span in spans] == [
        *("now", "now", "1 s", "1 min 1 s", "1 h", "1 d 1 h", "2 d 23 h", "5 s")
    ]
