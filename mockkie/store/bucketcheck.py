"""Whether a bucket can be used, found out by doing what mocks do. Knows no files and no worlds."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

import obstore
from obstore import exceptions

from mockkie.problems import UsageError
from mockkie.store.bucket import Bucket, bare, without_user


def check(bucket: Bucket) -> None:
    """Find out whether the bucket can be used; `UsageError` says why not. Blocks."""
    key, what = f"check/{secrets.token_hex(8)}", "choose another store"
    try:
        with bucket.told("PUT"):
            first = obstore.put(bucket.store, key, b"1", mode="create", use_multipart=False)
            with suppress(exceptions.AlreadyExistsError, exceptions.PreconditionError):
                obstore.put(bucket.store, key, b"2", mode="create", use_multipart=False)
                raise UsageError(f"{bucket.where} does not know `If-None-Match: *`: {what}")
            with suppress(exceptions.AlreadyExistsError, exceptions.PreconditionError):
                obstore.put(bucket.store, key, b"3", mode={"e_tag": '"0"'}, use_multipart=False)
                raise UsageError(f"{bucket.where} does not know `If-Match`: {what}")
            bucket.quotes = _takes(bucket, key, bare(first["e_tag"]))
        with bucket.told("DELETE"):
            obstore.delete(bucket.store, key)
    except OSError as error:
        raise UsageError(f"{error.strerror or error} ({_environment()})") from error


def _takes(bucket: Bucket, key: str, etag: str) -> bool:
    """Whether `If-Match` takes an ETag in quotes."""
    try:
        obstore.put(bucket.store, key, b"4", mode=bucket.version(etag), use_multipart=False)
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        return False
    return True


def _environment() -> str:
    """What the environment says of the place, for somebody who got it wrong."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    told = f"AWS_ENDPOINT_URL is {without_user(endpoint)}" if endpoint else "no AWS_ENDPOINT_URL"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    told += f", AWS_REGION is {region}" if region else ", no AWS_REGION"
    return told if os.environ.get("AWS_ACCESS_KEY_ID") else f"{told}, no AWS_ACCESS_KEY_ID"
