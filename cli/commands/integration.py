"""`instroom integration check`: the checks of other systems, on the broker that the command finds."""

from __future__ import annotations

from cli.options import commands, servers_of
from instroom_checking.commands import checks

app = commands()
app.add_typer(checks("instroom integration check", lambda context: servers_of(context).broker), name="check")
