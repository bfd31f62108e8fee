"""What a service keeps: its collections, made before anything is written, and the indexes of its lookups.

Of each collection it is said what in it is about a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from pymongo.errors import OperationFailure

from chassis.documents import Lookup, Personal
from chassis.mongo import Database

NAMESPACE_EXISTS = 48


class Collected(Protocol):
    """What stands in a collection of its own: a `Kind` of document, or what is written without one."""

    @property
    def collection(self) -> str:
        """Name the collection."""

    @property
    def personal(self) -> Personal:
        """Name the fields that hold what is about a person."""


@dataclass(frozen=True)
class Kept:
    """A collection whose documents are written as they are, without a `Kind`."""

    collection: str
    personal: Personal


async def make(database: Database, kept: Iterable[Collected]) -> None:
    """Make these collections, as often as you like: made within a transaction, two would be in each other's way."""
    for one in kept:
        try:
            await database.command("create", one.collection)
        except OperationFailure as error:
            if error.code != NAMESPACE_EXISTS:
                raise


async def make_findable(database: Database, lookups: Iterable[Lookup[Any]]) -> None:
    """Make the index of each of these lookups, as often as you like."""
    for lookup in lookups:
        keys = [(lookup.group, 1), (lookup.rank, 1)]
        await database[lookup.kind.collection].create_index(keys, unique=lookup.unique)
