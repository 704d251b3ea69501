"""The patterns of a document: what they mean, and that none of them holds the mock up."""

from __future__ import annotations

import subprocess
import sys

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockkie.document import Document
from mockkie.patterns import TOO_MANY_TRIES, Options, Validator, ending
from mockkie.schemas import Schemas

LINEAR = (r"^a+$", r"a{2}", r"^(a+)+$", r"^[a-b]*b\d?$", r"^\S+$")
TRYING = (r"^(?!b)a*b?$", r"(?<=a)b", r"^(a|b)\1$", r"^(?=.*a)(?=.*b).+$", r"(?!x)(a+)+$")
HANG = """
import sys
from tests.test_patterns import validator
text = "a" * 1_000_000 + "!"
values = {"text": text, "name": {text: 1}, "many": [text[:50_000] + "!"] * 20}
errors = list(validator(sys.argv[1], sys.argv[2]).iter_errors(values[sys.argv[2]]))
sys.exit(3 if errors else 4)
"""


def validator(pattern: str, where: str = "text") -> Validator:
    text: dict[str, object] = {"type": "string", "pattern": pattern}
    schemas: dict[str, dict[str, object]] = {
        "text": text,
        "name": {"propertyNames": text},
        "many": {"items": text},
    }

    def make(options: Options) -> jsonschema_rs.Validator:
        return jsonschema_rs.validator_for(schemas[where], pattern_options=options)

    return ending(make)


@pytest.mark.parametrize("pattern", [*LINEAR, *TRYING])
@given(text=st.text("ab1 !", max_size=30))
def test_a_pattern_means_what_it_always_did(pattern: str, text: str) -> None:
    plain = jsonschema_rs.validator_for({"type": "string", "pattern": pattern})
    ours = validator(pattern)
    assert ours.is_valid(text) == plain.is_valid(text)
    assert [one.message for one in ours.iter_errors(text)] == [
        one.message for one in plain.iter_errors(text)
    ]


@pytest.mark.parametrize("size", [10, 100, 101, 1_000, 50_000, 1_000_000])
def test_what_is_asked_of_texts_in_earnest_is_judged_at_any_length(size: int) -> None:
    """That it is not blank, does not begin with something, ends somehow."""
    text = "word " * (size // 5) + "end."
    for pattern in (r"^(?!\s*$)[\s\S]+", r"^(?!data:).", r"^(?=.*word)[\s\S]*\.$"):
        assert validator(pattern).is_valid(text)
    assert not validator(r"^(?!word)").is_valid(text)
    assert not validator(r"^(?!\s*$)[\s\S]+").is_valid(" " * size)


@pytest.mark.parametrize("where", ["text", "name", "many"])
@pytest.mark.parametrize(
    "pattern", [r"(?!x)(a+)+$", r"(?=a)(a|a)*$", r"(.*)*\1x", r"(a*)*\1b", r"^(a+)+$"]
)
def test_none_goes_on_for_ever(pattern: str, where: str) -> None:
    done = subprocess.run([sys.executable, "-c", HANG, pattern, where], timeout=300, check=False)
    assert done.returncode == 3


def test_it_is_said_when_a_pattern_needs_too_many_tries() -> None:
    [error] = validator(r"(?!x)(a+)+$").iter_errors("a" * 50_000 + "!")
    assert error.message.startswith(TOO_MANY_TRIES)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        validator("(")


def test_a_document_says_where_such_a_pattern_is() -> None:
    text = f"""\
components:
  schemas:
    prompt:
      type: object
      properties:
        text: {{$ref: "#/components/schemas/text"}}
    text:
      type: string
      description: Letters.
      pattern: {TRYING[-1]}
"""
    document = Document(text, "a.yaml")
    schema = Schemas(document, document.root).at(("components", "schemas", "prompt"))
    [error] = schema.errors({"text": "a" * 50_000 + "!"})
    assert str(error) == (
        "text: a pattern needs too many tries for a text of this length (one without lookarounds "
        "and back references never does) (the contract says so at a.yaml:10:7)"
    )
    [error] = schema.errors({"text": "!"})
    assert "does not match: letters (the contract says so at a.yaml:10:7)" in str(error)
