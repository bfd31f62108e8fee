"""How often a mail is tried, and when it is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from services.notification.domain.delivery import (
    LONGEST_STOP,
    Claim,
    Outcome,
    Result,
    concluded,
    is_news,
    left_behind,
)
from tests.unit.notification.builders import ACCEPTED, NOW, TERMS, in_state

LATER = Outcome("try-later", "server-unreachable")


def test_a_mail_that_the_server_took_is_sent() -> None:
    """Only the server's word counts."""
    assert concluded(in_state("sending"), ACCEPTED, NOW, TERMS).state == "sent"


def test_pauses_double_up_to_the_longest() -> None:
    """A mail server in trouble is not helped by being asked all the time."""
    assert [TERMS.pause(attempts).total_seconds() for attempts in (1, 2, 3, 4, 5000)] == [30, 60, 100, 100, 100]


def test_a_mail_that_was_not_taken_is_due_after_a_pause() -> None:
    """Greylisting and full disks pass."""
    delivery = concluded(in_state("sending"), LATER, NOW, TERMS)
    assert (delivery.state, delivery.attempts, delivery.due) == ("retry", 1, NOW + timedelta(seconds=30))
    assert delivery.trouble == "server-unreachable"


def test_a_mail_is_given_up_when_its_pauses_would_come_to_more_than_the_patience() -> None:
    """Somebody must get to know that a mail does not come through: here after 30, 60 and 100 seconds."""
    assert concluded(in_state("sending", attempts=2), LATER, NOW, TERMS).state == "retry"
    assert concluded(in_state("sending", attempts=3), LATER, NOW, TERMS).state == "failed"


def test_a_final_refusal_gives_up_at_once() -> None:
    """A mailbox that does not exist will not exist tomorrow."""
    assert concluded(in_state("sending"), Outcome("refused", "address-refused"), NOW, TERMS).state == "failed"


def test_silence_leaves_a_mail_uncertain() -> None:
    """Sending again could be a second invitation, not sending none: a person decides (RFC 1047)."""
    assert concluded(in_state("sending"), Outcome("silence", "outcome-unknown"), NOW, TERMS).state == "uncertain"


def test_being_overtaken_costs_no_attempt() -> None:
    """Nothing went wrong with the mail."""
    delivery = concluded(in_state("sending", attempts=2), Outcome("overtaken"), NOW, TERMS)
    assert (delivery.state, delivery.attempts) == ("pending", 2)


@pytest.mark.parametrize("result", sorted({*get_args(Result)} - {"silence"}))
def test_every_outcome_ends_the_claim(result: Result) -> None:
    """A claim that stayed would keep others from the mail."""
    claimed = in_state("sending", claim=Claim("token", NOW))
    assert concluded(claimed, Outcome(result), NOW, TERMS).claim is None


def test_an_uncertain_mail_keeps_its_claim_for_the_answer_that_comes_late() -> None:
    """Whoever sent it may only have slept; the attempt counts once."""
    claimed = in_state("sending", claim=Claim("token", NOW, handed_over=True))
    uncertain = concluded(claimed, left_behind(claimed), NOW, TERMS)
    assert (uncertain.state, uncertain.claim, uncertain.attempts) == ("uncertain", claimed.claim, 1)
    assert concluded(uncertain, ACCEPTED, NOW, TERMS) == replace(uncertain, state="sent", trouble=None, claim=None)


@pytest.mark.parametrize(("handed_over", "result"), [(True, "silence"), (False, "try-later")])
def test_what_a_dead_sender_left_is_judged_by_how_far_it_came(handed_over: bool, result: Result) -> None:
    """Past its leave for the dot nobody knows; before it nothing was sent."""
    assert left_behind(in_state("sending", claim=Claim("token", NOW, handed_over))).result == result


def test_a_server_that_turned_us_away_costs_no_attempt() -> None:
    """It was not about the mail."""
    delivery = concluded(in_state("sending", attempts=2), Outcome("turned-away", "server-unreachable"), NOW, TERMS)
    assert (delivery.state, delivery.attempts, delivery.put_back) == ("pending", 2, False)


def test_a_mail_that_is_put_back_is_due_and_remembers_it() -> None:
    """The next refusal counts."""
    delivery = concluded(in_state("sending"), Outcome("put-back", "address-refused"), NOW, TERMS)
    assert (delivery.state, delivery.attempts, delivery.put_back) == ("pending", 1, True)
    assert concluded(delivery, LATER, NOW, TERMS).put_back


def test_silence_about_an_uncertain_mail_is_no_news() -> None:
    """It is listed already; that the server took it after all, or did not, is news."""
    uncertain, silence = in_state("uncertain"), Outcome("silence", "outcome-unknown")
    assert not is_news(uncertain, silence)
    assert is_news(in_state("sending"), silence)
    assert is_news(uncertain, ACCEPTED)


def test_sending_rests_for_a_quarter_of_an_hour_at_most() -> None:
    """Whoever mends the mail server need not tell us, and waits no longer than that."""
    patient = replace(TERMS, longest_pause=timedelta(days=1))
    assert [patient.stop(pauses) for pauses in (1, 2, 50)] == [
        timedelta(seconds=30),
        timedelta(seconds=60),
        LONGEST_STOP,
    ]
