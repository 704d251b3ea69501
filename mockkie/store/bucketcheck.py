"""Whether a bucket can be used, found out by doing what mocks do. Knows no files and no worlds."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions

from mockkie.problems import UsageError
from mockkie.store.bucket import Bucket, bare, without_user

if TYPE_CHECKING:
    from obstore import PutMode


def check(bucket: Bucket) -> None:
    """Find out whether the bucket can be used; `UsageError` says why not. Blocks."""
    key = f"check/{secrets.token_hex(8)}"
    try:
        etag = _put(bucket, key, "create") or ""
        knows = _put(bucket, key, "create") is None and _put(bucket, key, {"e_tag": '"0"'}) is None
        if knows and not _put(bucket, key, bucket.version(etag)):
            bucket.quotes = False
            knows = _put(bucket, key, bucket.version(etag)) is not None
        with bucket.told("DELETE"):
            obstore.delete(bucket.store, key)
    except OSError as error:
        raise UsageError(f"{error.strerror or error} ({_environment()})") from error
    if not knows:
        raise UsageError(
            f"{bucket.where} does not know conditional writes (If-Match, If-None-Match): "
            "choose another store"
        )


def _put(bucket: Bucket, key: str, mode: PutMode) -> str | None:
    """The ETag of what was put; None if the condition does not hold."""
    with bucket.told("PUT"):
        try:
            result = obstore.put(bucket.store, key, b"", mode=mode, use_multipart=False)
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            return None
    return bare(result["e_tag"])


def _environment() -> str:
    """What the environment says of the place, for somebody who got it wrong."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    told = f"AWS_ENDPOINT_URL is {without_user(endpoint)}" if endpoint else "no AWS_ENDPOINT_URL"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    told += f", AWS_REGION is {region}" if region else ", no AWS_REGION"
    return told if os.environ.get("AWS_ACCESS_KEY_ID") else f"{told}, no AWS_ACCESS_KEY_ID"
