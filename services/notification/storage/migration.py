"""Bringing what earlier releases stored into today's form, before anything is decided.

They kept sessions, invitations and notices in collections of these names. All is moved, portion by portion, each in
one transaction, so that an attempt may be broken off anywhere.

A process of an earlier release may still run meanwhile, and must not write where nobody looks any more. So each of
these collections is fenced before it is emptied: what such a process would put there is a duplicate to the database,
and a conflict to the process, which tries again until it is stopped; its messages go to another then. A mail that it
has claimed is no longer where its claim was, and gets no leave for the dot. Sessions are moved first: without one no
such process takes a change for followed, or a mail for up to date.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from pymongo.errors import DuplicateKeyError

from chassis.chance import up_to
from chassis.documents import Document
from chassis.errors import Conflict
from chassis.mongo import Collection, Database, Mongo
from services.notification.domain.meeting import Meeting
from services.notification.storage.kinds import MAILS, MEETINGS

log = structlog.get_logger()

PORTION = 500
PAUSE_S = 0.1
FENCE = "fence"
"""The one document that stays in a collection of old: any that is put beside it is its duplicate."""
INSERTED = 1
"""The revision of what was just put into a collection, and of nothing that was changed since."""
MOVED: Mapping[str, tuple[str, Document]] = {
    "sessions": (MEETINGS.collection, {}),
    "invitations": (MAILS, {"kind": "invitation"}),
    "notices": (MAILS, {"kind": "notice"}),
}
"""Where documents of earlier releases belong now, and what they lack there."""
OF_OLD: Mapping[str, Document] = {collection: {"_id": {"$ne": FENCE}} for collection in MOVED}
"""What tells documents of earlier releases, by the collections that they stand in."""
FIRST_VERSION = 1
"""The version that a session of 0.2.0 gets, when they had none."""


async def migrate(mongo: Mongo, database: Database) -> None:
    """Move what is left where earlier releases kept it, and give what 0.2.0 stored the fields that it lacks."""
    if MOVED.keys() & {*await database.list_collection_names()}:
        for name, (to, lacking) in MOVED.items():
            await _fence(database[name])
            while await _move(mongo, database[name], database[to], lacking):
                pass
    await _bring_up_to_date(database)


async def _fence(collection: Collection) -> None:
    """Let nothing be put into a collection any more; what is there may be changed and taken out."""
    while True:
        await collection.update_many({**OF_OLD[collection.name], "revision": INSERTED}, {"$inc": {"revision": 1}})
        try:
            await collection.update_one({"_id": FENCE}, {"$set": {"revision": INSERTED}}, upsert=True)
            await collection.create_index(
                "revision", name=FENCE, unique=True, partialFilterExpression={"revision": INSERTED}
            )
        except DuplicateKeyError:  # somebody put one in between
            await asyncio.sleep(up_to(PAUSE_S))
        else:
            return


async def _move(mongo: Mongo, old: Collection, new: Collection, lacking: Document) -> bool:
    """Move a portion as it is, claims included; False where there is none left."""
    try:
        async with mongo.transaction() as transaction:
            portion = await old.find(OF_OLD[old.name], session=transaction).limit(PORTION).to_list(None)
            if portion:
                await new.insert_many([document | lacking for document in portion], session=transaction)
                await old.delete_many({"_id": {"$in": [document["_id"] for document in portion]}}, session=transaction)
    except Conflict:
        log.warning("migration_conflicts", type=old.name)
        await asyncio.sleep(up_to(PAUSE_S))
        return True
    return bool(portion)


async def _bring_up_to_date(database: Database) -> None:
    """Bring what 0.2.0 stored up to date, session by session; what is up to date is left alone.

    Then every invitation was written along with each change of its session: a mail that is the last one says what the
    session's details are now.
    """
    meetings = database[MEETINGS.collection]
    async for document in meetings.find({"version": {"$exists": False}}):
        older = {"session": document["_id"], "seen": {"$exists": False}}
        await database[MAILS].update_many(older, _brought_up_to_date(MEETINGS.read(document)))
        await meetings.update_one(
            {"_id": document["_id"], "version": {"$exists": False}},
            {"$set": {"version": FIRST_VERSION, "behind": False, "origin": None}, "$inc": {"revision": 1}},
        )


def _brought_up_to_date(meeting: Meeting) -> list[Document]:
    """Return what gives the invitations to a session, as 0.2.0 stored them, the fields that they lack."""
    starts_at = meeting.session.starts_at if meeting.session else None
    shown = {"details": meeting.details, "address": 0, "startsAt": starts_at}
    followed = {"$ne": [{"$ifNull": ["$following", None]}, None]}
    invites = {"$and": [{"$eq": ["$mail.method", "REQUEST"]}, {"$not": [followed]}]}
    return [
        {
            "$set": {
                "seen": FIRST_VERSION,
                "askedCause": "$mail.cause",
                "askedOrigin": "$mail.origin",
                "overtaken": followed,
                "mail.shows": {"$cond": [invites, shown, None]},
                "revision": {"$add": ["$revision", 1]},
            }
        },
        {"$set": {"arrived": {"$cond": [{"$eq": ["$delivery.state", "sent"]}, "$mail", None]}}},
        {"$unset": "following"},
    ]
