"""Overlays change the document before it is understood, and what they say keeps its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

import mockkie
from mockkie.build import build_mock
from mockkie.document import Document
from mockkie.overlay import Overlay
from mockkie.problems import UsageError
from mockkie.source import DocumentError, Source

HEAD = """\
overlay: 1.1.0
info: {title: Test, version: "1"}
actions:
"""


def applied(document: Any, *actions: Any) -> Any:
    """What the actions make of a document."""
    head = {"overlay": "1.1.0", "info": {"title": "", "version": ""}, "actions": list(actions)}
    source = Source(json.dumps(document), "document.json")
    Overlay(json.dumps(head), "overlay.json").apply(source)
    return source.root


def written(folder: Path, actions: str, name: str = "change.yaml") -> Path:
    path = folder / name
    path.write_text(HEAD + actions)
    return path


@pytest.mark.parametrize(
    ("target", "update", "expected"),
    [
        ("$", {"b": 1}, {"a": {"x": [1], "y": None}, "b": 1}),
        ("$.a", {"y": "new"}, {"a": {"x": [1], "y": "new"}}),
        ("$.a", {"x": [2, 3]}, {"a": {"x": [1, 2, 3], "y": None}}),
        ("$.a.x", 2, {"a": {"x": [1, 2], "y": None}}),
        ("$.a.x", {"z": 0}, {"a": {"x": [1, {"z": 0}], "y": None}}),
        ("$.a.x[0]", 5, {"a": {"x": [5], "y": None}}),
        ("$", {"a": {"z": {"deep": [1]}}}, {"a": {"x": [1], "y": None, "z": {"deep": [1]}}}),
        ("$['a']", {}, {"a": {"x": [1], "y": None}}),
    ],
)
def test_an_update_is_merged(target: str, update: Any, expected: Any) -> None:
    document = {"a": {"x": [1], "y": None}}
    assert applied(document, {"target": target, "update": update}) == expected


def test_actions_are_carried_out_in_order() -> None:
    """A mapping is replaced by taking it out first: what `update` alone cannot do."""
    assert applied(
        {"a": {"old": 1}},
        {"target": "$.a", "remove": True, "update": {"is": "ignored"}},
        {"target": "$", "update": {"a": {"new": 2}}},
    ) == {"a": {"new": 2}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("$.list[?@.n > 1]", {"list": [{"n": 1}], "m": {"n": 0}}),
        ("$.list[0]", {"list": [{"n": 2}, {"n": 3}], "m": {"n": 0}}),
        ("$..n", {"list": [{}, {}, {}], "m": {}}),
        ("$.*", {}),
        ("$..*", {}),
    ],
)
def test_what_is_removed_is_gone_and_nothing_else(target: str, expected: Any) -> None:
    document = {"list": [{"n": 1}, {"n": 2}, {"n": 3}], "m": {"n": 0}}
    assert applied(document, {"target": target, "remove": True}) == expected


def test_a_copy_is_one_of_what_was_there_before() -> None:
    document = {"from": {"k": 1}, "to": [{"a": 1}, {"b": 2}]}
    changed = applied(document, {"target": "$.to[*]", "copy": "$.from"})
    assert changed == {"from": {"k": 1}, "to": [{"a": 1, "k": 1}, {"b": 2, "k": 1}]}
    assert applied({"a": {"b": 1}}, {"target": "$.a", "copy": "$"})["a"] == {"a": {"b": 1}, "b": 1}


def test_every_value_knows_the_file_and_line_that_it_is_from(tmp_path: Path) -> None:
    document = tmp_path / "document.yaml"
    document.write_text("list:\n  - a: 1\n  - b: 2\n  - c: 3\nmap:\n  d: 4\n")
    path = written(
        tmp_path,
        "  - target: $.list[1]\n    remove: true\n"
        "  - target: $.list\n    update: {e: 5}\n"
        "  - target: $.map\n    update:\n      d: 6\n      f: 7\n",
    )
    source = Source(document.read_text(), "document.yaml")
    Overlay.read(path).apply(source)
    assert source.root == {"list": [{"a": 1}, {"c": 3}, {"e": 5}], "map": {"d": 6, "f": 7}}
    places = {
        ("list", "0", "a"): "document.yaml:2:5",
        ("list", "1", "c"): "document.yaml:4:5",
        ("list", "2", "e"): f"{path}:7:14",
        ("map",): "document.yaml:5:1",
        ("map", "d"): f"{path}:10:7",
        ("map", "f"): f"{path}:11:7",
    }
    assert {pointer: source.place(pointer) for pointer in places} == places


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("- 1\n", "", "an overlay is a mapping"),
        ("a: [\n", ":2:1", "this is not YAML"),
        ("openapi: 3.1.0\n", "", '"overlay" is a required property'),
        (HEAD.replace("1.1.0", "2.0.0") + "  - {target: $, remove: true}\n", ":1:1", "overlay: 1"),
        (HEAD.replace("1.1.0", "1.0") + "  - {target: $, remove: true}\n", ":1:1", "no version"),
        (HEAD + "  []\n", ":3:1", "less than 1 item"),
        (HEAD + "  - {update: {}}\n", ":4:5", "target"),
        (HEAD + "  - {target: $, updat: {}}\n", ":4:17", "'updat' was unexpected"),
        (HEAD + "  - {target: $}\n", ":4:5", "one of `update`"),
        (HEAD + "  - {target: $, update: {}, copy: $}\n", ":4:5", "one of `update`"),
        (HEAD + "  - {target: $, remove: true}\n", ":4:6", "the document itself"),
        (HEAD + "  - {target: info, update: {}}\n", ":4:6", "does not match"),
        (HEAD + '  - {target: "$.info[", update: {}}\n', ":4:6", "no JSONPath of RFC 9535"),
        (HEAD + '  - {target: "$~", update: {}}\n', ":4:6", "no JSONPath of RFC 9535"),
        (
            HEAD + f"  - {{target: '${'[?(' * 300}', update: 1}}\n",
            ":4:6",
            "no JSONPath of RFC 9535",
        ),
        (HEAD + f"  - {{target: ${'.a' * 600}, update: 1}}\n", ":4:6", "longer than 1000"),
        (HEAD + "  - {target: $.info.tite, update: 1}\n", ":4:6", "selects nothing in"),
        (
            HEAD + "  - {target: $.info, update: text}\n",
            ":4:22",
            "'text' cannot be merged into a map",
        ),
        (
            HEAD + "  - {target: $.info.title, update: {}}\n",
            ":4:28",
            "cannot be merged into the plain",
        ),
        (HEAD + "  - {target: $, copy: $.*}\n", ":4:17", "one node can be copied"),
        (HEAD + "  - {target: $, update: &a {x: *a}}\n", ":4:29", "alias contains itself"),
        (HEAD + "  - {target: $, update: no}\n", ":4:17", "put it in quotes"),
        (HEAD.replace("1.1", "1.0") + "  - {target: $, copy: $.info}\n", ":4:17", "version 1.1"),
        (HEAD + "  - &b {target: $.info, update: {x-a: 1}}\n  - *b\n", ":3:1", "non-unique"),
    ],
)
def test_a_wrong_overlay_is_refused_at_its_place(
    tmp_path: Path, text: str, place: str, why: str
) -> None:
    path = tmp_path / "change.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as error:
        build_mock(overlay=path)
    assert str(error.value).startswith(f"{path}{place}: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    """Values that multiply when they are read, merged, or merged into each other."""
    ladder = "".join(f"  l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 9))
    zeros = "0, " * 200
    for name, text in {
        "aliases": "x-a:\n  l0: &l0 [1]\n" + ladder + HEAD + "  - {target: $, update: {}}\n",
        "wide": HEAD + f"  - target: $..servers\n    update: [{f'[{zeros}], ' * 900}]\n",
        "copies": HEAD
        + "".join(f"  - {{target: $.servers, copy: $.servers, x-n: {n}}}\n" for n in range(30)),
        "deep": HEAD
        + "  - {target: $, update: {x-d: {}}}\n"
        + "".join(f"  - {{target: $.x-d, copy: $, x-n: {n}}}\n" for n in range(120)),
    }.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        with pytest.raises(DocumentError, match=rf"{name}\.yaml:\d+:\d+: .* more than 200,000"):
            build_mock(overlay=path)


def test_what_an_overlay_adds_is_held_against_openapi(tmp_path: Path) -> None:
    """The strict checks of the document hold, and name the overlay's own line."""
    path = written(
        tmp_path,
        "  - target: $.components.schemas.UploadPath\n    update:\n      minLenght: 3\n",
    )
    with pytest.raises(DocumentError, match=r"change\.yaml:6:7: keyword 'minLenght'"):
        build_mock(overlay=path)
    path = written(tmp_path, "  - target: $['x-mockkie']\n    update: {edgeSlashes: cut}\n")
    with pytest.raises(DocumentError, match=r"change\.yaml:5:14: this setting cannot be used"):
        build_mock(overlay=path)
    path = written(tmp_path, "  - {target: $.paths, remove: true}\n")
    with pytest.raises(DocumentError, match="no operation"):
        build_mock(overlay=path)
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read as an overlay"):
        build_mock(overlay=tmp_path / "none.yaml")


def test_overlays_are_applied_in_order(tmp_path: Path) -> None:
    first = written(tmp_path, "  - {target: $, update: {x-mockkie: {retention: PT1H}}}\n", "a.yaml")
    second = written(
        tmp_path, "  - {target: $, update: {x-mockkie: {retention: PT2H}}}\n", "b.yaml"
    )
    assert build_mock(overlay=[first, second]).service.settings.retention == 7_200_000
    assert build_mock(overlay=[second, first]).service.settings.retention == 3_600_000
    assert build_mock(overlay=str(first), retention="PT3H").service.settings.retention == 10_800_000
    document = Document.read(Path("openapi.yaml"), [first, second])
    assert document.place(("x-mockkie", "retention")).startswith(f"{second}:4:")


def test_a_mock_does_as_its_overlay_says(tmp_path: Path) -> None:
    """Reasons name the overlay's line where it is the overlay that refuses."""
    path = written(
        tmp_path,
        "  - target: $.components.schemas.UploadPath\n    update:\n      maxLength: 3\n"
        "  - target: $.components.responses.BadRequest.content['application/json']"
        ".examples['invalid-parameter'].value\n    update: {msg: uploadPath is too much}\n",
    )
    with mockkie.serve(overlay=path) as kie:
        answer = httpx2.post(
            f"{kie.base_url}/api/file-stream-upload",
            headers={"Authorization": f"Bearer {kie.key}"},
            files={"file": ("a.txt", b"x")},
            data={"uploadPath": "four"},
        )
    assert answer.json() == {"success": False, "code": 400, "msg": "uploadPath is too much"}
    assert f"{path}:6:7" in answer.headers["x-mockkie-why"]


def test_the_command_takes_overlays(tmp_path: Path) -> None:
    """From the environment, too: each of them is read, and in order."""
    good = written(tmp_path, "  - {target: $, update: {x-mockkie: {retention: PT1H}}}\n", "a.yaml")
    bad = written(tmp_path, "  - {target: $.nothing, update: {}}\n", "b.yaml")
    environment = {**os.environ, "MOCKKIE_OVERLAY": os.pathsep.join(map(str, (good, bad)))}
    command = [sys.executable, "-m", "mockkie", "serve", "--port", "0", "--data", "memory:"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert f"{bad}:4:6: $.nothing selects nothing in" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_example_of_the_page_on_overlays_is_one() -> None:
    page, example = (Path("docs") / name for name in ("learn.md", "one-day.overlay.yaml"))
    assert f"```yaml\n{example.read_text()}```" in page.read_text()
    settings = build_mock(overlay=example).service.settings
    assert (settings.retention, settings.expired_status) == (86_400_000, 410)


def test_the_shipped_document_is_not_changed_by_an_overlay(tmp_path: Path) -> None:
    path = written(tmp_path, "  - {target: $, update: {x-mockkie: {retention: PT1H}}}\n")
    build_mock(overlay=path)
    assert build_mock().service.settings.retention == 259_200_000
    assert yaml.safe_load(path.read_text())["actions"][0]["target"] == "$"
