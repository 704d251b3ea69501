"""Keys in a bucket: in the order of paths, one for each text, legal everywhere."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from obstore.store import MemoryStore

from mockkie.store.bucket import PREFIX_MOST
from mockkie.store.s3keys import file_key, files_of, path_of, world_key

# What a careless encoding confuses comes often: slashes, dots, escapes and their neighbours.
texts = st.text(
    st.one_of(
        st.sampled_from("/.-!=_~z%aZ0:[`{\0\x7f é\uffff\U0001f600"), st.characters(codec="utf-8")
    )
)
paths = texts.filter(bool)
LEGAL = re.compile(r"[-./0-9A-Za-z!=_~]+")
SAMPLES = {
    "images/cat.png": "files/default/_images/_cat.png",
    "a//b/": "files/default/_a/_/_b/_",
    "../.": "files/default/_../_.",
    "my_pizza 1": "files/default/_my_5fpiz7az7aa!201",
    "é": "files/default/_zc3za9",
}


def refused(key: str) -> bool:
    """Whether obstore takes a key for another one, or for none."""
    store = MemoryStore()
    store.put(key, b"")
    return store.list().collect()[0]["path"] != key


@pytest.mark.parametrize("path", SAMPLES)
def test_a_person_can_read_a_key(path: str) -> None:
    assert file_key("default", path) == SAMPLES[path]


@given(one=paths, other=paths)
@example(one="a/", other="a/../b")
@example(one="a", other="a/")
@example(one="\uffff", other="\U0001f600")
@example(one="Z", other="_")
def test_keys_are_in_the_order_of_paths(one: str, other: str) -> None:
    keys = [file_key("w", path) for path in (one, other)]
    if all("~" not in key for key in keys):
        assert (keys[0] < keys[1], keys[0] == keys[1]) == (one < other, one == other)


@given(path=paths)
@example("z" * 300)
@example("/" * 1_000)
@example("é" * 1_000)
def test_a_key_is_legal_and_leads_back(path: str) -> None:
    key = file_key("default", path)
    assert LEGAL.fullmatch(key)
    assert len(key) <= 1_024 - PREFIX_MOST - 1
    assert not refused(key)
    assert path_of(key) in (path, None)
    assert (path_of(key) is None) == ("~" in key)


@given(one=st.text(), other=st.text(), shared=st.sampled_from(["x", "/", "é", "z"]))
def test_what_is_cut_keeps_a_key_of_its_own(one: str, other: str, shared: str) -> None:
    long = shared * 800
    keys = {file_key("w", long + text) for text in (one, other)}
    assert len(keys) == len({one, other})
    assert max(map(len, keys)) <= 1_024 - PREFIX_MOST - 1
    assert not any(map(refused, keys))


@given(one=paths, other=paths)
@example(one="default", other="default/former")
@example(one=".", other="..")
@example(one="a" * 200, other="a" * 201)
def test_a_world_is_one_segment_of_its_own(one: str, other: str) -> None:
    keys = [world_key(world) for world in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)
    for world, key in zip((one, other), keys, strict=True):
        assert LEGAL.fullmatch(key)
        assert "/" not in key
        assert not refused(key)
        assert file_key(world, "x").startswith(f"{files_of(world)}/")
        longest = file_key(world, "\U0001f600" * 300)
        assert len(longest) <= 1_024 - PREFIX_MOST - 1
        assert not refused(longest)
