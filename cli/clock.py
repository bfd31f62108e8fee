"""The time that a stack goes by: the real one, or on a sandbox perhaps a later one (see `chassis.clock`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import typer

from chassis.clock import COLLECTION, ID, ahead_by
from cli import databases
from cli.databases import SERVICES, Databases
from cli.options import servers_of
from cli.servers import Servers
from cli.trouble import Trouble

REAL = (
    "This stack goes by the real time, and its clock cannot be set. `make sandbox` starts one whose clock can:"
    " instroom clock ... --env-file .sandbox/stack.env"
)


def can_be_set(servers: Servers) -> bool:
    """Say whether this stack's file says that its clock can be set."""
    return servers.values.get("CLOCK") == "settable"


def stack_time(context: typer.Context) -> datetime:
    """Return the time by which the stack judges what is asked now; the real one where no stack is known."""
    try:
        servers = servers_of(context)
    except Trouble:  # told where they are needed: what was typed is looked at first
        return datetime.now(UTC)
    return time_of(servers)


def time_of(servers: Servers) -> datetime:
    """Return the time that this stack goes by."""
    return asyncio.run(_looked_up(servers)) if can_be_set(servers) else datetime.now(UTC)


async def _looked_up(servers: Servers) -> datetime:
    async with databases.connected(servers) as kept:
        return datetime.now(UTC) + max((await ahead(kept)).values())


async def ahead(kept: Databases) -> Mapping[str, timedelta]:
    """Return how far each service's clock is ahead. Raises `Trouble` where one cannot be set."""
    found = {service: await kept[service][COLLECTION].find_one({"_id": ID}) for service in SERVICES}
    if not all(found.values()):
        raise Trouble(REAL)
    return {service: ahead_by(document) for service, document in found.items() if document}


async def set_ahead(kept: Databases, most: timedelta) -> None:
    """Set every service's clock so far ahead; one that is further ahead stays there."""
    milliseconds = round(most.total_seconds() * 1000)
    for service in SERVICES:
        await kept[service][COLLECTION].update_one({"_id": ID}, {"$max": {"aheadMs": milliseconds}})
