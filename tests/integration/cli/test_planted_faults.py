"""A session that moved on running services, and faults planted into what they keep: the audit names each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from tests.integration.cli.desk import PROGRAMMES, TIME, Desk

Kept = Database[dict[str, Any]]
Fault = Callable[[Kept], object]
EDITION, SESSION = "vng-participatieweek-2021-noord", "participatiebeleid"
KEY = f"{EDITION}/{SESSION}"
PLACE = "places.$[in].state"
IN_SESSION = [{"in.sessionId": SESSION}]


@pytest.fixture(scope="module")
def moved(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Provide a desk at which a full session, for which people wait, has moved to a pool that others share."""
    folder = tmp_path_factory.mktemp("moved")
    rows = (f"Robin Jansen,deelnemer{n}@example.org,Gemeente,projectleider,noord" for n in range(23))
    (folder / "requests.csv").write_text("\n".join(["name,email,organisation,role,region", *rows]), encoding="utf-8")
    words = ("--edition", EDITION, "--session", SESSION, "--time", TIME, "--json")
    sent = desk.run("request", "--csv", str(folder / "requests.csv"), *words)
    assert sent.exit_code == 0, sent.output
    first = json.loads(sent.stdout.splitlines()[0])["answer"]["data"]["enrolmentId"]
    text = (PROGRAMMES / "vng-participatieweek-2021.yaml").read_text(encoding="utf-8")
    file = folder / "week.yaml"
    file.write_text(text.replace(f"- id: {SESSION}\n", f"- id: {SESSION}\n    pool: zaal\n"), encoding="utf-8")
    loaded = desk.run("catalog", "load", str(file))
    assert loaded.exit_code == 0, loaded.output
    assert desk.run("cancel", first, "--time", TIME).exit_code == 0
    return desk


def broken(desk: Desk, settle: str = "0") -> dict[str, list[str]]:
    """Have the audit judge; return what is wrong by promise, each with what it is about."""
    judged = json.loads(desk.run("audit", "--settle", settle, "--json").stdout)
    return {
        one["promise"]: [f"{offence['subject']}: {offence['detail']}" for offence in one["offences"]]
        for one in judged["promises"]
        if not one["holds"]
    }


@contextmanager
def planted(desk: Desk, service: str, fault: Fault) -> Iterator[None]:
    """Plant a fault, and put everything back as it was."""
    with MongoClient[dict[str, Any]](desk.place.mongo_url, tz_aware=True) as client:
        kept = client[desk.place.database(service)]
        before = {name: list(kept[name].find()) for name in kept.list_collection_names() if name not in LEFT_ALONE}
        guards = {name: kept[name].options().get("validator", {}) for name in before}
        try:
            for name in before:
                kept.command("collMod", name, validator={})
            fault(kept)
            yield
        finally:
            for name, rows in before.items():
                kept[name].delete_many({})
                if rows:
                    kept[name].insert_many(rows)
                kept.command("collMod", name, validator=guards[name])


LEFT_ALONE = {"leases", "counters", "outbox"}


def seat(kept: Kept, state: str, to: str) -> None:
    """Give one place in the session another state."""
    held = {"places": {"$elemMatch": {"sessionId": SESSION, "state": state}}}
    assert kept["enrolments"].update_one(held, {"$set": {PLACE: to}}, array_filters=IN_SESSION).modified_count == 1


def change(collection: str, change: dict[str, Any], **which: Any) -> Fault:
    """Make a fault of one changed document."""

    def fault(kept: Kept) -> None:
        assert kept[collection].update_one(which, change).modified_count == 1

    return fault


def twice(kept: Kept) -> None:
    """Let one participant have two enrolments."""
    one, other = kept["enrolments"].find({"editionId": EDITION, "state": {"$ne": "cancelled"}}).limit(2)
    kept["enrolments"].update_one({"_id": other["_id"]}, {"$set": {"participant": one["participant"]}})


def overtaken(kept: Kept) -> None:
    """Let the last on the list come first."""
    last = kept["waiting_list"].find_one({"session": KEY}, sort=[("number", -1)])
    assert last is not None
    kept["waiting_list"].update_one({"_id": last["_id"]}, {"$set": {"number": 1}})


def one_more_seat(kept: Kept) -> None:
    """Let the pool have a seat that nobody gives."""
    kept["pools"].update_one({"sessions": [EDITION, SESSION]}, {"$inc": {"limit": 1}})


IN_POOL = {"sessions": [EDITION, SESSION]}
FAULTS: dict[str, tuple[str, str, str, Fault]] = {
    "a seat that is not booked": (
        "enrolment",
        "no pool is overbooked",
        KEY,
        change("pools", {"$inc": {"taken": -1}}, **IN_POOL),
    ),
    "a session that was left out of its pool": (
        "enrolment",
        "no pool is overbooked",
        KEY,
        change("pools", {"$pull": {"sessions": [EDITION, SESSION]}}, **IN_POOL),
    ),
    "a limit above the seats": ("enrolment", "no pool is overbooked", KEY, one_more_seat),
    "a seat that nobody gives": (
        "enrolment",
        "no seat stays free while somebody who fits waits for it",
        KEY,
        one_more_seat,
    ),
    "a seat that was given too late": (
        "notification",
        "nobody is promoted into a session that has begun",
        SESSION,
        lambda kept: kept["invitations"].update_many({"session": KEY}, {"$set": {"askedAt": datetime.now(UTC)}}),
    ),
    "a seat too many": (
        "enrolment",
        "no session has more confirmed places than it ever had seats",
        KEY,
        lambda kept: seat(kept, "queued", "confirmed"),
    ),
    "a count that is wrong": (
        "enrolment",
        "every session's counters equal its places",
        KEY,
        change("sessions", {"$inc": {"confirmed": 1}}, _id=KEY),
    ),
    "a place that was told otherwise": (
        "enrolment",
        "what was told of a place is what is kept",
        KEY,
        lambda kept: seat(kept, "confirmed", "queued"),
    ),
    "two enrolments of one": ("enrolment", "a participant has one live enrolment per edition", EDITION, twice),
    "an answer that was never told": (
        "enrolment",
        "every request has exactly one answer",
        "never-asked",
        lambda kept: kept["inbox"].insert_one(
            {**(kept["inbox"].find_one({"type": REQUESTED}) or {}), "_id": "urn:nld:oin:1:x never-asked"}
        ),
    ),
    "a version that was never told": (
        "enrolment",
        "a session's facts are told in order, and all of them",
        KEY,
        change("sessions", {"$inc": {"version": 1}}, _id=KEY),
    ),
    "a turn that is gone": (
        "enrolment",
        "waiting lists hold who is queued, in the order of decision",
        KEY,
        lambda kept: kept["waiting_list"].delete_one({"session": KEY}),
    ),
    "a turn before its time": (
        "enrolment",
        "waiting lists hold who is queued, in the order of decision",
        KEY,
        overtaken,
    ),
    "parties that are not counted": (
        "enrolment",
        "waiting lists hold who is queued, in the order of decision",
        KEY,
        change("sessions", {"$inc": {"waiting": -1}}, _id=KEY),
    ),
    "an invitation that is gone": (
        "notification",
        "every confirmed place has one invitation",
        KEY,
        lambda kept: kept["invitations"].delete_many({"session": KEY}),
    ),
    "a mail that was never told": (
        "notification",
        "an invitation is sent once",
        KEY,
        change("invitations", {"$set": {"delivery.state": "sent"}}, session=KEY),
    ),
}
"""Which service's data, which promise that breaks, what the message names, and the fault itself."""
REQUESTED = "nl.enrolments.enrolment-requested.v1"


def test_a_session_that_moved_breaks_no_promise(moved: Desk) -> None:
    """Its seats, its list and everything that was told of them."""
    assert broken(moved, settle="30") == {}
    with MongoClient[dict[str, Any]](moved.place.mongo_url) as client:
        pool = client[moved.place.database("enrolment")]["pools"].find_one({"_id": "vng-connect:zaal"})
    assert pool is not None
    assert (pool["taken"], pool["waiting"]) == (20, 2)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_breaks_its_promise_and_is_named(moved: Desk, name: str) -> None:
    """A promise that no fault breaks is not judged; and an operator must know where to look."""
    service, promise, about, fault = FAULTS[name]
    with planted(moved, service, fault):
        found = broken(moved)
    assert promise in found, found
    assert any(about in offence for offence in found[promise]), found[promise]
