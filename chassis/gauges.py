"""What stands in a service's database, as gauges for Prometheus: how much waits, and for how long.

A task looks every 15 s; a scrape shows what it saw and never waits for the database, so that it tells the rest also
while that is away. Every replica looks at the same database and reports the same: rules take `max`, not `sum`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime

import structlog
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pymongo.errors import PyMongoError

from chassis import outbox, quarantine
from chassis.documents import Document
from chassis.mongo import Database, aggregated
from instroom_contracts.topology import EVENTS, PRIVATE

log = structlog.get_logger()

LOOK_EVERY_S = 15.0
MOST_REASONS = 100

Key = tuple[str, ...]
Look = Callable[[Database, datetime], Awaitable[Iterable[GaugeMetricFamily]]]
"""Read some figures from a service's database, with queries that an index answers, as of this moment."""


class Gauges(Collector):
    """Looks at a database again and again, and shows what was there at the last look."""

    def __init__(self, database: Database, looks: Sequence[Look], now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._looks = (outbox_lag, quarantined, *looks)
        self._seen: Sequence[GaugeMetricFamily] = ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return what was seen; nothing but the database's silence where that does not answer."""
        return self._seen

    async def run(self) -> None:
        """Look until cancelled."""
        REGISTRY.register(self)
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            REGISTRY.unregister(self)

    async def look(self) -> None:
        """Look once; a figure that could not be read is not shown, rather than shown as it was."""
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                seen = [figure for look in self._looks for figure in await look(self._database, self._now())]
        except (PyMongoError, TimeoutError) as error:
            log.warning("gauges_not_read", error=type(error).__name__)
            self._seen = [_answers(0)]
        else:
            self._seen = [_answers(1), *seen]


def gauge(name: str, help: str, values: Mapping[Key, float], labels: Sequence[str] = ()) -> GaugeMetricFamily:
    """Return a gauge with these values, by the values of its labels."""
    made = GaugeMetricFamily(f"instroom_{name}", f"{help}; the same from every replica", labels=labels)
    for key, value in values.items():
        made.add_metric(key, value)
    return made


def _answers(value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily("instroom_database_answers", "Whether the database answered this replica", value)


async def outbox_lag(database: Database, now: datetime) -> Iterable[GaugeMetricFamily]:
    """Tell how long the oldest event for each exchange has waited, whichever replica is to publish it."""
    lags: dict[Key, float] = {}
    for exchange in (EVENTS, PRIVATE):
        waiting = {outbox.EXCHANGE_OF: exchange}
        oldest = await database[outbox.COLLECTION].find_one(waiting, {"events.at": 1}, sort=[("_id", 1)])
        lag = (now - oldest["events"][0]["at"]).total_seconds() if oldest else 0.0
        lags[exchange,] = max(0.0, lag)
    return [gauge("outbox_lag_seconds", "Age of the oldest event that is not published yet", lags, ["exchange"])]


async def quarantined(database: Database, _: datetime) -> Iterable[GaugeMetricFamily]:
    """Tell how many messages are held, by reason."""
    held: list[Document] = [{"$match": {"state": "held"}}, {"$group": {"_id": "$reason", "count": {"$sum": 1}}}]
    found = await aggregated(database, quarantine.COLLECTION, held, most=MOST_REASONS)
    counts: dict[Key, float] = {(row["_id"],): row["count"] for row in found}
    return [gauge("quarantine_held", "Messages in quarantine that nobody has dealt with", counts, ["reason"])]
