"""When sending rests and begins again, and what becomes of the mails meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from services.notification.domain.delivery import Outcome, Result
from services.notification.domain.standing import Refusal, Standing
from tests.unit.notification.builders import ACCEPTED

MOST = 3
NO = Outcome("refused", "address-refused", code=550)
TURNED_AWAY = Outcome("turned-away", "server-unreachable", "login", code=535)
PROBE = "token"


def refusal(number: int) -> Refusal:
    """Build the refusal of one of several mails to different people."""
    return Refusal(f"n{number}", f"r{number}")


GOOD = Standing()


def after(*outcomes: Outcome, standing: Standing = GOOD, claim: str = "other") -> Standing:
    """Return how we stand after these outcomes, each of another mail to somebody else."""
    for number, outcome in enumerate(outcomes):
        standing = standing.after(outcome, refusal(number), claim, MOST)
    return standing


def at_rest(pauses: int = 1) -> Standing:
    """Build a pause in which one mail is tried."""
    return replace(after(NO, NO, NO), pauses=pauses, probe=PROBE)


def test_so_many_refusals_in_a_row_are_a_server_that_refuses_all() -> None:
    """One or two are addresses that do not exist."""
    assert not after(NO, NO).is_paused
    paused = after(NO, NO, NO)
    assert (paused.is_paused, paused.objection, paused.code) == (True, "everything", 550)
    assert [one.id for one in paused.refusals] == ["n0", "n1", "n2"]


def test_a_mail_that_is_taken_between_makes_them_addresses_again() -> None:
    """The server deals with us, so it meant what it said."""
    assert after(NO, NO, ACCEPTED, NO, NO) == replace(after(NO, NO), refusals=(refusal(3), refusal(4)))
    assert after(NO, NO, ACCEPTED) == Standing()


def test_a_server_that_would_take_others_is_as_good_as_one_that_took_another() -> None:
    """However many addresses in a row do not exist, and whether sending rests or not."""
    about_the_address = replace(NO, takes_others=True)
    assert after(*[about_the_address] * 20) == Standing()
    assert after(NO, NO, about_the_address) == Standing()
    assert after(about_the_address, standing=at_rest()) == Standing()


def test_one_address_refused_often_is_one_address() -> None:
    """Somebody with a misspelt address may be enrolled in a dozen sessions."""
    standing = Standing()
    for number in range(20):
        standing = standing.after(NO, replace(refusal(number), recipient="robin"), "other", MOST)
    assert len(standing.refusals) == 1
    assert not standing.is_paused


def test_a_mail_that_was_put_back_and_is_refused_again_is_about_its_address() -> None:
    """The server has taken another since, or sending would still rest."""
    standing = GOOD
    for _ in range(20):
        standing = standing.after(NO, None, "other", MOST)
    assert standing == GOOD


def test_a_server_that_will_not_deal_with_us_is_enough_once() -> None:
    """A refused login never is about a recipient."""
    paused = after(TURNED_AWAY)
    assert (paused.is_paused, paused.objection, paused.code) == (True, "login", 535)


@pytest.mark.parametrize("outcome", [NO, TURNED_AWAY])
def test_only_the_mail_that_was_to_try_prolongs_a_pause(outcome: Outcome) -> None:
    """Those that were under way when it began come in afterwards, and would double it each."""
    assert after(outcome, standing=at_rest(), claim=PROBE).pauses == 2
    assert after(outcome, outcome, standing=at_rest()).pauses == 1


@pytest.mark.parametrize("claim", [PROBE, "other"])
def test_any_mail_that_is_taken_ends_a_pause(claim: str) -> None:
    """Whoever sent it: the server deals with us again."""
    assert after(ACCEPTED, standing=at_rest(), claim=claim) == Standing()


@pytest.mark.parametrize("result", ["try-later", "silence", "overtaken", "unmailable"])
def test_what_says_nothing_of_the_server_leaves_a_pause_as_it_is(result: Result) -> None:
    """Neither longer nor over."""
    assert after(Outcome(result), standing=at_rest(), claim=PROBE) == at_rest()


def test_no_mail_is_given_up_during_a_pause() -> None:
    """What the server says then it says to everybody."""
    softened = {result: at_rest().softened(Outcome(result)).result for result in get_args(Result)}
    changed = {before: after for before, after in softened.items() if before != after}
    assert changed == {"refused": "put-back", "try-later": "turned-away"}
    assert Standing().softened(NO) == NO
