"""The downloads of the foreign server: what a link returns, and what it returns when dead."""

import hashlib
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header

from tests.wsgi_forms import sniff
from tests.wsgi_store import Case, Store
from tests.wsgi_twists import KIB, LOOKUPS, File, is_text, zipped

TAGGED = ("downloads-etag-of-path", "downloads-modified-by-size", "expiry-not-modified")
GONE = {
    "json": ('{"code": 404, "message": "file not found"}', "application/json"),
    "html": ("<!doctype html><title>Gone</title><h1>No such file</h1>", "text/html"),
    "xml": ('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "application/xml"),
    "text": ("the file has expired", "text/plain"),
    "empty": ("", "text/plain"),
}


class Downloads:
    """Everything that is not an upload is a link."""

    def __init__(self, case: Case, store: Store, limited: Callable[[Case], Response]) -> None:
        self.case = case
        self.store = store
        self.limited = limited
        self.app = Flask("downloads", static_folder=None)
        # Routes of Flask know no newline and no double slash, but links may hold both.
        self.app.before_request(self._any)
        self.app.register_error_handler(Exception, self._failed)

    def _failed(self, error: Exception) -> Response:
        status = (error.code or 500) if isinstance(error, HTTPException) else 500
        return Response("", status)

    def _any(self) -> Response:
        ways = self.case.ways
        time.sleep(ways.delay)
        self.store.sweep()
        self.case.counts["requests"] += 1
        if ways.limit_every and self.case.counts["requests"] % ways.limit_every == 0:
            return self.limited(self.case)
        path = request.path.lstrip("/")
        if self.case.bug in LOOKUPS:
            path = LOOKUPS[self.case.bug](path)
        version = re.match(r"r(\d+)/", path) if self.case.has("overwrite-new-link") else None
        key = self.store.key(path[version.end() :] if version else path)
        if version and key in self.store.files:
            key = key if self.store.files[key].version == int(version[1]) else ""
        return self._method(key)

    def _method(self, key: str) -> Response:
        if self.case.has("methods-delete-deletes") and request.method == "DELETE":
            self.store.files.pop(key, None)
            return Response("", 204)
        if self.case.has("methods-put-link") and request.method == "PUT":
            if key in self.store.files:
                self.store.files[key].body = request.get_data()
            return Response("", 204)
        if request.method not in ("GET", "HEAD") or self._headless():
            return Response(MethodNotAllowed().get_body(), 405, mimetype="text/html")
        return self._link(key, head=request.method == "HEAD")

    def _headless(self) -> bool:
        return request.method == "HEAD" and not self.case.ways.head

    # --- who may read --------------------------------------------------------------------------

    def _barred(self, file: File) -> bool:
        """Whether a bug wants a key: a faithful server takes none."""
        token = request.headers.get("Authorization", "")
        known = token.removeprefix("Bearer ") in self.case.keys
        wanted = {
            "auth-wrong-key-at-download": bool(token),
            "auth-base64-download-key": file.upload.route == "base64",
            "auth-second-download-key": file.upload.account > 0,
            "auth-head-only-key": request.method == "HEAD",
        }
        return wanted.get(self.case.bug or "", False) and not known

    # --- live links ----------------------------------------------------------------------------

    def _link(self, key: str, *, head: bool) -> Response:
        case = self.case
        if case.has("downloads-head-404") and head:
            return Response("", 404)
        file = self.store.get(key, head=head)
        if file is None:
            return self._gone(key, head=head)
        if self._barred(file):
            return Response("", 401)
        if case.has("downloads-accept-json") and "json" in request.headers.get("Accept", ""):
            facts = {"fileName": file.upload.name, "fileSize": file.size, "mimeType": file.mime}
            return Response(json.dumps(facts), mimetype="application/json")
        if case.ways.redirected and "signature" not in request.args:
            return Response("", 302, {"Location": f"{quote(request.path)}?signature=5f3a"})
        shown = self.store.cached(self.store.shown(file))
        answer = Response(self._body(shown), mimetype=self._type(shown))
        self._headers(answer, shown)
        if case.has("downloads-head-length") and head:
            answer.set_data(b"")
        if case.ways.streamed:
            answer.response = iter([answer.get_data()])
            answer.headers.pop("Content-Length", None)
        return self._conditional(answer, shown)

    def _type(self, file: File) -> str:
        by_content = sniff(file.body) if self.case.has("downloads-type-by-content") else None
        return by_content or file.mime

    def _body(self, file: File) -> bytes:
        case, body = self.case, file.body
        if case.has("downloads-query-empty") and request.query_string:
            return b""
        piece = 16 * KIB
        if case.has("downloads-last-piece") and body and len(body) % piece == 0:
            return body[:-piece]
        if case.has("downloads-always-gzip") and is_text(file.mime):
            return zipped(body)
        if case.has("stability-readers"):
            case.counts["readers"] += 1
            time.sleep(0.06)
            alone = case.counts["readers"] == 1
            case.counts["readers"] -= 1
            return body if alone else body[len(body) // 2 :]
        return body

    def _headers(self, answer: Response, file: File) -> None:
        case, name = self.case, file.upload.name
        if case.ways.cache_control:
            answer.headers["Cache-Control"] = case.ways.cache_control
        if case.ways.disposition:
            answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        gzipped = case.has("downloads-always-gzip") and is_text(file.mime)
        if gzipped or (case.has("downloads-gz-encoding") and name.endswith(".gz")):
            answer.headers["Content-Encoding"] = "gzip"
        if case.has("downloads-disposition"):
            name.encode("latin-1")
            answer.headers["Content-Disposition"] = f"inline; filename={name!r}"

    def _conditional(self, answer: Response, file: File) -> Response:
        case = self.case
        if case.has("downloads-always-304") and "If-Modified-Since" in request.headers:
            return Response("", 304)
        if case.bug in ("downloads-range-short", "downloads-range-whole"):
            return self._range(answer, file)
        if not case.ways.ranges and case.bug not in TAGGED:
            return answer
        of = file.body
        if case.has("downloads-etag-of-path"):
            of = file.key.encode()
        if case.has("downloads-modified-by-size"):
            of = str(len(file.body)).encode()
        answer.set_etag(hashlib.sha256(of).hexdigest()[:32])
        if case.ways.ranges:
            answer.last_modified = datetime.fromtimestamp(file.born, UTC)
        try:
            answer.make_conditional(
                request, accept_ranges=case.ways.ranges, complete_length=len(file.body)
            )
            answer.headers.pop("Date", None)  # the server sends it
        except RequestedRangeNotSatisfiable:
            return Response("", 416, {"Content-Range": f"bytes */{len(file.body)}"})
        return answer

    def _range(self, answer: Response, file: File) -> Response:
        wanted = parse_range_header(request.headers.get("Range"))
        span = wanted.range_for_length(len(file.body)) if wanted else None
        if span is None:
            return answer
        start, stop = span
        if self.case.has("downloads-range-short"):
            answer.set_data(file.body[start : stop - 1])
        answer.status_code = 206
        answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(file.body)}"
        return answer

    # --- dead links ----------------------------------------------------------------------------

    def _gone(self, key: str, *, head: bool) -> Response:
        case = self.case
        dead = self.store.graves.get(key)
        if dead is not None and case.has("expiry-empty-200"):
            return Response(b"", 200, mimetype=dead.mime)
        if dead is not None and case.has("expiry-gone-500"):
            return Response("", 500)
        if dead is not None and case.has("expiry-head-alive") and head:
            return Response(dead.body, 200, mimetype=dead.mime)
        if dead is not None and case.has("expiry-not-modified") and request.if_none_match:
            return Response("", 304)
        if dead is None and case.has("downloads-unknown-200"):
            return Response("<h1>Welcome</h1>", 200, mimetype="text/html")
        text, kind = GONE[case.ways.gone_body]
        return Response(text, case.ways.gone, mimetype=kind)
