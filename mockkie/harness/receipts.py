"""What must be remembered of planted files, and the file that keeps it. Knows no target.

No key is in it. A link is a capability, and it must be known to be looked at again: the file is
for its owner only (0600), and `published` is the same with digests in place of links.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

import orjson

from mockkie.clock import SECOND, format_duration, isoformat, parse_duration, parse_instant
from mockkie.harness.whole_file import replace_file
from mockkie.problems import UsageError

_VERSION: Final = 1


class Sight(StrEnum):
    """What a link was seen to be."""

    ALIVE = "alive"
    GONE = "gone"
    EMPTY = "empty"
    FORMER = "former bytes"
    OTHER = "other bytes"
    REFUSAL = "refusal in 200"
    ERROR = "error"
    UNCLEAR = "unclear"
    NOTHING = "no answer"


class Role(StrEnum):
    """What a planted file is there for."""

    STREAM = "stream"
    BASE64 = "base64"
    URL = "url"
    EARLY = "early"
    LATE = "late"
    READ = "read"
    HEAD = "head"
    OVERWRITTEN = "overwritten"
    YOUNGER = "younger"
    NAMESAKE = "namesake"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a link. `at` is the target's time, `headers` are those that tell of caches."""

    at: int
    method: str
    sight: Sight
    status: int | None = None
    size: int = 0
    digest: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def cached_for(self) -> int:
        """How old the copy is that a cache served; 0 for what the target itself answered."""
        age = self.headers.get("age", "")
        return int(age) * SECOND if age.isascii() and age.isdecimal() else 0

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "at": isoformat(self.at),
            "method": self.method,
            "sight": self.sight.value,
            "status": self.status,
            "size": self.size,
            "sha256": self.digest,
            "headers": dict(self.headers),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The look that `to_json` wrote."""
        return cls(
            parse_instant(value["at"]),
            str(value["method"]),
            Sight(value["sight"]),
            None if value["status"] is None else int(value["status"]),
            int(value["size"]),
            str(value["sha256"]),
            {str(name): str(text) for name, text in value["headers"].items()},
        )


@dataclass(slots=True)
class Receipt:
    """A planted file. `digests` are those of its contents, the present one last."""

    role: Role
    link: str
    born: int
    digests: list[str]
    overwritten: int | None = None
    looks: list[Look] = field(default_factory=list)

    @property
    def lives_from(self) -> int:
        """When its life began: at its latest upload."""
        return self.born if self.overwritten is None else self.overwritten

    def to_json(self, *, secret: bool) -> dict[str, Any]:
        """As the file has it; without the link, its digest in place of it, unless `secret`."""
        digest = hashlib.sha256(self.link.encode()).hexdigest()
        return {
            "role": self.role.value,
            **({"link": self.link} if secret else {"linkSha256": digest}),
            "born": isoformat(self.born),
            "overwritten": None if self.overwritten is None else isoformat(self.overwritten),
            "sha256": self.digests,
            "looks": [look.to_json() for look in self.looks],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The receipt that `to_json` wrote."""
        again = value["overwritten"]
        return cls(
            Role(value["role"]),
            str(value["link"]),
            parse_instant(value["born"]),
            [str(digest) for digest in value["sha256"]],
            None if again is None else parse_instant(again),
            [Look.from_json(look) for look in value["looks"]],
        )


@dataclass(slots=True)
class Planting:
    """Everything that one `probe plant` left behind.

    `retention` is how long files should live, `folder` where they are, `missing` says of roles
    that could not be planted why.
    """

    target: str
    live: bool
    retention: int
    folder: str
    born: int
    receipts: list[Receipt] = field(default_factory=list)
    missing: dict[Role, str] = field(default_factory=dict)

    def of(self, role: Role) -> Receipt | None:
        """The receipt of a role, if it is planted."""
        return next((receipt for receipt in self.receipts if receipt.role == role), None)

    @property
    def seen(self) -> int:
        """The latest instant that anything is known of."""
        looks = [look.at for receipt in self.receipts for look in receipt.looks]
        return max([self.born, *looks, *(receipt.lives_from for receipt in self.receipts)])

    def published(self) -> dict[str, Any]:
        """All of it that is no secret."""
        return {**self._facts(), "receipts": [one.to_json(secret=False) for one in self.receipts]}

    def to_json(self) -> dict[str, Any]:
        """As the file has it, links included."""
        receipts = [one.to_json(secret=True) for one in self.receipts]
        return {**self._facts(), "folder": self.folder, "receipts": receipts}

    def _facts(self) -> dict[str, Any]:
        return {
            "version": _VERSION,
            "target": self.target,
            "live": self.live,
            "retention": format_duration(self.retention),
            "planted": isoformat(self.born),
            "missing": {role.value: why for role, why in self.missing.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The planting that `to_json` wrote."""
        if value["version"] != _VERSION:
            raise ValueError(f"version {value['version']} is not known here")
        return cls(
            str(value["target"]),
            bool(value["live"]),
            parse_duration(value["retention"]),
            str(value["folder"]),
            parse_instant(value["planted"]),
            [Receipt.from_json(one) for one in value["receipts"]],
            {Role(role): str(why) for role, why in value["missing"].items()},
        )


def read_receipts(path: Path) -> Planting:
    """The planting that a file keeps; `UsageError` if it keeps none."""
    try:
        return Planting.from_json(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        raise UsageError(
            f"there are no receipts in {path}: begin with `mockkie probe plant`, "
            "or name their file with --receipts"
        ) from None
    except OSError as error:
        raise UsageError(f"the receipts {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UsageError(
            f"the receipts {path} are damaged ({type(error).__name__}: {error}); "
            "restore them, or plant again elsewhere with --receipts"
        ) from error


def write_receipts(planting: Planting, path: Path) -> None:
    """Keep a planting, for its owner's eyes only; raises `UsageError`."""
    _write(planting.to_json(), path, 0o600)


def publish_receipts(planting: Planting, path: Path) -> None:
    """Write what is no secret of a planting; raises `UsageError`."""
    _write(planting.published(), path, 0o666)


def _write(value: Mapping[str, Any], path: Path, mode: int) -> None:
    content = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    try:
        replace_file(path, content, mode)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def digest_of(content: bytes) -> str:
    """What stands for a content."""
    return hashlib.sha256(content).hexdigest()


def gets(looks: Iterable[Look]) -> list[Look]:
    """The looks that read."""
    return [look for look in looks if look.method == "GET"]
