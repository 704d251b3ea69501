"""What good uploads show of a target: links, members, names. Writes nothing down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from mockkie.harness.api import FACTS, STREAM, URL
from mockkie.harness.asking import (
    PIXEL,
    Asker,
    Upload,
    accepted,
    origin_of,
    refusal,
    without_accounts,
)
from mockkie.harness.facts import Action, Fact, Outcome, beyond, same, shown
from mockkie.harness.session import NotJudgedError

_GENERATED: Final = re.compile(r"\d{13}-[0-9a-z]{9,12}\.txt")
_MILLISECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_SHAPE: Final = "<milliseconds>-<9 to 12 of base36>.<extension>"
_THREE: Final = "3 uploads, one by each route"
_OK: Final = 200
_NAMES: Final = ("FileName", "NullableFileName")


def link_style(asker: Asker) -> Iterator[Fact]:
    """`links.style`."""
    styles = {_style(upload) for upload in asker.uploads}
    data = asker.first.data
    path, link = str(data["filePath"]), unquote(urlsplit(asker.first.link).path)
    told = f"filePath {path}, read at {link.replace(path, '<filePath>')}"
    told = told.replace(asker.first.folder, "<uploadPath>").replace("first.txt", "<fileName>")
    how = f"{_THREE}: {without_accounts(told)}"
    if styles <= {"documented", "observed"} and len(styles) == 1:
        yield asker.settings.fact("links.style", styles.pop(), how)
    else:
        yield beyond("links.style", shown(asker.settings["links.style"]), "another", how)


def _style(upload: Upload) -> str | None:
    name = str(upload.data["fileName"])
    path, link = str(upload.data["filePath"]), unquote(urlsplit(upload.link).path)
    end = f"{upload.folder}/{name}"
    if path == end and link.endswith(f"/{path}") and link.count("/") == path.count("/") + 2:
        return "documented"
    if re.fullmatch(rf"kieai/[^/]+/{re.escape(end)}", path) and link == f"/{path}":
        return "observed"
    return None


def link_origin(asker: Asker, *, adopt: bool) -> Iterator[Fact]:
    """`links.origin`; adopted only when asked for, since the mock's links then lead elsewhere."""
    origins = {origin_of(upload.link) for upload in asker.uploads}
    how = f"{_THREE}: downloadUrl begins with {' or '.join(sorted(origins))}"
    if len(origins) > 1:
        yield beyond("links.origin", shown(asker.settings["links.origin"]), "several", how)
        return
    (origin,) = origins
    own = origin == origin_of(asker.target.url)
    fact = asker.settings.fact("links.origin", "request" if own else origin, how)
    if fact.outcome == Outcome.DIFFERS and not own and not adopt:
        why = "the links of a mock would lead there; --links-origin adopts it"
        yield Fact(fact.setting, Outcome.LEFT_OUT, fact.documented, fact.target, f"{how}; {why}")
    else:
        yield fact


def extra_data(asker: Asker) -> Iterator[Fact]:
    """`extraData`: what `data` has beside the documented facts, as far as it is constant."""
    seen = [
        {key: value for key, value in upload.data.items() if key not in FACTS}
        for upload in asker.uploads
    ]
    constant, varying = _constant(seen)
    names = ", ".join(sorted(constant)) or "no further member that stays the same"
    yield asker.settings.fact("extraData", constant, f"{_THREE}: data has {names}")
    for name in varying:
        yield beyond(f"extraData.{name}", "none", "differs each time", f"{_THREE}: data.{name}")


def success(asker: Asker) -> Iterator[Fact]:
    """The text of an accepted upload, and what stands beside `data`."""
    msgs = {str(upload.body.get("msg")) for upload in asker.uploads}
    if len(msgs) == 1:
        yield asker.settings.members("uploaded", {"msg": msgs.pop()}, f"{_THREE}: its msg")
    else:
        yield beyond("texts.uploaded", "", " or ".join(sorted(msgs)), f"{_THREE}: texts differ")
    constant, varying = _constant([upload.more for upload in asker.uploads])
    if constant:
        yield asker.settings.members("uploaded", constant, f"{_THREE}: members beside data")
    for name in varying:
        yield beyond(f"members.uploaded.{name}", "none", "differs each time", f"{_THREE}: {name}")


def _constant(seen: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """The members that are the same in all, and the names of the others."""
    first = seen[0]
    constant = {
        key: value
        for key, value in first.items()
        if all(key in other and repr(other[key]) == repr(value) for other in seen)
    }
    names = {key: None for found in seen for key in found}
    return constant, [name for name in names if name not in constant]


def spelling(asker: Asker) -> Iterator[Fact]:
    """What the mock has one way of: the media type of answers, time, the order of MIME types."""
    media = {upload.media for upload in asker.uploads}
    how = f"{_THREE}: Content-Type {', '.join(sorted(media))}"
    plain = media == {"application/json"}
    yield (
        same("contentType", "application/json", how)
        if plain
        else beyond("contentType", "application/json", ", ".join(sorted(media)), how)
    )
    times = [str(upload.data["uploadedAt"]) for upload in asker.uploads]
    how = f"{_THREE}: uploadedAt like {times[0]}"
    if all(_MILLISECONDS.fullmatch(time) for time in times):
        yield same("uploadedAt", "milliseconds and Z", how)
    else:
        yield beyond("uploadedAt", "milliseconds and Z", times[0], how)
    mime = str(asker.first.data["mimeType"])
    how = f"a GIF named first.txt: mimeType {mime}"
    if mime == "image/gif":
        yield same("mimeType", "by content, then by name", how)
    else:
        yield beyond("mimeType", "by content, then by name", f"{mime} for a GIF named .txt", how)


def url_name(asker: Asker) -> Iterator[Fact]:
    """`urlName`: what a URL upload without `fileName` is called."""
    upload = asker.uploads[2]
    name = str(upload.data["fileName"])
    how = f"POST {URL} of a link to …/first.txt without fileName: {_masked(name)}"
    seen = "url" if name == upload.name else "random"
    yield asker.settings.fact("urlName", seen, how)


def generated_name(asker: Asker) -> Iterator[Fact]:
    """What a file without a name is called."""
    name = str(asker.form(b"no name", "").data["fileName"])
    how = f"a form without fileName, the file being sent.txt: {_masked(name)}"
    if _GENERATED.fullmatch(name):
        yield same("generatedName", _SHAPE, how)
    else:
        yield beyond("generatedName", _SHAPE, _masked(name), how)


def _masked(name: str) -> str:
    """A name with what is drawn by lot shown as what it is."""
    found = _GENERATED.fullmatch(name)
    return _SHAPE if found else re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", name)


def name_length(asker: Asker) -> Iterator[Fact]:
    """`maxLength` of `fileName`, as far as small requests show it."""
    schema = ("components", "schemas", "FileName", "maxLength")
    most = asker.settings.at(*schema)
    if not isinstance(most, int):
        raise NotJudgedError("the document has no maxLength at components.schemas.FileName")
    setting, how = "FileName.maxLength", f"file names of {most} and {most + 1} characters"
    if _takes(asker, most):
        if not _takes(asker, most + 1):
            yield same(setting, str(most), f"{how}: the longer one was refused")
        else:
            yield beyond(setting, str(most), f"more than {most}", f"{how}: both were accepted")
        return
    low, high = len("first.txt"), most  # the shorter one was accepted, the longer one was not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _takes(asker, middle) else (low, middle)
    known = [name for name in _NAMES if asker.settings.at("components", "schemas", name)]
    actions = [Action(f"$.components.schemas.{name}", {"maxLength": low}) for name in known]
    how = f"names of {low} characters are accepted, of {high} refused"
    yield Fact(setting, Outcome.DIFFERS, str(most), str(low), how, actions)


def _takes(asker: Asker, length: int) -> bool:
    """Whether a name of that length is kept; `NotJudgedError` when it becomes another."""
    name = "n" * (length - 4) + ".txt"
    folder = asker.target.folder()
    fields = {"uploadPath": folder, "fileName": name}
    answer = asker.target.post(STREAM, files={"file": ("sent.txt", PIXEL)}, data=fields)
    if refusal(answer) is not None:
        return False
    if accepted(answer, folder, name).data["fileName"] != name:
        raise NotJudgedError(f"a name of {length} characters is kept as another one")
    return True
