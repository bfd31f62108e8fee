"""A request for a notice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis.documents import ById, Documents
from chassis.handling import Tell
from instroom_contracts.cloudevent import CloudEvent
from instroom_contracts.notification import NoticeRequested
from services.notification.domain.daily import NEVER_MAILED, RefusalMailed, refusal_of_the_day
from services.notification.domain.notice import noted
from services.notification.storage.kinds import NOTICES, REFUSALS


def notify(event: CloudEvent[NoticeRequested], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Store a notice about the waiting list or a refusal; one that is known stays as it is.

    The same refusal is mailed to the same mailbox once a day, however often it is asked for.
    """
    request = event.data
    if request.reason in NEVER_MAILED:
        return ()
    today = refusal_of_the_day(request, now)
    documents.require([ById(NOTICES, request.notice_id), ById(REFUSALS, today)])
    if documents.get(NOTICES, request.notice_id) or documents.get(REFUSALS, today):
        return ()
    if request.kind == "refusal":
        documents.put(REFUSALS, today, RefusalMailed(now))
    documents.put(NOTICES, request.notice_id, noted(request, now, event.traceparent))
    return ()
