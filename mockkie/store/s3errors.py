"""What obstore raises, in words for people. Knows nothing of buckets but their names."""

from __future__ import annotations

import re
from typing import Final

from obstore import exceptions

NO_BUCKET: Final = "NoSuchBucket"
_STATUS: Final = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_KIND: Final = re.compile(r"kind: (\w+)")

_REFUSED: Final = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)


def said(where: str, verb: str, error: Exception) -> str:
    """What went wrong, for a person: the place, and what the store answered, without keys."""
    text = str(error)
    code, status, kind = _CODE.search(text), _STATUS.search(text), _KIND.search(text)
    if code is not None and code[1] == NO_BUCKET:
        return f"the bucket of {where} does not exist: create it, or name another"
    if isinstance(error, _REFUSED) or (status is not None and status[1][:3] in ("401", "403")):
        return f"{where} refuses {verb}: its keys are wrong, or may not do this"
    if status is not None:
        named = f" ({code[1]})" if code is not None else ""
        return f"{where} answers {verb} with {status[1].strip()}{named}"
    if kind is not None and kind[1] == "Timeout":
        return f"{where} does not answer {verb} in time"
    if kind is not None:
        return f"{where} cannot be reached"
    return f"{where} failed at {verb}: {first_line(error)}"


def first_line(error: Exception) -> str:
    """What obstore says before it goes into details."""
    return str(error).partition("\n")[0]
