"""A service as small as can be: it counts what it hears, and tells each count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from chassis.deciding import Received
from chassis.documents import Documents, Kind, Order
from chassis.handling import Hears, Tell, Tells
from instroom_contracts.cloudevent import (
    CloudEvent,
    EventData,
    IntakeData,
    InvalidEvent,
    data_digest,
    new_event,
)

SOURCE = "urn:nld:oin:00000001823288444000:systeem:toy"


class ThingCounted(IntakeData):
    """Ask for one more in a jar; a jar called "cursed" makes the handler fail."""

    jar: str
    note: str = ""


class CountRose(EventData):
    """Say how many are in a jar now."""

    jar: str
    count: int


@dataclass(frozen=True)
class Jar:
    """How many are in a jar."""

    name: str
    shelf: str
    count: int


JARS: Kind[Jar] = Kind(
    "jars",
    read=lambda doc: Jar(doc["_id"], doc["shelf"], doc["count"]),
    write=lambda jar: {"shelf": jar.shelf, "count": jar.count},
)
BY_SHELF: Order[Jar] = Order(JARS, "shelf", "count", lambda jar: jar.shelf, lambda jar: jar.count)


def count_thing(event: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Put one more into the jar."""
    if event.data.jar == "cursed":
        raise RuntimeError("this jar is cursed")
    jar = documents.get(JARS, event.data.jar) or Jar(event.data.jar, "top", 0)
    fuller = Jar(jar.name, jar.shelf, jar.count + 1)
    documents.put(JARS, jar.name, fuller)
    return [Tell(CountRose(jar=jar.name, count=fuller.count), subject=jar.name)]


def refuse(invalid: InvalidEvent) -> Sequence[Tell]:
    """Tell that nothing was counted."""
    return [Tell(CountRose(jar="none", count=0), subject="none")]


HEARS = Hears(ThingCounted, "instroom.intake", count_thing, refuse)
TELLS = (Tells(CountRose, "instroom.events"),)


def received(jar: str, *, id: str, note: str = "") -> Received:
    """Build a message as the consumer would hand it on."""
    event = new_event(ThingCounted(jar=jar, note=note), source=SOURCE, id=id)
    body = to_json({"data": event.data})
    digest = data_digest(body, content_type="application/cloudevents+json")
    return Received(HEARS, "toy.thing-counted.v1", body, "application/cloudevents+json", {}, event, digest)


def invalid(*, id: str | None) -> Received:
    """Build a message that is no valid event."""
    problem = InvalidEvent("invalid-event", (), id=id, source=SOURCE if id else None, type=None)
    return Received(HEARS, "toy.thing-counted.v1", b"{}", "application/cloudevents+json", {}, problem, "digest")
