"""Steps as requests: in every spelling, with every kind of key. Knows no answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import requests
from urllib3 import HTTPHeaderDict

from mockkie.harness import forms
from mockkie.harness.api import BASE64, STREAM, URL
from mockkie.harness.session import PATIENCE
from mockkie.harness.steps import Upload
from mockkie.harness.target import Target

PATHS: Final = {
    "stream": STREAM,
    "base64": BASE64,
    "data-url": BASE64,
    "url": URL,
}
_SOURCES: Final = {"stream": "file", "base64": "base64Data", "data-url": "base64Data"}
_JSON: Final = "application/json"

AUTHS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "valid": lambda key: f"Bearer {key}",
    "none": lambda _: None,
    "wrong": lambda _: "Bearer wrong",
    "empty": lambda _: "Bearer ",
    "bare": lambda key: key,
    "basic": lambda key: f"Basic {key}",
    "token": lambda key: f"Token {key}",
    "prefix": lambda key: f"Bearer {key[:-1]}",
    "short-prefix": lambda key: f"Bearer {key[:4]}",
    "suffix": lambda key: f"Bearer {key}x",
    "case": lambda key: f"Bearer {key.swapcase()}",
    "same-length": lambda key: f"Bearer {'x' * len(key)}",
    "first-eight": lambda key: f"Bearer {key[:8]}-of-nobody",
    "quoted": lambda key: f'Bearer "{key}"',
    "lower-case scheme": lambda key: f"bearer {key}",
    "two spaces": lambda key: f"Bearer  {key}",
    "two": lambda key: f"Bearer {key}",
}
"""What stands in `Authorization`; `other`, the key of a second account, is looked up."""

SPELLINGS: Final = (
    *("path-file-name", "file-path-name", "name-path-file", "file-name-path", "name-file-path"),
    *("preamble", "epilogue", "file-last-epilogue", "no-line-at-the-end", "one-byte", "chunked"),
    *("expect", "charset", "upper-case-type", "no-filename"),
    *(f"head-{name}" for name in forms.HEADS),
    *(f"media-{name}" for name in forms.MEDIA),
    *("lines", "spaces", "unpadded", "url-safe", "garbage", "no-type", "data-charset"),
    "plus",
)
"""Ways to say the same. The first ones are of forms, then those of base64, the last of URLs."""

LINKS: Final = ("never", "folder", "case", "start", "account", "query", "sibling")
"""Links that are made of one: of no file, of its folder, in another case, cut, of somebody else,
with a query, and of `fresh.txt` beside it."""

CONDITIONS: Final = (
    *("none-match", "none-match-other", "modified-since", "if-range", "if-range-other"),
)
"""Conditional headers: the tag or time that the link was answered with, or another one."""


def authorization(target: Target, kind: str) -> dict[str, str | None]:
    """The header of a kind of key."""
    if kind == "other":
        return dict(target.of_other_account().headers)
    return {"Authorization": AUTHS[kind](target.key)}


def send(
    target: Target, method: str, url: str, headers: Mapping[str, Any], **more: Any
) -> requests.Response:
    """A request as it is: nothing follows, nothing is added but what is given."""
    given = {"Accept-Encoding": "identity", **headers}
    request = requests.Request(method, url, headers=given, **more)
    prepared = target.session.prepare_request(request)
    return target.session.send(prepared, timeout=PATIENCE, allow_redirects=False)


def send_upload(target: Target, step: Upload, folder: str, links: Mapping[str, str]) -> Any:
    """The answer of an upload to `folder`; `links` are those that steps before it were told."""
    headers: dict[str, Any] = {**authorization(target, step.auth)}
    fields = _fields(target, step, folder, links)
    if step.body is not None:
        body, media = step.body.read(), step.type
    elif step.route == "stream":
        body, media = _form(step, fields)
    else:
        body, media = json.dumps(fields, ensure_ascii=False).encode(), _JSON
    media = _media(step.spelled, media)
    if media:
        headers["Content-Type"] = media
    if step.spelled == "expect":
        headers["Expect"] = "100-continue"
    data: Any = body
    if step.spelled in ("chunked", "one-byte"):
        data = forms.pieces(body, 1 if step.spelled == "one-byte" else 1_000)
    url = target.url + PATHS[step.route]
    if step.auth != "two":
        return send(target, step.method, url, headers, data=data)
    request = requests.Request(step.method, url, headers=headers, data=data)
    prepared = target.session.prepare_request(request)
    doubled = HTTPHeaderDict(prepared.headers)
    doubled.add("Authorization", "Bearer wrong")
    prepared.headers = cast("Any", doubled)  # in which a header may come twice
    return target.session.send(prepared, timeout=PATIENCE, allow_redirects=False)


def link_like(link: str, spelled: str) -> str:
    """A link that is made of another one."""
    parts = urlsplit(link)
    path, query = parts.path, ""
    if spelled == "never":
        path = path.replace("mockkie-", "never-was-", 1)
    elif spelled == "folder":
        path = path.rpartition("/")[0]
    elif spelled == "case":
        head, _, name = path.rpartition("/")
        path = f"{head}/{quote(unquote(name).swapcase())}"
    elif spelled == "start":
        path = path[:-2]
    elif spelled == "account":
        head, mark, rest = path.partition("/mockkie-")
        path = f"{head[:-1]}{(int(head[-1:], 36) + 1) % 10}{mark}{rest}" if head[1:] else path
    elif spelled == "sibling":
        path = f"{path.rpartition('/')[0]}/fresh.txt"
    elif spelled == "query":
        query = "version=1"
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


# ---------------------------------------------------------------------------------- bodies


def _fields(target: Target, step: Upload, folder: str, links: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an upload by name; the one of its content too."""
    if step.route == "url":
        source: Any = links.get(step.source, step.source) or "{none}"
        if step.spelled == "plus":
            source = str(source).replace("%2B", "+")
        fields: dict[str, Any] = {"fileUrl": str(source).replace("{url}", target.url)}
    else:
        content = step.content.read()
        fields = {_SOURCES[step.route]: content if step.route == "stream" else _base64(step)}
    fields["uploadPath"] = folder
    if step.name is not None:
        fields["fileName"] = step.name
    for name, value in step.set.items():
        fields[name] = value.replace("{folder}", folder) if isinstance(value, str) else value
    return {name: value for name, value in fields.items() if name not in step.drop}


def _base64(step: Upload) -> str:
    text = base64.b64encode(step.content.read()).decode()
    if step.spelled == "lines":
        text = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
    elif step.spelled == "spaces":
        text = f" {text[:5]} {text[5:]}\n"
    elif step.spelled == "unpadded":
        text = text.rstrip("=")
    elif step.spelled == "url-safe":
        text = text.replace("+", "-").replace("/", "_")
    elif step.spelled == "garbage":
        text = f"{text[:4]}*{text[4:]}"
    if step.route != "data-url":
        return text
    kind = "" if step.spelled == "no-type" else step.type or "application/octet-stream"
    charset = ";charset=utf-8" if step.spelled == "data-charset" else ""
    return f"data:{kind}{charset};base64,{text}"


def _form(step: Upload, fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body and the media type of a form."""
    parts = {
        name: forms.text(name, value if isinstance(value, str) else json.dumps(value))
        for name, value in fields.items()
        if name != "file"
    }
    if "file" in fields:
        parts["file"] = _file(step, fields["file"])
    usual = ["uploadPath", "fileName", "file"]
    known = {"path": "uploadPath", "name": "fileName", "file": "file"}
    order = [known[word] for word in step.spelled.split("-") if word in known]
    if step.spelled == "file-last-epilogue" or len(order) < len(usual):
        order = usual
    order += [name for name in parts if name not in order]
    before = b"This is a form.\r\n" if step.spelled == "preamble" else b""
    behind = b"" if step.spelled == "no-line-at-the-end" else b"\r\n"
    behind += b"and this is behind it" if step.spelled.endswith("epilogue") else b""
    body = forms.form([parts[name] for name in order if name in parts], before, behind)
    kind = step.spelled.removeprefix("media-")
    media = forms.MEDIA[kind] if kind in forms.MEDIA and kind != step.spelled else ""
    return body, forms.content_type(media) if media else forms.content_type()


def _file(step: Upload, content: Any) -> tuple[str, bytes]:
    raw = content if isinstance(content, bytes) else str(content).encode()
    kind = step.spelled.removeprefix("head-")
    if kind != step.spelled and kind in forms.HEADS:
        return forms.file(raw, forms.HEADS[kind])
    filename = "" if step.spelled == "no-filename" else f'; filename="{step.filename}"'
    head = f'Content-Disposition: form-data; name="file"{filename}'
    return forms.file(raw, f"{head}\r\nContent-Type: {step.type or 'application/octet-stream'}")


def _media(spelled: str, media: str) -> str:
    if spelled == "charset":
        return f"{media}; charset=utf-8"
    if spelled == "upper-case-type":
        kind, semicolon, rest = media.partition(";")
        return kind.upper() + semicolon + rest
    return media
