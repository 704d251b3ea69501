"""The push parser for base64 uploads, held against parsing and decoding the whole body at once."""

from __future__ import annotations

import base64
import json
import random
import re
import tracemalloc
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockkie import jsonbody
from mockkie.jsonbody import EncodedText, JsonBodyParser
from mockkie.problems import Problem

NAME: Final = "base64Data"
LIMIT: Final = 64 * 1_024


def chunks(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in cycle(sizes):
        if at >= len(body):
            return
        yield body[at : at + size]
        at += size


def parse(
    body: bytes, sizes: list[int] | None = None, *, streamed: str | None = NAME, limit: int = LIMIT
) -> tuple[dict[str, Any], bytes]:
    parser = JsonBodyParser(streamed, limit=limit)
    decoded = [
        piece for chunk in chunks(body, sizes or [len(body) or 1]) for piece in parser.feed(chunk)
    ]
    return parser.close(), b"".join(decoded)


def verdict(body: bytes, sizes: list[int] | None = None) -> Any:
    try:
        return parse(body, sizes)
    except Problem as problem:
        return problem.name, problem.why, problem.parameter


def straightforward(body: bytes) -> Any:
    """The same verdict from the whole body at once; of a refusal only its name."""
    try:
        value = orjson.loads(body)
        assert isinstance(value, dict)
        members = json.loads(body, object_pairs_hook=list)
        assert sum(key == NAME for key, _ in members) < 2
    except (orjson.JSONDecodeError, AssertionError):
        return "malformed-body"
    text = value.get(NAME)
    if not isinstance(text, str):
        return value, b""
    data, media = text, None
    if text[:5].lower() == "data:":
        token = r"[A-Za-z0-9_!#$&^.+-]+"  # noqa: S105 - the token of a media type
        header = re.compile(
            rf"data:({token}/{token})?(;{token}=[ -+\--:<-~]*)*;base64", re.IGNORECASE
        )
        head, comma, data = text.partition(",")
        match = header.fullmatch(head)
        if not comma or not match or len(head) >= 1_024:
            return "invalid-base64"
        media = match[1] and match[1].lower()
    bare = re.sub("[ \t\r\n]", "", data)
    try:
        decoded = base64.b64decode(bare, validate=True)
        assert base64.b64encode(decoded).decode() == bare
    except (ValueError, AssertionError):
        return "invalid-base64"
    value[NAME] = EncodedText(len(text), media)
    return value, decoded


def refused(body: bytes | str) -> Problem:
    raw = body if isinstance(body, bytes) else body.encode()
    with pytest.raises(Problem) as caught:
        parse(raw)
    assert verdict(raw) == verdict(raw, [1])
    assert caught.value.why.isascii()
    return caught.value


def refused_text(text: str) -> str:
    problem = refused(json.dumps({"fileName": "a", NAME: text, "uploadPath": "b"}))
    assert (problem.name, problem.parameter) == ("invalid-base64", NAME)
    assert problem.why.startswith(f"{NAME}: ")
    return problem.why


def accepted_text(text: str) -> tuple[EncodedText, bytes]:
    body = json.dumps({"fileName": "a", NAME: text, "uploadPath": "b"}).encode()
    value, decoded = parse(body)
    assert (value, decoded) == parse(body, [1]) == straightforward(body)
    assert {**value, NAME: None} == {"fileName": "a", NAME: None, "uploadPath": "b"}
    return value[NAME], decoded


names = st.sampled_from([NAME, "fileName", "", 'a"b', "\\", "é", "base64", "😀"]) | st.text(
    max_size=5
)
texts = st.sampled_from(['{"', '\\"', "[,:]}", "\\\\", "QUJD"]) | st.text(max_size=9)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
blanks = st.text(" \t\r\n", max_size=3)
sizes_of_chunks = st.just([1]) | st.lists(st.integers(1, 40), min_size=1, max_size=8)
pieces = st.integers(6, 40) | st.just(jsonbody.PIECE)
headers = st.sampled_from(
    ["", "data:;base64,", "data:Image/PNG;base64,", "DATA:text/plain;charset=utf-8;a=b c;Base64,"]
)


def spelled(text: str, draw: st.DrawFn) -> str:
    """A JSON string of these characters, some of them written as escapes."""
    seed = random.Random(draw(st.integers(0, 99)))  # noqa: S311 - not for secrets
    rate = draw(st.sampled_from([0, 0, 0.1, 1]))

    def character(plain: str) -> str:
        if ord(plain) < 0x10000 and seed.random() < rate:
            code = seed.choice([f"\\u{ord(plain):04x}", f"\\u{ord(plain):04X}"])
            return "\\/" if plain == "/" and seed.random() < 0.5 else code
        return json.dumps(plain, ensure_ascii=seed.random() < 0.5)[1:-1]

    return '"' + "".join(map(character, text)) + '"'


@st.composite
def encoded_texts(draw: st.DrawFn) -> str:
    text = base64.b64encode(draw(st.binary(max_size=200))).decode()
    width = draw(st.sampled_from([1, 3, 76, 1_000]))
    gap = draw(st.sampled_from(["\n", "\r\n", " ", "\t", ""]))
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return draw(headers) + gap.join([*lines, ""])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A valid body: members in any order, written with any blanks and escapes."""
    others = draw(st.dictionaries(names, values, max_size=4))
    members = [(name, value) for name, value in others.items() if name != NAME]
    written = [
        spelled(name, draw)
        + draw(blanks)
        + ":"
        + draw(blanks)
        + json.dumps(
            value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))
        )
        for name, value in members
    ]
    value = (
        spelled(draw(encoded_texts()), draw) if draw(st.booleans()) else json.dumps(draw(values))
    )
    if draw(st.integers(0, 9)):
        written.append(spelled(NAME, draw) + draw(blanks) + ":" + draw(blanks) + value)
    written = draw(st.permutations(written))
    comma = draw(blanks) + "," + draw(blanks)
    body = (
        draw(blanks) + "{" + draw(blanks) + comma.join(written) + draw(blanks) + "}" + draw(blanks)
    )
    return body.encode()


@st.composite
def mutated_bodies(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(bodies()))
    bits = [
        b'"',
        b"\\",
        b"=",
        b"-",
        b",",
        b":",
        b"{",
        b"}",
        b"\x00",
        b"\n",
        b"\xc3",
        b"\xed\xa0\x80",
    ]
    bits += [
        b'\\"',
        b"\\\\",
        b"\\u00e9",
        b"\\ud83d",
        b"\\x",
        b"\\u12",
        b"A",
        b"0",
        b'"":',
        b"\xef\xbb\xbf",
    ]
    bits += [b'"base64Data":"QQ==",', b"data:", b"5", b" "]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        stop = at + draw(st.sampled_from([0, 0, 1, 2, 7]))
        body[at:stop] = draw(st.sampled_from(bits) | st.binary(max_size=3) | st.just(b""))
    return bytes(body[: draw(st.sampled_from([None, None, None, len(body) // 2, -1]))])


@given(body=bodies(), sizes=sizes_of_chunks, piece=pieces)
def test_a_body_in_chunks_gives_what_the_whole_body_gives(
    body: bytes, sizes: list[int], piece: int
) -> None:
    expected = straightforward(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonbody, "PIECE", piece)
        found = verdict(body, sizes)
    if expected == "invalid-base64":
        assert found[0] == expected
    else:
        assert found == expected


@given(body=mutated_bodies() | st.binary(max_size=40), sizes=sizes_of_chunks, piece=pieces)
@example(body=b'{"base64Data": 5"QUJD"}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"QUJD\\\\"}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"data:;b\\\\u0061se64,"}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"data:;a=\\\\\\x;base64,QUI="}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"data:;a=\\\\\\u00e9;base64,QUI="}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"data:;a=\\"\\\\;base64,QUI="}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"QUJD\\""}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"QU\nJD"}', sizes=[1], piece=6)
@example(body=b'{"base64Data":"QU\\u00"}', sizes=[1], piece=6)
def test_a_broken_body_is_refused_and_the_diagnosis_does_not_depend_on_the_chunks(
    body: bytes, sizes: list[int], piece: int
) -> None:
    expected = straightforward(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonbody, "PIECE", piece)
        found = verdict(body, sizes)
    assert found == verdict(body)
    if isinstance(expected, str):
        assert found[0] in {"malformed-body", "invalid-base64"}
        assert found[1].isascii()
    else:
        assert found == expected


@given(text=st.text("ABCQUw+/=-_ \n\té:,;", max_size=14), sizes=sizes_of_chunks)
def test_any_text_is_accepted_and_refused_as_by_a_strict_decoder(
    text: str, sizes: list[int]
) -> None:
    body = json.dumps({NAME: text}, ensure_ascii=False).encode()
    expected, found = straightforward(body), verdict(body, sizes)
    assert (found[0] if isinstance(expected, str) else found) == expected


@given(
    header=st.text("ab/;=,: é\n", max_size=8), end=st.sampled_from([";base64,", "base64,", ",", ""])
)
def test_any_header_is_accepted_and_refused_as_by_its_grammar(header: str, end: str) -> None:
    body = json.dumps({NAME: f"data:{header}{end}QUI="}).encode()
    expected, found = straightforward(body), verdict(body)
    assert (found[0] if isinstance(expected, str) else found) == expected


def test_the_documented_body_is_parsed_and_decoded() -> None:
    text = "data:image/png;base64,iVBORw0KGgo="
    body = json.dumps({NAME: text, "uploadPath": "a/b", "fileName": None}).encode()
    assert parse(body) == (
        {NAME: EncodedText(len(text), "image/png"), "uploadPath": "a/b", "fileName": None},
        b"\x89PNG\r\n\x1a\n",
    )


def test_decoded_bytes_become_available_with_the_chunk_that_completes_them() -> None:
    parser = JsonBodyParser(NAME, limit=LIMIT)
    fed = [b"".join(parser.feed(chunk)) for chunk in (b'{"base64Data":"QUJDR', b"EVGR0hJ", b'"}')]
    assert fed == [b"ABC", b"DEFGHI", b""]


def test_64_mib_of_base64_are_decoded_in_less_than_2_mib_of_memory() -> None:
    chunk, count, size = b"QUJD" * (16 * 1_024), 1_024, 0
    parser = JsonBodyParser(NAME, limit=LIMIT)
    tracemalloc.start()
    try:
        parser.feed(b'{"base64Data":"A')
        for _ in range(count):
            size += sum(map(len, parser.feed(chunk)))
        size += sum(map(len, parser.feed(b'AA="}')))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert parser.close() == {NAME: EncodedText(count * len(chunk) + 4, None)}
    assert size == count * len(chunk) // 4 * 3 + 2
    assert peak < 2 * 1_024 * 1_024


def test_escapes_and_line_breaks_take_constant_memory() -> None:
    chunk = b"QUJ\\u0044\\n\\/\\/\\/\\/" * (4 * 1_024)
    parser = JsonBodyParser(NAME, limit=LIMIT)
    tracemalloc.start()
    try:
        parser.feed(b'{"base64Data":"')
        for _ in range(64):
            parser.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * 1_024 * 1_024  # of 5 MiB


def test_a_name_written_with_escapes_is_the_same_name() -> None:
    value, decoded = parse(rb'{"base64\u0044ata":"QUI="}')
    assert (value, decoded) == ({NAME: EncodedText(4, None)}, b"AB")


def test_a_name_that_holds_its_own_escape_is_another_name() -> None:
    assert parse(rb'{"base64\\u0044ata":"QUI="}') == ({r"base64\u0044ata": "QUI="}, b"")


@pytest.mark.parametrize("value", [None, 5, True, {NAME: "-"}, [NAME, "-"], [{NAME: "-"}]])
def test_a_value_that_is_no_string_stays_itself(value: Any) -> None:
    assert parse(json.dumps({NAME: value, "a": 1}).encode()) == ({NAME: value, "a": 1}, b"")


def test_members_of_nested_objects_are_not_streamed() -> None:
    body = {"a": {NAME: "-"}, "b": [{NAME: "-"}], NAME: "QUI=", "c": NAME}
    expected = {**body, NAME: EncodedText(4, None)}
    assert parse(json.dumps(body).encode()) == (expected, b"AB")


def test_without_a_streamed_member_every_string_is_kept() -> None:
    body = b'{"base64Data":"-","":"QUI="}'
    assert parse(body, streamed=None) == ({NAME: "-", "": "QUI="}, b"")


def test_the_streamed_member_may_have_the_empty_name() -> None:
    assert parse(b'{"":"QUI="}', streamed="") == ({"": EncodedText(4, None)}, b"AB")


def test_the_last_of_other_members_given_twice_wins() -> None:
    assert parse(b'{"a":1,"a":2}') == ({"a": 2}, b"")


@pytest.mark.parametrize(
    "body",
    [
        '{"base64Data":"QQ==","base64Data":"QQ=="}',
        '{"base64Data":5,"base64Data":"QQ=="}',
        '{"base64Data":"QQ==","base64\\u0044ata":null}',
    ],
)
def test_the_streamed_member_given_twice_is_refused(body: str) -> None:
    problem = refused(body)
    assert problem.name == "malformed-body"
    assert "base64Data is given twice" in problem.why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty: send a JSON object"),
        (b" \n", "it is empty: send a JSON object"),
        (b'["base64Data","QQ=="]', 'not an object: \'["base64Data","QQ=="\' stands there'),
        (b'"base64Data"', "not an object"),
        (b"5", "not an object: '5' stands there"),
        (b"null", "not an object"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8, at byte 0"),
        (b'{"a":"\xff"}', "not UTF-8, at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8, at byte 6"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":"\x00"}', "control character"),
        (b'{"a":1}\x00', "at byte 7"),
        (b'{"a":1', "unexpected end of data, at byte 6: the body ends there"),
        (b'{"a":"\\u12', "unexpected end"),
        (b'{"a":"b\\', "unexpected end"),
        (b'{"a":1} {"base64Data":"QQ=="}', "at byte 8"),
        (b'{"base64Data":"QUJD', "ends at byte 19, inside base64Data"),
        (b'{"base64Data":"QUJD\\u00', "ends at byte 23, inside base64Data"),
        (b'{"base64Data":"QU\nJD"}', "byte 17 is a control character, inside base64Data"),
        (b'{"base64Data":"QU\\xJD"}', "byte 17 is an unknown escape, inside base64Data"),
        (b'{"base64Data":"QU\\u00"}', "byte 17 is an unknown escape, inside base64Data"),
        (b'{"base64Data":"data:\\x', "byte 20 is an unknown escape, inside base64Data"),
        (b'{"base64Data":5"QUJD"}', "at byte 15"),
        (b'{"base64Data":"QUJD" "QUJD"}', "at byte 21"),
    ],
)
def test_what_is_not_a_json_object_is_refused_with_what_and_where(body: bytes, why: str) -> None:
    problem = refused(body)
    assert problem.name == "malformed-body"
    assert why in problem.why


def test_an_error_behind_the_streamed_text_is_placed_in_the_whole_body() -> None:
    body = '{"é":"é","base64Data":"' + "QUJD" * 99 + '","é":"é",}'
    with pytest.raises(orjson.JSONDecodeError) as whole:
        orjson.loads(body)
    assert f"at byte {len(body[: whole.value.pos].encode())}: " in refused(body).why


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"base64Data":[', b'{"base64Data":'])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    for body in (opening * 3_000, opening * 100_000):
        with pytest.raises(Problem) as caught:
            parse(body, limit=10_000_000)
        assert caught.value.name == "malformed-body"


def test_the_limit_counts_everything_but_the_streamed_text() -> None:
    body = b'{"base64Data":"' + b"QUJD" * 999 + b'","a":"b"}'
    rest = len(b'{"base64Data":"","a":"b"}')
    assert parse(body, limit=rest) == parse(body, [1], limit=rest)
    for sizes in ([1], [9], None):
        with pytest.raises(Problem, match=f"more than {rest - 1} bytes") as caught:
            parse(body, sizes, limit=rest - 1)
        assert caught.value.name == "malformed-body"


def test_a_body_over_the_limit_is_refused_as_soon_as_it_is_known() -> None:
    parser = JsonBodyParser(None, limit=10)
    parser.feed(b'{"a":"')
    with pytest.raises(Problem, match="it has more than 10 bytes"):
        parser.feed(b"aaaaa")


def test_a_mistake_in_the_text_is_refused_as_soon_as_it_is_known() -> None:
    parser = JsonBodyParser(NAME, limit=LIMIT)
    parser.feed(b'{"base64Data":"QUJDQ')
    with pytest.raises(Problem, match="character 6 is '_'"):
        parser.feed(b"U_")


@pytest.mark.parametrize("content", [b"", b"A", b"AB", b"ABC", b"ABCD"])
def test_every_remainder_of_three_bytes_is_decoded(content: bytes) -> None:
    text = base64.b64encode(content).decode()
    assert accepted_text(text) == (EncodedText(len(text), None), content)


@pytest.mark.parametrize("text", [" QUI=", "Q U\tI\r\n=", "QUI=\n \n", "QQ=\n=\n", "\n"])
def test_blanks_are_ignored_and_counted(text: str) -> None:
    encoded, _ = accepted_text(text)
    assert encoded.length == len(text)


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (rb"QUJD\/\u002B\u002f\u002b\nQUI\u003d", "QUJD/+/+\nQUI="),
        (rb"QUJDQ\/\/\/\r\nQ\/\/\/", "QUJDQ///\r\nQ///"),
        (rb"QUJDQ\u002B\u002B\u002B\n", "QUJDQ+++\n"),
        (rb"QUJDQ\u002b\u002b\u002b\n", "QUJDQ+++\n"),
        (rb"QUJDQ\/\n\/\n\u002B\n", "QUJDQ/\n/\n+\n"),
        (rb"QUJD\tQUI=\t", "QUJD\tQUI=\t"),
    ],
)
def test_escapes_in_the_text_stand_for_their_characters(escaped: bytes, plain: str) -> None:
    expected = accepted_text(plain)
    body = b'{"base64Data":"' + escaped + b'"}'
    for size in range(1, len(body) + 1):
        value, decoded = parse(body, [size])
        assert (value[NAME], decoded) == expected


def test_escapes_outside_of_the_text_may_be_cut_anywhere() -> None:
    body = rb'{"a\"":"\\","\\":"\\\"","b":"\u0022,\\","base64\u0044ata":"QUI=","c\\":"\"}"}'
    expected = orjson.loads(body) | {NAME: EncodedText(4, None)}
    for size in range(1, len(body) + 1):
        assert parse(body, [size]) == (expected, b"AB")


@pytest.mark.parametrize("text", ["d", "da", "DATA", "datA", "dataDATA", "datadata"])
def test_a_text_that_only_starts_like_a_data_url_is_base64(text: str) -> None:
    if len(text) % 4:
        assert "inside a group of four" in refused_text(text)
    else:
        assert accepted_text(text)[1] == base64.b64decode(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("QUJDQUJDQUJDQUJDQ-JD", "character 17 is '-': url-safe base64 is not accepted, use + and"),
        ("QUJDQ_==", "character 5 is '_': url-safe base64 is not accepted, use + and /"),
        ("QUJD\r\n-", "character 6 is '-'"),
        ("QUJD\n\n!UJD", "character 6 is '!', which is not base64"),
        ("QUJD\0UJD", "character 4 is '\\x00', which is not base64"),
        ("QU\\n/JD", "character 2 is '\\\\', which is not base64"),
        ("QU\\/nJD", "character 2 is '\\\\', which is not base64"),
        ("QU\\u002BJD", "character 2 is '\\\\', which is not base64"),
        ("QU\\nu002BJD", "character 2 is '\\\\', which is not base64"),
        ("QU\\nrJD", "character 2 is '\\\\', which is not base64"),
        ("QUJD\\", "character 4 is '\\\\', which is not base64"),
        ('QUJD"', "character 4 is '\"', which is not base64"),
        ("QUJD\f", "character 4 is '\\x0c', which is not base64"),
        ("QUéD", "character 2 is not ASCII, which is not base64"),
        ("QU\ud83dD", "character 2 is not ASCII, which is not base64"),
        ("QQ", 'ends after 2 characters inside a group of four: add "=="'),
        ("QUJDQUI", 'ends after 7 characters inside a group of four: add "="'),
        ("QQ=", 'ends after 3 characters inside a group of four: add "="'),
        ("QUJDQ", "one character is left over"),
        ("Q===", 'character 1 is "=", padding: a character is missing before it'),
        ("====", 'character 0 is "=", padding: no group is open, remove it'),
        ("QUJD=", 'character 4 is "=", padding: no group is open, remove it'),
        ("QQ===", 'character 4 is "=", surplus padding: remove it'),
        ("QUI==", 'character 4 is "=", surplus padding: remove it'),
        ("QQ==QQ==", "character 4 is 'Q', behind the padding"),
        ("QQ=Q", "character 3 is 'Q', behind the padding"),
        ("QQ==\n-", "character 5 is '-', behind the padding"),
        ("QQ==é", "character 4 is not ASCII, behind the padding"),
        ("QR==", 'padded at character 2 is "QR==", its unused bits are not zero: '),
        ("QUJDQUJ=", 'padded at character 7 is "QUJ=", its unused bits are not zero: '),
    ],
)
def test_what_is_not_base64_is_refused_with_the_position_and_the_remedy(
    text: str, why: str
) -> None:
    assert why in refused_text(text)


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("data:image/png;base64,", "image/png"),
        ("DATA:Image/SVG+xml;BASE64,", "image/svg+xml"),
        ("data:text/plain;charset=utf-8;a=b c;base64,", "text/plain"),
        ("data:;base64,", None),
        ("data:;charset=x;base64,", None),
    ],
)
def test_a_data_url_tells_its_media_type(header: str, media_type: str | None) -> None:
    for data, decoded in (("QUI=", b"AB"), ("", b"")):
        length = len(header) + len(data)
        assert accepted_text(header + data) == (EncodedText(length, media_type), decoded)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("data:image/png,QUI=", 'character 14, does not follow ";base64"'),
        ("data:,QUI=", 'character 5, does not follow ";base64"'),
        ("data:image/png;base64;a=b,QUI=", 'does not follow ";base64"'),
        ("data:image;base64,QUI=", "does not follow data:[<type>/<subtype>]"),
        ("data:image/png;a;base64,QUI=", "does not follow data:[<type>/<subtype>]"),
        ("data:é/png;base64,QUI=", "does not follow data:[<type>/<subtype>]"),
        ("data:\nimage/png;base64,QUI=", "does not follow data:[<type>/<subtype>]"),
        ("data:image/png;base64", "the data: URL has no comma"),
        ("data:", "the data: URL has no comma"),
        ("data:image/png;base64,QU-=", "character 24 is '-'"),
        (" data:image/png;base64,QUI=", "character 5 is ':'"),
    ],
)
def test_a_data_url_of_another_form_is_refused(text: str, why: str) -> None:
    assert why in refused_text(text)


def test_a_header_may_have_1024_characters_and_no_more() -> None:
    fixed = len("data:;a=;base64,")
    assert accepted_text(f"data:;a={'b' * (1_024 - fixed)};base64,QUI=")[1] == b"AB"
    longer = f"data:;a={'b' * (1_025 - fixed)};base64,QUI="
    assert "no comma in its first 1024 characters" in refused_text(longer)


def test_a_header_without_end_is_refused_as_soon_as_it_is_too_long() -> None:
    parser = JsonBodyParser(NAME, limit=LIMIT)
    parser.feed(b'{"base64Data":"data:' + b"a" * 1_018)
    with pytest.raises(Problem, match="1024"):
        parser.feed(b"a")
