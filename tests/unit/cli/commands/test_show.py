"""`instroom show`: all that an edition's page says, laid out for a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.commands.show import lines
from instroom_contracts.catalog import EditionPublished, Price
from instroom_contracts.schemas import sample
from services.catalog.programmes import load

PROGRAMMES = Path(__file__).parents[4] / "programmes"
EDITIONS = [EditionPublished(version=1, **dict(one.edition)) for one in load([PROGRAMMES])]
SAMPLE = EditionPublished.model_validate(json.loads(sample("nl.enrolments.edition-published.v1"))["data"])


def texts_in(value: Any) -> list[str]:
    """Return every text that people wrote for people, wherever it stands."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) and " " in value else []


@pytest.mark.parametrize("edition", [*EDITIONS, SAMPLE], ids=lambda edition: edition.edition_id)
def test_nothing_that_was_written_for_people_is_left_out(edition: EditionPublished) -> None:
    """A course desk answers the telephone with this."""
    shown = " ".join(" ".join(lines(edition, {})).split())
    assert [text for text in texts_in(edition.model_dump(mode="json")) if " ".join(text.split()) not in shown] == []


def test_an_edition_is_laid_out_as_a_person_reads_it() -> None:
    """Line by line: a row that goes is seen, also one of a word only."""
    shown = "\n".join(lines(SAMPLE, {})) + "\n"
    assert shown == Path(__file__).with_name("shown.txt").read_text(encoding="utf-8")


def test_a_cancelled_session_is_shown_with_its_date() -> None:
    """Whoever rings asks which evening."""
    off = SAMPLE.model_copy(update={"sessions": (SAMPLE.sessions[0].model_copy(update={"state": "cancelled"}),)})
    assert "  when       CANCELLED: Tuesday 25 May 2021, 14:00 - 15:30" in list(lines(off, {}))


def test_places_are_those_that_are_counted() -> None:
    """A session in which nobody enrolled has no count yet."""
    (edition,) = [one for one in EDITIONS if one.edition_id == "vng-participatieweek-2021-noord"]
    shown = [
        line for line in lines(edition, {"participatiebeleid": {"confirmed": 20, "queued": 2}}) if "places" in line
    ]
    assert [line for line in shown if "20 confirmed, 2 queued" in line]
    assert [line for line in shown if "0 confirmed, 0 queued" in line]


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (Price(kind="free"), "free"),
        (Price(kind="on-request"), "on request"),
        (Price(kind="unknown"), "not stated"),
        (Price(kind="amount", amount="10.00", currency="EUR", vat="included"), "10.00 EUR, with VAT"),
        (
            Price(kind="amount", amount="10.00", currency="EUR", vat="unknown"),
            "10.00 EUR, with or without VAT: not stated",
        ),
    ],
)
def test_a_price_is_said_in_words(price: Price, said: str) -> None:
    """Whether VAT comes on top is what people ask first."""
    assert f"  price      {said}" in list(lines(SAMPLE.model_copy(update={"price": price}), {}))
