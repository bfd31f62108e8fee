"""How much an account may have us keep or tell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chassis.allowances import ALLOWANCES, UNLIMITED, Allowance, Taken
from chassis.deciding import Received, Verdict, decide
from chassis.documents import ById, Documents, Loaded
from chassis.senders import ALL_SENDERS, Admission
from tests.unit.chassis.toy import HEARS, JARS, invalid, received

NOW = datetime(2021, 5, 20, 12, tzinfo=UTC)
TEN_AN_HOUR = Allowance(10, timedelta(hours=1))


def taken_at(*minutes: float, allowance: Allowance = TEN_AN_HOUR) -> list[bool]:
    """Take one at each of these minutes; return whether it was there."""
    documents = Documents(Loaded(values={(ALLOWANCES, "a"): None}))
    return [allowance.take(documents, "a", NOW + timedelta(minutes=minute)) for minute in minutes]


def test_so_much_may_be_taken_at_once_and_comes_back_with_time() -> None:
    """A rush is allowed, a flood is not."""
    assert taken_at(*[0] * 11) == [*[True] * 10, False]
    assert taken_at(*[0] * 10, 5, 6, 6) == [*[True] * 10, False, True, False]


@given(st.lists(st.floats(0, 600), max_size=200))
def test_never_more_than_twice_as_much_is_taken_within_a_period(minutes: list[float]) -> None:
    """What is there at its beginning, and what comes back meanwhile."""
    minutes = sorted(minutes)
    given = [minute for minute, is_there in zip(minutes, taken_at(*minutes), strict=True) if is_there]
    assert all(sum(minute <= other < minute + 60 for other in given) <= 20 for minute in given)


def test_a_clock_that_is_behind_gives_nothing_back() -> None:
    """Replicas' clocks differ."""
    assert taken_at(*[0] * 10, -30, 0) == [*[True] * 10, False, False]


def test_no_limit_needs_nothing_to_be_read() -> None:
    """And writes nothing."""
    documents = Documents(Loaded())
    assert UNLIMITED.take(documents, "a", NOW, 1e12)
    assert not documents.changes


def test_it_is_forgotten_when_it_is_whole_again() -> None:
    """Else every account, and every source that somebody made up, would stay for ever."""
    documents = Documents(Loaded(values={(ALLOWANCES, "a"): None}))
    TEN_AN_HOUR.take(documents, "a", NOW, 5)
    taken = documents.changes[ALLOWANCES, "a"]
    assert taken == Taken(5, NOW, NOW + timedelta(minutes=30))
    assert ALLOWANCES.read({"_id": "a", **ALLOWANCES.write(taken)}) == taken


RATIONED = Admission(asked=Allowance(2, timedelta(minutes=1)), held_bytes=Allowance(5, timedelta(days=1)))


def verdict_on(*batch: Received, admission: Admission = RATIONED) -> Verdict:
    """Decide a batch of these accounts, who have taken nothing yet."""
    nothing: dict[Any, Any] = {
        (ALLOWANCES, f"{what} {account}"): None for what in ("held", "asked") for account in ("", "a", "b")
    }
    loaded = Loaded(values={ALL_SENDERS: None, (JARS, "a"): None, **nothing})
    outcome = asyncio.run(decide(batch, {}, loaded, NOW, admission))
    assert isinstance(outcome, Verdict)
    return outcome


def test_of_messages_above_an_account_s_allowance_only_that_they_came_is_kept() -> None:
    """They are answered like the others; one sender must not fill the disk, nor leave others without."""
    bad = [replace(invalid(id=str(number)), account="a", body=b"...") for number in range(3)]
    other = replace(invalid(id="9"), account="b", body=b"...")
    verdict = verdict_on(*bad, other)
    assert [held.kept for held in verdict.held] == [True, False, False, True]
    assert len(verdict.told) == len(verdict.spent) == 4
    assert verdict.overdrawn == [("held", "a")] * 2


def test_what_we_failed_on_is_kept_whole() -> None:
    """It is our defect, and will be replayed."""
    failed = [replace(received("cursed", id=str(number)), account="a") for number in range(3)]
    assert all(held.kept for held in verdict_on(*failed).held)


def asked(number: int, account: str | None) -> Received:
    """Ask for one more in a jar, in a way that is rationed."""
    hears = replace(HEARS, too_often=count_too_often)
    return replace(received("a", id=f"{account} {number}"), hears=hears, account=account)


def count_too_often(*_: Any) -> list[Any]:
    """Tell nothing."""
    return []


def test_who_asks_too_often_is_answered_otherwise() -> None:
    """Asking costs a line, and answering many facts; others are not made to wait for that."""
    verdict = verdict_on(*(asked(number, "a") for number in range(4)), asked(0, "b"), asked(0, None))
    assert [told.by.account for told in verdict.told] == ["a", "a", "b", None]
    assert len(verdict.spent) == 6, "it is decided, and answered"
    assert verdict.overdrawn == [("asked", "a")] * 2


def test_an_operator_asks_as_often_as_it_takes() -> None:
    """After a disaster, for everybody."""
    assert len(verdict_on(*(asked(number, "operator") for number in range(4))).told) == 4


def test_without_limits_all_are_kept_and_answered() -> None:
    """Switched off, the guards of the tests above are missed."""
    bad = [replace(invalid(id=str(number)), account="a", body=b"...") for number in range(3)]
    verdict = verdict_on(*bad, *(asked(number, "a") for number in range(4)), admission=Admission())
    assert all(held.kept for held in verdict.held)
    assert len(verdict.told) == 7


def test_what_an_account_has_used_up_is_read_before_its_messages_are_held() -> None:
    """Nobody's allowance is whole for want of looking."""
    loaded = Loaded(values={ALL_SENDERS: None})
    outcome = asyncio.run(decide([invalid(id="1")], {}, loaded, NOW, RATIONED))
    assert outcome == frozenset({ById(ALLOWANCES, "held ")})
