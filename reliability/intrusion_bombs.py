"""Small files that want to be large, endless or code, and expressions that never end."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import mockkie
from reliability.intrusion_mock import command, serving
from reliability.pumping import expressions, slow
from reliability.run import Run

_HEAD: Final = "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {}\n"
_ALIASES: Final = "  a0: &a0 [b, b, b, b, b, b, b, b, b, b]\n" + "".join(
    f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
_YAML: Final[Mapping[str, str]] = {
    "aliases": _HEAD + "x-a:\n" + _ALIASES,
    "python": _HEAD + "x-a: !!python/object/apply:os.system ['touch PWNED']\n",
    "python-name": _HEAD + "x-a: !!python/name:os.system\n",
    "flow": _HEAD + "x-a: " + "[" * 100_000,
    "closed-flow": _HEAD + "x-a: " + "{a: " * 50_000 + "1" + "}" * 50_000,
    "block": _HEAD + "x-a:\n" + "".join(" " * (2 * level + 2) + "a:\n" for level in range(2_000)),
    "whole": _HEAD + "x-a: " + "9" * 200_000,
    "broken": _HEAD + "x-a: 1e" + "9" * 5_000,
    "merge": _HEAD + "x-a: &a {b: 1}\nx-c: {<<: *a}\n",
    "itself": _HEAD + "x-a: &a [*a]\n",
    "binary": _HEAD + "x-a: !!binary aGVsbG8=\n",
    "set": _HEAD + "x-a: !!set {a, b}\n",
    "nul": _HEAD + "x-a: 1\n\0",
    "expression": _HEAD
    + "components: {schemas: {a: {type: string, pattern: '(a{1,1000}){1,1000}'}}}\n",
    "circle": _HEAD + "components: {schemas: {a: {allOf: [{$ref: '#/components/schemas/a'}]}}}\n",
}
_JSON: Final[Mapping[str, str]] = {
    "deep": '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "open": "[" * 100_000,
    "whole": '{"a": ' + "9" * 100_000 + "}",
    "endless": '{"a": 1e999}',
    "nan": '{"a": NaN}',
    "list": "[]",
    "text": '"a"',
}
_SECONDS: Final = 45.0
_PATTERNS: Final = (
    *(r"(a+)+$", r"^(a|a)*$", r"^(a|aa)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(?!x)(a+)+$"),
    *(r"^(?=(a+)+$)a", r"(.*)*\1x", r"(a*)*\1b", r"(?=a)(a|a)*$", r"^(?:(a+)+)+(?!b)c$"),
)


def attack_bombs(run: Run, folder: Path) -> None:
    """As documents, overlays, scripts of faults, recordings, plans and ledgers."""
    for name, text in _some(run, _YAML, 3):
        path = folder / f"{name}.yaml"
        path.write_text(text)
        ways: list[tuple[str, ...]] = [("settings", "--contract"), ("settings", "--overlay")]
        ways.append(("serve", "--data", "memory:", "--port", "0", "--faults"))
        for words in ways[: run.size(len(ways), 1)]:
            _ends(run, folder, *words, str(path))
    for name, text in _some(run, _JSON, 2):
        path = folder / f"{name}.json"
        path.write_text(text)
        readers: list[tuple[str, ...]] = [
            *(("settings", "--contract"), ("replay",), ("claims", "--ledger"))
        ]
        for words in readers[: run.size(len(readers), 1)]:
            _ends(run, folder, *words, str(path))
    if list(folder.rglob("PWNED")):
        run.fail("a document was carried out")


def _some(run: Run, of: Mapping[str, str], few: int) -> list[tuple[str, str]]:
    return run.random.sample([*of.items()], min(len(of), run.size(len(of), few)))


def _ends(run: Run, folder: Path, *words: str) -> None:
    run.count("documents that are bombs")
    started = time.monotonic()
    done = command(*words, cwd=folder)
    seconds = time.monotonic() - started
    if done.returncode != 2 or b"Traceback" in done.stderr or seconds > _SECONDS:  # noqa: PLR2004 - wrong usage
        run.fail(
            f"{words} ended with {done.returncode} after {seconds:.0f} s: {done.stderr[-300:]!r}"
        )


def attack_bodies(run: Run, folder: Path) -> None:
    """Compressed and nested bodies, and headers of 60 KB."""
    with serving(folder / "bodies", "--data", "memory:") as mock:
        link = mock.upload(b"x").json()["data"]["downloadUrl"].removeprefix(mock.url)
        bomb = gzip.compress(b"\0" * 50_000_000)
        deep = b'{"uploadPath": ' + b"[" * 500_000
        kind = {**mock.auth, "Content-Type": "application/json"}
        for path in ("/api/file-stream-upload", "/api/file-base64-upload", "/__mockkie/faults"):
            for coding in ("gzip", "deflate", "br", "zstd"):
                headers = {**kind, "Content-Encoding": coding}
                _quick(run, mock.ask("POST", path, headers=headers, content=bomb).elapsed, path)
            _quick(run, mock.ask("POST", path, headers=kind, content=deep).elapsed, path)
        pieces = (" ", "\t", "a", "a=", '"', "\\", ";", ",", "a ", "0-", "=;", '\\"')
        for name, piece in ((name, piece) for name in _NAMES for piece in pieces):
            run.count("headers of 60 KB")
            for target, before in ((link, "x"), (link, _BEFORE.get(name, "y"))):
                value = before + piece * (60_000 // len(piece)) + "!"
                _quick(run, mock.ask("GET", target, headers={name: value}).elapsed, name)


_NAMES: Final = (
    *("Range", "Cookie", "Prefer", "If-None-Match", "If-Modified-Since", "Authorization"),
    *("X-Mockkie-Fault", "Host", "X-Forwarded-Host", "Content-Type", "Referer", "Accept"),
)
_BEFORE: Final[Mapping[str, str]] = {
    "Range": "bytes=",
    "Cookie": 'a="',
    "Content-Type": "multipart/form-data; boundary=",
}
_SLOW: Final = 2.0


def _quick(run: Run, elapsed: object, what: str) -> None:
    seconds = elapsed.total_seconds() if hasattr(elapsed, "total_seconds") else 0.0
    if seconds > _SLOW:
        run.fail(f"{what} held the mock up for {seconds:.1f} s")


def attack_expressions(run: Run, folder: Path) -> None:
    """All regular expressions of mockkie, and those that a document can bring along."""
    known = [one for one in expressions(mockkie) if ".samples" not in one.place]
    run.random.shuffle(known)
    for expression in known[: run.size(len(known), 12)]:
        run.count("regular expressions that were pumped")
        for found in slow(expression):
            run.fail(str(found))
    for number, pattern in enumerate(_PATTERNS[: run.size(len(_PATTERNS), 2)]):
        run.count("expressions of documents that never end")
        path = folder / f"pattern-{number}.yaml"
        path.write_text(_document(pattern))
        with serving(
            folder / f"pattern-{number}", "--data", "memory:", "--contract", str(path)
        ) as mock:
            for text in ("a" * 30 + "!", "a" * 30_000 + "!"):
                answer = mock.ask("POST", "/a", json={"b": text}, headers=mock.auth)
                _quick(run, answer.elapsed, f"the pattern {pattern}")


def _document(pattern: str) -> str:
    schema = {"type": "object", "properties": {"b": {"type": "string", "pattern": pattern}}}
    body = {"content": {"application/json": {"schema": schema}}}
    answer = {"description": "a", "content": {"application/json": {"schema": {}, "example": {}}}}
    call = {"operationId": "a", "requestBody": body, "responses": {"200": answer}}
    info = {"title": "a", "version": "1"}
    return json.dumps({"openapi": "3.1.0", "info": info, "paths": {"/a": {"post": call}}})
