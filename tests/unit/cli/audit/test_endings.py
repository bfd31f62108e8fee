"""Ends that were forgotten."""

from __future__ import annotations

from dataclasses import replace

from cli.audit.endings import nobody_locked_out, nothing_held_in_cancelled
from cli.audit.evidence import Evidence, Offered
from cli.audit.seats import one_live_enrolment
from cli.audit.waiting import no_seat_idle
from tests.unit.cli.audit.story import EDITION, KEY, POOL, START, TRUE_STORY, enrolment, told


def cancelled() -> Evidence:
    """Tell the story of a session that is cancelled with one seated and one waiting."""
    return told(sessions={KEY: Offered(START, cancelled=True)})


def test_a_place_in_what_is_cancelled_is_found() -> None:
    """The seat may be somebody else's, and whoever waits does so in vain."""
    verdict = nothing_held_in_cancelled(cancelled())
    assert [offence.detail for offence in verdict.offences] == [
        "is confirmed; the session is cancelled",
        "is queued; the session is cancelled",
    ]


def test_a_place_in_what_no_edition_has_any_more_is_found() -> None:
    """Nobody can look up where to be, or that it is off."""
    verdict = nothing_held_in_cancelled(told(sessions={}))
    assert [offence.detail for offence in verdict.offences] == [
        "is confirmed; the session is in no edition any more",
        "is queued; the session is in no edition any more",
    ]


def test_one_whose_end_is_under_way_is_not_held_against_it() -> None:
    """Ten thousand places take a minute."""
    verdict = nothing_held_in_cancelled(replace(cancelled(), unfinished=frozenset([EDITION])))
    assert verdict.holds
    assert verdict.remarks == ("2 places on the way to their end",)


def test_an_enrolment_without_a_place_that_keeps_its_participant_out_is_named() -> None:
    """With the command that mends it; that it is registered as live and is not says the same, and is not said too."""
    stranded = replace(enrolment("dan", "released"), places=())
    kept = told(enrolments=(*TRUE_STORY.enrolments, stranded), live={**TRUE_STORY.live, "digest of dan": "dan"})
    verdict = nobody_locked_out(kept)
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        ("dan", "has no place in leeratelier, and keeps its participant from enrolling")
    ]
    assert "`instroom free`" in verdict.remedy
    assert one_live_enrolment(kept).holds


def test_an_enrolment_that_does_not_exist_and_keeps_its_participant_out_is_named() -> None:
    """No command ends what is not there."""
    kept = told(live={**TRUE_STORY.live, "digest of dan": "dan"})
    assert [(one.subject, one.detail) for one in nobody_locked_out(kept).offences] == [
        ("dan", "does not exist, and keeps its participant from enrolling: docs/operating.md, AuditBroken")
    ]


def test_seats_of_a_list_that_is_being_served_are_not_idle() -> None:
    """The next portion gives them."""
    bigger = replace(TRUE_STORY.pools[0], capacity=2, limit=2)
    assert not no_seat_idle(told(pools=(bigger,), now=START.replace(day=1, hour=0))).holds
    assert no_seat_idle(told(pools=(bigger,), now=START.replace(day=1, hour=0), unfinished=frozenset([POOL]))).holds
