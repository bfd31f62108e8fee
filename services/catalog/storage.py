"""How the catalogue is kept: one document per edition, in the form in which it travels."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import to_jsonable_python

from chassis.documents import Document, Kind, Lookup
from chassis.kept import make_findable
from chassis.mongo import Database
from instroom_contracts.catalog import EditionPublished, JoiningDetailsPublished
from services.catalog.domain import Entry

CATALOGUE = "all"
"""The one group that every edition belongs to, so that all can be listed."""


def _read(document: Document) -> Entry:
    return Entry(
        EditionPublished.model_validate(document["edition"]),
        tuple(JoiningDetailsPublished.model_validate(details) for details in document["joining"]),
    )


def _write(entry: Entry) -> Document:
    """Keep times as text, since MongoDB would drop their offset, and with it winter and summer time."""
    return {
        "catalogue": CATALOGUE,
        "version": entry.edition.version,
        "edition": to_jsonable_python(entry.edition),
        "joining": to_jsonable_python(entry.joining),
    }


EDITIONS = Kind("editions", _read, _write, personal=())

ALL_EDITIONS = Lookup(
    EDITIONS,
    group="catalogue",
    rank="_id",
    group_of=lambda _: CATALOGUE,
    rank_of=lambda entry: entry.edition.edition_id,
)


KEPT = (EDITIONS,)
LOOKUPS = (ALL_EDITIONS,)


async def prepare(database: Database, _: datetime) -> None:
    """Make the index that lists all editions."""
    await make_findable(database, LOOKUPS)
