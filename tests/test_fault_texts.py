"""How faults are written, what is said of those that cannot be, and which requests they hit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.actions import WAYS
from mockkie.arming import Faults
from mockkie.build import build_mock
from mockkie.clock import parse_instant
from mockkie.conditions import CONDITIONS, Facts
from mockkie.faults import Fault
from mockkie.kie import Runner
from mockkie.problems import UsageError
from mockkie.scenarios import Script, scenarios
from mockkie.values import FaultError

NOW = parse_instant("2025-01-01T12:00:00Z")


@pytest.mark.parametrize(
    ("compact", "value"),
    [
        ("status=500", {"then": {"status": {"code": 500}}}),
        (
            "reset-after=65536; nth=3, times=1 operation=upload-*",
            {
                "operation": "upload-*",
                "when": {"nth": 3},
                "times": 1,
                "then": {"reset": {"afterBytes": 65536}},
            },
        ),
        ("latency=PT2S", {"then": {"latency": {"fixed": "PT2S"}}}),
        (
            "latency=normal:PT1S:PT0.2S seed=7",
            {"seed": 7, "then": {"latency": {"normal": ["PT1S", "PT0.2S"]}}},
        ),
        ("latency=exponential:PT1S", {"then": {"latency": {"exponential": "PT1S"}}}),
        ("truncate=100", {"then": {"truncate": {"afterBytes": 100}}}),
        ("malformed", {"then": {"malformed": True}}),
        (
            "error-in-200=missing-parameter",
            {"then": {"errorIn200": {"error": "missing-parameter"}}},
        ),
        (
            'content-type="text/html; charset=utf-8"',
            {"then": {"contentType": "text/html; charset=utf-8"}},
        ),
        (
            "garbage-chunk probability=0.25 since=PT1H until=2025-01-02T00:00:00Z",
            {
                "when": {"probability": 0.25, "since": "PT1H", "until": "2025-01-02T00:00:00Z"},
                "then": {"garbageChunk": True},
            },
        ),
        ("skew=-PT5M file=*.png", {"when": {"file": "*.png"}, "then": {"skew": "-PT5M"}}),
        ('{"then": {"quota": 5}}', {"then": {"quota": {"limit": 5, "window": "PT1M"}}}),
    ],
)
def test_the_compact_form_is_the_same_fault(compact: str, value: dict[str, Any]) -> None:
    assert Fault.of(compact) == Fault.of(value)


def test_an_answer_may_have_no_headers_or_strange_ones() -> None:
    assert Fault.of({"then": {"answer": {"headers": {}}}}) == Fault.of({"then": {"answer": {}}})
    strange = {"-": "a", "_x": "b"}
    fault = Fault.of({"then": {"answer": {"headers": strange}}})
    assert fault.then.values["headers"] == strange


def test_further_words_are_added() -> None:
    fault = Fault.of("status=500", nth=3, larger_than=10, operation="upload-*")
    assert fault == Fault.of("status=500 nth=3 larger-than=10 operation=upload-*")
    assert Fault.of(fault, times=2) == Fault.of(
        {**fault.to_json(), "times": 2},
    )


VALUES = {
    "code": 500,
    "status": 413,
    "name": "invalid-api-key",
    "error": "internal-error",
    "limit": 3,
    "type": "text/html",
    "pointer": "/data/fileName",
    "names": {"/data/fileName": "name"},
    "values": {"/data/fileSize": "12"},
    "by": "PT5M",
    "bytesPerSecond": 1_000,
    "span": "PT1H",
}


def value_of(name: str) -> Any:
    """Some value for an action that needs one."""
    if name == "latency":
        return "PT1S"
    if name == "wrongLength":
        return -10
    way = WAYS[name]
    return {key: VALUES[key] for key in way.parameters if key not in way.defaults} or True


@pytest.mark.parametrize("name", WAYS)
def test_a_fault_is_read_as_it_is_written(name: str) -> None:
    fault = Fault.of({"when": {"nth": 2, "until": "PT1H"}, "then": {name: value_of(name)}})
    assert Fault.of(fault.to_json()) == fault
    assert fault.then.name in str(fault)


@pytest.mark.parametrize("name", WAYS)
def test_the_short_form_of_an_action_reads_back(name: str) -> None:
    fault = Fault.of({"then": {name: value_of(name)}})
    text = str(fault)
    if " " not in text and "{" not in text:
        assert Fault.of(text) == fault


@pytest.mark.parametrize(
    ("value", "place", "says"),
    [
        ("statu=500", (), "did you mean 'status'?"),
        ("nope", (), "there are: operation, path"),
        ("status=99", ("then", "status"), "an HTTP status from 400 to 599"),
        ("status", ("then", "status"), "needs code"),
        ("status=500 reset=3", ("then",), "does one thing"),
        ("status=500 status=400", (), "twice"),
        ("=", (), "no word"),
        ("", (), "needs `then`"),
        ("{", (), "not JSON"),
        ("[" * 5_000, (), "no word"),
        ('{"then": ' + "[" * 100_000, (), "not JSON"),
        ([], (), "a mapping"),
        ({"then": 5}, ("then",), "does one thing"),
        ({"then": {"reset": {"afterByte": 5}}}, ("then", "reset", "afterByte"), "'afterBytes'?"),
        ({"then": {"reset": {"afterBytes": -1}}}, ("then", "reset", "afterBytes"), "65536"),
        ({"then": {"reset": {"afterBytes": True}}}, ("then", "reset", "afterBytes"), "65536"),
        ({"then": {"malformed": 5}}, ("then", "malformed"), "is just true"),
        ({"then": {"malformed": {"a": 1}}}, ("then", "malformed", "a"), "no parameter"),
        ({"then": {"latency": "2 seconds"}}, ("then", "latency"), "ISO 8601"),
        ({"then": {"latency": True}}, ("then", "latency"), "one of fixed, uniform"),
        (
            {"then": {"latency": {"uniform": ["PT2S", "PT1S"]}}},
            ("then", "latency", "uniform"),
            "the shorter one first",
        ),
        (
            {"then": {"quota": {"limit": 1, "per": "ip"}}},
            ("then", "quota", "per"),
            "key, link or world",
        ),
        ({"then": {"wrongLength": 0}}, ("then", "wrongLength"), "other than 0"),
        ({"then": {"rename": {}}}, ("then", "rename"), "needs names"),
        ({"then": {"without": "data"}}, ("then", "without"), "/data/downloadUrl"),
        (
            {"then": {"answer": {"headers": {"a b": "c"}}}},
            ("then", "answer", "headers"),
            "in ASCII",
        ),
        (
            {"then": {"answer": {"headers": {"": "c", "a": "b"}}}},
            ("then", "answer", "headers"),
            "in ASCII",
        ),
        ({"when": {"nth": 0}, "then": {"malformed": True}}, ("when", "nth"), "from 1 on"),
        ({"when": {"nht": 1}, "then": {"malformed": True}}, ("when", "nht"), "did you mean 'nth'?"),
        (
            {"when": {"probability": 2}, "then": {"malformed": True}},
            ("when", "probability"),
            "0 to 1",
        ),
        (
            {"when": {"since": "noon"}, "then": {"malformed": True}},
            ("when", "since"),
            "2025-01-01T12:00:00Z",
        ),
        ({"when": 5, "then": {"malformed": True}}, ("when",), "a mapping"),
        ({"times": 0, "then": {"malformed": True}}, ("times",), "from 1 on"),
        (
            {"oeration": "x", "then": {"malformed": True}},
            ("oeration",),
            "did you mean 'operation'?",
        ),
        ("reset=5 file=*.png", ("when", "file"), "not known yet"),
        ("malformed larger-than=10 smaller-than=11", ("when", "smallerThan"), "above largerThan"),
        ("malformed older-than=PT2S younger-than=PT1S", ("when", "youngerThan"), "at once"),
        ("malformed since=PT10M until=PT10M", ("when", "until"), "later than since"),
        (
            "malformed since=2026-01-02T00:00:00Z until=2026-01-01T00:00:00Z",
            ("when", "until"),
            "later than since",
        ),
        (
            {"then": {"answer": {"status": 204, "body": {}}}},
            ("then", "answer", "body"),
            "204 has no body",
        ),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_what_cannot_be_is_told_with_its_place(
    value: Any, place: tuple[str, ...], says: str
) -> None:
    with pytest.raises(FaultError) as caught:
        Fault.of(value)
    assert caught.value.pointer == place
    assert says in str(caught.value)
    assert len(str(caught.value)) < 1_000


@given(st.text(max_size=60))
def test_any_text_is_a_fault_or_is_refused(text: str) -> None:
    try:
        Fault.of(text)
    except FaultError as error:
        assert str(error)  # noqa: PT017 - both ways are right


# ------------------------------------------------------------------------------ which requests

run = Runner()  # nothing waits: the faults are of one process


def upload(**more: Any) -> Facts:
    return Facts("upload-file-stream", "/api/file-stream-upload", **{"now": NOW, **more})


def download(**more: Any) -> Facts:
    return Facts("download-file", "/1/a/b.png", downloads=True, **{"now": NOW, **more})


def hits(fault: str, facts: list[Facts]) -> list[int]:
    """The numbers, from 1 on, of the requests that are hit."""
    faults = Faults()
    armed = run(faults.arm(Fault.of(fault), NOW))
    moment = armed.fault.moment
    return [number for number, one in enumerate(facts, 1) if run(faults.shoot(one, moment))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("nth=3", [3]),
        ("every=3", [3, 6, 9]),
        ("nth=2 every=3", [2, 5, 8]),
        ("every=2 times=2", [2, 4]),
        ("times=1", [1]),
        ("probability=0", []),
        ("probability=1", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("operation=download-*", []),
        ("operation=upload-file-?tream", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("path=/api/*-upload nth=2", [2]),
        ("path=/nope", []),
    ],
)
def test_counting(words: str, expected: list[int]) -> None:
    assert hits(f"status=500 {words}", [upload()] * 9) == expected


@pytest.mark.parametrize(
    ("words", "facts", "hit"),
    [
        ("larger-than=10", {"size": 11}, True),
        ("larger-than=10", {"size": 10}, False),
        ("larger-than=10", {"size": None}, False),
        ("smaller-than=10", {"size": 9}, True),
        ("smaller-than=10", {"size": 10}, False),
        ("file=*.png", {"file": "a.png"}, True),
        ("file=*.png", {"file": "a.jpg"}, False),
        ("file=*.png", {}, False),
        ("since=PT1H", {"now": NOW + 3_600_000}, True),
        ("since=PT1H", {"now": NOW + 3_599_999}, False),
        ("until=PT1H", {"now": NOW + 3_599_999}, True),
        ("until=PT1H", {"now": NOW + 3_600_000}, False),
        ("since=2025-01-01T12:00:00Z", {}, True),
        ("since=2025-01-01T12:00:00.001Z", {}, False),
        ("until=2025-01-01T12:00:00Z", {}, False),
        ("larger-than=10 file=*.png", {"size": 11, "file": "a.jpg"}, False),
    ],
)
def test_conditions(words: str, facts: dict[str, Any], hit: bool) -> None:  # noqa: FBT001 - a column
    assert hits(f"status=500 {words}", [upload(**facts)]) == [1] * hit


def test_conditions_on_the_age_of_what_is_read() -> None:
    ages = [download(age=age) for age in (0, 59_999, 60_000, 60_001)] + [download()]
    assert hits("status=500 older-than=PT1M", ages) == [4]
    assert hits("status=500 younger-than=PT1M", ages) == [1, 2]


def test_what_can_be_done_to_uploads_only_counts_no_downloads() -> None:
    facts = [download(), upload(), download(), upload()]
    assert hits("lifetime=PT1H nth=2", facts) == [4]
    assert hits("read-error=5 nth=2", facts) == [3]
    assert hits("stale=PT1H", [download(), download(former=True), upload(former=True)]) == [2]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_is_tried(condition: str) -> None:
    source = Path(__file__).read_text()
    assert condition in source or "-".join(_words(condition)) in source


def _words(camel: str) -> list[str]:
    return "".join(f" {one.lower()}" if one.isupper() else one for one in camel).split()


def test_of_several_the_first_fires_and_latencies_come_on_top() -> None:
    faults = Faults()
    for text in ("latency=PT1S", "status=500 nth=1", "status=400 times=1", "latency=PT2S nth=2"):
        run(faults.arm(Fault.of(text), NOW))
    fired = [
        [f"{shot.action} {shot.number}" for shot in run(faults.shoot(upload(), "head"))]
        for _ in range(3)
    ]
    assert fired == [
        ["latency=PT1S 1", "status=500 1"],
        ["latency=PT1S 2", "status=400 1", "latency=PT2S 1"],
        ["latency=PT1S 3"],
    ]
    assert [(armed.matched, armed.shots) for armed in faults] == [(3, 3), (3, 1), (3, 1), (3, 1)]


def test_a_quota_counts_in_windows_of_the_world_s_clock() -> None:
    faults = Faults()
    run(faults.arm(Fault.of("quota=2 operation=*"), NOW))

    def ask(seconds: float, key: str = "a") -> int | None:
        shots = run(faults.shoot(upload(now=NOW + round(seconds * 1_000), key=key), "head"))
        return shots[0].retry_after if shots else None

    assert [ask(0), ask(10), ask(10), ask(59.999)] == [None, None, 50, 1]
    assert ask(30, key="b") is None
    assert [ask(60), ask(61), ask(62)] == [None, None, 58]
    assert [ask(-100), ask(-99), ask(-98)] == [None, None, 58]


def test_a_quota_for_the_world() -> None:
    facts = [upload(key=key) for key in "abc"]
    assert hits('{"then": {"quota": {"limit": 2, "per": "world"}}}', facts) == [3]


def test_a_shot_is_told_in_a_line_of_bounded_length() -> None:
    faults = Faults()
    run(faults.arm(Fault.of({"then": {"answer": {"body": "x" * 9_000}}}), NOW))
    [shot] = run(faults.shoot(upload(), "head"))
    assert len(str(shot)) < 300


def test_a_quota_for_links() -> None:
    facts = [download(link=link) for link in "abaab"]
    assert hits('{"then": {"quota": {"limit": 2, "per": "link"}}}', facts) == [4]


@given(
    seed=st.integers(1 - 10**18, 10**18 - 1),
    others=st.lists(
        st.sampled_from(
            ["latency=PT1S", "status=400 operation=nope", "latency=PT2S probability=0.5"]
        )
    ),
)
def test_what_a_fault_draws_depends_on_nothing_else(seed: int, others: list[str]) -> None:
    wanted = Fault.of("latency=uniform:PT0S:PT9S probability=0.5", seed=seed)
    drawn = []
    for company in ([], others):
        faults = Faults()
        for text in company:
            run(faults.arm(Fault.of(text), NOW))
        own = run(faults.arm(wanted, NOW)).id
        shots = [shot for _ in range(9) for shot in run(faults.shoot(upload(), "head"))]
        drawn.append([shot.delay for shot in shots if shot.fault == own])
    assert drawn[0] == drawn[1]


def test_seeds_differ_and_probabilities_are_kept() -> None:
    counts = [
        len(hits(f"status=500 probability=0.3 seed={seed}", [upload()] * 500)) for seed in range(4)
    ]
    assert all(100 < count < 200 for count in counts)
    assert (
        len(
            {
                tuple(hits(f"status=500 probability=0.3 seed={seed}", [upload()] * 50))
                for seed in range(4)
            }
        )
        == 4
    )


@pytest.mark.parametrize("latency", ["uniform:PT1S:PT3S", "normal:PT2S:PT0.5S", "exponential:PT2S"])
def test_latencies_are_as_their_distribution_says(latency: str) -> None:
    faults = Faults()
    run(faults.arm(Fault.of(f"latency={latency}"), NOW))
    delays = [run(faults.shoot(upload(), "head"))[0].delay for _ in range(1_000)]
    assert 1_800 < sum(delays) / 1_000 < 2_200
    assert min(delays) >= 0
    if latency.startswith("uniform"):
        assert 1_000 <= min(delays) <= max(delays) <= 3_000


# ----------------------------------------------------------------------------------- scripts


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_that_comes_along_can_be_armed(name: str) -> None:
    script = Script.named(name)
    assert script.about
    assert script.faults
    build_mock(faults=name)


def test_the_scenarios() -> None:
    assert scenarios() == ["expiring-links", "flaky-network", "outage", "rate-limited", "stale-cdn"]


def test_the_seed_of_a_script_is_that_of_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text("seed: 7\nfaults:\n- then: {status: 500}\n- {seed: 8, then: {status: 501}}\n")
    assert [fault.seed for fault in Script.named(path).faults] == [7, 8]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (
            "faults:\n- then: {statu: 500}\n",
            "2:10",
            "faults.0.then.statu: 'statu' is no action; did you mean 'status'?",
        ),
        ("faults:\n- then:\n    reset: {afterBytes: x}\n", "3:13", "'x' is not a number of bytes"),
        (
            "faults:\n- {when: {nth: 0}, then: {status: 500}}\n",
            "2:11",
            "0 is not a number from 1 on",
        ),
        ("faults: []\n", "1:1", "a list of faults"),
        ("about: x\n", "", "a list of faults"),
        ("fault:\n- then: {status: 500}\n", "1:1", "did you mean 'faults'?"),
        (
            "faults:\n- then: {status: 500}\n  operation: uplod-file-stream\n",
            "3:3",
            "did you mean 'upload-file-stream'?",
        ),
        (
            "faults:\n- then: {example: missing-paramter}\n",
            "2:10",
            "did you mean 'missing-parameter'?",
        ),
        (
            "faults:\n- then: {stale: PT1M}\n  operation: upload-*\n",
            "3:3",
            "stale is about downloads only, and 'upload-*' is about none",
        ),
        (
            "faults:\n- then: {notStored: true}\n  operation: download-file\n",
            "3:3",
            "notStored is about uploads only",
        ),
        ("faults:\n- status=500\n- statu=500\n", "3:3", "faults.1: 'statu' is no word"),
        ("faults:\n- status=500 status=501\n", "2:3", "faults.0: 'status' stands here twice"),
        ("faults: !!python/tuple\n- status=500\n", "1:1", "python/tuple' has no place in a script"),
        ("faults:\n- !!set {status}\n", "2:3", "set' has no place in a script of faults"),
        ("- a\n", "", "a script of faults is a mapping"),
        ("faults: [\n", "2:1", "not YAML"),
        ("faults:\n- then: {malformed: yes}\n", "2:10", "YAML 1.1 and 1.2"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_wrong_in_a_script_is_told_with_its_line(
    tmp_path: Path, text: str, place: str, says: str
) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        build_mock(faults=path)
    assert str(caught.value).startswith(f"{path}:{place}".rstrip(":"))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("flaky-netwrk", "did you mean 'flaky-network'?"),
        ("nope.yaml", "cannot be read"),
        ("zzz", "there are: expiring-links"),
    ],
)
def test_a_script_that_is_not_there(name: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_mock(faults=name)
    assert says in str(caught.value)
