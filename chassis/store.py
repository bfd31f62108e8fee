"""Reading what a batch needs, as it was at one moment, and writing what it changed, in one transaction.

Every document carries a `revision`. A write names the revision that was read, so a document that changed in between
is never overwritten, whatever isolation the server was asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import DeleteOne

from chassis.cooperative import cooperatively
from chassis.documents import ById, Document, First, Head, Kind, Loaded, Need
from chassis.errors import Conflict
from chassis.mongo import Collection, Database, Transaction
from chassis.recent import Recent

Key = tuple[Kind[Any], str]

SEEN_KEPT = 2000
"""How many values of cached kinds are kept in memory."""
PER_STATEMENT = 200
"""How many documents one statement replaces; MongoDB takes 16 MB of them."""


@dataclass
class Bulk:
    """Writes to one collection: whole documents, and the revisions of those to remove, by id.

    A document that replaces another has the revision after the one that was read.
    """

    inserted: list[Document] = field(default_factory=list)
    replaced: list[Document] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)

    def add(self, kind: Kind[Any], id: str, value: Any, revision: int | None) -> None:
        """Add what it takes to keep this value in place of what was read, or to remove that."""
        if value is not None:
            document = {"_id": id, "revision": (revision or 0) + 1, **kind.write(value)}
            (self.inserted if revision is None else self.replaced).append(document)
        elif revision is not None:
            self.removed[id] = revision


Writes = dict[str, Bulk]


class Store:
    """The documents of one service."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.seen: Recent[Key, tuple[int, Any]] = Recent(SEEN_KEPT)

    async def read(self, needs: frozenset[Need], into: Loaded, transaction: Transaction | None) -> None:
        """Add to `into` what these needs name, each kind in one query; without a transaction: as last committed."""
        by_kind: dict[Kind[Any], list[str]] = defaultdict(list)
        for need in needs:
            if isinstance(need, ById):
                by_kind[need.kind].append(need.id)
        for kind, ids in by_kind.items():  # a transaction does one thing at a time
            await self._read_kind(kind, ids, into, transaction)
        for need in needs:
            if isinstance(need, First):
                into.heads[need] = await self._read_head(need, into, transaction)

    async def _read_kind(self, kind: Kind[Any], ids: list[str], into: Loaded, transaction: Transaction | None) -> None:
        into.values.update(dict.fromkeys(((kind, id) for id in ids), None))
        known = await self._known(kind, ids, into, transaction) if kind.cached else set()
        wanted = [id for id in ids if id not in known]
        if not wanted:
            return
        documents = self._database[kind.collection].find({"_id": {"$in": wanted}}, session=transaction)
        for document in await documents.to_list(None):
            self._keep(kind, document, into)

    async def _known(self, kind: Kind[Any], ids: list[str], into: Loaded, transaction: Transaction | None) -> set[str]:
        """Take from memory what has not changed since it was parsed: the ids that need no reading."""
        cursor = self._database[kind.collection].find({"_id": {"$in": ids}}, {"revision": 1}, session=transaction)
        revisions = {document["_id"]: document["revision"] for document in await cursor.to_list(None)}
        known = {id for id in ids if id not in revisions or self.seen.get((kind, id), (0,))[0] == revisions[id]}
        for id in known & revisions.keys():
            into.values[kind, id] = self.seen[kind, id][1]
            into.versions[kind, id] = revisions[id]
        return known

    async def _read_head(self, need: First, into: Loaded, transaction: Transaction | None) -> Head[Any]:
        lookup, depth = need.lookup, need.depth
        cursor = self._database[lookup.kind.collection].find({lookup.group: need.group}, session=transaction)
        ranked = cursor.sort(lookup.rank, 1)
        documents = await (ranked if depth is None else ranked.limit(depth + 1)).to_list(None)
        members = [(document["_id"], self._keep(lookup.kind, document, into)) for document in documents[:depth]]
        return Head(tuple(members), complete=depth is None or len(documents) <= depth)

    def _keep(self, kind: Kind[Any], document: Document, into: Loaded) -> Any:
        key = (kind, document["_id"])
        value = kind.read(document)
        if key not in into.ahead and key not in into.versions:  # what is in use keeps the revision it was read at
            into.values[key] = value
            into.versions[key] = document.get("revision", 0)
        if kind.cached:
            self.seen[key] = (document["revision"], value)
        return value

    async def write(self, writes: Writes, transaction: Transaction) -> None:
        """Do these writes, one bulk per collection.

        Raises `Conflict` where a document is no longer as it was read.
        """
        for collection, bulk in writes.items():
            await bulk_write(self._database, collection, bulk, transaction)


async def writes_of(changes: Mapping[Key, Any], loaded: Loaded) -> Writes:
    """Return what it takes to write these changes, by collection, and the revisions that they build on."""
    writes: Writes = defaultdict(Bulk)
    async for (kind, id), value in cooperatively(changes.items()):
        if kind.written_elsewhere:
            continue
        writes[kind.collection].add(kind, id, value, loaded.versions.get((kind, id)))
    return writes


async def bulk_write(database: Database, collection: str, bulk: Bulk, transaction: Transaction | None) -> None:
    """Do these writes.

    Raises `Conflict` where a document to replace or remove has another revision than the one that was read.
    """
    of = database[collection]
    if bulk.inserted:
        await of.insert_many(bulk.inserted, ordered=False, session=transaction)
    as_read = 0
    for start in range(0, len(bulk.replaced), PER_STATEMENT):
        as_read += await _replace(of, bulk.replaced[start : start + PER_STATEMENT], transaction)
    if bulk.removed:
        deletes = [DeleteOne({"_id": id, "revision": revision}) for id, revision in bulk.removed.items()]
        as_read += (await of.bulk_write(deletes, ordered=False, session=transaction)).deleted_count
    if as_read != len(bulk.replaced) + len(bulk.removed):
        raise Conflict(f"a document of {collection} changed after it was read")


async def _replace(of: Collection, documents: Sequence[Document], transaction: Transaction | None) -> int:
    """Put each of these in the place of the document with its id, if that has the revision before; return how many.

    One statement for all of them: the server takes four times as long over a statement for each.
    """
    ids, before = [document["_id"] for document in documents], [document["revision"] - 1 for document in documents]
    place = {"$indexOfArray": [{"$literal": ids}, "$_id"]}
    as_read = {"_id": {"$in": ids}, "$expr": {"$eq": ["$revision", {"$arrayElemAt": [before, place]}]}}
    replacement = [{"$replaceWith": {"$arrayElemAt": [{"$literal": list(documents)}, place]}}]
    return (await of.update_many(as_read, replacement, session=transaction)).matched_count
