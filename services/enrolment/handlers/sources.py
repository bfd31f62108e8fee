"""A claim of sources by an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.documents import Documents
from chassis.handling import Tell
from chassis.senders import ALL_SENDERS, Senders
from instroom_contracts.cloudevent import CloudEvent, type_of
from instroom_contracts.enrolment import RequestAccepted, RequestRefused, SourcesClaimed

NAMED = 10
"""So many sources are named in one sentence: a hundred long ones would be more than an event may say."""


def assign_sources(event: CloudEvent[SourcesClaimed], documents: Documents, _: datetime) -> Sequence[Tell]:
    """Make sources an account's own, and free those that it had before; all of them, or none where one is taken."""
    account, sources, request = event.data.account, event.data.sources, type_of(SourcesClaimed)
    senders = documents.get(*ALL_SENDERS) or Senders()
    if taken := senders.owned_by_others(account, sources):
        others = f" and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
        detail = f"Another account may speak for {', '.join(taken[:NAMED])}{others}: see `instroom integrator list`."
        return [Tell(RequestRefused(request_type=request, reason="not-yours", detail=detail), account)]
    documents.put(*ALL_SENDERS, senders.with_claim(account, sources))
    return [Tell(RequestAccepted(request_type=request), account)]
