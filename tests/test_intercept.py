"""`kie.intercept()`: clients of this process and of others, for one world and no longer."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests

from mockkie import serve
from mockkie.kie import Kie

pytest_plugins = ["pytester"]

UPLOAD = "https://kieai.redpandaai.co/api/file-stream-upload"
PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def kie_server() -> Iterator[Kie]:
    with serve(download_port=0) as kie:
        yield kie


def ask(client: Any, method: str, url: str, **more: Any) -> tuple[int, bytes]:
    answer = client.request(method, url, timeout=30, **more)
    return answer.status_code, answer.content


def ask_urllib(method: str, url: str, **more: Any) -> tuple[int, bytes]:
    request = requests.Request(method, url, **more).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body
    wanted = urllib.request.Request(url, body, dict(request.headers), method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(wanted, timeout=30) as answer:  # noqa: S310 - ours
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def ask_aiohttp(method: str, url: str, **more: Any) -> tuple[int, bytes]:
    request = requests.Request(method, url, **more).prepare()

    async def go() -> tuple[int, bytes]:
        async with (
            aiohttp.ClientSession(trust_env=True) as session,
            session.request(method, url, data=request.body, headers=request.headers) as answer,
        ):
            return answer.status, await answer.read()

    return asyncio.run(go())


Ask = Callable[..., tuple[int, bytes]]
CLIENTS: dict[str, Ask] = {
    "requests": lambda *args, **more: ask(requests, *args, **more),
    "httpx": lambda *args, **more: ask(httpx, *args, **more),
    "httpx2": lambda *args, **more: ask(httpx2, *args, **more),
    "urllib": ask_urllib,
    "aiohttp": ask_aiohttp,
}


def upload(client: Ask, key: str, content: bytes = b"hello") -> tuple[int, bytes]:
    return client(
        "POST",
        UPLOAD,
        headers={"Authorization": f"Bearer {key}"},
        files={"file": ("a.txt", content)},
        data={"uploadPath": "docs", "fileName": "a.txt"},
    )


def link_of(answer: tuple[int, bytes]) -> str:
    assert answer[0] == 200, answer
    link: str = json.loads(answer[1])["data"]["downloadUrl"]
    return link


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_of_this_process(kie: Kie, name: str) -> None:
    client = CLIENTS[name]
    with kie.intercept() as found:
        link = link_of(upload(client, os.environ["KIE_API_KEY"]))
        assert link.startswith("https://tempfile.redpandaai.co/")
        assert kie.files.read("docs/a.txt") == b"hello"
        assert client("GET", link) == (200, b"hello")
        kie.clock.advance(days=3)
        assert client("GET", link)[0] == 404
        assert client("GET", "http://other.test/")[0] == 403
        with pytest.raises(Exception, match=r"mockkie refuses other\\.test|403"):
            client("GET", "https://other.test/")
        assert found.refused == {"other.test:80": 1, "other.test:443": 1}
        assert "api.kie.ai" in found.hosts


def test_only_this_world_answers(kie: Kie) -> None:
    other = kie.new_world()
    client = CLIENTS["requests"]
    with other.intercept():
        theirs = link_of(upload(client, other.key))
    with kie.intercept():
        for key in (other.key, "kie-mock-key", "wrong"):
            assert upload(client, key)[0] == 401
        assert client("GET", theirs)[0] == 404
        assert link_of(upload(client, kie.key)) != theirs
    assert [entry.status for entry in kie.journal] == [401, 401, 401, 404, 200]
    assert [entry.status for entry in other.journal] == [200]


def test_the_environment_is_as_before(kie: Kie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    before = dict(os.environ)
    context = aiohttp.connector._SSL_CONTEXT_VERIFIED  # noqa: SLF001 - it is lent another
    opener = urllib.request.build_opener()
    urllib.request.install_opener(opener)
    with pytest.raises(ZeroDivisionError), kie.intercept() as found:  # noqa: PT012 - a whole block
        assert os.environ["SSL_CERT_FILE"] != before.get("SSL_CERT_FILE")
        assert aiohttp.connector._SSL_CONTEXT_VERIFIED is not context  # noqa: SLF001 - as above
        raise ZeroDivisionError
    assert dict(os.environ) == before
    assert aiohttp.connector._SSL_CONTEXT_VERIFIED is context  # noqa: SLF001 - as above
    assert urllib.request._opener is opener  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    urllib.request.install_opener(None)
    assert not found.certificate.parent.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(found.proxy.rpartition(":")[2])))


def test_urllib_forgets_what_it_found_before_and_inside(kie: Kie) -> None:
    """Its opener is made once and remembers the proxies of that moment."""
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(kie.base_url + "/nothing", timeout=30)  # noqa: S310 - ours
    with kie.intercept():
        assert ask_urllib("GET", "http://kieai.redpandaai.co/")[0] == 404
    assert ask_urllib("GET", kie.base_url + "/livez")[0] == 200


def test_a_session_that_was_there_before(kie: Kie) -> None:
    with requests.Session() as session:
        session.get(kie.base_url + "/livez")
        with kie.intercept():
            assert session.get("https://kieai.redpandaai.co/", timeout=30).status_code == 404
        assert session.get(kie.base_url + "/livez", timeout=30).status_code == 200


def test_every_key_opens_the_one_world_if_every_key_does() -> None:
    with serve(any_key=True) as kie:
        world = kie.new_world()
        with world.intercept():
            assert upload(CLIENTS["requests"], "any")[0] == 200
            assert upload(CLIENTS["requests"], "kie-mock-key")[0] == 200
        assert list(world.files) == ["docs/a.txt"]
        assert list(kie.files) == []


def test_blocks_within_blocks(kie: Kie) -> None:
    inner = kie.new_world()
    client = CLIENTS["httpx2"]
    with kie.intercept():
        with inner.intercept():
            assert upload(client, kie.key)[0] == 401
            assert upload(client, inner.key)[0] == 200
        assert upload(client, inner.key)[0] == 401
        assert upload(client, kie.key)[0] == 200


def test_faults_that_come_within_the_block_strike(kie: Kie) -> None:
    def upload() -> int:
        return requests.post(
            "https://kieai.redpandaai.co/api/file-stream-upload",
            headers=kie.headers,
            files={"file": ("a.txt", b"x")},
            data={"uploadPath": "a", "fileName": "a.txt"},
            timeout=30,
        ).status_code

    with kie.intercept():
        assert upload() == 200
        with kie.faults.add("status=500", operation="upload-*"):
            assert upload() == 500
        assert upload() == 200


def test_programs_that_are_started_inside(kie: Kie, tmp_path: Path) -> None:
    (tmp_path / "sent.bin").write_bytes(b"hello")
    with kie.intercept() as found:
        done = subprocess.run(
            [sys.executable, PROGRAMS / "with_requests.py", "sent.bin", "other.test"],
            capture_output=True,
            cwd=tmp_path,
            check=True,
            timeout=60,
        )
        assert found.refused == {"other.test:443": 1}
    assert done.stdout == b"hello"
    assert kie.files.read("docs/a.txt") == b"hello"


def test_a_host_that_is_allowed(kie: Kie) -> None:
    with kie.intercept(allow_hosts=["127.0.0.1"]) as found:
        with httpx2.Client(proxy=found.proxy, trust_env=False) as client:
            assert client.get(kie.base_url + "/livez").status_code == 200
        assert "127.0.0.1" not in found.hosts


def test_in_process_nothing_is_intercepted(kie_app: Kie) -> None:
    with pytest.raises(RuntimeError, match="use the `kie` fixture"), kie_app.intercept():
        pass


def test_tests_in_parallel_and_the_report_of_one_that_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os

        import pytest
        import requests

        def upload(content):
            return requests.post(
                "https://kieai.redpandaai.co/api/file-stream-upload",
                headers={"Authorization": "Bearer " + os.environ["KIE_API_KEY"]},
                files={"file": content},
                data={"uploadPath": "a", "fileName": "b"},
            ).json()["data"]["downloadUrl"]

        @pytest.mark.parametrize("number", range(8))
        def test_alone(kie, kie_intercept, number):
            content = str(number).encode()
            assert requests.get(upload(content)).content == content
            assert kie.files.read("a/b") == content

        def test_that_fails(kie_intercept):
            assert requests.get("http://other.test/").status_code == 200
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(["*refused: other.test:80 (1 times)"])
