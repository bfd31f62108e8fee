"""The notification service's database, with letters in it and a ledger that tells into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.documents import Documents, Kind, Loaded, NotLoaded
from chassis.errors import Conflict
from chassis.handling import Handler, Tell
from chassis.mongo import Database, Mongo, Transaction
from chassis.store import Store, writes_of
from instroom_contracts.catalog import EditionPublished
from instroom_contracts.cloudevent import EventData, new_event
from instroom_contracts.notification import InvitationRequested
from services.notification.domain.invitation import Invitation, invitation_id
from services.notification.domain.inviting import asked
from services.notification.domain.letter import Letter
from services.notification.domain.meeting import Meeting
from services.notification.domain.notice import Notice
from services.notification.sending.ledger import Leases, MongoLedger
from services.notification.storage.kinds import EDITIONS, INVITATIONS, MAILS, MEETINGS, kind_of
from tests.unit.notification.builders import (
    ENDS,
    NOW,
    ORIGIN,
    STARTS,
    TERMS,
    invitation,
    meeting,
    notice,
    session,
)
from tests.unit.notification.kept import SOURCE

LEASES = Leases(before_dot=timedelta(minutes=5), after_dot=timedelta(minutes=15))
LONG_AFTER_DOT = timedelta(minutes=14)
SESSION = "week-noord/proces"
MOVED = meeting(session=session(starts_at=STARTS + timedelta(days=7), ends_at=ENDS + timedelta(days=7)))
LATER = NOW + timedelta(hours=1)


Changes = dict[tuple[Kind[Any], str], tuple[Any, int | None]]
"""What a handler would write, and the revision that it read of each."""


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

    async def tell(self, transaction: Transaction, tells: Sequence[Tell], now: datetime) -> None:
        """Write facts down as the outbox would."""
        for tell in tells:
            await self.database["told"].insert_one(tell.data.model_dump(), session=transaction)

    async def keep(self, *letters: Letter) -> None:
        """Store letters as handlers would."""
        documents = [{"_id": letter.id, "revision": 1, **kind_of(letter).write(letter)} for letter in letters]
        await self.database[MAILS].insert_many(documents)

    async def know(self, edition: EditionPublished, meeting: Meeting) -> None:
        """Store what the catalogue told."""
        await self.database[EDITIONS.collection].insert_one(
            {"_id": edition.edition_id, "revision": 1, **EDITIONS.write(edition)}
        )
        await self.database[MEETINGS.collection].insert_one({"_id": SESSION, "revision": 1, **MEETINGS.write(meeting)})

    async def change(self, to: Meeting) -> Meeting:
        """Let the catalogue change the session as a handler would; return it as it is now."""
        sessions = self.database[MEETINGS.collection]
        document = await sessions.find_one({"_id": SESSION})
        assert document is not None
        after = MEETINGS.read(document).after(to, ORIGIN, NOW)
        revision = document["revision"]
        changed = {"_id": SESSION, "revision": revision + 1, **MEETINGS.write(after)}
        assert (await sessions.replace_one({"_id": SESSION, "revision": revision}, changed)).matched_count
        return after

    async def ask(self, request: InvitationRequested) -> None:
        """Let enrolment ask for something as a handler would take it in."""
        id = invitation_id(request.enrolment_id, request.edition_id, request.session_id)
        document = await self.database[MAILS].find_one({"_id": id})
        session = await self.database[MEETINGS.collection].find_one({"_id": SESSION})
        assert document is not None
        assert session is not None
        after = asked(INVITATIONS.read(document), request, MEETINGS.read(session), ORIGIN, NOW)
        changed = {"_id": id, "revision": document["revision"] + 1, **INVITATIONS.write(after)}
        await self.database[MAILS].replace_one({"_id": id}, changed)

    async def decided(self, handler: Handler, data: EventData) -> Changes:
        """Let a handler decide an event on what is stored; return what it would write, with the revisions it read."""
        event, loaded, store = new_event(data, source=SOURCE), Loaded(), Store(self.database)
        while True:
            documents = Documents(loaded)
            try:
                handler(event, documents, NOW)
            except NotLoaded as missing:
                await store.read(frozenset(missing.needs), loaded, None)
            else:
                return {key: (value, loaded.versions.get(key)) for key, value in documents.changes.items()}

    async def written(self, changes: Changes) -> bool:
        """Write what a handler decided, as the committer does; False where something changed since it was read."""
        versions = {key: revision for key, (_, revision) in changes.items() if revision is not None}
        writes = await writes_of({key: value for key, (value, _) in changes.items()}, Loaded(versions=versions))
        try:
            async with self.mongo.transaction() as transaction:
                await Store(self.database).write(writes, transaction)
        except Conflict:
            return False
        return True

    async def all_invitations(self) -> list[Invitation]:
        """Return every invitation, in the order in which they were stored."""
        return [INVITATIONS.read(document) async for document in self.database[MAILS].find({"kind": "invitation"})]

    async def stored(self, letter: Letter) -> dict[str, Any]:
        """Return a letter's document."""
        document = await self.database[MAILS].find_one({"_id": letter.id})
        assert document is not None
        return document

    async def read(self, letter: Invitation) -> Invitation:
        """Return an invitation as it is now."""
        return INVITATIONS.read(await self.stored(letter))

    async def claimed(self) -> Letter:
        """Claim what must be due."""
        letter = await self.ledger.claim(datetime.now(UTC))
        assert letter is not None
        return letter

    async def lapse(self, letter: Letter) -> None:
        """Let the claim on a mail run out, as the database's clock has it."""
        long_ago = {"$set": {"delivery.claim.until": NOW}}
        await self.database[MAILS].update_one({"_id": letter.id}, long_ago)

    async def due_at_once(self) -> None:
        """Let no mail wait for its next attempt."""
        await self.database[MAILS].update_many({"delivery.state": "retry"}, {"$set": {"delivery.due": NOW}})

    async def told(self) -> list[dict[str, Any]]:
        """Return the facts that were told."""
        return await self.database["told"].find({}).to_list(None)


def many(count: int) -> list[Invitation]:
    """Build so many invitations of different people."""
    return [invitation(enrolment_id=f"e{number}", invite_id=f"i{number}") for number in range(count)]


def notices(count: int) -> list[Notice]:
    """Build so many notices."""
    return [notice(notice_id=f"n{number}") for number in range(count)]
