"""The foreign Flask server: its faithful ways work, and each of its bugs shows itself."""

import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from werkzeug.serving import make_server

from tests.wsgi_api import main, wsgi_api
from tests.wsgi_bugs import BUGS
from tests.wsgi_twists import DAY
from tests.wsgi_visits import ALL, PNG, SCENARIOS, Quiet, Visitor, origin_app, seen_by, shows
from tests.wsgi_ways import FAITHFUL, Ways


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, origin_app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def faithful(origin: str) -> dict[Callable[[Visitor], None], list[Any]]:
    return {scenario: seen_by(scenario, origin) for scenario in ALL}


def name_of(scenario: Callable[[Visitor], None]) -> str:
    return scenario.__name__


@pytest.mark.parametrize("scenario", ALL, ids=name_of)
def test_without_a_bug_a_scenario_shows_the_same_twice(
    scenario: Callable[[Visitor], None],
    origin: str,
    faithful: dict[Callable[[Visitor], None], list[Any]],
) -> None:
    assert seen_by(scenario, origin) == faithful[scenario]


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_shows_itself_on_a_server_that_answers(
    bug: str, origin: str, faithful: dict[Callable[[Visitor], None], list[Any]]
) -> None:
    scenarios = SCENARIOS[BUGS[bug].part]
    # What only a crowd shows may need another try on a busy machine.
    tries = (*scenarios, *[scenarios[0]] * 4) if BUGS[bug].part == "stability" else scenarios
    assert any(shows(scenario, origin, bug, faithful[scenario]) for scenario in tries)


def test_the_code_asks_for_each_bug_and_for_no_other() -> None:
    tables = ("wsgi_bugs.py", "wsgi_ways.py", "wsgi_visits.py")
    sources = [path for path in Path(__file__).parent.glob("wsgi_*.py") if path.name not in tables]
    parts = "|".join(SCENARIOS)
    asked = re.compile(rf'"((?:{parts})-[a-z0-9-]+)"')
    found = {name for path in sources for name in asked.findall(path.read_text())}
    assert found == set(BUGS)


def test_there_are_many_bugs_of_every_kind() -> None:
    assert len(BUGS) > 100
    for part in SCENARIOS:
        documented = [bug for bug in BUGS.values() if bug.part == part and bug.level == "D"]
        assert len(documented) >= 8, part
    assert {bug.level for bug in BUGS.values()} == {"D", "O", "A"}


# --- real sockets ------------------------------------------------------------------------------


class Shop:
    """A customer of a server that runs, who is patient with a limit."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session

    def call(self, method: str, url: str, **more: Any) -> requests.Response:
        for _ in range(3):
            answer = self.session.request(method, url, timeout=10, **more)
            if answer.status_code != 429:
                return answer
        pytest.fail("limited for good")

    def up(self, route: str, key: str, origin: str, **fields: str) -> dict[str, Any]:
        sent: dict[str, Any] = {"uploadPath": "images/of mine", **fields}
        more: dict[str, Any] = {}
        if route == "stream":
            more = {"files": {"file": ("photo.png", PNG)}, "data": sent}
        elif route == "base64":
            more = {"json": {**sent, "base64Data": b64encode(PNG).decode()}}
        else:
            more = {"json": {**sent, "fileUrl": f"{origin}/pixel.png"}}
        headers = {"Authorization": f"Bearer {key}"}
        address = f"{self.url}/api/file-{route}-upload"
        answer = self.call("POST", address, headers=headers, **more)
        assert answer.status_code == answer.json()["code"] == 200
        data = answer.json()["data"]
        assert isinstance(data, dict)
        assert (data["fileSize"], data["mimeType"]) == (len(PNG), "image/png")
        return data

    def live(self, link: str) -> bool:
        return self.call("GET", link).content == PNG


@contextmanager
def shopping(name: str | Ways, bug: str | None = None) -> Iterator[tuple[Shop, Any]]:
    with wsgi_api(name, bug) as running, requests.Session() as session:
        session.trust_env = False
        yield Shop(running.url, session), running


@pytest.mark.parametrize("name", FAITHFUL)
def test_each_faithful_way_stores_returns_overwrites_and_ends(name: str, origin: str) -> None:
    with shopping(name) as (shop, running):
        key, links = running.keys[0], []
        for route in ("stream", "base64", "url"):
            named = shop.up(route, key, origin, fileName=f"by {route}.png")
            assert named["fileName"] == f"by {route}.png"
            assert named["filePath"].endswith(f"images/of mine/by {route}.png")
            assert urlsplit(named["downloadUrl"]).path.endswith(quote(named["filePath"]))
            links += [named["downloadUrl"], shop.up(route, key, origin)["downloadUrl"]]
        assert all(link.startswith(f"{running.downloads}/") for link in links)
        assert all(link.endswith(".png") for link in links)
        assert all(shop.live(link) for link in links)
        others = [shop.up("stream", other, origin, fileName="x.png") for other in running.keys]
        assert len({data["downloadUrl"] for data in others}) == len(running.keys)
        for bad in ("nobody", key[:-1]):
            headers = {"Authorization": f"Bearer {bad}"}
            address = f"{shop.url}/api/file-url-upload"
            assert shop.call("POST", address, headers=headers, json={}).json()["code"] == 401
        if FAITHFUL[name].clock:
            address = f"{shop.url}/__mockkie/clock/advance"
            moved = shop.call("POST", address, json={"duration": "P3DT1M"})
            assert moved.json()["offset"] == pytest.approx(3 * DAY + 60, abs=30)
            assert {shop.call("GET", link).status_code for link in links} == {FAITHFUL[name].gone}


@pytest.mark.parametrize("name", ["stale-for-a-second", "live-like"])
def test_old_bytes_are_served_for_a_while_only(name: str, origin: str) -> None:
    with shopping(name) as (shop, running):
        link = shop.up("stream", running.keys[0], origin, fileName="photo.png")["downloadUrl"]
        for body in (b"new", b"newer"):
            shop.call(
                "POST",
                f"{shop.url}/api/file-stream-upload",
                headers={"Authorization": f"Bearer {running.keys[0]}"},
                files={"file": ("photo.png", body)},
                data={"uploadPath": "images/of mine", "fileName": "photo.png"},
            )
        assert shop.live(link)
        time.sleep(1.1)
        assert shop.call("GET", link).content == b"newer"


@pytest.mark.parametrize("name", ["plain", "keep-alive", "http-1.0", "lax"])
def test_a_file_without_a_name_keeps_its_bytes(name: str) -> None:
    lines = ["--b", 'Content-Disposition: form-data; name="file"; filename=""', "", "bytes"]
    lines += ["--b", 'Content-Disposition: form-data; name="uploadPath"', "", "p", "--b--", ""]
    with shopping(name) as (shop, running):
        headers = {"Authorization": f"Bearer {running.keys[0]}"}
        headers["Content-Type"] = "multipart/form-data; boundary=b"
        # A generator is sent in chunks.
        body = (part.encode() for part in "\r\n".join(lines))
        address = f"{shop.url}/api/file-stream-upload"
        answer = shop.call("POST", address, headers=headers, data=body)
        assert answer.json()["data"]["fileSize"] == 5
        assert shop.call("GET", answer.json()["data"]["downloadUrl"]).content == b"bytes"


def test_what_is_doubtful_is_taken_by_the_lax_and_refused_by_the_strict() -> None:
    fields = {"base64Data": "QUJD", "uploadPath": "p", "fileName": "n.txt"}
    doubts = (
        {"base64Data": "QU JD"}, {"uploadPath": "/p/"}, {"uploadPath": "a/../b"},
        {"uploadPath": "a//b"}, {"uploadPath": "a\nb"}, {"uploadPath": "p" * 2000},
        {"fileName": ""}, {"fileName": "a/b"}, {"base64Data": "data:,"},
    )  # fmt: skip
    for name, status in (("lax", 200), ("strict", 400)):
        with shopping(name) as (shop, running):
            headers = {"Authorization": f"Bearer {running.keys[0]}"}
            address = f"{shop.url}/api/file-base64-upload"
            for doubt in doubts:
                answer = shop.call("POST", address, headers=headers, json={**fields, **doubt})
                assert answer.status_code == status, (name, doubt)
                if status == 200:
                    link = answer.json()["data"]["downloadUrl"]
                    assert shop.call("GET", link).status_code == 200, doubt
            for wrong in ({"base64Data": "!!"}, {"uploadPath": None}, {"uploadPath": 5}):
                answer = shop.call("POST", address, headers=headers, json={**fields, **wrong})
                assert answer.status_code == answer.json()["code"] == 400


@pytest.mark.parametrize("part", SCENARIOS)
def test_a_bug_is_served_by_sockets_too(part: str, origin: str) -> None:
    bug = next(name for name in BUGS if name.startswith(f"{part}-"))
    with shopping("plain", bug) as (shop, running):
        shop.up("stream", running.keys[0], origin, fileName="photo.png")


def test_the_command_lists_all_names(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    names = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert names == [*FAITHFUL, *BUGS]


def test_an_unknown_bug_is_no_server() -> None:
    with pytest.raises(KeyError), wsgi_api("plain", "no-such-bug"):
        pass
