"""Outboxes and dead letters."""

from __future__ import annotations

from cli.audit.evidence import Outbox
from cli.audit.leftovers import no_dead_letters, outboxes_empty
from tests.unit.cli.audit.story import AFTER, BEFORE, START, TRUE_STORY, told


def test_facts_that_stay_in_an_outbox_are_found() -> None:
    """A relay that stands still tells nobody that it does."""
    verdict = outboxes_empty(told(outboxes=(Outbox("enrolment", 1, BEFORE, ("instroom.events",)),)), began=START)
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        ("enrolment", f"1 commit not told on instroom.events, since {BEFORE}")
    ]


def test_facts_that_came_after_the_audit_began_are_on_their_way() -> None:
    """In a system at work an outbox is never empty for long."""
    assert outboxes_empty(told(outboxes=(Outbox("enrolment", 3, AFTER),)), began=START).holds


def test_a_dead_letter_is_found() -> None:
    """The broker gave up on a message that it had confirmed."""
    verdict = no_dead_letters(told(dead_letters={"enrolment.enrolment-requested.v1.dead": 2}))
    assert [one.detail for one in verdict.offences] == ["holds 2 messages that nobody decided"]


def test_the_true_story_holds() -> None:
    """An audit that cries wolf is soon not run any more."""
    assert no_dead_letters(TRUE_STORY).holds
    assert outboxes_empty(TRUE_STORY, began=START).holds
