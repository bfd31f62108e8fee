"""`instroom integration check`: another system's publisher or subscriber, tried on a stage where nothing is decided."""

# ruff: noqa: PLR0913, PLR0917  every option is an argument

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer

from cli.checking.answering import EDITION
from cli.checking.publisher import Performance, PublisherCheck
from cli.checking.stage import on_stage
from cli.checking.subscriber import Audition, SubscriberCheck
from cli.checking.verdict import Finding, show_verdict
from cli.options import AsJson, commands, servers_of
from cli.terminal import remark
from cli.trouble import EXIT_CODES, Trouble, told

PUBLISHER_HELP = f"""\
Check a publisher: is each message as Instroom takes it, and is none lost or asked for twice?

\b
  instroom integration check publisher -- python enrol.py
  instroom integration check publisher --requests 3 --listen 127.0.0.1:18590

The command is run with RABBITMQ_URL set to an address of the check's own; without one, the check says which address to
point your publisher at, and waits. Behind it is your broker, with your account, but what goes to instroom.intake is
judged and never decided. Change nothing else: names, account and password stay.

The first valid message is confirmed to nobody: its connection breaks off, as happens in life. What was not confirmed is
to be sent again, the same; a command that ended is started once more for that. Each request then gets an answer of the
check's own, twice.

{EXIT_CODES}"""

SUBSCRIBER_HELP = f"""\
Check a subscriber: does it take facts as they come in life, twice, late, and with what there is not yet?

\b
  instroom integration check subscriber -- python facts.py
  instroom integration check subscriber --state 'sqlite3 facts.sqlite "select * from seats"' -- python facts.py

The command is run with RABBITMQ_URL set to an address of the check's own; without one, the check says which address to
point your subscriber at, and waits. Its queues are others there than in life, with the same names, and are removed
afterwards; the facts are about an edition that there is not ('{EDITION}'), and nobody else hears them. What your
subscriber makes of them is in your store all the same: let it be one to try things on.

On the wire only acknowledgements show. --state is a shell command that prints what your subscriber makes of the facts
(leave its list of ids out, which grows with every one); with it the check sees whether a fact that is told twice, or
late, changes anything, and whether your subscriber stores its work before it acknowledges: it is killed once for that,
and started again.

{EXIT_CODES}"""  # noqa: S608  SQL in an example

app = commands()
check = commands()
app.add_typer(check, name="check", help="Check a publisher or a subscriber.")

Command = Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND", help="What starts it, after --.")]
Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the check listens; port 0 is any.")]
ANYWHERE = "127.0.0.1:0"


@check.command("publisher", help=PUBLISHER_HELP)
@told()
def publisher(
    context: typer.Context,
    command: Command = None,
    requests: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="How many different requests to wait for.")
    ] = 1,
    source: Annotated[
        list[str] | None, typer.Option(metavar="URN", help="A source that is your account's own; once for each.")
    ] = None,
    no_interruption: Annotated[bool, typer.Option("--no-interruption", help="Let every confirm through.")] = False,
    within: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long the whole may take.")] = 120.0,
    listen: Listen = ANYWHERE,
    as_json: AsJson = False,
) -> None:
    """Check a publisher."""
    wanted = PublisherCheck(command or (), requests, within, source or (), no_interruption)
    findings = asyncio.run(_publisher(servers_of(context).broker, _host_and_port(listen), wanted))
    raise typer.Exit(show_verdict(findings, as_json=as_json))


async def _publisher(url: str, listen: tuple[str, int], wanted: PublisherCheck) -> list[Finding]:
    stopped = asyncio.Event()
    async with on_stage(url, *listen) as stage:
        _stop_at_ctrl_c(stopped, stage.traffic.note)
        if not wanted.command:
            remark(f"Point your publisher at RABBITMQ_URL={stage.address}\nand let it publish; Ctrl-C ends the check.")
        return await Performance(stage, wanted, stopped).run()


@check.command("subscriber", help=SUBSCRIBER_HELP)
@told()
def subscriber(
    context: typer.Context,
    command: Command = None,
    state: Annotated[str, typer.Option(metavar="COMMAND", help="Prints what your subscriber has stored.")] = "",
    queue: Annotated[
        str, typer.Option(metavar="QUEUE", help="Its queue, where it does not declare and bind it itself.")
    ] = "",
    type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="What that queue is bound to; else to all. Once for each.")
    ] = None,
    edition: Annotated[str, typer.Option(metavar="ID", help="The edition that the facts are about.")] = EDITION,
    patience: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long it may take over a fact.")] = 10.0,
    within: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait until it listens.")] = 120.0,
    listen: Listen = ANYWHERE,
    as_json: AsJson = False,
) -> None:
    """Check a subscriber."""
    wanted = SubscriberCheck(command or (), queue, type or ("#",), state, edition, within, patience)
    findings = asyncio.run(_subscriber(servers_of(context).broker, _host_and_port(listen), wanted))
    raise typer.Exit(show_verdict(findings, as_json=as_json))


async def _subscriber(url: str, listen: tuple[str, int], wanted: SubscriberCheck) -> list[Finding]:
    stopped = asyncio.Event()
    async with on_stage(url, *listen) as stage:
        _stop_at_ctrl_c(stopped, stage.traffic.note)
        if not wanted.command:
            remark(f"Point your subscriber at RABBITMQ_URL={stage.address}\nand start it; Ctrl-C ends the check.")
        return await Audition(stage, wanted, stopped).run()


def _stop_at_ctrl_c(stopped: asyncio.Event, note: Callable[[], None]) -> None:
    """Have Ctrl-C end the check with its verdict."""

    def stop() -> None:
        stopped.set()
        note()

    with suppress(RuntimeError, ValueError, NotImplementedError):  # another thread than the main one hears no signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)


def _host_and_port(typed: str) -> tuple[str, int]:
    host, _, port = typed.rpartition(":")
    if not host or not port.isdigit():
        raise Trouble(f"--listen is HOST:PORT, such as 127.0.0.1:18590; not '{typed}'.")
    return host, int(port)
