"""Participants that an earlier release registered under another key than this one gives them.

Up to 0.2.0 a key followed from the address as it was spelt. Where that is not the mailbox's name, the participant would
not be found any more and could enrol twice. An enrolment is put under its new key in a transaction that writes the
enrolment too, so that whoever ends it at the same moment has to look again. One that has ended is taken out: a process
of the earlier release that ran on for a while knew nothing of the new key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import structlog
from pymongo.errors import PyMongoError

from chassis.documents import Document
from chassis.errors import Conflict, InstroomError
from chassis.mongo import Database, Mongo, Transaction
from chassis.service import Running
from instroom_contracts.intake import Participant
from services.enrolment.domain.enrolment import Live
from services.enrolment.domain.ids import participant_key
from services.enrolment.storage.kinds import ENROLMENTS, PARTICIPANTS

log = structlog.get_logger()

AGAIN_AFTER_S = 300.0
"""By then the processes that an upgrade replaces have gone."""
PORTION = 200
"""How many enrolments one transaction looks at."""

_SPELT_IN_SEVERAL_WAYS = {
    "$or": [
        {"participant.email": {"$regex": r"[^\x00-\x7f]|\.$"}},
        {"participant.reference": {"$regex": r"[^\x00-\x7f]|\x20\x20"}},
    ]
}
"""Selects what may have got another key: in ASCII an address without case is its mailbox's name, as it always was."""


@dataclass(frozen=True)
class _Respelt:
    """An enrolment whose participant has another key now; `live` is None where it has ended."""

    id: str
    old: str
    new: str
    live: Live | None


async def rekey(mongo: Mongo, database: Database) -> None:
    """Register every live enrolment under its participant's key of today, and none that has ended."""
    last = ""
    while ids := await _next(database, last):
        while not await _settled(mongo, database, ids):
            pass
        last = ids[-1]


async def rekey_again(running: Running) -> None:
    """Look once more when processes of the earlier release have gone, which run beside this one during an upgrade."""
    while True:
        await asyncio.sleep(AGAIN_AFTER_S)
        try:
            await rekey(running.mongo, running.database)
        except (InstroomError, PyMongoError) as error:
            log.warning("rekeying_interrupted", error=type(error).__name__)
        else:
            await asyncio.Event().wait()  # a task that ends is taken for one that failed


async def _next(database: Database, last: str) -> list[str]:
    wanted = {"_id": {"$gt": last}, **_SPELT_IN_SEVERAL_WAYS}
    found = database[ENROLMENTS.collection].find(wanted, {"_id": 1}).sort("_id", 1).limit(PORTION)
    return [document["_id"] for document in await found.to_list(None)]


async def _settled(mongo: Mongo, database: Database, ids: list[str]) -> bool:
    """Settle a portion; False where something changed meanwhile, so that it has to be read again."""
    try:
        async with mongo.transaction() as transaction:
            found = database[ENROLMENTS.collection].find({"_id": {"$in": ids}}, session=transaction)
            respelt = map(_respelt, await found.sort("_id", 1).to_list(None))
            await _register(database, [one for one in respelt if one.old != one.new], transaction)
    except Conflict:
        return False
    return True


def _respelt(document: Document) -> _Respelt:
    id, edition_id, participant = document["_id"], document["editionId"], document["participant"]
    new = participant_key(edition_id, Participant.model_construct(**participant))
    live = None if document["state"] == "cancelled" else Live(new, id, document["source"])
    return _Respelt(id, _key_until_0_2_0(edition_id, participant), new, live)


def _key_until_0_2_0(edition_id: str, participant: Mapping[str, str | None]) -> str:
    address, reference = participant["email"] or "", participant.get("reference") or ""
    return sha256(f"{edition_id}\n{address.casefold()}\n{reference.strip()}".encode()).hexdigest()


async def _register(database: Database, respelt: list[_Respelt], transaction: Transaction) -> None:
    """Register the first enrolment of each participant; say which live ones came second."""
    participants = database[PARTICIPANTS.collection]
    for one in respelt:
        gone = [one.old] if one.live else [one.old, one.new]
        await participants.delete_many({"_id": {"$in": gone}, "enrolmentId": one.id}, session=transaction)
    for one in respelt:
        if one.live is None:
            continue
        kept = await participants.find_one({"_id": one.new}, session=transaction)
        if kept is None:
            live = {"_id": one.new, "revision": 1, **PARTICIPANTS.write(one.live)}
            await participants.insert_one(live, session=transaction)
            await database[ENROLMENTS.collection].update_one(
                {"_id": one.id}, {"$inc": {"revision": 1}}, session=transaction
            )
        elif kept["enrolmentId"] != one.id:
            log.warning("participant_enrolled_twice", enrolment_id=one.id)
