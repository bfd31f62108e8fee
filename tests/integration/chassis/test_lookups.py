"""Documents by several groups, found within a decision: as in the database, with all that was changed a moment ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, ClassVar

import pytest
from pydantic_core import to_json
from pymongo.errors import DuplicateKeyError

from chassis.committer import Committer
from chassis.deciding import Received
from chassis.documents import Documents, Kind, Lookup
from chassis.handling import Hears, Tell
from chassis.kept import make_findable
from chassis.mongo import Database
from instroom_contracts.cloudevent import CloudEvent, IntakeData, data_digest, new_event
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
    """The books as they should be, and the batches that are on their way, told by a die."""

    die: Random
    books: dict[str, Book] = field(default_factory=dict)
    expected: dict[str, tuple[BookMoved, tuple[str, ...], int]] = field(default_factory=dict)
    most_removed: ClassVar[int] = 2 * 8

    def batch(self) -> list[Received]:
        """Make up some messages, and note what each should find."""
        return [self._message() for _ in range(self.die.randint(1, 8))]

    def _message(self) -> Received:
        number, id = self.die.randrange(25), str(len(self.expected))
        owners = tuple(self.die.sample(PEOPLE, self.die.randint(0, 3)))
        whose, depth = self.die.choice(PEOPLE), self.die.choice([None, 1, 3, 10])
        asked = BookMoved(book=f"b{number}", year=self.die.getrandbits(40), owners=owners, whose=whose, depth=depth)
        self.books.pop(asked.book, None)
        if owners:
            self.books[asked.book] = Book(frozenset(owners), asked.year)
        owned = sorted((book.year, name) for name, book in self.books.items() if whose in book.owners)
        self.expected[id] = asked, tuple(name for _, name in owned), len(owned)
        return received(asked, id)

    def check(self, id: str, row: dict[str, Any]) -> None:
        """Compare what a message found with what it should have: all, or the first of all."""
        asked, owned, count = self.expected[id]
        assert tuple(row["books"]) == owned[: len(row["books"])], id
        if asked.depth is None or row["all"]:
            assert len(row["books"]) == count, id
        else:
            assert len(row["books"]) >= min(asked.depth, count) - self.most_removed


async def live(committer: Committer, database: Database, seed: int) -> int:
    """Decide batches, each while the one before it is still to be written; return how many looks were compared."""
    model, plan = Model(Random(seed)), None
    batch = model.batch()
    for _ in range(25):
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
    assert await live(committer, database, seed) > 50


async def test_without_what_changed_a_moment_ago_it_is_not(
    committer: Committer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above: what stands in the database alone is not enough."""
    monkeypatch.setattr(Documents, "_changed", lambda *_: [])
    await make_findable(database, [BY_OWNER])
    with pytest.raises(AssertionError):
        await live(committer, database, 0)


async def test_what_is_found_is_found_by_an_index(database: Database) -> None:
    """Each group in its order, without a look at others or a sort in memory; and no two members with one rank."""
    await make_findable(database, [BY_OWNER, BY_OWNER])
    await database["books"].insert_one({"_id": "a", "owners": ["ann", "bob"], "year": 1})
    with pytest.raises(DuplicateKeyError):
        await database["books"].insert_one({"_id": "b", "owners": ["bob", "cas"], "year": 1})
    found = {"find": "books", "filter": {"owners": "bob"}, "sort": {"year": 1}}
    explained = await database.command("explain", found, verbosity="queryPlanner")
    plan = str(explained["queryPlanner"]["winningPlan"])
    assert "owners_1_year_1" in plan
    assert "SORT" not in plan.replace("SORT_MERGE", "")
