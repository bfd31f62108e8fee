"""When a participant gets an invitation, a new one, a withdrawal, or nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instroom_contracts.notification import InviteFailed, InviteSent
from services.notification.domain.delivery import Outcome
from services.notification.domain.invitation import Invitation
from services.notification.domain.inviting import asked, finished, judged
from services.notification.domain.meeting import Meeting
from tests.unit.notification.builders import (
    ACCEPTED,
    ENDS,
    NOW,
    ORIGIN,
    STARTS,
    TERMS,
    after,
    invitation,
    meeting,
    recipient,
    request,
    sending,
    sent,
    session,
)

DATELESS = meeting(session=session(starts_at=None, ends_at=None))
MOVED = meeting(session=session(starts_at=STARTS + timedelta(days=7), ends_at=ENDS + timedelta(days=7)))
OFF = meeting(called_off=True)
LATER = Outcome("try-later", "server-unreachable")
SILENCE = Outcome("silence", "outcome-unknown")
REFUSED = Outcome("refused", "address-refused")


def withdraw(known: Invitation | None, sequence: int = 1, of: Meeting | None = None) -> Invitation:
    """Ask for the withdrawal of an invitation."""
    return asked(known, request("CANCEL", sequence), of or meeting(), ORIGIN, NOW)


def refresh(known: Invitation, of: Meeting) -> Invitation:
    """Let a session's new details reach an invitation."""
    return judged(known, of, NOW)


def about(invitation: Invitation) -> tuple[str, str, int]:
    """Return what is to be sent, and how far it is."""
    return invitation.delivery.state, invitation.mail.method, invitation.mail.sequence


def test_an_invitation_is_due_at_once() -> None:
    """The session has a date and a link: there is nothing to wait for."""
    assert about(invitation()) == ("pending", "REQUEST", 0)


@pytest.mark.parametrize(
    "unknown",
    [
        Meeting(),
        DATELESS,
        meeting(session=session(ends_at=None)),
        meeting(join_url=None),
    ],
    ids=["no edition yet", "no date", "no end", "online without a link"],
)
def test_an_invitation_waits_for_what_a_participant_must_know(unknown: Meeting) -> None:
    """An entry without a time or a link is worse than one that comes later."""
    waiting = invitation(unknown)
    assert waiting.delivery.state == "waiting"
    assert refresh(waiting, meeting()).delivery.state == "pending"


def test_a_session_on_site_needs_no_link() -> None:
    """There is a door to go through."""
    assert invitation(meeting(session=session(form="on-site"), join_url=None)).delivery.state == "pending"


def test_no_invitation_for_a_session_that_had_begun() -> None:
    """Nobody can go there any more; the time of the request counts, not the time of reading it."""
    assert invitation(asked_at=STARTS).delivery.state == "dropped"
    assert invitation(asked_at=STARTS - timedelta(seconds=1)).delivery.state == "pending"


def test_a_date_that_turns_out_to_be_past_drops_the_invitation() -> None:
    """It waited for a date, and the date is one that had gone by when it was asked for."""
    waiting = invitation(DATELESS, asked_at=STARTS + timedelta(days=1))
    assert refresh(waiting, meeting()).delivery.state == "dropped"
    assert refresh(refresh(waiting, meeting()), MOVED).delivery.state == "pending"


def test_a_request_that_comes_again_changes_nothing() -> None:
    """One invitation per place, whatever is redelivered."""
    assert asked(sent(), request(), meeting(), ORIGIN, NOW) == sent()


def test_a_request_that_comes_after_its_withdrawal_changes_nothing() -> None:
    """Two replicas may take them in the wrong order; the participant must not end up with an entry."""
    withdrawn = withdraw(None)
    assert about(withdrawn)[0] == "dropped"
    assert asked(withdrawn, request(sequence=0), meeting(), ORIGIN, NOW) == withdrawn


def test_withdrawing_a_sent_invitation_raises_its_sequence() -> None:
    """A calendar ignores a CANCEL that is not newer (RFC 5546)."""
    assert about(withdraw(sent())) == ("pending", "CANCEL", 1)


@pytest.mark.parametrize("unsent", [invitation(), invitation(DATELESS), after(invitation(), LATER)])
def test_withdrawing_an_unsent_invitation_sends_nothing(unsent: Invitation) -> None:
    """Who never got an invitation must not get its withdrawal."""
    assert about(withdraw(unsent))[:2] == ("dropped", "CANCEL")


def test_withdrawing_an_uncertain_invitation_sends_the_withdrawal() -> None:
    """The participant may have the entry."""
    assert about(withdraw(after(invitation(), SILENCE))) == ("pending", "CANCEL", 1)


def test_no_withdrawal_for_a_session_that_has_begun() -> None:
    """An entry of the past is left alone."""
    late = asked(sent(), request("CANCEL", 1, asked_at=STARTS), meeting(), ORIGIN, NOW)
    assert late.delivery.state == "dropped"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (ACCEPTED, ("pending", "CANCEL", 1)),
        (SILENCE, ("pending", "CANCEL", 1)),
        (LATER, ("dropped", "CANCEL", 1)),
        (REFUSED, ("dropped", "CANCEL", 1)),
        (Outcome("overtaken"), ("dropped", "CANCEL", 1)),
    ],
)
def test_withdrawing_while_sending_depends_on_how_that_ends(outcome: Outcome, expected: tuple[str, str, int]) -> None:
    """What is on the wire cannot be changed; only its end tells whether there is something to take back."""
    underway = withdraw(sending(invitation()))
    assert underway.delivery.state == "sending"
    assert about(finished(underway, meeting(), outcome, NOW, TERMS)[0]) == expected


def test_somebody_who_was_withdrawn_can_be_invited_again() -> None:
    """The sequence goes on rising, so that calendars take the new entry."""
    again = asked(after(withdraw(sent())), request(sequence=2), meeting(), ORIGIN, NOW)
    assert about(again) == ("pending", "REQUEST", 2)
    assert not again.on_calendar


def test_a_changed_date_is_sent_anew_with_a_higher_sequence() -> None:
    """The entry in the participant's calendar would be wrong."""
    assert about(refresh(sent(), MOVED)) == ("pending", "REQUEST", 1)


def test_a_changed_date_costs_an_unsent_invitation_nothing() -> None:
    """It is rendered when it is sent, with the newest details."""
    assert about(refresh(invitation(), MOVED)) == about(invitation())
    retried = after(invitation(), LATER)
    assert (about(refresh(retried, MOVED)), refresh(retried, MOVED).delivery) == (about(retried), retried.delivery)


def test_a_date_that_changes_while_sending_is_sent_after() -> None:
    """The mail on the wire may show the old time."""
    moved = refresh(sending(invitation()), MOVED)
    assert about(after(moved, of=MOVED)) == ("pending", "REQUEST", 1)


def test_two_changes_while_sending_are_sent_once() -> None:
    """Only what is true now is worth a mail, and none at all where that is what was sent."""
    assert about(after(refresh(refresh(sending(invitation()), OFF), MOVED), of=MOVED)) == ("pending", "REQUEST", 1)
    assert about(after(refresh(refresh(sending(invitation()), MOVED), meeting()))) == ("sent", "REQUEST", 0)


def test_a_change_that_is_undone_before_its_mails_went_out_costs_none() -> None:
    """A mail server was away while a session moved there and back; or it was called off by mistake."""
    for change in (MOVED, OFF, DATELESS):
        assert about(refresh(refresh(sent(), change), meeting())) == about(sent())


def test_a_date_that_is_withdrawn_takes_the_entry_away_until_there_is_another() -> None:
    """A calendar that goes on showing it sends people to a closed door."""
    withdrawal = refresh(sent(), DATELESS)
    assert (about(withdrawal), withdrawal.mail.cause) == (("pending", "CANCEL", 1), "session-postponed")
    waiting = after(withdrawal, of=DATELESS)
    assert about(waiting) == ("waiting", "REQUEST", 2)
    assert about(refresh(waiting, MOVED)) == ("pending", "REQUEST", 2)


def test_a_date_that_is_withdrawn_before_anybody_had_it_is_waited_for() -> None:
    """There is nothing to take away."""
    assert about(refresh(invitation(), DATELESS)) == ("waiting", "REQUEST", 0)


def test_a_link_that_is_withdrawn_leaves_the_entry_without_it() -> None:
    """The old one leads nowhere, and the hours are true still."""
    assert about(refresh(sent(), meeting(join_url=None))) == ("pending", "REQUEST", 1)


def test_a_session_that_is_reinstated_invites_anew_who_has_a_place_still() -> None:
    """They were told that it would not take place."""
    again = refresh(after(refresh(sent(), OFF), of=OFF), meeting())
    assert (about(again), again.on_calendar) == (("pending", "REQUEST", 2), False)
    assert refresh(withdraw(after(refresh(sent(), OFF), of=OFF), of=OFF), meeting()).delivery.state == "sent"


def test_somebody_who_signed_off_after_the_start_is_never_written_to_again() -> None:
    """Nor when the session moves after all, back or forth: an entry of the past is left alone."""
    late = asked(sent(), request("CANCEL", 1, asked_at=STARTS), meeting(), ORIGIN, NOW)
    for change in (MOVED, OFF, DATELESS, meeting(join_url="https://meet.example.org/new")):
        assert refresh(late, change).delivery.state == "dropped"


def test_an_entry_in_the_future_is_withdrawn_whatever_the_session_came_to() -> None:
    """A session was brought forward, and somebody signed off before they were told: they would come a week late."""
    brought_forward = meeting(session=session(starts_at=NOW, ends_at=NOW + timedelta(hours=1)))
    signed_off = asked(sent(), request("CANCEL", 1, asked_at=NOW + timedelta(hours=2)), brought_forward, ORIGIN, NOW)
    assert about(signed_off) == ("pending", "CANCEL", 1)


def test_a_cancelled_session_is_withdrawn_once_whoever_says_so_first() -> None:
    """The catalogue tells of the session, enrolment of each place in it; either may come first."""
    gone = request("CANCEL", 1, cause="session-cancelled", asked_at=ENDS)
    told_by_enrolment = asked(sent(), gone, meeting(), ORIGIN, NOW)
    assert (about(told_by_enrolment), told_by_enrolment.mail.cause) == (("pending", "CANCEL", 1), "session-cancelled")
    assert about(refresh(told_by_enrolment, OFF)) == ("pending", "CANCEL", 1)
    told_by_catalogue = after(refresh(sent(), OFF), of=OFF)
    assert about(asked(told_by_catalogue, gone, OFF, ORIGIN, NOW)) == ("sent", "CANCEL", 1)


def test_a_place_that_is_regained_before_its_withdrawal_went_out_costs_no_mail() -> None:
    """The participant's calendar is as it should be."""
    assert about(asked(withdraw(sent()), request(sequence=2), meeting(), ORIGIN, NOW)) == ("sent", "REQUEST", 0)


def test_of_two_requests_with_one_sequence_the_invitation_is_newer() -> None:
    """A withdrawal raises the sequence, so one that comes again after the place was regained is the older one."""
    regained = asked(withdraw(sent()), request(sequence=1), meeting(), ORIGIN, NOW)
    assert regained.wanted
    assert asked(regained, request("CANCEL", 1), meeting(), ORIGIN, NOW) == regained


def test_an_uncertain_invitation_is_held_until_there_is_something_to_say() -> None:
    """Sending it again may be a second mail that says the same; saying nothing of a new time would be worse."""
    held = after(invitation(), SILENCE)
    assert refresh(held, meeting()) == held
    assert about(refresh(held, MOVED)) == ("pending", "REQUEST", 1)
    assert about(refresh(refresh(held, MOVED), meeting())) == ("pending", "REQUEST", 1), "who knows which it shows"


def test_a_new_address_is_written_to() -> None:
    """The invitation is no use where it went."""
    corrected = request(sequence=1, participant=recipient(email="robin@example.org"))
    assert about(asked(sent(), corrected, meeting(), ORIGIN, NOW)) == ("pending", "REQUEST", 1)


def test_what_is_not_known_yet_changes_nothing_of_what_was_sent() -> None:
    """No session is no session without a date."""
    assert refresh(sent(), Meeting()) == sent()


def test_a_session_that_is_called_off_is_withdrawn_from_those_who_have_it() -> None:
    """And from nobody else."""
    assert about(refresh(sent(), OFF)) == ("pending", "CANCEL", 1)
    assert refresh(sent(), OFF).mail.cause == "session-cancelled"
    assert about(refresh(invitation(DATELESS), OFF))[0] == "dropped"


def test_a_withdrawal_is_sent_once() -> None:
    """The enrolment service and the catalogue may both ask for it."""
    off = refresh(sent(), OFF)
    assert refresh(off, OFF) == off
    assert refresh(withdraw(sent()), OFF) == withdraw(sent())


def test_nobody_is_invited_to_what_is_called_off() -> None:
    """The request may have crossed the news."""
    assert invitation(OFF).delivery.state == "dropped"


def test_a_sent_invitation_is_told_with_its_message_id() -> None:
    """An integrator can find the mail in a mail server's log."""
    _, facts = finished(sending(invitation()), meeting(), ACCEPTED, NOW, TERMS)
    (fact,) = facts
    assert isinstance(fact, InviteSent)
    assert (fact.method, fact.sequence, fact.message_id) == ("REQUEST", 0, "<invite-1.0@mail.example.org>")


@pytest.mark.parametrize(("outcome", "reason"), [(REFUSED, "address-refused"), (SILENCE, "outcome-unknown")])
def test_what_did_not_arrive_for_certain_is_told(outcome: Outcome, reason: str) -> None:
    """The course desk can pick up the telephone."""
    _, facts = finished(sending(invitation()), meeting(), outcome, NOW, TERMS)
    (fact,) = facts
    assert isinstance(fact, InviteFailed)
    assert (fact.reason, fact.attempts) == (reason, 1)


def test_an_attempt_that_will_be_repeated_is_not_told() -> None:
    """Nothing has been decided yet."""
    assert finished(sending(invitation()), meeting(), LATER, NOW, TERMS)[1] == ()


def test_message_ids_stay_and_differ() -> None:
    """A mail keeps its id at every attempt, so that a mail program can drop a duplicate; a newer one has its own."""
    retried = after(invitation(), LATER)
    assert retried.message_id("d.example.org") == invitation().message_id("d.example.org")
    assert refresh(sent(), MOVED).message_id("d.example.org") != sent().message_id("d.example.org")


def test_twins_in_sister_editions_have_entries_of_their_own() -> None:
    """A session that is caught up elsewhere has the same session id, and must not overwrite the missed one."""
    assert invitation().uid("d.example.org") != invitation(edition_id="week-zuid").uid("d.example.org")


STEPS = st.sampled_from(["ask", "withdraw", "move", "off", "dateless", "send", "silence", "later", "refuse"])
OUTCOMES = {"send": ACCEPTED, "silence": SILENCE, "later": LATER, "refuse": REFUSED}
DETAILS = {"move": MOVED, "off": OFF, "dateless": DATELESS}


@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_sequences_rise_and_no_withdrawal_comes_unasked(steps: list[str]) -> None:
    """A calendar takes every mail that arrives, and nobody gets the withdrawal of what they never got."""
    known, details, may_hold, last = invitation(), meeting(), False, -1
    for turn, step in enumerate(steps, start=1):
        if step in DETAILS:
            details = DETAILS[step]
            known = refresh(known, details)
        elif step in ("ask", "withdraw"):
            known = asked(known, request("REQUEST" if step == "ask" else "CANCEL", turn), details, ORIGIN, NOW)
        elif known.delivery.state in ("pending", "retry"):
            mail, known = known.mail, after(known, OUTCOMES[step], details)
            if step in ("send", "silence"):
                assert mail.sequence > last
                assert mail.method == "REQUEST" or may_hold
                last, may_hold = mail.sequence, mail.method == "REQUEST" or step == "silence"


def test_a_moved_session_reaches_somebody_whose_mail_failed() -> None:
    """A mailbox that was full may take the new mail."""
    assert about(refresh(after(invitation(), REFUSED), MOVED)) == ("pending", "REQUEST", 1)


def test_contact_data_is_that_of_the_newest_request() -> None:
    """A corrected address must be used."""
    corrected = request(sequence=1, participant=request().participant.model_copy(update={"email": "robin@example.org"}))
    assert asked(invitation(), corrected, meeting(), ORIGIN, NOW).participant.email == "robin@example.org"
