"""Documents by several groups, found within a decision: as in the database, with all that was changed a moment ago."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from pydantic_core import to_json
from pymongo.errors import DuplicateKeyError

from chassis.committer import Committer
from chassis.deciding import Received
from chassis.documents import Documents, Head, Kind, Lookup
from chassis.handling import Hears, Tell
from chassis.kept import make, make_findable
from chassis.mongo import Database
from chassis.service import KEPT
from instroom_contracts.cloudevent import CloudEvent, IntakeData, data_digest, new_event
from services.catalog import storage as catalog
from services.enrolment import app as enrolment
from services.enrolment.storage import schema
from tests.unit.chassis.toy import SOURCE

PEOPLE = ("ann", "bob", "cas", "dia")


@dataclass(frozen=True)
class Book:
    """A book, whose it is, and when it was written; no two in the same moment."""

    owners: frozenset[str]
    year: int


@dataclass(frozen=True)
class Seen:
    """The books of somebody, as a message found them; `all` where there are no others."""

    books: tuple[str, ...]
    all: bool


BOOKS: Kind[Book] = Kind(
    "books",
    read=lambda row: Book(frozenset(row["owners"]), row["year"]),
    write=lambda book: {"owners": sorted(book.owners), "year": book.year},
    personal=(),
)
SEEN: Kind[Seen] = Kind(
    "seen",
    read=lambda row: Seen(tuple(row["books"]), row["all"]),
    write=lambda seen: {"books": seen.books, "all": seen.all},
    personal=(),
)
BY_OWNER: Lookup[Book] = Lookup(BOOKS, "owners", "year", lambda book: book.owners, lambda book: book.year, unique=True)


class BookMoved(IntakeData):
    """Give a book to these owners (nobody: it is gone), and look at the books of one, the first so many or all."""

    book: str
    year: int
    owners: tuple[str, ...]
    whose: str
    depth: int | None = None


def move(event: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Move a book, look who has what, and note it."""
    asked: BookMoved = event.data
    documents.get(BOOKS, asked.book)
    documents.put(BOOKS, asked.book, Book(frozenset(asked.owners), asked.year) if asked.owners else None)
    if asked.depth is None:
        seen = Seen(tuple(id for id, _ in documents.every(BY_OWNER, asked.whose)), all=True)
    else:
        head = documents.first(BY_OWNER, asked.whose, asked.depth)
        seen = Seen(tuple(id for id, _ in head.members), head.complete)
    documents.put(SEEN, str(event.id), seen)
    return ()


HEARS = Hears(BookMoved, "instroom.intake", move)


def received(asked: BookMoved, id: str) -> Received:
    """Build the message that asks for this."""
    event, body = new_event(asked, source=SOURCE, id=id), to_json({"data": asked})
    digest = data_digest(body, content_type="application/cloudevents+json")
    return Received(HEARS, "toy.book-moved.v1", body, "application/cloudevents+json", {}, event, digest)


@dataclass
class Model:
    """The books as they should be, told by a die, and what each message should find of them."""

    die: Random
    books: dict[str, Book] = field(default_factory=dict)
    expected: dict[str, tuple[BookMoved, tuple[str, ...], int]] = field(default_factory=dict)
    under_way: tuple[int, int] = (0, 0)
    """How many messages the last two batches had: what these changed, the database may not have known yet."""

    def batch(self) -> list[Received]:
        """Make up some messages, and note what each should find."""
        size = self.die.randint(1, 8)
        self.under_way = self.under_way[1], size
        return [self._message() for _ in range(size)]

    def _message(self) -> Received:
        number, id = self.die.randrange(90), str(len(self.expected))
        owners = tuple(self.die.sample(PEOPLE, self.die.randint(0, 4)))
        whose, depth = self.die.choice(PEOPLE), self.die.choice([None, 1, 3, 30])
        asked = BookMoved(book=f"b{number}", year=self.die.getrandbits(40), owners=owners, whose=whose, depth=depth)
        self.books.pop(asked.book, None)
        if owners:
            self.books[asked.book] = Book(frozenset(owners), asked.year)
        owned = sorted((book.year, name) for name, book in self.books.items() if whose in book.owners)
        self.expected[id] = asked, tuple(name for _, name in owned), sum(self.under_way)
        return received(asked, id)

    def check(self, id: str, row: dict[str, Any]) -> None:
        """Compare what a message found with what it should have: all, or the first of all."""
        asked, owned, changed = self.expected[id]
        assert tuple(row["books"]) == owned[: len(row["books"])], id
        if asked.depth is None or row["all"]:
            assert len(row["books"]) == len(owned), id
        else:
            assert len(row["books"]) >= min(asked.depth, len(owned)) - changed, id


async def live(committer: Committer, database: Database, seed: int) -> int:
    """Decide batches, each while the one before it is still to be written; return how many looks were compared."""
    model, plan = Model(Random(seed)), None
    batch = model.batch()
    for _ in range(60):
        plan = plan or await committer.prepare(batch, None)
        following = model.batch()
        after = await committer.prepare(following, plan) if model.die.random() < 0.7 else None
        as_planned = await committer.commit(batch, plan)
        batch, plan = following, after if as_planned else None
    rows = await database["seen"].find({}).to_list(None)
    for row in rows:
        model.check(row["_id"], row)
    assert await database["quarantine"].count_documents({}) == 0
    return len(rows)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_found_is_what_is_there(committer: Committer, database: Database, seed: int) -> None:
    """In histories by chance: books that are given away, come back and go, within a batch and over several."""
    await make_findable(database, [BY_OWNER])
    assert await live(committer, database, seed) > 150


async def test_without_what_changed_a_moment_ago_it_is_not(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above: what stands in the database alone is not enough."""
    monkeypatch.setattr(Documents, "_changed", lambda *_: [])
    await make_findable(database, [BY_OWNER])
    with pytest.raises(AssertionError):
        await live(committer, database, 0)


async def test_a_look_that_finds_too_little_is_noticed(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: that what is found comes first is true of nothing as well."""
    first = Documents.first
    monkeypatch.setattr(Documents, "first", lambda *asked: Head(first(*asked).members[:0], complete=False))
    await make_findable(database, [BY_OWNER])
    with pytest.raises(AssertionError):
        await live(committer, database, 0)


async def test_what_is_found_is_found_by_an_index(database: Database) -> None:
    """Each group in its order, without a look at others or a sort in memory; and no two members with one rank."""
    await make_findable(database, [BY_OWNER, BY_OWNER])
    await database["books"].insert_one({"_id": "a", "owners": ["ann", "bob"], "year": 1})
    with pytest.raises(DuplicateKeyError):
        await database["books"].insert_one({"_id": "b", "owners": ["bob", "cas"], "year": 1})
    assert await is_by_index(database, BY_OWNER, "bob")


Prepare = Callable[[Database, datetime], Awaitable[None]]
PREPARED: tuple[tuple[Prepare, tuple[Lookup[Any], ...]], ...] = (
    (catalog.prepare, catalog.LOOKUPS),
    (enrolment.prepare, schema.LOOKUPS),
)


@pytest.mark.parametrize(("prepare", "lookups"), PREPARED, ids=["catalog", "enrolment"])
async def test_a_service_has_an_index_for_each_of_its_lookups(
    database: Database, prepare: Prepare, lookups: tuple[Lookup[Any], ...]
) -> None:
    """Once it has started: without one, each look goes through all there is."""
    await make(database, [*KEPT, *schema.KEPT])
    await prepare(database, datetime.now(UTC))
    for lookup in lookups:
        assert await is_by_index(database, lookup, "any"), lookup.kind.collection


async def is_by_index(database: Database, lookup: Lookup[Any], group: str) -> bool:
    """Say whether the database finds a group in its order by an index, without sorting."""
    found = {"find": lookup.kind.collection, "filter": {lookup.group: group}, "sort": {lookup.rank: 1}}
    explained = await database.command("explain", found, verbosity="queryPlanner")
    plan = str(explained["queryPlanner"]["winningPlan"])
    return f"{lookup.group}_1_{lookup.rank}_1" in plan and "'SORT'" not in plan
