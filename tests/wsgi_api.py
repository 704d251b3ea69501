"""A foreign server of the File Upload API, on Flask, in many faithful ways and with many bugs.

`python -m tests.wsgi_api --list` names them; `--ways NAME --bug NAME --port N` serves one.
"""

import argparse
import hashlib
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import IO, Any, NamedTuple, cast

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wsgi import LimitedStream

from tests.wsgi_bugs import BUGS
from tests.wsgi_downloads import Downloads
from tests.wsgi_forms import (
    KeptError,
    MissingFieldError,
    UndecodableError,
    UnfetchedError,
    account_of,
    read_base64,
    read_stream,
    read_url,
    settle,
)
from tests.wsgi_store import Case, RefusalError, Store, clean
from tests.wsgi_twists import DAY, ERRORS, FACTS, QUOTES, QUOTINGS, File, Upload, zipped
from tests.wsgi_ways import FAITHFUL, Ways

KEYS = ("alpha-4f81c2d97b", "bravo-93c2e05a1d")
READERS = {"stream": read_stream, "base64": read_base64, "url": read_url}
PATHS = {f"/api/file-{route}-upload": route for route in READERS}
PRESENT = "%Y-%m-%dT%H:%M:%S"
DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
UNITS = {"weeks": 7 * DAY, "days": DAY, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


class Running(NamedTuple):
    """A server that runs: where, for whom, and where its links lead."""

    url: str
    keys: tuple[str, ...]
    downloads: str


class Uploads:
    """The three uploads and, where the server has one, the clock."""

    def __init__(self, case: Case, store: Store) -> None:
        self.case = case
        self.store = store
        self.app = Flask("uploads", static_folder=None)
        self.app.before_request(self._before)
        self.app.after_request(self._after)
        self.app.register_error_handler(Exception, self._failed)
        for path, route in PATHS.items():
            self.app.add_url_rule(
                path, route, self._upload, methods=["POST"], defaults={"route": route}
            )
        if case.ways.clock:
            clock = "/__mockkie/clock"
            self.app.add_url_rule(clock, "clock", self._clock, methods=["GET", "PUT", "DELETE"])
            self.app.add_url_rule(f"{clock}/advance", "advance", self._advance, methods=["POST"])

    # --- around every request ------------------------------------------------------------------

    def _before(self) -> Response | None:
        if request.path.startswith("/__mockkie"):
            return None
        time.sleep(self.case.ways.delay)
        self.store.sweep()
        self.case.counts["requests"] += 1
        every = self.case.ways.limit_every
        if every and self.case.counts["requests"] % every == 0:
            return limited(self.case)
        if self.case.every("stability-nth-500", 40):
            raise RuntimeError(request.path)
        return self._other_methods(PATHS.get(request.path), request.method)

    def _other_methods(self, route: str | None, method: str) -> Response | None:
        case = self.case
        if route is None or method == "POST":
            return None
        if case.has("methods-get-200") and method == "GET":
            return self._json({"success": True, "code": 200, "msg": "ok"}, 200)
        if case.has("methods-method-500") and method == "PATCH":
            raise RuntimeError(method)
        if case.has("methods-method-400") and (method, route) == ("DELETE", "url"):
            return self._error(400, case.text("method"))
        if case.has("methods-options-401") and method == "OPTIONS":
            return self._error(401, case.text("key"))
        if (method, route) == ("PUT", "stream"):
            if case.has("methods-put-stores"):
                return self._upload(route)
            if case.has("methods-put-405-stores"):
                self._upload(route)
        return None

    def _after(self, response: Response) -> Response:
        ways = self.case.ways
        if ways.cors and not request.path.startswith("/__mockkie"):
            response.headers["Access-Control-Allow-Origin"] = "*"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        if ways.cookies:
            response.set_cookie("visit", str(self.case.counts["requests"]), httponly=True)
        if ways.gzip and response.is_json and request.accept_encodings["gzip"] > 0:
            response.set_data(zipped(response.get_data()))
            response.headers["Content-Encoding"] = "gzip"
            response.vary.add("Accept-Encoding")
        if ways.streamed:
            # Whoever waits for the end of the answer must not be waited for.
            request.get_data(cache=False)
            response.response = iter([response.get_data()])
            response.headers.pop("Content-Length", None)
        return response

    def _failed(self, error: Exception) -> Response:
        if isinstance(error, MethodNotAllowed) and request.path in PATHS:
            if self.case.has("envelope-html-405"):
                return html(error)
            answer = self._error(405, self.case.text("method"))
            answer.headers["Allow"] = ", ".join(error.valid_methods or ["POST"])
            return answer
        if not isinstance(error, HTTPException):
            return self._error(500, self.case.text("server"))
        if request.path not in PATHS:
            page = self.case.ways.unknown_route == "html"
            return html(error) if page else self._error(error.code or 500, error.name)
        return self._error(400, error.name)

    # --- uploads -------------------------------------------------------------------------------

    def _upload(self, route: str) -> Response:
        try:
            return self._stored(route)
        except RefusalError as refusal:
            self._refused(route, refusal)
            if refusal.status == 401 and self.case.has("auth-html-401"):
                return Response("<h1>Unauthorized</h1>", 401, mimetype="text/html")
            return self._error(refusal.status, refusal.msg)

    def _stored(self, route: str) -> Response:
        if self.case.has("auth-fields-first") and not sent().get("uploadPath"):
            raise MissingFieldError(self.case, "uploadPath")
        account = account_of(self.case, route)
        up = READERS[route](self.case, account)
        file, replaced, shown = self._put(up)
        return self._answer(file, shown, replaced=replaced)

    def _put(self, up: Upload) -> tuple[File, bool, str]:
        settle(self.case, up)
        if self.case.has("overwrite-numbered"):
            self._number(up)
        shown = self._shown_path(up)
        file, replaced = self.store.put(up, self._public(up.account, shown))
        return file, replaced, shown

    def _number(self, up: Upload) -> None:
        stem, dot, suffix = up.name.rpartition(".")
        if not stem:
            stem, dot, suffix = up.name, "", ""
        at = 0
        while self.store.key(self._public(up.account, self._shown_path(up))) in self.store.files:
            at += 1
            up.name = f"{stem} ({at}){dot}{suffix}"

    def _refused(self, route: str, refusal: RefusalError) -> None:
        case = self.case
        if refusal.status == 401:
            if case.has("auth-stored-anyway") and request.headers.get("Authorization"):
                self._anyway(route)
            return
        case.notes["refused"] = True
        if not isinstance(refusal, KeptError):
            case.notes["errors"] = True
        fields, account = sent(), int(case.notes.get("account", 0))
        path, name = fields.get("uploadPath"), fields.get("fileName")
        if isinstance(path, str) and isinstance(name, str) and name:
            kinds = {UndecodableError: "base64", UnfetchedError: "fetch"}
            shown = f"{clean(path)}/{name}"
            self.store.refused(self._public(account, shown), kinds.get(type(refusal), ""))

    def _anyway(self, route: str) -> None:
        try:
            self._put(READERS[route](self.case, 0))
        except RefusalError:
            return

    # --- paths and links -----------------------------------------------------------------------

    def _shown_path(self, up: Upload) -> str:
        if self.case.has("naming-absolute") and up.name.startswith("/"):
            return up.name.lstrip("/")
        return f"{up.path}/{up.name}" if up.path else up.name

    def _public(self, account: int, shown: str) -> str:
        if self.case.ways.links == "observed":
            return f"kieai/{1001 + account}/{shown}"
        token = hashlib.sha256(self.case.keys[account].encode()).hexdigest()[:8]
        return f"{token}/{shown}"

    def _link(self, file: File, shown: str) -> str:
        path = clean(self._public(file.upload.account, shown))
        if self.case.has("overwrite-new-link"):
            path = f"r{file.version}/{path}"
        quoting = QUOTINGS[self.case.ways.quoting]
        if self.case.bug in QUOTES:
            quoting = QUOTES[self.case.bug]
        return f"{self.case.downloads}/{quoting(path)}"

    # --- answers -------------------------------------------------------------------------------

    def _answer(self, file: File, shown: str, *, replaced: bool) -> Response:
        case, up = self.case, file.upload
        link = self._link(file, shown)
        before, case.notes["link"] = case.notes.get("link", link), link
        observed = case.ways.links == "observed"
        facts: dict[str, Any] = {
            "fileName": up.name,
            "filePath": self._public(up.account, shown) if observed else shown,
            "downloadUrl": before if case.has("metadata-link-of-before") and replaced else link,
            "fileSize": file.size,
            "mimeType": up.mime,
            "uploadedAt": moment(case, file),
        }
        if case.ways.extra_keys:
            facts |= {"success": True, "fileId": hashlib.md5(shown.encode()).hexdigest()}  # noqa: S324 - no secret
        if case.bug in FACTS:
            facts = FACTS[case.bug](facts, file)
        payload = {"success": True, "code": 200, "msg": case.text("stored"), "data": facts}
        if case.ways.extra_keys:
            payload["requestId"] = f"req-{case.counts['requests']}"
        self._success_bugs(payload, up.route, replaced=replaced)
        if case.has("stability-answers-swapped"):
            case.notes["answer"] = payload
            time.sleep(0.06)
            payload = case.notes["answer"]
        status = 201 if case.has("envelope-created-201") and not replaced else 200
        return self._json(payload, status, up.route)

    def _success_bugs(self, payload: dict[str, Any], route: str, *, replaced: bool) -> None:
        case = self.case
        if case.has("envelope-code-as-text") and route == "base64":
            payload["code"] = "200"
        if case.has("envelope-code-zero") and route == "url":
            payload["code"] = 0
        if case.has("envelope-no-data-again") and replaced:
            payload["data"] = None
        if case.has("envelope-data-as-list") and route == "stream":
            payload["data"] = [payload["data"]]

    def _error(self, status: int, msg: str) -> Response:
        payload: dict[str, Any] = {"success": False, "code": status, "msg": msg}
        route = PATHS.get(request.path, "")
        if self.case.bug in ERRORS:
            payload = ERRORS[self.case.bug](payload, route)
        if self.case.has("envelope-errors-in-200") and route == "url":
            status = 200
        return self._json(payload, status, route)

    def _json(self, payload: dict[str, Any], status: int, route: str = "") -> Response:
        case = self.case
        plain = case.bug in ("envelope-length-in-characters", "envelope-gbk-json")
        indent = 2 if case.ways.pretty else None
        text = json.dumps(payload, indent=indent, ensure_ascii=case.ways.ascii_json and not plain)
        if case.has("envelope-json-in-json") and status == 405:
            text = json.dumps(text)
        if case.has("envelope-unquoted-json"):
            text = text.replace('\\"', '"')
        body = text.encode()
        kind = case.ways.content_type
        if case.has("envelope-mark-before-json") and route == "url":
            body = b"\xef\xbb\xbf" + body
        if case.has("envelope-gbk-json") and not text.isascii():
            body, kind = text.encode("gbk", "replace"), "application/json; charset=gbk"
        if case.has("envelope-errors-as-html") and status == 400:
            kind = "text/html; charset=utf-8"
        answer = Response(body, status, content_type=kind)
        if case.has("envelope-length-in-characters"):
            answer.headers["Content-Length"] = str(len(text))
        return answer

    # --- the clock -----------------------------------------------------------------------------

    def _clock(self) -> Response:
        clock = self.case.clock
        if (refusal := self._stranger()) is not None:
            return refusal
        if request.method == "DELETE":
            clock.reset()
        if request.method == "PUT":
            wanted = request.get_json(force=True)
            if "now" in wanted:
                clock.set(datetime.fromisoformat(wanted["now"]).timestamp())
            if "frozen" in wanted:
                clock.freeze(frozen=bool(wanted["frozen"]))
        if request.method != "GET":
            self.store.sweep(moved=True)
        return self._time()

    def _advance(self) -> Response:
        if (refusal := self._stranger()) is not None:
            return refusal
        wanted = request.get_json(force=True)
        seconds = wanted.get("seconds")
        if seconds is None:
            match = DURATION.fullmatch(str(wanted.get("duration")))
            if match is None or not any(match.groups()):
                return problem(400, "duration is not an ISO 8601 duration, like P3D or PT24H")
            seconds = sum(float(n) * UNITS[unit] for unit, n in match.groupdict("0").items())
        self.case.clock.set(self.case.clock.now() + float(seconds))
        self.store.sweep(moved=True)
        return self._time()

    def _stranger(self) -> Response | None:
        header = request.headers.get("Authorization")
        if header is None or header.removeprefix("Bearer ") in self.case.keys:
            return None
        return problem(401, "no world has this key")

    def _time(self) -> Response:
        clock = self.case.clock
        now = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds")
        facts = {
            "now": now.replace("+00:00", "Z"),
            "offset": round(clock.offset, 3),
            "frozen": clock.frozen,
        }
        return Response(json.dumps(facts), mimetype="application/json")


def sent() -> dict[str, Any]:
    """The fields of a request, whatever they are worth."""
    data = request.get_json(silent=True) if request.is_json else request.form
    return dict(data) if isinstance(data, dict) else {}


def problem(status: int, detail: str) -> Response:
    """An error of the clock calls."""
    facts = {"type": "about:blank", "status": status, "detail": detail}
    return Response(json.dumps(facts), status, mimetype="application/problem+json")


def html(error: HTTPException) -> Response:
    """Werkzeug's own page for an error."""
    return Response(error.get_body(), error.code, mimetype="text/html")


def limited(case: Case) -> Response:
    """The answer to one request too many."""
    facts = {"success": False, "code": 429, "msg": case.text("busy")}
    answer = Response(json.dumps(facts), 429, mimetype="application/json")
    if case.ways.retry_after:
        answer.headers["Retry-After"] = case.ways.retry_after
    return answer


def moment(case: Case, file: File) -> str:
    """`uploadedAt` in the precision of the server."""
    stamp = file.stamp
    if case.has("metadata-time-of-start"):
        stamp = case.started
    if case.has("metadata-time-real"):
        stamp = time.time()
    at = datetime.fromtimestamp(int(stamp * 1000) / 1000, UTC)
    specs = {"s": "seconds", "us": "microseconds", "none": "auto"}
    text = at.isoformat(timespec=specs.get(case.ways.time, "milliseconds"))
    return text if case.ways.time == "offset" else text.replace("+00:00", "Z")


# --- the server --------------------------------------------------------------------------------


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler in this server's ways."""

    case: Case
    disable_nagle_algorithm = True

    def log(self, *_: object) -> None:
        """Says nothing."""

    def send_header(self, keyword: str, value: str) -> None:
        change = {"upper": str.upper, "lower": str.lower}.get(self.case.ways.header_case, str)
        super().send_header(change(keyword), value)

    def date_time_string(self, timestamp: float | None = None) -> str:
        if self.case.ways.clocked_date and timestamp is None:
            return formatdate(self.case.clock.now(), usegmt=True)
        return super().date_time_string(timestamp)


class _KeepAlive(_Handler):
    """The same for connections that stay open, as behind a proxy."""

    def run_wsgi(self) -> None:
        try:
            self._answer(self.make_environ())
        except (HTTPException, OSError):  # the client went away
            self.close_connection = True
        except ValueError:  # the length is no number
            self.send_error(400)
            self.close_connection = True

    def _answer(self, environ: dict[str, Any]) -> None:
        if "wsgi.input_terminated" not in environ:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"] = LimitedStream(cast("IO[bytes]", self.rfile), length)
        pieces, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        while environ["wsgi.input"].read(65536):
            pass
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() != "date":  # send_response has sent it
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"".join(pieces))


def _handler(case: Case) -> type[_Handler]:
    base = _KeepAlive if case.ways.keep_alive else _Handler
    return type("Handler", (base,), {"case": case, "protocol_version": case.ways.protocol})


@contextmanager
def _serving(app: Any, case: Case, port: int = 0) -> Iterator[int]:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_handler(case))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()


def build(
    ways: Ways, bug: str | None, keys: tuple[str, ...], retention_seconds: float
) -> tuple[Case, Any, Any]:
    """The server's case, and its two WSGI applications: for uploads and for links."""
    known = keys if ways.second_account else keys[:1]
    case = Case(ways, bug, known, retention_seconds)
    store = Store(case)
    uploads = Uploads(case, store).app.wsgi_app
    downloads = Downloads(case, store, limited).app.wsgi_app

    def both(environ: dict[str, Any], start: Any) -> Any:
        mine = environ["PATH_INFO"].startswith(("/api/", "/__mockkie"))
        return (uploads if mine else downloads)(environ, start)

    return case, uploads if ways.apart else both, downloads


@contextmanager
def wsgi_api(
    ways: Ways | str = "plain",
    bug: str | None = None,
    keys: tuple[str, ...] = KEYS,
    retention_seconds: float = 3 * DAY,
    *,
    port: int = 0,
) -> Iterator[Running]:
    """Runs a server of these ways, with at most one bug, on free ports."""
    chosen = FAITHFUL[ways] if isinstance(ways, str) else ways
    if bug is not None and bug not in BUGS:
        raise KeyError(bug)
    case, uploads, downloads = build(chosen, bug, keys, retention_seconds)
    with ExitStack() as stack:
        at = stack.enter_context(_serving(uploads, case, port))
        links = stack.enter_context(_serving(downloads, case)) if chosen.apart else at
        case.url = f"http://127.0.0.1:{at}"
        case.downloads = f"http://127.0.0.1:{links}"
        yield Running(case.url, case.keys, case.downloads)


def main(arguments: list[str] | None = None) -> None:
    """Serves one server until it is interrupted, or lists them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.wsgi_api", description=main.__doc__)
    parser.add_argument("--ways", choices=list(FAITHFUL), default="plain", metavar="NAME")
    parser.add_argument("--bug", choices=list(BUGS), default=None, metavar="NAME")
    parser.add_argument("--port", type=int, default=0, metavar="N")
    parser.add_argument("--list", action="store_true", help="the names of all ways and bugs")
    options = parser.parse_args(arguments)
    if options.list:
        lines = [f"ways {name}" for name in FAITHFUL]
        lines += [f"bug  {name} [{bug.level}] {bug.does}" for name, bug in BUGS.items()]
        sys.stdout.write("\n".join(lines) + "\n")
        return
    with wsgi_api(options.ways, options.bug, port=options.port) as running:
        facts = {"url": running.url, "keys": running.keys, "downloads": running.downloads}
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
