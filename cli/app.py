"""The `instroom` command: which commands there are, and the options that stand before them."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from cli.options import ENV_FILE, finished

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

COMMANDS = {
    "request": ("request.command", "Request places, wait for the answers, and show them."),
    "cancel": ("request.command", "Withdraw an enrolment and wait for the answer."),
    "free": ("commands.free", "Free participants who are kept out."),
    "answer": ("commands.answer", "Have the answer to a request told again, and show it."),
    "watch": ("commands.watch", "Follow the facts as they are told."),
    "status": ("status.command", "Show how full everything is, what runs, and what waits."),
    "show": ("commands.show", "Show an edition: all that its page says, and how full it is."),
    "audit": ("audit.command", "Prove from live data that the promises hold."),
    "catalog": ("commands.catalog", "Hand in editions; have the catalogue's facts told again."),
    "integrator": ("commands.integrator", "Accounts for other systems: add, list, remove, close."),
    "integration": ("commands.integration", "Check another system's publisher or subscriber."),
    "quarantine": ("quarantine.command", "Messages that are no valid events: look, mend, replay, drop."),
    "clock": ("commands.clock", "The clock of a sandbox: show it, set it forward."),
    "mails": ("mails.command", "Mails that wait for you: list them, send them again."),
}
"""Commands by name: the module that has it as its `app`, or in it, and what it is for."""


class Commands(TyperGroup):
    """Imports a command when it is typed, so that nobody waits for what the others need."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command itself in the place of the one that only says what it is for."""
        name, purpose_alone, rest = super().resolve_command(ctx, args)
        return name, purpose_alone and self._imported(str(name)), rest

    def _imported(self, name: str) -> Any:
        module, purpose = COMMANDS[name]
        found = get_group(import_module(f"cli.{module}").app)
        found.help = purpose
        env_file = next(option for option in self.params if option.name == "env_file")
        return finished(found.commands.get(name, found), env_file)


app = typer.Typer(cls=Commands, help=HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
for command, (_, purpose) in COMMANDS.items():
    app.command(command, help=purpose)(lambda: None)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"instroom {version('instroom')}")
        raise typer.Exit


@app.callback()
def options(
    env_file: Annotated[Path | None, ENV_FILE] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show which release this is.")
    ] = False,
) -> None:
    """Take the options that stand before a command; `options.servers_of` reads them."""


def main() -> None:
    """Run the command that was typed."""
    logging.getLogger().addHandler(logging.NullHandler())  # trouble is told to the person, not logged as well
    app()
