"""Faults in what the services keep: planted into the databases, and taken back by putting everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

from services.enrolment.domain.enrolment import Enrolment, Live
from services.enrolment.domain.ids import participant_key
from services.enrolment.storage.kinds import ENROLMENTS, HELD_IN, PARTICIPANTS
from tests.integration.cli.desk import Desk, Kept
from tests.integration.cli.faults.planting import EDITION, ELSEWHERE, KEY, OTHER, PLAIN, SESSION, Fault, one, overtake
from tests.unit.enrolment.examples import ASKED, WEBSITE, participant

LEFT_ALONE = {"leases", "counters", "outbox"}
"""What the services write by themselves."""
START = f"{EDITION}/startbijeenkomst"
"""A session that has seats left, and nobody who waits."""
IN_POOL = {"sessions": [EDITION, SESSION]}
STRANDED = "5a3c8ef2-6f0e-5f0a-9a0b-0f3d2c1b7e55"
PERSON = participant("gestrand", role="beleidsmedewerker", region="groningen")

Change = Callable[[Kept], object]


def in_documents(change: Change, service: str = "enrolment") -> Callable[[Desk], AbstractContextManager[None]]:
    """Plant a fault into a service's documents, whatever guards the database has; then put everything as it was."""

    @contextmanager
    def plant(desk: Desk) -> Iterator[None]:
        with desk.kept(service) as kept:
            before = {name: list(kept[name].find()) for name in kept.list_collection_names() if name not in LEFT_ALONE}
            guards = {name: kept[name].options().get("validator", {}) for name in before}
            try:
                for name in before:
                    kept.command("collMod", name, validator={})
                change(kept)
                yield
            finally:
                for name, rows in before.items():
                    kept[name].delete_many({})
                    if rows:
                        kept[name].insert_many(rows)
                    kept.command("collMod", name, validator=guards[name])

    return plant


def update(collection: str, change: dict[str, Any], **which: Any) -> Change:
    """Change one document."""

    def fault(kept: Kept) -> None:
        assert kept[collection].update_one(which, change).modified_count == 1

    return fault


def more_seats(kept: Kept) -> None:
    """Have a pool and all that share it offer a seat more, and nobody who waits get it."""
    kept["pools"].update_one(IN_POOL, {"$inc": {"capacity": 1, "limit": 1}})
    seats, there = {"$inc": {"sessions.$[in].capacity": 1}}, {"sessions.sessionId": SESSION}
    assert kept["editions"].update_many(there, seats, array_filters=[{"in.sessionId": SESSION}]).modified_count == 3


def end_in_silence(kept: Kept) -> None:
    """End an enrolment in every document that knows of it, and tell nobody."""
    held = one(kept, "enrolments", {"editionId": PLAIN, "state": "confirmed"})
    (session,) = held[HELD_IN]
    ended = {"state": "cancelled", "places.0.state": "released", HELD_IN: []}
    kept["enrolments"].update_one({"_id": held["_id"]}, {"$set": ended})
    kept["participants"].delete_one({"enrolmentId": held["_id"]})
    kept["sessions"].update_one({"_id": session}, {"$inc": {"confirmed": -1}})
    kept["pools"].update_one({"_id": session}, {"$inc": {"taken": -1}})


def twice(kept: Kept) -> None:
    """Let one participant have two enrolments."""
    first, other = kept["enrolments"].find({"editionId": EDITION, "state": {"$ne": "cancelled"}}).limit(2)
    kept["enrolments"].update_one({"_id": other["_id"]}, {"$set": {"participant": first["participant"]}})


def strand(kept: Kept) -> None:
    """Leave what 0.2.0 made of a request that came to no session."""
    ended = Enrolment(STRANDED, PLAIN, WEBSITE, "gestrand", PERSON, "cancelled", False, (), ASKED, {})  # noqa: FBT003
    written = {name: value for name, value in ENROLMENTS.write(ended).items() if name != HELD_IN}
    kept["enrolments"].insert_one({"_id": STRANDED, "revision": 1, **written})
    register(kept)


def register(kept: Kept) -> None:
    """Register an enrolment as its participant's, whether there is one or not."""
    live = PARTICIPANTS.write(Live("", STRANDED, WEBSITE))
    kept["participants"].insert_one({"_id": participant_key(PLAIN, PERSON), "revision": 1, **live})


KEPT: dict[str, Fault] = {
    "a seat that nobody has": Fault(
        "no pool is overbooked", KEY, in_documents(update("pools", {"$inc": {"taken": 1}}, **IN_POOL))
    ),
    "a seat that is not booked": Fault(
        "no pool is overbooked", START, in_documents(update("pools", {"$inc": {"taken": -1}}, _id=START))
    ),
    "a session that was left out of its pool": Fault(
        "no pool is overbooked",
        KEY,
        in_documents(update("pools", {"$pull": {"sessions": [EDITION, SESSION]}}, **IN_POOL)),
    ),
    "a limit above the seats": Fault(
        "no pool is overbooked", START, in_documents(update("pools", {"$inc": {"limit": 1}}, _id=START))
    ),
    "a seat that nobody gives": Fault(
        "no seat stays free while somebody who fits waits for it", KEY, in_documents(more_seats)
    ),
    "a seat that was given too late": Fault(
        "nobody is promoted into a session that has begun",
        KEY,
        in_documents(
            lambda kept: kept["mails"].update_many({"session": KEY}, {"$set": {"askedAt": datetime.now(UTC)}}),
            "notification",
        ),
    ),
    "a count that is wrong": Fault(
        "every session's counters equal its places",
        KEY,
        in_documents(update("sessions", {"$inc": {"confirmed": 1}}, _id=KEY)),
    ),
    "an enrolment that ended in silence": Fault(
        "what was told of a place is what is kept", PLAIN, in_documents(end_in_silence)
    ),
    "two enrolments of one": Fault("a participant has one live enrolment per edition", EDITION, in_documents(twice)),
    "an enrolment without a place": Fault(
        "nobody is kept out by an enrolment without a place", STRANDED, in_documents(strand)
    ),
    "an enrolment that does not exist": Fault(
        "nobody is kept out by an enrolment without a place", STRANDED, in_documents(register)
    ),
    "a session that is in no edition any more": Fault(
        "nobody has a place in what is cancelled",
        f"{ELSEWHERE}/{OTHER}",
        in_documents(update("editions", {"$pull": {"sessions": {"sessionId": OTHER}}}, _id=ELSEWHERE)),
    ),
    "a version that was never told": Fault(
        "a session's facts are told in order, and all of them",
        KEY,
        in_documents(update("sessions", {"$inc": {"version": 1}}, _id=KEY)),
    ),
    "a turn that is gone": Fault(
        "waiting lists hold who is queued, in the order of decision",
        KEY,
        in_documents(lambda kept: kept["waiting_list"].delete_one({"session": KEY})),
    ),
    "a turn before its time": Fault(
        "waiting lists hold who is queued, in the order of decision",
        KEY,
        in_documents(lambda kept: overtake(kept, KEY)),
    ),
    "parties that are not counted": Fault(
        "waiting lists hold who is queued, in the order of decision",
        KEY,
        in_documents(update("sessions", {"$inc": {"waiting": -1}}, _id=KEY)),
    ),
    "an invitation that is gone": Fault(
        "every confirmed place has one invitation",
        KEY,
        in_documents(lambda kept: kept["mails"].delete_many({"session": KEY}), "notification"),
    ),
    "a mail that was never told": Fault(
        "an invitation is sent once",
        KEY,
        in_documents(update("mails", {"$set": {"delivery.state": "sent"}}, session=KEY), "notification"),
    ),
}
