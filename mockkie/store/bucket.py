"""A bucket of an S3-compatible store, by `obstore`, with our errors. Knows no files and no worlds.

Everything that goes wrong is an `OSError` with a text for people: it names the place, says what
the store answered, and has no credentials in it. Each call gives up after some seconds, so that a
store that is gone is noticed, and tries again before, so that a hiccup is not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store

from mockkie.problems import UsageError
from mockkie.store.s3errors import NO_BUCKET, first_line, said

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, PutMode, UpdateVersion
    from obstore.store import ClientConfig, RetryConfig

S = TypeVar("S")
T = TypeVar("T")
SCHEME: Final = "s3"
PIECE: Final = 256 * 1_024  # bytes of a download that are handed on at a time, at most
_PAGE: Final = 1_000
_AT_ONCE: Final = 32
PREFIX_MOST: Final = 200  # bytes; a key has up to 1,024 (documented by AWS)
_CONNECT: Final = timedelta(seconds=2)
_SILENCE: Final = timedelta(seconds=10)  # without a byte from the store
_WHOLE: Final = timedelta(hours=24)  # one transfer; `_SILENCE` is what notices a dead one
_RETRIES: Final = 4
_TRYING: Final = timedelta(seconds=8)
_FIRST_PAUSE: Final = timedelta(milliseconds=50)
_LONGEST_PAUSE: Final = timedelta(seconds=1)
_PREFIX: Final = re.compile(r"(?:(?!\.{1,2}(?:/|$))[-\w.]+(?:/(?!$)|$))*", re.ASCII)
_ASIDE: Final = (0.02, 0.1)  # seconds, so that the other one gets out of the way
_ONE_OF_MANY: Final = "DeleteObjects request failed"


class Unchanged(Exception):  # noqa: N818 - good news
    """The object is still the version that was asked about."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing has it: `size` in bytes."""

    key: str
    size: int
    etag: str


class Got:
    """An object, or a span of its bytes, that the store is ready to send.

    `attributes` are the metadata by name, `size` is that of the whole object in bytes.
    """

    def __init__(self, bucket: Bucket, result: GetResult) -> None:
        self._bucket = bucket
        self._result = result
        self.attributes: Mapping[str, str] = {
            str(name).lower(): value for name, value in result.attributes.items()
        }
        self.size = result.meta["size"]
        self.etag = bare(result.meta["e_tag"])

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The bytes, in pieces of up to `PIECE`; `OSError` when they end too early."""
        start, stop = self._result.range
        done = 0
        with self._bucket.told("GET"):
            async for chunk in self._result.stream(min_chunk_size=PIECE):
                view = memoryview(chunk)
                for at in range(0, len(view), PIECE):
                    piece = bytes(view[at : at + PIECE])
                    done += len(piece)
                    yield piece
        if done < stop - start:
            raise OSError(errno.EIO, f"{self._bucket.where} sent {done} of {stop - start} bytes")

    async def read(self) -> bytes:
        """All of the bytes."""
        return b"".join([piece async for piece in self.stream()])


class Bucket:
    """The objects below one prefix of one bucket; keys are relative to it."""

    def __init__(self, store: S3Store, where: str) -> None:
        self.store = store
        self.where = where
        self.quotes = True
        """Whether `If-Match` takes an ETag in quotes, as RFC 9110 has it; radosgw 16 does not."""

    @classmethod
    def connect(cls, url: str) -> Self:
        """The bucket of `s3://bucket/prefix`; nothing is sent yet.

        Endpoint, region and credentials are those of the environment (`AWS_ENDPOINT_URL`,
        `AWS_REGION`, `AWS_ACCESS_KEY_ID` and so on). `UsageError` says what is wrong with the URL.
        """
        parts = urlsplit(url)
        name, prefix = parts.netloc, parts.path.strip("/")
        if parts.scheme != SCHEME or not name or parts.query or parts.fragment or "@" in name:
            raise UsageError(
                f"{without_user(url)}: a place in a bucket is s3://bucket/prefix, with endpoint "
                "and keys in the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...)"
            )
        if not _PREFIX.fullmatch(prefix) or len(prefix) > PREFIX_MOST:
            raise UsageError(
                f"{url}: a prefix is up to {PREFIX_MOST} letters, digits and any of - _ . / "
                "without segments that are empty, '.' or '..'"
            )
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        client: ClientConfig = {
            "connect_timeout": _CONNECT,
            "read_timeout": _SILENCE,
            "timeout": _WHOLE,
        }
        if (endpoint or "").startswith("http://"):  # whoever names such an endpoint allows it
            client["allow_http"] = True
        retry: RetryConfig = {
            "max_retries": _RETRIES,
            "retry_timeout": _TRYING,
            "backoff": {"init_backoff": _FIRST_PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
        }
        try:
            store = S3Store(name, prefix=prefix or None, client_options=client, retry_config=retry)
        except (exceptions.BaseError, ValueError) as error:
            raise UsageError(f"{url} cannot be used: {first_line(error)}") from error
        return cls(store, f"s3://{name}/{prefix}" if prefix else f"s3://{name}")

    async def get(
        self, key: str, *, start: int = 0, stop: int | None = None, unless: str | None = None
    ) -> Got | None:
        """An object, or its bytes from `start` up to `stop`; None when there is none.

        Raises `Unchanged` if it still has the ETag `unless`.
        """
        options: GetOptions = {}
        if stop is not None:
            options["range"] = (start, stop)
        elif start:
            options["range"] = {"offset": start}
        if unless is not None:
            options["if_none_match"] = f'"{unless}"'
        return await self._get(key, options)

    async def head(self, key: str) -> Got | None:
        """What is known of an object, without its bytes; None when there is none."""
        return await self._get(key, {"head": True})

    async def _get(self, key: str, options: GetOptions) -> Got | None:
        with self.told("GET"):
            try:
                return Got(self, await obstore.get_async(self.store, key, options=options))
            except FileNotFoundError as error:
                if NO_BUCKET in str(error):
                    raise
            except exceptions.NotModifiedError:
                raise Unchanged(key) from None
        return None

    async def put(self, key: str, data: bytes, attributes: Mapping[str, str] | None = None) -> str:
        """Have the object be these bytes, all at once; returns its ETag."""
        return await self._put(key, data, "overwrite", attributes)

    async def create(self, key: str, data: bytes) -> str | None:
        """Make an object; None when there is one already. `data` is like no other."""
        return await self._put_if(key, data, "create")

    async def replace(self, key: str, data: bytes, etag: str) -> str | None:
        """Replace the version `etag` of an object; None when it is another one by now.

        `data` is like no other.
        """
        return await self._put_if(key, data, self.version(etag))

    def version(self, etag: str) -> UpdateVersion:
        """A version as the condition of a PUT."""
        return {"e_tag": f'"{etag}"' if self.quotes else etag}

    async def _put_if(self, key: str, data: bytes, mode: PutMode) -> str | None:
        try:
            return await self._put(key, data, mode, None)
        except FileExistsError:
            # It may be ours: obstore repeats a PUT whose answer was lost, and the answer to the
            # second one is that there is another version.
            got = await self.get(key)
            return got.etag if got is not None and await got.read() == data else None

    async def _put(
        self, key: str, data: bytes, mode: PutMode, attributes: Mapping[str, str] | None
    ) -> str:
        given: Any = dict(attributes or {})
        with self.told("PUT"):
            try:
                result = await obstore.put_async(
                    self.store, key, data, attributes=given, mode=mode, use_multipart=False
                )
            except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
                raise FileExistsError(key) from error
            except FileNotFoundError as error:
                if NO_BUCKET in str(error):
                    raise
                raise FileExistsError(key) from error  # the version is none by now
        return bare(result["e_tag"])

    async def delete(self, *keys: str) -> None:
        """Take objects away, whether they are there or not."""
        for again in (True, True, False):
            with self.told("DELETE"):
                try:
                    await obstore.delete_async(self.store, list(keys))
                except FileNotFoundError as error:
                    if NO_BUCKET in str(error):
                        raise
                except exceptions.GenericError as error:
                    # radosgw fails at a key that somebody else deletes at this moment.
                    if again and _ONE_OF_MANY in str(error):
                        await asyncio.sleep(random.uniform(*_ASIDE))  # noqa: S311 - no secret
                        continue
                    raise
            return

    async def list(self, prefix: str, after: str | None = None) -> AsyncIterator[Listed]:
        """The objects below a prefix, behind the key `after`, in the order of their keys."""
        with self.told("LIST"):
            pages = obstore.list(self.store, prefix=prefix, offset=after, chunk_size=_PAGE)
            async for page in pages:
                for known in page:
                    yield Listed(known["path"], known["size"], bare(known["e_tag"]))

    @contextmanager
    def told(self, verb: str) -> Iterator[None]:
        """Turn what obstore raises into an `OSError` for people; `FileExistsError` passes."""
        try:
            yield
        except FileExistsError:
            raise
        except exceptions.BaseError as error:
            raise OSError(errno.EIO, said(self.where, verb, error)) from error
        except FileNotFoundError as error:
            raise OSError(errno.ENOENT, said(self.where, verb, error)) from error


def bare(etag: str | None) -> str:
    """An ETag without its quotes."""
    return (etag or "").strip('"')


def without_user(url: str) -> str:
    """A URL without a name and a word in front of its host."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


async def in_parallel(call: Callable[[S], Awaitable[T]], items: Sequence[S]) -> list[T]:
    """What a call gives for each of some items, in their order; at most `_AT_ONCE` at a time."""
    found: dict[int, T] = {}
    todo = iter(enumerate(items))

    async def work() -> None:
        for number, item in todo:
            found[number] = await call(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_ONCE, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [found[number] for number in range(len(items))]
