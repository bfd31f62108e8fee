"""The `instroom` command: which commands there are, and the options that stand before them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from cli.commands import (
    answer,
    audit,
    catalog,
    free,
    integration,
    integrator,
    mails,
    quarantine,
    request,
    status,
    watch,
)

HELP = """\
Instroom's tool for operators and integrators.

\b
  make up                                  start a local stack with five programmes
  instroom status                          how full everything is
  instroom request --help                  ask for a place
  instroom watch                           follow the facts
  instroom audit                           prove that the promises hold
  instroom integration check --help        try a system of yours that publishes or listens

Servers are found in the environment (RABBITMQ_URL, RABBITMQ_OPERATOR_URL, MONGO_URL), else in the .local/stack.env of
this folder or one above, which `make up` writes."""

app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("request", help=request.REQUEST_HELP)(request.request)
app.command("cancel", help=request.CANCEL_HELP)(request.cancel)
app.command("free", help=free.HELP)(free.free)
app.command("answer", help=answer.HELP)(answer.answer)
app.command("watch", help=watch.HELP)(watch.watch)
app.command("status", help=status.HELP)(status.status)
app.command("audit", help=audit.HELP)(audit.audit)
app.add_typer(catalog.app, name="catalog", help="Hand in editions; have the catalogue's facts told again.")
app.add_typer(integrator.app, name="integrator", help="Accounts for other systems: add, list, remove.")
app.add_typer(integration.app, name="integration", help="Check another system's publisher or subscriber.")
app.add_typer(quarantine.app, name="quarantine", help="Messages that are no valid events: look, mend, replay, drop.")
app.add_typer(mails.app, name="mails", help="Mails that were given up: list them, send them again.")


@app.callback()
def options(
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", help="A file with KEY=value lines that says where the servers are."),
    ] = None,
) -> None:
    """Take the options that stand before a command; `options.servers_of` reads them."""


def main() -> None:
    """Run the command that was typed."""
    logging.getLogger().addHandler(logging.NullHandler())  # trouble is told to the person, not logged as well
    app()
