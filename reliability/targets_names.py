"""What becomes names and places: paths, links, URLs, keys of a bucket, times."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from mockkie import links
from mockkie.clock import format_duration, isoformat, parse_duration, parse_instant
from mockkie.contract import decode_path
from mockkie.identify import extension_for, identify
from mockkie.naming import read_path
from mockkie.problems import Problem
from mockkie.settings import Settings
from mockkie.sizes import parse_size
from mockkie.store import StoredFile
from mockkie.store.s3facts import Kept
from mockkie.store.s3keys import file_key, path_of, world_key
from mockkie.urls import checked, file_name, joined, mime_of
from mockkie.wire import printable
from mockkie.worlds import DEFAULT_KEY, World
from reliability.target import Check, Target, hold, line_of, split_off, text_of

_FILE: Final = StoredFile("1", "a/b", "b", 0, "x/y", "0" * 64, 1_735_732_800_123, 1_735_999_999_999)


_PIPES: Final = (b"|", b"\xc3\xa9", b"%", b"\\", b'"')


_KEYS: Final = re.compile(r"files/[!-~]+")


_MOST_OF_A_KEY: Final = 824  # of 1,024: a prefix has 200


_UNCUT: Final = 200  # bytes of a path that are never cut, whatever they are


def paths() -> Check:
    """`uploadPath` under every rule about slashes, and the names of files."""

    def check(data: bytes) -> None:
        text = text_of(data)
        for settings in _SETTINGS:
            _judge_path(text, settings)
        mime = identify(data, text, text)
        hold(printable(mime) == mime, "no type", mime)
        extension = extension_for(mime, text)
        hold(extension.isalnum() and extension.isascii(), "no extension", extension)

    return check


def _judge_path(text: str, settings: Settings) -> None:
    try:
        path = read_path(settings, text)
    except Problem as problem:
        hold(problem.name == "invalid-parameter" and ".." in text, problem.why)
        return
    hold(settings.edge_slashes != "trim" or path == path.strip("/"), "slashes", path)
    if settings.inner_slashes == "resolve":
        segments = path.strip("/").split("/")
        hold(".." not in segments and "." not in segments, "it climbs", path)
        hold("" not in segments or segments == [""], "an empty segment", path)
        hold(read_path(settings, path) == path, "twice is another one", path)


def link_paths() -> Check:
    """Links of files, there and back, and links of anybody."""
    world = World("default", "acc0", (DEFAULT_KEY,))

    def check(data: bytes) -> None:
        decoded = decode_path(data)
        if decoded is not None:
            links.parse_link(decoded.removeprefix("/"))
        path = text_of(data)
        for style in _STYLES:
            link = links.link_path(style, world, path)
            hold(link.isascii() and link.isprintable() and "?" not in link, "no link", link)
            hold("#" not in link and " " not in link, "no link", link)
            back = decode_path(link.encode())
            hold(back is not None, "it is not read", link)
            owner = links.parse_link((back or "").removeprefix("/"))
            hold(owner == (("acc0", path) if path else None), "another file", owner, path)
            url = f"http://localhost{link}"
            hold(links.link_in(url, ["http://localhost:80"]) == (back or "")[1:], "elsewhere", url)
        links.link_in(path, ["http://localhost"])

    return check


def urls() -> Check:
    """URLs to fetch from, redirects, and the names that come with them."""

    def check(data: bytes) -> None:
        url, location, disposition = split_off(data, 3)
        try:
            normal = checked(text_of(url))
        except Problem as problem:
            hold(problem.name == "invalid-parameter", problem.name)
        else:
            hold(normal.isascii() and normal.isprintable(), "no URL", normal)
            hold(checked(normal) == normal, "twice is another one", normal)
            hold(re.match(r"https?://", normal), "elsewhere", normal)
        try:
            normal = joined("http://localhost/a/b", text_of(location))
        except Problem as problem:
            hold(problem.name == "url-not-fetched", problem.name)
        else:
            hold(checked(normal) == normal, "a redirect to another one", normal)
        name = file_name(line_of(disposition), "http://localhost/a/b")
        hold(name is None or ("/" not in name and name not in (".", "..")), "a path", name)
        hold(name is None or "\\" not in name, "a path", name)
        mime_of(line_of(disposition))

    return check


def bucket_keys() -> Check:
    """Keys of a bucket: there and back, legal everywhere, in the order of the paths."""

    def check(data: bytes) -> None:
        first, second = (text_of(piece) for piece in split_off(data, 2))
        written = [file_key("default", path) for path in (first, second)]
        for path, key in zip((first, second), written, strict=True):
            hold(_KEYS.fullmatch(key) and len(key) <= _MOST_OF_A_KEY, "no key", key)
            hold(not {".", "..", ""} & set(key.split("/")), "it climbs", key)
            hold(path_of(key) in (path, None), "another path", path, path_of(key))
            hold(path_of(key) == path or len(path.encode()) > _UNCUT, "cut", path)
        hold((first == second) == (written[0] == written[1]), "one key for two", first, second)
        if all(path_of(key) is not None for key in written):
            one, other = first.encode(), second.encode()
            hold((one < other) == (written[0] < written[1]), "out of order", first, second)
        hold("/" not in world_key(first) and world_key(first) not in (".", "..", ""), first)

    return check


def bucket_facts() -> Check:
    """The facts of a file as metadata: there and back, and those of strangers."""
    names = ("id", "digest", "mime", "size", "uploaded", "expires", "moves", "path", "name")

    def check(data: bytes) -> None:
        pieces = split_off(data, len(names))
        attributes = {
            name: piece.decode("latin-1")
            for name, piece in zip(names, pieces, strict=True)
            if piece
        }
        for key in ("files/default/_a", "files/default/_a~0123", f"files/{attributes.get('id')}"):
            try:
                Kept.of(key, attributes)
            except OSError:
                continue
        path, name, mime = (text_of(piece) for piece in pieces[:3])
        file = _FILE._replace(path=f"p{path}", name=name or "x", mime=mime)
        kept = Kept(file, len(data), pieces[3][:9].hex())
        try:
            written = kept.attributes("default")
        except Problem as problem:
            hold(problem.name == "invalid-parameter", problem.name)
            return
        hold(all(text.isascii() for text in written.values()), "not ASCII", written)
        hold(Kept.of(file_key("default", file.path), written) == kept, "another file", kept)

    return check


def times() -> Check:
    """Instants, durations and sizes."""

    def check(data: bytes) -> None:
        text = text_of(data)
        try:
            instant = parse_instant(text)
        except ValueError:
            pass
        else:
            hold(parse_instant(isoformat(instant)) == instant, "another instant", text)
        try:
            duration = parse_duration(text)
        except ValueError:
            pass
        else:
            hold(parse_duration(format_duration(duration)) == duration, "another one", text)
        try:
            hold(parse_size(text) >= 0, text)
        except ValueError:
            return

    return check


_SETTINGS: Final = [
    replace(Settings(), edge_slashes=edge, inner_slashes=inner)
    for edge in ("trim", "refuse")
    for inner in ("refuse", "resolve")
]


_STYLES: Final = [replace(Settings(), link_style=style) for style in ("documented", "observed")]


NAMES: Final = (
    Target(
        "paths",
        "no uploadPath climbs, and no name is of a type that is none",
        *(paths, 600, 100, (b"..", b"/", b"//", b"./", b".png", b"%2e", b"\xe2\x80\xae")),
    ),
    Target(
        "links",
        "the link of a file is that of no other, and leads back to it",
        *(link_paths, 200, 100, (b"..", b"/", b"%2F", b"%", b"?", b"#", b"kieai/", b"\xc3\xa9")),
    ),
    Target(
        "urls",
        "a URL is refused or in its one form, and what it calls a file is no path",
        *(
            urls,
            50,
            200,
            (*_PIPES, b"http://", b"https://[", b"@", b"filename*=", b"UTF-8''", b"/"),
        ),
    ),
    Target(
        "bucket-keys",
        "keys of a bucket are legal, one for each path, in the order of the paths",
        *(bucket_keys, 250, 400, (b"|", b"..", b"/", b"//", b"~", b"_", b"z", b"!2f")),
    ),
    Target(
        "bucket-facts",
        "facts of a file come back from metadata, and those of strangers are refused",
        *(bucket_facts, 150, 300, (*_PIPES, b"12", b"YQ==", b"~", b"-1")),
    ),
    Target(
        "times",
        "instants, durations and sizes are read or refused, and written alike",
        *(
            times,
            1200,
            60,
            (b"P", b"T", b"D", b"H", b".5", b"2025-01-01", b"T12:00:00", b"Z", b"+01", b"GiB"),
        ),
    ),
)
