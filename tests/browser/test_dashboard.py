"""Every interaction of the dashboard, in a real browser against a real mock."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from mockkie.samples import sample_for
from tests.browser.conftest import SECONDS, Window
from tests.visitors import ROUTES, Visitor

PICTURE = sample_for("https://example.com/a.png").content


def copied(window: Window) -> str:
    """What the last click on a copy button put on the clipboard."""
    expect(window.page.locator("[data-toast]")).to_have_text("Copied")
    text: str = window.page.evaluate("navigator.clipboard.readText()")
    return text


def until(page: Page, condition: str) -> None:
    """Wait for a condition of the page, in the page: its policy lets no strings be functions."""
    page.evaluate(
        f"""async () => {{
            const end = performance.now() + {SECONDS * 1_000};
            while (!({condition})) {{
                if (performance.now() > end) throw new Error("it never came");
                await new Promise((go) => setTimeout(go, 5));
            }}
        }}"""
    )


def drop(page: Page, name: str, size: int) -> None:
    """Drop a file on the page, as a person does."""
    held = page.evaluate_handle(
        """([name, size]) => {
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array(size).fill(97)], name, {type: "text/plain"}));
            return held;
        }""",
        [name, size],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("[data-upload]", event, {"dataTransfer": held})


def test_an_empty_world_shows_a_line_that_works(window: Window) -> None:
    page = window.go()
    line = page.locator("#first").inner_text()
    shell = ["bash", "-c", line]
    done = subprocess.run(shell, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["success"] is True
    expect(page.locator("tr[data-path='docs/hello.txt']")).to_be_visible()
    expect(page.locator("#first")).to_have_count(0)


def test_a_file_that_is_dropped_is_uploaded_with_progress(window: Window) -> None:
    page = window.go()
    window.visitor.control("POST", "/faults", {"then": {"readRate": 30_000_000}})
    page.fill("[data-upload-path]", "dropped/here")
    drop(page, "große Datei.txt", 30_000_000)
    value = "document.querySelector('progress')?.value"
    until(page, f"{value} > 0 && {value} < 1")
    expect(page.locator("[data-sending] .done")).to_contain_text("uploaded")
    expect(page.locator("tr[data-path='dropped/here/große Datei.txt']")).to_be_visible()
    [entry] = window.visitor.journal()
    assert (entry["operation"], entry["status"]) == ("upload-file-stream", 200)
    assert entry["file"]["fileSize"] == 30_000_000


def test_an_upload_that_is_refused_says_why(window: Window) -> None:
    page = window.go()
    page.fill("[data-upload-path]", "/edges/")
    page.set_input_files("[data-upload-files]", FilePayload(name="a.txt", mimeType="", buffer=b"x"))
    failed = page.locator("[data-sending] .failed")
    expect(failed).to_contain_text("400: uploadPath")
    window.troubles.clear()  # the browser notes each answer of 400


def test_uploads_and_the_journal_arrive_by_themselves(window: Window) -> None:
    page = window.go("journal")
    expect(page.locator("[data-empty]")).to_be_visible()
    window.visitor.upload("stream", PICTURE, "a", "b.png")
    first = page.locator("[data-entries] > li").first
    expect(first).to_contain_text("kept a/b.png")
    window.visitor.get(f"{window.visitor.downloads}/{window.visitor.account}/a/c.png")
    expect(page.locator("[data-entries] > li")).to_have_count(2)
    expect(first).to_contain_text("404 refused")
    expect(page.locator("[data-count]")).to_have_text("2")


def test_the_time_that_is_left_is_counted_down_by_the_world_s_clock(window: Window) -> None:
    window.visitor.set_clock(frozen=False)
    window.visitor.upload("stream", PICTURE, "a", "b.png")
    window.visitor.advance(3 * 86_400 - 50)
    page = window.go()
    left = page.locator("[data-left]")
    before = left.inner_text()
    expect(left).not_to_have_text(before)
    assert re.fullmatch(r"\d+ s", left.inner_text())
    window.visitor.control("PUT", "/clock", {"frozen": True})
    expect(page.locator("[data-clock-state]")).to_have_text("frozen")
    assert page.evaluate(
        """async () => {
            const left = document.querySelector("[data-left]"), before = left.textContent;
            await new Promise((go) => setTimeout(go, 1500));
            return left.textContent === before;
        }"""
    )
    # Nobody moves this clock, and no sweep comes by: the page notices by itself.
    window.visitor.set_clock("2025-01-04T11:59:58Z", frozen=False)
    expect(left).to_have_text("1 s")
    expect(page.locator("#first")).to_be_visible()


def test_a_file_is_looked_at_copied_and_deleted(window: Window, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    link = window.visitor.upload("stream", PICTURE, "a", "b c.png")["downloadUrl"]
    page = window.go()
    page.get_by_role("button", name="Copy link of b c.png").click()
    assert copied(window) == link
    page.get_by_role("button", name="Copy curl line of b c.png").click()
    assert copied(window) == f"curl -sS {link} -o 'b c.png'"
    page.get_by_role("link", name="b c.png", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("b c.png")
    width = "document.querySelector('.preview img').naturalWidth"
    until(page, f"{width} === 32")
    page.go_back()
    page.wait_for_selector('[data-live-state="on"]')
    page.get_by_role("button", name="Delete b c.png").click()
    expect(page.locator("#first")).to_be_visible()
    assert window.visitor.paths() == []


@pytest.mark.parametrize("kind", ["mp4", "wav"])
def test_sounds_and_pictures_that_move_can_be_played(window: Window, kind: str) -> None:
    content = sample_for(f"https://example.com/a.{kind}").content
    window.visitor.upload("stream", content, "a", f"b.{kind}")
    page = window.go(f"files/view?path=a/b.{kind}")
    player = "document.querySelector('.preview video, .preview audio')"
    until(page, f"{player}.duration > 0")
    page.evaluate(f"{player}.muted = true, {player}.play()")
    until(page, f"{player}.ended")


def test_overwrites_are_versions(window: Window) -> None:
    for text in (b"one", b"two!", b"three"):
        window.visitor.upload("stream", text, "a", "b.txt")
    page = window.go()
    page.get_by_text("3 versions").wait_for()
    page.get_by_role("link", name="b.txt", exact=True).click()
    expect(page.locator("#text")).to_have_text("three")
    rows = page.locator(".versions li")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("current")
    assert ["5 B" in row for row in rows.all_inner_texts()] == [True, False, False]


def test_the_journal_is_filtered_and_an_entry_explains_itself(window: Window) -> None:
    visitor = window.visitor
    visitor.upload("stream", b"x", "a", "b.txt")
    bad = json.dumps({"base64Data": "no base64!", "uploadPath": "a"}).encode()
    json_ = {**visitor.auth, "Content-Type": "application/json"}
    visitor.client.fetch("POST", visitor.origin + ROUTES["base64"], headers=json_, body=bad)
    visitor.client.fetch("POST", visitor.origin + ROUTES["stream"], headers=visitor.auth, body=b"x")
    page = window.go("journal")
    expect(page.locator("[data-entries] > li")).to_have_count(3)
    page.get_by_label("Decision").select_option("refused")
    expect(page.locator("[data-entries] > li")).to_have_count(2)
    page.get_by_label("Search requests").fill("base64data")
    row = page.locator("[data-entries] > li")
    expect(row).to_have_count(1)
    row.locator("summary").first.click()
    opened = row.locator(".opened")
    expect(opened).to_contain_text("How to fix it")
    expect(opened).to_contain_text(re.compile(r"openapi\.yaml:\d+"))
    visitor.upload("stream", b"x", "a", "c.txt")
    visitor.client.fetch("POST", visitor.origin + ROUTES["base64"], headers=json_, body=bad)
    expect(row).to_have_count(2)
    page.get_by_label("Search requests").fill("")
    page.get_by_label("Decision").select_option("")
    page.get_by_label("Status").select_option("2")
    expect(row.first).to_contain_text("kept a/c.txt")
    expect(row).to_have_count(2)
    link = page.locator("[data-entries] > li").first.locator("summary").first
    link.click()
    fields = page.get_by_role("region", name="Fields of entry")
    expect(fields.get_by_role("row")).to_have_count(4)
    expect(fields).to_contain_text("blob.bin")
    page.get_by_role("link", name="a/c.txt").first.click()
    expect(page).to_have_url(re.compile("files/view"))


def test_a_claim_behind_a_refusal_is_found(window: Window) -> None:
    visitor = window.visitor
    visitor.post("stream", b"x", "/edge/")
    page = window.go("journal/1")
    page.get_by_role("link", name="input.no-edge-slashes").click()
    row = page.locator("tr[id='input.no-edge-slashes']")
    expect(row).to_be_in_viewport()
    row.get_by_role("link").click()
    line = page.locator(":target")
    expect(line).to_contain_text("input.no-edge-slashes:")
    expect(line).to_be_in_viewport()


@pytest.mark.parametrize("way", ["stream", "base64"])
@pytest.mark.parametrize("form", ["curl", "httpx", "fetch"])
def test_a_copied_request_does_the_same_again(
    window: Window, context: BrowserContext, tmp_path: Path, way: str, form: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    content, name = PICTURE + b"$\\'\"\n", 'it\'s "a" $file.png'
    window.visitor.upload(way, content, "deep/er $HOME", name, filename="c.png", mime="image/png")
    page = window.go("journal/1")
    shown = page.locator(".copies details", has=page.locator(f"#{form}-1"))
    if form != "curl":
        shown.locator("summary").click()
    shown.get_by_role("button").click()
    text = copied(window)
    assert window.visitor.key not in text
    (tmp_path / "NAME").write_bytes(content)
    assert window.visitor.control("DELETE", "/files").json == {"deleted": 1}
    commands = {
        "curl": ["bash", "-c", text],
        "httpx": [sys.executable, "-c", text],
        "fetch": [shutil.which("node") or "node", "--input-type=module", "-e", text],
    }
    env = {**os.environ, "KIE_API_KEY": window.visitor.key, "NO_PROXY": "*"}
    done = subprocess.run(
        commands[form], cwd=tmp_path, env=env, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, (text, done.stderr.decode())
    first, second = (entry["file"] for entry in window.visitor.journal())
    assert second["path"] == first["path"] == f"deep/er $HOME/{name}"
    assert second["digest"] == first["digest"]
    assert window.visitor.paths() == [first["path"]]


def test_a_request_is_copied_as_har(window: Window, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.visitor.upload("stream", PICTURE, "a", "b.png")
    page = window.go("journal/1")
    shown = page.locator(".copies details", has=page.locator("#har-1"))
    shown.locator("summary").click()
    shown.get_by_role("button").click()
    log = json.loads(copied(window))["log"]
    [entry] = log["entries"]
    assert log["version"] == "1.2"
    assert entry["request"]["method"] == "POST"
    assert {"name": "uploadPath", "value": "a"} in entry["request"]["postData"]["params"]
    assert entry["response"]["status"] == 200
    assert window.visitor.key not in json.dumps(log)


def test_a_move_of_the_clock_says_what_it_does_before(window: Window) -> None:
    window.visitor.set_clock()
    window.visitor.upload("stream", b"x", "a", "old.txt")
    window.visitor.advance(86_400)
    window.visitor.upload("stream", b"x", "a", "new.txt")
    page = window.go("clock")
    card = page.locator(".card", has_text="+3 days")
    expect(card.locator(".effect")).to_have_text("2 of 2 files expire: a/old.txt, a/new.txt")
    expect(page.locator(".card", has_text="+1 hour")).to_contain_text("no file expires; 2 stay")
    own = page.get_by_label("Duration or time")
    own.fill("P2DT1S")
    expect(page.locator("#effect")).to_contain_text("1 of 2 files expire: a/old.txt")
    own.fill("two days")
    expect(page.locator("#effect")).to_contain_text("neither a duration")
    assert window.visitor.paths() == ["a/new.txt", "a/old.txt"]
    own.fill("P2DT1S")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator(".big")).to_have_text("2025-01-04 12:00:01")
    assert window.visitor.paths() == ["a/new.txt"]
    page.get_by_role("button", name="+1 hour").click()
    expect(page.locator(".big")).to_have_text("2025-01-04 13:00:01")


def test_the_clock_is_frozen_let_go_and_put_back(window: Window) -> None:
    page = window.go("clock")
    pill = page.locator("[data-clock-state]")
    page.get_by_role("button", name="Freeze").click()
    expect(pill).to_have_text("frozen")
    assert window.visitor.control("GET", "/clock").json["frozen"] is True
    page.get_by_role("button", name="+1 day").click()
    page.get_by_role("button", name="Let it flow again").click()
    expect(pill).to_have_text(re.compile(r"^\+(1 d|23 h 59 min)$"))
    page.get_by_role("button", name="Back to real time").click()
    expect(pill).to_have_text("real time")
    assert window.visitor.control("GET", "/clock").json["offset"] == 0
    window.visitor.set_clock()
    expect(pill).to_have_text("frozen")
    expect(page.locator(".big")).to_have_text("2025-01-01 12:00:00")


def test_faults_are_armed_counted_and_disarmed(window: Window) -> None:
    page = window.go("faults")
    page.get_by_label("What happens").select_option("status")
    page.get_by_label("Value").fill("503")
    page.get_by_role("combobox", name="Operation").fill("upload-*")
    page.get_by_label("nth").fill("2")
    page.get_by_role("button", name="Arm", exact=True).click()
    row = page.locator("tr[data-fault='1']")
    expect(row).to_contain_text("status=503 operation=upload-* nth=2")
    assert [window.visitor.post("stream", b"x").status for _ in range(2)] == [200, 503]
    expect(row.locator("[data-shots]")).to_have_text("1 of 2")
    page.get_by_label("Faults", exact=True).fill("faults:\n  - then: {statis: 500}\n")
    page.get_by_role("button", name="Arm these").click()
    expect(page.get_by_role("alert")).to_contain_text("did you mean 'status'?")
    expect(page.get_by_label("Faults", exact=True)).to_have_value(re.compile("statis"))
    page.get_by_label("Faults", exact=True).fill('{"then": {"malformed": true}, "times": 1}')
    page.get_by_role("button", name="Arm these").click()
    expect(page.locator("tr[data-fault='2']")).to_contain_text("malformed times=1")
    page.get_by_role("button", name="Disarm fault 1").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Arm outage").click()
    expect(page.locator("tr[data-fault]")).to_have_count(2)
    page.get_by_role("button", name="Disarm all").click()
    expect(page.locator("#list")).to_contain_text("No fault is armed")
    window.troubles.clear()  # the browser notes the answer of 400


def test_a_shot_is_in_the_entry_that_it_hit(window: Window) -> None:
    window.visitor.control("POST", "/faults", {"then": {"status": 503}})
    window.visitor.post("stream", b"x")
    page = window.go("journal/1")
    expect(page.locator(".reason .pill")).to_have_text("fault 1: status=503 (shot 1)")
    expect(page.get_by_role("link", name="still armed")).to_be_visible()


def test_worlds_are_made_switched_reset_and_dropped(window: Window) -> None:
    page = window.page
    page.goto(f"{window.visitor.origin}/__mockkie/ui/worlds")
    name = f"made-{window.visitor.id}"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page).to_have_url(re.compile(f"/ui/{name}/files$"))
    expect(page.get_by_label("World", exact=True)).to_have_value(re.compile(name))
    page.get_by_label("World", exact=True).select_option(label=window.visitor.id)
    expect(page).to_have_url(re.compile(f"/ui/{window.visitor.id}/files$"))
    window.visitor.upload("stream", b"x")
    page.get_by_role("link", name="Worlds").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("there is a world with the id")
    row = page.locator(f"[data-world-row='{name}']")
    row.get_by_text("Drop", exact=True).click()
    expect(row).to_contain_text("with 0 files?")
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name=f"Drop {name}")).to_be_hidden()
    row.get_by_text("Drop", exact=True).click()
    row.get_by_role("button", name=f"Drop {name}").click()
    expect(row).to_have_count(0)
    own = page.locator(f"[data-world-row='{window.visitor.id}']")
    own.get_by_text("Reset", exact=True).click()
    own.get_by_role("button", name=f"Reset {window.visitor.id}").click()
    expect(page.locator("#first")).to_be_visible()
    assert window.visitor.journal() == []
    window.troubles.clear()  # the browser notes the answer of 400


def test_a_world_that_is_dropped_says_so(guest: Visitor, context: BrowserContext) -> None:
    window = Window(context.new_page(), guest)
    page = window.go()
    guest.client.fetch("DELETE", f"{guest.origin}/__mockkie/worlds/{guest.id}")
    expect(page.locator("[data-live-text]")).to_have_text("world dropped")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("it may have been dropped")


def test_the_contract_and_its_claims_are_shown(window: Window) -> None:
    reply = window.visitor.control("PATCH", "/settings", {"retention": "PT1H"})
    assert reply.status == 200, reply.json
    page = window.go("contract")
    changed = page.locator("#settings tr.changed")
    expect(changed).to_have_count(1)
    expect(changed).to_contain_text("PT1H in this world; usually P3D")
    page.locator("#upload-file-base64 > summary").click()
    operation = page.locator("#upload-file-base64")
    expect(operation).to_contain_text("base64Data")
    operation.locator("details.answer > summary", has_text="200").click()
    expect(operation).to_contain_text("downloadUrl")
    operation.get_by_text("Example:").first.click()
    operation.get_by_role("link", name=re.compile(r"openapi\.yaml:\d+")).first.click()
    expect(page.locator(":target")).to_be_in_viewport()
    page.get_by_role("link", name="Claims").click()
    expect(page.locator("tr[id='overwrite.latest-bytes']")).to_contain_text("documented")
    page.get_by_label("Level").select_option("assumed")
    expect(page).to_have_url(re.compile("level=assumed"))
    levels = set(page.locator("tbody .pill").all_inner_texts())
    assert levels == {"assumed"}


def test_colours_are_chosen_and_kept(window: Window) -> None:
    page = window.go()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert dark != light
    toggle = page.locator("[data-theme-toggle]")
    toggle.click()
    expect(toggle).to_have_attribute("aria-label", "Colours: dark")
    toggle.click()
    assert page.evaluate(ground) == light
    window.go("clock")
    assert page.evaluate(ground) == light
    toggle.click()
    assert page.evaluate(ground) == dark


def test_a_keyboard_is_enough(window: Window) -> None:
    window.visitor.upload("stream", b"x", "a", "b.txt")
    page = window.go()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    walked = []
    for _ in range(9):
        page.keyboard.press("Tab")
        walked.append(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    assert [part for part in ("data-upload-files", 'id="file-', 'id="link-', 'id="del-')
            if not any(part in shown for shown in walked)] == []  # fmt: skip
    page.locator("button[id^='del-']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#first")).to_be_visible()
    window.go("journal")
    page.locator("[data-entries] summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".opened")).to_contain_text("Ask again")


def test_all_but_what_is_live_works_without_scripts(
    guest: Visitor, context: BrowserContext
) -> None:
    browser = context.browser
    assert browser is not None
    bare = browser.new_context(java_script_enabled=False)
    guest.upload("stream", b"x", "a", "b.txt")
    page = bare.new_page()
    base = f"{guest.origin}/__mockkie/ui/{guest.id}"
    page.goto(f"{base}/journal")
    page.locator("[data-entries] summary").first.click()
    page.get_by_role("link", name="Open entry 1").click()
    page.get_by_text("Ask again").wait_for()
    page.goto(f"{base}/clock")
    page.get_by_role("button", name="+1 day").click()
    page.get_by_text("+1 d", exact=True).wait_for()
    page.goto(f"{base}/files")
    page.get_by_role("button", name="Delete b.txt").click()
    page.locator("#first").wait_for()
    assert guest.paths() == []
    bare.close()
