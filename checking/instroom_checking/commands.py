"""The commands: another system's publisher or subscriber, tried on a stage where nothing is decided."""

# ruff: noqa: PLR0913, PLR0917  every option is an argument

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer

from instroom_checking.answering import EDITION
from instroom_checking.publisher import Performance, PublisherCheck
from instroom_checking.stage import on_stage
from instroom_checking.subscriber import Audition, SubscriberCheck
from instroom_checking.terminal import remark
from instroom_checking.trouble import EXIT_CODES, Trouble, told
from instroom_checking.verdict import Finding, show_verdict

PUBLISHER_HELP = """\
Check a publisher: is each message as Instroom takes it, and is none lost or asked for twice?

\b
  {program} publisher -- python enrol.py
  {program} publisher --requests 3 --listen 127.0.0.1:18590

The command after -- is run with RABBITMQ_URL set to an address of the check's own; without one, the check says which
address to point your publisher at, and waits. Behind it is your broker, with your account, but what goes to
instroom.intake is judged and never decided. Change nothing else: names, account and password stay.

The first valid message is confirmed to nobody: its connection breaks off, as happens in life. What was not confirmed is
to be sent again, the same; a command that ended is started once more for that. Each request then gets an answer of the
check's own, twice.

{exit_codes}"""

SUBSCRIBER_HELP = """\
Check a subscriber: does it take facts as they come in life, twice, late, and with what there is not yet?

\b
  {program} subscriber -- python facts.py
  {program} subscriber --state 'sqlite3 facts.sqlite "select * from seats"' -- python facts.py

The command after -- is run with RABBITMQ_URL set to an address of the check's own; without one, the check says which
address to point your subscriber at, and waits. Its queues are others there than in life, with the same names, and are
removed afterwards; the facts are about an edition that there is not ('{edition}'), and nobody else hears them. What
your subscriber makes of them is in your store all the same: let it be one to try things on.

On the wire only acknowledgements show. --state is a shell command that prints what your subscriber makes of the facts
(leave its list of ids out, which grows with every one); with it the check sees whether a fact that is told twice, or
late, changes anything, and whether your subscriber stores its work before it acknowledges: it is killed once for that,
and started again.

{exit_codes}"""

HELP = "Check a system of yours that publishes to Instroom or listens to it."
Command = Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND", hidden=True)]
"""What starts the system; the usage line shows it, and a list of arguments would call it `<list[str]>`."""
Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the check listens; port 0 is any.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for another program.")]
ANYWHERE = "127.0.0.1:0"


def checks(program: str, broker: Callable[[typer.Context], str]) -> typer.Typer:
    """Make the two commands: `program` is what one types before them, `broker` finds the broker's address."""
    app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
    for name, help, command in (
        ("publisher", PUBLISHER_HELP, publisher),
        ("subscriber", SUBSCRIBER_HELP, subscriber),
    ):
        told_of = help.format(program=program, edition=EDITION, exit_codes=EXIT_CODES)
        app.command(name, help=told_of, context_settings={"obj": broker})(command)
    return app


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
    findings = asyncio.run(_publisher(context.obj(context), _host_and_port(listen), wanted))
    raise typer.Exit(show_verdict(findings, as_json=as_json))


async def _publisher(url: str, listen: tuple[str, int], wanted: PublisherCheck) -> list[Finding]:
    stopped = asyncio.Event()
    async with on_stage(url, *listen) as stage:
        _stop_at_ctrl_c(stopped, stage.traffic.note)
        if not wanted.command:
            remark(f"Point your publisher at RABBITMQ_URL={stage.address}\nand let it publish; Ctrl-C ends the check.")
        return await Performance(stage, wanted, stopped).run()


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
    findings = asyncio.run(_subscriber(context.obj(context), _host_and_port(listen), wanted))
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
