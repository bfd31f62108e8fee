"""What one mailbox gets from us in a day, whoever asks for it: each refusal once, and so many mails at most.

Anybody who may publish can have us write to any address, in the provider's name. A day is Amsterdam's. What is counted
is kept under a digest of day and mailbox, for two days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pymongo import ReturnDocument

from chassis.documents import Document
from chassis.mongo import Database
from instroom_contracts.mailbox import mailbox
from instroom_contracts.notification import NoticeRequested
from services.notification.words import AMSTERDAM

NEVER_MAILED = ("invalid-request",)
"""Reasons for which nobody is written to: whoever sent what cannot be read reads the answer, a program as a rule."""

KEPT_S = 2 * 24 * 3600
_ANY_EDITION = ("unknown-edition",)
"""Reasons that say nothing of an edition: its id is whatever the asker wrote."""


@dataclass(frozen=True)
class Told:
    """That somebody was told of a refusal today."""

    at: datetime


def refusal_of_the_day(request: NoticeRequested, at: datetime) -> str:
    """Name the refusal that a notice is about: the same for each that says the same to the same mailbox today."""
    edition = "" if request.reason in _ANY_EDITION else request.edition_id or ""
    return _of_the_day(request.participant.email, at, request.reason or "", edition)


def _of_the_day(address: str, at: datetime, *about: str) -> str:
    day = at.astimezone(AMSTERDAM).date().isoformat()
    return sha256("\n".join([day, mailbox(address), *about]).encode()).hexdigest()


def untagged(address: str) -> str:
    """Return an address without what its owner may add to it (RFC 5233): `robin+1@` and `robin+2@` are one person."""
    before, at, domain = address.rpartition("@")
    return f"{before.partition('+')[0] or before}{at}{domain}"


class DailyCap:
    """Counts the mails to each mailbox, over all senders."""

    def __init__(self, database: Database, most: int) -> None:
        self._counted = database["mailed"]
        self._most = most

    async def admits(self, mail: str, address: str, at: datetime) -> bool:
        """Count a mail, once however often it is tried; False where its mailbox has had its share of today.

        However an address is tagged, it is the same person who reads what comes: a tag costs who asks nothing.

        One update decides, so several senders at once admit no more than one would.
        """
        known: Document = {"$ifNull": ["$mails", []]}
        settled: Document = {"$or": [{"$in": [{"$literal": mail}, known]}, {"$gte": [{"$size": known}, self._most]}]}
        added: Document = {"$concatArrays": [known, [{"$literal": mail}]]}
        counted = await self._counted.find_one_and_update(
            {"_id": _of_the_day(untagged(address), at)},
            [{"$set": {"at": {"$ifNull": ["$at", at]}, "mails": {"$cond": [settled, known, added]}}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return mail in (counted or {"mails": ()})["mails"]


async def prepare(database: Database) -> None:
    """Have what was counted forgotten after two days."""
    for collection in ("mailed", "refusals"):
        await database[collection].create_index("at", expireAfterSeconds=KEPT_S)
