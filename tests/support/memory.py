"""A store in memory that runs handlers as the committer does: read what is asked for, decide again, write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import bson
from bson.codec_options import CodecOptions

from chassis.deciding import APART
from chassis.documents import ById, Document, Documents, First, Head, Kind, Loaded, Need, NotLoaded
from chassis.handling import Hears, Tell
from instroom_contracts.cloudevent import CloudEvent

T = TypeVar("T")
AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


@dataclass
class Memory:
    """Documents by collection and id, kept as BSON so that what MongoDB cannot keep fails here too.

    Of the last message: `rounds` counts how often it had to wait for reading, `depths` how far into ordered groups it
    looked, `written` holds what it wrote.
    """

    collections: dict[str, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    rounds: int = 0
    depths: list[int] = field(default_factory=list)
    written: list[tuple[Kind[Any], str]] = field(default_factory=list)
    handled: int = 0

    def handle(self, hears: Hears, event: CloudEvent[Any], now: datetime) -> Sequence[Tell]:
        """Decide one event, write what it changes, and return what it tells; each later than the one before."""
        loaded = Loaded()
        self.handled += 1
        now += APART * self.handled
        self.rounds, self.depths, self.written = 0, [], []
        while True:
            documents = Documents(loaded)
            try:
                tells = hears.handler(event, documents, now)
            except NotLoaded as missing:
                untouched = Documents(loaded)
                foreseen = [need for need in hears.needs(event, untouched) if untouched.lacks(need)]
                self._read([*missing.needs, *foreseen], loaded)
                self.rounds += 1
            else:
                self._write(documents)
                return tells

    def get(self, kind: Kind[T], id: str) -> T | None:
        """Return one document, or None where there is none."""
        return kind.read(self._document(kind, id)) if id in self.collections[kind.collection] else None

    def all(self, kind: Kind[T]) -> dict[str, T]:
        """Return every document of a kind by its id."""
        return {id: kind.read(self._document(kind, id)) for id in self.collections[kind.collection]}

    def put(self, kind: Kind[T], id: str, value: T) -> None:
        """Keep a document."""
        self.collections[kind.collection][id] = bson.encode({"_id": id, **kind.write(value)})

    def _document(self, kind: Kind[Any], id: str) -> Document:
        return bson.decode(self.collections[kind.collection][id], AWARE)

    def _read(self, needs: Sequence[Need], loaded: Loaded) -> None:
        for need in needs:
            if isinstance(need, ById):
                known = need.id in self.collections[need.kind.collection]
                loaded.values[need.kind, need.id] = (
                    need.kind.read(self._document(need.kind, need.id)) if known else None
                )
            else:
                self._read_head(need, loaded)

    def _read_head(self, need: First, loaded: Loaded) -> None:
        lookup, depth = need.lookup, need.depth
        group = [(id, value) for id, value in self.all(lookup.kind).items() if lookup.holds(value, need.group)]
        ranked = sorted(group, key=lambda member: lookup.rank_of(member[1]))
        self.depths.append(len(ranked) if depth is None else depth)
        for id, value in ranked[:depth]:
            loaded.values[lookup.kind, id] = value
        loaded.heads[need] = Head(tuple(ranked[:depth]), complete=depth is None or len(ranked) <= depth)

    def _write(self, documents: Documents) -> None:
        self.written = list(documents.changes)
        for (kind, id), value in documents.changes.items():
            if value is None:
                self.collections[kind.collection].pop(id, None)
            else:
                self.put(kind, id, value)


@dataclass
class Contested(Memory):
    """A store that two processes use: while one decides, on things as they were, the other does what `rival` says.

    Where both wrote the same document the first decides again, as the committer has it.
    """

    rival: Callable[[], object] | None = None
    changed: set[tuple[Kind[Any], str]] = field(default_factory=set)

    def handle(self, hears: Hears, event: CloudEvent[Any], now: datetime) -> Sequence[Tell]:
        """Decide one event, beside what the rival does."""
        rival, self.rival = self.rival, None
        if rival is None:
            return super().handle(hears, event, now)
        apart = Memory(defaultdict(dict, {name: dict(kept) for name, kept in self.collections.items()}))
        apart.handled, self.handled = self.handled, self.handled + 1
        self.changed.clear()
        rival()
        tells = apart.handle(hears, event, now)
        if self.changed & set(apart.written):
            return super().handle(hears, event, now)
        for kind, id in apart.written:
            self._take_over(kind.collection, id, apart)
        return tells

    def _write(self, documents: Documents) -> None:
        super()._write(documents)
        self.changed.update(self.written)

    def _take_over(self, collection: str, id: str, apart: Memory) -> None:
        if id in apart.collections[collection]:
            self.collections[collection][id] = apart.collections[collection][id]
        else:
            self.collections[collection].pop(id, None)
