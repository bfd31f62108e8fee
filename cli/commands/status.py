"""`instroom status`: what runs, how full it is, and what waits for somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import broker, databases
from cli.health import service_health
from cli.options import AsJson, servers_of
from cli.overview import overview
from cli.queues import queue_names
from cli.servers import Servers
from cli.terminal import show_json, show_table
from cli.trouble import EXIT_CODES, told

HELP = f"""\
Show editions and their sessions, queues, outboxes, quarantine and mails.

\b
  instroom status
  instroom status --edition vng-participatieweek-2021-noord
  instroom status --json | jq '.sessions[] | select(.queued > 0)'

Names and mail addresses are never shown, ids only.

{EXIT_CODES}"""


@told()
def status(
    context: typer.Context,
    edition: Annotated[str | None, typer.Option(help="Only this edition's seats.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show editions and their sessions, queues, outboxes, quarantine and mails."""
    servers = servers_of(context)
    seen = asyncio.run(_look(servers, edition))
    show_json(seen) if as_json else _show(seen)


async def _look(servers: Servers, edition: str | None) -> dict[str, Any]:
    async with databases.connected(servers) as kept:
        figures = await overview(kept, edition)
    async with broker.connected(servers.operator_broker) as connection:
        depths = await broker.queue_depths(connection, queue_names())
    queues = [{"queue": name, "ready": ready, "consumers": consumers} for name, (ready, consumers) in depths.items()]
    return {"services": await service_health(servers.values), **figures, "queues": queues}


def _show(seen: Mapping[str, Any]) -> None:
    for title, key, columns in _TABLES:
        show_table(title, columns, [[row[column] for column in columns] for row in seen[key]])


_TABLES = (
    ("Services", "services", ("service", "health")),
    ("Editions", "editions", ("edition", "version", "kind", "state", "deadline", "sessions")),
    ("Sessions", "sessions", ("edition", "session", "starts", "capacity", "confirmed", "queued")),
    ("Queues", "queues", ("queue", "ready", "consumers")),
    ("Outboxes", "outboxes", ("service", "commits", "oldest")),
    ("Requests that wait for their edition", "parked", ("edition", "requests")),
    ("Quarantine", "quarantine", ("service", "reason", "state", "messages")),
    ("Mails", "mails", ("kind", "state", "mails")),
)
