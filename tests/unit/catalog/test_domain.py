"""What changes in the catalogue, and what is told of it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from instroom_contracts.catalog import (
    Edition,
    EditionCancelled,
    EditionPublished,
    EditionSubmitted,
    JoiningDetailsPublished,
    Session,
    SessionCancelled,
    SessionRescheduled,
)
from services.catalog.domain import MOST_SESSIONS, end_of, local, overcrowded, revise
from tests.unit.catalog.builders import LINK, entry, session, submitted

NEXT_DAY = date(2021, 5, 26)
LATER: dict[str, Any] = {"starts_at": local(NEXT_DAY, time(14)), "ends_at": local(NEXT_DAY, time(15, 30))}


def test_a_new_edition_is_told_with_its_links() -> None:
    """The first load is what everything else is built on."""
    kept, facts = revise(None, submitted())
    link = JoiningDetailsPublished(edition_id="voorbeeld-2021", session_id="werksessie", version=1, join_url=LINK)
    assert facts == (kept.edition, link)
    assert kept.edition.version == 1


def year(number: int, sessions: int = 60) -> EditionSubmitted:
    """Build what is handed in in one of an edition's years, with sessions of its own."""
    return submitted(*(session(f"j{number}-{n}") for n in range(sessions)))


def test_an_edition_forgets_sessions_that_were_told_as_cancelled_where_it_has_no_room_for_them() -> None:
    """The 201st in its history made every later load fail: those that were cancelled first leave it first."""
    kept = None
    for number in range(5):
        kept, facts = revise(kept, year(number))
    assert kept is not None
    ids = [one.session_id for one in kept.edition.sessions]
    assert len(ids) == MOST_SESSIONS
    assert [id for id in ids if id.startswith("j3-")] == [f"j3-{n}" for n in range(60)], "told with this version"
    assert [id for id in ids if id.startswith("j0-")] == []
    assert len([fact for fact in facts if isinstance(fact, SessionCancelled)]) == 60
    assert revise(kept, year(4)) == (kept, ())


def test_no_session_leaves_an_edition_before_it_was_told_as_cancelled() -> None:
    """Who has a place there would not hear of it: 150 cannot be replaced by 150 in one step."""
    before = revise(None, year(0, 150))[0]
    assert overcrowded(before, year(1, 150)) == 300
    assert overcrowded(before, year(1, 50)) == 0
    assert overcrowded(None, year(1, 200)) == 0


def test_the_most_sessions_are_those_of_the_contract() -> None:
    """One more would be refused by whoever reads the fact."""
    assert Edition.model_json_schema()["properties"]["sessions"]["maxItems"] == MOST_SESSIONS


def test_an_unchanged_edition_tells_nothing() -> None:
    """Loading again, as every start does, must not wake anybody."""
    before = entry()
    assert revise(before, submitted()) == (before, ())


def test_the_same_instant_with_another_offset_is_no_change() -> None:
    """A file may write its times in UTC without anybody being mailed about it."""
    start, end = datetime(2021, 5, 25, 12, tzinfo=UTC), datetime(2021, 5, 25, 13, 30, tzinfo=UTC)
    assert revise(entry(), submitted(session(starts_at=start, ends_at=end)))[1] == ()


def test_a_changed_text_makes_a_new_version_and_nothing_else() -> None:
    """Readers of facts see it in the edition; nobody is rescheduled for a corrected title."""
    kept, facts = revise(entry(), submitted(title="Een beter voorbeeld"))
    assert facts == (kept.edition,)
    assert (kept.edition.version, kept.edition.title) == (2, "Een beter voorbeeld")


def test_a_changed_link_tells_the_link_alone() -> None:
    """The link is private: the public edition is as it was, and its version too."""
    kept, facts = revise(entry(), submitted(link="https://meet.example.org/anders"))
    assert [type(fact) for fact in facts] == [JoiningDetailsPublished]
    assert (kept.edition.version, kept.joining[0].version) == (1, 2)


def test_a_withdrawn_link_is_told_once() -> None:
    """Nobody may go on being mailed a link that is no longer there."""
    kept, facts = revise(entry(), submitted(link=None))
    assert facts == kept.joining
    assert kept.joining[0].join_url is None
    assert revise(kept, submitted(link=None)) == (kept, ())


def test_another_time_reschedules_the_session() -> None:
    """Integrators learn the old and the new time from one fact."""
    kept, facts = revise(entry(), submitted(session(**LATER)))
    assert facts[0] == kept.edition
    assert kept.edition.version == 2
    told = facts[1]
    assert isinstance(told, SessionRescheduled)
    assert (told.version, told.new_starts_at) == (2, LATER["starts_at"])
    assert told.old_starts_at == LATER["starts_at"] - timedelta(days=1)


def test_a_first_date_reschedules_from_no_date() -> None:
    """Invitations wait for the date of a session such as the start of source 000."""
    before = entry(session(starts_at=None, ends_at=None))
    told = revise(before, submitted())[1][1]
    assert isinstance(told, SessionRescheduled)
    assert told.old_starts_at is None


@pytest.mark.parametrize("sessions", [(session("slot"),), (session("slot"), session(state="cancelled"))])
def test_a_session_that_is_gone_or_cancelled_stays_as_cancelled(sessions: tuple[Session, ...]) -> None:
    """Whoever holds a place in it must be able to look up what they held."""
    before = entry(session("slot"), session())
    kept, facts = revise(before, submitted(*sessions))
    assert [type(fact) for fact in facts] == [EditionPublished, SessionCancelled]
    assert [part.state for part in kept.edition.sessions] == ["planned", "cancelled"]
    assert revise(kept, submitted(session("slot"))) == (kept, ())


def test_a_cancelled_session_that_returns_is_planned_again() -> None:
    """A mistake in a file can be put right."""
    gone, _ = revise(entry(session("slot"), session()), submitted(session("slot")))
    kept, facts = revise(gone, submitted(session("slot"), session()))
    assert facts == (kept.edition,)
    assert kept.edition.version == 3
    assert {part.state for part in kept.edition.sessions} == {"planned"}


def test_a_cancelled_edition_is_told_as_one() -> None:
    """One fact for all its sessions: none of them takes place."""
    facts = revise(entry(), submitted(state="cancelled"))[1]
    assert [type(fact) for fact in facts] == [EditionPublished, EditionCancelled]


@pytest.mark.parametrize(("day", "offset"), [(date(2024, 3, 28), 1), (date(2024, 4, 18), 2), (date(2021, 10, 31), 1)])
def test_an_hour_has_the_offset_of_its_season(day: date, offset: int) -> None:
    """Berenschot's rounds begin at noon on both sides of the clock change; noon stays noon."""
    noon = local(day, time(12))
    assert noon.utcoffset() == timedelta(hours=offset)
    assert noon.isoformat() == f"{day}T12:00:00+0{offset}:00"


def test_an_hour_that_the_clock_skips_is_refused() -> None:
    """There is no 02:30 in the night in which summer time begins."""
    with pytest.raises(ValueError, match=r"skips 02:30 on 2024-03-31"):
        local(date(2024, 3, 31), time(2, 30))


def test_an_hour_that_occurs_twice_is_the_first() -> None:
    """Somebody who comes early finds the door open; who comes late does not."""
    assert local(date(2024, 10, 27), time(2, 30)).utcoffset() == timedelta(hours=2)


def test_a_day_ends_with_its_last_millisecond() -> None:
    """Deadlines run through the end of the day, also on 29 February of a leap year."""
    assert end_of(date(2024, 2, 29)).isoformat(timespec="milliseconds") == "2024-02-29T23:59:59.999+01:00"
