"""Notices: every other mail to a participant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from instroom_contracts.notification import NoticeRequested, Recipient
from services.notification.domain.delivery import Delivery


@dataclass(frozen=True)
class Notice:
    """A mail without a calendar entry: about the waiting list, or a refusal."""

    request: NoticeRequested
    delivery: Delivery
    traceparent: str | None = None

    @property
    def id(self) -> str:
        """Return the id of the notice."""
        return self.request.notice_id

    @property
    def participant(self) -> Recipient:
        """Return whom the notice goes to."""
        return self.request.participant

    def message_id(self, domain: str) -> str:
        """Return the Message-ID of the mail: the same at every attempt."""
        return f"<{self.id}@{domain}>"


def noted(request: NoticeRequested, now: datetime, traceparent: str | None = None) -> Notice:
    """Open the notice that a request asks for; it is due at once."""
    return Notice(request, Delivery("pending", now), traceparent)
