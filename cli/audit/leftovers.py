"""Promises about what must not lie about: facts that are not told, and dead letters."""

from __future__ import annotations

from datetime import datetime

from cli.audit.evidence import Evidence
from cli.audit.verdict import Offence, Verdict, verdict


def outboxes_empty(evidence: Evidence, began: datetime) -> Verdict:
    """Look for facts that stood in an outbox when the audit began and still do; newer ones are on their way."""
    stuck = [outbox for outbox in evidence.outboxes if outbox.oldest is not None and outbox.oldest <= began]
    offences = [
        Offence(one.service, f"{one.commits} commits are not told, the oldest of {one.oldest}") for one in stuck
    ]
    return verdict("the outboxes are empty", len(evidence.outboxes), offences)


def no_dead_letters(evidence: Evidence) -> Verdict:
    """Look for messages that the broker gave up on."""
    offences = [Offence(queue, f"holds {count} messages") for queue, count in evidence.dead_letters.items() if count]
    return verdict("no message died on the broker", len(evidence.dead_letters), offences)
