"""Invitations: one per place, sent once."""

from __future__ import annotations

from dataclasses import replace

from cli.audit.evidence import Evidence, Offered
from cli.audit.mails import UNTOLD, one_invitation_each, sent_once
from tests.unit.cli.audit.story import (
    AFTER,
    BEFORE,
    FACTS,
    KEY,
    NOW,
    PUBLISHED,
    START,
    TRUE_STORY,
    invitation,
    sent,
    told,
)

BOB = "bob leeratelier/ronde-1"


def test_a_confirmed_place_without_an_invitation_is_found() -> None:
    """The participant would not know where to go."""
    verdict = one_invitation_each(told(invitations=()))
    assert [(one.subject, one.detail) for one in verdict.offences] == [(BOB, "is confirmed and has 0 invitations")]


def test_a_confirmed_place_with_two_invitations_is_found() -> None:
    """Two entries in a calendar are a duplicate mail."""
    assert not one_invitation_each(told(invitations=(invitation("bob"), invitation("bob")))).holds


def test_an_invitation_may_wait_or_be_held() -> None:
    """A session without a date has its invitations ready; a mail that failed is listed for the operator."""
    assert one_invitation_each(told(invitations=(invitation("bob", state="waiting"),))).holds
    held = one_invitation_each(told(invitations=(invitation("bob", state="uncertain"),)))
    assert held.holds
    assert held.remarks == ("1 uncertain: see `instroom mails list`",)
    assert one_invitation_each(told(invitations=(invitation("bob", state="held"),))).holds


def test_an_invitation_that_cannot_be_read_is_shown_to_the_operator() -> None:
    """It is set aside, and nobody is mailed before somebody mends it."""
    unreadable = one_invitation_each(told(invitations=(invitation("bob", state="unreadable"),)))
    assert unreadable.holds
    assert unreadable.remarks == ("1 unreadable: see `instroom mails list`",)


def test_an_invitation_may_be_dropped_only_where_the_session_had_begun() -> None:
    """Nobody is invited to the past; anybody else is."""
    dropped = invitation("bob", state="dropped")
    assert not one_invitation_each(told(invitations=(dropped,))).holds
    assert one_invitation_each(told(invitations=(invitation("bob", state="dropped", asked_at=AFTER),))).holds


def test_a_place_in_a_cancelled_session_needs_no_invitation() -> None:
    """The notification service withdraws those itself."""
    withdrawn = invitation("bob", method="CANCEL", sequence=1, state="pending")
    assert one_invitation_each(told(invitations=(withdrawn,), sessions={KEY: Offered(START, cancelled=True)})).holds


def test_a_place_in_a_session_without_a_date_may_have_its_invitation_taken_back() -> None:
    """The date was withdrawn after the invitation went out, and the mail server is away."""
    withdrawn = invitation("bob", method="CANCEL", sequence=1, state="pending")
    assert not one_invitation_each(told(invitations=(withdrawn,))).holds
    assert one_invitation_each(told(invitations=(withdrawn,), sessions={KEY: Offered(None, cancelled=False)})).holds


def outlived() -> Evidence:
    """Tell the story of a session to come, and of an invitation to it that is left of a place."""
    session = {**PUBLISHED.data["sessions"][0], "startsAt": None}
    return told(
        sessions={KEY: Offered(None, cancelled=False)},
        facts=(type(PUBLISHED)(PUBLISHED.attributes, {**PUBLISHED.data, "sessions": [session]}), *FACTS[1:]),
        invitations=(invitation("ada"), invitation("bob")),
    )


def test_an_invitation_that_outlives_its_place_is_found() -> None:
    """Somebody who cancelled must not find the session in their calendar."""
    offences = one_invitation_each(outlived()).offences
    assert [one.detail for one in offences] == ["was given back and is still invited to"]


def test_one_that_is_about_to_be_withdrawn_is_not_held_against_it() -> None:
    """After an upgrade from 0.2.0 notification is told of ends in portions; that takes a minute where they are many."""
    under_way = replace(outlived(), unfinished=frozenset([UNTOLD]))
    verdict = one_invitation_each(under_way)
    assert verdict.holds
    assert verdict.remarks == ("places given back are not judged, while what 0.2.0 left invited is being withdrawn",)
    assert not one_invitation_each(told(unfinished=under_way.unfinished, invitations=())).holds, "confirmed places are"


def test_an_invitation_to_the_past_stays() -> None:
    """A place given back after the start has an entry in the calendar of somebody who was there."""
    assert NOW > START > BEFORE
    assert one_invitation_each(told(invitations=(invitation("ada"), invitation("bob")))).holds


def test_an_invitation_sent_twice_is_found() -> None:
    """A participant gets an invitation once."""
    verdict = sent_once(told(facts=(*FACTS, sent("bob", id="again"))))
    assert [(one.subject, one.detail) for one in verdict.offences] == [
        (BOB, "REQUEST with sequence 0 was sent 2 times")
    ]


def test_a_fact_told_again_is_no_second_mail() -> None:
    """After a crash `InviteSent` may come twice, under one id."""
    assert sent_once(told(facts=(*FACTS, FACTS[-1]))).holds


def test_a_mail_that_was_sent_and_never_told_is_found() -> None:
    """Integrators rely on `InviteSent`."""
    assert [one.subject for one in sent_once(told(facts=FACTS[:-1])).offences] == [BOB]


def test_the_true_story_holds() -> None:
    """An audit that cries wolf is soon not run any more."""
    assert one_invitation_each(TRUE_STORY).holds
    assert sent_once(TRUE_STORY).holds
