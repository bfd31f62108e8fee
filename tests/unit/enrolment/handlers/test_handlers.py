"""What the handlers do around the rules: waiting for an edition, answering, addressing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.documents import Documents, Loaded, NotLoaded
from chassis.handling import Tell
from instroom_contracts.cloudevent import EventData, InvalidEvent, Problem, encode, new_event
from instroom_contracts.enrolment import (
    EnrolmentConfirmed,
    EnrolmentQueued,
    EnrolmentRejected,
    RequestAccepted,
    RequestRefused,
    SessionFull,
    SourcesClaimed,
)
from instroom_contracts.notification import NoticeRequested
from instroom_contracts.origin import Origin
from services.enrolment.domain.ids import enrolment_id
from services.enrolment.handlers.enrol import enrol
from services.enrolment.handlers.invalid import refuse_invalid
from services.enrolment.storage.kinds import ENROLMENTS, PARKED, PARKINGS
from tests.unit.enrolment.examples import (
    ASKED,
    CATALOG,
    EDITION,
    OTHER,
    POLICY,
    WEBSITE,
    Desk,
    all_of,
    cancellation,
    choice,
    companion,
    data_of,
    edition,
    hears,
    one_of,
    participant,
    request,
    session,
)

ANSWERS = (EnrolmentConfirmed, EnrolmentQueued, EnrolmentRejected)


def publish(desk: Desk, **fields: object) -> list[Tell]:
    """Take in an edition and decide who waited for it; return what is told, with addresses."""
    event = new_event(edition(session(capacity=1), **fields), source=CATALOG, id="edition", time=ASKED)
    return [*desk.memory.handle(hears(event), event, ASKED), *desk.tells_of_portions()]


def answers(tells: Iterable[Tell]) -> list[tuple[Origin | None, str]]:
    """Return the answers told to requests: which they answer, and how."""
    return [(tell.in_reply_to, type(tell.data).__name__) for tell in tells if isinstance(tell.data, ANSWERS)]


def test_a_request_for_an_unknown_edition_waits_in_silence() -> None:
    """The edition's fact may be a second behind; a refusal could not be taken back."""
    desk = Desk()
    asked = request()
    assert not desk.tells(asked)
    parked = desk.memory.all(PARKED)[f"{WEBSITE} {asked.id}"]
    assert (parked.edition_id, parked.until) == (EDITION, ASKED + POLICY.parking)


def test_the_edition_decides_those_who_waited_in_their_order() -> None:
    """First come, first served, also for who came before the edition did."""
    desk = Desk()
    waiting = [request(name=name) for name in ("robin", "kim", "sam")]
    for asked in waiting:
        desk.tells(asked)
    told = answers(publish(desk))
    names = ["EnrolmentConfirmed", "EnrolmentQueued", "EnrolmentQueued"]
    assert told == [(Origin(asked.id, WEBSITE), name) for asked, name in zip(waiting, names, strict=True)]
    assert not desk.memory.all(PARKED)
    assert not desk.memory.all(PARKINGS)


def test_a_parked_request_is_decided_as_it_was_sent() -> None:
    """Waiting must not cost anybody a field of what they sent."""
    desk = Desk()
    wishes = participant("robin", dietary_wishes="vegetarisch", region="noord")
    asked = request(participant=wishes, answers={"casus": "jongeren", "jaren": 1.5})
    desk.tells(asked)
    publish(desk)
    kept = desk.memory.all(ENROLMENTS)[enrolment_id(WEBSITE, asked.id)]
    assert (kept.participant, dict(kept.answers), kept.asked_at) == (wishes, asked.data.answers, asked.time)


def test_a_parked_request_is_decided_by_the_rules_it_was_accepted_by() -> None:
    """An upgrade in between brings rules about addresses; nobody waits for ever, or loses their place, for that."""
    desk = Desk()
    desk.tells(request())
    ((id, parked),) = desk.memory.all(PARKED).items()
    older = parked.event.replace("robin@example.org", "robin@example..org").replace('"Robin"', '"\u200b"')
    desk.memory.put(PARKED, id, replace(parked, event=older))
    assert [name for _, name in answers(publish(desk))] == ["EnrolmentConfirmed"]


def test_other_editions_leave_a_parked_request_alone() -> None:
    """Each edition has its own line."""
    desk = Desk()
    desk.tells(request())
    assert not answers(publish(desk, edition_id="midden"))
    assert len(desk.memory.all(PARKED)) == 1


def test_a_request_whose_wait_is_over_is_refused_and_mailed() -> None:
    """WIRE.md: an answer within 30 s also for an edition that stays unknown."""
    desk = Desk()
    asked = request()
    desk.tells(asked)
    tells = desk.expire()
    rejected = one_of(data_of(tells), EnrolmentRejected)
    assert (rejected.reason, rejected.edition_id) == ("unknown-edition", EDITION)
    assert one_of(data_of(tells), NoticeRequested).participant.email == "robin@example.org"
    assert {tell.in_reply_to for tell in tells} == {Origin(asked.id, WEBSITE)}
    assert not desk.expire(), "exactly one answer"
    assert not answers(publish(desk)), "exactly one answer"


def test_a_request_whose_edition_came_without_finding_it_is_decided_when_its_wait_is_over() -> None:
    """Two processes may park the request and take in the edition at the same moment, neither seeing the other."""
    desk = Desk()
    asked = request()
    desk.tells(asked)
    hidden = desk.memory.collections.pop("parkings")
    publish(desk)
    desk.memory.collections["parkings"] = hidden
    assert answers(desk.expire()) == [(Origin(asked.id, WEBSITE), "EnrolmentConfirmed")]


def test_every_refusal_of_a_valid_request_is_mailed() -> None:
    """The participant reads mail, not facts."""
    desk = Desk(edition(kind="request-only"))
    told = desk.told(request(participant=participant("robin", language="en")))
    rejected, notice = one_of(told, EnrolmentRejected), one_of(told, NoticeRequested)
    assert (notice.kind, notice.reason, notice.detail) == ("refusal", "request-only", rejected.detail)
    assert rejected.detail.startswith("This programme")


def test_an_invalid_request_is_answered_with_what_is_wrong_where() -> None:
    """The developer of the other system mends it from the answer alone."""
    problem = Problem(pointer="/data/participant/email", detail="This must be one bare mail address.")
    invalid = InvalidEvent(
        "invalid-event", (problem,), id="a b#c", source=OTHER, type="nl.enrolments.enrolment-requested.v1"
    )
    (tell,) = refuse_invalid(invalid)
    assert isinstance(tell.data, EnrolmentRejected)
    assert (tell.data.reason, tell.data.errors) == ("invalid-request", (problem,))
    assert encode(new_event(tell.data, source=CATALOG, subject=tell.subject)), "any event id makes a valid subject"


@pytest.mark.parametrize("type", ["nl.enrolments.enrolment-cancellation-requested.v1", None])
def test_another_invalid_request_is_refused(type: str | None) -> None:
    """One answer for everything that is not a request for an enrolment."""
    (tell,) = refuse_invalid(InvalidEvent("not-json", (), id="1", source=OTHER, type=type))
    assert isinstance(tell.data, RequestRefused)
    assert (tell.data.request_type, tell.data.reason) == (type, "invalid-request")


def claim(desk: Desk, account: str, *sources: str) -> EventData:
    """Claim sources for an account; return the answer."""
    event = new_event(SourcesClaimed(account=account, sources=sources), source=CATALOG, time=ASKED)
    (answer,) = desk.memory.handle(hears(event), event, ASKED)
    return answer.data


def test_sources_are_claimed_all_or_none() -> None:
    """A claim that was half taken over would leave an integrator half shut out."""
    desk = Desk()
    free, taken = f"{WEBSITE}-2", WEBSITE
    assert isinstance(claim(desk, "website", taken), RequestAccepted)
    refused = claim(desk, "portal", free, taken)
    assert isinstance(refused, RequestRefused)
    assert (refused.reason, taken in refused.detail, free in refused.detail.split()) == ("not-yours", True, False)
    assert isinstance(claim(desk, "website"), RequestAccepted)
    assert isinstance(claim(desk, "portal", free, taken), RequestAccepted)


def test_events_are_addressed_by_what_they_are_about() -> None:
    """Subject and partition key route an integrator's queue; both hold ids only."""
    desk = Desk(edition(session(capacity=1)))
    asked = request()
    tells = desk.tells(asked)
    full = next(tell for tell in tells if isinstance(tell.data, SessionFull))
    assert tells[0].subject == enrolment_id(WEBSITE, asked.id)
    assert full.subject == f"{EDITION}/werksessie"
    assert {tell.partitionkey for tell in tells} == {EDITION}
    assert {tell.in_reply_to for tell in tells} == {None}


def test_facts_hold_no_personal_data() -> None:
    """Whoever may read the stream reads every fact, for ever."""
    desk = Desk(edition(session("duo", capacity=2, companion="optional")))
    told = desk.told(request(name="geheim", companions=(companion("ookgeheim", "duo"),)))
    told += desk.told(request(name="geheim"))
    told += desk.cancel(all_of(told, EnrolmentConfirmed)[0].enrolment_id)
    public = [fact for fact in told if not hasattr(fact, "participant")]
    assert len(public) > 4
    assert all("geheim" not in str(fact) and "@" not in str(fact) for fact in public)


def test_a_batch_is_read_in_few_rounds() -> None:
    """Each round costs the whole batch a query per collection, so documents that can be foreseen are asked together."""
    desk = Desk(edition(session("plenair", capacity=5), *(choice(f"atelier-{n}", capacity=5) for n in range(4))))
    asked = request(*(f"atelier-{n}" for n in range(4)))
    desk.tells(asked)
    assert desk.memory.rounds == 2
    desk.tells(cancellation(enrolment_id(WEBSITE, asked.id)))
    assert desk.memory.rounds == 3, "one of them for the edition, which a process at work has in memory"


def test_many_parked_requests_are_read_in_few_rounds() -> None:
    """A catalogue that comes up late must not cost a round for each of those who waited."""
    in_vain, in_time = Desk(), Desk()
    for desk in (in_vain, in_time):
        for number in range(50):
            desk.tells(request(name=f"deelnemer{number}"))
    assert len(answers(in_vain.expire())) == 50
    assert in_vain.memory.rounds == 2
    assert len(answers(publish(in_time))) == 50
    assert in_time.memory.rounds == 3


def test_a_freed_room_is_given_away_in_few_rounds() -> None:
    """A bigger room for a long line: what is read grows by doubling."""
    desk = Desk(edition(session(capacity=0)))
    for number in range(40):
        desk.ask(name=f"deelnemer{number}")
    desk.publish(edition(session(capacity=40), version=2))
    assert desk.memory.rounds <= 8, "two for each doubling"


def test_a_handler_changes_nothing_before_it_has_read_everything() -> None:
    """The committer decides again after reading; a half-made decision must leave no trace."""
    documents = Documents(Loaded())
    with pytest.raises(NotLoaded):
        enrol(request(), documents, ASKED, policy=POLICY)
    assert not documents.changes


def test_the_same_documents_lead_to_the_same_decision() -> None:
    """A batch that conflicts is decided again; ids and facts must not change by that."""
    asked = request(companions=(companion("kim", "duo"),))
    told = [Desk(edition(session("duo", companion="optional", capacity=2))).tells(asked) for _ in range(2)]
    assert told[0] == told[1]


def test_what_happens_later_is_judged_by_the_event_not_by_the_clock() -> None:
    """All five sources lie in the past."""
    desk = Desk(edition())
    tells = desk.tells(request(), now=ASKED + timedelta(days=3000))
    assert isinstance(tells[0].data, EnrolmentConfirmed)
