"""How full the sessions are, as gauges for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily

from chassis.documents import Document
from chassis.gauges import Key, gauge
from chassis.mongo import Database, aggregated
from services.enrolment.storage.kinds import EDITIONS, SESSIONS

MOST_SESSIONS = 200
"""How many sessions are shown, those that begin last first: each is three series that Prometheus keeps."""
SHOWN = ["open", "tentative", "confirmed"]
"""The states of editions whose sessions are shown."""

_SEATS: list[Document] = [
    {"$match": {"state": {"$in": SHOWN}}},
    {"$project": {"sessions.sessionId": 1, "sessions.startsAt": 1, "sessions.capacity": 1}},
    {"$unwind": "$sessions"},
    {"$sort": {"sessions.startsAt": -1, "_id": 1, "sessions.sessionId": 1}},
    {"$limit": MOST_SESSIONS},
    {"$set": {"key": {"$concat": ["$_id", "/", "$sessions.sessionId"]}}},
    {"$lookup": {"from": SESSIONS.collection, "localField": "key", "foreignField": "_id", "as": "count"}},
    {
        "$project": {
            "session": "$sessions.sessionId",
            "capacity": "$sessions.capacity",
            "confirmed": {"$ifNull": [{"$first": "$count.confirmed"}, 0]},
            "queued": {"$ifNull": [{"$first": "$count.queued"}, 0]},
        }
    },
]


async def seats(database: Database, _: datetime) -> Iterable[GaugeMetricFamily]:
    """Tell the seats of each session: how many there are, are taken, and are waited for."""
    rows = await aggregated(database, EDITIONS.collection, _SEATS, most=MOST_SESSIONS)
    return [
        _gauge("capacity", "Seats of a session that has a limit", rows),
        _gauge("confirmed", "Places of a session that are confirmed", rows),
        _gauge("queued", "Places of a session that are waited for", rows),
    ]


def _gauge(figure: str, help: str, rows: Sequence[Document]) -> GaugeMetricFamily:
    values: dict[Key, float] = {(row["_id"], row["session"]): row[figure] for row in rows if row[figure] is not None}
    return gauge(f"session_{figure}", help, values, ["edition", "session"])
