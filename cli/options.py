"""Options that several commands share, worded once."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperGroup

from cli.servers import Servers, servers_here

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for another program.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="How long to wait for answers.")]
Source = Annotated[
    str,
    typer.Option(
        "--source", envvar="INSTROOM_SOURCE", metavar="URN", help="Who asks; only this source may change the enrolment."
    ),
]
OWN_SOURCE = "urn:nld:oin:00000001823288444000:systeem:instroom-cli"
OPERATOR_SOURCE = "urn:nld:oin:00000001823288444000:systeem:instroom-operator"
"""Who speaks where an operator's command asks a service for something."""
ANSWER_TIMEOUT_S = 35.0
"""A little longer than the 30 s within which every request is answered."""


def commands() -> typer.Typer:
    """Begin a module's commands."""
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def _keep(context: typer.Context, file: Path | None) -> Path | None:
    """Keep the file for `servers_of`, whether it was named before the command or behind it."""
    if file is not None:
        context.find_root().meta[__name__] = file
    return file


ENV_FILE = typer.Option(
    "--env-file", metavar="FILE", callback=_keep, help="KEY=value lines that say where the servers are."
)


def finished(command: Any, option: Any) -> Any:
    """Have a command, or each command of a group, take the option that stands before all commands, and show no types.

    What a value is stands in its metavar; Typer would add `<list[str]>` to an argument's.
    """
    if isinstance(command, TyperGroup):
        for one in command.commands.values():
            finished(one, option)
    else:
        for parameter in command.params:
            if isinstance(parameter, TyperArgument):
                vars(parameter)["display_type_rich"] = _no_type
        own = copy(option)
        own.expose_value = False
        command.params.append(own)
    return command


def _no_type(ctx: Any) -> None: ...


def servers_of(context: typer.Context, *, as_administrator: bool = False) -> Servers:
    """Find the servers: where `--env-file` says, else in the environment, else in the stack's file."""
    return servers_here(context.meta.get(__name__), as_administrator=as_administrator)
