"""The notification service's database, with letters in it and a ledger that tells into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chassis.handling import Tell
from chassis.mongo import Database, Mongo, Session
from instroom_contracts.catalog import EditionPublished
from services.notification.domain import Invitation, Letter, Meeting
from services.notification.ledger import Leases, MongoLedger
from services.notification.storage import EDITIONS, INVITATIONS, MEETINGS, NOTICES, kind_of
from tests.unit.notification.builders import (
    NOW,
    TERMS,
    invitation,
)

LEASES = Leases(before_dot=timedelta(minutes=5), after_dot=timedelta(minutes=15))
LONG_AFTER_DOT = timedelta(minutes=14)


class World:
    """A service's database, and a ledger that tells into it."""

    def __init__(self, mongo: Mongo, database: Database) -> None:
        self.mongo = mongo
        self.database = database
        self.ledger = self.ledger_of(MongoLedger)

    def ledger_of(self, kind: type[MongoLedger], **terms: Any) -> MongoLedger:
        """Return a ledger of this kind that tells into the database, on other terms where some are given."""
        agreed = replace(TERMS, **terms)
        return kind(self.database, self.mongo.transaction, self.tell, terms=agreed, leases=LEASES)

    async def tell(self, session: Session, tells: Sequence[Tell], now: datetime) -> None:
        """Write facts down as the outbox would."""
        for tell in tells:
            await self.database["told"].insert_one(tell.data.model_dump(), session=session)

    async def keep(self, *letters: Letter) -> None:
        """Store letters as handlers would."""
        for letter in letters:
            kind = kind_of(letter)
            await self.database[kind.collection].insert_one({"_id": letter.id, "revision": 1, **kind.write(letter)})

    async def know(self, edition: EditionPublished, meeting: Meeting) -> None:
        """Store what the catalogue told."""
        await self.database[EDITIONS.collection].insert_one(
            {"_id": edition.edition_id, "revision": 1, **EDITIONS.write(edition)}
        )
        await self.database[MEETINGS.collection].insert_one(
            {"_id": f"{edition.edition_id}/proces", "revision": 1, **MEETINGS.write(meeting)}
        )

    async def stored(self, letter: Letter) -> dict[str, Any]:
        """Return a letter's document."""
        document = await self.database[kind_of(letter).collection].find_one({"_id": letter.id})
        assert document is not None
        return document

    async def read(self, letter: Invitation) -> Invitation:
        """Return an invitation as it is now."""
        return INVITATIONS.read(await self.stored(letter))

    async def claimed(self) -> Letter:
        """Claim what must be due."""
        letter = await self.ledger.claim()
        assert letter is not None
        return letter

    async def lapse(self, letter: Letter) -> None:
        """Let the claim on a mail run out, as the database's clock has it."""
        long_ago = {"$set": {"delivery.claim.until": NOW}}
        await self.database[kind_of(letter).collection].update_one({"_id": letter.id}, long_ago)

    async def due_at_once(self) -> None:
        """Let no mail wait for its next attempt."""
        for kind in (INVITATIONS, NOTICES):
            await self.database[kind.collection].update_many(
                {"delivery.state": "retry"}, {"$set": {"delivery.due": NOW}}
            )

    async def told(self) -> list[dict[str, Any]]:
        """Return the facts that were told."""
        return await self.database["told"].find({}).to_list(None)


def many(count: int) -> list[Invitation]:
    """Build so many invitations of different people."""
    return [invitation(enrolment_id=f"e{number}", invite_id=f"i{number}") for number in range(count)]
