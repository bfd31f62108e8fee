"""MongoDB's own figures for Prometheus: disk, memory, how far its oplog reaches back, how far its members lag.

Run as `python -m deploy.observability.database ADDRESS:PORT`, with MONGO_URL of an account that may look at the
server and at no document. Why not one of the exporters: docs/decisions/0024-watching.md.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from deploy.serving import split

WITHIN_MS = 5000
MIB = 2**20
PRIMARY = "PRIMARY"
Document = Mapping[str, Any]
Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True)
class Figures(Collector):
    """What the replica set says of itself, asked at every look; nothing but its silence where it does not answer."""

    client: Client

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Ask the primary."""
        try:
            figures = list(_figures(self.client))
        except PyMongoError as error:
            print(f"MongoDB does not tell its figures: {type(error).__name__}", file=sys.stderr, flush=True)
            return [_gauge("answers", "Whether MongoDB told its figures", 0)]
        return [_gauge("answers", "Whether MongoDB told its figures", 1), *figures]


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"instroom_mongodb_{name}", help, value)


def _figures(client: Client) -> Iterable[GaugeMetricFamily]:
    status = client.admin.command("serverStatus", oplog=1)
    yield from _machine(client.admin, status)
    yield from _oplog(client.local, status)
    yield from _members(client.admin)


def _machine(admin: Database[dict[str, Any]], status: Document) -> Iterable[GaugeMetricFamily]:
    """Tell of the primary's disk, and of its memory against what its container or machine has."""
    size, system = admin.command("dbStats"), admin.command("hostInfo")["system"]
    yield _gauge("disk_bytes", "Size of the disk that the data is on", size["fsTotalSize"])
    yield _gauge("disk_free_bytes", "What is left of it", size["fsTotalSize"] - size["fsUsedSize"])
    yield _gauge("memory_bytes", "Resident memory of mongod", status["mem"]["resident"] * MIB)
    yield _gauge("memory_limit_bytes", "What it may have", system.get("memLimitMB", system["memSizeMB"]) * MIB)


def _oplog(local: Database[dict[str, Any]], status: Document) -> Iterable[GaugeMetricFamily]:
    """Tell how far back the oplog reaches, and how full it is: one that was never full reaches back to its start."""
    size, reach = local.command("collStats", "oplog.rs"), status["oplog"]
    seconds = reach["latestOptime"].time - reach["earliestOptime"].time
    yield _gauge("oplog_reach_seconds", "From the oplog's first entry to its last", seconds)
    yield _gauge("oplog_full_ratio", "How much of the oplog's room is taken", size["size"] / size["maxSize"])


def _members(admin: Database[dict[str, Any]]) -> Iterable[GaugeMetricFamily]:
    """Tell which members are healthy, and how far each is behind the primary."""
    members = admin.command("replSetGetStatus")["members"]
    health = GaugeMetricFamily("instroom_mongodb_member_healthy", "Whether a member is up", labels=["member"])
    lag = GaugeMetricFamily("instroom_mongodb_member_lag_seconds", "How far it is behind", labels=["member"])
    head = next((_reached(one) for one in members if one["stateStr"] == PRIMARY), None)
    for member in members:
        health.add_metric([member["name"]], member["health"])
        if head is not None and member["health"]:
            lag.add_metric([member["name"]], max(0.0, (head - _reached(member)).total_seconds()))
    return health, lag


def _reached(member: Document) -> datetime:
    reached: datetime = member.get("optimeDate", datetime.min.replace(tzinfo=UTC))
    return reached


def main(address: str) -> None:
    """Show the figures until SIGTERM."""
    url = (Path(os.environ["SECRETS_DIR"]) / "mongo_url").read_text(encoding="utf-8")
    host, port = split(address)
    registry = CollectorRegistry()
    client: Client = MongoClient(url, serverSelectionTimeoutMS=WITHIN_MS, tz_aware=True, appname="instroom-watching")
    registry.register(Figures(client))
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server, thread = start_http_server(port, host, registry)
    stop.wait()
    server.shutdown()
    thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
