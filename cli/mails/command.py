"""`instroom mails`: mails that need a person's decision, and sending them after all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import databases
from cli.mails import unsent
from cli.mails.unsent import STATES, Row, Which
from cli.options import AsJson, commands, servers_of
from cli.servers import Servers
from cli.terminal import remark, show_json, show_table, shown
from cli.trouble import EXIT_CODES, Trouble, told

LIST_HELP = f"""\
List mails that wait for you: `failed` (given up), `uncertain` (nobody knows whether the mail server took them), `held`
(above what one address gets in a day, MAIL_DAILY_CAP) and `unreadable` (the document is spoilt: mend it first).

\b
  instroom mails list
  instroom mails list --state held --edition vng-participatieweek-2021-noord
  instroom mails list --to 5b1f04c9 --json

Ids only. `to` is the same for mails to the same address; whose it is stands in the notification service's database.

{EXIT_CODES}"""

RELEASE_HELP = f"""\
Send mails after all: those with these ids, or all that an option selects. It shows them and asks first.

\b
  instroom mails release 6d2f3c1e-....berenschot-leeratelier-2024.ronde-1
  instroom mails release --state failed --trouble server-unreachable
  instroom mails release --state held --to 5b1f04c9

An uncertain mail may have arrived: then its participant gets it twice (their calendar shows one entry). Ask them, or
look in the mail server's log first. What is released is sent whatever its address had today.

{EXIT_CODES}"""

MOST_SHOWN = 20
COLUMNS = ("id", "kind", "about", "to", "state", "trouble", "attempts", "since")

app = commands()

OfState = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help=f"Only {', '.join(STATES[:-1])} or {STATES[-1]}.")
]
OfEdition = Annotated[str | None, typer.Option("--edition", metavar="ID", help="Only about this edition.")]
OfTrouble = Annotated[str | None, typer.Option("--trouble", metavar="CODE", help="Only with this trouble.")]
To = Annotated[str | None, typer.Option("--to", metavar="CODE", help="Only to this address, as `list` shows it.")]


@app.command("list", help=LIST_HELP)
@told()
def list_mails(
    context: typer.Context,
    state: OfState = None,
    edition: OfEdition = None,
    trouble: OfTrouble = None,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """List mails that wait for a person."""
    found = asyncio.run(_find(servers_of(context), Which((), _state(state), edition, trouble, to)))
    if as_json:
        return show_json(found)
    return show_table("Mails", COLUMNS, [[row[column] for column in COLUMNS] for row in found])


@app.command("release", help=RELEASE_HELP)
@told()
def release(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids as `mails list` shows them.")] = None,
    state: OfState = None,
    edition: OfEdition = None,
    trouble: OfTrouble = None,
    to: To = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send mails after all."""
    servers, which = servers_of(context), Which(tuple(ids or ()), _state(state), edition, trouble, to)
    if which.is_all:
        raise Trouble("Say which: ids, or --state, --edition, --trouble or --to. `instroom mails list` takes the same.")
    rows = asyncio.run(_find(servers, which))
    _ensure_they_wait(rows, which)
    _say(rows)
    if not yes:
        typer.confirm(f"Send {len(rows)} mails?", abort=True, err=True)
    released = asyncio.run(_release(servers, rows))
    remark(f"{released} released; the notification service sends them within moments.")
    if released < len(rows):
        raise Trouble(f"{len(rows) - released} changed at the same time and were left: look at them again.")


def _state(state: str | None) -> str | None:
    if state not in (None, *STATES):
        raise Trouble(f"--state is {', '.join(STATES[:-1])} or {STATES[-1]}, not '{state}'.")
    return state


def _ensure_they_wait(rows: Sequence[Row], which: Which) -> None:
    """Refuse ids that are unknown, or of mails that wait for nobody, and a selection of none."""
    states = {row["id"]: row["state"] for row in rows}
    for id in which.ids:
        if id not in states:
            raise Trouble(f"There is no such mail {id}.")
        if states[id] not in STATES:
            raise Trouble(f"Mail {id} is {states[id]}: it waits for nobody's decision.")
    if not rows:
        raise Trouble("No mail is like that. `instroom mails list` shows those that wait.")


def _say(rows: Sequence[Row]) -> None:
    for row in rows[:MOST_SHOWN]:
        remark(f"{row['id']}  {': '.join(filter(None, (row['state'], row['trouble'])))}")
    if len(rows) > MOST_SHOWN:
        remark(f"... and {len(rows) - MOST_SHOWN} more")
    counts = Counter(row["state"] for row in rows)
    remark(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    if counts["uncertain"]:
        remark("Those that are uncertain may have arrived: then they come twice.")
    if counts["unreadable"]:
        remark("Those that are unreadable are set aside again, unless somebody mended their documents.")


async def _find(servers: Servers, which: Which) -> list[Row]:
    async with databases.connected(servers) as kept:
        if since := await unsent.resting_since(kept["notification"]):
            remark(f"Nothing is sent since {shown(since)}: the mail server refuses everything. See `instroom status`.")
        return await unsent.found(kept["notification"], which)


async def _release(servers: Servers, rows: Sequence[Row]) -> int:
    async with databases.connected(servers) as kept:
        return await unsent.release(kept["notification"], rows)
