"""A service as small as can be: it counts what it hears, and tells each count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from chassis.deciding import Received
from chassis.documents import Documents, Kind, Lookup
from chassis.handling import Hears, Tell, Tells, ToldBefore
from chassis.replies import DECIDED
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


class CountAskedAgain(IntakeData):
    """Ask for the answer to an earlier event of the same source."""

    earlier: str


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
    personal=(),
)
BY_SHELF: Lookup[Jar] = Lookup(JARS, "shelf", "count", lambda jar: jar.shelf, lambda jar: jar.count)


def count_thing(event: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Put one more into the jar."""
    if event.data.jar == "cursed":
        raise RuntimeError("this jar is cursed")
    jar = documents.get(JARS, event.data.jar) or Jar(event.data.jar, "top", 0)
    fuller = Jar(jar.name, jar.shelf, jar.count + 1)
    documents.put(JARS, jar.name, fuller)
    return [Tell(CountRose(jar=jar.name, count=fuller.count), subject=jar.name)]


def count_again(event: CloudEvent[Any], documents: Documents, now: datetime) -> Sequence[Tell]:
    """Tell an earlier answer again; say how many facts that is, -1 for one that is under way, -2 for none."""
    decided = documents.get(DECIDED, f"{event.source} {event.data.earlier}")
    count = -2 if decided is None else -1 if decided.under_way else len(decided.replies)
    again = [Tell(ToldBefore(body=body), subject="again") for body in (decided.replies if decided else ())]
    return [*again, Tell(CountRose(jar="again", count=count), subject="again")]


def refuse(invalid: InvalidEvent) -> Sequence[Tell]:
    """Tell that nothing was counted."""
    return [Tell(CountRose(jar="none", count=0), subject="none")]


HEARS = Hears(ThingCounted, "instroom.intake", count_thing, refuse)
HEARS_AGAIN = Hears(CountAskedAgain, "instroom.intake", count_again, refuse)
TELLS = (Tells(CountRose, "instroom.events", is_reply=True),)


def received(jar: str, *, id: str, note: str = "") -> Received:
    """Build a message as the consumer would hand it on."""
    return _received(HEARS, new_event(ThingCounted(jar=jar, note=note), source=SOURCE, id=id))


def asked_again(earlier: str, *, id: str) -> Received:
    """Build the message that asks for an earlier answer."""
    return _received(HEARS_AGAIN, new_event(CountAskedAgain(earlier=earlier), source=SOURCE, id=id))


def _received(hears: Hears, event: CloudEvent[Any]) -> Received:
    body = to_json({"data": event.data})
    digest = data_digest(body, content_type="application/cloudevents+json")
    return Received(hears, "toy.thing-counted.v1", body, "application/cloudevents+json", {}, event, digest)


def invalid(*, id: str | None) -> Received:
    """Build a message that is no valid event."""
    problem = InvalidEvent("invalid-event", (), id=id, source=SOURCE if id else None, type=None)
    return Received(HEARS, "toy.thing-counted.v1", b"{}", "application/cloudevents+json", {}, problem, "digest")
