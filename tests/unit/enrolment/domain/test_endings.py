"""Sessions and editions that do not take place, and those that do after all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chassis.due import DUE
from instroom_contracts import catalog
from instroom_contracts.enrolment import (
    EnrolmentCancelled,
    EnrolmentConfirmed,
    EnrolmentQueued,
    PlaceConfirmed,
    PlaceReleased,
    SessionFull,
    SessionReopened,
)
from instroom_contracts.notification import InvitationRequested, NoticeRequested
from services.enrolment.domain import decision, endings, promotion
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.storage.kinds import ENROLMENTS, PARTICIPANTS, POOLS, SESSIONS, WAITING
from tests.unit.enrolment.examples import (
    EDITION,
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


def off(one: catalog.Session) -> catalog.Session:
    """Return a session as it is once it is cancelled."""
    return one.model_copy(update={"state": "cancelled"})


START, WORKSHOP = session("start", capacity=5), choice("atelier", capacity=1)
BEFORE = edition(START, WORKSHOP)
WORKSHOP_OFF = edition(START, off(WORKSHOP), version=2)
START_OFF = edition(off(START), WORKSHOP, version=2)
ALL_OFF = edition(START, WORKSHOP, state="cancelled", version=2)


def test_every_place_in_a_cancelled_session_ends_those_that_wait_too() -> None:
    """Nobody holds a seat in, or waits for, what does not take place."""
    desk = Desk(BEFORE)
    first, second = desk.ask("atelier", name="robin"), desk.ask("atelier", name="kim")
    released = all_of(desk.publish(WORKSHOP_OFF), PlaceReleased)
    assert {(fact.enrolment_id, fact.session_id, fact.cause) for fact in released} == {
        (first.enrolment_id, "atelier", "session-cancelled"),
        (second.enrolment_id, "atelier", "session-cancelled"),
    }
    assert {fact.enrolment_state for fact in released} == {"confirmed"}
    pool, count = desk.memory.all(POOLS)[f"{EDITION}/atelier"], desk.memory.all(SESSIONS)[f"{EDITION}/atelier"]
    assert (pool.taken, pool.waiting, count.confirmed, count.queued) == (0, 0, 0, 0)
    assert not desk.memory.all(WAITING)


def test_an_enrolment_with_nothing_left_ends_and_frees_its_participant() -> None:
    """Kept as live it would lock its participant out of the session that comes in its place."""
    desk = Desk(edition(START))
    answer = desk.ask()
    told = desk.publish(edition(off(START), choice("anders"), version=2))
    ended = one_of(told, EnrolmentCancelled)
    assert (ended.enrolment_id, ended.session_ids, ended.cause) == (
        answer.enrolment_id,
        ("start",),
        "session-cancelled",
    )
    assert one_of(told, PlaceReleased).enrolment_state == "cancelled"
    assert not desk.memory.all(PARTICIPANTS)
    assert isinstance(desk.ask("anders"), EnrolmentConfirmed)


def test_an_enrolment_that_was_queued_for_that_session_alone_is_confirmed() -> None:
    """EnrolmentConfirmed is told once only; the released place says what the enrolment came to."""
    start = session("start", capacity=0)
    desk = Desk(edition(start, WORKSHOP))
    answer = desk.ask("atelier")
    assert isinstance(answer, EnrolmentQueued)
    told = desk.publish(edition(off(start), WORKSHOP, version=2))
    assert one_of(told, PlaceReleased).enrolment_state == "confirmed"
    assert not all_of(told, EnrolmentConfirmed, EnrolmentCancelled)
    assert desk.memory.all(ENROLMENTS)[answer.enrolment_id].state == "confirmed"


def test_a_cancelled_edition_ends_every_enrolment() -> None:
    """Its cause is the edition, and nobody has to sign off."""
    desk = Desk(BEFORE)
    ids = {desk.ask("atelier", name=name).enrolment_id for name in NAMES[:3]}
    told = desk.publish(ALL_OFF)
    assert {fact.enrolment_id for fact in all_of(told, EnrolmentCancelled)} == ids
    assert {fact.cause for fact in all_of(told, EnrolmentCancelled, PlaceReleased)} == {"edition-cancelled"}
    assert {one.state for one in desk.memory.all(ENROLMENTS).values()} == {"cancelled"}
    assert not desk.memory.all(PARTICIPANTS)


def test_seats_that_a_cancelled_session_shared_are_given_on_in_the_same_decision() -> None:
    """A room is free for the others who meet there."""
    here, there = session("hier", capacity=1, pool="zaal"), session("daar", capacity=1, pool="zaal")
    desk = Desk(edition(here), edition(there, edition_id="elders"))
    desk.ask()
    waiting = desk.ask(name="kim", edition_id="elders")
    assert isinstance(waiting, EnrolmentQueued)
    told = desk.publish(edition(off(here), state="cancelled", version=2))
    assert one_of(told, PlaceConfirmed).enrolment_id == waiting.enrolment_id


def test_who_wants_all_or_nothing_may_fit_once_one_session_less_is_wanted() -> None:
    """They waited for the seat that does not exist any more; those beside it were free all the time."""
    full = choice("vol", capacity=0)
    desk = Desk(edition(START, full))
    waiting = desk.ask("vol", all_or_nothing=True)
    told = desk.publish(edition(START, off(full), version=2))
    assert one_of(told, PlaceConfirmed).enrolment_id == waiting.enrolment_id


def test_who_waited_gets_one_mail_that_it_is_off_and_who_was_seated_a_withdrawal() -> None:
    """Those who waited heard nothing, and went on waiting."""
    desk = Desk(edition(session("een", capacity=1), session("twee", capacity=1)))
    seated, waiting = desk.ask(name="robin"), desk.ask(name="kim")
    told = desk.publish(edition(session("een", capacity=1), session("twee", capacity=1), state="cancelled", version=2))
    notice = one_of(told, NoticeRequested)
    assert (notice.kind, notice.enrolment_id) == ("waiting-list-ended", waiting.enrolment_id)
    assert [(one.session_id, one.position) for one in notice.sessions] == [("een", None), ("twee", None)]
    withdrawn = all_of(told, InvitationRequested)
    assert {(one.enrolment_id, one.method, one.cause) for one in withdrawn} == {
        (seated.enrolment_id, "CANCEL", "edition-cancelled")
    }


def test_nobody_is_mailed_that_what_has_begun_is_off() -> None:
    """A catalogue that is tidied years later must not write to anybody."""
    desk = Desk(edition(session(capacity=0)))
    desk.ask()
    told = desk.publish(edition(off(session(capacity=0)), version=2), at=STARTS + timedelta(days=300))
    assert all_of(told, EnrolmentCancelled)
    assert not all_of(told, NoticeRequested)


def test_a_party_leaves_together() -> None:
    """Half of a pair must not wait for a session that the other half has left."""
    duo = session("duo", capacity=1, companion="optional")
    desk = Desk(edition(duo))
    desk.ask(companions=(companion("kim", "duo"),))
    told = desk.publish(edition(off(duo), version=2))
    assert len(all_of(told, EnrolmentCancelled)) == 2
    assert not desk.memory.all(WAITING)


def test_reinstated_nobody_is_put_back_and_anybody_may_enrol_again() -> None:
    """Who was told that it is off made other plans."""
    desk = Desk(BEFORE)
    answer = desk.ask("atelier")
    desk.publish(START_OFF)
    told = desk.publish(edition(START, WORKSHOP, version=3))
    assert not all_of(told, PlaceConfirmed)
    kept = desk.memory.all(ENROLMENTS)[answer.enrolment_id]
    assert [place.state for place in kept.places] == ["released", "confirmed"]
    assert [place.state for place in desk.ask("atelier", name="kim").places] == ["confirmed", "queued"]


def test_a_cancelled_session_is_not_told_full_and_a_reinstated_one_says_how_it_stands() -> None:
    """Two sessions in one room: what fills the room concerns those that take place."""
    here, there = session("hier", capacity=1, pool="zaal"), choice("daar", capacity=1, pool="zaal")
    desk = Desk(edition(off(here), there))
    told = desk.publish(edition(off(here), there, version=2))
    desk.ask("daar")
    full = all_of(told, SessionFull)
    assert not full
    assert desk.memory.all(SESSIONS).keys() == {f"{EDITION}/daar"}
    told = desk.publish(edition(here, there, version=3))
    assert one_of(told, SessionFull).session_id == "hier"
    desk.publish(edition(off(here), there, version=4))
    desk.publish(edition(off(here), off(there), state="cancelled", version=5))
    told = desk.publish(edition(here, off(there), version=6))
    assert one_of(told, SessionReopened).session_id == "hier"


def test_what_a_cancelled_session_was_needed_for_can_be_chosen_without_it() -> None:
    """It blocked its successors: nobody could choose both any more, and nobody one alone."""
    evening = choice("avond")
    training = choice("training", prerequisite=catalog.Prerequisite(session_ids=("avond",)))
    desk = Desk(edition(evening, training))
    assert desk.ask("training").reason == "prerequisite-missing"
    desk.publish(edition(off(evening), training, version=2))
    assert isinstance(desk.ask("training"), EnrolmentConfirmed)


def test_a_session_that_is_left_out_ends_like_a_cancelled_one() -> None:
    """The catalogue keeps it as cancelled; another one may not."""
    desk = Desk(BEFORE)
    desk.ask("atelier")
    told = desk.publish(edition(START, version=2))
    assert one_of(told, PlaceReleased).session_id == "atelier"


def small_portions(monkeypatch: pytest.MonkeyPatch, most: int = 2) -> None:
    """Let a decision do very little at once."""
    monkeypatch.setattr(decision, "PORTION", most)


def test_many_places_end_in_portions_and_nothing_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of thousands is more than one commit can hold."""
    small_portions(monkeypatch)
    desk = Desk(BEFORE)
    ids = [desk.ask(name=name).enrolment_id for name in NAMES]
    first = desk.publish(ALL_OFF)
    assert len(all_of(first, EnrolmentCancelled)) == 2
    second = desk.go_on()
    assert len(all_of(second, EnrolmentCancelled)) == 2
    ended = [fact.enrolment_id for fact in all_of([*first, *second, *desk.finish()], EnrolmentCancelled)]
    assert sorted(ended) == sorted(ids)
    assert not desk.memory.all(DUE)


def test_a_session_reinstated_in_between_keeps_who_had_not_been_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portion judges the session as it is now, not as it was when the work began."""
    small_portions(monkeypatch)
    desk = Desk(BEFORE)
    for name in NAMES:
        desk.ask(name=name)
    desk.publish(ALL_OFF)
    desk.publish(edition(START, WORKSHOP, version=3))
    assert not all_of(desk.finish(), EnrolmentCancelled, PlaceReleased)
    assert sum(one.state == "confirmed" for one in desk.memory.all(ENROLMENTS).values()) == 3


def test_cancelled_again_the_rest_ends_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that was overtaken is taken up again by what overtakes it."""
    small_portions(monkeypatch)
    desk = Desk(BEFORE)
    for name in NAMES:
        desk.ask(name=name)
    for version, state in ((2, "cancelled"), (3, "open"), (4, "cancelled")):
        desk.publish(edition(START, WORKSHOP, state=state, version=version))
    desk.finish()
    assert {one.state for one in desk.memory.all(ENROLMENTS).values()} == {"cancelled"}


def test_without_judging_anew_a_reinstated_session_would_be_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: ending whatever was off when the work began empties a session that takes place."""
    small_portions(monkeypatch)
    desk = Desk(BEFORE)
    for name in NAMES:
        desk.ask(name=name)
    desk.publish(ALL_OFF)
    monkeypatch.setattr(endings, "frozenset", lambda _: frozenset(["start", "atelier"]), raising=False)
    desk.publish(edition(START, WORKSHOP, version=3))
    assert all_of(desk.finish(), EnrolmentCancelled)


def reinstated_once_the_rest_was_given() -> set[str]:
    """Cancel one of two sessions for which some wait who want all or nothing, give one of them the other, reinstate it.

    It is given to who is the last to be found by the portions. Returns the states of their places.
    """
    desk = Desk(edition(choice("een", capacity=1), choice("twee", capacity=0)))
    seated = desk.ask("een", name="kim")
    asked = [request("een", "twee", name=name, all_or_nothing=True) for name in ("robin", "sam", "lou", "noa")]
    line = sorted(asked, key=lambda one: enrolment_id(one.source, one.id), reverse=True)
    for one in line:
        desk.told(one)
    desk.publish(edition(choice("een", capacity=1), choice("twee", state="cancelled"), version=2))
    desk.cancel(seated.enrolment_id)
    desk.publish(edition(choice("een", capacity=1), choice("twee", capacity=0), version=3))
    desk.finish()
    first = desk.memory.all(ENROLMENTS)[enrolment_id(line[0].source, line[0].id)]
    return {place.state for place in first.places if place.state != "released"}


def test_who_wants_all_or_nothing_has_it_also_where_a_session_is_reinstated(monkeypatch: pytest.MonkeyPatch) -> None:
    """They got the other as all that they wanted by then: they must not wait for this one again."""
    small_portions(monkeypatch)
    assert reinstated_once_the_rest_was_given() == {"confirmed"}


def test_without_ending_what_is_off_they_would_wait_for_it_beside_a_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, the guard of the test above is missed."""
    small_portions(monkeypatch)
    monkeypatch.setattr(promotion, "_end_what_is_off", lambda *_: None)
    assert reinstated_once_the_rest_was_given() == {"confirmed", "queued"}
