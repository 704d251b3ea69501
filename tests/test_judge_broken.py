"""The judge is judged: each of these servers does one thing wrong, and it is named.

They are of `tests.foreign` and `tests.wsgi_api`, whose authors had not seen the suite. What becomes
of all of them is in docs/kill-table.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.foreign import FAITHFUL, foreign
from tests.judging import check
from tests.wsgi_api import wsgi_api

pytestmark = pytest.mark.usefixtures("unmeasured")
AIOHTTP: Final = {
    "auth.bare-key": "auth.exact",
    "auth.case": "auth.exact",
    "auth.same-length": "auth.exact",
    "auth.status-403": "auth.bearer",
    "auth.stream-open": "auth.bearer",
    "auth.url-open": "auth.bearer",
    "concurrency.answer-of-another": "concurrency.apart",
    "concurrency.mixed-bodies": "concurrency.one-of-them",
    "content.bad-base64-stored-as-text": "input.base64-format",
    "content.bad-base64-stored-empty": "input.base64-format",
    "content.data-charset-refused": "base64.data-url",
    "content.eighth-bit-lost": "content.byte-exact",
    "content.latin-1-to-utf-8": "content.byte-exact",
    "content.lf-to-crlf": "content.byte-exact",
    "content.newline-added": "content.byte-exact",
    "download.above-1-mib-padded": "content.byte-exact",
    "download.deep-folders-unknown": "naming.path",
    "download.large-cut": "content.byte-exact",
    "download.type-always-octet-stream": "metadata.type-is-served",
    "download.type-by-name": "metadata.type-is-served",
    "envelope.code-is-text": "envelope.success",
    "envelope.created": "envelope.success",
    "envelope.data-is-list": "envelope.success",
    "envelope.missing-is-500": "envelope.error",
    "envelope.msg-named-message": "envelope.error",
    "envelope.refusal-is-success": "envelope.error",
    "expiry.hour-early": "expiry.three-days",
    "expiry.hour-late": "expiry.three-days",
    "expiry.name-is-burnt": "expiry.three-days",
    "expiry.one-day": "expiry.three-days",
    "expiry.reading-prolongs": "expiry.three-days",
    "expiry.takes-a-neighbour": "expiry.of-its-own",
    "expiry.two-days": "expiry.three-days",
    "input.name-after-file-lost": "stream.field-order",
    "input.null-name-refused": "input.null-is-absent",
    "input.path-must-precede-file": "stream.field-order",
    "input.quoted-boundary-refused": "stream.field-order",
    "input.refusal-deletes": "input.changes-nothing",
    "input.refusal-truncates": "input.changes-nothing",
    "metadata.image-jpg": "metadata.type",
    "metadata.link-raw-hash": "naming.path",
    "metadata.local-time-z": "metadata.time",
    "metadata.size-in-characters": "metadata.size",
    "metadata.size-in-kib": "metadata.size",
    "metadata.time-without-zone": "metadata.time",
    "method.get-is-200": "method.refused",
    "method.plain-405": "envelope.error",
    "method.put-uploads": "method.refused",
    "naming.composed": "naming.given",
    "naming.cut-at-semicolon": "naming.given",
    "naming.emoji-dropped": "naming.given",
    "naming.extension-lower-case": "naming.given",
    "naming.generated-without-extension": "naming.generated",
    "naming.leading-dot-lost": "naming.given",
    "naming.truncated-at-200-bytes": "naming.given",
    "naming.truncated-at-64": "naming.given",
    "overwrite.appends": "overwrite.latest-bytes",
    "overwrite.link-changes": "overwrite.latest-bytes",
    "overwrite.lives-for-ever": "overwrite.restarts-life",
    "overwrite.refused": "overwrite.latest-bytes",
}
"""What is wrong with a server, and the clause that says so."""
FLASK: Final = {
    "auth-empty-bearer": "auth.bearer",
    "auth-key-cached-by-head": "auth.exact",
    "auth-key-longer": "auth.exact",
    "auth-key-shorter": "auth.exact",
    "auth-wrong-key-403": "auth.bearer",
    "content-by-a-megabyte": "content.byte-exact",
    "content-data-url-charset": "base64.data-url",
    "content-last-newline": "content.byte-exact",
    "content-no-data-url-type": "base64.data-url",
    "content-text-to-nul": "content.byte-exact",
    "downloads-accept-json": "content.stays",
    "downloads-dotfiles": "naming.path",
    "downloads-unicode-raw": "naming.path",
    "envelope-json-in-json": "envelope.error",
    "envelope-length-in-characters": "envelope.success",
    "expiry-empty-200": "expiry.three-days",
    "expiry-hour-late": "expiry.three-days",
    "expiry-not-restarted": "expiry.of-its-own",
    "expiry-overwritten-never": "overwrite.restarts-life",
    "expiry-tombstone": "expiry.three-days",
    "metadata-size-by-formula": "metadata.size",
    "metadata-size-in-kib": "metadata.size",
    "methods-get-200": "method.refused",
    "methods-get-405-400": "envelope.status-is-code",
    "methods-method-500": "method.refused",
    "methods-put-405-stores": "input.changes-nothing",
    "naming-backslash": "naming.path",
    "naming-by-original": "naming.unique",
    "naming-by-the-second": "naming.unique",
    "naming-cut-at-100": "naming.given",
    "naming-trimmed": "naming.given",
    "overwrite-glued": "overwrite.nothing-else",
    "overwrite-refused-deletes": "input.changes-nothing",
    "overwrite-space-at-end": "overwrite.nothing-else",
    "overwrite-type-stale": "metadata.type-is-served",
    "stability-after-refusal-lost": "stability.many",
    "stability-nth-swapped": "stability.many",
    "stability-one-lost": "concurrency.apart",
    "validation-errors-kept": "envelope.error",
    "validation-no-path-401": "input.required",
    "validation-no-path-default": "input.required",
    "validation-number-500": "envelope.error",
}
"""The same of the other stack."""


def is_found(folder: Path, url: str, keys: tuple[str, ...], clause: str) -> None:
    words = ("--key", keys[0], "--other-key", keys[1], "--overwrite-delay", "1")
    run = check(folder, url, *words, "--only", clause)
    assert run.code == 1, run.output
    (broken,) = [one for one in run.report["clauses"] if one["id"] == clause]
    assert broken["verdict"] == "violated", run.output
    assert broken["why"]
    assert broken["where"]
    assert keys[0] not in run.output


@pytest.mark.parametrize("bug", AIOHTTP)
def test_a_broken_server_is_found(tmp_path: Path, bug: str) -> None:
    with foreign(FAITHFUL["clock"], bug) as server:
        is_found(tmp_path, server.url, server.keys, AIOHTTP[bug])


@pytest.mark.parametrize("bug", FLASK)
def test_a_broken_server_of_another_stack_is_found(tmp_path: Path, bug: str) -> None:
    with wsgi_api("plain", bug) as server:
        is_found(tmp_path, server.url, server.keys, FLASK[bug])


def test_a_server_whose_every_answer_is_wrong_is_judged_to_the_end(tmp_path: Path) -> None:
    """Also by uploads that wait for one another."""
    with foreign(FAITHFUL["clock"], "envelope.byte-order-mark") as server:
        keys = ("--key", server.keys[0], "--other-key", server.keys[1])
        run = check(tmp_path, server.url, *keys)
    assert run.code == 1, run.output
    assert "envelope.success" in run.verdicts("violated")
