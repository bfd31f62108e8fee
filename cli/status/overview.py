"""Figures for `instroom status`, read from the services' databases: counts, ids and codes, never a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chassis.mongo import Database, aggregated
from cli.databases import SERVICES, Databases, Service

MOST_GROUPS = 1000
Overview = dict[str, list[dict[str, Any]]]


async def overview(databases: Databases, edition: str | None) -> Overview:
    """Return rows by the name of what they are about; `edition` restricts editions and sessions to one."""
    editions = await _editions(databases["catalog"], edition)
    return {
        "editions": [_edition_row(published) for published in editions],
        "sessions": await _sessions(databases["enrolment"], editions),
        "outboxes": [await _outbox(databases[service], service) for service in SERVICES],
        "parked": await _counted(databases["enrolment"], "parked", "requests", edition="$editionId"),
        "quarantine": [
            {"service": service, **row}
            for service in SERVICES
            for row in await _counted(databases[service], "quarantine", "messages", reason="$reason", state="$state")
        ],
        "mails": [
            {**row, "kind": f"{row.get('kind')}s"}
            for row in await _counted(
                databases["notification"], "mails", "mails", kind="$kind", state="$delivery.state"
            )
        ],
    }


async def _editions(catalog: Database, edition: str | None) -> list[dict[str, Any]]:
    wanted = {"_id": edition} if edition else {}
    return [document["edition"] for document in await catalog["editions"].find(wanted).sort("_id", 1).to_list(None)]


def _edition_row(published: Mapping[str, Any]) -> dict[str, Any]:
    deadline = published.get("deadline")
    return {
        "edition": published["editionId"],
        "version": published["version"],
        "kind": published["kind"],
        "state": published["state"],
        "deadline": deadline["text"] if deadline else None,
        "sessions": len(published["sessions"]),
    }


async def _sessions(enrolment: Database, editions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    counts = {row["_id"]: row for row in await enrolment["sessions"].find({}).to_list(None)}
    return [
        _session_row(edition["editionId"], session, counts.get(f"{edition['editionId']}/{session['sessionId']}", {}))
        for edition in editions
        for session in edition["sessions"]
    ]


def _session_row(edition: str, session: Mapping[str, Any], count: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "edition": edition,
        "session": session["sessionId"],
        "starts": session.get("startsAt"),
        "capacity": session.get("capacity"),
        "confirmed": count.get("confirmed", 0),
        "queued": count.get("queued", 0),
    }


async def _outbox(database: Database, service: Service) -> dict[str, Any]:
    oldest = await database["outbox"].find_one({}, sort=[("_id", 1)])
    return {
        "service": service,
        "commits": await database["outbox"].count_documents({}),
        "oldest": oldest["events"][0]["at"] if oldest else None,
    }


async def _counted(database: Database, collection: str, name: str, **by: str) -> list[dict[str, Any]]:
    """Count a collection's documents by some of their fields."""
    pipeline: list[dict[str, Any]] = [{"$group": {"_id": by, "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    groups = await aggregated(database, collection, pipeline, most=MOST_GROUPS)
    return [{**group["_id"], name: group["count"]} for group in groups]
