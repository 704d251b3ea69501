"""A request of the journal as something to run again: curl, Python, JavaScript, HAR.

Knows no pages.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mockkie import __version__
from mockkie.clock import isoformat
from mockkie.dashboard.asked import KEY, NAME, Part, is_form, sent_headers, sent_parts
from mockkie.journal import Entry

_PYTHON_KEY: Final = f'os.environ["{KEY}"]'
_SCRIPT_KEY: Final = f"process.env.{KEY}"


@dataclass(frozen=True, slots=True)
class Copies:
    """The request in four forms."""

    curl: str
    httpx: str
    fetch: str
    har: str


def upload_curl(url: str, header: str, key: str, *, bearer: bool) -> str:
    """The line for a first upload."""
    value = f"Bearer {key}" if bearer else key
    written = shlex.quote(f"{'Authorization' if header == 'authorization' else header}: {value}")
    return (
        f"echo hello | curl -H {written} -F 'file=@-;filename=hello.txt' -F uploadPath=docs "
        f"-F fileName=hello.txt {url}"
    )


def copies(entry: Entry, origin: str) -> Copies:
    """What reproduces an entry; `origin` is where the mock was asked, for lack of another."""
    headers = sent_headers(entry)
    host = dict(entry.headers).get("host")
    url = (f"{origin.partition('://')[0]}://{host}" if host else origin) + entry.target
    parts, form = sent_parts(entry), is_form(entry)
    return Copies(
        _curl(entry, url, headers, parts, form=form),
        _httpx(entry, url, headers, parts, form=form),
        _fetch(entry, url, headers, parts, form=form),
        _har(entry, url, headers, parts, form=form),
    )


def _curl(
    entry: Entry, url: str, headers: Sequence[tuple[str, str]], parts: Sequence[Part], *, form: bool
) -> str:
    words = ["curl -sS"]
    if entry.method == "HEAD":
        words[0] += " --head"
    elif entry.method != ("POST" if parts else "GET"):
        words[0] += f" -X {shlex.quote(entry.method)}"
    words += [f"-H {_shell(f'{name}: {value}')}" for name, value in headers]
    if form:
        words += [f"-F {shlex.quote(_form_word(part))}" for part in parts]
    elif parts:
        words.append("-H 'content-type: application/json'")
        words.append(f"-d {_json_word(parts)}")
    return " \\\n  ".join([*words, shlex.quote(url)])


def _shell(text: str) -> str:
    """A word in which the shell puts the key in."""
    quoted = shlex.quote(text)
    if f"${KEY}" not in quoted:
        return quoted
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return '"' + escaped.replace("$", "\\$").replace(f"\\${KEY}", f"${KEY}") + '"'


def _form_word(part: Part) -> str:
    if part.text is not None:
        value = part.text
        plain = value[:1] not in ("@", "<") and ";" not in value and '"' not in value
        return f"{part.name}={value}" if plain else f"{part.name}={json.dumps(value)}"
    more = f";type={part.content_type}" if part.content_type else ""
    name = "" if part.filename is None else f";filename={json.dumps(part.filename)}"
    return f"{part.name}=@{NAME}{more}{name}"


def _json_word(parts: Sequence[Part]) -> str:
    """The JSON of a body, in which the shell puts the base64 of the file in."""
    pieces = []
    for part in parts:
        value = part.text if part.is_json else json.dumps(part.text)
        head = shlex.quote(f"{json.dumps(part.name)}: ")
        if part.text is None:
            prefix = f"data:{part.content_type};base64," if part.content_type else ""
            pieces.append(f"{head}'\"{prefix}'\"$(base64 < {NAME} | tr -d '\\n')\"'\"'")
        else:
            pieces.append(head + shlex.quote(str(value)))
    return "'{'" + "', '".join(pieces) + "'}'"


def _httpx(
    entry: Entry, url: str, headers: Sequence[tuple[str, str]], parts: Sequence[Part], *, form: bool
) -> str:
    lines = ["import base64", "import os", "", "import httpx", "", "answer = httpx.request("]
    if form or not any(part.text is None for part in parts):
        lines.remove("import base64")
    lines += [f"    {entry.method!r},", f"    {url!r},"]
    if headers:
        lines.append("    headers={")
        lines += [
            f"        {name!r}: {_spelled(value, repr, _PYTHON_KEY)}," for name, value in headers
        ]
        lines.append("    },")
    if form:
        files = [part for part in parts if part.text is None]
        texts = {part.name: part.text for part in parts if part.text is not None}
        if files:
            lines.append("    files=[")
            lines += [f"        {_python_file(part)}," for part in files]
            lines.append("    ],")
        lines.append(f"    data={texts!r},")
    elif parts:
        lines.append("    json={")
        lines += [f"        {part.name!r}: {_python_value(part)}," for part in parts]
        lines.append("    },")
    return "\n".join([*lines, ")", "print(answer.status_code, answer.text)"])


def _spelled(value: str, quote: Callable[[str], str], key: str) -> str:
    """A text of a language, in which an expression puts the key in."""
    before, there, after = value.partition(f"${KEY}")
    if not there:
        return quote(value)
    pieces = [quote(before) if before else "", key, quote(after) if after else ""]
    return " + ".join(filter(None, pieces))


def _python_file(part: Part) -> str:
    more = f", {part.content_type!r}" if part.content_type else ""
    return f'({part.name!r}, ({part.filename or NAME!r}, open("{NAME}", "rb"){more}))'


def _python_value(part: Part) -> str:
    if part.text is not None:
        return "None" if part.is_json else repr(part.text)
    prefix = f"{f'data:{part.content_type};base64,'!r} + " if part.content_type else ""
    return f'{prefix}base64.b64encode(open("{NAME}", "rb").read()).decode()'


def _fetch(
    entry: Entry, url: str, headers: Sequence[tuple[str, str]], parts: Sequence[Part], *, form: bool
) -> str:
    lines = []
    if any(part.text is None for part in parts):
        lines += ['import { readFile } from "node:fs/promises";', ""]
    options = [f"  method: {json.dumps(entry.method)},"]
    known = dict(headers) | ({"content-type": "application/json"} if parts and not form else {})
    if known:
        options.append("  headers: {")
        options += [
            f"    {json.dumps(name)}: {_spelled(value, json.dumps, _SCRIPT_KEY)},"
            for name, value in known.items()
        ]
        options.append("  },")
    if form:
        lines.append("const body = new FormData();")
        lines += [f"body.append({json.dumps(part.name)}, {_script_part(part)});" for part in parts]
        options.append("  body,")
    elif parts:
        options.append("  body: JSON.stringify({")
        options += [f"    {json.dumps(part.name)}: {_script_value(part)}," for part in parts]
        options.append("  }),")
    lines += [f"const answer = await fetch({json.dumps(url)}, {{", *options, "});"]
    return "\n".join([*lines, "console.log(answer.status, await answer.text());"])


def _script_part(part: Part) -> str:
    if part.text is not None:
        return json.dumps(part.text)
    kind = f", {{ type: {json.dumps(part.content_type)} }}" if part.content_type else ""
    return f'new Blob([await readFile("{NAME}")]{kind}), {json.dumps(part.filename or NAME)}'


def _script_value(part: Part) -> str:
    if part.text is not None:
        return part.text if part.is_json else json.dumps(part.text)
    prefix = f"{json.dumps(f'data:{part.content_type};base64,')} + " if part.content_type else ""
    return f'{prefix}(await readFile("{NAME}")).toString("base64")'


def _har(
    entry: Entry, url: str, headers: Sequence[tuple[str, str]], parts: Sequence[Part], *, form: bool
) -> str:
    """HTTP Archive 1.2 with one entry; of the answer the journal has the envelope."""
    request: dict[str, Any] = {
        "method": entry.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in headers],
        "queryString": [],
        "headersSize": -1,
        "bodySize": entry.received,
    }
    if parts:
        kind = "multipart/form-data" if form else "application/json"
        request["postData"] = {"mimeType": kind, "params": [_har_part(part) for part in parts]}
    envelope = {"success": entry.decision == "accepted", "code": entry.code, "msg": entry.msg}
    text = {} if entry.code is None else {"text": json.dumps(envelope, ensure_ascii=False)}
    answer = {
        "status": entry.status or 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": "x-mockkie-why", "value": entry.why}] if entry.why else [],
        "content": {"size": entry.sent, "mimeType": "application/json" if text else "", **text},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": entry.sent,
    }
    took = round(entry.seconds * 1_000, 3)
    whole = {
        "startedDateTime": isoformat(entry.at),
        "time": took,
        "request": request,
        "response": answer,
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
    }
    creator = {"name": "mockkie", "version": __version__}
    log: Mapping[str, Any] = {"version": "1.2", "creator": creator, "entries": [whole]}
    return json.dumps({"log": log}, indent=2, ensure_ascii=False)


def _har_part(part: Part) -> dict[str, str]:
    if part.text is not None:
        return {"name": part.name, "value": part.text}
    kind = {"contentType": part.content_type} if part.content_type else {}
    return {"name": part.name, "fileName": part.filename or NAME, **kind}
