"""Mails that wait for a person, in the notification service's database: finding them, and having them sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any

from chassis.mongo import Database
from instroom_contracts.mailbox import mailbox

MAILS = "mails"
STATES = ("held", "uncertain", "failed", "unreadable")
"""What waits for a person: above its mailbox's share of the day, perhaps arrived, given up, or set aside as it is."""

AT_ONCE = 1000
Row = dict[str, Any]


@dataclass(frozen=True)
class Which:
    """Which mails are meant: those with these ids, and all of these traits; None and none are any."""

    ids: Sequence[str] = ()
    state: str | None = None
    edition: str | None = None
    trouble: str | None = None
    to: str | None = None

    @property
    def is_all(self) -> bool:
        """Say whether nothing narrows it down."""
        return self == Which()

    def query(self) -> Row:
        """Return what selects them; by ids, whatever has become of them."""
        traits = {
            "_id": {"$in": list(self.ids)} if self.ids else None,
            "delivery.state": self.state or (None if self.ids else {"$in": list(STATES)}),
            "$or": [{"editionId": self.edition}, {"request.editionId": self.edition}] if self.edition else None,
            "delivery.trouble": self.trouble,
        }
        return {field: wanted for field, wanted in traits.items() if wanted is not None}


async def found(notification: Database, which: Which) -> list[Row]:
    """Return the mails that are meant, those that wait for longest first: ids and codes, and no address."""
    rows = map(_row, await notification[MAILS].find(which.query()).to_list(None))
    meant = [row for row in rows if which.to in (None, row["to"])]
    return sorted(meant, key=lambda row: (str(row["since"]), str(row["kind"])))


async def release(notification: Database, rows: Sequence[Row]) -> int:
    """Make mails due with a clean slate, and past any limit; return how many still waited as these rows say.

    A newer revision tells the service that they changed.
    """
    due = {"state": "pending", "due": datetime.now(UTC), "attempts": 0, "trouble": None, "claim": None}
    change = {"$set": {"delivery": {**due, "released": True}}, "$inc": {"revision": 1}}
    released = 0
    for state, ids in _by_state(rows).items():
        for start in range(0, len(ids), AT_ONCE):
            still = {"_id": {"$in": ids[start : start + AT_ONCE]}, "delivery.state": state}
            released += (await notification[MAILS].update_many(still, change)).modified_count
    return released


def _by_state(rows: Sequence[Row]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        ids[row["state"]].append(row["id"])
    return ids


async def resting_since(notification: Database) -> datetime | None:
    """Return since when nothing is sent, as the mail server refuses everything; None where mails are sent."""
    document = await notification["standing"].find_one({"pauses": {"$gt": 0}})
    since: datetime | None = document["since"] if document else None
    return since


def _row(document: Row) -> Row:
    """Say of a mail what can be read of it: somebody may have spoilt it."""
    of = partial(_read, document)
    mail, address = of("mail"), of("participant", "email") or of("request", "participant", "email")
    was = of("delivery", "was")
    return {
        "id": document["_id"],
        "kind": of("kind"),
        "about": f"{of('mail', 'method')} {of('mail', 'sequence')}" if mail else of("request", "kind"),
        "edition": of("editionId") or of("request", "editionId"),
        "to": mailbox_digest(address) if isinstance(address, str) else None,
        "state": of("delivery", "state"),
        "trouble": f"was-{was}" if was else of("delivery", "trouble"),
        "attempts": of("delivery", "attempts"),
        "since": of("delivery", "due"),
    }


def _read(document: Any, *path: str) -> Any:
    """Return what stands in a document under these names; None where there is nothing."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def mailbox_digest(address: str) -> str:
    """Return what tells mailboxes apart without naming them."""
    return sha256(mailbox(address).encode()).hexdigest()[:8]
