"""How we stand with the mail server, kept in the database: all senders, of every replica, rest and begin together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chassis.documents import Document
from chassis.lease import SERVER_NOW
from chassis.mongo import Database, Transaction
from services.notification.domain.delivery import Terms
from services.notification.domain.standing import Refusal, Standing

COLLECTION, ID = "standing", "mail-server"
OVER: Document = {"_id": ID, "pauses": {"$gt": 0}, "$expr": {"$lte": ["$until", SERVER_NOW]}}


def later(time: timedelta) -> Document:
    """Be so much later than now, by the database's clock."""
    return {"$add": [SERVER_NOW, round(time.total_seconds() * 1000)]}


class Pausing:
    """Reads and keeps how we stand; when a pause is over is for the database's clock to say."""

    def __init__(self, database: Database, terms: Terms) -> None:
        self._kept = database[COLLECTION]
        self._terms = terms

    async def standing(self, transaction: Transaction | None = None) -> Standing:
        """Return how we stand."""
        document = await self._kept.find_one({"_id": ID}, session=transaction)
        return Standing() if document is None else _read(document)

    async def keep(self, standing: Standing, transaction: Transaction) -> None:
        """Keep how we stand, in the transaction that read it; where sending rests, the pause begins now."""
        values: Document = {
            "refusals": {"$literal": [vars(one) for one in standing.refusals]},
            "pauses": standing.pauses,
            "objection": standing.objection,
            "code": standing.code,
            "probe": None,
            "until": later(self._terms.stop(standing.pauses)) if standing.is_paused else None,
            "since": {"$ifNull": ["$since", SERVER_NOW]} if standing.is_paused else None,
        }
        await self._kept.update_one({"_id": ID}, [{"$set": values}], upsert=True, session=transaction)

    async def may_probe(self, claim: str, lasts: timedelta) -> bool:
        """Take the right to try one mail once a pause is over; whoever dies with it has it for so long."""
        taken = await self._kept.update_one(OVER, [{"$set": {"until": later(lasts), "probe": claim}}])
        return taken.matched_count == 1


def _read(document: Document) -> Standing:
    refusals = tuple(Refusal(one["id"], one["recipient"]) for one in document["refusals"])
    return Standing(refusals, document["pauses"], document["objection"], document["code"], document["probe"])


async def prepare(database: Database) -> None:
    """Let a pause end when a service starts: what was wrong may have been mended just now."""
    await database[COLLECTION].update_one({"_id": ID, "pauses": {"$gt": 0}}, [{"$set": {"until": SERVER_NOW}}])


async def paused_since(database: Database) -> datetime | None:
    """Return since when sending rests; None where it does not."""
    document = await database[COLLECTION].find_one({"_id": ID}, {"since": 1})
    since: datetime | None = (document or {}).get("since")
    return since


async def remark(database: Database) -> str | None:
    """Say in a sentence that nothing is sent, and what the server objects to; None where mails are sent."""
    document: dict[str, Any] | None = await database[COLLECTION].find_one({"_id": ID, "pauses": {"$gt": 0}})
    if document is None:
        return None
    code = f" ({document['code']})" if document["code"] else ""
    since = document["since"].isoformat(timespec="seconds")
    return f"nothing is sent since {since}: {OBJECTIONS[document['objection']]}{code}"


OBJECTIONS = {
    "turned-away": "the mail server turns us away",
    "login": "the mail server refuses the login in SMTP_URL",
    "not-offered": "the mail server does not offer what SMTP_URL and SMTP_STARTTLS ask for, TLS or a login",
    "certificate": "the mail server cannot prove that it is the host in SMTP_URL (certificate)",
    "everything": "the mail server refused every mail of late",
}
"""What each objection comes to, and where to look."""
