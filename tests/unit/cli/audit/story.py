"""A small true story, in which every promise holds: the examples of broken promises are told from it.

One session with one seat. Ada gets it, Bob and Cas wait; Ada withdraws and Bob is promoted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.audit.evidence import (
    Counter,
    Enrolment,
    Evidence,
    Invitation,
    Offered,
    Outbox,
    Place,
    Pool,
    Spent,
    Turn,
)
from instroom_contracts.cloudevent import type_of
from instroom_contracts.intake import EnrolmentCancellationRequested, EnrolmentRequested
from tests.unit.cli.builders import ASKER, fact, place

EDITION, SESSION = "leeratelier", "ronde-1"
KEY = (EDITION, SESSION)
POOL = f"{EDITION}/{SESSION}"
START = datetime(2021, 6, 1, 12, tzinfo=UTC)
BEFORE, AFTER = START - timedelta(days=1), START + timedelta(hours=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

PUBLISHED = fact(
    "edition-published",
    {
        "editionId": EDITION,
        "version": 1,
        "sessions": [{"sessionId": SESSION, "capacity": 1, "startsAt": START.isoformat()}],
    },
)


def enrolment(name: str, state: str, **changes: Any) -> Enrolment:
    """Build an enrolment with one place; the participant is named after it."""
    seat = Place(name, KEY, state, name)
    kept = "cancelled" if state == "released" else state
    return replace(Enrolment(name, EDITION, f"mail of {name}", kept, all_or_nothing=False, places=(seat,)), **changes)


def decided(name: str, state: str, version: int, *, id: str = "") -> Any:
    """Build the answer to the request of this name."""
    data = {"enrolmentId": name, "editionId": EDITION, "places": [place(SESSION, state, version)]}
    answer = "enrolment-confirmed" if state == "confirmed" else "enrolment-queued"
    return fact(answer, data, id=id or f"answer to {name}", answers=f"request of {name}")


def changed(name: str, state: str, version: int, cause: str, request: str) -> Any:
    """Build a fact of a place that changed after its answer."""
    data = {
        "enrolmentId": name,
        "editionId": EDITION,
        "sessionId": SESSION,
        "sessionVersion": version,
        "cause": cause,
    }
    return fact(f"place-{state}", data, answers=request)


def invitation(name: str, **changes: Any) -> Invitation:
    """Build an invitation that was sent."""
    sent = Invitation(name, KEY, "REQUEST", BEFORE, "REQUEST", 0, "sent")
    return replace(sent, **changes)


def sent(name: str, method: str = "REQUEST", sequence: int = 0, *, id: str = "") -> Any:
    """Build the fact that a mail server took an invitation."""
    data = {
        "enrolmentId": name,
        "editionId": EDITION,
        "sessionId": SESSION,
        "method": method,
        "sequence": sequence,
    }
    return fact("invite-sent", data, id=id)


def spent(name: str, model: Any = EnrolmentRequested) -> Spent:
    """Build the record of a request that was decided."""
    return Spent(f"{ASKER} {name}", type_of(model), BEFORE)


FACTS = (
    PUBLISHED,
    decided("ada", "confirmed", 1),
    decided("bob", "queued", 2),
    decided("cas", "queued", 3),
    sent("ada"),
    changed("ada", "released", 4, "cancellation", "withdrawal of ada"),
    changed("bob", "confirmed", 5, "promotion", "withdrawal of ada"),
    sent("ada", "CANCEL", 1),
    sent("bob"),
)

TRUE_STORY = Evidence(
    now=NOW,
    pools=(Pool(POOL, capacity=1, limit=1, taken=1, waiting=1, sessions=(KEY,)),),
    counters=(Counter(KEY, version=5, confirmed=1, queued=1, waiting=1),),
    enrolments=(
        enrolment("ada", "released"),
        enrolment("bob", "confirmed"),
        enrolment("cas", "queued"),
    ),
    turns=(Turn(KEY, "cas", 3, 1),),
    spent=(
        spent("request of ada"),
        spent("request of bob"),
        spent("request of cas"),
        spent("withdrawal of ada", EnrolmentCancellationRequested),
    ),
    live={"digest of bob": "bob", "digest of cas": "cas"},
    sessions={KEY: Offered(START, cancelled=False, pool=POOL, capacity=1)},
    invitations=(invitation("ada", asked_method="CANCEL", method="CANCEL", sequence=1), invitation("bob")),
    outboxes=(Outbox("enrolment", 0, None),),
    dead_letters={"enrolment.enrolment-requested.v1.dead": 0},
    facts=FACTS,
)


def told(**changes: Any) -> Evidence:
    """Tell the story otherwise."""
    return replace(TRUE_STORY, **changes)
