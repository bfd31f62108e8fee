"""What cannot be seen is taken out of every text that people write, in one place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any
from unicodedata import category

import pytest
from pydantic import BaseModel, TypeAdapter

from instroom_contracts import fields, visible
from instroom_contracts.fields import ACCEPTED_BEFORE, Email, Line, Link, ShortAskedLine, ShortText, Text
from instroom_contracts.intake import Participant
from instroom_contracts.notification import Recipient
from instroom_contracts.topology import TYPES
from tests.unit.contracts.builders import envelope, participant, pointers, read, request

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u180e\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\u3164\ufe0f\ufeff\ufff9\U000e0041"
)
HIDING = ("a\u202eb", "a\u202e@example.org", "https://example.org/\u202e")
PERSIAN, HINDI = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "क्\u200dष"


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize(
    ("kind", "text"),
    [(Line, "Ro{}bin"), (ShortAskedLine, "{}a"), (Text, "een\ntwee{}"), (ShortText, "{}vegan"),
     (Email, "ro{}bin@example.org"), (Link, "https://meet.example.org/a{}")],
)  # fmt: skip
def test_what_cannot_be_seen_is_taken_out_of_every_kind_of_text(kind: Any, text: str, unseen: str) -> None:
    """It turns the reading order around, hides addresses, and makes two names of one; who sends it seldom knows."""
    assert TypeAdapter(kind).validate_python(text.format(unseen), strict=True) == text.format("")


def test_without_it_what_cannot_be_seen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: nothing else would take it out."""
    monkeypatch.setattr(fields, "visible", lambda text: text)
    assert TypeAdapter[str](Line).validate_python("Robin\u202enesnaJ") == "Robin\u202enesnaJ"


CLEANED = {fields._LINE, fields._TEXT, fields._EMAIL, fields._LINK}
LOOSE = (
    "AnswerRequested/properties/requestId",  # the id of an event is an identifier, told apart by every octet
    "/$defs/Problem/properties/detail",  # our own words
    "/$defs/Problem/properties/pointer",
)


@pytest.mark.parametrize("model", [listed.model for listed in TYPES.values()])
def test_every_text_that_people_write_is_of_such_a_kind(model: type[BaseModel]) -> None:
    """A field of plain text would be a way around."""
    loose = {at for at, pattern in texts_in(model.model_json_schema(), model.__name__) if pattern not in CLEANED}
    assert [at for at in loose if not at.endswith(LOOSE)] == []


def texts_in(schema: Any, at: str) -> Iterator[tuple[str, str]]:
    """Yield where a schema takes texts that may hold what cannot be seen, each with its pattern."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if not isinstance(schema, dict):
        return
    pattern = schema.get("pattern", "")
    told = {"enum", "const", "format"} & schema.keys()
    if schema.get("type") == "string" and not told and any(re.search(pattern, text) for text in HIDING):
        yield at, pattern
    for name, part in schema.items():
        yield from texts_in(part, f"{at}/{name}")


@pytest.mark.parametrize("text", [PERSIAN, HINDI])
def test_a_joiner_stays_where_the_script_asks_for_it(text: str) -> None:
    """Without it a Persian or Hindi name is misspelt."""
    assert visible.visible(text) == text


def test_a_joiner_between_other_letters_is_taken_out() -> None:
    """There it can only hide something."""
    assert visible.visible("evil\u200c.exam\u200dple") == "evil.example"


def test_a_joiner_beside_what_unicode_does_not_know_is_taken_out() -> None:
    """Nobody can say that it is needed there."""
    assert visible.visible("\u0378\u200c\u0628") == "\u0378\u0628"


def test_a_text_of_nothing_but_joiners_costs_no_more_than_others() -> None:
    """Each looks at its nearest neighbours only; all of them at all others would be some million steps."""
    assert visible.visible("\u0640" + "\u200c" * 3999) == "\u0640"


def test_line_ends_beyond_ascii_become_one_that_everybody_knows() -> None:
    """Some programs break lines at them and others do not; a terminal acts on the controls of ISO 6429."""
    text = TypeAdapter[str](Text).validate_python("een\u2028twee\u0085drie\u009b31m")
    assert text == "een\ntwee\ndrie31m"


def test_every_format_character_that_has_no_shape_is_known() -> None:
    """Unicode's own category is the check of the list: what is left of it is seen, as signs before a number are."""
    left = [chr(code) for code in range(sys.maxunicode) if category(chr(code)) == "Cf" and visible.visible(chr(code))]
    assert {ascii(one) for one in left} <= SEEN


SEEN = {ascii(chr(code)) for first, last in (
    (0x600, 0x605), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x110BD, 0x110BD),
    (0x110CD, 0x110CD), (0x13430, 0x1343F),
) for code in range(first, last + 1)}  # fmt: skip
"""Signs of Arabic, Syriac and Kaithi that enclose or precede a number, and those that join Egyptian hieroglyphs."""


@pytest.mark.parametrize("name", ["name", "organisation", "region", "reference"])
def test_a_text_of_which_nothing_is_left_is_refused_like_a_blank_one(name: str) -> None:
    """The field and its rule are told, as for any other."""
    assert pointers(envelope(data=request(participant=participant(**{name: "\u200b\u2060"})))) == [
        f"/data/participant/{name}"
    ]


def test_a_request_is_read_as_it_is_seen() -> None:
    """Names, answers and their questions alike."""
    asked = request(participant=participant(name="Ro\u200bbin\ufeff"), answers={"ca\u00adsus": "ja\u200e"})
    data = read(envelope(data=asked)).data
    assert data.participant.name == "Robin"
    assert data.answers == {"casus": "ja"}


def test_an_address_needs_something_to_see_before_the_at() -> None:
    """What is left must still be an address."""
    assert pointers(envelope(data=request(participant=participant(email="\u200b@example.org")))) == [
        "/data/participant/email"
    ]


def test_what_was_accepted_before_is_read_still() -> None:
    """A name of which nothing is left may stand in a queue, or in an invitation that is to be withdrawn."""
    assert Recipient(name="\u200b", email="\u200b@example.org").name == "\u200b"
    assert Participant.model_validate(participant(name="\u200b"), context=ACCEPTED_BEFORE).name == "\u200b"


@pytest.mark.parametrize(("one", "other"), [("Súd  West", "Su\u0301d West"), (" a\u00a0b ", "a b"), ("a\u200bb", "ab")])
def test_two_spellings_of_one_text_have_one_plain_form(one: str, other: str) -> None:
    """Composed, with single spaces, and nothing that cannot be seen."""
    assert visible.plain(one) == visible.plain(other)
