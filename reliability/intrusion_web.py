"""What web pages may try: names that lead here, requests across sites, files that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reliability.intrusion_mock import Victim, command, serving
from reliability.run import Run

_FOREIGN: Final = (
    *("evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example"),
    *("evil.example.", "127.0.0.1.nip.io:{port}", "localhost.", "EVIL.example", "xn--e1awd7f.com"),
    *("localhost@evil.example", "evil.example#localhost", "[::1].evil.example", "evil..example"),
)
_CALLS: Final = (
    *(("GET", "/worlds"), ("GET", "/clock"), ("GET", "/journal"), ("GET", "/ui/default/files")),
    *(("GET", "/ui/default/events"), ("GET", "/"), ("POST", "/reset"), ("DELETE", "/files")),
    *(("POST", "/worlds"), ("POST", "/ui/default/reset"), ("DELETE", "/clock")),
    *(("POST", "/ui/default/clock"), ("PATCH", "/settings"), ("POST", "/faults")),
)
_CROSS: Final[tuple[Mapping[str, str], ...]] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Sec-Fetch-Mode": "cors"},
)
_SIMPLE: Final = (
    *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"),
    *("text/plain; application/json", "", "application/jsonp", "text/json"),
)
_BODIES: Final = (
    ("POST", "/clock/advance", '{"seconds": 5}'),
    ("PUT", "/clock", '{"frozen": true}'),
    ("POST", "/worlds", '{"id": "evil"}'),
    ("POST", "/faults", '{"then": {"status": 500}}'),
    ("PATCH", "/settings", '{"errorTransport": "body"}'),
)
_RUNNING: Final = (
    *("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml"),
    *("text/xsl", "application/unknown", "unknown/unknown", "application/atom+xml", "a/b+xml"),
    *("application/rss+xml", "multipart/x-mixed-replace", "message/rfc822", "text/x-server"),
    *("application/mathml+xml", "application/x-shockwave-flash", "model/x3d+xml", "a/b"),
)
_ELSEWHERE: Final = ("0.0.0.0", "::", "::ffff:0.0.0.0", "0", "0x0", "[::]")  # noqa: S104 - refused
_KEY: Final = "a-control-key-of-the-attack"


def attack_pages(run: Run, folder: Path) -> None:
    """Names and pages of strangers against a mock without a control key, then with one."""
    with serving(folder / "pages", "--data", "memory:", "--metrics") as mock:
        before = mock.state()
        port = urlsplit(mock.url).port
        for host, (method, path) in product(_FOREIGN, _CALLS):
            name = host.format(port=port)
            status = mock.status(method, f"/__mockkie{path}", headers={"Host": name})
            _refused(run, "names that lead here", f"{method} {path} Host {name}", status)
        for cross, (method, path) in product(_CROSS, _CALLS):
            if method == "GET" and "Sec-Fetch-Mode" not in cross:
                continue  # a link may be followed
            status = mock.status(method, f"/__mockkie{path}", headers=cross)
            _refused(run, "requests of other sites", f"{method} {path} {cross}", status)
        for kind, (method, path, body) in product(_SIMPLE, _BODIES):
            headers = {"Content-Type": kind} if kind else {}
            status = mock.status(method, f"/__mockkie{path}", headers=headers, content=body)
            _refused(run, "bodies of any page", f"{method} {path} as {kind!r}", status)
        _readable(run, mock)
        if mock.state() != before:
            run.fail("a page of a stranger changed a world")
        _stored(run, mock)


def _refused(run: Run, figure: str, what: str, status: int) -> None:
    run.count(figure)
    if status not in (400, 403):
        run.fail(f"{what} was answered with {status}")


def _readable(run: Run, mock: Victim) -> None:
    """No answer but those of the uploads may be read by another site."""
    origin = {"Origin": "https://evil.example"}
    for path in ("/__mockkie/worlds", "/__mockkie/", "/livez", "/metrics"):
        for method in ("GET", "OPTIONS"):
            run.count("answers that no other site may read")
            headers = mock.ask(method, path, headers=origin).headers
            if "access-control-allow-origin" in headers:
                run.fail(f"{method} {path} may be read by another site")


def _stored(run: Run, mock: Victim) -> None:
    """What runs in a browser has an origin of its own, and pages of ours say what may run."""
    html = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    for number, mime in enumerate(_RUNNING):
        run.count("types of files that could run")
        link = mock.upload(html, name=f"f{number}", mime=mime).json()["data"]["downloadUrl"]
        headers = mock.client.get(link).headers
        alone = headers.get("content-security-policy", "").startswith("sandbox")
        if not alone or headers.get("x-content-type-options") != "nosniff":
            run.fail(f"a file of type {mime} runs in the mock's origin")
        content = mock.ask("GET", f"/__mockkie/ui/default/files/content?path=a/f{number}").headers
        if not content["content-security-policy"].startswith("sandbox;"):
            run.fail(f"a file of type {mime} runs in the dashboard's preview")


def attack_reach(run: Run, folder: Path) -> None:
    """Addresses that other machines reach, with and without a control key."""
    asked = _ELSEWHERE[: run.size(len(_ELSEWHERE), 1)]
    for host, more in ((host, more) for host in asked for more in _ways(folder)):
        run.count("listening for others without a control key")
        done = command("serve", "--host", host, "--port", "0", *more)
        if done.returncode != 2 or b"Traceback" in done.stderr:  # noqa: PLR2004 - wrong usage
            run.fail(f"--host {host} {more} ended with {done.returncode}: {done.stderr!r}")
    words = ("--host", "0.0.0.0", "--control-key", _KEY, "--workers", "2")  # noqa: S104 - on purpose
    with serving(folder / "reach", *words) as mock:
        wrong: Sequence[Mapping[str, str]] = (
            {},
            {"X-Mockkie-Control-Key": _KEY[:-1]},
            {"Cookie": f"mockkie-control={_KEY}"},
        )
        for (method, path), headers in product(_CALLS, wrong):
            status = mock.status(method, f"/__mockkie{path}", headers={**mock.auth, **headers})
            _refused(run, "calls without the control key", f"{method} {path}", status)
        status = mock.status("GET", "/__mockkie/clock", headers={"X-Mockkie-Control-Key": _KEY})
        if status != 200:  # noqa: PLR2004 - OK
            run.fail(f"the right control key is answered with {status}")


def _ways(folder: Path) -> Iterator[tuple[str, ...]]:
    yield ("--data", "memory:")
    yield ("--data", str(folder / "workers"), "--workers", "2")
