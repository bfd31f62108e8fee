"""What a handler sees of the database: documents by kind and id, changed in memory, written together.

A handler never waits. It asks `Documents` for what it needs; what has not been read yet raises `NotLoaded`, the
committer reads everything that the batch lacked in one go and decides the batch again. Nothing is lost by that, since
deciding has no effects. What can be foreseen is read beforehand (`Hears.needs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

T = TypeVar("T")
Document = dict[str, Any]


class Identified(Protocol):
    """A value that knows the id that it is kept under."""

    @property
    def id(self) -> str:
        """Return the id."""


Known = TypeVar("Known", bound=Identified)


Personal = tuple[str, ...]
"""Fields of a document, by their paths, that hold what is about a person: names, addresses, what somebody wrote."""


@dataclass(frozen=True, eq=False)
class Kind(Generic[T]):
    """One kind of document: the collection it is kept in, and how a value is read from and written to it.

    `personal` is said of every kind, also where it is nothing, so that a person can be forgotten everywhere. `write`
    returns the document without `_id`; `read` gets the whole document, `_id` included. Values of a `cached` kind are
    kept in memory between batches, for documents that are costly to read and seldom change. What handlers only look at
    is `written_elsewhere`.
    """

    collection: str
    read: Callable[[Document], T]
    write: Callable[[T], Document]
    personal: Personal
    cached: bool = False
    written_elsewhere: bool = False


@dataclass(frozen=True, eq=False)
class Lookup(Generic[T]):
    """A way to find documents of one kind: those of the same `group`, lowest `rank` first; it has an index (`kept`).

    `group` and `rank` name document fields; `group_of` and `rank_of` read the same from a value. A field that holds a
    list puts a document into several groups, which `group_of` then gives as a set. Ranks are all numbers or all texts.
    No two in a group that is asked for are the same, or its first members are not determined; of a `unique` lookup the
    database sees to that.

    What is found is as of one moment. Two processes that each add a member do not see the other's: where that matters,
    both write one document besides, such as the count of the group, and one of them decides again.
    """

    kind: Kind[T]
    group: str
    rank: str
    group_of: Callable[[T], str | frozenset[str]]
    rank_of: Callable[[T], Any]
    unique: bool = False

    def holds(self, value: T, group: str) -> bool:
        """Say whether a value belongs to a group."""
        groups = self.group_of(value)
        return group == groups if isinstance(groups, str) else group in groups


@dataclass(frozen=True)
class Head(Generic[T]):
    """The first members of a `Lookup`'s group; `complete` when there are no more behind them."""

    members: tuple[tuple[str, T], ...]
    complete: bool


class ById(NamedTuple):
    """The need for one document by its id; the key under which it is kept once it is read."""

    kind: Kind[Any]
    id: str


class First(NamedTuple):
    """The need for the first `depth` documents of a group, or for all of them."""

    lookup: Lookup[Any]
    group: str
    depth: int | None = None


Need = ById | First


class NotLoaded(Exception):
    """A handler asked for what has not been read yet; the committer reads it and decides again."""

    def __init__(self, *needs: Need) -> None:
        super().__init__(f"not read yet: {len(needs)} of what this message needs")
        self.needs = needs


@dataclass
class Loaded:
    """What has been read, with the versions that guard the writes.

    `ahead` is what an earlier batch has decided and is still writing; it counts as read, in `values` and `versions`.
    `seen` are values of cached kinds as they were last, with their revisions.
    """

    values: dict[tuple[Kind[Any], str], Any] = field(default_factory=dict)
    versions: dict[tuple[Kind[Any], str], int] = field(default_factory=dict)
    heads: dict[First, Head[Any]] = field(default_factory=dict)
    ahead: Mapping[tuple[Kind[Any], str], Any] = field(default_factory=dict)
    seen: Mapping[tuple[Kind[Any], str], tuple[int, Any]] = field(default_factory=dict)

    def after(self, changes: Mapping[tuple[Kind[Any], str], Any]) -> Loaded:
        """Return what will be there once these changes are written over what was read here."""
        versions = {key: self.versions.get(key, 0) + 1 for key, value in changes.items() if value is not None}
        return Loaded(values=dict(changes), versions=versions, ahead=changes, seen=self.seen)


class Documents:
    """The documents of one batch, as one message sees them: what was read, under what earlier messages changed."""

    def __init__(self, loaded: Loaded, changed: Mapping[tuple[Kind[Any], str], Any] | None = None) -> None:
        self._loaded = loaded
        self._earlier = changed or {}
        self._changes: dict[tuple[Kind[Any], str], Any] = {}

    def get(self, kind: Kind[T], id: str) -> T | None:
        """Return the document with this id, or None where there is none.

        Raises `NotLoaded` where it has not been read yet.
        """
        key = (kind, id)
        for layer in (self._changes, self._earlier, self._loaded.values):
            if key in layer:
                return cast("T | None", layer[key])
        raise NotLoaded(ById(kind, id))

    def glimpse(self, kind: Kind[T], id: str) -> T | None:
        """Return the document where it is in memory, one of a cached kind perhaps as it was before, else None.

        Enough to foresee what else will be needed, and never to decide on.
        """
        key = (kind, id)
        for layer in (self._changes, self._earlier, self._loaded.values):
            if key in layer:
                return cast("T | None", layer[key])
        return cast("T | None", self._loaded.seen.get(key, (0, None))[1])

    def lacks(self, need: Need) -> bool:
        """Say whether this has not been read yet."""
        if isinstance(need, First):
            return need not in self._loaded.heads
        return not (need in self._loaded.values or need in self._earlier or need in self._changes)

    def require(self, needs: Iterable[Need]) -> None:
        """Raise `NotLoaded` for all of these that have not been read yet, so that they are read together."""
        if lacking := {need for need in needs if self.lacks(need)}:
            raise NotLoaded(*lacking)

    def put(self, kind: Kind[T], id: str, value: T | None) -> None:
        """Keep this value under this id; None removes the document.

        Raises `NotLoaded` where one that has not been read yet is to be removed: what is not known to be there would
        stay.
        """
        if value is None:
            self.get(kind, id)
        self._changes[(kind, id)] = value

    @contextmanager
    def undone_where_it_fails(self) -> Iterator[None]:
        """Take back what the block changed where it raises."""
        before = dict(self._changes)
        try:
            yield
        except BaseException:
            self._changes = before
            raise

    def every(self, lookup: Lookup[T], group: str) -> tuple[tuple[str, T], ...]:
        """Return all members of a group, lowest rank first, with what was changed a moment ago.

        For groups that stay small, such as all that one person asked for; else see `first`. Raises `NotLoaded` where
        they have not been read yet.
        """
        return self._head(First(lookup, group)).members

    def first(self, lookup: Lookup[T], group: str, depth: int) -> Head[T]:
        """Return the first members of a group, lowest rank first, with what was changed a moment ago.

        They are those of the first `depth` that are still in it, and whoever has come between them; all of the group
        where it is `complete`. Raises `NotLoaded` where so many have not been read yet.
        """
        return self._head(First(lookup, group, depth))

    def _head(self, need: First) -> Head[Any]:
        if need not in self._loaded.heads:
            raise NotLoaded(need)
        head, lookup = self._loaded.heads[need], need.lookup
        last = lookup.rank_of(head.members[-1][1]) if head.members else None
        members = dict(head.members)
        for id, value in self._changed(lookup.kind):
            members.pop(id, None)
            if (
                value is not None
                and lookup.holds(value, need.group)
                and (head.complete or (last is not None and lookup.rank_of(value) <= last))
            ):
                members[id] = value
        ranked = sorted(members.items(), key=lambda member: lookup.rank_of(member[1]))
        return Head(tuple(ranked), head.complete)

    def _changed(self, kind: Kind[T]) -> Iterable[tuple[str, T | None]]:
        layered = {**self._loaded.ahead, **self._earlier, **self._changes}
        return [(id, value) for (of, id), value in layered.items() if of is kind]

    def of(self, kind: Kind[Known]) -> Repository[Known]:
        """Return the documents of one kind."""
        return Repository(self, kind)

    @property
    def changes(self) -> Mapping[tuple[Kind[Any], str], Any]:
        """What this message changed, by kind and id."""
        return self._changes


class Repository(Generic[Known]):
    """The documents of one kind, as one message sees them; each method may raise `NotLoaded`."""

    __slots__ = ("_documents", "_kind")

    def __init__(self, documents: Documents, kind: Kind[Known]) -> None:
        self._documents = documents
        self._kind = kind

    def get(self, id: str) -> Known | None:
        """Return what is kept under this id, or None."""
        return self._documents.get(self._kind, id)

    def keep(self, value: Known) -> None:
        """Keep this value, in the place of what had its id."""
        self._documents.put(self._kind, value.id, value)

    def remove(self, id: str) -> None:
        """Keep nothing under this id any more."""
        self._documents.put(self._kind, id, None)
