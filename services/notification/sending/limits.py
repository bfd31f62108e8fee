"""Counting the mails to each mailbox, and forgetting them after two days."""

from __future__ import annotations

from datetime import datetime

from pymongo import ReturnDocument

from chassis.documents import Document
from chassis.mongo import Database
from services.notification.domain.daily import of_the_day, untagged

KEPT_S = 2 * 24 * 3600


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
            {"_id": of_the_day(untagged(address), at)},
            [{"$set": {"at": {"$ifNull": ["$at", at]}, "mails": {"$cond": [settled, known, added]}}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return mail in (counted or {"mails": ()})["mails"]


async def prepare(database: Database) -> None:
    """Have what was counted forgotten after two days."""
    for collection in ("mailed", "refusals"):
        await database[collection].create_index("at", expireAfterSeconds=KEPT_S)
