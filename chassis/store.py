"""Reading what a batch needs and writing what it changed, inside one transaction.

Every document carries a `revision`. A write names the revision that was read, so a document that changed in between
is never overwritten, whatever isolation the server was asked for.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pymongo import DeleteOne, InsertOne, ReplaceOne

from chassis.documents import ById, Document, First, Head, Kind, Loaded, Need
from chassis.errors import Conflict
from chassis.mongo import Database, Session
from chassis.recent import Recent
from chassis.turns import in_turns

Write = InsertOne[Document] | ReplaceOne[Document] | DeleteOne
Writes = dict[str, list[Write]]
Key = tuple[Kind[Any], str]

PARSED_KEPT = 2000
"""How many values of cached kinds are kept in memory."""


class Store:
    """The documents of one service."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed: Recent[Key, tuple[int, Any]] = Recent(PARSED_KEPT)

    async def read(self, needs: Collection[Need], into: Loaded, session: Session | None) -> None:
        """Add to `into` what these needs name, each kind in one query; without a session: as last committed."""
        by_kind: dict[Kind[Any], list[str]] = defaultdict(list)
        for need in needs:
            if isinstance(need, ById):
                by_kind[need.kind].append(need.id)
        if session is None:
            await asyncio.gather(*(self._read_kind(kind, ids, into, session) for kind, ids in by_kind.items()))
        else:
            for kind, ids in by_kind.items():
                await self._read_kind(kind, ids, into, session)
        for need in needs:
            if isinstance(need, First):
                into.heads[need] = await self._read_head(need, into, session)

    async def _read_kind(self, kind: Kind[Any], ids: list[str], into: Loaded, session: Session | None) -> None:
        into.values.update(dict.fromkeys(((kind, id) for id in ids), None))
        known = await self._known(kind, ids, into, session) if kind.cached else set()
        wanted = [id for id in ids if id not in known]
        if not wanted:
            return
        documents = self._database[kind.collection].find({"_id": {"$in": wanted}}, session=session)
        for document in await documents.to_list(None):
            self._keep(kind, document, into)

    async def _known(self, kind: Kind[Any], ids: list[str], into: Loaded, session: Session | None) -> set[str]:
        """Take from memory what has not changed since it was parsed: the ids that need no reading."""
        cursor = self._database[kind.collection].find({"_id": {"$in": ids}}, {"revision": 1}, session=session)
        revisions = {document["_id"]: document["revision"] for document in await cursor.to_list(None)}
        known = {id for id in ids if id not in revisions or self._parsed.get((kind, id), (0,))[0] == revisions[id]}
        for id in known & revisions.keys():
            into.values[kind, id] = self._parsed[kind, id][1]
            into.versions[kind, id] = revisions[id]
        return known

    async def _read_head(self, need: First, into: Loaded, session: Session | None) -> Head[Any]:
        order = need.order
        cursor = self._database[order.kind.collection].find({order.group: need.group}, session=session)
        documents = await cursor.sort(order.rank, 1).limit(need.depth + 1).to_list(None)
        members = [(document["_id"], self._keep(order.kind, document, into)) for document in documents[: need.depth]]
        return Head(tuple(members), complete=len(documents) <= need.depth)

    def _keep(self, kind: Kind[Any], document: Document, into: Loaded) -> Any:
        key = (kind, document["_id"])
        value = kind.read(document)
        if key not in into.ahead and key not in into.versions:  # what is in use keeps the revision it was read at
            into.values[key] = value
            into.versions[key] = document["revision"]
        if kind.cached:
            self._parsed[key] = (document["revision"], value)
        return value

    async def write(self, writes: Writes, session: Session) -> None:
        """Do these writes, one bulk per collection.

        Raises `Conflict` where a document is no longer as it was read.
        """
        for collection, bulk in writes.items():
            await bulk_write(self._database, collection, bulk, session)


async def writes_of(changes: Mapping[Key, Any], loaded: Loaded) -> Writes:
    """Return what it takes to write these changes, by collection; each write names the revision that was read."""
    writes: Writes = defaultdict(list)
    async for key, value in in_turns(changes.items()):
        for write in _writes(key, value, loaded.versions.get(key)):
            writes[key[0].collection].append(write)
    return writes


def _writes(key: Key, value: Any, revision: int | None) -> Iterable[Write]:
    kind, id = key
    if revision is None:
        return () if value is None else (InsertOne({"_id": id, "revision": 1, **kind.write(value)}),)
    guard = {"_id": id, "revision": revision}
    if value is None:
        return (DeleteOne(guard),)
    return (ReplaceOne(guard, {"_id": id, "revision": revision + 1, **kind.write(value)}),)


async def bulk_write(database: Database, collection: str, writes: list[Write], session: Session) -> None:
    """Do these writes in one request.

    Raises `Conflict` where a guarded one found another revision.
    """
    done = await database[collection].bulk_write(writes, ordered=False, session=session)
    replaced = sum(isinstance(write, ReplaceOne) for write in writes)
    deleted = sum(isinstance(write, DeleteOne) for write in writes)
    if (done.matched_count, done.deleted_count) != (replaced, deleted):
        raise Conflict(f"a document of {collection} changed after it was read")
