"""`instroom mails`: mails that need a person's decision, and sending one again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from chassis.mongo import Database
from cli import databases
from cli.options import AsJson, servers_of
from cli.servers import Servers
from cli.terminal import remark, show_json, show_table
from cli.trouble import EXIT_CODES, Trouble, told

KINDS = ("invitations", "notices")
HELD = ("uncertain", "failed")

LIST_HELP = f"""\
List mails that were given up: `failed`, or `uncertain` where nobody knows whether the mail server took them.

\b
  instroom mails list
  instroom mails list --state uncertain --json

Ids only: who a mail is for stands in the notification service's database.

{EXIT_CODES}"""

RELEASE_HELP = f"""\
Send mails that were given up once more.

\b
  instroom mails release 6d2f3c1e-....berenschot-leeratelier-2024.ronde-1

An uncertain mail may have arrived: then its participant gets it twice (their calendar shows one entry). Ask them, or
look in the mail server's log first.

{EXIT_CODES}"""

app = typer.Typer(no_args_is_help=True)


@app.command("list", help=LIST_HELP)
@told()
def list_mails(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="Only uncertain, or only failed.")] = None,
    as_json: AsJson = False,
) -> None:
    """List mails that were given up."""
    if state not in (None, *HELD):
        raise Trouble(f"--state is {' or '.join(HELD)}, not '{state}'.")
    found = asyncio.run(_find(servers_of(context), {"delivery.state": state or {"$in": list(HELD)}}))
    if as_json:
        return show_json(found)
    columns = ("id", "kind", "about", "state", "trouble", "attempts", "since")
    return show_table("Mails", columns, [[row[column] for column in columns] for row in found])


@app.command("release", help=RELEASE_HELP)
@told()
def release(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids as `instroom mails list` shows them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Send mails that were given up once more."""
    servers = servers_of(context)
    found = {row["id"]: row for row in asyncio.run(_find(servers, {"_id": {"$in": ids}}))}
    for id in ids:
        state = found.get(id, {}).get("state")
        if state not in HELD:
            raise Trouble(f"Mail {id} is {state}, not given up." if state else f"There is no mail {id}.")
        remark(f"{id}  {state}: {found[id]['trouble']}")
    if not yes:
        typer.confirm(f"Send {len(found)} again?", abort=True, err=True)
    asyncio.run(_release(servers, ids))
    remark(f"{len(found)} released; the notification service sends them within moments.")


async def _find(servers: Servers, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    async with databases.connected(servers) as kept:
        notification = kept["notification"]
        return [
            _row(kind, document) for kind in KINDS for document in await notification[kind].find(wanted).to_list(None)
        ]


def _row(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    delivery, mail = document["delivery"], document.get("mail") or {}
    about = f"{mail.get('method')} {mail.get('sequence')}" if mail else document["request"]["kind"]
    return {
        "id": document["_id"],
        "kind": kind.removesuffix("s"),
        "about": about,
        "state": delivery["state"],
        "trouble": delivery["trouble"],
        "attempts": delivery["attempts"],
        "since": delivery["due"],
    }


async def _release(servers: Servers, ids: list[str]) -> None:
    async with databases.connected(servers) as kept:
        for id in ids:
            if not await _make_due(kept["notification"], id):
                raise Trouble(f"Mail {id} changed at the same time: look at it again.")


async def _make_due(notification: Database, id: str) -> bool:
    """Make a held mail due now with a clean slate; a newer revision tells the service that it changed."""
    due = {"state": "pending", "due": datetime.now(UTC), "attempts": 0, "trouble": None, "claim": None}
    change = {"$set": {"delivery": due}, "$inc": {"revision": 1}}
    for kind in KINDS:
        done = await notification[kind].update_one({"_id": id, "delivery.state": {"$in": list(HELD)}}, change)
        if done.matched_count:
            return True
    return False
