"""Taking in an edition."""

from __future__ import annotations

from datetime import timedelta

import pytest

from instroom_contracts.enrolment import (
    EnrolmentConfirmed,
    EnrolmentQueued,
    PlaceConfirmed,
    SessionFull,
    SessionReopened,
)
from services.enrolment.domain.seats import Pool
from services.enrolment.storage.kinds import EDITIONS, POOLS
from tests.unit.enrolment.examples import EDITION, STARTS, Desk, all_of, choice, edition, one_of, session

NAMES = ("robin", "kim", "sam", "lou", "noa")


def pool(desk: Desk, id: str = "werksessie") -> Pool:
    """Return the pool of a session."""
    return desk.memory.all(POOLS)[f"{EDITION}/{id}"]


def test_a_higher_version_replaces_a_lower_one_and_never_the_other_way() -> None:
    """Facts may arrive again and out of order."""
    desk = Desk(edition(version=2, title="Nieuw"))
    for version in (1, 2):
        assert not desk.publish(edition(version=version, title="Oud", state="cancelled"))
    assert desk.memory.all(EDITIONS)[EDITION].published.title == "Nieuw"


def test_more_seats_go_to_who_waits_first_and_then_reopen_the_session() -> None:
    """A bigger room helps the waiting list in its order."""
    desk = Desk(edition(session(capacity=1)))
    answers = [desk.ask(name=name) for name in NAMES[:3]]
    told = desk.publish(edition(session(capacity=4), version=2))
    assert [fact.enrolment_id for fact in all_of(told, PlaceConfirmed)] == [one.enrolment_id for one in answers[1:]]
    reopened = one_of(told, SessionReopened)
    assert (reopened.capacity, reopened.confirmed, reopened.queued) == (4, 3, 0)


def test_more_seats_help_nobody_once_the_session_has_begun() -> None:
    """Promise 3 holds for every event that frees a seat."""
    desk = Desk(edition(session(capacity=0)))
    desk.ask()
    assert not desk.publish(edition(session(capacity=5), version=2), at=STARTS + timedelta(minutes=1))
    assert pool(desk).free == 5


def test_fewer_seats_take_no_place_away_and_none_is_given_until_there_is_room() -> None:
    """A smaller room is the provider's problem, never that of who was told "confirmed"."""
    desk = Desk(edition(session(capacity=3)))
    seated = [desk.ask(name=name) for name in NAMES[:3]]
    desk.publish(edition(session(capacity=1), version=2))
    assert (pool(desk).capacity, pool(desk).limit, pool(desk).taken) == (1, 3, 3)
    assert isinstance(desk.ask(name="lou"), EnrolmentQueued)
    for left, answer in ((2, seated[0]), (1, seated[1])):
        assert not all_of(desk.cancel(answer.enrolment_id), PlaceConfirmed)
        assert (pool(desk).limit, pool(desk).taken) == (left, left)
    assert all_of(desk.cancel(seated[2].enrolment_id), PlaceConfirmed)


def test_a_reduction_to_what_is_taken_fills_the_session() -> None:
    """A website must stop offering it, though nobody enrolled."""
    desk = Desk(edition(session(capacity=3)))
    desk.ask()
    full = one_of(desk.publish(edition(session(capacity=1), version=2)), SessionFull)
    assert (full.capacity, full.confirmed, full.session_version) == (1, 1, 2)


def test_a_limit_may_be_lifted_and_set_again() -> None:
    """No limit is a capacity like any other."""
    desk = Desk(edition(session(capacity=0)))
    desk.ask(name="robin")
    told = desk.publish(edition(session(capacity=None), version=2))
    assert all_of(told, PlaceConfirmed)
    assert isinstance(desk.ask(name="kim"), EnrolmentConfirmed)
    desk.publish(edition(session(capacity=1), version=3))
    assert (pool(desk).limit, pool(desk).taken) == (2, 2)


def test_a_session_that_is_added_later_has_its_seats() -> None:
    """A second date for a popular session."""
    desk = Desk(edition(session()))
    desk.publish(edition(session(), choice("extra", capacity=1), version=2))
    assert pool(desk, "extra").free == 1
    assert isinstance(desk.ask("extra"), EnrolmentConfirmed)


def test_a_date_that_moves_lets_the_waiting_list_move() -> None:
    """A seat freed after the old start is of use again before the new one."""
    desk = Desk(edition(session(capacity=1)))
    seated, waiting = desk.ask(name="robin"), desk.ask(name="kim")
    after = STARTS + timedelta(days=1)
    desk.cancel(seated.enrolment_id, at=after)
    told = desk.publish(edition(session(capacity=1, starts_at=after + timedelta(days=7)), version=2), at=after)
    assert one_of(told, PlaceConfirmed).enrolment_id == waiting.enrolment_id


def test_a_pool_whose_limit_ignores_what_is_taken_would_break_its_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: with the limit set to the bare capacity, a reduction leaves more taken than allowed."""
    bare = lambda pool: Pool(pool.id, pool.capacity, pool.capacity, pool.taken, pool.last, pool.waiting, pool.sessions)  # noqa: E731
    monkeypatch.setattr(Pool, "capped", bare)
    desk = Desk(edition(session(capacity=3)))
    for name in NAMES[:3]:
        desk.ask(name=name)
    desk.publish(edition(session(capacity=1), version=2))
    assert pool(desk).taken > (pool(desk).limit or 0)
