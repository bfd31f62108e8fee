"""The auditor: judges every promise, and again for a while where something may still be on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cli.audit.answers import one_answer_each, one_form_each, versions_in_order
from cli.audit.endings import nobody_locked_out, nothing_held_in_cancelled
from cli.audit.evidence import Evidence
from cli.audit.leftovers import no_dead_letters, outboxes_empty
from cli.audit.mails import one_invitation_each, sent_once
from cli.audit.seats import (
    counters_equal_places,
    no_pool_overbooked,
    no_session_overbooked,
    one_live_enrolment,
    told_is_kept,
)
from cli.audit.verdict import Verdict
from cli.audit.waiting import lists_whole, no_seat_idle, nobody_promoted_late, served_in_turn

PROMISES = (
    no_pool_overbooked,
    no_session_overbooked,
    counters_equal_places,
    told_is_kept,
    one_live_enrolment,
    nobody_locked_out,
    nothing_held_in_cancelled,
    one_answer_each,
    one_form_each,
    versions_in_order,
    lists_whole,
    served_in_turn,
    no_seat_idle,
    nobody_promoted_late,
    one_invitation_each,
    sent_once,
    no_dead_letters,
)
PAUSE_S = 1.0


class Source(Protocol):
    """Where evidence comes from."""

    async def read(self) -> Evidence:
        """Read it as it is now."""


def judge(evidence: Evidence, began: datetime) -> list[Verdict]:
    """Judge every promise; `began` is when the audit did."""
    return [*(promise(evidence) for promise in PROMISES), outboxes_empty(evidence, began)]


async def audit(source: Source, settle_s: float) -> Sequence[Verdict]:
    """Judge until every promise holds, or for `settle_s` seconds after the first look, however long that takes.

    A breach counts when it was there at every look: in a system at work something is always on its way.
    """
    evidence = await source.read()
    began = evidence.now
    verdicts = judge(evidence, began)
    now = asyncio.get_running_loop().time
    deadline = now() + settle_s
    while not all(verdict.holds for verdict in verdicts) and now() < deadline:
        await asyncio.sleep(min(PAUSE_S, deadline - now()))
        again = judge(await source.read(), began)
        verdicts = [late.still(early) for late, early in zip(again, verdicts, strict=True)]
    return verdicts
