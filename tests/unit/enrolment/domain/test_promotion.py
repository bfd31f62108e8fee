"""Serving waiting lists."""

from __future__ import annotations

from datetime import timedelta

import pytest

from instroom_contracts.cloudevent import EventData
from instroom_contracts.enrolment import (
    EnrolmentConfirmed,
    EnrolmentQueued,
    PlaceConfirmed,
    SessionFull,
    SessionReopened,
)
from instroom_contracts.notification import InvitationRequested
from services.enrolment.domain import decision, promotion
from services.enrolment.storage.kinds import ENROLMENTS, POOLS, WAITING
from tests.unit.enrolment.examples import (
    EDITION,
    STARTS,
    Desk,
    all_of,
    choice,
    companion,
    edition,
    one_of,
    session,
)

LATER = STARTS + timedelta(hours=1)


def promoted(told: list[EventData]) -> list[str]:
    """Return whose places were confirmed, in order."""
    return [fact.enrolment_id for fact in all_of(told, PlaceConfirmed)]


def test_whoever_waited_longest_gets_the_freed_seat_in_the_same_decision() -> None:
    """The complaint about every peer: waiting lists that stall after a cancellation."""
    desk = Desk(edition(session(capacity=1)))
    seated, first, second = (desk.ask(name=name) for name in ("robin", "kim", "sam"))
    told = desk.cancel(seated.enrolment_id)
    place = one_of(told, PlaceConfirmed)
    assert (place.enrolment_id, place.enrolment_state, place.cause) == (first.enrolment_id, "confirmed", "promotion")
    assert list(desk.memory.all(WAITING)) == [f"{second.enrolment_id}/werksessie"]
    invitation = all_of(told, InvitationRequested)[-1]
    assert (invitation.enrolment_id, invitation.method, invitation.cause) == (
        first.enrolment_id,
        "REQUEST",
        "promotion",
    )
    assert desk.memory.all(ENROLMENTS)[second.enrolment_id].state == "queued"


def test_a_seat_that_goes_straight_to_somebody_waiting_reopens_nothing() -> None:
    """A website must not offer a seat that is gone already."""
    desk = Desk(edition(session(capacity=1)))
    seated, _ = desk.ask(name="robin"), desk.ask(name="kim")
    assert not all_of(desk.cancel(seated.enrolment_id), SessionFull, SessionReopened)


def test_a_seat_that_nobody_waits_for_reopens_the_session() -> None:
    """The website may offer it again, and is told once more when it is taken."""
    desk = Desk(edition(session(capacity=1)))
    reopened = one_of(desk.cancel(desk.ask().enrolment_id), SessionReopened)
    assert (reopened.confirmed, reopened.queued, reopened.session_version) == (0, 0, 4)


def test_a_party_that_does_not_fit_is_passed_over_and_keeps_its_turn() -> None:
    """Promise 3: one free seat goes to the single person behind the pair, two go to the pair."""
    desk = Desk(edition(session("duo", capacity=2, companion="optional")))
    one, two = desk.ask(name="robin"), desk.ask(name="kim")
    pair = desk.ask(name="sam", companions=(companion("lou", "duo"),))
    single, last = desk.ask(name="noa"), desk.ask(name="bo")
    assert promoted(desk.cancel(one.enrolment_id)) == [single.enrolment_id]
    desk.cancel(two.enrolment_id)
    assert desk.memory.all(ENROLMENTS)[last.enrolment_id].state == "confirmed"
    desk.cancel(single.enrolment_id)
    told = desk.cancel(last.enrolment_id)
    assert promoted(told) == [pair.enrolment_id, pair.companions[0].enrolment_id]
    assert not desk.memory.all(WAITING)


def test_nobody_is_promoted_into_a_session_that_has_begun() -> None:
    """Promise 3, judged at the time of the event that freed the seat."""
    desk = Desk(edition(session(capacity=1)))
    seated, waiting = desk.ask(name="robin"), desk.ask(name="kim")
    told = desk.cancel(seated.enrolment_id, at=STARTS)
    assert not all_of(told, PlaceConfirmed, SessionReopened)
    assert desk.memory.all(ENROLMENTS)[waiting.enrolment_id].state == "queued"


def test_a_late_seat_goes_to_who_waits_before_it_goes_to_a_newcomer() -> None:
    """A seat freed after the start stays free; a request from before the start must not overtake the queue."""
    desk = Desk(edition(session(capacity=1)))
    seated, waiting = desk.ask(name="robin"), desk.ask(name="kim")
    desk.cancel(seated.enrolment_id, at=LATER)
    newcomer = desk.ask(name="sam")
    assert isinstance(newcomer, EnrolmentQueued)
    assert desk.memory.all(ENROLMENTS)[waiting.enrolment_id].state == "confirmed"


def test_nobody_is_promoted_into_a_session_that_will_not_take_place() -> None:
    """A seat in a cancelled session is no seat."""
    desk = Desk(edition(session(capacity=1), session("ook")))
    seated, _ = desk.ask(name="robin"), desk.ask(name="kim")
    desk.publish(edition(session(capacity=1, state="cancelled"), session("ook"), version=2))
    assert not promoted(desk.cancel(seated.enrolment_id))


def test_all_or_nothing_waits_until_every_pool_has_room() -> None:
    """A seat in one session alone is passed on to who can use it."""
    desk = Desk(edition(choice("een", capacity=1), choice("twee", capacity=1)))
    one, two = desk.ask("een", name="robin"), desk.ask("twee", name="kim")
    both = desk.ask("een", "twee", name="sam", all_or_nothing=True)
    assert not promoted(desk.cancel(one.enrolment_id))
    told = desk.cancel(two.enrolment_id)
    assert promoted(told) == [both.enrolment_id] * 2
    assert {fact.session_id for fact in all_of(told, PlaceConfirmed)} == {"een", "twee"}
    assert all_of(told, PlaceConfirmed)[-1].enrolment_state == "confirmed"


def overtaking(desk: Desk) -> bool:
    """Free a seat in two pools at once, in one of which somebody is ahead of a party that wants both."""
    seated = desk.ask("een", "twee", name="robin")
    ahead = desk.ask("twee", name="kim")
    desk.ask("een", "twee", name="sam", all_or_nothing=True)
    behind = desk.ask("een", name="lou")
    told = desk.cancel(seated.enrolment_id)
    return sorted(promoted(told)) != sorted([ahead.enrolment_id, behind.enrolment_id])


def test_all_or_nothing_does_not_overtake_who_is_ahead_in_another_pool() -> None:
    """Both seats come free at once, and in the second pool somebody has waited longer."""
    assert not overtaking(Desk(edition(choice("een", capacity=1), choice("twee", capacity=1))))


def test_a_party_overtakes_where_the_other_pool_is_not_served_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: with seats judged as they are, the party takes what somebody else waited for longer."""
    monkeypatch.setattr(promotion, "_served_ahead", lambda *_: True)
    assert overtaking(Desk(edition(choice("een", capacity=1), choice("twee", capacity=1))))


def test_a_party_waits_for_those_ahead_in_another_pool_whom_a_later_portion_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More are ahead of it than one decision serves: its turn comes when theirs has been."""
    monkeypatch.setattr(decision, "PORTION", 1)
    desk = Desk(edition(choice("een", capacity=0), choice("twee", capacity=0)))
    ahead = [desk.ask("twee", name=name).enrolment_id for name in ("kim", "lou")]
    both = desk.ask("een", "twee", name="sam", all_or_nothing=True).enrolment_id
    told = desk.publish(edition(choice("een", capacity=1), choice("twee", capacity=3), version=2))
    assert promoted(told) == ahead[:1]
    assert promoted(desk.finish()) == [ahead[1], both, both]


def test_a_pool_that_was_only_looked_at_is_kept_again() -> None:
    """Two processes that each free one half must conflict, else both pass the party over and both seats stay free."""
    desk = Desk(edition(choice("een", capacity=1), choice("twee", capacity=1)))
    one, _ = desk.ask("een", name="robin"), desk.ask("twee", name="kim")
    desk.ask("een", "twee", name="sam", all_or_nothing=True)
    desk.cancel(one.enrolment_id)
    assert (POOLS, f"{EDITION}/twee") in desk.memory.written


def test_a_shared_pool_serves_the_sessions_of_every_edition() -> None:
    """The seat freed in one edition goes to who waits in the other."""
    shared = session("zaal", capacity=1, pool="grote-zaal")
    desk = Desk(edition(shared), edition(shared, edition_id="midden"))
    seated, waiting = desk.ask(), desk.ask(edition_id="midden")
    told = desk.cancel(seated.enrolment_id)
    assert [(fact.enrolment_id, fact.edition_id) for fact in all_of(told, PlaceConfirmed)] == [
        (waiting.enrolment_id, "midden")
    ]


def test_a_session_that_has_begun_is_passed_over_in_a_shared_pool() -> None:
    """The seat is of use to the edition that is still to come."""
    early = session("zaal", capacity=1, pool="grote-zaal")
    late = session("zaal", capacity=1, pool="grote-zaal", starts_at=STARTS + timedelta(days=7))
    desk = Desk(edition(early), edition(late, edition_id="midden"))
    seated, begun, waiting = desk.ask(name="robin"), desk.ask(name="kim"), desk.ask(edition_id="midden")
    assert promoted(desk.cancel(seated.enrolment_id, at=LATER)) == [waiting.enrolment_id]
    assert desk.memory.all(ENROLMENTS)[begun.enrolment_id].state == "queued"


def test_a_long_waiting_list_is_read_no_further_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is read in growing portions: the tenth party fits, with portions that begin at two."""
    monkeypatch.setattr(promotion, "FIRST_LOOK", 2)
    desk = Desk(edition(session("duo", capacity=1, companion="optional")))
    seated = desk.ask(name="robin")
    for number in range(9):
        desk.ask(name=f"paar{number}", companions=(companion(f"maat{number}", "duo"),))
    single = desk.ask(name="kim")
    desk.ask(name="sam")
    assert promoted(desk.cancel(seated.enrolment_id)) == [single.enrolment_id]
    assert desk.memory.depths == [2, 4, 8, 16]


def test_a_newcomer_takes_the_seat_that_no_waiting_party_fits() -> None:
    """Passing over works for newcomers too; the pair keeps its turn."""
    desk = Desk(edition(session("duo", capacity=1, companion="optional")))
    pair = desk.ask(companions=(companion("kim", "duo"),))
    assert isinstance(pair, EnrolmentQueued)
    assert isinstance(desk.ask(name="sam"), EnrolmentConfirmed)


def test_a_party_with_two_turns_in_each_of_two_pools_is_not_ahead_of_itself() -> None:
    """Serving one pool first served the other first, and so on, until the message failed."""
    rooms = (("een", "zaal"), ("twee", "foyer"), ("drie", "zaal"), ("vier", "foyer"))
    desk = Desk(edition(*(choice(id, capacity=0, pool=room) for id, room in rooms)))
    waiting = desk.ask(*(id for id, _ in rooms), name="sam", all_or_nothing=True)
    told = desk.publish(edition(*(choice(id, capacity=2, pool=room) for id, room in rooms), version=2))
    assert set(promoted(told)) == {waiting.enrolment_id}
    assert len(promoted(told)) == 4
