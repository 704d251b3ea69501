"""A store elsewhere that is gone, wrong or in trouble: what people are told of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mockkie.problems import UsageError
from mockkie.store.bucket import Bucket
from mockkie.store.s3 import S3Store
from tests.loopback import free_port
from tests.s3_servers import S3, Gateway
from tests.test_s3_store import described, keep, over, using

SECRETS = ("mockkie-key-id", "mockkie-secret")
ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>no</Message></Error>"
DELETED = "<DeleteResult><Deleted><Key>x</Key></Deleted></DeleteResult>"
ANSWERS = {
    (503, "SlowDown"): r"s3://bucket/x answers PUT with 503 Service Unavailable \(SlowDown\)",
    (500, "InternalError"): r"s3://bucket/x answers PUT with 500 Internal Server Error",
    (403, "AccessDenied"): "s3://bucket/x refuses PUT: its keys are wrong, or may not do this",
    (401, "Unknown"): "s3://bucket/x refuses PUT: its keys are wrong, or may not do this",
    (404, "NoSuchBucket"): "the bucket of s3://bucket/x does not exist: create it, or name another",
    (400, "Strange"): r"s3://bucket/x answers PUT with 400 Bad Request \(Strange\)",
}


@pytest.fixture(params=["moto_server", "s3_server"])
def s3(request: pytest.FixtureRequest) -> S3:
    """Both servers in turn."""
    server: S3 = request.getfixturevalue(request.param)
    return server


@contextmanager
def answering(status: int, code: str) -> Iterator[S3]:
    """A server that has one answer for everything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = (ERROR.format(code) if status >= 400 else DELETED).encode()
            self.send_response(status)
            self.send_header("etag", '"1"')
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - as the base has it

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield S3(f"http://127.0.0.1:{server.server_port}", "bucket")
        finally:
            server.shutdown()
            thread.join()


def use(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)


def refused(url: str, match: str) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        S3Store.open_bucket(url)
    assert not any(secret in str(caught.value) for secret in SECRETS)


@pytest.mark.parametrize(("answer", "text"), ANSWERS.items(), ids=str)
def test_what_a_bucket_says_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], text: str
) -> None:
    with answering(*answer) as s3:
        use(s3, monkeypatch)
        refused("s3://bucket/x", rf"{text}.* \(AWS_ENDPOINT_URL is {s3.endpoint}, AWS_REGION is")
        store = over(Bucket.connect("s3://bucket/x"))

        async def scene() -> None:
            async with using(store):
                with pytest.raises(OSError, match=text) as caught:
                    await keep(store, "a")
                assert not any(secret in str(caught.value) for secret in SECRETS)
                with pytest.raises(OSError, match=text.replace("PUT", "LIST")):
                    await store.list("default")

        asyncio.run(scene())


def test_a_store_without_conditional_writes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, "") as s3:
        use(s3, monkeypatch)
        refused("s3://bucket", r"s3://bucket does not know conditional writes .*: choose another")


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    use(S3(f"http://127.0.0.1:{free_port()}"), monkeypatch)
    refused("s3://bucket", "s3://bucket cannot be reached")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    refused("s3://bucket", "s3://bucket cannot be used: .*Missing AccessKeyId")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("s3://", "s3://: a place in a bucket is s3://bucket/prefix"),
        ("s3://name:word@bucket/x", "s3://bucket/x: a place in a bucket is"),
        ("s3://bucket/x?region=1", "a place in a bucket is s3://bucket/prefix, with endpoint"),
        ("s3://bucket/a//b", "a prefix is up to 200 letters, digits"),
        ("s3://bucket/../b", "a prefix is up to 200 letters, digits"),
        (f"s3://bucket/{'x' * 201}", "a prefix is up to 200 letters, digits"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str, text: str) -> None:
    refused(url, text)


def test_a_bucket_that_is_not_there_is_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    use(s3, monkeypatch)
    refused("s3://other", "the bucket of s3://other does not exist: create it")


def test_a_foreign_object_is_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    use(s3, monkeypatch)
    place = uuid.uuid4().hex[:8]
    s3.client().put_object(Bucket=s3.bucket, Key=f"{place}/files/default/_a", Body=b"x")

    async def scene() -> None:
        store = S3Store.open_bucket(f"s3://{s3.bucket}/{place}")
        async with using(store):
            with pytest.raises(OSError, match="files/default/_a was not written by mockkie"):
                await store.list("default")
            await keep(store, "a")
            assert [file.path for file in await store.list("default")] == ["a"]

    asyncio.run(scene())


def test_a_server_that_comes_back_is_used_again(
    s3_server: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(s3_server, monkeypatch)
    place = f"s3://{s3_server.bucket}/{uuid.uuid4().hex[:8]}"

    async def scene() -> None:
        store = S3Store.open_bucket(place, part=5 * 1_024 * 1_024)
        async with using(store):
            file = await keep(store, "a")
            draft = store.draft()
            await draft.write(bytes(12 * 1_024 * 1_024))
            s3_server.stop()
            try:
                for call in (store.find("default", "a"), store.list("default"), keep(store, "b")):
                    with pytest.raises(OSError, match=f"{place} cannot be reached"):
                        await call
                with pytest.raises(OSError, match=f"{place} cannot be reached"):
                    await store.keep("default", draft, described(draft, "large"))
                await draft.discard()
            finally:
                s3_server.start()
            assert await store.find("default", "a") == file
            assert [found.path for found in await store.list("default")] == ["a"]
            assert await keep(store, "b") == await store.find("default", "b")

    asyncio.run(scene())


def test_the_extra_is_named_when_it_is_missing() -> None:
    program = (
        "import sys; sys.modules['obstore'] = None\n"
        "from mockkie.build import open_store\n"
        "from mockkie.problems import UsageError\n"
        "try: open_store('s3://bucket')\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "obstore is missing: pip install 'mockkie[s3]'\n"
