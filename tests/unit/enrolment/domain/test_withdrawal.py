"""Ending an enrolment."""

from __future__ import annotations

from datetime import timedelta

from instroom_contracts.enrolment import (
    EnrolmentCancelled,
    EnrolmentConfirmed,
    PlaceConfirmed,
    PlaceReleased,
    RequestRefused,
)
from instroom_contracts.notification import InvitationRequested
from services.enrolment.storage.kinds import ENROLMENTS, POOLS, SESSIONS, WAITING
from tests.unit.enrolment.examples import (
    DESK,
    EDITION,
    OTHER,
    STARTS,
    Desk,
    all_of,
    choice,
    companion,
    edition,
    one_of,
    participant,
    request,
    session,
)


def test_a_cancellation_tells_the_end_then_each_place_then_the_calendar() -> None:
    """Whoever keeps seats from facts needs every place; whoever keeps enrolments needs the one fact."""
    desk = Desk(edition(session("start", capacity=5), choice("vol", capacity=0)))
    enrolment_id = desk.ask("vol").enrolment_id
    told = desk.cancel(enrolment_id)
    assert [type(fact) for fact in told] == [EnrolmentCancelled, PlaceReleased, InvitationRequested, PlaceReleased]
    ended = one_of(told, EnrolmentCancelled)
    assert (ended.session_ids, ended.cause) == (("start", "vol"), "cancellation")
    released = all_of(told, PlaceReleased)
    assert [(fact.session_id, fact.session_version, fact.enrolment_state) for fact in released] == [
        ("start", 2, "cancelled"),
        ("vol", 2, "cancelled"),
    ]


def test_a_withdrawn_invitation_updates_the_one_that_was_sent() -> None:
    """A calendar takes a CANCEL only with the same id and a higher sequence."""
    desk = Desk(edition())
    answer = desk.told(request())
    invitation, enrolment_id = one_of(answer, InvitationRequested), one_of(answer, EnrolmentConfirmed).enrolment_id
    withdrawal = one_of(desk.cancel(enrolment_id), InvitationRequested)
    assert (withdrawal.method, withdrawal.sequence) == ("CANCEL", 1)
    assert withdrawal.invite_id == invitation.invite_id


def test_notification_learns_that_a_place_is_gone_after_the_start_too() -> None:
    """Kept from it, it would invite somebody who left, link and all, once the session moves."""
    desk = Desk(edition())
    told = desk.cancel(desk.ask().enrolment_id, at=STARTS + timedelta(hours=1))
    withdrawal = one_of(told, InvitationRequested)
    assert (withdrawal.method, withdrawal.sequence) == ("CANCEL", 1)


def test_seats_and_turns_are_given_back() -> None:
    """Seats not given back are the second complaint about the peers."""
    desk = Desk(edition(session("start", capacity=5), choice("vol", capacity=0)))
    desk.cancel(desk.ask("vol").enrolment_id)
    pools, counts = desk.memory.all(POOLS), desk.memory.all(SESSIONS)
    assert [(pool.taken, pool.waiting) for pool in pools.values()] == [(0, 0), (0, 0)]
    assert [(count.confirmed, count.queued) for count in counts.values()] == [(0, 0), (0, 0)]
    assert not desk.memory.all(WAITING)


def test_companions_leave_with_the_participant() -> None:
    """They came along; nobody is left in a session alone by accident."""
    desk = Desk(edition(session("duo", capacity=2, companion="optional")))
    answer = desk.ask(companions=(companion("kim", "duo"),))
    told = desk.cancel(answer.enrolment_id)
    ended = [fact.enrolment_id for fact in all_of(told, EnrolmentCancelled)]
    assert ended == [answer.enrolment_id, answer.companions[0].enrolment_id]
    assert desk.memory.all(POOLS)[f"{EDITION}/duo"].taken == 0
    assert isinstance(desk.ask(name="kim"), EnrolmentConfirmed)


def test_a_companion_may_leave_alone() -> None:
    """An enrolment of their own is theirs to cancel."""
    desk = Desk(edition(session("duo", capacity=2, companion="optional")))
    answer = desk.ask(companions=(companion("kim", "duo"),))
    waiting = desk.ask(name="sam")
    told = desk.cancel(answer.companions[0].enrolment_id)
    assert one_of(told, PlaceConfirmed).enrolment_id == waiting.enrolment_id
    assert desk.memory.all(ENROLMENTS)[answer.enrolment_id].state == "confirmed"
    assert len(all_of(desk.cancel(answer.enrolment_id), EnrolmentCancelled)) == 1


def test_a_party_that_shrinks_may_fit() -> None:
    """A pair waits beside one free seat; when one of them leaves, the other has it."""
    desk = Desk(edition(session("duo", capacity=1, companion="optional")))
    pair = desk.ask(companions=(companion("kim", "duo"),))
    told = desk.cancel(pair.companions[0].enrolment_id)
    assert one_of(told, PlaceConfirmed).enrolment_id == pair.enrolment_id
    assert desk.memory.all(POOLS)[f"{EDITION}/duo"].taken == 1


def test_a_queue_moves_up_when_somebody_leaves_it() -> None:
    """The position told to a newcomer counts who still waits."""
    desk = Desk(edition(session(capacity=0)))
    first, _ = desk.ask(name="robin"), desk.ask(name="kim")
    desk.cancel(first.enrolment_id)
    assert desk.ask(name="sam").places[0].position == 2


def test_only_the_source_that_asked_or_a_course_desk_may_cancel() -> None:
    """Ownership is by system; the course desk mends what participants phone about."""
    desk = Desk(edition())
    mine, theirs = desk.ask(name="robin").enrolment_id, desk.ask(name="kim").enrolment_id
    assert one_of(desk.cancel(mine, source=OTHER), RequestRefused).reason == "not-yours"
    assert all_of(desk.cancel(mine), EnrolmentCancelled)
    assert all_of(desk.cancel(theirs, source=DESK), EnrolmentCancelled)


def test_ownership_holds_for_companions_and_for_what_was_cancelled() -> None:
    """Reasons in their order: unknown, not yours, already cancelled."""
    desk = Desk(edition(session("duo", companion="optional")))
    answer = desk.ask(companions=(companion("kim", "duo"),))
    desk.cancel(answer.enrolment_id)
    for id in (answer.enrolment_id, answer.companions[0].enrolment_id):
        assert one_of(desk.cancel(id, source=OTHER), RequestRefused).reason == "not-yours"
        assert one_of(desk.cancel(id), RequestRefused).reason == "already-cancelled"
    assert one_of(desk.cancel("geen-inschrijving"), RequestRefused).reason == "unknown-enrolment"


def test_a_refusal_speaks_the_participants_language() -> None:
    """The sentence may be shown as it is."""
    desk = Desk(edition())
    enrolment_id = desk.ask(participant=participant(language="en-GB")).enrolment_id
    refused = one_of(desk.cancel(enrolment_id, source=OTHER), RequestRefused)
    assert refused.detail.startswith("This enrolment was made through another system.")
    assert refused.enrolment_id == enrolment_id
