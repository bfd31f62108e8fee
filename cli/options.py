"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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


def servers_of(context: typer.Context, *, as_administrator: bool = False) -> Servers:
    """Find the servers: where `--env-file` says, else in the environment, else in the stack's file."""
    file: Path | None = context.find_root().params.get("env_file")
    return servers_here(file, as_administrator=as_administrator)
