"""What of a person stands where: nowhere but in the fields that say so, in any service's database."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.documents import Personal
from chassis.kept import Collected
from chassis.service import KEPT
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentRequested
from services.catalog import storage as catalog
from services.enrolment.storage import schema as enrolment
from services.notification.storage import kinds as notification
from tests.integration.cli.desk import EDITION, TIME, Desk
from tests.support.eventually import eventually

DECLARED: Mapping[str, Sequence[Collected]] = {
    "catalog": (*KEPT, *catalog.KEPT),
    "enrolment": (*KEPT, *enrolment.KEPT),
    "notification": (*KEPT, *notification.KEPT),
}
PERSON = {"--name": "Wende Zwaluw", "--organisation": "Gemeente Zwaluwdam", "--dietary-wishes": "geen zwaluwnestjes"}
TRACES = ("zwaluw",)
"""What every value that is about the person holds, in lower case."""
SHARED = ("--edition", "vng-participatieweek-2021-zuid", "--session", "participatiebeleid")


@pytest.fixture(scope="module")
def day(desk: Desk) -> Desk:
    """Have somebody made up ask for whatever there is: confirmed, refused, waiting, parked, invalid and cancelled."""
    for number in range(22):
        ask(desk, f"dier-{number}", *SHARED, "--role", "projectleider", "--region", "zuid")
    ask(desk, "dier-a", "--edition", EDITION)
    ask(desk, "dier-late", "--edition", EDITION, time="2021-06-20T11:30:00+02:00")
    told = desk.told("--correlation", "dier-0")
    desk.run("cancel", told[0]["data"]["enrolmentId"], "--time", TIME, "--reason", "zwaluw is ziek")
    return desk


def ask(desk: Desk, id: str, *more: str, time: str = TIME) -> None:
    """Ask for a place."""
    asked = {"--id": id, "--time": time, "--role": "beleidsmedewerker", "--region": "groningen"}
    words: dict[str, str] = {**asked, **PERSON, "--email": f"zwaluw-{id}@example.org"}
    done = desk.run("request", *(word for pair in words.items() for word in pair), *more)
    assert done.exit_code in {0, 3, 4}, done.output


async def parked_and_held(desk: Desk) -> None:
    """Publish what waits for its edition, and what is no valid event."""
    person = {"name": PERSON["--name"], "organisation": PERSON["--organisation"], "role": "griffier"}
    data = {"editionId": "nergens", "participant": {**person, "email": "zwaluw-p@example.org"}}
    event: dict[str, Any] = {"specversion": "1.0", "type": type_of(EnrolmentRequested), "source": "urn:dier"}
    event |= {"id": "parked", "source": "urn:nld:oin:00000009999999999999:systeem:dier", "data": data}
    event["time"] = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    await desk.publish(json.dumps(event).encode(), event["type"])
    await desk.publish(json.dumps({**event, "id": "odd", "data": {"zwaluw": "?"}}).encode(), event["type"])


def personal(value: Any, path: str = "") -> Iterator[str]:
    """Give the paths of a document under which something is about the person."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from [path] if _is_theirs(name) else personal(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from personal(inner, path)
    elif _is_theirs(value):
        yield path


def _is_theirs(value: Any) -> bool:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return any(trace in text.lower() for trace in TRACES)


def covers(declared: Personal, path: str) -> bool:
    """Say whether a path lies in a field that is declared."""
    return any(f"{path}.".startswith(f"{field}.") for field in declared)


def found(desk: Desk, declared: Mapping[str, Sequence[Collected]]) -> Iterable[str]:
    """Name every collection that nobody declared, and every field with something of the person that is not said to."""
    for service, kept in declared.items():
        known: dict[str, Personal] = defaultdict(tuple)
        for one in kept:
            known[one.collection] += one.personal
        with desk.kept(service) as database:
            for collection in database.list_collection_names():
                fields = known.get(collection)
                if fields is None:
                    yield f"{service} {collection}"
                    continue
                paths = {path for document in database[collection].find() for path in personal(document)}
                yield from (f"{service} {collection}: {path}" for path in paths if not covers(fields, path))


async def test_what_is_about_a_person_stands_where_it_is_said_to(day: Desk) -> None:
    """Whoever is to be forgotten must be found by what the code says of itself."""
    await parked_and_held(day)
    with day.kept("enrolment") as kept:
        await eventually(lambda: kept["parked"].count_documents({}) + kept["quarantine"].count_documents({}) == 2)
    assert [*found(day, DECLARED)] == []


async def test_a_field_that_is_not_said_to_hold_it_is_found(day: Desk) -> None:
    """Twin: with nothing declared, every place of theirs comes up."""
    await parked_and_held(day)
    nothing = {service: [_Silent(one.collection) for one in kept] for service, kept in DECLARED.items()}
    with day.kept("enrolment") as kept:
        await eventually(lambda: kept["parked"].count_documents({}) == 1)
        places = {*found(day, nothing)}
    assert {place.partition(":")[0] for place in places} >= {
        "enrolment enrolments",
        "enrolment parked",
        "enrolment quarantine",
        "notification mails",
    }


def test_a_collection_that_nobody_declared_is_found(day: Desk) -> None:
    """Twin: one kind less is one collection too many."""
    fewer = {**DECLARED, "enrolment": [one for one in DECLARED["enrolment"] if one.collection != "waiting_list"]}
    assert [*found(day, fewer)] == ["enrolment waiting_list"]


class _Silent:
    personal: Personal = ()

    def __init__(self, collection: str) -> None:
        self.collection = collection
