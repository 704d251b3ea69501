"""What parsers disagree about, by what is in the bytes, and what was decided for mockkie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from reliability.form_bodies import BOUNDARY
from reliability.form_readers import Part, Read


class Decision(NamedTuple):
    """A class of disagreements. `sign`: what mockkie says when it refuses, "" when it reads."""

    name: str
    about: str
    why: str
    sign: str = ""


DECISIONS: Final = (
    Decision(
        "lone-break",
        "the boundary stands behind a lone CR or LF",
        "Werkzeug ends the content there, others go on: two readings of one body",
        "behind a lone CR or LF",
    ),
    Decision(
        "line-feeds",
        "lines end with LF alone",
        "some parsers take such lines, RFC 2046 does not",
        "end with LF",
    ),
    Decision(
        "boundary-goes-on",
        "the line of a boundary has something behind it, blanks too",
        "it is a boundary for some, content for others; only MIME gateways add blanks",
        "goes on with something else",
    ),
    Decision(
        "boundary-in-line",
        "the first boundary does not begin a line",
        "for some it is a boundary, for others the preamble goes on",
        "start of a line",
    ),
    Decision(
        "begins-with-boundary",
        "the content of a part begins with the boundary",
        "for some the part is empty, for others the boundary is content",
        "begins with the boundary",
    ),
    Decision(
        "no-end",
        "a head that ends with lone CRs or LFs has no end, and then the form has none",
        "Werkzeug takes any line ends; a form that was cut short must not look whole",
        "not complete",
    ),
    Decision(
        "header-line",
        "a line in a head is no header, or has control characters in it",
        "it is skipped by some, joined to its neighbour by others",
        "malformed header line",
    ),
    Decision(
        "header-twice",
        "a header comes twice in a part",
        "the first counts for some, the last for others",
        " headers",
    ),
    Decision(
        "long-head",
        "the head of a part is over 8 KiB",
        "somewhere there has to be an end; parsers have it between 4 KiB and none",
        "over 8 KiB",
    ),
    Decision(
        "length",
        "a part has a Content-Length that is none, or not its own",
        "some go by it, others by the boundary",
        "the Content-Length of a part",
    ),
    Decision(
        "disposition",
        "a Content-Disposition is no list of parameters: open quotes, words between them",
        "each parser gets another name out of it",
        "malformed Content-Disposition",
    ),
    Decision(
        "parameter-twice",
        "a parameter of Content-Disposition comes twice",
        "the first counts for some, the last for others",
        "a parameter twice",
    ),
    Decision(
        "extended",
        "`name*`, `name*0`, `filename*0`: parameters in pieces or in another charset",
        "RFC 7578 forbids them, and Werkzeug prefers them to the plain ones",
        "only filename can be extended",
    ),
    Decision(
        "no-disposition",
        "a part has no Content-Disposition",
        "there is nothing that it could be",
        "lacks its Content-Disposition",
    ),
    Decision(
        "no-name",
        "a part has no name, or an empty one",
        "RFC 7578 wants one; some make it None, some the empty text",
        "lacks its name",
    ),
    Decision(
        "disposition-kind",
        "a Content-Disposition is another one than form-data",
        "RFC 7578 knows no other; parsers that do not look take it",
        "not 'form-data'",
    ),
    Decision(
        "parts",
        "a form has very many parts",
        "limits.parts is 64 unless the document says otherwise",
        "this one has more",
    ),
    Decision(
        "content-type",
        "a Content-Type is malformed, or names no boundary, several, or an extended one",
        "each parser finds another boundary in it, and with it other parts",
        "",
    ),
    Decision(
        "filename-star",
        "`filename*` (RFC 5987), alone, beside `filename`, or unreadable",
        "it goes before `filename`, as in RFC 6266: .NET and older Python clients send it. One "
        "that cannot be read is passed over. Of the name only the extension survives",
    ),
    Decision(
        "backslash",
        "a backslash in a quoted name or filename",
        'as browsers mean it: `\\"` is a quote, other backslashes are themselves, and of a path '
        "of Windows the last name counts",
    ),
    Decision(
        "percent",
        "`%22`, `%0D`, `%0A` in a name or filename",
        "as browsers write a quote and line breaks (the WHATWG's standard); others show them raw",
    ),
    Decision(
        "not-utf-8",
        "bytes in a head that are no UTF-8",
        "they are Latin-1, as old clients have them; Werkzeug and `multipart` refuse",
    ),
    Decision(
        "preamble",
        "something stands before the first boundary",
        "it is passed over, as RFC 2046 says; python-multipart refuses",
    ),
    Decision(
        "folded",
        "a header in a head is folded over lines",
        "it is one line, as MIME has it; python-multipart refuses",
    ),
    Decision(
        "their-limit",
        "a head of 4 to 8 KiB",
        "it is within our limit; python-multipart and `multipart` have a lower one",
    ),
    Decision(
        "boundary-characters",
        "a boundary with blanks, quotes or letters beyond ASCII, or blanks around its `=`",
        "it is what stands there; some parsers do not find it",
    ),
)
ACCEPTED: Final = frozenset(
    ("filename-star", "backslash", "percent", "not-utf-8", "preamble", "folded", "their-limit")
) | {"boundary-characters"}
_PERCENT: Final = re.compile(rb"%(?:22|0d|0a)", re.IGNORECASE)
_ODD: Final = re.compile(r"[^A-Za-z0-9()+_./:?-]")
_AROUND: Final = re.compile(r"\t|[ ]=|=[ ]")
_FOLD: Final = re.compile(rb"\r\n[ \t]")
_BORDER: Final = b"\r\n--" + BOUNDARY.encode()
_LONG: Final = 4_000


def classes(body: bytes, ours: Read, name: str, theirs: Read) -> Iterator[str | None]:
    """The classes of what a parser and ours disagree about; None: of no class."""
    if isinstance(ours, str):
        if not isinstance(theirs, str):
            yield _class_of(ours)
    elif isinstance(theirs, str):
        yield _refused(body, name, theirs)
    elif len(ours) != len(theirs):
        yield None
    else:
        heads = [piece.partition(b"\r\n\r\n")[0] for piece in (b"\r\n" + body).split(_BORDER)[1:]]
        for mine, other, head in zip(ours, theirs, heads, strict=False):
            if mine != other:
                yield _differing(mine, other, head)


def boundary_class(text: str, ours: str | None, theirs: str | None) -> str | None:
    """The class of two boundaries that were found in one Content-Type."""
    if ours is None:
        return "content-type"
    odd = _ODD.search(ours) or _AROUND.search(text)
    return "boundary-characters" if theirs is None and odd else None


def _class_of(complaint: str) -> str | None:
    return next((one.name for one in DECISIONS if one.sign and one.sign in complaint), None)


def _refused(body: bytes, name: str, complaint: str) -> str | None:
    """Why another parser refuses what ours reads."""
    if not _is_utf8(body) and ("decode" in complaint or "Decode" in complaint):
        return "not-utf-8"
    if "exceeded" in complaint and len(body) > _LONG:
        return "their-limit"
    if name != "python-multipart":
        return None
    if not body.startswith(_BORDER[2:]) and "boundary" in complaint:
        return "preamble"
    return "folded" if "invalid character" in complaint and _FOLD.search(body) else None


def _differing(ours: Part, theirs: Part, head: bytes) -> str | None:
    """Why a name or filename is another one; contents are never."""
    if ours.content != theirs.content:
        return None
    if ours.name == theirs.name and b"filename*" in head.lower():
        return "filename-star"
    if b"\\" in head:
        return "backslash"
    if _PERCENT.search(head):
        return "percent"
    return None if _is_utf8(head) else "not-utf-8"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
