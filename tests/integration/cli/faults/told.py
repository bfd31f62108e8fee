"""Faults that were told: nobody can take them back, and the audit names them for as long as the stream has them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from cli.audit import waiting
from tests.integration.cli.desk import Desk
from tests.integration.cli.faults.planting import (
    EDITION,
    KEY,
    OTHER,
    PROGRAMME,
    SESSION,
    Fault,
    cancel,
    enrol,
    holder,
    in_pool,
    load,
    overtake,
)
from tests.support.eventually import wait_until

YEAR = "vng-participatieweek-2022"
ROOM = f"{YEAR}-noord"

Event = dict[str, Any]


def published(*events: Callable[[Desk], Event]) -> Callable[[Desk], AbstractContextManager[None]]:
    """Have an administrator tell facts that are none."""

    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        for event in events:
            asyncio.run(desk.tell(event(desk)))
        yield

    return plant


def full(desk: Desk) -> Event:
    """Return a fact of the session's seats, the first that was told."""
    first: Event = desk.told("--type", "SessionFull", "--edition", EDITION)[0]
    assert first["data"]["sessionId"] == SESSION
    return first


def otherwise(desk: Desk) -> Event:
    """Say the same fact with another figure."""
    fact = full(desk)
    return {**fact, "data": {**fact["data"], "queued": 99}}


def belated(desk: Desk) -> Event:
    """Tell an early version of a session behind later ones."""
    return {**full(desk), "id": "a-belated-fact"}


def rejected(desk: Desk) -> Event:
    """Refuse somebody who was confirmed."""
    fact = desk.told("--type", "EnrolmentConfirmed", "--edition", EDITION)[0]
    type = fact["type"].replace("confirmed", "rejected")
    return {**fact, "id": "a-second-answer", "type": type, "data": {"reason": "deadline-passed", "detail": "Te laat."}}


def invited(id: str) -> Callable[[Desk], Event]:
    """Say that an invitation was sent."""

    def event(desk: Desk) -> Event:
        fact = full(desk)
        with desk.kept("enrolment") as kept:
            about = {"enrolmentId": holder(kept), "editionId": EDITION, "sessionId": SESSION}
        data = {**about, "method": "REQUEST", "sequence": 7}
        return {**fact, "id": id, "type": fact["type"].replace("session-full", "invite-sent"), "data": data}

    return event


@contextmanager
def overtaken(desk: Desk) -> Iterator[None]:
    """Have the service give a seat to who came last."""
    with desk.kept("enrolment") as kept:
        overtake(kept, KEY)
        cancel(desk, holder(kept))
    yield


@contextmanager
def overtaken_in_the_room(desk: Desk) -> Iterator[None]:
    """Have the service give a seat of two sessions that share it to who came last, though not for the same session.

    They came within the minute by which clocks may differ: the audit is told that these do not.
    """
    programme = PROGRAMME.read_text(encoding="utf-8").replace("vng-participatieweek-2021", YEAR)
    for session in (SESSION, OTHER):
        programme = programme.replace(*in_pool(session, "pool: kamer", "capacity: 1"))
    with tempfile.TemporaryDirectory() as folder, desk.kept("enrolment") as kept:
        load(desk, Path(folder), programme)
        seated = enrol(desk, "kamer-1", ROOM)
        enrol(desk, "kamer-2", ROOM)
        enrol(desk, "kamer-3", ROOM, OTHER)
        overtake(kept, f"{ROOM}/{OTHER}")
        cancel(desk, seated)
    wait_until(lambda: _is_invited(desk, f"{ROOM}/{OTHER}"), within=30)  # by that the audit knows that it was in time
    with mock.patch.object(waiting, "CLOCKS", timedelta()):
        yield


def _is_invited(desk: Desk, session: str) -> bool:
    with desk.kept("notification") as kept:
        return kept["mails"].count_documents({"session": session}) > 0


TOLD: dict[str, Fault] = {
    "a fact in another form": Fault("a fact keeps its id and its form", KEY, published(otherwise)),
    "a version behind later ones": Fault(
        "a session's facts are told in order, and all of them", KEY, published(belated)
    ),
    "a second answer": Fault("every request has exactly one answer", EDITION, published(rejected)),
    "an invitation that was sent again": Fault(
        "an invitation is sent once", KEY, published(invited("sent-once"), invited("sent-twice"))
    ),
    "somebody who overtook": Fault(
        "nobody gets a seat before somebody who waited longer and fits", KEY, overtaken, settle="3"
    ),
    "somebody who overtook in a shared room": Fault(
        "nobody gets a seat before somebody who waited longer and fits",
        f"{ROOM}/{OTHER}",
        overtaken_in_the_room,
        settle="3",
    ),
}
