"""The document of the control API and the code: each has what the other has, and says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from typing import Any, Final, get_args
from urllib.parse import urlsplit

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate
from starlette.routing import Mount, Route, Router

import mockkie
from mockkie import values
from mockkie.actions import WAYS
from mockkie.clock import parse_duration
from mockkie.conditions import CONDITIONS
from mockkie.control import CALLS, PREFIX, control_app
from mockkie.dashboard.site import VIEWS
from mockkie.journal import Decision
from mockkie.origin import WAYS as ORIGIN
from mockkie.quirks import QUIRKS, TOP
from mockkie.scenarios import scenarios
from mockkie.server import Server
from mockkie.values import Kind
from tests.clients import Client, Reply
from tests.control_document import (
    DOCUMENT,
    FILE,
    OPERATIONS,
    PAGES,
    Operation,
    Pointer,
    ask,
    at,
    events,
    judge,
    nodes,
)
from tests.visitors import JSON_TYPE, Visitor, serving, visitor_of

HEALTH: Final = ("/livez", "/readyz", "/metrics")
SCHEMAS: Final = DOCUMENT["components"]["schemas"]


# ------------------------------------------------------------------------------- the file itself


def test_it_is_a_document() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["info"]["version"] == mockkie.__version__


def test_it_is_plain_yaml() -> None:
    """Of what JSON has, without what only some readers of YAML know."""
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    assert "<<" not in FILE.read_text()


def test_every_operation_says_what_it_does() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in OPERATIONS.values():
        node = operation.node
        assert node["summary"].endswith("."), operation.id
        assert len(node["summary"]) < 120, operation.id
        assert set(node["tags"]) <= tags
        assert all(
            at((*operation.pointer, "responses", status))[1]["description"]
            for status in operation.statuses
        )


def test_everything_in_it_is_used() -> None:
    said = json.dumps(DOCUMENT)
    for kind, named in DOCUMENT["components"].items():
        for name in named:
            wanted = "worldKey" if kind == "securitySchemes" else f'"#/components/{kind}/{name}"'
            assert wanted in said.replace('"securitySchemes": {"worldKey"', ""), name


def described_examples() -> Iterator[tuple[Pointer, Any]]:
    """Every example and default, with the schema that it is of."""
    for pointer, node in nodes():
        if not isinstance(node, dict) or "x-event-data" in pointer:
            continue
        if "schema" in node:
            if "example" in node:
                yield (*pointer, "schema"), node["example"]
            for example in node.get("examples", {}).values():
                yield (*pointer, "schema"), example["value"]
        for word in ("default", "examples"):
            if word in node and {"type", "enum", "allOf", "anyOf"} & node.keys():
                listed = node[word] if word == "examples" else [node[word]]
                yield from ((pointer, value) for value in listed)


def test_its_examples_are_right() -> None:
    found = list(described_examples())
    for pointer, example in found:
        judge(pointer, example)
    assert len(found) > 70


def test_its_example_of_a_stream_is_right() -> None:
    content = ("content", "text/event-stream")
    where = (*OPERATIONS["follow-world"].pointer, "responses", "200", *content)
    [(name, data)] = events(at((*where, "example"))[1])
    judge((*where, "x-event-data", name), json.loads(data))


# ------------------------------------------------------------------------- the code's own tables


def registered(routes: Any, above: str = "") -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            inner: Any = route.app
            yield from registered(inner.routes, above + route.path)
        elif isinstance(route, Route):
            yield above + route.path


def test_every_route_of_the_control_api_is_in_it_and_no_other(memory: Server) -> None:
    app = control_app(memory.mock.service)
    assert isinstance(app, Router)
    written = [path for path in DOCUMENT["paths"] if not path.startswith(PAGES)]
    assert sorted(registered(app.routes)) == sorted(written)


def test_every_call_is_in_it_by_its_name() -> None:
    named = {
        **{PREFIX + path: methods for path, methods in CALLS.items()},
        **{PREFIX + path: views for path, views in VIEWS.items() if PREFIX + path in data_paths()},
    }
    in_code = {
        (method, path, call.__name__.replace("_", "-"))
        for path, methods in named.items()
        for method, call in methods.items()
    }
    others = (*HEALTH, f"{PREFIX}/origin/")
    in_document = {
        (one.method.upper(), one.path, one.id)
        for one in OPERATIONS.values()
        if not one.path.startswith(others)
    }
    assert in_code == in_document


def test_every_way_of_the_origin_is_in_it() -> None:
    in_code = {"/", *(way.path for way in ORIGIN)}
    above = f"{PREFIX}/origin"
    paths = {one.path for one in OPERATIONS.values() if one.path.startswith(above)}
    assert paths == {above + path for path in in_code}


def data_paths() -> list[str]:
    return [path for path in DOCUMENT["paths"] if path.startswith(PAGES)]


def test_what_the_dashboard_answers_with_data_is_in_it_and_no_page(guest: Visitor) -> None:
    """The rule of what is API: routes that answer with data, not pages, their parts and files."""
    guest.upload("stream", b"hello", "docs", "hello.txt")
    filled = {"world": guest.id, "seq:int": "1", "version": "0", "name": "icon.svg"}
    every = [(method, path) for path, views in VIEWS.items() for method in views]
    for method, path in sorted(every):  # what is read before what is changed
        target = PREFIX + path
        for name, value in filled.items():
            target = target.replace(f"{{{name}}}", value)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = b"" if method == "POST" else None
        reply = ask(guest.origin, method, f"{target}?path=docs%2Fhello.txt", form, body)
        is_page = reply.headers.get("content-type", "").startswith("text/html")
        leads_to_one = reply.status in (303, 307)
        assert (is_page or leads_to_one) == (PREFIX + path not in data_paths()), (method, target)


def settings_schema(name: str) -> dict[str, Any]:
    top, _, below = name.partition(".")
    schema = SCHEMAS["Settings"]["properties"][top]
    found: dict[str, Any] = schema["properties"][below] if below else schema
    return found


@pytest.mark.parametrize("name", [name for name, quirk in QUIRKS.items() if not quirk.whole])
def test_a_setting_is_what_the_code_has(name: str) -> None:
    quirk, schema = QUIRKS[name], dict(settings_schema(name))
    usual = quirk.default if isinstance(quirk.default, str) else json.dumps(quirk.default)
    assert schema.pop("description") == f"{quirk.does}; usually `{usual}`"
    if quirk.kind.duration:
        assert schema == {"allOf": [{"$ref": "#/components/schemas/Duration"}]}
    else:
        assert schema == quirk.kind.schema


def test_it_has_all_settings_and_no_other() -> None:
    whole = {name for name, quirk in QUIRKS.items() if quirk.whole}
    properties = SCHEMAS["Settings"]["properties"]
    assert list(properties) == ["profile", *(name for name in TOP if name not in whole)]
    assert list(SCHEMAS["RunningSettings"]["properties"]) == list(TOP)
    below = {
        f"{top}.{name}"
        for top in TOP
        if top in properties
        for name in properties[top].get("properties", ())
    }
    assert below == {name for name in QUIRKS if "." in name}


KINDS: Final[Mapping[Kind, str]] = {
    values.COUNT: "Count",
    values.BYTES: "Bytes",
    values.DIFFERENCE: "Difference",
    values.RATE: "Count",
    values.ERROR: "ErrorStatus",
    values.STATUS: "Status",
    values.NAMED_ERROR: "NamedError",
    values.TEXT: "Text",
    values.FLAG: "Flag",
    values.MEDIA: "MediaType",
    values.POINTER: "JsonPointer",
    values.EDITS: "Edits",
    values.RENAMES: "Renames",
    values.HEADERS: "Headers",
    values.JSON: "Json",
    values.SPAN: "Duration",
    values.WINDOW: "Duration",
    values.SHIFT: "Shift",
    values.RANGE: "TwoDurations",
    values.NORMAL: "TwoDurations",
    values.PER: "Per",
}


def ref(kind: Kind) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{KINDS[kind]}"}


def test_it_has_all_actions_and_no_other() -> None:
    assert list(SCHEMAS["Action"]["properties"]) == list(WAYS)
    assert list(SCHEMAS["When"]["properties"]) == list(CONDITIONS)


@pytest.mark.parametrize("name", WAYS)
def test_an_action_is_what_the_code_has(name: str) -> None:
    way, schema = WAYS[name], SCHEMAS["Action"]["properties"][name]
    whole, *short = schema["anyOf"]  # the form of answers first: generated clients try in order
    needed = [key for key in way.parameters if key not in way.defaults]
    plain = {"const": True} in short
    assert schema["description"] == way.does
    assert whole.get("properties", {}) == {key: ref(kind) for key, kind in way.parameters.items()}
    assert whole.get("required", []) == needed
    assert plain == (not needed and name != "latency")
    expected = [] if way.short is None else [ref(way.parameters[way.short])]
    assert [one for one in short if one != {"const": True}] == expected


def test_its_lists_of_words_are_the_code_s() -> None:
    assert SCHEMAS["ScenarioName"]["enum"] == scenarios()
    assert SCHEMAS["Entry"]["properties"]["decision"]["enum"] == list(get_args(Decision))


def test_what_is_left_out_of_a_body_has_no_default() -> None:
    """Generated clients send defaults: all settings, or another seed than the script's."""
    assert [name for name, schema in SCHEMAS.items() if '"default"' in json.dumps(schema)] == []


LETTERS: Final = st.text("P0123456789.WDTHMSY-", max_size=12)


@given(st.from_regex(SCHEMAS["Duration"]["pattern"], fullmatch=True) | LETTERS)
def test_its_durations_are_those_of_the_clock(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        accepted = "too long" in str(error)
    else:
        accepted = True
    assert accepted == (re.fullmatch(SCHEMAS["Duration"]["pattern"], text) is not None)


# ------------------------------------------------------------------------------- how it is served


@pytest.mark.parametrize("word", ["yaml", "json"])
def test_the_mock_serves_it(memory: Server, word: str) -> None:
    reply = ask(memory.origin, "GET", f"/__mockkie/openapi.{word}")
    assert reply.headers["content-type"] == f"application/{word}"
    if word == "yaml":
        assert reply.body == FILE.read_bytes()
    else:
        assert reply.json == DOCUMENT


def test_a_mock_starts_without_it() -> None:
    code = (
        "import sys, mockkie.cli\n"
        "read = []\n"
        "sys.addaudithook(lambda name, told: name == 'open' and read.append(str(told[0])))\n"
        "from mockkie.server import Server\n"
        "server = Server(mockkie.build_mock())\n"
        "server.start()\n"
        "server.stop()\n"
        "print([name for name in read if name.endswith('.yaml')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "openapi.yaml" in done.stdout
    assert FILE.name not in done.stdout


def test_the_page_of_the_contract_leads_to_it(memory: Server) -> None:
    page = ask(memory.origin, "GET", "/__mockkie/ui/default/contract").body.decode()
    for word in ("yaml", "json"):
        assert f'href="/__mockkie/openapi.{word}"' in page


# ----------------------------------------------------------------------- every answer of a mock


@pytest.fixture(scope="module")
def alone() -> Iterator[Server]:
    """A mock whose worlds are this module's."""
    with serving(metrics=True) as server:
        yield server


@pytest.fixture
def prepared(alone: Server, http: Client) -> Iterator[Visitor]:
    """A world with what the document's examples are about; other worlds are gone afterwards."""
    visitor = visitor_of(alone, http, id="prepared")
    visitor.upload("stream", b"hello, world", "docs", "hello.txt")
    visitor.post("stream", b"x", "../a")
    visitor.control("POST", "/faults", {"then": {"status": 500}, "times": 1})
    yield visitor
    for name in [one["id"] for one in visitor.control("GET", "/worlds").json["worlds"]]:
        if name != "default":
            visitor.client.fetch("DELETE", f"{visitor.origin}/__mockkie/worlds/{name}")


def send(
    visitor: Visitor, operation: Operation, given: Mapping[str, Any], body: Any = None, **more: str
) -> Reply:
    """Ask as the document says, with these parameters."""
    target, headers = operation.target({**given})
    headers = {**visitor.auth, **headers, **more}
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    if content is not None:
        headers["Content-Type"] = "application/json"
    return ask(visitor.origin, operation.method, target, headers, content)


def placed(operation: Operation, visitor: Visitor) -> dict[str, Any]:
    """The parameters of the document's examples, about this world."""
    given = operation.examples
    return {**given, "world": visitor.id} if "world" in given else given


Sent = tuple[Mapping[str, Any], Any]
SPECIAL: Final[Mapping[tuple[str, str], Sent]] = {
    ("drop-world", "404"): ({"id": "nobody"}, None),
    ("drop-world", "409"): ({"id": "default"}, None),
    ("create-world", "409"): ({}, {"id": "default"}),
    ("delete-files", "404"): ({"path": "no/such"}, None),
    ("show-fault", "404"): ({"id": "99"}, None),
    ("remove-fault", "404"): ({"id": "99"}, None),
    ("read-content", "404"): ({"path": "no/such"}, None),
    ("read-content", "416"): ({"Range": "bytes=99-"}, None),
    ("follow-world", "404"): ({"world": "nobody"}, None),
    ("origin-slow", "400"): ({"seconds": "soon"}, None),
    ("origin-dribble", "400"): ({"seconds": "121"}, None),
    ("origin-redirect", "400"): ({"n": "1001"}, None),
    ("origin-redirect", "200"): ({"n": "0"}, None),
    ("origin-large", "400"): ({"bytes": "-1"}, None),
    ("origin-redirect-to", "400"): ({"url": ""}, None),
    ("origin-status", "2XX"): ({"code": "204"}, None),
    ("origin-status", "3XX"): ({"code": "304"}, None),
    ("origin-status", "4XX"): ({"code": "no"}, None),
    **{
        (f"origin-{way}", "404"): ({"name": "cat.unheard-of"}, None)
        for way in "files slow dribble redirect broken mistyped untyped attachment".split()
    },
    ("origin-missing", "404"): ({}, None),
}
WRONG: Final[Mapping[str, Any]] = {
    "set-clock": {"now": "noon"},
    "advance-clock": {"duration": "3 days"},
    "create-world": {"id": "a/b"},
    "change-settings": {"errorTransport": "carrier pigeon"},
    "add-faults": {"then": {"reset": {"afterByte": 1}}},
}


def refused(visitor: Visitor, operation: Operation, status: str) -> Reply:
    """Have an operation say no, in the way that all of them do."""
    given = placed(operation, visitor)
    ways: dict[str, Callable[[], Reply]] = {
        "400": lambda: (
            send(visitor, operation, given, WRONG[operation.id])
            if operation.id in WRONG
            else send(visitor, operation, {**given, "strange": "1"})
        ),
        "401": lambda: send(visitor, operation, given, Authorization="Bearer wrong"),
        "403": lambda: send(visitor, operation, given, Host="evil.example"),
        "413": lambda: send(visitor, operation, given, b'{"now": "' + b"0" * 1_100_000 + b'"}'),
    }
    return ways[status]()


@pytest.mark.parametrize(
    ("name", "status"), [(one.id, status) for one in OPERATIONS.values() for status in one.statuses]
)
def test_every_answer_that_is_documented_is_given(
    prepared: Visitor, name: str, status: str
) -> None:
    operation, before = OPERATIONS[name], state_of(prepared)
    if (name, status) in SPECIAL:
        given, body = SPECIAL[name, status]
        reply = send(prepared, operation, {**placed(operation, prepared), **given}, body)
    elif status in ("400", "401", "403", "413"):
        reply = refused(prepared, operation, status)
    else:
        reply = succeed(prepared, operation, status)
    assert status in (str(reply.status), f"{reply.status // 100}XX")
    operation.judge(reply)
    if reply.status >= 400:
        assert state_of(prepared) == before


def succeed(visitor: Visitor, operation: Operation, status: str) -> Reply:
    if operation.id == "drop-world":
        visitor_of_name(visitor, "mine")
    given = placed(operation, visitor)
    if status == "200":
        given.pop("Range", None)
    bodies = operation.bodies or {"": None}
    for body in bodies.values():
        if body is not None:
            judge(operation.body_pointer, body)
        reply = send(visitor, operation, given, body)
        operation.judge(reply)
    return reply


def visitor_of_name(visitor: Visitor, name: str) -> None:
    url = f"{visitor.origin}/__mockkie/worlds"
    body = b'{"id": "%b"}' % name.encode()
    assert visitor.client.fetch("POST", url, headers=JSON_TYPE, body=body).status == 201


def state_of(visitor: Visitor) -> Any:
    """What a refused call must not change."""
    clock = visitor.control("GET", "/clock").json
    worlds = visitor.control("GET", "/worlds").json["worlds"]
    parts = [visitor.control("GET", path).json for path in ("/settings", "/faults")]
    kept = [(one["id"], one["keys"], one["files"]) for one in worlds]
    return kept, clock["frozen"], round(clock["offset"]), parts


def test_an_event_is_as_the_document_says(prepared: Visitor) -> None:
    operation = OPERATIONS["follow-world"]
    reply = send(prepared, operation, {"world": prepared.id})
    [(name, data)] = events(reply.body.decode())
    where = (*operation.pointer, "responses", "200", "content", "text/event-stream")
    judge((*where, "x-event-data", name), json.loads(data))


def test_a_journal_of_all_kinds_is_as_the_document_says(prepared: Visitor) -> None:
    prepared.control("DELETE", "/faults")
    data = prepared.upload("url", b"content", "docs", "b.bin")
    prepared.upload("base64", b"content", "docs", "c.bin")
    prepared.control("POST", "/faults", {"then": {"dropAnswer": True}, "times": 1})
    with pytest.raises((OSError, HTTPException)):
        ask(prepared.downloads, "GET", urlsplit(data["downloadUrl"]).path)
    prepared.get(f"{prepared.downloads}/{prepared.account}/no/such")
    operation = OPERATIONS["list-journal"]
    reply = send(prepared, operation, {})
    operation.judge(reply)
    decisions = {entry["decision"] for entry in reply.json["entries"]}
    assert {"accepted", "refused"} <= decisions


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_a_method_that_is_not_in_it_is_refused_with_those_that_are(
    prepared: Visitor, path: str
) -> None:
    there = [one for one in OPERATIONS.values() if one.path == path]
    documented = {one.method.upper() for one in there}
    target, _ = there[0].target(placed(there[0], prepared))
    for method in {"GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"} - documented:
        reply = ask(prepared.origin, method, target.partition("?")[0], prepared.auth)
        assert reply.status == 405
        assert set(reply.headers["allow"].split(", ")) - {"HEAD"} == documented - {"HEAD"}
        if not path.startswith(PAGES):
            judge(("components", "schemas", "Problem"), reply.json)


@pytest.mark.parametrize("path", ["/nothing", "/clock/", "/worlds/", "/origin/nothing"])
def test_a_path_that_is_not_in_it_is_refused(memory: Server, path: str) -> None:
    reply = ask(memory.origin, "GET", PREFIX + path)
    assert reply.status == 404
    judge(("components", "schemas", "Problem"), reply.json)


def test_the_settings_of_another_document_are_as_it_says(tmp_path: Any, http: Client) -> None:
    """Nothing is said in it of what is not said in that one."""
    contract = tmp_path / "small.yaml"
    contract.write_text(
        'openapi: 3.1.0\ninfo: {title: T, version: "1"}\npaths:\n'
        '  /a: {get: {operationId: a, responses: {"200": {description: A.}}}}\n'
    )
    with serving(contract=contract) as server:
        reply = http.fetch("GET", f"{server.origin}/__mockkie/settings")
        OPERATIONS["show-settings"].judge(reply)
        assert reply.json["settings"]["expiredLink"]["status"] is None


def test_the_judge_of_answers_bites(prepared: Visitor) -> None:
    operation = OPERATIONS["show-clock"]
    right = send(prepared, operation, {})
    operation.judge(right)
    for wrong in ({"now": "noon"}, {"offset": "0"}, {"more": 1}):
        body = json.dumps({**right.json, **wrong}).encode()
        with pytest.raises(jsonschema.ValidationError):
            operation.judge(Reply(200, right.headers, body))
    with pytest.raises(AssertionError):
        operation.judge(Reply(418, right.headers, right.body))
    with pytest.raises(AssertionError):
        operation.judge(Reply(200, {"content-type": "text/plain"}, right.body))


def test_the_page_has_the_table_of_all_operations() -> None:
    page = (FILE.parent.parent / "docs" / "control.md").read_text()
    rows = [
        f"| `{one.method.upper()} {one.path}` | `{one.id}` | {one.node['summary']} |"
        for one in OPERATIONS.values()
    ]
    methods = "|".join(sorted({one.method.upper() for one in OPERATIONS.values()}))
    assert [row for row in page.splitlines() if re.match(rf"\| `(?:{methods}) ", row)] == rows


def test_the_page_says_how_it_says_no() -> None:
    page = (FILE.parent.parent / "docs" / "control.md").read_text()
    told = set(re.findall(r"^\| (4\d\d) \|", page, re.MULTILINE))
    statuses = {
        status
        for one in OPERATIONS.values()
        if not one.path.startswith((PAGES, f"{PREFIX}/origin"))
        for status in one.statuses
        if status.startswith("4")
    }
    assert told == statuses | {"405"}
