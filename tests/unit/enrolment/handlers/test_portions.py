"""Long work in portions: lists that are served, requests that waited, and others who come in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chassis.due import DUE
from instroom_contracts import catalog
from instroom_contracts.enrolment import (
    EnrolmentConfirmed,
    EnrolmentQueued,
    EnrolmentRejected,
    PlaceConfirmed,
    SessionFull,
    SessionReopened,
)
from services.enrolment.domain import decision, places, promotion
from services.enrolment.handlers import decide_request, editions
from services.enrolment.handlers import parked as those_parked
from services.enrolment.storage.kinds import ENROLMENTS, PARKED, PARKINGS, POOLS
from services.enrolment.storage.parking import asked_in
from tests.unit.enrolment.examples import (
    ASKED,
    STARTS,
    Desk,
    all_of,
    choice,
    companion,
    edition,
    one_of,
    request,
    session,
)

NAMES = ("robin", "kim", "sam", "lou", "noa")


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a decision do very little at once."""
    monkeypatch.setattr(decision, "PORTION", 2)


def waiting() -> tuple[Desk, list[str]]:
    """Let five wait for a session, which then gets a room for six: two of them have their seats at once."""
    desk = Desk(edition(session(capacity=0)))
    ids = [desk.ask(name=name).enrolment_id for name in NAMES]
    return desk, ids


def test_a_bigger_room_is_given_away_in_portions_in_the_order_of_the_list() -> None:
    """Twenty thousand promotions are more than one commit can hold."""
    desk, ids = waiting()
    told = desk.publish(edition(session(capacity=6), version=2))
    assert [fact.enrolment_id for fact in all_of(told, PlaceConfirmed)] == ids[:2]
    assert [fact.enrolment_id for fact in all_of(desk.go_on(), PlaceConfirmed)] == ids[2:4]
    assert [fact.enrolment_id for fact in all_of(desk.finish(), PlaceConfirmed)] == ids[4:]


def test_that_it_has_seats_again_is_told_once_and_when_it_is_true_for_a_newcomer() -> None:
    """In between its free seats are spoken for."""
    desk, _ = waiting()
    told = desk.publish(edition(session(capacity=6), version=2)) + desk.go_on()
    assert not all_of(told, SessionReopened, SessionFull)
    assert one_of(desk.finish(), SessionReopened).confirmed == 5


def test_a_room_that_is_filled_in_portions_is_never_told_to_have_seats() -> None:
    """It was full before and is full after."""
    desk, _ = waiting()
    told = desk.publish(edition(session(capacity=5), version=2)) + desk.finish()
    assert not all_of(told, SessionReopened, SessionFull)


def newcomer_in_between(desk: Desk) -> object:
    """Ask for a seat while the waiting list is being served."""
    desk.publish(edition(session(capacity=6), version=2))
    return desk.ask(name="nieuw")


def test_a_newcomer_overtakes_nobody_while_the_list_is_served() -> None:
    """There are free seats, and they are for who waits; the newcomer's turn comes with the rest."""
    desk, _ = waiting()
    answer = newcomer_in_between(desk)
    assert isinstance(answer, EnrolmentQueued)
    told = all_of(desk.finish(), PlaceConfirmed)
    assert told[-1].enrolment_id == answer.enrolment_id
    assert {one.state for one in desk.memory.all(ENROLMENTS).values()} == {"confirmed"}


def test_without_looking_whether_the_list_is_behind_a_newcomer_overtakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin of the test above."""
    for where in (places, promotion):
        monkeypatch.setattr(where, "is_behind", lambda *_: False)
    desk, ids = waiting()
    monkeypatch.setattr(places, "serve", lambda *_: True)
    assert isinstance(newcomer_in_between(desk), EnrolmentConfirmed)
    assert desk.memory.all(ENROLMENTS)[ids[-1]].state == "queued"


def test_whoever_leaves_in_between_frees_a_seat_for_the_list() -> None:
    """The portions under way give it on; it is not lost, nor given twice."""
    desk, ids = waiting()
    desk.publish(edition(session(capacity=4), version=2))
    assert not all_of(desk.cancel(ids[0]), PlaceConfirmed)
    desk.finish()
    states = [desk.memory.all(ENROLMENTS)[id].state for id in ids]
    assert states == ["cancelled", "confirmed", "confirmed", "confirmed", "confirmed"]


def test_a_seat_that_came_free_after_the_start_is_given_to_nobody() -> None:
    """A portion is judged at the time of what freed its seats, the last of them."""
    desk, ids = waiting()
    desk.publish(edition(session(capacity=4), version=2))
    desk.cancel(ids[0], at=STARTS + timedelta(minutes=1))
    assert not all_of(desk.finish(), PlaceConfirmed)


def test_fewer_seats_after_all_end_the_work() -> None:
    """A portion gives what there is now."""
    desk, ids = waiting()
    desk.publish(edition(session(capacity=6), version=2))
    desk.publish(edition(session(capacity=3), version=3))
    desk.finish()
    assert [desk.memory.all(ENROLMENTS)[id].state for id in ids].count("confirmed") <= 4
    assert not desk.memory.all(DUE)


def test_a_session_that_is_cancelled_in_between_is_served_no_further() -> None:
    """And those who had their seats a moment ago give them up."""
    desk, _ = waiting()
    desk.publish(edition(session(capacity=6), version=2))
    desk.publish(edition(session(capacity=6, state="cancelled"), version=3))
    assert not all_of(desk.finish(), PlaceConfirmed)
    assert {one.state for one in desk.memory.all(ENROLMENTS).values()} == {"cancelled"}


def rooms(version: int, seats: int | None, pool: str | None = None, *, hall: int = 1) -> catalog.EditionPublished:
    """Build an edition of a session with so many seats, in its own room or another's, and of one in the hall."""
    there = choice("twee", capacity=hall, pool="zaal", companion="optional")
    return edition(choice("een", capacity=seats, pool=pool), there, version=version)


def test_a_session_that_moves_on_while_its_list_is_served_is_told_to_have_seats() -> None:
    """It was full when that was last told: what it had for a moment in between nobody has heard."""
    desk = Desk(rooms(1, 0))
    for name in NAMES[:3]:
        desk.ask("een", name=name)
    told = desk.publish(rooms(2, 4))
    assert not all_of(told, SessionReopened)
    told = desk.publish(rooms(3, 4, "foyer"))
    assert one_of(told, SessionReopened).session_id == "een"


def test_a_session_that_comes_while_a_list_is_served_is_told_to_have_seats() -> None:
    """Also where nobody is left on that list, who would have had it served further."""
    desk = Desk(rooms(1, 0))
    parties = [desk.ask("twee", name=name, companions=(companion(f"{name}-2", "twee"),)) for name in NAMES[:3]]
    desk.publish(rooms(2, 0, hall=9))
    for party in parties[1:]:
        desk.cancel(party.enrolment_id)
    told = desk.publish(rooms(3, 9, "zaal", hall=9)) + desk.finish()
    assert [fact.session_id for fact in all_of(told, SessionReopened)] == ["een"]


def test_a_session_that_has_a_limit_again_while_its_list_is_served_is_told_to_be_full() -> None:
    """The edition said in between that it had none."""
    desk = Desk(rooms(1, 0))
    for name in NAMES:
        desk.ask("een", name=name)
    desk.publish(rooms(2, None, "foyer"))
    told = desk.publish(rooms(3, 3, "foyer")) + desk.finish()
    assert one_of(told, SessionFull).session_id == "een"


def test_those_who_waited_for_an_edition_are_decided_in_portions_in_their_order() -> None:
    """A catalogue that comes up late may find thousands; whoever asks meanwhile lines up behind them."""
    desk = Desk()
    asked = [request(name=name) for name in NAMES]
    for one in asked:
        desk.tells(one)
    answers = (EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected)
    assert not all_of(desk.publish(edition(session(capacity=5))), *answers)
    told = desk.go_on()
    assert len(all_of(told, *answers)) == 2
    late = request(name="nieuw")
    assert not desk.told(late)
    told += desk.finish()
    assert [type(fact) for fact in all_of(told, *answers)] == [EnrolmentConfirmed] * 5 + [EnrolmentQueued]
    assert not desk.memory.all(PARKED)


def test_once_they_are_decided_requests_are_decided_at_once_again() -> None:
    """Nobody waits for what is over."""
    desk = Desk()
    for name in NAMES:
        desk.tells(request(name=name))
    desk.publish(edition())
    desk.finish()
    assert desk.told(request(name="nieuw", at=ASKED))


def test_a_portion_that_was_done_is_not_done_again() -> None:
    """A second process may ask for the same one at the same time."""
    desk, _ = waiting()
    desk.publish(edition(session(capacity=6), version=2))
    (left,) = desk.memory.all(DUE).values()
    assert len(all_of(desk.go_on(), PlaceConfirmed)) == 2
    assert desk.asked_to_go_on(left) == []


def failing(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have a defect show wherever somebody with one of these names asks for a place."""
    decide = decide_request.decided

    def defect(asked: Any, *others: Any) -> Any:
        told = decide(asked, *others)
        if asked.data.participant.name.lower() in names:
            raise ZeroDivisionError
        return told

    monkeypatch.setattr(those_parked, "decided", defect)


@pytest.fixture
def parked(monkeypatch: pytest.MonkeyPatch) -> tuple[Desk, list[Any]]:
    """Let five wait for an edition; on the second of them, deciding fails."""
    failing(monkeypatch, "kim")
    desk = Desk()
    asked = [request(name=name) for name in NAMES]
    for one in asked:
        desk.tells(one)
    return desk, asked


def test_a_request_that_fails_in_its_turn_holds_up_neither_the_edition_nor_who_is_behind_it(
    parked: tuple[Desk, list[Any]],
) -> None:
    """Else one would keep an edition from being taken in, and all who wait for it from an answer, for good."""
    desk, _ = parked
    told = desk.publish(edition(session(capacity=5))) + desk.finish()
    assert len(all_of(told, EnrolmentConfirmed)) == 4
    (pool,) = desk.memory.all(POOLS).values()
    assert pool.taken == 4, "what it changed before it failed is undone"
    assert desk.told(request(name="nieuw")), "who asks now is decided at once"


def test_without_setting_it_aside_nobody_behind_it_is_decided(
    parked: tuple[Desk, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin of the test above."""

    def as_if_alone(waiting: Any, edition: Any, documents: Any, _: Any, now: Any) -> Any:
        return those_parked._answered(asked_in(waiting), edition, documents, now)

    monkeypatch.setattr(editions, "decide_in_turn", as_if_alone)
    desk, _ = parked
    desk.publish(edition(session(capacity=5)))
    with pytest.raises(ZeroDivisionError):
        desk.finish()


def test_what_was_set_aside_is_decided_once_its_defect_is_mended(
    parked: tuple[Desk, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried alone, again and again."""
    desk, _ = parked
    desk.publish(edition(session(capacity=5)))
    desk.finish()
    with pytest.raises(ZeroDivisionError):
        desk.expire()
    monkeypatch.undo()
    assert next(type(tell.data) for tell in desk.expire()) is EnrolmentConfirmed
    assert not desk.memory.all(PARKED)
    assert not desk.memory.all(PARKINGS)
