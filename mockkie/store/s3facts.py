"""What is known of a file on S3, as metadata of an object and as a line of a batch. Does no I/O."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote, unquote

from mockkie.problems import Problem
from mockkie.store import StoredFile
from mockkie.store.s3bytes import bytes_key
from mockkie.store.s3keys import file_key, path_of

_MOST: Final = 2_000  # bytes of metadata; 2 KB of names and values are allowed (documented by AWS)
_PLAIN: Final = "!#$&'()*+,-./:;<=>?@[]^_`{|}~\""


class Burials(NamedTuple):
    """What a world's clock has left behind: `moves` so far, and what each of them ended.

    A pair `(move, now)` says: what was kept before that move, and is expired at `now`, is gone.
    The later the move, the earlier the instant: other pairs say nothing new.
    """

    moves: int = 0
    pairs: tuple[tuple[int, int], ...] = ()

    def cover(self, kept: Kept) -> bool:
        """Whether a file is gone."""
        ends = kept.file.expires_at
        return any(move >= kept.moves and now >= ends for move, now in self.pairs)

    def with_one(self, now: int, most: int) -> Burials:
        """One move more; of too many pairs the oldest is forgotten."""
        pairs = [pair for pair in self.pairs if pair[1] > now]
        return Burials(self.moves + 1, (*pairs, (self.moves, now))[-most:])

    @property
    def until(self) -> int | None:
        """The latest instant of all; None when nothing is buried."""
        return self.pairs[0][1] if self.pairs else None


class Kept(NamedTuple):
    """A file, how often its world's clock had been moved before, and where its bytes are.

    `token` names the object of a large content, "" for one that is in the file's own object.
    """

    file: StoredFile
    moves: int
    token: str

    def keys(self, world: str) -> list[str]:
        """The objects that are the file."""
        own = [file_key(world, self.file.path)]
        return [*own, bytes_key(self.token)] if self.token else own

    def attributes(self, world: str) -> Mapping[str, str]:
        """The metadata of the file's object; a path that does not fit is an `invalid-parameter`."""
        file = self.file
        found = {
            "id": quote(file.id, _PLAIN),
            "digest": file.digest,
            "mime": quote(file.mime, _PLAIN),
            "size": str(file.size),
            "uploaded": str(file.uploaded_at),
            "expires": str(file.expires_at),
            "moves": str(self.moves),
        }
        if self.token:
            found["bytes"] = self.token
        if path_of(file_key(world, file.path)) is None:
            found["path"] = _packed(file.path)
        if file.name != file.path.rpartition("/")[2]:
            found["name"] = _packed(file.name)
        if sum(map(len, (*found, *found.values()))) > _MOST:
            raise Problem(
                "invalid-parameter",
                f"uploadPath and fileName have {len(file.path.encode()):,} bytes in all, more than "
                "the metadata of an object in a bucket can hold: use a shorter uploadPath",
                parameter="uploadPath",
            )
        return found

    @classmethod
    def of(cls, key: str, attributes: Mapping[str, str]) -> Self:
        """The file of an object. `OSError` for metadata that are not ours."""
        try:
            path = path_of(key) or _unpacked(attributes["path"])
            name = attributes.get("name")
            file = StoredFile(
                id=unquote(attributes["id"]),
                path=path,
                name=path.rpartition("/")[2] if name is None else _unpacked(name),
                size=int(attributes["size"]),
                mime=unquote(attributes["mime"]),
                digest=attributes["digest"],
                uploaded_at=int(attributes["uploaded"]),
                expires_at=int(attributes["expires"]),
            )
            return cls(file, int(attributes["moves"]), attributes.get("bytes", ""))
        except (KeyError, ValueError) as error:
            raise OSError(f"the object {key} was not written by mockkie: take it away") from error

    def row(self) -> Sequence[Any]:
        """The file as a line of a batch."""
        return [*self.file, self.moves, self.token]

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """The file that `row` wrote."""
        *file, moves, token = row
        return cls(StoredFile._make(file), moves, token)


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _unpacked(text: str) -> str:
    return base64.urlsafe_b64decode(text).decode()
