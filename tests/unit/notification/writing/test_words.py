"""Dates and labels in the words of a language."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from services.notification.writing import words
from services.notification.writing.words import TEMPLATES, languages, words_of

WINTER = datetime(2021, 3, 27, 12, 0, tzinfo=UTC)
SUMMER = datetime(2021, 3, 28, 11, 0, tzinfo=UTC)


def test_a_period_is_said_in_dutch() -> None:
    """As Dutch writes days and hours."""
    start = datetime(2021, 6, 8, 11, 0, tzinfo=UTC)
    said = words_of("nl").period(start, start + timedelta(hours=3, minutes=30))
    assert said == "dinsdag 8 juni 2021, 13.00 - 16.30 uur"


def test_a_period_is_said_in_english() -> None:
    """As English writes them."""
    start = datetime(2021, 6, 8, 11, 0, tzinfo=UTC)
    assert words_of("en").period(start, start + timedelta(hours=3)) == "Tuesday 8 June 2021, 13:00 - 16:00"


@pytest.mark.parametrize(
    ("at", "said"),
    [(WINTER, "zaterdag 27 maart 2021, 13.00 - 14.00 uur"), (SUMMER, "zondag 28 maart 2021, 13.00 - 14.00 uur")],
)
def test_hours_are_local_on_both_sides_of_the_clock_change(at: datetime, said: str) -> None:
    """A participant looks at the clock on the wall."""
    assert words_of("nl").period(at, at + timedelta(hours=1)) == said


def test_a_period_over_midnight_names_both_days() -> None:
    """A training of two days would otherwise seem to last some hours."""
    said = words_of("nl").period(SUMMER, SUMMER + timedelta(days=1))
    assert said == "zondag 28 maart 2021, 13.00 uur - maandag 29 maart 2021, 13.00 uur"


def test_a_date_that_is_not_known_follows() -> None:
    """The hours may be known already."""
    assert words_of("nl").period(None, None) == "datum volgt"
    assert words_of("nl").period(None, None, "17:00-24:00") == "datum volgt, 17.00 - 24.00 uur"
    assert words_of("en").period(None, None, "17:00-22:00") == "date to be announced, 17:00 - 22:00"


@pytest.mark.parametrize(("tag", "language"), [("en-GB", "en"), ("EN", "en"), ("fr", "nl"), (None, "nl")])
def test_an_unknown_language_is_answered_in_dutch(tag: str | None, language: str) -> None:
    """Every participant gets a mail."""
    assert words_of(tag).language == language


def test_words_are_kept_for_languages_that_there_are_words_for_only() -> None:
    """Anybody can make up language tags without end; each kept would never be given back."""
    for number in range(1000):
        assert words_of(f"xx-{number:08}").language == "nl"
    assert words._words.cache_info().currsize <= len(languages())


def test_every_language_has_the_same_words_and_templates() -> None:
    """A label that is missing would keep a mail from being sent."""
    assert languages() == {"nl", "en"}
    shapes = [
        (
            {name: sorted(part) for name, part in tomllib.loads((folder / "words.toml").read_text()).items()},
            sorted(path.name for path in folder.iterdir()),
        )
        for folder in (TEMPLATES / language for language in sorted(languages()))
    ]
    assert all(shape == shapes[0] for shape in shapes)
