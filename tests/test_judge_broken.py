"""The judge is judged: each of these servers does one thing wrong, and it is named.

They are of `tests.foreign`, whose author had not seen the suite. Which of its servers are not
found yet is in docs/check.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.foreign import FAITHFUL, foreign
from tests.judging import check

BROKEN: Final = {
    "auth.bare-key": "auth.bearer",
    "auth.case": "auth.exact",
    "auth.same-length": "auth.exact",
    "auth.status-403": "auth.bearer",
    "auth.stream-open": "auth.exact",
    "auth.url-open": "auth.exact",
    "concurrency.answer-of-another": "concurrency.apart",
    "concurrency.mixed-bodies": "concurrency.one-of-them",
    "content.bad-base64-stored-as-text": "input.base64-format",
    "content.bad-base64-stored-empty": "input.base64-format",
    "content.data-charset-refused": "content.byte-exact",
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
    "envelope.malformed-is-500": "envelope.error",
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
    "method.plain-405": "method.refused",
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


@pytest.mark.parametrize("bug", BROKEN)
def test_a_broken_server_is_found(tmp_path: Path, bug: str) -> None:
    clause = BROKEN[bug]
    with foreign(FAITHFUL["clock"], bug) as server:
        words = ("--key", server.key, "--other-key", server.keys[1], "--overwrite-delay", "1")
        run = check(tmp_path, server.url, *words, "--only", clause, "-x")
    assert run.code == 1, run.output
    (broken,) = run.report["clauses"]
    assert (broken["id"], broken["verdict"]) == (clause, "violated")
    assert broken["why"]
    assert server.key not in run.output
