"""Answers, the form of facts, and the order of versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.audit.answers import one_answer_each, one_form_each, versions_in_order
from cli.audit.evidence import Counter
from cli.facts import Fact
from instroom_contracts.intake import EnrolmentCancellationRequested
from tests.unit.cli.audit.story import BEFORE, FACTS, KEY, TRUE_STORY, decided, spent, told
from tests.unit.cli.builders import ASKER, fact


def test_a_request_without_an_answer_is_found() -> None:
    """Whoever asked waits for ever otherwise."""
    verdict = one_answer_each(told(facts=[one for one in FACTS if one.id != "answer to cas"]))
    assert [offence.subject for offence in verdict.offences] == [f"{ASKER} request of cas"]


def test_a_request_with_two_answers_is_found() -> None:
    """Two answers contradict each other sooner or later."""
    verdict = one_answer_each(told(facts=(*FACTS, decided("ada", "queued", 9, id="another"))))
    assert [offence.subject for offence in verdict.offences] == [f"{ASKER} request of ada"]


def test_an_answer_that_is_told_again_counts_once() -> None:
    """After a crash a fact may come twice under its id: at least once is promised, not exactly once."""
    verdict = one_answer_each(told(facts=(*FACTS, decided("ada", "confirmed", 1))))
    assert verdict.holds


def test_another_intake_event_that_led_to_nothing_is_found() -> None:
    """Every other request is answered too, by whatever fact it causes."""
    lost = spent("lost", EnrolmentCancellationRequested)
    assert [one.subject for one in one_answer_each(told(spent=(*TRUE_STORY.spent, lost))).offences] == [f"{ASKER} lost"]


def test_a_parked_request_is_listed_and_not_judged() -> None:
    """It waits for its edition; its answer comes within 30 s."""
    parked = spent("early")
    verdict = one_answer_each(told(spent=(*TRUE_STORY.spent, parked), parked=frozenset({parked.key})))
    assert verdict.holds
    assert verdict.remarks == (f"1 wait for their edition: {parked.key}",)


def test_requests_from_before_the_stream_are_not_judged() -> None:
    """The stream keeps facts for so long; what it has dropped proves nothing."""
    lost = replace(spent("of old"), at=BEFORE.replace(year=2019))
    verdict = one_answer_each(told(spent=(*TRUE_STORY.spent, lost), whole=False))
    assert verdict.holds
    assert verdict.remarks == ("1 are older than the replay stream and were not judged",)


def test_a_fact_told_again_in_another_form_is_found() -> None:
    """Integrators keep facts by id: the second form would be lost or overwrite the first."""
    verdict = one_form_each(told(facts=(*FACTS, decided("ada", "queued", 1))))
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        ("enrolment-queued answer to ada", "of leeratelier was told again with another places, type")
    ]
    assert one_form_each(told(facts=(*FACTS, FACTS[1]))).holds


def test_versions_that_go_backwards_are_found() -> None:
    """A subscriber that keeps the newest version would throw the later fact away."""
    swapped = (FACTS[0], FACTS[2], FACTS[1], *FACTS[3:])
    assert [one.detail for one in versions_in_order(told(facts=swapped)).offences] == [
        "version 1 is told after version 2"
    ]


def test_a_version_that_was_never_told_is_found() -> None:
    """A gap is a fact that got lost between the database and the bus."""
    verdict = versions_in_order(told(counters=(Counter(KEY, version=7, confirmed=1, queued=1),)))
    assert [one.detail for one in verdict.offences] == ["2 of 7 versions were never told: 6, 7"]


def counted(one: Fact, confirmed: int, queued: int) -> Fact:
    """Return a fact that says how many places its session has."""
    data = {**one.data, "confirmed": confirmed, "queued": queued}
    if places := one.data.get("places"):
        data = {**one.data, "places": [{**place, "confirmed": confirmed, "queued": queued} for place in places]}
    return fact(one.name, data, id=one.id)


COUNTS = ((1, 0), (1, 1), (1, 2), (0, 2), (1, 1))
"""After each fact of a place in the story: ada has the seat, bob and cas wait, ada leaves, bob has it."""
PLACED = [one for one in FACTS if one.name.startswith(("enrolment-", "place-"))]


def test_counts_that_add_up_are_fine() -> None:
    """Also where facts of before did not say any."""
    known = [counted(one, *said) for one, said in zip(PLACED, COUNTS, strict=True)]
    for silent in range(len(PLACED)):
        facts = [*PLACED[:silent], *known[silent:]]
        assert versions_in_order(told(facts=facts)).holds


@pytest.mark.parametrize("wrong", range(1, 5))
@pytest.mark.parametrize("by", [(1, 0), (0, 1), (-1, 1)])
def test_a_count_that_was_told_wrong_is_found(wrong: int, by: tuple[int, int]) -> None:
    """Whoever shows seats believes the newest fact."""
    said = [(one[0] + by[0] * (n == wrong), one[1] + by[1] * (n == wrong)) for n, one in enumerate(COUNTS)]
    facts = [counted(one, *figures) for one, figures in zip(PLACED, said, strict=True)]
    (offence,) = versions_in_order(told(facts=facts)).offences
    assert offence.detail.startswith(
        f"version {wrong + 1} says {said[wrong][0]} confirmed, {said[wrong][1]} queued; by"
    )


def test_what_the_stream_no_longer_holds_is_no_offence() -> None:
    """Whether ada gave up a seat or a turn stands in a fact that is gone."""
    facts = [counted(one, *said) for one, said in zip(PLACED[1:], COUNTS[1:], strict=True)]
    assert versions_in_order(told(facts=facts, whole=False)).holds


def test_companions_places_count_among_the_versions() -> None:
    """A companion's place has a version of its own, told in the same answer."""
    data = dict(FACTS[1].data)
    companion = {"enrolmentId": "eve", "places": [{**data["places"][0], "sessionVersion": 2}]}
    together = fact("enrolment-confirmed", {**data, "companions": [companion]})
    assert versions_in_order(told(facts=[together], counters=(Counter(KEY, 2, 2, 0),))).holds


def test_the_true_story_holds() -> None:
    """An audit that cries wolf is soon not run any more."""
    assert all(promise(TRUE_STORY).holds for promise in (one_answer_each, one_form_each, versions_in_order))


def test_an_answer_that_is_told_again_when_the_stream_has_lost_it_is_no_news() -> None:
    """Asked for after 400 days it comes behind versions that are far higher."""
    ancient = fact("enrolment-confirmed", FACTS[1].data, id="ancient", time="2019-05-20T09:30:00Z")
    trimmed = told(facts=(*FACTS, ancient), whole=False)
    assert versions_in_order(trimmed).holds
    assert not versions_in_order(told(facts=(*FACTS, ancient))).holds, "a whole stream has every first telling"
