"""One request body, from bytes to values that the contract agrees with. Knows no worlds.

The content of a file goes to the draft on the way and is never held as a whole.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from blake3 import blake3

from mockkie.form import Body, FormReader, boundary_of
from mockkie.journal import Field
from mockkie.jsonbody import EncodedText, JsonBodyParser
from mockkie.keeping import largest
from mockkie.media import FORM, MediaType, essence, is_json
from mockkie.naming import read_path
from mockkie.operation import Operation
from mockkie.problems import Problem
from mockkie.settings import Settings
from mockkie.store import Draft
from mockkie.wire import Request

_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_UTF8: Final = ("utf-8", "utf8", "us-ascii", "ascii")


class BodyReader:
    """Reads the body of one request of an operation."""

    def __init__(self, operation: Operation, settings: Settings, draft: Draft | None) -> None:
        self._operation = operation
        self._settings = settings
        self._draft = draft
        self.body = Body()

    async def read(self, request: Request) -> Body:
        """The body; a `Problem` says what the contract has against it."""
        media = self._media_type(request)
        if media is None:
            self._nothing()
        elif media.name == FORM:
            await self._form(request, media)
        elif is_json(media.name) and (media.properties or media.streamed):
            await self._json_object(request, media)
        elif is_json(media.name):
            await self._json_value(request, media)
        return self.body

    def _media_type(self, request: Request) -> MediaType | None:
        operation = self._operation
        if not operation.media_types:
            return None
        given = request.headers.getlist("content-type")
        if _empty(request) and not (given and operation.body_required):
            return None
        if len(given) != 1:
            wanted = " or ".join(operation.media_types)
            found = "several Content-Types" if given else "no Content-Type"
            raise Problem("unsupported-media-type", f"the request has {found}; send one, {wanted}")
        encoding = ", ".join(request.headers.getlist("content-encoding"))
        if encoding and encoding.lower() != "identity":
            raise Problem("unsupported-media-type", f"the body is {encoding}; send it plain")
        name = essence(given[0])
        if name in operation.media_types:
            return operation.media_types[name]
        for candidate in (f"{name.partition('/')[0]}/*", "*/*"):
            if candidate in operation.media_types:
                return operation.media_types[candidate]
        wanted = " or ".join(operation.media_types)
        raise Problem(
            "unsupported-media-type", f"the body is {name or 'of no type'}; send {wanted}"
        )

    def _nothing(self) -> None:
        """A request without a body: right for some operations, for others everything is missing."""
        if not self._operation.media_types or not self._operation.body_required:
            return
        for media in self._operation.media_types.values():
            self._judge(media, {})
        raise Problem("malformed-body", "the request has no body")

    async def _form(self, request: Request, media: MediaType) -> None:
        boundary = boundary_of(request.headers["content-type"])
        self._set_limit(media)
        reader = FormReader(media, self._settings.limits, self._draft, self.body)
        await reader.read(request.chunk, boundary)
        streamed = media.streamed
        has_file = streamed is not None and streamed.name in self.body.values
        self._accept(media, self.body.values)
        if has_file and streamed is not None and self._draft is not None and streamed.shortest:
            self._judge_length(streamed.name, self._draft.size, streamed.shortest, None)

    async def _json_object(self, request: Request, media: MediaType) -> None:
        _check_charset(request)
        streamed = media.streamed
        parser = JsonBodyParser(
            streamed.name if streamed else None, limit=self._settings.limits.json
        )
        self._set_limit(media)
        while chunk := await request.chunk():
            for piece in parser.feed(chunk):
                if self._draft is not None:
                    await self._draft.write(piece)
        values = parser.close()
        text = values.pop(streamed.name, None) if streamed else None
        if streamed and isinstance(text, EncodedText):
            values[streamed.name] = True
            self.body.content_type = text.media_type
            self._judge_length(streamed.name, text.length, streamed.shortest, streamed.longest)
        elif streamed and text is not None:
            why = f"{streamed.name} must be a text of base64, not {_kind(text)}"
            raise Problem("invalid-parameter", why, parameter=streamed.name)
        self._describe(values, streamed.name if streamed else None)
        self._accept(media, values)

    async def _json_value(self, request: Request, media: MediaType) -> None:
        """A body that need not be an object, of an operation that has no handler."""
        _check_charset(request)
        content, limit = bytearray(), self._settings.limits.json
        while chunk := await request.chunk():
            content += chunk
            if len(content) > limit:
                raise Problem("malformed-body", f"the body is over {limit:,} bytes of JSON")
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise Problem("malformed-body", f"the body is not JSON: {error}") from error
        self.body.fields.append(_json_field("body", value))
        self._judge(media, value)
        self.body.values = value if isinstance(value, dict) else {}

    def _describe(self, values: dict[str, Any], streamed: str | None) -> None:
        for name, value in values.items():
            if name == streamed and self._draft is not None:
                kind = self.body.content_type
                size, digest = self._draft.size, self._draft.digest
                self.body.fields.append(Field(name, "file", size, digest, content_type=kind))
            else:
                self.body.fields.append(_json_field(name, value))

    def _accept(self, media: MediaType, values: dict[str, Any]) -> None:
        self.body.values = values  # also of what is refused: the journal says what it was about
        path = values.get("uploadPath")
        if isinstance(path, str):
            values["uploadPath"] = read_path(self._settings, path)
        self._judge(media, values)
        if self._settings.unknown_fields == "refuse":
            self._judge_names(media, [*values, *self.body.others])
        if media.streamed is not None:
            values.pop(media.streamed.name, None)
        if None in values.values():
            values = {name: value for name, value in values.items() if value is not None}
        self.body.values = values

    def _judge(self, media: MediaType, value: Any) -> None:
        if media.schema is None or media.schema.is_valid(value):
            return
        errors = media.schema.errors(value)
        for error in errors:
            if error.empty and error.path[0] in media.required:
                name = error.path[0]
                why = f"{name} is missing or empty ({error.place})"
                raise Problem("missing-parameter", why, parameter=name)
        name = errors[0].path[0] if errors[0].path else "body"
        raise Problem("invalid-parameter", str(errors[0]), parameter=name)

    def _judge_names(self, media: MediaType, names: list[str]) -> None:
        for name in names:
            if name not in media.properties:
                known = ", ".join(media.properties)
                why = f"{name!r} is no field of {self._operation.id}, it has: {known}"
                raise Problem("invalid-parameter", why, parameter=name)

    def _judge_length(self, name: str, length: int, shortest: int, longest: int | None) -> None:
        if length < shortest:
            why = f"{name} has a length of {length:,}, the contract asks for {shortest:,}"
            raise Problem("invalid-parameter", why, parameter=name)
        if longest is not None and length > longest:
            why = f"{name} has a length of {length:,}, the contract allows {longest:,}"
            raise Problem("file-too-large", why, parameter=name)

    def _set_limit(self, media: MediaType) -> None:
        """Tell the draft the most bytes that it may take, and who says so."""
        if self._draft is None:
            return
        self._draft.limit = largest(self._operation, self._settings, media)


def _check_charset(request: Request) -> None:
    charset = _CHARSET.search(request.headers["content-type"])
    if charset and charset[1].lower() not in _UTF8:
        raise Problem("unsupported-media-type", f"JSON is UTF-8, not {charset[1]}")


def _json_field(name: str, value: Any) -> Field:
    try:
        content = orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise Problem("malformed-body", f"{name!r} cannot be read: {error}") from error
    return Field(name, "json", len(content), blake3(content).hexdigest())


def _empty(request: Request) -> bool:
    return not request.has_body


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")
