"""Judging again while something may still be on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from cli.audit import auditor
from cli.audit.auditor import PROMISES, audit, judge
from cli.audit.evidence import Evidence
from tests.unit.cli.audit.story import NOW, TRUE_STORY, invitation, told

PATIENT_S = 60.0
"""An audit ends as soon as every promise holds: this is how long a slow machine may take to look twice."""


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor, "PAUSE_S", 0.0)


class Looks:
    """Shows one evidence after the other, and the last one for ever."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._shown: Iterator[Evidence] = iter(evidence)
        self._last = evidence[-1]

    async def read(self) -> Evidence:
        """Show the next."""
        return next(self._shown, self._last)


class SlowLooks(Looks):
    """Takes longer for each than a test has patience, by the clock that counts `took_s`."""

    took_s = 0.0

    async def read(self) -> Evidence:
        """Show the next, late."""
        self.took_s += 2 * PATIENT_S
        return await super().read()


def test_every_promise_holds_in_the_true_story() -> None:
    """The examples of broken promises are each one step from it."""
    assert all(verdict.holds for verdict in judge(TRUE_STORY, NOW))
    assert len({verdict.promise for verdict in judge(TRUE_STORY, NOW)}) == len(PROMISES) + 1


async def test_what_arrives_while_the_audit_settles_is_no_breach() -> None:
    """An invitation is asked for a moment after its place is confirmed."""
    verdicts = await audit(Looks([told(invitations=()), TRUE_STORY]), settle_s=PATIENT_S)
    assert all(verdict.holds for verdict in verdicts)


async def test_a_look_that_takes_longer_than_things_settle_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine one reading takes longer than that, and finds what is on its way."""
    looks = SlowLooks([told(invitations=()), TRUE_STORY])
    loop = asyncio.get_running_loop()
    time = loop.time
    monkeypatch.setattr(loop, "time", lambda: time() + looks.took_s)
    assert all(verdict.holds for verdict in await audit(looks, settle_s=PATIENT_S))


async def test_a_breach_that_stays_is_reported() -> None:
    """Patience must not become blindness."""
    verdicts = await audit(Looks([told(invitations=())]), settle_s=0.01)
    assert [verdict.promise for verdict in verdicts if not verdict.holds] == [
        "every confirmed place has one invitation"
    ]


async def test_breaches_that_come_and_go_are_none() -> None:
    """Under load there is always some place whose invitation is on its way: another one at each look."""
    another = told(invitations=(*TRUE_STORY.invitations, invitation("ada", asked_method="CANCEL")))
    assert all(verdict.holds for verdict in await audit(Looks([told(invitations=()), another]), settle_s=PATIENT_S))
