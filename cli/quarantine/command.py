"""`instroom quarantine`: messages that are no valid events, to be looked at, mended and replayed, or dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import broker, databases
from cli.clock import time_of
from cli.databases import SERVICES, Databases, Service
from cli.files import json_in
from cli.options import AsJson, commands, servers_of
from cli.quarantine.held import DROPPED, HELD, REPLAYED, Held, replay_of, with_settings
from cli.servers import Servers
from cli.terminal import remark, show, show_json, show_table
from cli.trouble import EXIT_CODES, Trouble, told

COLLECTION = "quarantine"
_DETAILS = ("account", "problems", "contentType", "lastAt", "note", "replayedAs", "changedAt", "sha256")

LIST_HELP = f"""\
List messages in quarantine, newest last; only those still held, unless --all.

\b
  instroom quarantine list
  instroom quarantine list --service enrolment --reason invalid-event --json

{EXIT_CODES}"""

SHOW_HELP = f"""\
Show one message: why it is held, what is wrong with it, and its content.

\b
  instroom quarantine show 3f1c9a7be2d04c55

The content may hold personal data: mind who sees your screen, and do not paste it into tickets.

{EXIT_CODES}"""

REPLAY_HELP = f"""\
Send messages again, mended or as they are.

\b
  instroom quarantine replay 3f1c9a7be2d04c55 --set /data/participant/role=griffier
  instroom quarantine replay 3f1c9a7be2d04c55 --edit mended.json
  instroom quarantine replay 3f1c9a7be2d04c55 9b20c1d4e5f60718

--set puts one value at a JSON Pointer, as often as needed; a value that reads as JSON is taken as JSON (true, 3, null;
"3" for the text). --edit takes the whole event from a file. An invalid message has spent its id: mended, it travels
under a new one, and its attribute `replayof` names the old one. A message with the reason `failed` or `foreign-source`
was never decided and keeps its id unless it is mended. Nothing is sent that is still not valid; what you send counts as
what its source itself sent.

{EXIT_CODES}"""

DROP_HELP = f"""\
Mark messages as dropped: nothing is done with them any more. They are kept, with your note. One that is sent again is
held again.

\b
  instroom quarantine drop 3f1c9a7be2d04c55 --note "test message, confirmed with the sender"

{EXIT_CODES}"""

app = commands()
Ids = Annotated[list[str], typer.Argument(metavar="ID", help="Ids as `instroom quarantine list` shows them.")]
OfService = Annotated[
    str | None, typer.Option("--service", metavar="SERVICE", help="catalog, enrolment or notification; else all three.")
]


@app.command("list", help=LIST_HELP)
@told()
def list_held(
    context: typer.Context,
    service: OfService = None,
    reason: Annotated[str | None, typer.Option(metavar="REASON", help="Only this reason, e.g. invalid-event.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were replayed or dropped.")] = False,
    as_json: AsJson = False,
) -> None:
    """List messages in quarantine."""
    wanted = {**({} if everything else {"state": HELD}), **({"reason": reason} if reason else {})}
    found = [held.summary() for held in asyncio.run(_find(servers_of(context), _services(service), wanted))]
    if as_json:
        return show_json(found)
    columns = ("id", "service", "at", "reason", "state", "type", "eventId", "source", "times")
    return show_table("Quarantine", columns, [[row[column] for column in columns] for row in found])


@app.command("show", help=SHOW_HELP)
@told()
def show_one(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="As `instroom quarantine list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show one message."""
    held = asyncio.run(_find_by_ids(servers_of(context), [id]))[0]
    remark("What follows may hold personal data.")
    content = held.body.decode(errors="backslashreplace")
    rest = {**{name: held.document.get(name) for name in _DETAILS}, "headers": held.headers}
    if as_json:
        return show_json({**held.summary(), **rest, "body": content})
    for name, value in {**held.summary(), **rest}.items():
        if value is not None and name != "problems":
            show(f"{name:<12} {value}")
    for problem in held.document["problems"]:
        show(f"{'problem':<12} {problem['pointer'] or '(whole message)'}: {problem['detail']}")
    return show(f"\n{content}")


@app.command("replay", help=REPLAY_HELP)
@told()
def replay(
    context: typer.Context,
    ids: Ids,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="POINTER=VALUE", help="Mend a value.")] = None,
    edit: Annotated[
        Path | None, typer.Option("--edit", metavar="FILE", help="A file with the whole mended event as JSON.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send messages again."""
    if edit is not None and len(ids) > 1:
        raise Trouble("--edit mends one message: name one id.")
    servers, edited = servers_of(context), _event_in(edit) if edit else None
    asyncio.run(_replay(servers, ids, settings or (), edited, time_of(servers), as_json=as_json))


@app.command("drop", help=DROP_HELP)
@told()
def drop(
    context: typer.Context,
    ids: Ids,
    note: Annotated[
        str, typer.Option(metavar="TEXT", prompt="Why (kept with the message)", help="Why they are dropped.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Mark messages as dropped."""
    servers = servers_of(context)
    found = asyncio.run(_find_by_ids(servers, ids))
    for held in found:
        _require_held(held)
        remark(f"{held.id}  {held.service}  {held.reason}  {held.document.get('type') or 'unknown type'}")
    if not yes:
        typer.confirm(f"Drop {len(found)} message{'s' if len(found) > 1 else ''}?", abort=True, err=True)
    asyncio.run(_mark_all(servers, found, {"state": DROPPED, "note": note}))
    remark(f"{len(found)} dropped.")


def _services(typed: str | None) -> Sequence[Service]:
    chosen = [service for service in SERVICES if typed in (None, service)]
    if not chosen:
        raise Trouble(f"There is no service '{typed}'; there are {', '.join(SERVICES)}.")
    return chosen


def _event_in(path: Path) -> dict[str, Any]:
    event = json_in(path)
    if not isinstance(event, dict):
        raise Trouble(f"{path} holds no event: it must be one JSON object.")
    return event


async def _find(servers: Servers, services: Sequence[Service], wanted: Mapping[str, Any]) -> list[Held]:
    async with databases.connected(servers) as kept:
        found = [
            Held(service, document)
            for service in services
            for document in await kept[service][COLLECTION].find(dict(wanted)).to_list(None)
        ]
    return sorted(found, key=lambda held: held.document["at"])


async def _find_by_ids(servers: Servers, ids: Sequence[str]) -> list[Held]:
    found = {held.id: held for held in await _find(servers, SERVICES, {"_id": {"$in": list(ids)}})}
    missing = [id for id in ids if id not in found]
    if missing:
        raise Trouble(f"There is no message {', '.join(missing)} in quarantine: see `instroom quarantine list --all`.")
    return [found[id] for id in dict.fromkeys(ids)]


def _require_held(held: Held) -> None:
    if held.state != HELD:
        as_id = f" as {held.document['replayedAs']}" if "replayedAs" in held.document else ""
        raise Trouble(f"Message {held.id} was {held.state} before{as_id}.")


async def _replay(
    servers: Servers,
    ids: Sequence[str],
    settings: Sequence[str],
    edited: dict[str, Any] | None,
    now: datetime,
    *,
    as_json: bool,
) -> None:
    found = await _find_by_ids(servers, ids)
    for held in found:
        _require_held(held)
    mended = [with_settings(edited or held.event(), settings) if settings or edited else None for held in found]
    replays = [replay_of(held, event, now) for held, event in zip(found, mended, strict=True)]
    async with databases.connected(servers) as kept, broker.connected(servers.operator_broker) as connection:
        publisher = await broker.Publisher.on(connection)
        for held, again in zip(found, replays, strict=True):
            await publisher.publish(again.exchange, [again.wire])
            await _mark(kept, held, {"state": REPLAYED, "replayedAs": again.id, "changedAt": now})
            if as_json:
                show_json({"id": held.id, "replayedAs": again.id})
            else:
                show(f"{held.id}  replayed as {again.id}")
    remark("`instroom watch --correlation ID --stop` shows what each led to.")


async def _mark_all(servers: Servers, found: Sequence[Held], change: Mapping[str, Any]) -> None:
    async with databases.connected(servers) as kept:
        for held in found:
            await _mark(kept, held, {**change, "changedAt": datetime.now(UTC)})


async def _mark(kept: Databases, held: Held, change: Mapping[str, Any]) -> None:
    """Record what became of a message, unless somebody else did at the same time."""
    wanted = {"_id": held.id, "state": HELD}
    done = await kept[held.service][COLLECTION].update_one(wanted, {"$set": dict(change)})
    if not done.matched_count:
        raise Trouble(f"Message {held.id} was changed by somebody else at the same time: look at it again.")
