"""The servers that the tests of buckets stand on: real, controllable, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import obstore
import pytest
import requests
from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError
from obstore.store import S3Store

from tests.balancing import INSTALL, NGINX, balanced
from tests.s3_servers import S3, Gateway, radosgw
from tests.unsteady import unsteady

WRITERS = 32
ROOT = Path(__file__).parent.parent


@pytest.fixture(params=["moto_server", "s3_server"])
def s3(request: pytest.FixtureRequest) -> S3:
    """Both servers in turn."""
    server: S3 = request.getfixturevalue(request.param)
    return server


def opened(s3: S3, retries: int = 0, patience: str = "30s") -> S3Store:
    return S3Store(
        s3.bucket,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key_id=s3.key_id,
        secret_access_key=s3.secret,
        client_options={"allow_http": True, "timeout": patience},
        retry_config={"max_retries": retries},
    )


async def winners(attempts: Iterable[Awaitable[Any]]) -> int:
    """How many succeeded; the others have to have lost the race, and nothing worse."""
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    lost = [one for one in outcomes if isinstance(one, BaseException)]
    assert all(isinstance(one, AlreadyExistsError | PreconditionError) for one in lost), lost
    return len(outcomes) - len(lost)


def test_one_of_many_writers_wins(s3_server: Gateway) -> None:
    store, key = opened(s3_server, retries=3), "one-winner"  # many losers get a 500 at first

    async def races() -> None:
        created = (
            obstore.put_async(store, key, b"%d" % one, mode="create") for one in range(WRITERS)
        )
        assert await winners(created) == 1
        for _ in range(5):
            known = str((await obstore.head_async(store, key))["e_tag"])
            before = bytes(await (await obstore.get_async(store, key)).bytes_async())
            bare = known.strip('"')  # radosgw 16 compares the quotes too
            updated = (
                obstore.put_async(store, key, before + b",%d" % one, mode={"e_tag": bare})
                for one in range(WRITERS)
            )
            assert await winners(updated) == 1
            after = bytes(await (await obstore.get_async(store, key)).bytes_async())
            assert after.rpartition(b",")[0] == before

    asyncio.run(races())


def test_metadata_comes_back(s3: S3) -> None:
    store, facts = opened(s3), {"id": "1", "digest": "ab/+=", "Content-Type": "image/png"}
    obstore.put(store, "facts", b"12345", attributes=facts)
    answer = obstore.get(store, "facts", options={"head": True})
    assert answer.attributes == facts
    assert answer.meta["size"] == 5


def test_an_upload_that_is_given_up_is_seen(s3: S3) -> None:
    begun = s3.client().create_multipart_upload(Bucket=s3.bucket, Key="given-up/1")
    assert s3.uploads("given-up/") == ["given-up/1"]
    assert s3.keys("given-up/") == []
    s3.client().abort_multipart_upload(
        Bucket=s3.bucket, Key="given-up/1", UploadId=begun["UploadId"]
    )
    assert s3.uploads("given-up/") == []


@pytest.mark.usefixtures("s3_server")  # skips, or fails, where there is none
def test_a_lifecycle_rule_frees_what_nobody_deletes() -> None:
    with radosgw(day=1) as s3:
        client, rule = s3.client(), {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "old/"}}
        rule |= {"Expiration": {"Days": 2}}
        rule |= {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}
        client.put_bucket_lifecycle_configuration(
            Bucket=s3.bucket, LifecycleConfiguration={"Rules": [rule]}
        )
        for key in ("old/1", "new/1"):
            client.put_object(Bucket=s3.bucket, Key=key)
            client.create_multipart_upload(Bucket=s3.bucket, Key=key)
        deadline = time.monotonic() + 60
        while s3.keys("old/") + s3.uploads("old/") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert s3.keys() == s3.uploads() == ["new/1"]


def test_the_gateway_goes_away_and_comes_back(s3_server: Gateway) -> None:
    store = opened(s3_server)
    obstore.put(store, "kept", b"while away")
    s3_server.stop()
    try:
        with pytest.raises(GenericError, match="ConnectionRefused"):
            obstore.get(store, "kept")
    finally:
        s3_server.start()
    assert bytes(obstore.get(store, "kept").bytes()) == b"while away"


@pytest.mark.parametrize("ends", ["orderly", "killed"])
def test_nothing_is_left_of_a_server(s3_server: Gateway, tmp_path: Path, ends: str) -> None:
    """By hand it prints an environment; however it ends, its processes and folder go."""
    command = [sys.executable, "-m", "tests.s3_servers"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(len(s3_server.environment) + 1)]
        printed = dict(shlex.split(line)[1].split("=", 1) for line in lines[:-1])
        assert printed.keys() == s3_server.environment.keys()
        (folder,) = tmp_path.iterdir()
        running = [int(one.read_text()) for one in folder.glob("*.pid")]
        if ends == "killed":
            process.send_signal(signal.SIGKILL)
    assert len(running) == 3
    deadline = time.monotonic() + 30
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()
    assert [pid for pid in running if alive(pid)] == []


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_proxy_is_as_unsteady_as_it_is_told(s3_server: Gateway) -> None:
    with unsteady(s3_server.endpoint) as proxy:
        patient, strict = (opened(s3_server.at(proxy.endpoint), retries) for retries in (3, 0))
        obstore.put(strict, "unsteady/1", bytes(200_000))

        proxy.busy(2)
        assert obstore.head(patient, "unsteady/1")["size"] == 200_000
        assert len(proxy.requests) == 4
        proxy.busy(only="PUT ")
        with pytest.raises(GenericError, match="<Code>SlowDown</Code>"):
            obstore.put(strict, "unsteady/2", b"")
        assert obstore.head(strict, "unsteady/1")["size"] == 200_000

        proxy.tear(100_000, only="GET ")
        with pytest.raises(GenericError, match="response body error"):
            obstore.get(strict, "unsteady/1").bytes()

        proxy.tear(0, 1)
        with pytest.raises(AlreadyExistsError):  # its own first attempt was carried out
            obstore.put(patient, "unsteady/3", b"once", mode="create")
        assert bytes(obstore.get(strict, "unsteady/3").bytes()) == b"once"

        proxy.silent(1)
        hasty = opened(s3_server.at(proxy.endpoint), patience="0.5s")
        with pytest.raises(GenericError, match="TimedOut"):
            obstore.head(hasty, "unsteady/1")

        proxy.refuse()
        with pytest.raises(GenericError, match="ConnectionRefused"):
            obstore.head(strict, "unsteady/1")
        proxy.steady()
        proxy.slow(0.01)
        assert len(obstore.get(strict, "unsteady/1").bytes()) == 200_000
    assert s3_server.keys("unsteady/") == ["unsteady/1", "unsteady/3"]


class Named(BaseHTTPRequestHandler):
    """Says which server it is, what it was asked and how much it got."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size, host = int(self.headers["Content-Length"]), self.headers["Host"]
        got = len(self.rfile.read(size))
        assert isinstance(self.server, ThreadingHTTPServer)
        said = f"{self.server.server_port} {host} {self.path} {got}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        """Quietly."""


@contextmanager
def named() -> Any:
    with ThreadingHTTPServer(("127.0.0.1", 0), Named) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_nginx_takes_servers_in_turn() -> None:
    if NGINX is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no load balancer: {INSTALL}")
    with named() as first, named() as second, balanced([first, second]) as origin:
        said = []
        for size in (0, 10, 3_000_000, 20):
            answer = requests.post(f"{origin}/a//b%2Fc?d", bytes(size), timeout=30)
            said.append(answer.text.split())
    assert [one[0] for one in said] in (
        [str(first), str(second)] * 2,
        [str(second), str(first)] * 2,
    )
    assert {one[1] for one in said} == {origin.removeprefix("http://")}
    assert {one[2] for one in said} == {"/a//b%2Fc?d"}
    assert [one[3] for one in said] == ["0", "10", "3000000", "20"]
