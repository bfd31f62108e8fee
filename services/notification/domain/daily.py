"""What one mailbox gets from us in a day, whoever asks for it: each refusal once, and so many mails at most.

Anybody who may publish can have us write to any address, in the provider's name. A day is Amsterdam's. What is counted
is kept under a digest of day and mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from instroom_contracts.mailbox import mailbox
from instroom_contracts.notification import NoticeRequested

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEVER_MAILED = ("invalid-request",)
"""Reasons for which nobody is written to: whoever sent what cannot be read reads the answer, a program as a rule."""
_ANY_EDITION = ("unknown-edition",)
"""Reasons that say nothing of an edition: its id is whatever the asker wrote."""


@dataclass(frozen=True)
class RefusalMailed:
    """That somebody was told of a refusal today."""

    at: datetime


def refusal_of_the_day(request: NoticeRequested, at: datetime) -> str:
    """Name the refusal that a notice is about: the same for each that says the same to the same mailbox today."""
    edition = "" if request.reason in _ANY_EDITION else request.edition_id or ""
    return of_the_day(request.participant.email, at, request.reason or "", edition)


def of_the_day(address: str, at: datetime, *about: str) -> str:
    """Name a mailbox on a day, and what it is about: a digest, since an address is personal."""
    day = at.astimezone(AMSTERDAM).date().isoformat()
    return sha256("\n".join([day, mailbox(address), *about]).encode()).hexdigest()


def untagged(address: str) -> str:
    """Return an address without what its owner may add to it (RFC 5233): `robin+1@` and `robin+2@` are one person."""
    before, at, domain = address.rpartition("@")
    return f"{before.partition('+')[0] or before}{at}{domain}"
