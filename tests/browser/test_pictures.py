"""The pictures of docs/: made when asked for (`MOCKKIE_SCREENSHOTS=1`), and never left to rot.

Beside each picture is an outline of what the page says. When a page says something else by now,
the outline differs, and the pictures are to be made anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from mockkie.samples import sample_for
from tests.browser.conftest import Window
from tests.clients import Httpx2
from tests.visitors import ROUTES, Visitor, serving, visitor_of

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"
ASKED = bool(os.environ.get("MOCKKIE_SCREENSHOTS"))
MOST = 200_000
SHOTS = {
    "files": ("files", "light", 1280, 800),
    "journal": ("journal", "dark", 1280, 800),
    "entry": ("journal/8", "light", 1280, 900),
    "clock": ("clock", "light", 1280, 720),
    "faults": ("faults", "dark", 1280, 800),
    "phone": ("files", "dark", 390, 844),
}
SUNSET = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 80"><path fill="#f6b27a" d="M0 0h120v'
    '52H0z"/><circle cx="62" cy="44" r="15" fill="#ffe9a8"/><path fill="#3c4b78" d="M0 52h120v28H0z'
    '"/><path stroke="#ffd89a" stroke-width="3" d="M44 60h36M50 67h24M56 74h12"/></svg>'
)


@pytest.fixture(scope="module")
def scene() -> Iterator[Visitor]:
    """A world with a past: files of many kinds, refusals, faults; its clock stands still."""
    client = Httpx2()
    with serving(keys=["kie-mock-key"]) as server:
        visitor = visitor_of(server, client, id="nightly-import", keys=["kie-nightly"])
        visitor.set_clock("2026-01-05T09:00:00Z")

        def put(path: str, content: bytes) -> None:
            folder, _, name = path.rpartition("/")
            visitor.post("stream", content, folder, name, filename=name)

        put("images/sunset.svg", SUNSET.encode())
        put("reports/2026/summary.pdf", sample_for("https://example.com/a.pdf").content)
        visitor.advance(20 * 3_600)
        put("clips/intro.mp4", sample_for("https://example.com/a.mp4").content)
        put("sounds/tone.wav", sample_for("https://example.com/a.wav").content)
        visitor.advance(3 * 3_600)
        for text in ("# Notes\n", "# Notes\n\nOnce more.\n"):
            put("notes/readme.md", text.encode())
        put("data/prices.json", b'{"eur": 1, "usd": 1.09}')
        visitor.post("stream", b"hello", "/docs/", "hello.txt", filename="hello.txt")
        wrong = {"Authorization": "Bearer sk-other"}
        client.fetch("POST", visitor.origin + ROUTES["stream"], headers=wrong)
        visitor.get(f"{visitor.downloads}/{visitor.account}/images/sunrise.png")
        fault = {"operation": "upload-*", "when": {"nth": 2}, "times": 1, "then": {"status": 500}}
        visitor.control("POST", "/faults", fault)
        visitor.control("POST", "/faults", {"scenario": "stale-cdn"})
        visitor.advance(42 * 60)
        put("images/pixel.png", sample_for("https://example.com/a.png").content)
        put("images/other.png", sample_for("https://example.com/a.png").content)
        yield visitor
    client.close()


def outline(page: Page) -> str:
    """What a page says, a line each, without what differs from run to run."""
    text = page.locator("body").inner_text()
    for pattern, stand_in in (
        (r"127\.0\.0\.1:\d+", "127.0.0.1:5430"),
        (r"/\d{8}/", "/16142809/"),
        (r"[\d.]+ ms", "1.5 ms"),
        (r"(\.yaml):\d+", r"\1:1"),
        (r"[\d,]+ bytes in · [\d,]+ out", "9 bytes in · 9 out"),
    ):
        text = re.sub(pattern, stand_in, text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join([line for line in lines if line]) + "\n"


@pytest.mark.parametrize("name", SHOTS)
def test_a_picture_shows_what_the_page_says(browser: Browser, scene: Visitor, name: str) -> None:
    path, scheme, width, height = SHOTS[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    window = Window(context.new_page(), scene)
    page = window.go(path)
    said = outline(page)
    picture, written = IMAGES / f"{name}.png", IMAGES / f"{name}.txt"
    if ASKED:
        IMAGES.mkdir(exist_ok=True)
        page.screenshot(path=picture)
        written.write_text(said)
    context.close()
    assert window.troubles == []
    anew = "the page has changed: MOCKKIE_SCREENSHOTS=1 pytest tests/browser/test_pictures.py"
    assert said == written.read_text(), anew
    assert 0 < picture.stat().st_size < MOST
