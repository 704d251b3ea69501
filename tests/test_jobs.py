"""Upload, task, poll, result: the whole pipeline, and where it breaks when a link is dead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockkie.clock import isoformat, parse_instant
from mockkie.contract import shipped
from mockkie.samples import sample_for
from mockkie.server import Server
from tests.clients import Client, Reply
from tests.visitors import FROZEN, Visitor, serving, visiting, visitor_of

CREATE, RECORD = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"
CREDIT, DOWNLOAD = "/api/v1/chat/credit", "/api/v1/common/download-url"
DEAD = "Image fetch failed. Check access settings or use our File Upload API instead."
DAYS = 86_400_000
RETENTION = 3 * DAYS
WAITING = 1_000
START = parse_instant(FROZEN)
Driven = Callable[..., Visitor]


def post(visitor: Visitor, path: str, value: Any, client: Client | None = None) -> Reply:
    headers = {**visitor.auth, "Content-Type": "application/json"}
    body = json.dumps(value).encode()
    return (client or visitor.client).fetch(
        "POST", visitor.origin + path, headers=headers, body=body
    )


def ask(visitor: Visitor, path: str, client: Client | None = None) -> Reply:
    return (client or visitor.client).fetch("GET", visitor.origin + path, headers=visitor.auth)


def data_of(reply: Reply) -> Any:
    assert (reply.status, reply.json["code"]) == (200, 200), (reply.json, reply.why)
    return reply.json["data"]


def create(visitor: Visitor, *urls: str, **more: Any) -> str:
    """The id of a new task over some URLs."""
    task = {"model": "google/nano-banana-edit", "input": {"image_urls": urls}, **more}
    found: str = data_of(post(visitor, CREATE, task))["taskId"]
    return found


def record(visitor: Visitor, task: str, client: Client | None = None) -> dict[str, Any]:
    found: dict[str, Any] = data_of(ask(visitor, f"{RECORD}?taskId={task}", client))
    return found


def results(details: Mapping[str, Any]) -> list[str]:
    assert details["state"] == "success", details
    found: list[str] = json.loads(details["resultJson"])["resultUrls"]
    return found


def at(visitor: Visitor, instant: int) -> None:
    """Have the clock stand still at an instant."""
    visitor.set_clock(isoformat(instant))


def refused(reply: Reply, code: int, msg: str) -> bool:
    assert (reply.status, reply.json) == (200, {"code": code, "msg": msg, "data": None})
    assert reply.why
    return True


@pytest.fixture
def driven(tmp_path: Path, http: Client) -> Iterator[Driven]:
    """Serves the two documents, jobs.yaml with some of its lines changed."""
    with ExitStack() as stack:

        def build(*changes: tuple[str, str], **options: Any) -> Visitor:
            path = jobs_file(tmp_path, *changes)
            server = stack.enter_context(serving(contract=[shipped(), path], **options))
            return visitor_of(server, http)

        yield build


def jobs_file(folder: Path, *changes: tuple[str, str]) -> Path:
    text = shipped("jobs.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "my-jobs.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------- the pipeline


def test_from_an_upload_to_its_result(visitor: Visitor, client: Client) -> None:
    visitor.set_clock()
    link = visitor.upload("stream", b"picture", name="a.png", client=client)["downloadUrl"]
    body = {"model": "m", "input": {"prompt": "x", "image_urls": [link]}, "callBackUrl": None}
    task = data_of(post(visitor, CREATE, body, client))["taskId"]
    assert record(visitor, task, client)["state"] == "waiting"
    visitor.advance(3)
    (result,) = results(record(visitor, task, client))
    got = client.fetch("GET", result)
    sample = sample_for("result.png")
    assert (got.status, got.body, got.headers["content-type"]) == (200, sample.content, "image/png")


def test_three_days_later_the_same_link_fails_the_task(visitor: Visitor) -> None:
    link = visitor.upload("stream", b"picture", name="a.png")["downloadUrl"]
    visitor.advance(3 * 86_400)
    task = create(visitor, link)
    visitor.advance(1)
    reply = ask(visitor, f"{RECORD}?taskId={task}")
    details = data_of(reply)
    assert (details["state"], details["failMsg"], details["failCode"]) == ("fail", DEAD, "400")
    assert details["resultJson"] == ""
    assert link in reply.why
    assert any(link in note for note in visitor.journal()[-1]["notes"])


def test_states_over_time(guest: Visitor) -> None:
    guest.set_clock()
    body = {"model": "m", "input": {"prompt": "x"}}
    task = data_of(post(guest, CREATE, body))["taskId"]
    begun = {
        "taskId": task,
        "model": "m",
        "param": '{"model":"m","input":{"prompt":"x"}}',
        "resultJson": "",
        "failCode": "",
        "failMsg": "",
        "createTime": START,
    }
    for after, state, changed in (
        (0, "waiting", 0),
        (999, "waiting", 0),
        (1_000, "generating", 1_000),
        (2_999, "generating", 1_000),
    ):
        at(guest, START + after)
        assert record(guest, task) == {**begun, "state": state, "updateTime": START + changed}
    for after in (3_000, 10 * DAYS):
        at(guest, START + after)
        details = record(guest, task)
        (result,) = results(details)
        end = {"completeTime": START + 3_000, "updateTime": START + 3_000, "costTime": 3_000}
        assert details == {**begun, **end, "state": "success", "resultJson": details["resultJson"]}
    assert result == f"{guest.origin}/{guest.account}/generated/{task}/result.png"


def test_a_failed_task_ends_when_its_work_begins(guest: Visitor) -> None:
    guest.set_clock()
    task = create(guest, f"{guest.downloads}/{guest.account}/never/was.png")
    at(guest, START + WAITING - 1)
    assert record(guest, task)["state"] == "waiting"
    at(guest, START + WAITING)
    details = record(guest, task)
    assert details["state"] == "fail"
    assert details["completeTime"] == details["updateTime"] == START + WAITING
    assert "costTime" not in details
    at(guest, START + 10 * DAYS)
    assert record(guest, task) == details


instants = st.one_of(
    st.integers(0, 2 * RETENTION),
    st.integers(RETENTION - WAITING - 2, RETENTION - WAITING + 2),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@example(created=RETENTION - WAITING - 1, asked=0)
@example(created=RETENTION - WAITING, asked=0)
@given(created=instants, asked=st.one_of(st.just(0), instants))
def test_a_task_fails_exactly_when_the_link_is_dead_as_its_work_begins(
    servers: Mapping[str, Server], http: Client, created: int, asked: int
) -> None:
    for server in servers.values():
        with visiting(server, http) as visitor:
            visitor.set_clock()
            link = visitor.upload("stream", b"x", name="a.png")["downloadUrl"]
            at(visitor, START + created)
            task = create(visitor, link)
            at(visitor, START + created + WAITING)
            dead = visitor.get(link).status == 404
            assert dead == (created + WAITING >= RETENTION)
            at(visitor, START + created + 3_000 + asked)
            assert record(visitor, task)["state"] == ("fail" if dead else "success")


# ---------------------------------------------------------------------------- what is looked up


def test_every_link_of_the_input_counts_however_deep(guest: Visitor) -> None:
    guest.set_clock()
    live = guest.upload("stream", b"x", "a", "ä b.png")["downloadUrl"]
    path = live.removeprefix(guest.downloads)
    observed = path.replace(f"/{guest.account}/", f"/kieai/{guest.account}/")
    dead = live.replace(".png", ".jpg")
    deep: Any = dead
    for _ in range(200):
        deep = [deep]
    for value, missing in (
        ({"image_url": live}, []),
        ({"image_url": f"  {live}?download=1#top "}, []),
        ({"image_url": "https://tempfile.redpandaai.co" + path}, []),
        ({"image_url": "https://tempfile.redpandaai.co" + observed}, []),
        ({"image_url": "HTTPS://my.cdn.example:8443" + path}, []),
        ({"image_url": f"{guest.downloads}{observed}"}, []),
        ({"image_url": "https://example.com/cat.png"}, []),
        ({"image_url": f"{guest.origin}/__mockkie/origin/sample.png"}, []),
        ({"prompt": f"like {dead}, but blue"}, []),
        ({"image_url": "not://a.url", "n": 1, "x": None, "y": True}, []),
        ({}, []),
        ({"image_url": dead}, [dead]),
        ({"image_url": f" {dead}\n"}, [dead]),
        ({"a": [live, {"b": [dead]}]}, [dead]),
        ({"a": deep}, [dead]),
        ({"a": f"{guest.origin}/12345678/a.png"}, [f"{guest.origin}/12345678/a.png"]),
        (
            {"a": "https://tempfile.redpandaai.co/x/a.png", "b": dead, "c": live},
            ["https://tempfile.redpandaai.co/x/a.png", dead],
        ),
    ):
        task = data_of(post(guest, CREATE, {"model": "m", "input": value}))["taskId"]
        guest.advance(10)
        reply = ask(guest, f"{RECORD}?taskId={task}")
        assert data_of(reply)["state"] == ("fail" if missing else "success"), value
        for url in missing:
            assert url in reply.why


def test_a_link_of_another_world_ends_by_the_clock_of_that_one(
    memory: Server, guest: Visitor, http: Client
) -> None:
    with visiting(memory, http) as other:
        other.set_clock("2031-01-01T00:00:00Z")
        link = other.upload("stream", b"x", name="a.png")["downloadUrl"]
        guest.set_clock()
        guest.advance(30 * 86_400)
        task = create(guest, link)
        guest.advance(30 * 86_400)
        assert record(guest, task)["state"] == "success"
        other.advance(3 * 86_400)
        task = create(guest, link)
        guest.advance(10)
        assert record(guest, task)["state"] == "fail"


SLOW = ("states: {waiting: PT1S, generating: PT2S}", "states: {waiting: P1D, generating: P1D}")


def test_what_happens_to_a_file_while_the_task_waits(driven: Driven) -> None:
    visitor = driven(SLOW)
    visitor.set_clock()
    links = {}
    for name in ("kept", "overwritten"):
        links[name] = visitor.upload("stream", b"x", "a", name)["downloadUrl"]
    links["late"] = links["kept"].replace("/kept", "/late")
    at(visitor, START + RETENTION - DAYS // 2)
    tasks = {name: create(visitor, link) for name, link in links.items()}
    visitor.upload("stream", b"y", "a", "overwritten")
    visitor.upload("stream", b"y", "a", "late")
    at(visitor, START + RETENTION + DAYS // 2)
    states = {name: record(visitor, task)["state"] for name, task in tasks.items()}
    assert states == {"kept": "fail", "overwritten": "generating", "late": "generating"}


def test_what_happens_to_a_file_after_the_work_began(driven: Driven) -> None:
    visitor = driven(SLOW)
    visitor.set_clock()
    names = ("expired", "overwritten")
    links = [visitor.upload("stream", b"x", "a", name)["downloadUrl"] for name in names]
    tasks = [create(visitor, link) for link in (*links, links[0].replace("expired", "late"))]
    at(visitor, START + 2 * DAYS)
    visitor.upload("stream", b"y", "a", "overwritten")
    visitor.upload("stream", b"y", "a", "late")
    at(visitor, START + 4 * DAYS)
    assert [record(visitor, task)["state"] for task in tasks] == ["success", "success", "fail"]


def test_a_file_that_is_deleted_while_the_task_waits_is_gone(driven: Driven) -> None:
    visitor = driven(SLOW)
    visitor.set_clock()
    tasks = {}
    for name in ("kept", "deleted"):
        tasks[name] = create(visitor, visitor.upload("stream", b"x", "a", name)["downloadUrl"])
    assert visitor.control("DELETE", "/files?path=a/deleted").status == 200
    at(visitor, START + DAYS)
    states = {name: record(visitor, task)["state"] for name, task in tasks.items()}
    assert states == {"kept": "generating", "deleted": "fail"}


def test_a_verdict_stays(guest: Visitor) -> None:
    guest.set_clock()
    link = guest.upload("stream", b"x", "a", "b.png")["downloadUrl"]
    good, bad = create(guest, link), create(guest, link.replace("b.png", "c.png"))
    guest.advance(5)
    assert [record(guest, task)["state"] for task in (good, bad)] == ["success", "fail"]
    guest.control("DELETE", "/files")
    guest.upload("stream", b"x", "a", "c.png")
    assert [record(guest, task)["state"] for task in (good, bad)] == ["success", "fail"]


# --------------------------------------------------------------------------------- the result


def test_a_result_ends_too_and_can_be_had_anew(visitor: Visitor) -> None:
    visitor.set_clock()
    task = create(visitor)
    at(visitor, START + 3_000)
    (result,) = results(record(visitor, task))
    at(visitor, START + 3_000 + DAYS - 1)
    assert visitor.get(result).status == 200
    at(visitor, START + 3_000 + DAYS)
    gone = visitor.get(result)
    assert (gone.status, "expired" in gone.why) == (404, True)
    assert results(record(visitor, task)) == [result], "the task remembers a link that is dead"

    fresh = data_of(post(visitor, DOWNLOAD, {"url": result}))
    assert visitor.get(fresh).body == sample_for("result.png").content
    visitor.advance(20 * 60 - 0.001)
    assert visitor.get(fresh).status == 200
    visitor.advance(0.001)
    assert visitor.get(fresh).status == 404

    at(visitor, START + 3_000 + 14 * DAYS - 1)
    assert post(visitor, DOWNLOAD, {"url": result}).json["code"] == 200
    at(visitor, START + 3_000 + 14 * DAYS)
    assert refused(post(visitor, DOWNLOAD, {"url": result}), 422, "The URL is no result of a task")


def test_a_result_that_nobody_asked_for_in_time_is_gone(visitor: Visitor) -> None:
    visitor.set_clock()
    task = create(visitor)
    at(visitor, START + 30 * DAYS)
    (result,) = results(record(visitor, task))
    assert visitor.get(result).status == 404


def test_a_result_is_the_input_of_the_next_task(guest: Visitor) -> None:
    guest.set_clock()
    first = create(guest)
    guest.advance(3)
    (result,) = results(record(guest, first))
    second = create(guest, result)
    guest.advance(86_400)
    assert results(record(guest, second))
    third = create(guest, result)
    guest.advance(3)
    assert record(guest, third)["state"] == "fail"


def test_only_results_of_the_account_get_new_links(
    memory: Server, guest: Visitor, http: Client
) -> None:
    guest.set_clock()
    upload = guest.upload("stream", b"x", "generated/x", "result.png")["downloadUrl"]
    task = create(guest)
    guest.advance(3)
    (result,) = results(record(guest, task))
    unasked = create(guest)
    guest.advance(3)
    for url in (
        upload,
        "https://example.com/cat.png",
        "nonsense",
        "http://[",
        result.replace(task, unasked),
        result.replace("/generated/", "/a/"),
        result.replace(guest.account, "12345678"),
    ):
        reply = post(guest, DOWNLOAD, {"url": url})
        assert refused(reply, 422, "The URL is no result of a task")
    with visiting(memory, http) as other:
        reply = post(other, DOWNLOAD, {"url": result})
        assert refused(reply, 422, "The URL is no result of a task")
    elsewhere = result.replace(guest.downloads, "https://tempfile.redpandaai.co")
    assert post(guest, DOWNLOAD, {"url": elsewhere}).json["code"] == 200


# -------------------------------------------------------------------------------- the refusals


def test_a_task_is_of_its_world_only(memory: Server, guest: Visitor, http: Client) -> None:
    task = create(guest)
    with visiting(memory, http) as other:
        assert refused(ask(other, f"{RECORD}?taskId={task}"), 422, "recordInfo is null")
    assert refused(ask(guest, f"{RECORD}?taskId=nope"), 422, "recordInfo is null")
    assert record(guest, task)["taskId"] == task


def test_refusals_are_in_the_envelope_of_this_document(guest: Visitor) -> None:
    missing = "Missing required parameter: "
    for path, value, msg in (
        (CREATE, {"input": {}}, f"{missing}model"),
        (CREATE, {"model": "", "input": {}}, f"{missing}model"),
        (CREATE, {"model": "m"}, f"{missing}input"),
        (CREATE, {"model": "m", "input": []}, "Invalid parameter: input"),
        (CREATE, {"model": "m", "input": {}, "callBackUrl": 1}, "Invalid parameter: callBackUrl"),
        (CREATE, [], "Malformed request body"),
        (DOWNLOAD, {}, f"{missing}url"),
    ):
        assert refused(post(guest, path, value), 422, msg)
    for path in (RECORD, f"{RECORD}?taskId="):
        assert refused(ask(guest, path), 400, "taskId parameter is required")
    for path in (CREATE, DOWNLOAD):
        reply = ask(guest, path)
        assert refused(reply, 405, "Method not allowed")
        assert reply.headers["allow"] == "POST"
    assert data_of(ask(guest, CREDIT)) == 1_000, "what is refused costs nothing"
    guest.key = "another"
    for reply in (post(guest, CREATE, {}), ask(guest, RECORD), ask(guest, CREDIT)):
        assert refused(reply, 401, "You do not have access permissions")


def test_no_depth_breaks_the_mock(guest: Visitor) -> None:
    codes = []
    for depth in range(240, 270):
        value: Any = {}
        for _ in range(depth):
            value = {"a": value}
        reply = post(guest, CREATE, {"model": "m", "input": value})
        assert reply.json["code"] in (200, 422), reply.why
        codes.append(reply.json["code"])
    assert set(codes) == {200, 422}


def test_a_browser_may_ask(guest: Visitor) -> None:
    headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
    reply = guest.client.fetch("OPTIONS", guest.origin + CREATE, headers=headers)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "*")
    assert ask(guest, CREDIT).headers["access-control-allow-origin"] == "*"


def test_nobody_is_called_back_and_the_journal_says_so(guest: Visitor) -> None:
    create(guest, callBackUrl="https://example.com/hook")
    notes = guest.journal()[-1]["notes"]
    assert any("callBackUrl is not called" in note for note in notes)
    create(guest)
    assert not any("callBackUrl" in note for note in guest.journal()[-1]["notes"])


# ------------------------------------------------------------------------- credits, and the end


def test_credits_fall_with_each_task(driven: Driven) -> None:
    visitor = driven(("credits: 1000 ", "credits: 7 "), ("price: 1 ", "price: 3 "))
    left = [data_of(ask(visitor, CREDIT))]
    for _ in range(2):
        create(visitor)
        left.append(data_of(ask(visitor, CREDIT)))
    assert left == [7, 4, 1]
    poor = post(visitor, CREATE, {"model": "m", "input": {}})
    assert refused(poor, 402, "Insufficient credits")
    assert data_of(ask(visitor, CREDIT)) == 1


def test_a_reset_world_has_no_tasks_and_all_its_credits(visitor: Visitor) -> None:
    visitor.set_clock()
    task = create(visitor)
    visitor.advance(3)
    (result,) = results(record(visitor, task))
    assert visitor.paths() == [f"generated/{task}/result.png"]
    assert visitor.control("POST", "/reset").status in (200, 204)
    assert refused(ask(visitor, f"{RECORD}?taskId={task}"), 422, "recordInfo is null")
    assert data_of(ask(visitor, CREDIT)) == 1_000
    assert visitor.get(result).status == 404


def test_a_dropped_world_takes_its_tasks_along(server: Server, http: Client) -> None:
    same: dict[str, Any] = {"id": "comes-again", "keys": ["a-key-that-comes-again"]}
    with visiting(server, http, **same) as visitor:
        task = create(visitor)
        assert record(visitor, task)["state"] == "waiting"
    with visiting(server, http, **same) as visitor:
        assert refused(ask(visitor, f"{RECORD}?taskId={task}"), 422, "recordInfo is null")
        assert data_of(ask(visitor, CREDIT)) == 1_000


# ------------------------------------------------------------------------- the document drives


def test_what_the_document_says_of_tasks(driven: Driven) -> None:
    visitor = driven(
        ("{waiting: PT1S, generating: PT2S}", "{queuing: PT5S, waiting: PT5S, generating: PT5S}"),
        ("otherUrls: reachable ", "otherUrls: dead "),
        ("result: result.png ", "result: clip.mp4 "),
        ("resultLink: PT24H", "resultLink: PT1H"),
        ("temporaryLink: PT20M", "temporaryLink: PT5S"),
        (DEAD, "No such image"),
        ("costTime: 3000\n", "costTime: 3000\n                      region: eu\n"),
    )
    visitor.set_clock()
    task, doomed = create(visitor), create(visitor, "https://example.com/cat.png")
    states = []
    for _ in range(4):
        states.append(record(visitor, task)["state"])
        visitor.advance(5)
    assert states == ["queuing", "waiting", "generating", "success"]
    details = record(visitor, task)
    assert details["region"] == "eu"
    (result,) = results(details)
    assert visitor.get(result).headers["content-type"] == "video/mp4"
    assert record(visitor, doomed)["failMsg"] == "No such image"
    fresh = data_of(post(visitor, DOWNLOAD, {"url": result}))
    visitor.advance(5)
    assert visitor.get(fresh).status == 404
    visitor.advance(3_600)
    assert visitor.get(result).status == 404


def test_errors_may_come_as_status(driven: Driven) -> None:
    visitor = driven(("errorTransport: body ", "errorTransport: status "))
    for reply, status in (
        (ask(visitor, f"{RECORD}?taskId=x"), 422),
        (ask(visitor, CREATE), 405),
        (ask(visitor, RECORD), 400),
    ):
        assert (reply.status, reply.json["code"]) == (status, status)


def test_a_task_may_begin_at_once(driven: Driven) -> None:
    visitor = driven(("{waiting: PT1S, generating: PT2S}", "{generating: PT0S}"))
    assert record(visitor, create(visitor))["state"] == "success"
    dead = f"{visitor.downloads}/{visitor.account}/a/b"
    assert record(visitor, create(visitor, dead))["state"] == "fail"


def test_links_are_as_the_first_document_says(driven: Driven) -> None:
    origin = "https://tempfile.redpandaai.co"
    visitor = driven(profile="observed", download_origin=origin)
    visitor.set_clock()
    task = create(visitor)
    visitor.advance(3)
    (result,) = results(record(visitor, task))
    assert result.startswith(f"{origin}/kieai/{visitor.account}/generated/")
    fresh = data_of(post(visitor, DOWNLOAD, {"url": result}))
    assert visitor.get(fresh.replace(origin, visitor.origin)).status == 200
    again = create(visitor, result, fresh)
    visitor.advance(3)
    assert results(record(visitor, again))


def test_downloads_on_a_port_of_their_own(http: Client) -> None:
    with serving(download_port=0) as server:
        visitor = visitor_of(server, http)
        visitor.set_clock()
        link = visitor.upload("stream", b"x", name="a.png")["downloadUrl"]
        task = create(visitor, link)
        visitor.advance(3)
        (result,) = results(record(visitor, task))
        assert result.startswith(visitor.downloads)
        assert visitor.get(result).status == 200
        assert http.fetch("GET", visitor.downloads + CREDIT, headers=visitor.auth).status == 404
