from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.journal import Entry, Field, Journal, head_text
from mockkie.kie import Runner
from mockkie.naming import generate_name
from mockkie.settings import Settings
from mockkie.stored import StoredFile
from mockkie.worlds import DEFAULT_WORLD, World, Worlds

run = Runner()  # nothing waits in one process, or over a folder


# ---------------------------------------------------------------------------------- the journal


def entry(target: str = "/", why: str | None = None) -> Entry:
    return Entry(at=0, method="GET", target=target, why=why)


@given(st.lists(st.integers(0, 5_000), max_size=40), st.integers(1_000, 20_000))
def test_the_journal_is_bounded_and_the_oldest_go(sizes: list[int], limit: int) -> None:
    journal = Journal(limit)
    added: list[Entry] = []
    for size in sizes:
        added.append(entry("/" + "x" * size))
        journal.add(added[-1])
        kept = journal.entries()
        assert kept == added[len(added) - len(kept) :]
        assert journal.bytes == sum(known.weight for known in kept)
        assert journal.bytes <= limit or len(kept) == 1
        assert journal.evicted == len(added) - len(kept)
        assert journal.last == len(added) == kept[-1].seq
        if len(kept) < len(added):  # no entry goes without need
            assert journal.bytes + added[-len(kept) - 1].weight > limit


@given(st.integers(0, 30), st.integers(0, 40), st.none() | st.integers(1, 50), st.integers(0, 12))
def test_pages(count: int, after: int, limit: int | None, cleared: int) -> None:
    journal = Journal(limit=12 * entry().weight)
    for number in range(count):
        if number == cleared:
            run(journal.clear())
        journal.add(entry())
    behind = [known for known in journal.entries() if known.seq > after]
    assert journal.entries(after=after, limit=limit) == behind[:limit]


def test_a_journal_is_filled_to_its_limit() -> None:
    journal = Journal(limit=3 * entry().weight)
    for _ in range(4):
        journal.add(entry())
    assert (len(journal.entries()), journal.evicted) == (3, 1)


def test_paging_sees_every_entry_once() -> None:
    journal = Journal()
    for _ in range(25):
        journal.add(entry())
    seen: list[int] = []
    while page := journal.entries(after=seen[-1] if seen else 0, limit=10):
        seen += [known.seq for known in page]
    assert seen == list(range(1, 26))


def test_clearing_forgets_the_entries_and_numbers_on() -> None:
    journal = Journal(limit=1)
    journal.add(entry())
    journal.add(entry())
    assert (journal.evicted, journal.last) == (1, 2)
    run(journal.clear())
    assert (journal.entries(), journal.bytes, journal.evicted, journal.last) == ([], 0, 0, 2)
    journal.add(entry())
    assert [known.seq for known in journal.entries()] == [3]


@given(st.lists(st.sampled_from(["add", "clear", "take", "put"]), max_size=30), st.integers(0, 9))
def test_a_journal_is_put_back(steps: list[str], after: int) -> None:
    journal = Journal(limit=4 * entry().weight)
    taken = journal.state()
    numbers: list[int] = []
    for step in steps:
        if step == "add":
            journal.add(entry())
            numbers.append(journal.last)
        elif step == "clear":
            run(journal.clear())
        elif step == "take":
            taken = journal.state()
        else:
            journal.put_back(taken)
            assert journal.state() == taken
        kept = journal.entries()
        assert journal.entries(after=after, limit=2) == [e for e in kept if e.seq > after][:2]
        assert journal.bytes == sum(known.weight for known in kept) <= journal.limit
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("number", [7, 8])
def test_an_entry_comes_back_from_its_json(number: int) -> None:
    for made in (typical(number), refused(number), download(number)):
        value = made.to_json()
        assert Entry.from_json(value).to_json() == value
        assert Entry.from_json(value).file == made.file


def typical(number: int) -> Entry:
    """An upload as `requests` sends it, every text an object of its own as in a real run."""
    digest = f"{number:064x}"
    path = f"images/{number}/photo.jpg"
    at = 1_735_732_800_000 + number
    return Entry(
        at=at,
        path=path,
        file=StoredFile(
            f"1234567890abcdef12345678{number:x}",
            path,
            f"photo-{number}.jpg",
            15_000 + number,
            "image/jpeg",
            "d" + digest,
            at,
            at + 259_200_000,
        ),
        method="POST",
        target=f"/api/file-stream-upload?{number}",
        head=head_text(
            (name, value + str(number))
            for name, value in (
                ("host", "127.0.0.1:5430"),
                ("user-agent", "python-requests/2.32.5"),
                ("accept-encoding", "gzip, deflate"),
                ("accept", "*/*"),
                ("connection", "keep-alive"),
                ("authorization", "Bearer [redacted]"),
                ("content-length", "15483"),
                ("content-type", "multipart/form-data; boundary=0123456789abcdef0123456789abcdef"),
            )
        ),
        operation="upload-file-stream",
        fields=[
            Field("file", "file", 15_000, "a" + digest, f"photo-{number}.jpg", "image/jpeg"),
            Field("uploadPath", "text", 11, "b" + digest),
            Field("fileName", "text", 13, "c" + digest),
        ],
        notes=[f"kept images/{number}/photo.jpg, 15,000 bytes, image/jpeg"],
        status=200,
        code=200,
        msg="File uploaded successfully",
        received=15_483,
        sent=300,
        seconds=0.001 * number,
    )


def refused(number: int) -> Entry:
    return Entry(
        at=number + 10**12,
        method="POST",
        target=f"/api/file-base64-upload?{number}",
        head=head_text([("host", f"127.0.0.1:{number}"), ("content-length", str(number + 1000))]),
        decision="refused",
        status=401,
        code=401,
        msg="Authentication failed: Invalid API Key",
        why=f"there is no Authorization header in request {number}; send one",
    )


def download(number: int) -> Entry:
    return Entry(
        at=number + 10**12,
        method="GET",
        target=f"/12345678/images/user-uploads/a-picture-with-a-name-{number}.jpg",
        head=head_text(
            (f"x-header-{index}", f"{number} {index} " + "v" * 40) for index in range(12)
        ),
        operation="download-file",
        status=200,
        sent=10_000_000,
    )


@pytest.mark.parametrize("make", [typical, refused, download])
def test_the_weight_is_about_the_memory(make: Callable[[int], Entry]) -> None:
    count = 500
    gc.collect()
    tracemalloc.start()
    try:
        entries = [make(number) for number in range(count)]
        gc.collect()
        real, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    weight = sum(known.weight for known in entries)
    assert 0.5 * real <= weight <= 3 * real


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.lists(st.integers(0, 5_000), max_size=3))
def test_long_texts_weigh(target: int, why: int, notes: list[int]) -> None:
    heavy = entry(target="t" * target, why="w" * why)
    heavy.notes = ["n" * size for size in notes]
    assert heavy.weight >= entry("").weight + target + why + sum(notes)


def test_an_entry_tells_itself_in_a_line() -> None:
    told = refused(1)
    told.notes.append("a note")
    assert str(told) == (
        "POST /api/file-base64-upload?1 401  there is no Authorization header in request 1;"
        " send one  [a note]"
    )
    told.status, told.decision, told.why = None, "aborted", None
    assert str(told) == "POST /api/file-base64-upload?1 aborted  [a note]"


def test_the_json_of_an_entry_leaves_out_what_a_field_lacks() -> None:
    value = typical(7).to_json()
    assert value["at"] == "2025-01-01T12:00:00.007Z"
    assert set(value["fields"][0]) == {
        *("name", "kind", "size", "digest", "filename", "contentType")
    }
    assert set(value["fields"][1]) == {"name", "kind", "size", "digest"}


# -------------------------------------------------------------------------------------- worlds

KEYS = st.sampled_from(["a", "b", "c", "ab", "A", " a", "é", "key" * 50])
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 4), st.lists(KEYS, max_size=3)),
    max_size=20,
)


def world(name: str, keys: list[str], account: str | None = None) -> World:
    return World(id=name, account=account or f"account-{name}", keys=tuple(keys))


@given(steps=STEPS, any_key=st.booleans())
def test_keys_agree_with_a_dictionary(
    *, steps: list[tuple[str, int, list[str]]], any_key: bool
) -> None:
    default = world(DEFAULT_WORLD, ["default-key"])
    worlds = Worlds([default], any_key=any_key)
    model = {"default-key": default}
    known: dict[str, World] = {}
    for what, number, keys in steps:
        name = str(number)
        if what == "remove":
            if name in known:
                gone = known.pop(name)
                worlds.remove(gone)
                model = {key: owner for key, owner in model.items() if owner is not gone}
        else:
            new = world(name, keys)
            if name in known or any(key in model for key in keys):
                with pytest.raises(ValueError, match="already"):
                    worlds.add(new)
            else:
                worlds.add(new)
                known[name] = new
                model.update(dict.fromkeys(keys, new))
        for key in ("", "a", "b", "c", "ab", "A", " a", "a ", "é", "e", "key" * 50, "default-key"):
            otherwise = default if any_key and key else None
            assert worlds.of_key(key) is model.get(key, otherwise)
        assert list(worlds) == [default, *known.values()]
        assert all(worlds.of_account(each.account) is each for each in worlds)
        assert all(worlds.get(each.id) is each for each in worlds)


def test_a_refused_world_leaves_no_trace() -> None:
    worlds = Worlds([world(DEFAULT_WORLD, ["its-key"])])
    for clash in (
        world(DEFAULT_WORLD, ["two"]),
        world("other", ["two"], f"account-{DEFAULT_WORLD}"),
        world("other", ["two", "its-key"]),
    ):
        with pytest.raises(ValueError, match="already") as caught:
            worlds.add(clash)
        assert "its-key" not in str(caught.value)
        assert worlds.of_key("two") is None
        assert worlds.get("other") is None
    assert worlds.default.keys == ("its-key",)


def test_a_world_may_name_a_key_twice() -> None:
    worlds = Worlds([])
    twice = worlds.create(keys=["k", "k"])
    assert worlds.of_key("k") is twice
    worlds.remove(twice)
    assert worlds.of_key("k") is None


def test_what_is_missing_is_made_up() -> None:
    worlds = Worlds([])
    made = [worlds.create() for _ in range(50)]
    assert len({each.id for each in made}) == 50
    assert len({each.account for each in made}) == 50
    assert len({key for each in made for key in each.keys}) == 50
    assert all(len(each.account) == 8 and each.account.isdigit() for each in made)
    assert worlds.create(world_id="mine", keys=("a", "b")).keys == ("a", "b")


def test_a_generated_name_has_the_observed_shape() -> None:
    account = world("w", [])
    account.clock.set(now=1_735_732_800_000, frozen=True)
    names = {generate_name(Settings(), account, "jpg") for _ in range(200)}
    assert len(names) == 200
    for name in names:
        stem, dot, extension = name.partition(".")
        time, dash, token = stem.partition("-")
        assert (time, dash, dot, extension) == ("1735732800000", "-", ".", "jpg")
        assert len(token) == 11
        assert token.isalnum()
        assert token == token.lower()


def burials() -> Iterator[tuple[str, int, int]]:
    for number in range(1_500):
        yield f"file-{number}", number, number + 10


def test_only_so_many_graves() -> None:
    account = world("w", [])
    for burial in burials():
        account.bury(*burial)
    account.bury("file-600", 1, 2)
    assert len(account.graves) == 1_000
    assert "file-499" not in account.graves
    assert list(account.graves)[-1] == "file-600"
    account.bury("new", 1, 2)
    assert "file-500" not in account.graves
    assert account.graves["file-600"] == (1, 2)
