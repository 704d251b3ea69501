"""A JSON Schema of HAR 1.2, after its text (http://www.softwareishard.com/blog/har-12-spec/)."""

from __future__ import annotations

from typing import Any, Final

TEXT: Final = {"type": "string"}
SIZE: Final = {"type": "integer", "minimum": -1}
TIME: Final = {"type": "number", "minimum": -1}
DATE: Final = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}


def thing(required: str, **properties: Any) -> dict[str, Any]:
    """An object; names that begin with an underscore are free, as the text says."""
    return {
        "type": "object",
        "properties": {**properties, "comment": TEXT},
        "patternProperties": {"^_": True},
        "required": required.split(),
        "additionalProperties": False,
    }


PAIR: Final = thing("name value", name=TEXT, value=TEXT)
PAIRS: Final = {"type": "array", "items": PAIR}
COOKIES: Final = {
    "type": "array",
    "items": thing("name value", name=TEXT, value=TEXT, path=TEXT, domain=TEXT, expires=DATE),
}
POST_DATA: Final = thing("mimeType", mimeType=TEXT, text=TEXT, params={"type": "array"})
CONTENT: Final = thing(
    "size mimeType", size=SIZE, compression=SIZE, mimeType=TEXT, text=TEXT, encoding=TEXT
)
REQUEST: Final = thing(
    "method url httpVersion cookies headers queryString headersSize bodySize",
    method=TEXT,
    url={"type": "string", "pattern": "^https?://[^#]+$"},
    httpVersion=TEXT,
    cookies=COOKIES,
    headers=PAIRS,
    queryString=PAIRS,
    postData=POST_DATA,
    headersSize=SIZE,
    bodySize=SIZE,
)
RESPONSE: Final = thing(
    "status statusText httpVersion cookies headers content redirectURL headersSize bodySize",
    status={"type": "integer"},
    statusText=TEXT,
    httpVersion=TEXT,
    cookies=COOKIES,
    headers=PAIRS,
    content=CONTENT,
    redirectURL=TEXT,
    headersSize=SIZE,
    bodySize=SIZE,
)
TIMINGS: Final = thing(
    "send wait receive",
    blocked=TIME,
    dns=TIME,
    connect=TIME,
    send={"type": "number", "minimum": 0},
    wait={"type": "number", "minimum": 0},
    receive={"type": "number", "minimum": 0},
    ssl=TIME,
)
ENTRY: Final = thing(
    "startedDateTime time request response cache timings",
    pageref=TEXT,
    startedDateTime=DATE,
    time={"type": "number", "minimum": 0},
    request=REQUEST,
    response=RESPONSE,
    cache={"type": "object"},
    timings=TIMINGS,
    serverIPAddress=TEXT,
    connection=TEXT,
)
CREATOR: Final = thing("name version", name=TEXT, version=TEXT)
LOG: Final = thing(
    "version creator entries",
    version={"const": "1.2"},
    creator=CREATOR,
    browser=CREATOR,
    pages={"type": "array"},
    entries={"type": "array", "items": ENTRY},
)
HAR: Final = {
    "type": "object",
    "properties": {"log": LOG},
    "required": ["log"],
    "additionalProperties": False,
}
