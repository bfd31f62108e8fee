"""Mails that wait for a person, listed and released: one, several, and whatever an option selects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from chassis.mongo import Database, Driver, Mongo
from cli.mails import unsent
from cli.mails.unsent import STATES, Which, mailbox_digest
from services.notification.domain.delivery import Delivery
from services.notification.storage.kinds import INVITATIONS
from tests.integration.cli.desk import Desk
from tests.integration.notification.world import many
from tests.support.place import Place

SINCE = datetime(2026, 11, 26, 12, tzinfo=UTC)
Document = dict[str, Any]


@pytest.fixture(params=get_args(Driver))
async def notification(place: Place, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """Provide the service's database, with mails in all states."""
    mongo = Mongo(place.mongo_url, driver=request.param)
    database = mongo.database(place.database("notification"))
    await database["mails"].insert_many(
        [invitation(state, number) for number in range(3) for state in (*STATES, "sent", "pending")]
        + [notice(state) for state in (*STATES, "sent")]
    )
    yield database
    await mongo.close()


def invitation(state: str, number: int) -> Document:
    """Build an invitation; those with the same number go to the same mailbox."""
    mail = {"method": "REQUEST", "sequence": 0}
    return {
        "_id": f"{state}-{number}",
        "revision": 1,
        "kind": "invitation",
        "editionId": f"edition-{number}",
        "participant": {"name": "Robin", "email": f"robin{number}@example.org"},
        "mail": mail,
        "delivery": delivery(state),
    }


def notice(state: str) -> Document:
    """Build a notice."""
    person = {"name": "Robin", "email": "ROBIN1@example.org"}
    request = {"kind": "refusal", "editionId": "edition-1", "participant": person}
    id = f"notice-{state}"
    return {"_id": id, "revision": 1, "kind": "notice", "request": request, "delivery": delivery(state)}


def delivery(state: str) -> Document:
    """Build how far a mail has come."""
    trouble = None if state == "held" else "address-refused" if state == "failed" else "outcome-unknown"
    return {"state": state, "due": SINCE, "attempts": 3, "trouble": trouble, "claim": None}


async def ids(notification: Database, which: Which) -> list[str]:
    """Return the ids of the mails that are meant."""
    return sorted(row["id"] for row in await unsent.found(notification, which))


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Which(state="held"), ["held-0", "held-1", "held-2", "notice-held"]),
        (Which(edition="edition-1", state="failed"), ["failed-1", "notice-failed"]),
        (Which(trouble="address-refused", edition="edition-2"), ["failed-2"]),
        (Which(to=mailbox_digest("robin1@example.org"), state="held"), ["held-1", "notice-held"]),
        (Which(ids=("sent-1", "held-1", "nothing")), ["held-1", "sent-1"]),
        (Which(state="held", edition="another"), []),
    ],
)
async def test_mails_are_found_by_what_they_have_in_common(
    notification: Database, which: Which, expected: list[str]
) -> None:
    """After an outage there are thousands; nobody copies their ids."""
    assert await ids(notification, which) == expected


async def test_a_list_names_nobody(notification: Database) -> None:
    """It may be pasted into a message to a colleague."""
    assert "example.org" not in str(await unsent.found(notification, Which()))


async def test_what_is_released_is_due_past_any_limit_and_nothing_else_is(notification: Database) -> None:
    """With a clean slate; what was sent stays sent."""
    rows = await unsent.found(notification, Which(edition="edition-1"))
    assert await unsent.release(notification, rows) == 8
    documents = [document async for document in notification["mails"].find({"editionId": "edition-1"})]
    after = {document["_id"]: document["delivery"] for document in documents}
    assert (after["held-1"]["state"], after["held-1"]["released"], after["held-1"]["attempts"]) == ("pending", True, 0)
    assert after["sent-1"] == delivery("sent")
    assert {document["_id"]: document["revision"] for document in documents}["held-1"] == 2
    assert await ids(notification, Which(edition="edition-1")) == []
    assert len(await ids(notification, Which(edition="edition-0"))) == len(STATES)


async def test_what_changed_since_it_was_shown_is_left(notification: Database) -> None:
    """Somebody agreed to send what had failed, not what may have arrived."""
    rows = await unsent.found(notification, Which(state="failed"))
    await notification["mails"].update_one({"_id": "failed-0"}, {"$set": {"delivery.state": "uncertain"}})
    assert await unsent.release(notification, rows) == len(rows) - 1


async def test_more_than_go_into_one_update_are_released_too(
    notification: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two and a half times as many."""
    monkeypatch.setattr(unsent, "AT_ONCE", 2)
    assert await unsent.release(notification, await unsent.found(notification, Which(state="held"))) == 4


async def test_releasing_asks_and_says_what_it_would_do(desk: Desk) -> None:
    """And does nothing for want of a selection, or of mails that wait."""
    await keep_held(desk, 25)
    assert "Say which" in desk.run("mails", "release").stderr
    assert "No mail is like that" in desk.run("mails", "release", "--to", "nobody").stderr
    assert "--state is" in desk.run("mails", "list", "--state", "sent").stderr
    refused = desk.run("mails", "release", "--state", "held", stdin="n\n")
    assert refused.exit_code == 1
    assert "... and 5 more" in refused.stderr
    assert "Send 25 mails?" in refused.stderr
    held = [row["id"] for row in desk.json("mails", "list", "--state", "held")]
    assert len(held) == 25
    some = desk.run("mails", "release", *held[:2], "--yes")
    assert (some.exit_code, "2 released" in some.stderr) == (0, True)
    assert len(desk.json("mails", "list", "--state", "held")) == 23
    assert "There is no such mail" in desk.run("mails", "release", "nothing").stderr


async def keep_held(desk: Desk, count: int) -> None:
    """Store invitations above their mailbox's share of the day, as the service does."""
    letters = [replace(letter, delivery=Delivery("held", SINCE)) for letter in many(count)]
    mongo = Mongo(desk.place.mongo_url, driver="pymongo")
    try:
        kept = mongo.database(desk.place.database("notification"))["mails"]
        await kept.insert_many([{"_id": one.id, "revision": 1, **INVITATIONS.write(one)} for one in letters])
    finally:
        await mongo.close()
