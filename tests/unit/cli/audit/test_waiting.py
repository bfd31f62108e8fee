"""Waiting lists: whole, in order, served in time and not too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cli.audit.evidence import Counter, Enrolment, Evidence, Offered, Place, Pool, Turn
from cli.audit.waiting import lists_whole, no_seat_idle, nobody_promoted_late, served_in_turn
from tests.unit.cli.audit.story import (
    AFTER,
    BEFORE,
    FACTS,
    KEY,
    NOW,
    POOL,
    PUBLISHED,
    START,
    TRUE_STORY,
    changed,
    decided,
    enrolment,
    invitation,
    told,
)
from tests.unit.cli.builders import fact, place

CAS = f"cas {'/'.join(KEY)}"


def found(evidence: Evidence) -> set[tuple[str, str]]:
    """Return what is found of the waiting lists."""
    return {(offence.subject, offence.detail) for offence in lists_whole(evidence).offences}


def test_a_queued_place_without_a_turn_is_found() -> None:
    """Who has no turn is never served."""
    assert (CAS, "has a turn for 0 seats, and 1 places are queued") in found(told(turns=()))


def test_a_party_with_a_turn_for_too_many_seats_is_found() -> None:
    """It would be passed over for seats that it does not want."""
    assert found(told(turns=(Turn(KEY, "cas", 3, 2),))) == {(CAS, "has a turn for 2 seats, and 1 places are queued")}


def test_figures_that_forgot_somebody_who_waits_are_found() -> None:
    """Nobody looks at a list that is empty by its figures."""
    pool = replace(TRUE_STORY.pools[0], waiting=0)
    assert found(told(pools=(pool,))) == {(POOL, "counts 0 waiting parties, and there are 1 turns")}
    count = replace(TRUE_STORY.counters[0], waiting=0)
    assert found(told(counters=(count,))) == {("/".join(KEY), "counts 0 waiting parties, and there are 1 turns")}


def test_turns_that_were_not_given_in_the_order_of_decision_are_found() -> None:
    """The waiting list is served in the order in which places were decided: the answers tell it."""
    both = (enrolment("ada", "released"), enrolment("bob", "queued"), enrolment("cas", "queued"))
    turns = (Turn(KEY, "cas", 2, 1), Turn(KEY, "bob", 3, 1))
    swapped = found(told(enrolments=both, turns=turns))
    assert (f"bob {'/'.join(KEY)}", f"was told before others that come first in {POOL}") in swapped


@pytest.mark.parametrize(("later", "holds"), [(timedelta(seconds=30), True), (timedelta(minutes=2), False)])
def test_turns_of_sessions_that_share_a_pool_are_compared_by_the_time_of_telling(later: timedelta, holds: bool) -> None:
    """Where a session came to others, no number of a pool says who was first; give or take the clocks, times do."""
    other = ("leeratelier", "ronde-2")
    dee = Enrolment(
        "dee",
        "leeratelier",
        "mail of dee",
        "queued",
        all_or_nothing=False,
        places=(Place("dee", other, "queued", "dee"),),
    )
    first = next(fact for fact in FACTS if fact.id == "answer to cas")
    at = datetime.fromisoformat(first.text("time")) + later
    data = {"enrolmentId": "dee", "editionId": "leeratelier", "places": [place("ronde-2", "queued", 1)]}
    answer = fact("enrolment-queued", data, id="answer to dee", answers="request of dee")
    answer = replace(answer, attributes={**answer.attributes, "time": at.isoformat()})
    story = told(
        sessions={
            KEY: Offered(START, cancelled=False, pool="zaal", capacity=1),
            other: Offered(START, cancelled=False, pool="zaal", capacity=1),
        },
        pools=(Pool("zaal", 1, 1, taken=1, waiting=2, sessions=(KEY, other)),),
        counters=(*TRUE_STORY.counters, Counter(other, version=1, confirmed=0, queued=1, waiting=1)),
        enrolments=(*TRUE_STORY.enrolments, dee),
        turns=(Turn(other, "dee", 2, 1), *TRUE_STORY.turns),
        facts=(*FACTS, answer),
    )
    assert lists_whole(story).holds == holds


def _overtaking() -> Evidence:
    """Tell it with Cas getting the seat that Bob had waited longer for."""
    return told(
        enrolments=(enrolment("ada", "released"), enrolment("bob", "queued"), enrolment("cas", "confirmed")),
        turns=(Turn(KEY, "bob", 2, 1),),
        facts=(*FACTS[:6], changed("cas", "confirmed", 5, "promotion", "withdrawal of ada")),
    )


def test_somebody_who_overtook_is_found() -> None:
    """Fairness is what participants ask about."""
    verdict = served_in_turn(_overtaking())
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        (CAS, f"got a seat while bob {'/'.join(KEY)} had waited longer")
    ]


def test_a_party_that_wants_all_or_nothing_may_be_passed_over() -> None:
    """It lacks a seat elsewhere, keeps its turn, and must not block others."""
    story = _overtaking()
    ada, bob, cas = story.enrolments
    assert served_in_turn(replace(story, enrolments=(ada, replace(bob, all_or_nothing=True), cas))).holds


def test_a_newcomer_who_overtook_is_found() -> None:
    """A free seat goes to who waits before it goes to who asks."""
    newcomer = decided("cas", "confirmed", 5)
    story = replace(_overtaking(), facts=(FACTS[0], FACTS[1], FACTS[2], FACTS[5], newcomer))
    assert [one.subject for one in served_in_turn(story).offences] == [CAS]


def _session() -> dict[str, object]:
    return dict(PUBLISHED.data["sessions"][0])


def _beside(later: timedelta = timedelta(minutes=2), first_pool: str = "zaal", asked_at: datetime = BEFORE) -> Evidence:
    """Tell it with Dee, who waits for another session of the same pool, getting Ada's seat so much later than Bob."""
    other = ("leeratelier", "ronde-2")
    seat = Place("dee", other, "confirmed", "dee")
    dee = Enrolment("dee", "leeratelier", "mail of dee", "confirmed", all_or_nothing=False, places=(seat,))
    at = datetime.fromisoformat(FACTS[2].text("time")) + later
    data = {"enrolmentId": "dee", "editionId": "leeratelier", "places": [place("ronde-2", "queued", 1)]}
    seated = {**data, "sessionId": "ronde-2", "sessionVersion": 2, "cause": "promotion"}
    both = [{**_session(), "pool": first_pool}, {**_session(), "sessionId": "ronde-2", "pool": "zaal"}]
    offered = Offered(START, cancelled=False, pool=":zaal", capacity=1)
    return told(
        sessions={KEY: offered, other: offered},
        counters=(*TRUE_STORY.counters, Counter(other, version=2, confirmed=1, queued=0)),
        enrolments=(enrolment("ada", "released"), enrolment("bob", "queued"), dee),
        invitations=(replace(invitation("dee", asked_at=asked_at), session=other),),
        facts=(
            replace(PUBLISHED, data={**PUBLISHED.data, "sessions": both}),
            *FACTS[1:3],
            fact("enrolment-queued", data, answers="request of dee", time=at.isoformat()),
            FACTS[5],
            fact("place-confirmed", seated, answers="withdrawal of ada", time=at.isoformat()),
        ),
    )


def test_who_overtook_from_another_session_of_the_same_pool_is_found() -> None:
    """One room, one list: the seat was somebody's who had waited longer for another session in it."""
    assert [(one.subject, one.detail) for one in served_in_turn(_beside()).offences] == [
        ("dee leeratelier/ronde-2", f"got a seat while bob {'/'.join(KEY)} had waited longer")
    ]


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(_beside(later=timedelta(seconds=30)), id="clocks may differ by so much"),
        pytest.param(_beside(first_pool="elders"), id="when it came to the pool, no fact says"),
        pytest.param(_beside(asked_at=AFTER), id="the session that the other waits for had begun"),
        pytest.param(replace(_beside(), invitations=()), id="when the seat came free, nobody knows"),
    ],
)
def test_what_may_be_right_between_sessions_of_one_pool_is_not_held_against_it(story: Evidence) -> None:
    """An audit that cries wolf is soon not run any more."""
    assert served_in_turn(story).holds


def _idle(**changes: object) -> Evidence:
    """Tell it with Ada's seat left free while Bob waits."""
    story = told(
        pools=(Pool(POOL, capacity=1, limit=1, taken=0, waiting=1),),
        counters=(Counter(KEY, version=4, confirmed=0, queued=1),),
        enrolments=(enrolment("ada", "released"), enrolment("bob", "queued")),
        turns=(Turn(KEY, "bob", 2, 1),),
        facts=FACTS[:6],
    )
    return replace(story, **changes)  # type: ignore[arg-type]


def test_a_free_seat_that_somebody_waits_for_is_found() -> None:
    """The commonest complaint about other systems: a list that stalls after a cancellation."""
    assert [one.subject for one in no_seat_idle(_idle()).offences] == [f"bob {'/'.join(KEY)}"]


def test_a_seat_that_came_free_after_the_start_is_of_no_use() -> None:
    """Nobody is promoted into a session that has begun, and no calendar entry is withdrawn then."""
    verdict = no_seat_idle(_idle(invitations=(invitation("ada"),)))
    assert verdict.holds
    assert verdict.remarks == ("1 wait for seats that came free too late",)


def test_a_free_seat_of_a_session_still_to_come_is_always_of_use() -> None:
    """Then it does not matter when it came free."""
    later = {KEY: Offered(NOW + timedelta(days=1), cancelled=False)}
    published = replace(PUBLISHED, data={**PUBLISHED.data, "sessions": [{**_session(), "startsAt": None}]})
    story = _idle(invitations=(), sessions=later, facts=(published, *FACTS[1:6]))
    assert not no_seat_idle(story).holds


def test_seats_that_are_offered_after_the_start_are_of_no_use() -> None:
    """The catalogue may be mended afterwards."""
    attributes = {**PUBLISHED.attributes, "id": "more", "time": AFTER.isoformat()}
    more = replace(
        PUBLISHED, attributes=attributes, data={**PUBLISHED.data, "sessions": [{**_session(), "capacity": 2}]}
    )
    story = _idle(
        pools=(Pool(POOL, capacity=2, limit=2, taken=1, waiting=1),),
        enrolments=(enrolment("ada", "confirmed"), enrolment("bob", "queued")),
    )
    assert no_seat_idle(replace(story, facts=(*FACTS[:3], more))).holds
    in_time = replace(more, attributes={**attributes, "time": BEFORE.isoformat()})
    assert not no_seat_idle(replace(story, facts=(*FACTS[:3], in_time))).holds


def test_a_party_that_is_too_large_for_the_free_seats_waits_rightly() -> None:
    """One free seat is of no use to two who come together."""
    assert no_seat_idle(_idle(turns=(Turn(KEY, "bob", 2, 2),))).holds


def test_a_party_that_wants_all_or_nothing_waits_for_its_other_session() -> None:
    """A free seat in one session is of no use to it while the other is full."""
    other = ("leeratelier", "ronde-2")
    pools = (Pool(POOL, 1, 1, taken=0, waiting=1), Pool("/".join(other), 1, 1, taken=1, waiting=1))
    story = _idle(
        pools=pools,
        sessions={**TRUE_STORY.sessions, other: Offered(START, cancelled=False)},
        enrolments=(enrolment("ada", "released"), enrolment("bob", "queued", all_or_nothing=True)),
        turns=(Turn(KEY, "bob", 2, 1), Turn(other, "bob", 1, 1)),
    )
    assert no_seat_idle(story).holds
    assert not no_seat_idle(replace(story, pools=(pools[0], replace(pools[1], taken=0)))).holds


def test_a_party_that_became_small_enough_after_the_start_waits_rightly() -> None:
    """Its companion withdrew when the session had begun: the seat that was free before is of no use any more."""
    party = (
        enrolment("bob", "queued"),
        replace(enrolment("eve", "released"), places=(Place("eve", KEY, "released", "bob"),)),
    )
    withdrew = changed("eve", "released", 5, "cancellation", "withdrawal of eve")
    late = replace(withdrew, attributes={**withdrew.attributes, "time": AFTER.isoformat()})
    story = _idle(enrolments=(enrolment("ada", "released"), *party), counters=(Counter(KEY, 5, 0, 1),))
    assert no_seat_idle(replace(story, facts=(*FACTS[:6], late))).holds
    assert not no_seat_idle(replace(story, facts=(*FACTS[:6], withdrew))).holds


def test_a_cancelled_session_has_no_seats_to_wait_for() -> None:
    """It will not take place."""
    assert no_seat_idle(_idle(sessions={KEY: Offered(START, cancelled=True)})).holds


def test_a_promotion_after_the_start_is_found() -> None:
    """An invitation to a meeting that is under way helps nobody."""
    verdict = nobody_promoted_late(told(invitations=(invitation("bob", asked_at=AFTER),)))
    assert [one.subject for one in verdict.offences] == [f"bob {'/'.join(KEY)}"]


def test_what_was_told_after_the_figures_were_read_is_left_out() -> None:
    """An audit of a system at work must judge like with like."""
    early = told(counters=(Counter(KEY, version=4, confirmed=0, queued=2),))
    assert nobody_promoted_late(early).cases == 0


def test_a_stream_without_its_beginning_proves_nothing_about_turns() -> None:
    """What is not judged is said, not passed off as fine."""
    assert served_in_turn(replace(_overtaking(), whole=False)).remarks
    assert no_seat_idle(_idle(whole=False)).remarks


def test_the_true_story_holds() -> None:
    """An audit that cries wolf is soon not run any more."""
    promises = (lists_whole, served_in_turn, no_seat_idle, nobody_promoted_late)
    assert all(promise(TRUE_STORY).holds for promise in promises)
