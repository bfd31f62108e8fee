"""Promises about what must not lie about: facts that are not told, and dead letters."""

from __future__ import annotations

from datetime import datetime

from cli.audit.evidence import Evidence, Outbox
from cli.audit.verdict import Offence, Verdict, counted, verdict


def outboxes_empty(evidence: Evidence, began: datetime) -> Verdict:
    """Look for facts that stood in an outbox when the audit began and still do; newer ones are on their way."""
    stuck = [outbox for outbox in evidence.outboxes if outbox.oldest is not None and outbox.oldest <= began]
    offences = [
        Offence(one.service, f"{counted(one.commits, 'commits')} not told on {_named(one)}, since {one.oldest}")
        for one in stuck
    ]
    return verdict("the outboxes are empty", len(evidence.outboxes), offences, remedy="docs/operating.md, OutboxLags")


def _named(outbox: Outbox) -> str:
    return " and ".join(outbox.exchanges) or "no exchange"


def no_dead_letters(evidence: Evidence) -> Verdict:
    """Look for messages that the broker gave up on."""
    offences = [
        Offence(queue, f"holds {counted(count, 'messages')} that nobody decided")
        for queue, count in evidence.dead_letters.items()
        if count
    ]
    return verdict(
        "no message died on the broker", len(evidence.dead_letters), offences, remedy="docs/operating.md, DeadLetters"
    )
