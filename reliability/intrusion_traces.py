"""What a mock leaves behind: no key, no control characters, nothing that others can read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from reliability.intrusion_mock import Victim, command, serving
from reliability.run import Run

_CANARY: Final = "canary-5f81c0d27a9e"
_CONTROL_CANARY: Final = "control-canary-93b1f6e8"
_BY_DESIGN: Final = (b"is ready on", b"  key  ", b"curl -H 'Authorization", b'"event":"ready"')
"""Lines that hand out the key: who starts a mock is told the key of its default world."""
_KEEPERS: Final = frozenset(("ready.json", "index.sqlite", "index.sqlite-wal"))
"""Files that hold keys, for their owner alone: the ready file, the worlds of the data folder."""

_NAMES: Final = (
    *("\x1b[2J\x1b[31mred", "a\r\nSet-Cookie: a=b", "a\nX: y", "a\x00b", "\x07bell", "\x9b31mred"),
    *("..", ".", "../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "C:\\x", "CON", "nul.txt"),
    *(
        "\\\\host\\share",
        "a" * 255,
        "a" * 10_000,
        "\u202egnp.exe",
        "a\u2028b",
        "a\u2029b",
        "é" * 99,
    ),
    *("\ufe52\ufe52\uff0fx", "%2e%2e%2fx", "%00", "%0d%0aX: y", "$(touch x)", "`id`", "-rf", "~"),
    *('"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "{{7*7}}", "]]>", "<!--"),
    *("&lt;b&gt;", "\ud800", "\ufeff", "\u200b", "a;b=c", 'a"b', "a'b", "=1+1", "@x", "+x"),
)


def attack_names(run: Run, folder: Path) -> None:
    """Names made of what terminals, shells, browsers, headers and file systems obey."""
    with serving(folder / "names", "--metrics") as mock:
        for name in _NAMES:
            for path, called in ((name, "b"), ("a", name)):
                run.count("names that want to be more")
                _upload(run, mock, path, called)
            quoted = json.dumps({"uploadPath": "a", "fileName": name, "base64Data": "eA=="})
            kind = {**mock.auth, "Content-Type": "application/json"}
            mock.ask("POST", "/api/file-base64-upload", headers=kind, content=quoted)
        pages = [mock.ask("GET", f"/__mockkie/ui/default/{page}").text for page in _PAGES]
        if any("<script>alert" in page or "<img src=x" in page for page in pages):
            run.fail("a name is markup in the dashboard")
        if not any("<script>alert" in unescape(page) for page in pages):
            run.fail("no page of the dashboard shows the names: nothing was looked at")
        outputs = [mock.said(), mock.ask("GET", "/metrics").content]
        outputs += [command(word, "--url", mock.url).stdout for word in ("files", "journal")]
        loose = {char for output in outputs for char in output.decode() if _commands(char)}
        if loose:
            run.fail(f"a terminal was sent {loose!r}")
        _judge_disk(run, mock.folder / "data")


_PAGES: Final = ("files", "journal", "clock", "faults")


def _commands(char: str) -> bool:
    return (char < " " and char != "\n") or "\x7f" <= char <= "\x9f" or char == "\u202e"


def _upload(run: Run, mock: Victim, path: str, name: str) -> None:
    try:
        answer = mock.upload(b"x" * 20_000, path=path, name=name)
    except UnicodeEncodeError:
        return  # no client can send it
    if answer.status_code == 200:  # noqa: PLR2004 - OK
        link = answer.json()["data"]["downloadUrl"]
        content = mock.ask(
            "GET", "/__mockkie/ui/default/files/content", params={"path": f"{path}/{name}"}
        )
        answers = [answer, mock.client.get(link), content]
        if any(one.status_code != 200 for one in answers):  # noqa: PLR2004 - OK
            run.fail(f"{path!r} {name!r} was kept, but cannot be read by its link")
    else:
        answers = [answer]
    for one in answers:
        if {"x", "set-cookie"} & set(one.headers):
            run.fail(f"{path!r} {name!r} became a header")


def _judge_disk(run: Run, data: Path) -> None:
    """Nothing that a client says names a file, and all is for its owner only."""
    for path in [data, *data.rglob("*")]:
        run.count("files and folders whose permissions were looked at")
        if stat.S_IMODE(path.lstat().st_mode) & 0o077:
            run.fail(f"others can read {path.relative_to(data.parent)}")
        if path.parent.parent == data / "files" and not set(path.name) <= set("0123456789abcdef"):
            run.fail(f"a client has named {path.relative_to(data)}")


def attack_secrets(run: Run, folder: Path) -> None:
    """Keys where they belong and where they do not, then a search of all that was written."""
    whole = folder / "secrets"
    with _collector() as (spans, endpoint):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        words = ("--metrics", "--otel", "--workers", "2", "--control-key", _CONTROL_CANARY)
        with serving(whole / "mock", *words, key=_CANARY, env=env) as mock:
            mock.client.headers["X-Mockkie-Control-Key"] = _CONTROL_CANARY
            shown = [answer for answer in _flows(run, mock) if _has(answer.encode())]
            shown += [
                page
                for page in ("journal", "faults", "clock", "contract", "journal/1", "journal/2")
                if _has(mock.ask("GET", f"/__mockkie/ui/default/{page}").content)
            ]
            for word in ("journal", "files", "clock"):
                env = {"MOCKKIE_CONTROL_KEY": _CONTROL_CANARY}
                (whole / word).write_bytes(command(word, "--url", mock.url, env=env).stdout)
            if run.short:
                _judged(whole, mock, "replay")
            else:
                for name in ("check", "replay", "record"):
                    _judged(whole, mock, name)
        (whole / "spans").write_bytes(b"\n".join(spans))
        run.count("bytes of traces that were searched", sum(map(len, spans)))
    if shown:
        run.fail(f"a key was told again: {shown[0][:300]}")
    for path in filter(Path.is_file, whole.rglob("*")):
        run.count("files that were searched for keys")
        lines = [line for line in path.read_bytes().splitlines() if _has(line)]
        if path.name in _KEEPERS:
            if stat.S_IMODE(path.stat().st_mode) != 0o600:  # noqa: PLR2004 - octal
                run.fail(f"others can read {path.name}, which has keys")
        elif any(not any(known in line for known in _BY_DESIGN) for line in lines):
            run.fail(f"{path.relative_to(whole)} has a key: {lines[0][:300]!r}")


def _has(content: bytes) -> bool:
    return _CANARY.encode() in content or _CONTROL_CANARY.encode() in content


def _flows(run: Run, mock: Victim) -> Iterator[str]:
    """What is answered to requests with keys everywhere, as text."""
    target, key = "/api/file-stream-upload", _CANARY
    wrong = {"Authorization": key}
    for path in (target, "/1/a/b", "/nothing"):
        for more in (
            *({}, {"headers": wrong}, {"params": {"key": key, "X-Amz-Signature": key, "a": "b"}}),
            *({"headers": {"X-Api-Key": key}}, {"headers": {"X-Auth-Token": key}}),
            *({"headers": {"Cookie": f"a={key}"}}, {"headers": {"Referer": f"http://a/?b={key}"}}),
            *({"headers": {"Proxy-Authorization": f"Basic {key}"}}, {"headers": {"Token": key}}),
        ):
            run.count("requests with a key in them")
            for method in ("POST", "GET"):
                yield _told(mock.ask(method, path, **more))
    yield _told(mock.upload(b"x" * 50_000))
    redirect = f"{mock.url}/__mockkie/origin/redirect-to?url=http%3A%2F%2Fme%3A{key}%40a.test%2F"
    for url in (
        *(f"https://a.test/b.png?X-Amz-Signature={key}&se=1", f"https://me:{key}@a.test/b.png"),
        *(f"http://10.0.0.1/?se={key}", f"ftp://me:{key}@a.test/", f"//me:{key}@a.test", redirect),
        *(f"https://a.test/nothing?sp={key}", f"https://{key}@/", f"http://a.test:0/?a={key}"),
    ):
        run.count("requests with a key in them")
        body = {"fileUrl": url, "uploadPath": "a", "fileName": "b.png"}
        yield _told(mock.ask("POST", "/api/file-url-upload", headers=mock.auth, json=body))
    yield mock.ask("GET", "/__mockkie/journal").text
    yield mock.ask("GET", "/metrics").text


def _told(answer: Any) -> str:
    return f"{answer.status_code} {dict(answer.headers)} {answer.text}"


def _judged(folder: Path, mock: Victim, name: str) -> None:
    """A run of the judge with every kind of report, and all that it says."""
    reports = [
        word for kind in ("json", "xml", "html", "sarif") for word in ("--report", f"{name}.{kind}")
    ]
    words = {
        "check": ["check", mock.url, *reports, "--max-requests", "400"],
        "record": ["record", mock.url, "-o", "recording.json", "--har", "recording.har"],
        "replay": ["replay", "--url", mock.url],
    }[name]
    env = {"KIE_API_KEY": _CANARY, "MOCKKIE_CONTROL_KEY": _CONTROL_CANARY}
    done = command(*words, env=env, cwd=folder)
    (folder / f"{name}.said").write_bytes(done.stdout + done.stderr)


class _collector:  # noqa: N801 - it is used like a function
    """A collector of traces: what it was sent, and where it is."""

    def __enter__(self) -> tuple[list[bytes], str]:
        spans: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                spans.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        return spans, f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def attack_folder(run: Run, folder: Path) -> None:
    """Links in a data folder: nothing may be written to where they lead."""
    names = ("lock", "files", "index.sqlite", "index.sqlite-wal", "shared.sqlite", "incoming")
    for name in names[: run.size(len(names), 2)]:
        for leads in ("link", "hard link"):
            data, victim = folder / f"data-{name}-{leads}", folder / f"victim-{name}-{leads}"
            data.mkdir()
            is_folder = "." not in name and name != "lock"
            if is_folder:
                victim.mkdir()
            else:
                victim.write_bytes(b"precious")
            if leads == "link":
                (data / name).symlink_to(victim)
            elif is_folder:
                continue
            else:
                os.link(victim, data / name)
            run.count("links in the data folder")
            done = command("serve", "--port", "0", "--data", str(data), "--workers", "2")
            found = list(victim.iterdir()) if is_folder else victim.read_bytes()
            if done.returncode != 2 or found not in ([], b"precious"):  # noqa: PLR2004 - wrong usage
                run.fail(f"{leads} {name}: ended with {done.returncode}, {found!r} is there")
