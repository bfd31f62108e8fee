"""Pools, counters and live enrolments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cli.audit.evidence import Counter, Evidence, Offered, Pool
from cli.audit.seats import (
    counters_equal_places,
    no_pool_overbooked,
    no_session_overbooked,
    one_live_enrolment,
    told_is_kept,
)
from tests.unit.cli.audit.story import KEY, POOL, PUBLISHED, START, TRUE_STORY, enrolment, told

BOTH = (enrolment("ada", "confirmed"), enrolment("bob", "confirmed"))
IN_IT = f"({'/'.join(KEY)})"


def kept(**changes: Any) -> list[str]:
    """Return what is found where the pool is kept otherwise."""
    return details(told(pools=(replace(TRUE_STORY.pools[0], **changes),)))


def details(evidence: Evidence) -> list[str]:
    """Return what is said of the pool."""
    offences = no_pool_overbooked(evidence).offences
    assert {offence.subject for offence in offences} == {POOL}
    return [offence.detail for offence in offences]


def test_a_pool_with_more_confirmed_places_than_its_limit_is_overbooked() -> None:
    """This is the promise that a course desk notices first: somebody stands without a chair."""
    assert f"2 places are confirmed, and the limit is 1 {IN_IT}" in details(told(enrolments=BOTH))


def test_a_pool_that_forgot_a_seat_is_found() -> None:
    """A figure that is one too low gives a seat away twice later."""
    assert kept(taken=0) == [f"0 seats are booked as taken, and 1 places are confirmed {IN_IT}"]


def test_a_limit_that_was_raised_without_the_catalogue_is_no_excuse() -> None:
    """More than the capacity may be taken only by who had a seat before there were fewer."""
    assert kept(limit=2) == [f"lets 2 in, with 1 seats and 1 taken {IN_IT}"]
    assert kept(limit=None) == [f"lets None in, with 1 seats and 1 taken {IN_IT}"]
    assert kept(capacity=2, limit=2) == [f"offers 2 seats, and the catalogue 1 {IN_IT}"]


def test_a_pool_that_is_kept_for_other_sessions_than_the_catalogue_says_is_found() -> None:
    """A session that moved without its seats is overbooked, and nobody on its list is ever served."""
    assert kept(sessions=()) == [f"is kept for no session, and the catalogue has it for {IN_IT}"]


def test_a_session_that_moved_without_its_seats_is_found() -> None:
    """As 0.2.0 left it: the new pool knew nothing of who had a seat, and the old one went on counting them."""
    moved = {KEY: Offered(START, cancelled=False, pool="aanbieder:zaal", capacity=1)}
    pools = (TRUE_STORY.pools[0], Pool("aanbieder:zaal", 1, 1, taken=0, waiting=0, sessions=(KEY,)))
    found = {(one.subject, one.detail) for one in no_pool_overbooked(told(sessions=moved, pools=pools)).offences}
    assert found == {
        (POOL, "1 seats are booked as taken, and 0 places are confirmed (no session)"),
        ("aanbieder:zaal", f"0 seats are booked as taken, and 1 places are confirmed {IN_IT}"),
    }


def test_a_session_with_more_places_than_it_ever_had_seats_is_found() -> None:
    """Pool and places may agree on a wrong figure; what was offered is known from the stream."""
    verdict = no_session_overbooked(told(enrolments=BOTH, pools=(Pool(POOL, 2, 2, taken=2, waiting=0),)))
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        ("/".join(KEY), "2 places are confirmed, and the catalogue never offered more than 1")
    ]
    assert no_session_overbooked(told(enrolments=BOTH, whole=False)).remarks


def test_seats_that_were_given_before_a_reduction_are_kept() -> None:
    """Nobody loses a seat because the catalogue offers fewer now."""
    data = {**PUBLISHED.data, "version": 2, "sessions": [{**PUBLISHED.data["sessions"][0], "capacity": 0}]}
    fewer = replace(PUBLISHED, attributes={**PUBLISHED.attributes, "id": "fewer"}, data=data)
    assert no_session_overbooked(told(facts=(*TRUE_STORY.facts, fewer))).holds


def test_places_in_a_pool_that_does_not_exist_are_found() -> None:
    """A place without a pool is counted nowhere."""
    assert "does not exist" in no_pool_overbooked(told(pools=())).offences[0].detail


def test_counters_that_differ_from_the_places_are_found() -> None:
    """Integrators show these figures on their pages."""
    verdict = counters_equal_places(told(counters=(Counter(KEY, 5, confirmed=2, queued=0),)))
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        ("/".join(KEY), "counts 2 confirmed, 0 queued; its places are 1 and 1")
    ]


def test_a_place_that_was_told_otherwise_is_found() -> None:
    """Who was told of a seat comes to sit on it."""
    otherwise = (*TRUE_STORY.enrolments[:2], enrolment("cas", "confirmed"))
    verdict = told_is_kept(told(enrolments=otherwise))
    assert [offence.detail for offence in verdict.offences] == ["is confirmed, and was told as queued"]


def test_a_place_that_was_never_told_is_found() -> None:
    """A fact that got lost leaves no trace but this one."""
    silent = told(facts=[fact for fact in TRUE_STORY.facts if fact.id != "answer to cas"])
    assert [offence.detail for offence in told_is_kept(silent).offences] == ["is queued, and was told as nothing"]
    assert told_is_kept(replace(silent, whole=False)).holds


def test_two_live_enrolments_of_one_participant_are_found() -> None:
    """One participant with two enrolments takes two seats and gets two invitations."""
    twice = (*TRUE_STORY.enrolments, enrolment("dee", "queued", participant="mail of bob"))
    verdict = one_live_enrolment(told(enrolments=twice, live={**TRUE_STORY.live, "digest of dee": "dee"}))
    assert [(offence.subject, offence.detail) for offence in verdict.offences] == [
        ("bob", "the same participant of leeratelier also has dee")
    ]


def test_a_register_that_differs_from_the_enrolments_is_found() -> None:
    """The register decides on `already-enrolled`: who is not in it may enrol twice."""
    half = replace(TRUE_STORY.enrolments[1], state="cancelled")
    ada, _, cas = TRUE_STORY.enrolments
    verdict = one_live_enrolment(told(enrolments=(ada, half, cas), live={"digest of bob": "bob"}))
    assert {(one.subject, one.detail) for one in verdict.offences} == {
        ("bob", "is registered as live and has a place, and is cancelled"),
        ("cas", "is live, and not registered as its participant's"),
    }


def test_the_true_story_holds() -> None:
    """An audit that cries wolf is soon not run any more."""
    promises = (no_pool_overbooked, no_session_overbooked, counters_equal_places, told_is_kept, one_live_enrolment)
    assert all(promise(TRUE_STORY).holds for promise in promises)
