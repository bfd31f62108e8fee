"""The digest tells a repeated message from an id that was used twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instroom_contracts.cloudevent import STRUCTURED, data_digest
from tests.unit.contracts.builders import envelope, request

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def of(text: str) -> str:
    """Return the digest of this data, sent alone."""
    return data_digest(text.encode(), content_type="application/json")


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ('{"a":1,"b":2}', '{"b": 2, "a": 1}'),
        ('{"a":"é"}', r'{"a":"\u00e9"}'),
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":100}', '{"a":1e2}'),
        ('{"a":0}', '{"a":-0.0}'),
    ],
)
def test_the_same_value_has_the_same_digest(one: str, same: str) -> None:
    """A sender that serialises again must not be taken for one that changed its mind."""
    assert of(one) == of(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [('{"a":1}', '{"a":true}'), ('{"a":1}', '{"a":"1"}'), ('{"a":null}', "{}"), ("[1,2]", "[2,1]"), ('"a"', '"A"')],
)
def test_another_value_has_another_digest(one: str, other: str) -> None:
    """Python takes 1 for true; JSON does not."""
    assert of(one) != of(other)


def test_only_the_data_counts_and_the_mode_does_not() -> None:
    """The same request sent again later, or in the other mode, is the same request."""
    structured = [data_digest(json.dumps(envelope(time=time)).encode(), content_type=STRUCTURED) for time in "ab"]
    assert {*structured, of(json.dumps(request()))} == {structured[0]}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 60_000, b"9" * 5_000, b"1" * 70_000])
def test_what_is_no_json_has_a_digest_too(body: bytes) -> None:
    """Invalid messages are repeated as well, and nothing may stop a consumer."""
    assert len(data_digest(body, content_type=STRUCTURED)) == 64


@given(VALUES)
def test_the_digest_is_of_the_value_not_of_its_text(value: Any) -> None:
    """Indentation, order and escapes are the serialiser's choice."""
    texts = (json.dumps(value), json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True))
    assert of(texts[0]) == of(texts[1])
