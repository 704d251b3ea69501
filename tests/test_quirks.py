"""Settings: each one acts, wherever it is set; worlds keep theirs apart and give them back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import mockkie
from mockkie.build import build_mock
from mockkie.changes import nested, read_changes, read_keywords, read_words
from mockkie.contract import Contract
from mockkie.document import Document
from mockkie.problems import UsageError
from mockkie.quirks import QUIRKS
from mockkie.server import Server
from mockkie.settings import Settings
from tests.clients import Client, Form, Part, Reply, multipart
from tests.inside import edited
from tests.quirk_cases import CASES, STREAM, by_url, ended, form, link, path_of
from tests.visitors import JSON_TYPE, Visitor, visiting

OTHERWISE = [*CASES]


def changes_of(name: str) -> dict[str, Any]:
    case = CASES[name]
    return nested({**read_changes(case.beside or {}), name: case.value})


class InProcess(Client):
    """An app without a socket, asked as the other clients are."""

    def __init__(self, mock: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=mock))

    def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Form | None = None,
    ) -> Reply:
        known = dict(headers or {})
        if form is not None and form.file is not None:
            body = multipart(form.texts, form.file)
            known["Content-Type"] = "multipart/form-data; boundary=frontier"
        got = self._runner.run(self._client.request(method, url, headers=known, content=body))
        return Reply(got.status_code, dict(got.headers.items()), got.content)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@contextlib.contextmanager
def within(**options: Any) -> Iterator[Visitor]:
    """The default world of a mock in process."""
    mock = build_mock(**options)
    client = InProcess(mock)
    origin = "http://mock.test"
    try:
        client.fetch("GET", f"{origin}/livez")
        world = mock.service.worlds.default
        state = {"id": world.id, "key": world.keys[0], "account": world.account}
        yield Visitor(origin, origin, client, state)
    finally:
        client.close()


# ------------------------------------------------------------------------- what there is


def test_every_setting_has_a_case() -> None:
    assert {*CASES, "aliases"} == {*QUIRKS}


def test_the_shipped_document_says_each_with_its_default() -> None:
    document = Document.read(Path(__file__).parent.parent / "openapi.yaml")
    for name, quirk in QUIRKS.items():
        assert document.at(("x-mockkie", *name.split("."))) == quirk.default, name
    assert Contract.read().settings.values == {name: one.default for name, one in QUIRKS.items()}


def test_what_a_document_leaves_out_is_as_ours(tmp_path: Path) -> None:
    silent = Contract.read(edited(tmp_path, lambda document: document.pop("x-mockkie"))).settings
    assert silent.values == {name: quirk.fallback for name, quirk in QUIRKS.items()}
    made = Settings()
    for name in Settings.__dataclass_fields__:
        found = getattr(made, name), getattr(silent, name)
        assert name == "values" or found[0] == found[1] or not any(found), name


def test_every_default_is_a_legal_value() -> None:
    every = {name: quirk.default for name, quirk in QUIRKS.items()}
    assert read_changes(nested(every)) == every
    assert read_changes(every) == every


# ------------------------------------------------------------------------- each one acts


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_world_can_have_it_otherwise(name: str, memory: Server, client: Client) -> None:
    case = CASES[name]
    with (
        visiting(memory, client, settings=case.beside or {}) as usual,
        visiting(memory, client, settings=changes_of(name)) as other,
    ):
        assert case.look(usual) == case.usual
        assert case.look(other) == case.other
        assert all(entry["decision"] != "broken" for entry in usual.journal() + other.journal())
        assert other.control("DELETE", "/settings").json["changed"] == {}
        if case.beside is None:
            assert case.look(other) == case.usual


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_document_can_have_it_otherwise(name: str, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        for setting, value in read_changes(changes_of(name)).items():
            above, _, below = setting.partition(".")
            at = document["x-mockkie"].setdefault(above, {}) if below else document["x-mockkie"]
            at[below or above] = value

    with within(contract=edited(tmp_path, change)) as visitor:
        assert CASES[name].look(visitor) == CASES[name].other


@pytest.mark.parametrize("name", OTHERWISE)
def test_an_option_can_have_it_otherwise(name: str) -> None:
    case = CASES[name]
    given = {**read_changes(case.beside or {}), name: case.value}
    words = [f"{one}={json.dumps(value)}" for one, value in given.items()]
    with within(settings=read_words(words)) as visitor:
        assert case.look(visitor) == case.other


def test_aliases_are_of_the_mock(memory: Server, http: Client) -> None:
    service = build_mock(settings={"aliases": {"https://a.test": "missing"}}).service
    assert service.contract.served_at("https://a.test") == set()
    assert "https://a.test" in service.contract.origins
    with visiting(memory, http) as visitor:
        reply = visitor.control("PATCH", "/settings", {"aliases": {}})
        assert reply.status == 400
        assert "mock as a whole" in reply.json["detail"]
        observed = visitor.control("PATCH", "/settings", {"profile": "observed"}).json
        assert observed["settings"]["aliases"] == QUIRKS["aliases"].default


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("body", ["envelope", "empty", "html"])
def test_every_form_of_a_dead_link(body: str, method: str, memory: Server, client: Client) -> None:
    wanted = {"expiredLink": {"status": 410, "body": body}}
    with visiting(memory, client, settings=wanted) as visitor:
        url = ended(visitor)
        reply = visitor.ask(method, url)
        assert reply.status == 410
        assert "expired" in reply.why
        content = visitor.get(url).body
        assert reply.body == (content if method == "GET" else b"")
        assert int(reply.headers["content-length"]) == len(content)


def test_a_fault_answers_a_dead_link_as_the_settings_do(memory: Server, http: Client) -> None:
    wanted = {"expiredLink": {"status": 410, "body": "html"}}
    with visiting(memory, http, settings=wanted) as visitor:
        url = link(visitor)
        visitor.control("POST", "/faults", {"then": {"example": "link-expired"}})
        reply = visitor.get(url)
        assert (reply.status, reply.headers["content-type"]) == (410, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "edges", "found"),
    [
        ("a/./b", "refuse", "a/b/x"),
        ("a//b", "trim", "a/b/x"),
        ("//a//b//", "trim", "a/b/x"),
        ("/a//b", "refuse", 400),
        ("a/b/.", "refuse", "a/b/x"),
        ("a/../b/..//c", "refuse", "c/x"),
        ("a/...", "refuse", "a/.../x"),
        ("..", "refuse", 400),
        ("a/../..", "trim", 400),
        ("/../a", "trim", 400),
        ("a/..", "refuse", 400),
        (".", "trim", 400),
        ("/", "trim", 400),
    ],
)
def test_paths_are_resolved(
    path: str, edges: str, found: object, memory: Server, http: Client
) -> None:
    wanted = {"innerSlashes": "resolve", "edgeSlashes": edges}
    with visiting(memory, http, settings=wanted) as visitor:
        assert path_of(path)(visitor) == found
        assert visitor.paths() == ([] if found == 400 else [found])


def test_seeds_follow_the_settings() -> None:
    with mockkie.serve() as kie:
        world = kie.new_world(inner_slashes="resolve", empty_file="refuse", retention="PT1H")
        [seeded] = world.files.seed({"a//b/../c.txt": b"x"}).values()
        assert seeded.path == "a/c.txt"
        assert (seeded.expires_at - seeded.uploaded_at).total_seconds() == 3_600
        for path, content in (("../a.txt", b"x"), ("a/b.txt", b"")):
            with pytest.raises(ValueError, match=r"out of the root|is empty"):
                world.files.seed({path: content})
        assert list(world.files) == ["a/c.txt"]


def test_unknown_files_of_a_form_are_refused_too(memory: Server, http: Client) -> None:
    with visiting(memory, http, settings={"unknownFields": "refuse"}) as visitor:
        body = multipart({"uploadPath": "a"}, Part(b"x"))
        more = b'--frontier\r\nContent-Disposition: form-data; name="extra"; filename="e"\r\n'
        more += b"\r\ne\r\n"
        headers = {**visitor.auth, "Content-Type": "multipart/form-data; boundary=frontier"}
        reply = http.fetch("POST", visitor.origin + STREAM, headers=headers, body=more + body)
        assert (reply.status, reply.json["msg"]) == (400, "Invalid parameter: extra")
        assert visitor.paths() == []


def test_a_user_agent_is_refused_before_the_key_is_looked_at() -> None:
    with within(settings={"userAgents": {"refuse": ["Urllib"], "status": 406}}) as visitor:
        headers = {"User-Agent": "Python-urllib/3.12", "Authorization": "Bearer wrong"}
        reply = visitor.client.fetch("POST", visitor.origin + STREAM, headers=headers, body=b"")
        assert (reply.status, reply.json) == (
            406,
            {"success": False, "code": 406, "msg": "Forbidden"},
        )
        assert "'urllib'" in reply.why
        assert "not among the responses" in str(visitor.journal()[-1]["notes"])
        assert visitor.ask("GET", f"{visitor.origin}/__mockkie/clock", **headers).status == 401


def test_preflights_follow_the_settings(memory: Server, http: Client) -> None:
    with visiting(memory, http, settings={"cors": {"downloads": "https://a.test"}}) as visitor:
        asked = {"access_control_request_method": "GET", "origin": "https://a.test"}
        reply = visitor.ask("OPTIONS", link(visitor), **asked)
        allowed = reply.headers["access-control-allow-origin"]
        assert (reply.status, allowed) == (204, "https://a.test")
    with visiting(memory, http) as visitor:
        reply = visitor.ask("OPTIONS", link(visitor), **asked)
        assert reply.status == 405
        assert "access-control-allow-origin" not in reply.headers


def test_a_refused_method_is_answered_as_the_world_of_the_key_has_it(
    memory: Server, http: Client
) -> None:
    with visiting(memory, http, settings={"errorTransport": "body"}) as visitor:
        url = visitor.origin + STREAM
        assert http.fetch("GET", url, headers=visitor.auth).status == 200
        assert http.fetch("GET", url).status == 405


# ------------------------------------------------------------------------- worlds


def test_worlds_with_opposite_settings_do_not_meet(server: Server, http: Client) -> None:
    def visit(visitor: Visitor, status: int, style: str) -> None:
        for number in range(20):
            reply = form(visitor, fileName=f"{number}")
            assert reply.json["data"]["filePath"].startswith(style)
            assert form(visitor, uploadPath="").status == status
            assert visitor.get(reply.json["data"]["downloadUrl"]).status == 200

    one = {"errorTransport": "body", "profile": "observed"}
    with (
        visiting(server, http, settings=one) as left,
        visiting(server, http) as right,
        ThreadPoolExecutor(4) as pool,
    ):
        running = [pool.submit(visit, left, 200, "kieai/") for _ in range(2)]
        running += [pool.submit(visit, right, 400, "a/b/") for _ in range(2)]
        for done in running:
            done.result()


def test_a_url_upload_reads_a_link_of_a_world_with_other_settings(
    memory: Server, http: Client
) -> None:
    with (
        visiting(memory, http, settings={"links": {"style": "observed"}}) as left,
        visiting(memory, http, settings={"expiredLink": {"status": 410}}) as right,
    ):
        url = link(left)
        assert by_url(right, url).json["data"]["filePath"] == "a/x.bin"
        left.advance(3 * 86_400)
        assert "answers 404" in by_url(right, url).why


def test_what_wins(tmp_path: Path) -> None:
    data = {"extraData": {"a": 1}}
    with mockkie.serve(data=tmp_path, retention="PT5H", profile="observed", settings=data) as kie:
        assert kie.settings["links.style"] == "observed"
        assert kie.settings["extraData"] == {"a": 1}
        world = kie.new_world(retention="PT4H")
        assert (world.settings["retention"], kie.settings["retention"]) == ("PT4H", "PT5H")
        assert world.settings["links.style"] == "observed"
        world.settings.update(profile="documented")
        assert world.settings.profile == "documented"
        assert world.settings["links.style"] == "documented"
        assert world.settings["extraData"] == {"a": 1}


def test_a_reset_gives_back_what_a_world_was_made_with(world: mockkie.Kie) -> None:
    made = world.new_world({"retention": "PT1H"})
    made.settings.update(retention="PT2H", etags="omit")
    made.reset()
    assert made.settings.changed == {"retention": "PT1H"}
    made.settings.clear()
    assert made.settings.changed == {}
    made.reset()
    assert made.settings["retention"] == "PT1H"
    world.settings.update(etags="omit")
    world.reset()
    assert world.settings.changed == {}


def test_a_snapshot_has_the_settings(world: mockkie.Kie) -> None:
    world.settings.update(etags="omit")
    with world.restored():
        world.settings.update(retention="PT1H")
        world.settings.clear()
        assert world.settings["etags"] == "send"
    assert world.settings.changed == {"etags": "omit"}
    assert world.settings["etags"] == "omit"


def test_a_block_puts_back_what_was_there(world: mockkie.Kie) -> None:
    world.settings.update(etags="omit")
    with world.settings(error_transport="body", links={"style": "observed"}) as inside:
        assert inside["errorTransport"] == "body"
        assert inside["etags"] == "omit"
    assert world.settings.changed == {"etags": "omit"}
    with pytest.raises(KeyError), world.settings(error_transport="body"):
        raise KeyError
    assert world.settings.changed == {"etags": "omit"}
    with pytest.raises(UsageError, match="did you mean 'errorTransport'"):
        world.settings.update({"errorTransprt": "body"})
    with pytest.raises(KeyError, match=r"expiredLink\.status"):
        world.settings["expiredLink"]
    assert len(world.settings) == len(QUIRKS)
    world.settings["extraData"]["a"] = 1
    assert world.settings["extraData"] == {}


def test_a_restart_keeps_the_settings_of_worlds(tmp_path: Path) -> None:
    with mockkie.serve(data=tmp_path) as kie:
        key = kie.new_world(etags="omit").key
        kie.settings.update(profile="observed", retention="PT1H")
        name = kie.world.id
    with mockkie.serve(data=tmp_path, settings={"head": "refuse"}) as kie:
        assert kie.world.id == name
        assert kie.settings.changed == {"profile": "observed", "retention": "PT1H"}
        assert kie.settings["links.style"] == "observed"
        world = kie._service.worlds.of_key(key)  # noqa: SLF001 - by no handle of ours
        assert world is not None
        assert world.settings is not None
        assert (world.settings.etags, world.settings.head) == ("omit", "refuse")
        assert world.made_with == {"etags": "omit"}


def test_a_folder_of_the_former_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    with mockkie.serve(data=tmp_path) as kie:
        kie.files.seed({"a/b": b"content"})
    with contextlib.closing(sqlite3.connect(tmp_path / "index.sqlite")) as index:
        for column in ("changes", "made_with"):
            index.execute(f"ALTER TABLE world DROP COLUMN {column}")
        index.execute("PRAGMA user_version = 2")
    for _ in range(2):
        with mockkie.serve(data=tmp_path) as kie:
            assert kie.files.read("a/b") == b"content"
            kie.settings.update(etags="omit")


def test_a_remembered_profile_that_is_gone_is_said(tmp_path: Path) -> None:
    with mockkie.serve(data=tmp_path / "data") as kie:
        kie.settings.update(profile="observed")
    other = edited(tmp_path, lambda document: document["x-mockkie"].pop("profiles"))
    with (
        pytest.raises(UsageError, match="the world 'default': there is no profile 'observed'"),
        mockkie.serve(data=tmp_path / "data", contract=other),
    ):
        pass


# ------------------------------------------------------------------------- what is refused

WRONG = [
    ({"retentoin": "PT1H"}, "'retentoin' is no setting; did you mean 'retention'?"),
    ({"zzz": 1}, "'zzz' is no setting; there are: profile, retention, links"),
    ({"expiredLink": {"statsu": 1}}, "did you mean 'expiredLink.status'?"),
    ({"expiredLink": 410}, "expiredLink: 410 is not a mapping; it has expiredLink.status"),
    ({"expiredLink.status": 200}, "expiredLink.status: 200 is not an HTTP status from 400"),
    ({"expiredLink.status": "410"}, "expiredLink.status: '410' is not an HTTP status"),
    ({"expiredLink.status": 410.0}, "410.0 is not an HTTP status"),
    ({"retention": "3 days"}, "retention: '3 days' is not an ISO 8601 duration"),
    ({"etags": "maybe"}, "etags: 'maybe' is not send or omit"),
    ({"cacheControl": "a\nb"}, "cacheControl: 'a\\nb' is not a header's value"),
    ({"userAgents": {"refuse": [""]}}, "userAgents.refuse: [''] is not a list of texts"),
    ({"profile": 1}, "profile: 1 is not the name of a profile"),
    ({"profile": "imagined"}, "there is no profile 'imagined'"),
    ({"tasks": {"price": 2}}, "tasks are of their document"),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG, ids=lambda value: str(value)[:30])
def test_what_is_wrong_is_named_and_nothing_changes(
    wrong: dict[str, Any], why: str, memory: Server, http: Client
) -> None:
    with visiting(memory, http, settings={"etags": "omit"}) as visitor:
        before = visitor.control("GET", "/settings").json
        reply = visitor.control("PATCH", "/settings", {"head": "refuse", **wrong})
        assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
        assert why in reply.json["detail"]
        assert visitor.control("GET", "/settings").json == before
        body = json.dumps({"id": "never", "settings": wrong}).encode()
        url = f"{visitor.origin}/__mockkie/worlds"
        made = http.fetch("POST", url, headers=JSON_TYPE, body=body)
        assert made.status == 400
        assert why in made.json["detail"]
        worlds = http.fetch("GET", f"{visitor.origin}/__mockkie/worlds").json["worlds"]
        assert "never" not in {world["id"] for world in worlds}


@pytest.mark.parametrize("body", [b"[]", b"{", b"1", b'{"settings": 1}'])
def test_a_call_that_is_no_mapping_is_refused(body: bytes, guest: Visitor) -> None:
    url = f"{guest.origin}/__mockkie/settings"
    assert guest.client.fetch("PATCH", url, headers=guest.auth, body=body).status == 400


@pytest.mark.parametrize(
    "value", [{"extraData": {"a": float("nan")}}, {"extraData": {"a": object()}}, [1], "x"]
)
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(UsageError):
        read_changes(value)


def test_keywords_are_spelled_as_python_spells_them() -> None:
    found = read_keywords({"error_transport": "body", "expired_link": {"status": 410}})
    assert found == {"errorTransport": "body", "expiredLink.status": 410}
    for wrong, why in (
        ({"error_transprt": "body"}, "did you mean 'error_transport'"),
        ({"error_transport": 1}, "error_transport: 1 is not status or body"),
        ({"expired_link": {"stat": 1}}, "did you mean 'expired_link.status'"),
    ):
        with pytest.raises(UsageError, match=why):
            read_keywords(wrong)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("retention=PT1H", {"retention": "PT1H"}),
        (" cacheControl = public, max-age=60", {"cacheControl": "public, max-age=60"}),
        ("cacheControl=null", {"cacheControl": None}),
        ("cacheControl=", {"cacheControl": None}),
        ("cors.uploads=*", {"cors.uploads": "*"}),
        ("links={style: observed}", {"links.style": "observed"}),
        ("extraData={success: true}", {"extraData": {"success": True}}),
        ("userAgents.refuse=[curl, wget]", {"userAgents.refuse": ["curl", "wget"]}),
        ("links.origin=http://a.test:80", {"links.origin": "http://a.test:80"}),
    ],
)
def test_values_are_read_as_yaml(word: str, found: dict[str, Any]) -> None:
    assert read_words([word]) == found


@pytest.mark.parametrize("word", ["retention", "retention=1\nhead: refuse", "head=no", "=1"])
def test_words_that_are_none_are_refused(word: str) -> None:
    with pytest.raises(UsageError):
        read_words([word])


# ------------------------------------------------------------------------- properties

ODD: Mapping[str, Callable[[], st.SearchStrategy[Any]]] = {
    "string": lambda: st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    "object": lambda: st.dictionaries(
        st.sampled_from(["success", "region"]), st.booleans() | st.just("x")
    ),
    "array": lambda: st.lists(st.sampled_from(["curl", "python-httpx2", "zz"]), max_size=2),
    "integer": lambda: st.integers(min_value=0, max_value=10_000),
}


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Legal values of a setting."""
    kind, schema = QUIRKS[name].kind, QUIRKS[name].kind.schema
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind.duration:
        return st.sampled_from(["PT0S", "PT1S", "P1D", "P400D"])
    if name == "links.origin":
        return st.sampled_from(["request", "https://a.test", "http://b.test:81"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    drawn = st.one_of(*(st.none() if one == "null" else ODD[one]() for one in kinds))
    low, high = schema.get("minimum", 0), schema.get("maximum", 10**9)
    return drawn.map(lambda one: min(max(one, low), high) if isinstance(one, int) else one)


SUBSETS = st.lists(st.sampled_from(OTHERWISE), unique=True, max_size=12).flatmap(
    lambda names: st.fixed_dictionaries({name: values_of(name) for name in names})
)


def script(visitor: Visitor) -> list[tuple[int, dict[str, str], bytes]]:
    """Some of everything, as of a frozen instant; what comes of it is the same each time."""
    visitor.control("POST", "/reset")
    visitor.set_clock()
    replies = [
        form(visitor, fileName="x.bin"),
        form(visitor, uploadPath=""),
        form(visitor, uploadPath="/a//b/"),
        form(visitor, fileName="y", colour="red"),
        visitor.post("base64", b"content", "a", "z.bin"),
        by_url(visitor, "https://example.com/cat.png"),
        visitor.ask("GET", visitor.origin + STREAM),
        visitor.ask("GET", f"{visitor.origin}/nothing/here"),
    ]
    at = f"{visitor.origin}/{visitor.account}/a/b/x.bin"
    for method in ("GET", "HEAD", "OPTIONS"):
        replies.append(visitor.ask(method, at, range="bytes=1-2"))
        replies.append(visitor.ask(method, at, if_none_match="*"))
    visitor.control("POST", "/clock/advance", {"duration": "P3D"})
    replies.append(visitor.get(at))
    return [(reply.status, dict(reply.headers), reply.body) for reply in replies]


@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(changes=SUBSETS)
def test_any_settings_keep_the_contract_and_leave_no_trace(changes: dict[str, Any]) -> None:
    with within() as visitor:
        before = script(visitor)
        reply = visitor.control("PATCH", "/settings", nested(changes))
        assert reply.status == 200, reply.json
        assert read_changes(reply.json["changed"]) == changes
        # A reset would take them back: what it is needed for was done.
        visitor.control("DELETE", "/files")
        for answer in (form(visitor), visitor.post("base64", b"c", "a", "z"), form(visitor)):
            assert answer.status != 500 or answer.json["msg"] != "Internal server error", answer.why
        assert all(entry["decision"] != "broken" for entry in visitor.journal())
        assert visitor.control("DELETE", "/settings").json["changed"] == {}
        assert script(visitor) == before
