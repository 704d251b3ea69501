"""What faults do, seen from a bare socket and by the journal; and whom they leave alone."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockkie.server import Server
from tests.clients import PATIENCE, Client, Form, Part, Reply, Wire, multipart
from tests.inside import BASE64, edited, inside
from tests.visitors import (
    FROZEN,
    ROUTES,
    WAYS,
    Visitor,
    path_of,
    serving,
    visiting,
    visitor_of,
)
from tests.vocabulary import content_of

KIB = 1024
TEXTS = {"uploadPath": "a", "fileName": "b.bin"}
FORM = {"Content-Type": "multipart/form-data; boundary=frontier"}
STREAM = f"POST {ROUTES['stream']}"


def arm(visitor: Visitor, fault: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """Add a fault to the visitor's world; `reset=5` is short for an action with a number."""
    if isinstance(fault, str):
        name, _, value = fault.partition("=")
        fault = {"then": {name: (int(value) if value.lstrip("-").isdecimal() else value) or True}}
    reply = visitor.control("POST", "/faults", {**fault, **more})
    assert reply.status == 201, reply.json
    state: dict[str, Any] = reply.json
    return state


def shots(visitor: Visitor) -> list[list[str]]:
    """What hit each request of the world."""
    return [entry["shots"] for entry in visitor.journal()]


@contextmanager
def uploading(visitor: Visitor, content: bytes = b"x", sent: int | None = None) -> Iterator[Wire]:
    """A connection on which (the first bytes of) an upload was sent."""
    body = multipart(TEXTS, Part(content))
    with visitor.wire() as wire:
        wire.head(STREAM, {**visitor.auth, **FORM, "Content-Length": str(len(body))})
        wire.send(body[:sent])
        yield wire


@contextmanager
def reading(visitor: Visitor, link: str) -> Iterator[Wire]:
    """A connection on which a file was asked for."""
    with visitor.wire() as wire:
        wire.head(f"GET {path_of(link)}", {})
        yield wire


def upload_is_reset(visitor: Visitor, content: bytes = b"x", sent: int | None = None) -> bool:
    """Whether an upload ends by a RST: then sending fails, or reading does."""
    try:
        with uploading(visitor, content, sent) as wire:
            wire.read_to_end()
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def is_reset(wire: Wire) -> bool:
    """Whether the connection ends by a RST; what came before it is thrown away."""
    try:
        wire.read_to_end()
    except ConnectionResetError:
        return True
    return False


# ---------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("then", "status", "msg"),
    [
        ({"status": 500}, 500, "Internal server error"),
        ({"status": 401}, 401, "Authentication failed: Invalid API Key"),
        ({"status": 503}, 503, "Service Unavailable"),
        ({"example": "invalid-base64"}, 400, "Base64 decoding failed: Invalid Base64 format"),
        ({"errorIn200": 500}, 200, "Internal server error"),
        ({"errorIn200": "missing-parameter"}, 200, "Missing required parameter: uploadPath"),
        ({"storageFull": True}, 500, "Internal server error"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_error_in_place_of_an_upload(
    guest: Visitor, way: str, then: dict[str, Any], status: int, msg: str
) -> None:
    arm(guest, {"operation": f"upload-file-{way}", "then": then})
    reply = guest.post(way, b"x" * 100_000, "a", "b.bin")
    assert (reply.status, reply.json["success"], reply.json["msg"]) == (status, False, msg)
    assert "fault" in reply.why
    assert "a/b.bin" not in guest.paths()
    [(name, value)] = then.items()
    told = name if value is True else f"{name}={value}"
    assert guest.journal()[-1]["shots"] == [f"fault 1: {told} (shot 1)"]


def test_an_error_in_place_of_an_upload_waits_for_its_body(guest: Visitor) -> None:
    arm(guest, "status=500")
    body = multipart(TEXTS, Part(bytes(10_000)))
    with uploading(guest, bytes(10_000), sent=5_000) as wire:
        wire.patience(0.2)
        with pytest.raises(TimeoutError):
            wire.reply()
        wire.patience(PATIENCE)
        wire.send(body[5_000:])
        assert wire.reply().status == 500


def test_any_answer(guest: Visitor) -> None:
    arm(
        guest,
        {"then": {"answer": {"status": 418, "body": {"a": [1]}, "headers": {"X-Tea": "green"}}}},
        times=1,
    )
    arm(guest, {"then": {"answer": {"status": 502, "body": "<h1>Bad</h1>"}}}, times=1)
    arm(guest, {"then": {"answer": 204}}, times=1)
    replies = [guest.post("stream", b"x") for _ in range(4)]
    assert [reply.status for reply in replies] == [418, 502, 204, 200]
    assert (replies[0].json, replies[0].headers["x-tea"]) == ({"a": [1]}, "green")
    assert (replies[1].body, replies[1].headers["content-type"]) == (
        b"<h1>Bad</h1>",
        "text/plain; charset=utf-8",
    )
    assert len(guest.paths()) == 1


def test_any_answer_to_head(guest: Visitor) -> None:
    arm(guest, {"then": {"answer": {"status": 503, "body": "gone"}}})
    reply = guest.ask("HEAD", f"{guest.downloads}/{guest.account}/a/b")
    assert (reply.status, reply.headers["content-length"], reply.body) == (503, "4", b"")
    assert guest.journal()[0]["sent"] == 0


def test_an_error_in_place_of_a_download(guest: Visitor) -> None:
    link = guest.upload("stream", b"x")["downloadUrl"]
    arm(guest, "status=500", operation="download-file")
    arm(guest, "example=link-expired", operation="inspect-file")
    assert guest.get(link).json["msg"] == "Internal server error"
    assert guest.ask("HEAD", link).status == 404
    assert guest.journal()[-1]["shots"] == ["fault 2: example=link-expired (shot 1)"]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"without": "/data/downloadUrl"}, {"downloadUrl": None}),
        ({"without": "/data"}, None),
        ({"rename": {"/data/downloadUrl": "fileUrl"}}, {"downloadUrl": None, "fileUrl": ...}),
        ({"put": {"/data/fileSize": "1", "/data/a~1b": [1]}}, {"fileSize": "1", "a/b": [1]}),
        ({"rename": {"/data/fileName": "a/b~c"}}, {"fileName": None, "a/b~c": "b.bin"}),
        ({"skew": "-PT5M"}, {"uploadedAt": "2025-01-01T11:55:00.000Z"}),
        ({"skew": "PT1H"}, {"uploadedAt": "2025-01-01T13:00:00.000Z"}),
    ],
    ids=str,
)
def test_an_answer_with_other_fields(
    guest: Visitor, then: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    guest.set_clock()
    arm(guest, {"then": then}, times=1)
    first, second = (guest.post("base64", b"x", "a", "b.bin") for _ in range(2))
    data = first.json.get("data")
    if expected is None:
        assert data is None
    else:
        link = second.json["data"]["downloadUrl"]
        wanted = {name: link if one is ... else one for name, one in expected.items()}
        assert {name: data.get(name) for name in wanted} == wanted
    assert set(second.json["data"]) == set(guest.upload("base64", b"x", "a", "b.bin"))
    assert guest.paths() == ["a/b.bin"]


def test_what_cannot_be_done_to_an_answer_is_told(guest: Visitor) -> None:
    link = guest.upload("stream", b"x")["downloadUrl"]
    arm(guest, "without=/nope")
    assert guest.post("stream", b"x").status == 200
    assert guest.get(link).body == b"x"
    notes = [entry["notes"][-1] for entry in guest.journal()[1:]]
    assert notes == [
        "fault 1 could not be carried out: the answer has no 'nope' there",
        "fault 1 could not be carried out: the answer is no JSON",
    ]


def test_the_examples_of_the_contract_stay_as_they_are(tmp_path: Path) -> None:
    def ping(document: dict[str, Any]) -> None:
        content = {"application/json": {"example": {"a": {"b": 1}}}}
        answer = {"description": "Pong.", "content": content}
        document["paths"]["/ping"] = {"get": {"operationId": "ping", "responses": {"200": answer}}}

    with inside(contract=edited(tmp_path, ping)) as mock:
        fault = {"operation": "ping", "times": 1, "then": {"without": "/a/b"}}
        assert mock.json("/__mockkie/faults", fault).status_code == 201
        answers = [mock.ask("GET", "/ping").json() for _ in range(2)]
    assert answers == [{"a": {}}, {"a": {"b": 1}}]


def test_malformed_json_and_a_wrong_type(guest: Visitor) -> None:
    arm(guest, "malformed", times=1)
    arm(guest, "contentType=text/html", times=1)
    reply = guest.post("stream", b"x")
    with pytest.raises(json.JSONDecodeError):
        reply.json  # noqa: B018 - it parses
    assert json.loads(reply.body + b"}")["success"] is True
    other = guest.post("stream", b"x")
    assert (other.headers["content-type"], other.json["code"]) == ("text/html", 200)


# ---------------------------------------------------------------------------- the request side


@pytest.mark.parametrize("after", [0, 1, 70_000])
def test_a_reset_while_the_body_is_coming(visitor: Visitor, after: int) -> None:
    arm(visitor, f"reset={after}", times=1)
    assert upload_is_reset(visitor, bytes(200_000), sent=100_000)
    [entry] = visitor.journal()
    assert (entry["decision"], entry["status"], entry["received"]) == ("broken", None, after)
    assert visitor.paths() == []
    assert visitor.upload("stream", b"x")["fileSize"] == 1


def test_a_reset_comes_at_the_end_of_a_short_body(guest: Visitor) -> None:
    link = guest.upload("stream", b"x")["downloadUrl"]
    arm(guest, "reset=1000000")
    assert upload_is_reset(guest, b"short")
    with reading(guest, link) as wire:
        assert is_reset(wire)
    assert guest.paths() == ["a/b/" + guest.paths()[0].rpartition("/")[2]]


def test_a_reset_comes_behind_a_refusal_too(guest: Visitor) -> None:
    arm(guest, "reset=1000")
    with guest.wire() as wire:
        headers = {**guest.auth, "Content-Type": "text/plain", "Content-Length": "100000"}
        wire.head(STREAM, headers)
        assert wire.reply().status == 400
        wire.send(bytes(2_000))
        assert is_reset(wire)
    [entry] = guest.journal()
    assert (entry["decision"], entry["status"], entry["received"]) == ("broken", 400, 1_000)


def test_nobody_reads_the_body_any_more(guest: Visitor) -> None:
    arm(guest, {"then": {"stall": {"afterBytes": 1_000, "for": "PT2S"}}})
    with uploading(guest, bytes(64 * KIB * KIB), sent=2_000) as wire:
        wire.patience(0.5)
        with pytest.raises(TimeoutError):  # the buffers are full
            wire.send(bytes(64 * KIB * KIB - 2_000))
    [entry] = until_written(guest)
    assert (entry["decision"], entry["received"]) == ("broken", 1_000)


def test_a_client_that_gives_up_ends_a_stall(guest: Visitor) -> None:
    arm(guest, "stall")
    with uploading(guest) as wire:
        wire.patience(0.1)
        with pytest.raises(TimeoutError):
            wire.reply()
    [entry] = until_written(guest)
    assert entry["seconds"] < 30


def test_a_stall_does_not_keep_a_mock_from_stopping(http: Client) -> None:
    with serving() as server:
        visitor = visitor_of(server, http)
        arm(visitor, "stall")
        stalled = visitor.wire()
        stalled.head(STREAM, {**visitor.auth, **FORM, "Content-Length": "100"})
        began = time.monotonic()
        while arm_state(visitor)["shots"] == 0:
            time.sleep(0.01)
    assert is_reset(stalled)
    stalled.close()
    assert time.monotonic() - began < 20  # not as long as the stall, nor the grace of a server


def arm_state(visitor: Visitor) -> dict[str, Any]:
    """The first fault of the world, with its counts."""
    state: dict[str, Any] = visitor.control("GET", "/faults/1").json
    return state


def until_written(visitor: Visitor) -> list[dict[str, Any]]:
    """The journal as soon as it has an entry."""
    while not (entries := visitor.journal()):
        time.sleep(0.01)
    return entries


def test_a_stall_ends_by_itself(guest: Visitor) -> None:
    arm(guest, {"then": {"stall": {"for": "PT0.1S"}}})
    assert upload_is_reset(guest)
    assert guest.journal()[0]["seconds"] >= 0.1


def test_a_body_is_read_slowly(guest: Visitor) -> None:
    arm(guest, "readRate=100000")
    assert guest.upload("stream", bytes(20_000))["fileSize"] == 20_000
    [entry] = guest.journal()
    assert (entry["decision"], entry["seconds"] >= 0.2) == ("accepted", True)


@pytest.mark.parametrize("status", [401, 413, 500])
def test_an_early_answer(guest: Visitor, status: int) -> None:
    arm(guest, {"then": {"early": {"status": status, "afterBytes": 10}}}, times=1)
    body = multipart(TEXTS, Part(bytes(300_000)))
    with uploading(guest, bytes(300_000), sent=1_000) as wire:
        assert wire.reply().status == status
        wire.send(body[1_000:])
        wire.head(STREAM, {**guest.auth, **FORM, "Content-Length": str(len(body))})
        wire.send(body)
        assert wire.reply().status == 200
    assert guest.journal()[0]["decision"] == "refused"


def test_an_early_answer_that_closes(guest: Visitor) -> None:
    arm(guest, {"then": {"early": {"status": 413, "close": True}}})
    with uploading(guest, bytes(300_000), sent=0) as wire:
        reply = wire.reply()
        assert (reply.status, reply.headers.get("connection")) == (413, None)
        assert wire.read_to_end() == b""
    assert guest.paths() == []


@pytest.mark.parametrize(
    "fault", ["closeAfter", {"then": {"early": {"status": 413, "close": True}}}, "truncate=5"]
)
def test_what_came_along_with_the_last_request_is_not_carried_out(
    guest: Visitor, fault: Any
) -> None:
    arm(guest, fault, times=1)
    body = multipart(TEXTS, Part(b"x"))
    fields = {**guest.auth, **FORM, "Host": "mock.test", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    asked = f"{STREAM} HTTP/1.1\r\n{head}\r\n".encode() + body
    with guest.wire() as wire:
        wire.send(asked + asked)
        wire.read_to_end()
    until_written(guest)
    guest.upload("stream", b"later", "a", "later.bin")
    assert [entry["path"] for entry in guest.journal()][1:] == ["a/later.bin"]


def test_stored_but_the_connection_drops(visitor: Visitor) -> None:
    arm(visitor, "dropAnswer")
    assert upload_is_reset(visitor)
    assert visitor.paths() == ["a/b.bin"]
    assert visitor.journal()[0]["sent"] == 0


def test_accepted_but_not_stored(visitor: Visitor) -> None:
    arm(visitor, "notStored", times=1)
    data = visitor.upload("stream", b"x", "a", "b.bin")
    assert visitor.get(data["downloadUrl"]).status == 404
    entry = visitor.journal()[0]
    assert (entry["notes"], entry["path"], entry["file"]) == ([], "a/b.bin", None)
    again = visitor.upload("stream", b"x", "a", "b.bin")
    assert visitor.get(again["downloadUrl"]).body == b"x"


# ------------------------------------------------------------------------------ the answer side


CONTENT = content_of(300 * KIB)


@pytest.fixture
def link(guest: Visitor) -> str:
    """A link to a file of 300 KiB."""
    found: str = guest.upload("stream", CONTENT, "a", "b.bin")["downloadUrl"]
    guest.control("DELETE", "/journal")
    return found


@pytest.mark.parametrize("after", [0, 1, 100_000])
def test_a_truncated_download(guest: Visitor, link: str, after: int) -> None:
    arm(guest, f"truncate={after}")
    with reading(guest, link) as wire:
        assert wire.reply_head().headers["content-length"] == str(len(CONTENT))
        assert wire.read_to_end() == CONTENT[:after]
    [entry] = guest.journal()
    assert (entry["decision"], entry["sent"]) == ("broken", after)


@pytest.mark.parametrize("after", [0, 100_000])
def test_a_reset_in_a_download(guest: Visitor, link: str, after: int) -> None:
    arm(guest, f"resetAnswer={after}")
    with reading(guest, link) as wire:
        assert wire.reply_head().status == 200
        assert wire.read(after) == CONTENT[:after]
        assert is_reset(wire)


def test_a_read_error_in_a_download(visitor: Visitor) -> None:
    link = visitor.upload("stream", CONTENT)["downloadUrl"]
    arm(visitor, "readError=100000")
    with reading(visitor, link) as wire:
        wire.reply_head()
        assert wire.read_to_end() == CONTENT[:100_000]
    assert visitor.journal()[-1]["decision"] == "broken"
    assert visitor.get(link, range="bytes=0-9").body == CONTENT[:10]


def test_a_dribbled_download(guest: Visitor, link: str) -> None:
    arm(guest, "dribble=1000000")
    assert guest.get(link, range="bytes=0-199999").body == CONTENT[:200_000]
    assert guest.journal()[0]["decision"] == "accepted"
    assert guest.get(link, range="bytes=0-99999").status == 206
    assert guest.journal()[0]["seconds"] >= 0.1


@pytest.mark.parametrize("by", [10, -10])
def test_a_wrong_length(guest: Visitor, link: str, by: int) -> None:
    arm(guest, f"wrongLength={by}")
    with reading(guest, link) as wire:
        assert wire.reply_head().headers["content-length"] == str(len(CONTENT) + by)
        assert wire.read_to_end() == CONTENT


def test_a_garbage_chunk(guest: Visitor, link: str) -> None:
    arm(guest, "garbageChunk")
    with reading(guest, link) as wire:
        head = wire.reply_head()
        assert head.headers["transfer-encoding"] == "chunked"
        assert "content-length" not in head.headers
        assert wire.read_to_end().endswith(b"\r\nzz\r\nthis is no chunk\r\n")
    with uploading(guest) as wire:
        assert wire.reply_head().status == 200
        assert b"zz\r\n" in wire.read_to_end()


def test_a_connection_that_is_closed_unannounced(guest: Visitor, link: str) -> None:
    arm(guest, "closeAfter", times=2)
    with reading(guest, link) as wire:
        reply = wire.reply("GET")
        assert (reply.body, reply.headers.get("connection")) == (CONTENT, None)
        with contextlib.suppress(ConnectionError):
            wire.head(f"GET {path_of(link)}", {})  # a second request that nobody ever looks at
            assert wire.read_to_end() == b""
    with uploading(guest) as wire:
        assert wire.reply().status == 200
        assert wire.read_to_end() == b""
    assert shots(guest) == [["fault 1: closeAfter (shot 1)"], ["fault 1: closeAfter (shot 2)"]]
    with uploading(guest) as wire:
        assert wire.reply().status == 200
        wire.head(f"GET {path_of(link)}", {})
        assert wire.reply("GET").status == 200


def test_nobody_looks_at_what_comes_on_a_connection_that_is_to_close(guest: Visitor) -> None:
    link = guest.upload("stream", bytes(4 * KIB * KIB))["downloadUrl"]
    guest.control("DELETE", "/journal")
    arm(guest, "closeAfter")
    with reading(guest, link) as wire:
        wire.reply_head()
        wire.head(f"GET {path_of(link)}", {})
        with contextlib.suppress(ConnectionResetError):
            wire.read_to_end()
    assert len(until_written(guest)) == 1


def test_faults_in_the_answer_leave_head_alone(guest: Visitor, link: str) -> None:
    for name in ("truncate=5", "dribble=1000", "resetAnswer=5", "wrongLength=5", "garbageChunk"):
        arm(guest, name, times=1)
        with guest.wire() as wire:
            wire.head(f"HEAD {path_of(link)}", {})
            assert wire.reply("HEAD").status == 200


def test_latency(guest: Visitor) -> None:
    arm(guest, {"then": {"latency": "PT0.1S"}}, times=1)
    arm(guest, {"then": {"latency": {"uniform": ["PT0.1S", "PT0.2S"]}}, "when": {"nth": 1}})
    guest.upload("stream", b"x")
    guest.upload("stream", b"x")
    first, second = guest.journal()
    [fixed, drawn] = first["shots"]
    assert fixed == "fault 1: latency=PT0.1S, 100 ms (shot 1)"
    millis = int(drawn.partition(", ")[2].partition('"], ')[2].partition(" ms")[0])
    assert 100 <= millis <= 200
    assert first["seconds"] >= 0.2
    assert second["shots"] == []


# ------------------------------------------------------------------------ quotas, time, storage


def test_a_quota(guest: Visitor) -> None:
    guest.set_clock()
    arm(guest, {"then": {"quota": {"limit": 2}}, "operation": "upload-*"})
    replies = [guest.post("base64", b"x", "a", "b") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].headers["retry-after"] == "60"
    assert replies[2].json == {"success": False, "code": 429, "msg": "Too Many Requests"}
    guest.advance(59)
    assert guest.post("base64", b"x", "a", "b").headers["retry-after"] == "1"
    guest.advance(1)
    assert guest.post("base64", b"x", "a", "b").status == 200


def test_a_quota_for_links(guest: Visitor) -> None:
    links = [guest.upload("stream", b"x", "a", name)["downloadUrl"] for name in "cd"]
    arm(guest, {"then": {"quota": {"limit": 1, "per": "link"}}})
    assert [guest.get(one).status for one in links * 2] == [200, 200, 429, 429]


def test_old_content_after_an_overwrite(visitor: Visitor) -> None:
    visitor.set_clock()
    arm(visitor, {"then": {"stale": "PT10M"}})
    first = visitor.upload("stream", CONTENT, "a", "b.bin")["downloadUrl"]
    assert visitor.get(first).body == CONTENT
    etag = visitor.get(first).headers["etag"]
    visitor.advance(60)
    assert visitor.upload("stream", b"new", "a", "b.bin")["downloadUrl"] == first
    for seconds in (0, 300, 299):
        visitor.advance(seconds)
        stale = visitor.get(first)
        assert (stale.body, stale.headers["etag"]) == (CONTENT, etag)
        assert visitor.get(first, range="bytes=0-4").body == CONTENT[:5]
    assert visitor.upload("base64", b"newest", "a", "b.bin")
    assert visitor.get(first).body == CONTENT
    visitor.advance(1)
    assert visitor.get(first).body == b"newest"
    assert visitor.paths() == ["a/b.bin"]
    stale_shots = [entry for entry in visitor.journal() if entry["shots"]]
    assert len(stale_shots) == 7


def test_what_had_expired_is_not_served_as_old_content() -> None:
    with inside() as mock:  # where no sweep comes by
        mock.json("/__mockkie/faults", {"then": {"stale": "P9D"}})
        for content in ("b2xk", "bmV3"):
            value = {"uploadPath": "a", "fileName": "b", "base64Data": content}
            answer = mock.json(BASE64, value)
            mock.advance("P3D" if content == "b2xk" else "PT1S")
        assert mock.ask("GET", answer.json()["data"]["downloadUrl"]).content == b"new"


def test_old_content_is_freed_in_the_end(server: Server, visitor: Visitor) -> None:
    arm(visitor, {"then": {"stale": "PT10M"}})
    for content in (b"old", b"new"):
        visitor.upload("stream", content, "a", "b")
    service = server.mock.service
    world = service.worlds.get(visitor.id)
    assert world is not None
    assert server.call(service.store.count(world.former)) == (1, 3)
    visitor.advance(600)
    visitor.advance(0)
    assert server.call(service.store.count(world.former)) == (0, 0)


def test_old_content_does_not_outlive_a_mock(tmp_path: Path, http: Client) -> None:
    seen = []
    for uploads in ((b"old", b"new"), ()):
        with serving(data=tmp_path / "data") as server:
            state = http.fetch("GET", f"{server.origin}/__mockkie/worlds").json["worlds"][0]
            visitor = Visitor(server.origin, server.origin, http, state)
            arm(visitor, {"then": {"stale": "P9D"}})
            for content in uploads:
                visitor.upload("stream", content, "a", "b")
            seen.append(visitor.get(f"{visitor.origin}/{visitor.account}/a/b").body)
    assert seen == [b"old", b"new"]


def test_no_old_content_when_the_fault_is_gone(visitor: Visitor) -> None:
    state = arm(visitor, {"then": {"stale": "PT10M"}, "when": {"every": 2}})
    link = visitor.upload("stream", b"old", "a", "b")["downloadUrl"]
    visitor.upload("stream", b"new", "a", "b")
    assert [visitor.get(link).body for _ in range(4)] == [b"new", b"old", b"new", b"old"]
    assert visitor.control("DELETE", f"/faults/{state['id']}").status == 204
    arm(visitor, {"then": {"stale": "PT10M"}})
    assert visitor.get(link).body == b"new"


@pytest.mark.parametrize(("span", "alive"), [("PT1H", [200, 404, 404]), ("P5D", [200, 200, 404])])
def test_files_that_end_early_or_late(visitor: Visitor, span: str, alive: list[int]) -> None:
    visitor.set_clock()
    arm(visitor, {"then": {"lifetime": span}, "when": {"file": "*.tmp"}})
    link = visitor.upload("stream", b"x", "a", "b.tmp")["downloadUrl"]
    other = visitor.upload("stream", b"x", "a", "b.bin")["downloadUrl"]
    visitor.advance(3_599)
    statuses = [visitor.get(link).status]
    visitor.advance(86_400 * 3)
    statuses.append(visitor.get(link).status)
    assert visitor.get(other).status == 404
    visitor.advance(86_400 * 2)
    assert [*statuses, visitor.get(link).status] == alive


def test_conditions_on_the_file(guest: Visitor) -> None:
    guest.set_clock()
    arm(guest, {"then": {"status": 500}, "when": {"file": "*.png"}, "operation": "upload-*"})
    arm(guest, {"then": {"status": 503}, "when": {"largerThan": 1_000}})
    arm(guest, {"then": {"example": "link-expired"}, "when": {"olderThan": "PT1H"}})
    named = [guest.post("base64", b"x", "a", name).status for name in ("b.png", "b.txt", "b.png")]
    assert named == [500, 200, 500]
    assert guest.post("base64", bytes(2_000), "a", "b.txt").status == 503
    link = guest.upload("base64", b"x", "a", "b.txt")["downloadUrl"]
    guest.advance(3_600)
    assert guest.get(link).status == 200
    guest.advance(1)
    assert guest.get(link).status == 404


# ----------------------------------------------------------------------- headers of the request


def with_header(visitor: Visitor, name: str, value: str) -> Reply:
    form = Form({"uploadPath": "a", "fileName": "b"}, Part(b"x"))
    url = visitor.origin + ROUTES["stream"]
    headers = {**visitor.auth, name: value}
    return visitor.client.fetch("POST", url, headers=headers, form=form)


@pytest.mark.parametrize(
    ("name", "value", "status", "why"),
    [
        ("X-Mockkie-Fault", "status=500", 500, "fault header 1: status=500"),
        ("X-Mockkie-Fault", '{"then": {"errorIn200": 401}}', 200, "fault header 1"),
        ("X-Mockkie-Fault", "status=500; operation=download-file", 200, ""),
        ("X-Mockkie-Fault", "statu=500", 400, "did you mean 'status'?"),
        ("X-Mockkie-Fault", "example=nope", 400, "no documented error"),
        ("X-Mockkie-Fault", "", 400, "needs `then`"),
        ("Prefer", "code=500", 500, "fault header 1: status=500"),
        ("Prefer", "code=200", 200, ""),
        ("Prefer", "code=418", 400, "there are: 200, 400, 401, 405, 500"),
        ("Prefer", "example=missing-parameter", 400, "fault header 1: example=missing-parameter"),
        ("Prefer", "example=uploaded", 200, ""),
        ("Prefer", "example=nope", 400, "there are: missing-parameter"),
        ("Prefer", "delay=0.05, code=401", 401, "fault header 2: status=401"),
        ("Prefer", "delay=PT0.05S", 200, ""),
        ("Prefer", "delay=soon", 400, "ISO 8601"),
        ("Prefer", "respond-async", 200, ""),
    ],
)
def test_a_header_asks_for_a_fault(
    guest: Visitor, name: str, value: str, status: int, why: str
) -> None:
    reply = with_header(guest, name, value)
    assert reply.status == status, reply.why
    assert why in reply.why
    assert (status == 200 and not why) == ("a/b" in guest.paths())
    assert with_header(guest, "X-Other", value).status == 200
    assert guest.control("GET", "/faults").json["faults"] == []


def test_a_header_asks_for_a_fault_of_a_download(guest: Visitor, link: str) -> None:
    assert guest.get(link, prefer="code=404").status == 404
    assert guest.get(link, x_mockkie_fault="status=500").status == 500
    assert guest.get(link, prefer="code=206").body == CONTENT
    assert [entry["operation"] for entry in guest.journal()] == ["download-file"] * 3


# -------------------------------------------------------------------------- whom it leaves alone


def test_faults_of_one_world_leave_others_alone(memory: Server, http: Client) -> None:
    with visiting(memory, http) as broken, visiting(memory, http) as other:
        arm(broken, "status=500")
        link = other.upload("stream", b"x", "a", "b")["downloadUrl"]
        assert broken.post("stream", b"x").status == 500
        assert broken.ask("GET", link, authorization=f"Bearer {broken.key}").body == b"x"
        assert other.control("GET", "/faults").json["faults"] == []
        assert shots(other) == [[], []]
        assert http.fetch("POST", broken.origin + ROUTES["stream"]).status == 401


def test_a_download_is_broken_by_the_world_of_its_link(guest: Visitor, link: str) -> None:
    arm(guest, "status=500")
    assert guest.get(link).status == 500
    assert guest.ask("GET", link, authorization="Bearer kie-mock-key").status == 500
    assert len(guest.journal()) == 2


@pytest.mark.parametrize("end", ["reset", "drop", "clear"])
def test_faults_survive_nothing(server: Server, http: Client, end: str) -> None:
    with visiting(server, http, id="mortal", keys=["mortal"]) as world:
        arm(world, {"then": {"stale": "P9D"}})
        arm(world, "latency=PT0S")
        world.upload("stream", b"old", "a", "b")
        link = world.upload("stream", b"new", "a", "b")["downloadUrl"]
        assert world.get(link).body == b"old"
        if end == "drop":
            http.fetch("DELETE", f"{world.origin}/__mockkie/worlds/mortal")
            http.fetch(
                "POST",
                f"{world.origin}/__mockkie/worlds",
                headers={"Content-Type": "application/json"},
                body=b'{"id": "mortal", "keys": ["mortal"]}',
            )
        elif end == "reset":
            world.control("POST", "/reset")
        else:
            assert world.control("DELETE", "/faults").json == {"deleted": 2}
            assert world.get(link).body == b"new"
        assert world.control("GET", "/faults").json["faults"] == []
        assert arm(world, {"then": {"stale": "P9D"}})["id"] == "1"
        link = world.upload("stream", b"newer", "a", "b")["downloadUrl"]
        assert world.get(link).body == (b"new" if end == "clear" else b"newer")


# ------------------------------------------------------------------------------- the control API


def test_faults_are_added_shown_and_removed(guest: Visitor) -> None:
    guest.set_clock()
    fault = {
        "operation": "upload-*",
        "path": "/api/*",
        "when": {"nth": 3},
        "times": 1,
        "seed": 7,
        "then": {"reset": {"afterBytes": 65536}},
    }
    state = arm(guest, fault)
    assert state == {"id": "1", **fault, "addedAt": FROZEN, "matched": 0, "shots": 0}
    other = arm(guest, "status=500", operation="upload-file-base64")
    guest.post("base64", b"x")
    listed = guest.control("GET", "/faults").json
    assert "flaky-network" in listed["scenarios"]
    assert [(one["id"], one["matched"], one["shots"]) for one in listed["faults"]] == [
        ("1", 1, 0),
        ("2", 1, 1),
    ]
    assert guest.control("GET", f"/faults/{other['id']}").json == listed["faults"][1]
    assert guest.control("DELETE", "/faults/1").status == 204
    for method in ("GET", "DELETE"):
        assert guest.control(method, "/faults/1").status == 404
    assert guest.control("DELETE", "/faults").json == {"deleted": 1}


def test_scripts_and_scenarios_are_added(guest: Visitor) -> None:
    script = {"seed": 7, "faults": [{"then": {"status": 500}}, {"seed": 8, "then": {"reset": 5}}]}
    reply = guest.control("POST", "/faults", script)
    assert [one["seed"] for one in reply.json["faults"]] == [7, 8]
    reply = guest.control("POST", "/faults", {"scenario": "outage", "seed": 3})
    assert [one["seed"] for one in reply.json["faults"]] == [3]
    assert len(guest.control("GET", "/faults").json["faults"]) == 3


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "a fault needs `then`"),
        ({"then": {"statu": 500}}, "then.statu: 'statu' is no action; did you mean 'status'?"),
        ({"then": {"status": 1}}, "then.status: 1 is not an HTTP status from 400 to 599"),
        ({"then": {"status": 500}, "operation": "uplod"}, "operation: 'uplod' is no operation"),
        ({"then": {"example": "nope"}}, "then.example: 'nope' is no documented error"),
        ({"then": {"status": 500}, "name": "a"}, "'name' is not known here"),
        ({"scenario": "flaky"}, "scenario: 'flaky' is no scenario; there are: expiring-links"),
        ({"faults": [{"then": {"status": 500}}, {"then": {}}]}, "faults.1.then: a fault does one"),
        ({"faults": []}, "faults: a script has a list of faults"),
    ],
)
def test_faults_that_cannot_be_are_refused(
    guest: Visitor, body: dict[str, Any], detail: str
) -> None:
    reply = guest.control("POST", "/faults", body)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert detail in reply.json["detail"]
    assert guest.control("GET", "/faults").json["faults"] == []
