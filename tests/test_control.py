"""The control API: its shapes, and how it says no."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from blake3 import blake3

from mockkie.server import Server
from tests.clients import Client, Form, Part, Reply, multipart
from tests.visitors import (
    FROZEN,
    JSON_TYPE,
    ROUTES,
    Visitor,
    serving,
    visiting,
    visitor_of,
)

PREFIX = "/__mockkie"


def check_problem(reply: Reply, status: int) -> str:
    """Check that it is an RFC 9457 problem of that status; returns its detail."""
    assert reply.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = reply.json
    assert (reply.status, problem["status"]) == (status, status)
    assert problem["type"] == "about:blank"
    detail: str = problem["detail"]
    return detail


def raw(visitor: Visitor, method: str, path: str, body: bytes) -> Reply:
    url = f"{visitor.origin}{PREFIX}{path}"
    return visitor.client.fetch(method, url, headers={**visitor.auth, **JSON_TYPE}, body=body)


def test_the_clock_shows_time_offset_and_whether_it_is_frozen(visitor: Visitor) -> None:
    state = visitor.control("GET", "/clock").json
    assert set(state) == {"now", "offset", "frozen"}
    assert (state["offset"], state["frozen"]) == (0.0, False)
    frozen = visitor.control("PUT", "/clock", {"now": FROZEN, "frozen": True}).json
    assert (frozen["now"], frozen["frozen"]) == (FROZEN, True)
    assert frozen["offset"] < 0
    assert visitor.control("GET", "/clock").json["now"] == FROZEN


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ({"seconds": 0}, "2025-01-01T12:00:00.000Z"),
        ({"seconds": 1.5}, "2025-01-01T12:00:01.500Z"),
        ({"duration": "P3D"}, "2025-01-04T12:00:00.000Z"),
        ({"duration": "PT24H"}, "2025-01-02T12:00:00.000Z"),
        ({"duration": "P1W"}, "2025-01-08T12:00:00.000Z"),
        ({"duration": "P1DT1H1M1.001S"}, "2025-01-02T13:01:01.001Z"),
    ],
)
def test_a_clock_advances(visitor: Visitor, body: dict[str, Any], now: str) -> None:
    visitor.set_clock()
    reply = visitor.control("POST", "/clock/advance", body)
    assert reply.status == 200
    assert (reply.json["now"], reply.json["frozen"]) == (now, True)


def test_a_clock_that_flows_flows_on_after_a_jump(guest: Visitor) -> None:
    guest.set_clock(frozen=False)
    assert guest.control("GET", "/clock").json["frozen"] is False
    assert guest.control("GET", "/clock").json["now"] >= FROZEN
    reply = guest.control("POST", "/clock/advance", {"duration": "P365D"})
    assert reply.json["now"] >= "2026-01-01T12:00:00.000Z"


def test_freezing_and_thawing_keep_the_moment(guest: Visitor) -> None:
    guest.set_clock()
    assert guest.control("PUT", "/clock", {"frozen": False}).json["now"][:18] == FROZEN[:18]
    frozen = guest.control("PUT", "/clock", {"frozen": True}).json
    assert guest.control("GET", "/clock").json["now"] == frozen["now"]
    assert guest.control("PUT", "/clock", {"now": FROZEN}).json["frozen"] is True


def test_a_time_may_be_in_any_zone(guest: Visitor) -> None:
    reply = guest.control("PUT", "/clock", {"now": "2025-01-01T14:00:00+02:00", "frozen": True})
    assert reply.json["now"] == FROZEN


def test_a_clock_goes_back_to_real_time(guest: Visitor) -> None:
    guest.set_clock()
    reply = guest.control("DELETE", "/clock")
    assert (reply.json["offset"], reply.json["frozen"]) == (0.0, False)
    assert reply.json["now"] > "2026"


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_a_clock_shows_the_years_1_to_9999(guest: Visitor, now: str) -> None:
    guest.set_clock(now)
    assert guest.control("GET", "/clock").json["now"] == isoformat(now)
    assert guest.upload("stream", b"x")["uploadedAt"] == isoformat(now)
    assert guest.journal()[0]["at"] == isoformat(now)


def isoformat(text: str) -> str:
    return text if "." in text else text.replace("Z", ".000Z")


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_files_are_listed_in_any_year(guest: Visitor, now: str) -> None:
    guest.set_clock(now)
    guest.upload("stream", b"x", "a", "b")
    assert guest.paths() == ["a/b"]


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("POST", "/clock/advance", b"", '{"seconds": N}'),
        ("POST", "/clock/advance", b"{}", '{"seconds": N}'),
        ("POST", "/clock/advance", b'{"seconds": 1, "duration": "P1D"}', '{"seconds": N}'),
        ("POST", "/clock/advance", b'{"seconds": "1"}', "a number"),
        ("POST", "/clock/advance", b'{"seconds": true}', "a number"),
        ("POST", "/clock/advance", b'{"seconds": null}', "a number"),
        ("POST", "/clock/advance", b'{"seconds": -1}', "only advances"),
        ("POST", "/clock/advance", b'{"seconds": -1e-300}', "only advances"),
        ("POST", "/clock/advance", b'{"seconds": 1e300}', "9999"),
        ("POST", "/clock/advance", b'{"seconds": 1e307}', ""),
        ("POST", "/clock/advance", b'{"seconds": NaN}', "not JSON"),
        ("POST", "/clock/advance", b'{"duration": "3 days"}', "P3D"),
        ("POST", "/clock/advance", b'{"duration": "P1M"}', "P3D"),
        ("POST", "/clock/advance", b'{"duration": "-P1D"}', "P3D"),
        ("POST", "/clock/advance", b'{"duration": "P"}', "P3D"),
        ("POST", "/clock/advance", b'{"duration": 3}', "P3D"),
        ("POST", "/clock/advance", b'{"duration": "P999999999999W"}', "too long"),
        ("POST", "/clock/advance", b'{"duration": "P' + b"9" * 5_000 + b'D"}', "too long"),
        ("POST", "/clock/advance", b'{"duration": "P3000000D"}', "9999"),
        ("POST", "/faults", b'{"times": 2000000000000, "then": {"status": 500}}', "is more than"),
        ("POST", "/faults", b'{"then": {"stall": {"for": "P9999999999W"}}}', "too long a time"),
        ("PATCH", "/settings", b'{"retention": "P9999999999W"}', "too long a time"),
        ("POST", "/clock/advance", b'{"days": 3}', "'days' is not known"),
        ("POST", "/clock/advance", b"{", "not JSON"),
        ("POST", "/clock/advance", b"\xff", "not JSON"),
        ("POST", "/clock/advance", b"[1]", "a JSON object"),
        ("POST", "/clock/advance", b"null", "a JSON object"),
        ("PUT", "/clock", b"", "now"),
        ("PUT", "/clock", b"{}", "now"),
        ("PUT", "/clock", b'{"now": 5}', "now"),
        ("PUT", "/clock", b'{"frozen": "yes"}', "frozen"),
        ("PUT", "/clock", b'{"now": "2025-01-01T12:00:00"}', "zone"),
        ("PUT", "/clock", b'{"now": "2025-01-01"}', "zone"),
        ("PUT", "/clock", b'{"now": "noon"}', "2025-01-01T12:00:00Z"),
        ("PUT", "/clock", b'{"now": "10000-01-01T00:00:00Z"}', "2025-01-01T12:00:00Z"),
        ("PUT", "/clock", b'{"now": "9999-12-31T23:59:59-01:00"}', "9999"),
        ("PUT", "/clock", b'{"now": "0001-01-01T00:00:00+01:00"}', "9999"),
        ("PUT", "/clock", b'{"offset": 5}', "'offset' is not known"),
        ("POST", "/worlds", b'{"name": "a"}', "'name' is not known"),
        ("POST", "/worlds", b'{"id": ""}', "id"),
        ("POST", "/worlds", b'{"id": "a/b"}', "id"),
        ("POST", "/worlds", b'{"id": 5}', "id"),
        ("POST", "/worlds", b'{"keys": "a"}', "keys"),
        ("POST", "/worlds", b'{"keys": [""]}', "keys"),
        ("POST", "/worlds", b'{"keys": [5]}', "keys"),
        ("POST", "/worlds", b'{"keys": ["a\\nb"]}', "keys"),
        ("GET", "/files?limit=0", b"", "limit"),
        ("GET", "/files?limit=x", b"", "limit"),
        ("GET", "/files?limit=-1", b"", "limit"),
        ("GET", "/files?limit=%D9%A1", b"", "limit"),
        ("GET", "/journal?limit=0", b"", "limit"),
        ("GET", "/journal?after=-1", b"", "after"),
        ("GET", "/journal?after=x", b"", "after"),
        ("GET", "/files?limit=1&limit=2", b"", "limit stands in the query twice"),
        ("GET", "/files?limits=1", b"", "'limits' is no query parameter of this call; known are"),
        ("DELETE", "/files?paht=a", b"", "known are: path"),
        ("POST", "/reset?world=mine", b"", "it has none"),
        ("POST", "/reset", b'{"id": "mine"}', "takes no body"),
        ("POST", "/reset", b" " * 100 + b"x" * 2_000_000, "takes no body"),
        ("DELETE", "/files", b'{"path": "a"}', "takes no body"),
        ("DELETE", "/clock", b"now", "takes no body"),
        ("POST", "/worlds", b'{"id": "."}', "not . or .."),
        ("POST", "/worlds", b'{"id": ".."}', "not . or .."),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_call_that_makes_no_sense_is_refused_and_changes_nothing(
    guest: Visitor, method: str, path: str, body: bytes, detail: str
) -> None:
    guest.set_clock()
    reply = raw(guest, method, path, body)
    assert detail in check_problem(reply, 400)
    assert guest.control("GET", "/clock").json["now"] == FROZEN


@pytest.mark.parametrize("body", [None, b"", b"{}", b" {}\n", b"null"])
def test_a_call_without_a_body_may_have_an_empty_one(guest: Visitor, body: bytes | None) -> None:
    """As some clients send it."""
    url = f"{guest.origin}{PREFIX}/reset"
    assert guest.client.fetch("POST", url, headers=guest.auth, body=body).status == 204


@pytest.mark.parametrize(
    ("method", "path", "around"),
    [
        ("POST", "/faults", '{"then": {"answer": {"body": %s}}}'),
        ("PATCH", "/settings", '{"extraData": {"a": %s}}'),
        ("POST", "/worlds", '{"settings": {"extraData": {"a": %s}}}'),
    ],
)
def test_what_is_nested_too_deep_to_be_shown_again_is_refused(
    guest: Visitor, method: str, path: str, around: str
) -> None:
    """All of it could be read, and nothing of the world could be listed from then on."""
    for levels, status in ((90, 200), (101, 400), (300, 400), (900, 400)):
        reply = raw(guest, method, path, (around % ("[" * levels + "]" * levels)).encode())
        assert reply.status == status or (status == 200 and reply.status == 201)
        if status == 400:
            assert "100 levels" in check_problem(reply, 400)
        assert guest.control("GET", "/faults").status == 200
        assert guest.control("GET", "/settings").status == 200


def test_a_number_of_any_length_is_no_trouble(guest: Visitor) -> None:
    for path in ("/files?limit=", "/journal?limit=", "/journal?after="):
        reply = guest.control("GET", path + "9" * 5_000)
        assert reply.status in (200, 400)


def test_a_large_body_is_refused(guest: Visitor) -> None:
    reply = raw(guest, "POST", "/clock/advance", b'{"duration": "' + b"x" * 2_000_000 + b'"}')
    assert "small" in check_problem(reply, 413)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/clock", "GET, PUT, DELETE"),
        ("/clock/advance", "POST"),
        ("/worlds", "GET, POST"),
        ("/worlds/default", "DELETE"),
        ("/files", "GET, DELETE"),
        ("/journal", "GET, DELETE"),
        ("/reset", "POST"),
    ],
)
def test_a_wrong_method_is_refused_with_the_right_ones(
    guest: Visitor, path: str, allow: str
) -> None:
    for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - set(allow.split(", ")):
        reply = guest.control(method, path)
        assert path.split("/")[1] in check_problem(reply, 405)
        assert reply.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/clocks", "/clock/", "/worlds/a/b", "/files/a"])
def test_an_unknown_call_is_told_what_there_is(guest: Visitor, path: str) -> None:
    assert f"{PREFIX}/clock/advance" in check_problem(guest.control("GET", path), 404)


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Basic {key}", "{key}", "", "Bearer \u00e9"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/clock"), ("DELETE", "/files"), ("GET", "/journal"), ("POST", "/reset")],
)
def test_an_unknown_key_does_not_act_on_another_world(
    guest: Visitor, header: str, method: str, path: str
) -> None:
    headers = {"Authorization": header.format(key=guest.key).encode().decode("latin-1")}
    head = [
        f"{method} {PREFIX}{path} HTTP/1.1",
        "Host: a",
        f"Authorization: {headers['Authorization']}",
    ]
    with guest.wire() as wire:
        wire.send("\r\n".join([*head, "", ""]).encode("latin-1"))
        detail = check_problem(wire.reply(), 401)
    assert "no world has this key" in detail
    assert guest.key not in detail


def test_without_a_key_a_call_is_about_the_default_world(http: Client) -> None:
    with serving(keys=["own"]) as server:
        url = f"{server.origin}{PREFIX}"
        body = b'{"now": "%b", "frozen": true}' % FROZEN.encode()
        http.fetch("PUT", f"{url}/clock", headers=JSON_TYPE, body=body)
        own = http.fetch("GET", f"{url}/clock", headers={"Authorization": "Bearer own"})
        assert own.json["now"] == FROZEN
        other = visitor_of(server, http)
        assert other.control("GET", "/clock").json["now"] != FROZEN


def test_a_world_is_made_listed_and_dropped(server: Server, http: Client) -> None:
    url = f"{server.origin}{PREFIX}/worlds"
    body = b'{"id": "w 1", "keys": ["k1", "k2"]}'
    reply = http.fetch("POST", url, headers=JSON_TYPE, body=body)
    made = reply.json
    assert reply.status == 201
    assert made.pop("clock")["offset"] == 0.0
    assert made.pop("account").isdecimal()
    assert made == {"id": "w 1", "key": "k1", "keys": ["k1", "k2"], "files": 0, "bytes": 0}
    world = Visitor(server.origin, server.origin, http, {**reply.json})
    link = world.upload("stream", b"12345")["downloadUrl"]
    listed = {one["id"]: one for one in http.fetch("GET", url).json["worlds"]}
    assert {"default", "w 1"} <= set(listed)
    assert (listed["w 1"]["files"], listed["w 1"]["bytes"]) == (1, 5)
    dropped = http.fetch("DELETE", f"{url}/w%201")
    assert (dropped.status, dropped.body) == (204, b"")
    assert check_problem(http.fetch("DELETE", f"{url}/w%201"), 404)
    assert world.get(link).status == 404
    assert world.control("GET", "/files").status == 401


def test_a_world_of_the_same_id_begins_empty(server: Server, http: Client) -> None:
    for _ in range(2):
        with visiting(server, http, id="again", keys=["again"]) as world:
            assert world.paths() == []
            assert world.journal() == []
            world.upload("stream", b"x", "a", "b")


@pytest.mark.parametrize("wanted", [{"id": "default"}, {"id": "taken"}, {"keys": ["taken-key"]}])
def test_what_another_world_has_is_refused(
    server: Server, http: Client, wanted: Mapping[str, Any]
) -> None:
    with visiting(server, http, id="taken", keys=["taken-key"]) as taken:
        body = json.dumps(wanted).encode()
        reply = http.fetch("POST", f"{server.origin}{PREFIX}/worlds", headers=JSON_TYPE, body=body)
        detail = check_problem(reply, 409)
        assert "already" in detail
        assert "taken-key" not in detail
        assert taken.upload("stream", b"x")["fileSize"] == 1


def test_a_world_with_a_key_twice_can_be_dropped(server: Server, http: Client) -> None:
    url = f"{server.origin}{PREFIX}/worlds"
    body = b'{"id": "twice", "keys": ["twice", "twice"]}'
    made = http.fetch("POST", url, headers=JSON_TYPE, body=body)
    if made.status == 201:
        assert http.fetch("DELETE", f"{url}/twice").status == 204
        body = b'{"id": "twice", "keys": ["twice"]}'
        assert http.fetch("POST", url, headers=JSON_TYPE, body=body).status == 201
        assert http.fetch("DELETE", f"{url}/twice").status == 204
    else:
        check_problem(made, 400)


def test_the_default_world_stays(guest: Visitor) -> None:
    assert "reset it" in check_problem(guest.control("DELETE", "/worlds/default"), 409)


def test_a_file_is_listed_with_what_is_known_of_it(visitor: Visitor) -> None:
    visitor.set_clock()
    data = visitor.upload("stream", b"12345", "a", "b c.txt")
    listed = visitor.control("GET", "/files").json
    assert listed == {
        "files": [
            {
                "path": "a/b c.txt",
                "fileName": "b c.txt",
                "filePath": "a/b c.txt",
                "downloadUrl": data["downloadUrl"],
                "fileSize": 5,
                "mimeType": "text/plain",
                "digest": blake3(b"12345").hexdigest(),
                "uploadedAt": FROZEN,
                "expiresAt": "2025-01-04T12:00:00.000Z",
            }
        ],
        "next": None,
    }


def test_files_are_listed_page_by_page(visitor: Visitor) -> None:
    paths = sorted(f"a/{name}" for name in ("b", "B", "b b", "\u00e9", "&=#", "0", "\U0001f600"))
    for path in reversed(paths):
        visitor.upload("base64", b"x", *path.split("/"))
    found: list[str] = []
    after = ""
    while after is not None:
        query = f"?limit=3&after={quoted(after)}"
        page = visitor.control("GET", f"/files{query}").json
        assert len(page["files"]) <= 3
        found += [file["path"] for file in page["files"]]
        after = page["next"]
    assert found == paths


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_files_are_deleted_one_by_one_and_all_at_once(visitor: Visitor) -> None:
    links = [visitor.upload("stream", b"x", "a", str(n))["downloadUrl"] for n in range(4)]
    assert visitor.control("DELETE", "/files?path=a/1").json == {"deleted": 1}
    assert check_problem(visitor.control("DELETE", "/files?path=a/1"), 404)
    assert [visitor.get(link).status for link in links] == [200, 404, 200, 200]
    assert visitor.control("DELETE", "/files").json == {"deleted": 3}
    assert visitor.control("DELETE", "/files").json == {"deleted": 0}
    assert visitor.paths() == []


def test_a_reset_makes_a_world_new(visitor: Visitor) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"x")["downloadUrl"]
    assert visitor.control("POST", "/reset").status == 204
    assert visitor.journal() == []
    assert visitor.paths() == []
    assert visitor.control("GET", "/clock").json["frozen"] is False
    assert visitor.get(link).status == 404
    assert visitor.upload("stream", b"x")["fileSize"] == 1


def test_the_journal_tells_what_was_asked_and_answered(visitor: Visitor) -> None:
    visitor.set_clock()
    body = multipart(
        {"uploadPath": "a", "fileName": "b.txt", "extra": "1"}, Part(b"12345", "c.txt")
    )
    headers = {**visitor.auth, "Content-Type": "multipart/form-data; boundary=frontier"}
    url = visitor.origin + ROUTES["stream"] + "?a=b"
    reply = visitor.client.fetch("POST", url, headers=headers, body=body)
    [entry] = visitor.journal()
    seconds = entry.pop("seconds")
    assert "a/b.txt" in entry.pop("notes")[0]
    sent = {name: value for name, value in entry.pop("headers") if name in ("host", "content-type")}
    assert seconds >= 0
    assert sent == {
        "host": visitor.origin.removeprefix("http://"),
        "content-type": "multipart/form-data; boundary=frontier",
    }
    fields = {field["name"]: field for field in entry.pop("fields")}
    assert {name: field["size"] for name, field in fields.items()} == {
        "uploadPath": 1,
        "fileName": 5,
        "extra": 1,
        "file": 5,
    }
    assert fields["file"] == {
        "name": "file",
        "kind": "file",
        "size": 5,
        "digest": blake3(b"12345").hexdigest(),
        "filename": "c.txt",
        "contentType": "application/octet-stream",
    }
    file = entry.pop("file")
    assert len(file.pop("version")) > 20
    assert file == {
        "path": "a/b.txt",
        "fileName": "b.txt",
        "fileSize": 5,
        "mimeType": "text/plain",
        "digest": blake3(b"12345").hexdigest(),
        "uploadedAt": FROZEN,
        "expiresAt": "2025-01-04T12:00:00.000Z",
    }
    assert entry == {
        "seq": 1,
        "at": FROZEN,
        "method": "POST",
        "target": "/api/file-stream-upload?a=b",
        "operation": "upload-file-stream",
        "path": "a/b.txt",
        "decision": "accepted",
        "status": 200,
        "code": 200,
        "msg": "File uploaded successfully",
        "problem": None,
        "why": None,
        "shots": [],
        "received": len(body),
        "sent": len(reply.body),
    }


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"uploadPath": "a", "fileName": "../b.txt"}, "a/../b.txt"),
        ({"uploadPath": "/a"}, "/a"),
        ({"fileName": "b.txt"}, "b.txt"),
        ({}, None),
    ],
)
def test_the_journal_says_what_a_refused_upload_was_about(
    guest: Visitor, fields: dict[str, str], path: str | None
) -> None:
    form = Form(fields, Part(b"12345", "c.txt"))
    guest.client.fetch("POST", guest.origin + ROUTES["stream"], headers=guest.auth, form=form)
    headers = {**guest.auth, "Content-Type": "application/json"}
    body = json.dumps({**fields, "base64Data": ""}).encode()
    reply = guest.client.fetch("POST", guest.origin + ROUTES["base64"], headers=headers, body=body)
    assert reply.status == 400
    told = [(entry["decision"], entry["file"], entry["path"]) for entry in guest.journal()]
    assert told == [("refused", None, path)] * 2


def test_a_download_is_in_the_journal_of_its_world(visitor: Visitor) -> None:
    link = visitor.upload("stream", b"12345")["downloadUrl"]
    visitor.get(link, range="bytes=1-2")
    visitor.ask("HEAD", link)
    visitor.get(link + "x")
    entries = visitor.journal()[1:]
    assert [entry["operation"] for entry in entries] == [
        "download-file",
        "inspect-file",
        "download-file",
    ]
    assert [(entry["status"], entry["decision"]) for entry in entries] == [
        (206, "accepted"),
        (200, "accepted"),
        (404, "refused"),
    ]
    assert [entry["sent"] for entry in entries][:2] == [2, 0]
    assert "never uploaded" in entries[2]["why"]


def test_the_journal_is_read_page_by_page(guest: Visitor) -> None:
    for number in range(7):
        guest.get(f"{guest.downloads}/{guest.account}/{number}/x")
    pages = [guest.control("GET", f"/journal?limit=3&after={after}").json for after in (0, 3, 6, 7)]
    numbers = [[entry["seq"] for entry in page["entries"]] for page in pages]
    assert numbers == [[1, 2, 3], [4, 5, 6], [7], []]
    assert {page["last"] for page in pages} == {7}
    assert {page["evicted"] for page in pages} == {0}
    assert guest.control("DELETE", "/journal").status == 204
    assert guest.control("GET", "/journal").json == {"entries": [], "last": 7, "evicted": 0}
    guest.get(f"{guest.downloads}/{guest.account}/a/x")
    assert [entry["seq"] for entry in guest.journal()] == [8]


def test_the_journal_forgets_the_oldest_and_says_how_many(http: Client) -> None:
    with serving() as server:
        visitor = visitor_of(server, http)
        world = server.mock.service.worlds.get(visitor.id)
        assert world is not None
        world.journal.limit = 20_000
        for _ in range(40):
            visitor.get(f"{visitor.downloads}/{visitor.account}/a/b")
        page = visitor.control("GET", "/journal").json
        assert page["last"] == 40
        assert 0 < page["evicted"] < 40
        assert [entry["seq"] for entry in page["entries"]] == list(range(page["evicted"] + 1, 41))
        behind = visitor.control("GET", "/journal?after=39").json["entries"]
        assert [entry["seq"] for entry in behind] == [40]


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer {key}",
        "Authorization: bearer {key}",
        "Authorization: {key}",
        "Authorization: Basic {key}",
        "Authorization: Bearer{key}",
        "Authorization: Bearer:{key}",
        "Authorization: Bearer {key} {key}",
        "Authorization: {key} {key}",
        "Authorization:\tBearer\t{key}",
        "X-API-Key: {key}",
        "Cookie: key={key}",
        "Proxy-Authorization: Bearer {key}",
    ],
)
def test_a_key_is_never_in_a_journal(memory: Server, http: Client, line: str) -> None:
    key = line.encode().hex().translate(str.maketrans("0123456789", "ghijklmnop"))
    with visiting(memory, http, keys=[key[-60:]]) as world:
        with world.wire() as wire:
            head = [f"POST {ROUTES['stream']} HTTP/1.1", "Host: a", line.format(key=world.key)]
            wire.send("\r\n".join([*head, "Content-Length: 0", "", ""]).encode())
            wire.reply()
        journals = [http.fetch("GET", f"{world.origin}{PREFIX}/journal?limit=10000").body]
        journals.append(world.control("GET", "/journal").body)
    assert not any(world.key.encode() in journal for journal in journals)
    assert any(b"[redacted]" in journal for journal in journals)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_told_to_anybody(memory: Server, http: Client, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        reply = http.fetch("GET", memory.origin + path, headers=headers)
        assert (reply.status, reply.json) == (200, {"status": "ok"})
        assert http.fetch("HEAD", memory.origin + path, headers=headers).status == 200
        assert http.fetch("GET", f"{memory.origin}{path}?at=1", headers=headers).status == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_only_read(memory: Server, http: Client, path: str) -> None:
    reply = http.fetch("POST", memory.origin + path)
    check_problem(reply, 405)
    assert "GET" in reply.headers["allow"]


@pytest.mark.parametrize("way", ROUTES)
def test_a_preflight_of_an_upload_is_answered(guest: Visitor, way: str) -> None:
    reply = guest.ask(
        "OPTIONS",
        guest.origin + ROUTES[way],
        origin="https://app.test",
        access_control_request_method="POST",
        access_control_request_headers="authorization,content-type",
    )
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert reply.headers["access-control-allow-headers"] == "authorization,content-type"
    assert int(reply.headers["access-control-max-age"]) > 0


def test_every_answer_to_an_upload_may_be_read_by_a_web_page(guest: Visitor) -> None:
    url = guest.origin + ROUTES["stream"]
    form = Form({"uploadPath": "a"}, Part(b"x"))
    replies = [
        guest.post("stream", b"x"),
        guest.client.fetch("POST", url, headers=guest.auth, body=b"x"),
        guest.client.fetch("POST", url, form=form),
        guest.client.fetch("GET", url),
        guest.client.fetch("OPTIONS", url),
    ]
    assert [reply.status for reply in replies] == [200, 400, 401, 405, 405]
    assert {reply.headers.get("access-control-allow-origin") for reply in replies} == {"*"}


def test_no_answer_to_a_download_may_be_read_by_a_web_page(guest: Visitor) -> None:
    link = guest.upload("stream", b"x")["downloadUrl"]
    replies = [
        guest.get(link, origin="https://app.test"),
        guest.get(link + "x", origin="https://app.test"),
        guest.get(link, range="bytes=9-", origin="https://app.test"),
        guest.ask("OPTIONS", link, origin="https://app.test", access_control_request_method="GET"),
    ]
    assert [reply.status for reply in replies] == [200, 404, 416, 405]
    assert not any("access-control-allow-origin" in reply.headers for reply in replies)


def test_a_page_says_which_methods_it_takes(guest: Visitor) -> None:
    """RFC 9110, 15.5.6."""
    for path, allow in (("files", "GET, HEAD"), ("files/delete", "POST"), ("nothing", None)):
        url = f"{guest.origin}{PREFIX}/ui/{guest.id}/{path}"
        reply = guest.client.fetch("PATCH", url)
        assert reply.status == (404 if allow is None else 405)
        assert reply.headers["content-type"].startswith("text/html")
        assert reply.headers.get("allow") == allow


def test_a_page_says_how_long_a_file_is_when_it_has_no_such_range(guest: Visitor) -> None:
    """RFC 9110, 15.5.17."""
    guest.upload("stream", b"12345", "a", "b")
    url = f"{guest.origin}{PREFIX}/ui/{guest.id}/files/content?path=a%2Fb"
    reply = guest.get(url, range="bytes=9-")
    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */5")
