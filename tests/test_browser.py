"""A real browser follows the links, whatever the files are called."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mockkie import Kie
from mockkie.samples import sample_for
from tests.vocabulary import NAMES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()


@pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="needs Debian's chromium (CI has it)"
)
def test_a_browser_shows_pictures_of_every_name(kie: Kie, tmp_path: Path) -> None:
    picture = sample_for("https://example.com/a.png").content
    names = [name for name in NAMES if name.isprintable()]
    links = [
        kie.client.post(
            "/api/file-stream-upload",
            files={"file": ("picture.png", picture)},
            data={"uploadPath": "p", "fileName": name},
        ).json()["data"]["downloadUrl"]
        for name in names
    ]
    gone = links[0].rpartition("/")[0] + "/never-uploaded.png"
    images = "".join(f'<img src="{html.escape(link)}">' for link in [*links, gone])
    script = (
        "onload = () => { document.title = JSON.stringify("
        "[...document.images].map((image) => image.naturalWidth)) }"
    )
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><script>{script}</script>{images}")
    assert CHROMIUM is not None, "chromium is missing: apt-get install chromium"
    dump = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    title = re.search(r"<title>\[([\d,]+)\]</title>", dump)
    assert title is not None, dump[:500]
    widths = [int(width) for width in title[1].split(",")]
    assert widths[-1] == 0
    assert [name for name, width in zip(names, widths[:-1], strict=True) if width == 0] == []
