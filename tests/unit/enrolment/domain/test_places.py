"""Giving a party its places."""

from __future__ import annotations

from instroom_contracts.enrolment import EnrolmentConfirmed, EnrolmentQueued, SessionFull
from instroom_contracts.notification import InvitationRequested, NoticeRequested
from services.enrolment.storage.kinds import ENROLMENTS, POOLS, SESSIONS
from tests.unit.enrolment.examples import (
    ASKED,
    EDITION,
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


def states(answer: EnrolmentConfirmed | EnrolmentQueued) -> dict[str, str]:
    """Return the state of each place of the participant."""
    return {place.session_id: place.state for place in answer.places}


def test_sessions_for_everyone_come_before_the_chosen_ones() -> None:
    """Sessions that everyone attends are always included."""
    desk = Desk(edition(choice("een"), session("plenair"), choice("twee")))
    assert list(states(desk.ask("twee"))) == ["plenair", "twee"]


def test_the_last_seat_is_confirmed_and_the_next_request_waits() -> None:
    """The one promise that a course desk checks by counting chairs."""
    desk = Desk(edition(session(capacity=1)))
    first, second, third = (desk.ask(name=name) for name in ("robin", "kim", "sam"))
    assert isinstance(first, EnrolmentConfirmed)
    assert isinstance(second, EnrolmentQueued)
    assert [second.places[0].position, third.places[0].position] == [1, 2]
    assert first.places[0].position is None


def test_a_session_has_seats_of_its_own_whatever_other_sessions_hold() -> None:
    """Trap 1: 60 for the start, 20 per work session, and nothing clamps one to the other."""
    desk = Desk(edition(session("start", capacity=3), choice("atelier", capacity=1)))
    answers = [desk.ask("atelier", name=name) for name in ("robin", "kim", "sam")]
    assert [states(answer)["start"] for answer in answers] == ["confirmed"] * 3
    assert [states(answer)["atelier"] for answer in answers] == ["confirmed", "queued", "queued"]


def test_an_enrolment_is_confirmed_when_every_session_for_everyone_is() -> None:
    """WIRE.md defines the two answers by the sessions that everyone attends; a choice may wait."""
    desk = Desk(edition(session("start"), choice("atelier", capacity=0)))
    assert isinstance(desk.ask("atelier"), EnrolmentConfirmed)
    other_way = Desk(edition(session("start", capacity=0), choice("atelier")))
    assert isinstance(other_way.ask("atelier"), EnrolmentQueued)


def test_an_enrolment_without_a_single_seat_is_queued() -> None:
    """Where nothing is for everyone, "confirmed" with nothing confirmed would mislead the participant."""
    desk = Desk(edition(choice("een", capacity=0), choice("twee")))
    assert isinstance(desk.ask("een"), EnrolmentQueued)
    assert isinstance(desk.ask("een", "twee", name="kim"), EnrolmentConfirmed)


def test_a_pool_is_shared_between_editions() -> None:
    """One room, two editions: the seats are counted once."""
    shared = session("zaal", capacity=1, pool="grote-zaal")
    desk = Desk(edition(shared), edition(shared, edition_id="midden"))
    assert isinstance(desk.ask(), EnrolmentConfirmed)
    waiting = desk.ask(edition_id="midden")
    assert isinstance(waiting, EnrolmentQueued)
    assert waiting.places[0].session_version == 2, "the session was told to be full, then somebody queued"


def test_two_sessions_on_one_pool_take_two_seats() -> None:
    """Seats that are counted once per session, not once per person."""
    desk = Desk(edition(choice("een", pool="zaal", capacity=1), choice("twee", pool="zaal", capacity=1)))
    assert states(desk.ask("een", "twee")) == {"een": "confirmed", "twee": "queued"}


def test_a_party_is_confirmed_together_or_waits_together() -> None:
    """A pair that is split up is of no use to either."""
    desk = Desk(edition(session("plenair"), choice("duo", companion="optional", capacity=1)))
    answer = desk.ask("duo", companions=(companion("kim", "duo"),))
    assert states(answer) == {"plenair": "confirmed", "duo": "queued"}
    (beside,) = answer.companions
    assert [(place.session_id, place.state) for place in beside.places] == [("duo", "queued")]
    assert isinstance(desk.ask("duo", name="sam"), EnrolmentConfirmed), "one person fits beside the pair"
    assert desk.memory.all(POOLS)[f"{EDITION}/duo"].taken == 1


def test_a_companion_has_an_enrolment_an_invitation_and_a_version_of_their_own() -> None:
    """Whoever comes along gets mail at their own address and can cancel alone."""
    desk = Desk(edition(session("duo", companion="required", capacity=2)))
    told = desk.told(request(companions=(companion("kim", "duo"),)))
    answer = one_of(told, EnrolmentConfirmed)
    invitations = all_of(told, InvitationRequested)
    assert [one.participant.email for one in invitations] == ["robin@example.org", "kim@example.org"]
    assert answer.companions[0].enrolment_id == invitations[1].enrolment_id != answer.enrolment_id
    assert [answer.places[0].session_version, answer.companions[0].places[0].session_version] == [1, 2]
    enrolments = desk.memory.all(ENROLMENTS)
    assert enrolments[answer.enrolment_id].companion_ids == (answer.companions[0].enrolment_id,)
    assert enrolments[answer.companions[0].enrolment_id].main_id == answer.enrolment_id


def test_no_request_can_take_the_id_of_a_companion() -> None:
    """An event id may hold any character, so "request#1" must not be the companion of "request"."""
    desk = Desk(edition(session("duo", companion="optional")))
    first = request(companions=(companion("kim", "duo"),))
    desk.told(first)
    desk.told(request(name="sam").model_copy(update={"id": f"{first.id}#1"}))
    assert len(desk.memory.all(ENROLMENTS)) == 3


def test_all_or_nothing_queues_every_place_when_one_is_missing() -> None:
    """Who can only come to the whole week must not block seats in half of it."""
    desk = Desk(edition(session("start"), choice("atelier", capacity=0)))
    answer = desk.ask("atelier", all_or_nothing=True)
    assert isinstance(answer, EnrolmentQueued)
    assert states(answer) == {"start": "queued", "atelier": "queued"}
    assert desk.memory.all(SESSIONS)[f"{EDITION}/start"].queued == 1


def test_all_or_nothing_confirms_every_place_when_all_are_there() -> None:
    """The other half of the promise."""
    desk = Desk(edition(session("start", capacity=1), choice("atelier", capacity=1)))
    answer = desk.ask("atelier", all_or_nothing=True)
    assert set(states(answer).values()) == {"confirmed"}


def test_all_or_nothing_says_which_list_takes_nobody_though_there_are_seats() -> None:
    """Told that a session with free seats is full, a participant would call the course desk."""
    free = choice("vrij", capacity=5, queue_limit=0)
    desk = Desk(edition(choice("vol", capacity=0), free))
    refused = desk.ask("vol", "vrij", name="robin", all_or_nothing=True)
    assert refused.reason == "queue-full"
    assert "alle bijeenkomsten of geen" in refused.detail
    assert "'Vrij'" in refused.detail
    assert isinstance(desk.ask("vol", "vrij", name="kim"), EnrolmentConfirmed)
    both = Desk(edition(choice("vol", capacity=0, queue_limit=0), free))
    assert "'Vol' zit vol" in both.ask("vrij", "vol", name="sam", all_or_nothing=True).detail


def test_the_queue_limit_counts_persons() -> None:
    """A waiting list for two holds one pair."""
    desk = Desk(edition(session("duo", companion="optional", capacity=0, queue_limit=2)))
    assert isinstance(desk.ask(companions=(companion("kim", "duo"),)), EnrolmentQueued)
    assert desk.ask(name="sam").reason == "queue-full"


def test_the_last_seat_is_told_after_the_answer_with_a_higher_version() -> None:
    """A subscriber that keeps the newest version of a session must end up with "full"."""
    desk = Desk(edition(session(capacity=2)))
    assert not all_of(desk.told(request(name="robin")), SessionFull)
    told = desk.told(request(name="kim"))
    full = one_of(told, SessionFull)
    assert (full.capacity, full.confirmed, full.queued, full.session_version) == (2, 2, 0, 3)
    assert told.index(one_of(told, EnrolmentConfirmed)) < told.index(full)
    assert not all_of(desk.told(request(name="sam")), SessionFull), "it was full already"


def test_every_session_of_a_shared_pool_is_told_to_be_full() -> None:
    """The other edition's website must stop offering it as well."""
    shared = session("zaal", capacity=1, pool="grote-zaal")
    desk = Desk(edition(shared), edition(shared, edition_id="midden"))
    told = all_of(desk.told(request()), SessionFull)
    assert [(full.edition_id, full.confirmed) for full in told] == [(EDITION, 1), ("midden", 0)]


def test_every_confirmed_place_gets_one_invitation_and_waiting_gets_a_notice() -> None:
    """One mail per session that one can go to, one for all that one waits for."""
    desk = Desk(edition(session("start"), choice("een", capacity=0), choice("twee", capacity=0)))
    told = desk.told(request("een", "twee", participant=participant("robin", language="en")))
    invitation, notice = one_of(told, InvitationRequested), one_of(told, NoticeRequested)
    assert (invitation.session_id, invitation.method, invitation.sequence) == ("start", "REQUEST", 0)
    assert (invitation.asked_at, invitation.participant.language) == (ASKED, "en")
    assert (notice.kind, [(one.session_id, one.position) for one in notice.sessions]) == (
        "waiting-list",
        [("een", 1), ("twee", 1)],
    )


def test_a_first_request_needs_no_pool_to_be_there() -> None:
    """A pool that was lost is as the edition offers it, never without a limit."""
    desk = Desk(edition(session(capacity=1)))
    desk.memory.collections["pools"].clear()
    assert isinstance(desk.ask(name="robin"), EnrolmentConfirmed)
    assert isinstance(desk.ask(name="kim"), EnrolmentQueued)


def test_what_a_participant_wrote_is_kept() -> None:
    """The caterer and the trainer need it."""
    desk = Desk(edition())
    answers = {"$ref": "eigen casus", "laptop.meenemen": True, "jaren": 3}
    answer = desk.ask(participant=participant(dietary_wishes="vegetarisch"), answers=answers)
    kept = desk.memory.all(ENROLMENTS)[answer.enrolment_id]
    assert kept.participant == participant(dietary_wishes="vegetarisch")
    assert kept.answers == answers
