"""A service with 50,000 documents to work through, in the place of the catalogue and with its accounts.

`python -m tests.integration.chassis.thousands [STAND-IN]` runs it, perhaps with a `go_on` that does not. A request
for all editions begins the work; one for a single edition is a message of others, and notes how far that is by then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chassis.documents import ById, Documents, Kind
from chassis.due import DUE, go_on, left_of, taken_up
from chassis.handling import Hears, Tell
from chassis.mongo import Database
from chassis.schedule import Schedule
from chassis.service import Service, run
from chassis.settings import ServiceSettings
from instroom_contracts.catalog import RepublishRequested
from instroom_contracts.cloudevent import CloudEvent, EventData
from instroom_contracts.origin import Origin, origin_of

PORTION = 200
ALL = "all"
OWN = "urn:nld:oin:00000001823288444000:systeem:instroom-catalog"


class Working(EventData):
    """Go on with the documents from this number."""

    at: int
    through: int


@dataclass(frozen=True)
class Thing:
    """A document, and how often it was worked on."""

    worked: int = 0


@dataclass(frozen=True)
class Glance:
    """How far the work was when others' message was decided."""

    at: int


THINGS: Kind[Thing] = Kind("things", lambda row: Thing(row["worked"]), lambda thing: {"worked": thing.worked}, ())
GLANCES: Kind[Glance] = Kind("glances", lambda row: Glance(row["at"]), lambda glance: {"at": glance.at}, ())


keep: Callable[..., None] = go_on
"""Keeps what is left."""


def begin_or_glance(event: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Begin with all documents, or note how far that is."""
    left = left_of(documents, Working, ALL)
    if event.data.edition_id:
        documents.put(GLANCES, event.data.edition_id, Glance(left.at if left else -1))
    else:
        whole = Working(at=0, through=int(event.id))
        keep(documents, event, whole, ALL, moment=event.time, origin=origin_of(event), now=now)
    return ()


def work_on(event: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Work on a portion."""
    todo = taken_up(documents, event, ALL)
    if todo is None:
        return ()
    end = min(todo.data.at + PORTION, todo.data.through)
    numbers = [str(number) for number in range(todo.data.at, end)]
    documents.require(ById(THINGS, number) for number in numbers)
    for number in numbers:
        thing = documents.get(THINGS, number)
        assert thing
        documents.put(THINGS, number, replace(thing, worked=thing.worked + 1))
    if end < todo.data.through:
        rest = todo.data.model_copy(update={"at": end})
        keep(documents, event, rest, ALL, moment=todo.time, origin=Origin(event.id, event.source), now=now)
    return ()


def forgetting(*_: Any, **__: Any) -> None:
    """Stand in for `go_on`, and keep nothing of what is left."""


def repeating(documents: Documents, by: CloudEvent[Any], data: Working, *about: Any, **fields: Any) -> None:
    """Stand in for `go_on`, and say of the first portion that it is left although it was done."""
    thing = documents.get(THINGS, "0")
    is_first = data.at == PORTION and thing == Thing(1)
    go_on(documents, by, data.model_copy(update={"at": 0}) if is_first else data, *about, **fields)


async def prepare(_: Database, __: datetime) -> None:
    """Leave the database as it is."""


SERVICE = Service(
    "catalog",
    (Hears.of(RepublishRequested, begin_or_glance),),
    (),
    (THINGS, GLANCES, DUE),
    prepare,
    tasks=(Schedule((Hears(Working, "", work_on),), (), OWN).run,),
)

if __name__ == "__main__":
    keep = {"forgetting": forgetting, "repeating": repeating}.get(sys.argv[-1], keep)
    run(SERVICE, ServiceSettings())
