"""`instroom free`: end enrolments without a place, which keep their participants from enrolling."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import typer

from chassis.mongo import Database, aggregated
from cli import databases
from cli.clock import time_of
from cli.dialogue import Labelled, converse
from cli.drafts import event_of
from cli.options import ANSWER_TIMEOUT_S, AsJson, Timeout, commands, servers_of
from cli.servers import Servers
from cli.terminal import remark
from cli.trouble import EXIT_CODES, Exit, told
from instroom_contracts.intake import EnrolmentCancellationRequested

MOST_AT_ONCE = 1000

HELP = f"""\
Free participants who are kept out by an enrolment without a place.

\b
  instroom free
  instroom free --json

Up to 0.2.0 a request that came to no session was kept as such an enrolment: its participant could neither enrol again
nor cancel. `instroom audit` names them. Each is cancelled in the name of the source that asked for it, which hears of
that as of any cancellation; nobody is mailed. At most {MOST_AT_ONCE:,} at once: repeat it while there are more.

{EXIT_CODES}"""

app = commands()


@app.command("free", help=HELP)
@told()
def free(context: typer.Context, timeout: Timeout = ANSWER_TIMEOUT_S, as_json: AsJson = False) -> None:
    """Free participants who are kept out by an enrolment without a place."""
    servers = servers_of(context)
    raise typer.Exit(asyncio.run(_free(servers, time_of(servers), timeout, as_json=as_json)))


async def _free(servers: Servers, now: datetime, timeout_s: float, *, as_json: bool) -> Exit:
    async with databases.connected(servers) as kept:
        stranded = await _stranded(kept["enrolment"])
    if not stranded:
        remark("Nobody is kept out.")
        return Exit.FINE
    requests = [Labelled(one["_id"], _cancellation(one, now)) for one in stranded]
    return await converse(servers.operator_broker, requests, timeout_s, as_json=as_json)


def _cancellation(enrolment: Mapping[str, Any], now: datetime) -> Any:
    data = {"enrolmentId": enrolment["_id"], "reason": "kept without a place"}
    return event_of(EnrolmentCancellationRequested, data, {"source": enrolment["source"]}, now)


async def _stranded(enrolment: Database) -> list[Mapping[str, Any]]:
    """Return the enrolments (id and source) that are registered as their participants' and have no place."""
    pipeline: list[dict[str, Any]] = [
        {"$lookup": {"from": "enrolments", "localField": "enrolmentId", "foreignField": "_id", "as": "enrolment"}},
        {"$unwind": "$enrolment"},
        {"$replaceWith": "$enrolment"},
        {"$match": {"places": {"$not": {"$elemMatch": {"state": {"$ne": "released"}}}}}},
        {"$project": {"source": 1}},
        {"$sort": {"_id": 1}},
        {"$limit": MOST_AT_ONCE},
    ]
    return await aggregated(enrolment, "participants", pipeline, most=MOST_AT_ONCE)
