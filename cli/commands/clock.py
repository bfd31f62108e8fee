"""`instroom clock`: the clock of a sandbox, which goes forward when it is told to."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli import databases
from cli.clock import REAL, ahead, can_be_set, set_ahead
from cli.moments import moment
from cli.options import AsJson, commands, servers_of
from cli.servers import Servers
from cli.terminal import show, show_json
from cli.trouble import EXIT_CODES, Trouble, told

SHOW_HELP = f"""\
Show what time it is on a sandbox.

\b
  instroom clock show --env-file .sandbox/stack.env

{EXIT_CODES}"""

SET_HELP = f"""\
Set the clock of a sandbox forward, to a moment: every service acts as if it were then, and time goes on from there.

\b
  instroom clock set 2027-03-01T09:00:00+01:00 --env-file .sandbox/stack.env

A clock never goes back: what was decided stays decided. `make sandbox-reset` begins again at the real time.

{EXIT_CODES}"""

ADVANCE_HELP = f"""\
Set the clock of a sandbox forward by so much: s, m, h, d or w for seconds, minutes, hours, days or weeks.

\b
  instroom clock advance 90m --env-file .sandbox/stack.env
  instroom clock advance 2w --env-file .sandbox/stack.env

A clock never goes back: what was decided stays decided. `make sandbox-reset` begins again at the real time.

{EXIT_CODES}"""

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Far enough for any programme, and within what every part can write down."""
TAKEN_UP_S = 0.5
"""Within that every service has looked."""

app = commands()


@app.command("show", help=SHOW_HELP)
@told()
def show_clock(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what time it is."""
    _tell(asyncio.run(_forward(_settable(context), timedelta())), as_json=as_json)


@app.command("set", help=SET_HELP)
@told()
def set_clock(
    context: typer.Context,
    to: Annotated[str, typer.Argument(metavar="TIME", help="A moment, such as 2027-03-01T09:00:00+01:00.")],
    as_json: AsJson = False,
) -> None:
    """Set it to a moment."""
    _tell(asyncio.run(_forward(_settable(context), moment("TIME is", to))), as_json=as_json)


@app.command("advance", help=ADVANCE_HELP)
@told()
def advance(
    context: typer.Context,
    by: Annotated[str, typer.Argument(metavar="TIME", help="How long, such as 90m, 36h or 2w.")],
    as_json: AsJson = False,
) -> None:
    """Set it forward by so much."""
    _tell(asyncio.run(_forward(_settable(context), _duration(by))), as_json=as_json)


def _duration(typed: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhdw])", typed.strip())
    if match is None:
        raise Trouble(f"TIME is a whole number with s, m, h, d or w, such as 90m, 36h or 2w; not '{typed}'.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _settable(context: typer.Context) -> Servers:
    servers = servers_of(context)
    if not can_be_set(servers):
        raise Trouble(REAL)
    return servers


async def _forward(servers: Servers, to: datetime | timedelta) -> datetime:
    """Set the clock to a moment, or by so much, and return what time it is then."""
    async with databases.connected(servers) as kept:
        furthest = max((await ahead(kept)).values())
        real = datetime.now(UTC)
        wanted = to - real if isinstance(to, datetime) else furthest + to
        if wanted < furthest:
            raise Trouble(f"The clock only goes forward, and it is {_text(real + furthest)} already.")
        if wanted > LATEST - real:
            raise Trouble(f"The clock goes up to {_text(LATEST)}.")
        if to:
            await set_ahead(kept, wanted)
            await asyncio.sleep(TAKEN_UP_S)
        return datetime.now(UTC) + wanted


def _tell(now: datetime, *, as_json: bool) -> None:
    show_json({"now": now}) if as_json else show(_text(now))


def _text(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="seconds")
