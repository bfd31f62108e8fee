"""What waits to be mailed, as gauges for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import product

from prometheus_client.core import GaugeMetricFamily

from chassis.documents import Document
from chassis.gauges import Key, gauge
from chassis.mongo import Database, aggregated
from services.notification.sending.pausing import paused_since
from services.notification.storage.kinds import LETTERS, MAILS, UNREADABLE

OPEN: tuple[str, ...] = ("waiting", "pending", "sending", "retry", "uncertain", "failed", "held", UNREADABLE)
"""The states that are shown; `sent` and `dropped` only grow."""

MOST_GROUPS = 100
_BY_STATE: list[Document] = [
    {"$match": {"delivery.state": {"$in": list(OPEN)}}},
    {"$group": {"_id": {"kind": "$kind", "state": "$delivery.state"}, "count": {"$sum": 1}}},
]


async def mails(database: Database, _: datetime) -> Iterable[GaugeMetricFamily]:
    """Tell how many mails are in each open state."""
    counts: dict[Key, float] = dict.fromkeys(product(LETTERS, OPEN), 0)
    for row in await aggregated(database, MAILS, _BY_STATE, most=MOST_GROUPS):
        counts[str(row["_id"].get("kind")), row["_id"]["state"]] = row["count"]
    return [gauge("mails", "Mails that are not sent, by how far they have come", counts, ["kind", "state"])]


async def overdue(database: Database, now: datetime) -> Iterable[GaugeMetricFamily]:
    """Tell how long the mail that is due for longest has waited for a sender."""
    due = {"delivery.state": {"$in": ["pending", "retry"]}, "delivery.due": {"$lte": now}}
    first = await database[MAILS].find_one(due, {"delivery.due": 1}, sort=[("delivery.due", 1)])
    longest = (now - first["delivery"]["due"]).total_seconds() if first else 0.0
    return [gauge("mail_overdue_seconds", "How long the mail that is due for longest has waited", {(): longest})]


async def paused(database: Database, now: datetime) -> Iterable[GaugeMetricFamily]:
    """Tell for how long nothing has been sent because the mail server refuses everything."""
    since = await paused_since(database)
    resting = max(0.0, (now - since).total_seconds()) if since else 0.0
    return [gauge("mail_paused_seconds", "How long nothing has been sent, as the server refuses all", {(): resting})]
