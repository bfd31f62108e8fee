"""`instroom status`: what runs, how full it is, and what waits for somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import broker, databases
from cli.integrators.accounts import Accounts
from cli.options import AsJson, commands, servers_of
from cli.queues import queue_names
from cli.servers import Servers
from cli.status.health import service_health
from cli.status.overview import overview
from cli.terminal import remark, show_json, show_table
from cli.trouble import EXIT_CODES, Trouble, told

HELP = f"""\
Show how full everything is, what runs, and what waits for somebody: editions and their sessions, queues, outboxes,
quarantine and mails, and what leads facts back to us.

\b
  instroom status
  instroom status --edition vng-participatieweek-2021-noord
  instroom status --json | jq '.sessions[] | select(.queued > 0)'

Names and mail addresses are never shown, ids only.

{EXIT_CODES}"""

app = commands()


@app.command("status", help=HELP)
@told()
def status(
    context: typer.Context,
    edition: Annotated[str | None, typer.Option(metavar="ID", help="Only this edition's seats.")] = None,
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
    return {"services": await service_health(servers.values), **figures, "queues": queues, "inlets": _inlets(servers)}


def _inlets(servers: Servers) -> list[dict[str, Any]]:
    """Look for what leads messages back into our exchanges, where the broker's HTTP API is known and answers."""
    try:
        found = Accounts.of(servers, servers.monitoring).inlets() if servers.monitoring else []
    except Trouble as trouble:
        remark(f"{trouble} What leads facts back to us was not looked for.")
        return []
    return [{"kind": one.kind, "name": one.name, "into": one.into, "integrator": one.owner} for one in found]


def _show(seen: Mapping[str, Any]) -> None:
    """Show the tables; where no health page is known from here, say so, which is not that no service runs."""
    if not seen["services"]:
        remark(
            "How the services are is not known here, since no ..._HEALTH_URL is set. In containers:"
            " docker compose run --rm tools status."
        )
    for title, key, columns in _TABLES if seen["services"] else _TABLES[1:]:
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
    ("What leads facts back to us (instroom integrator close)", "inlets", ("kind", "name", "into", "integrator")),
)
