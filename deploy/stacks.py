"""The two kinds of stack, local processes and containers, as one: which of them STACK asks for."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.compose.stack import ComposeStack
from deploy.local.errors import LocalError
from deploy.local.settings import Ports
from deploy.local.stack import Stack

AnyStack = Stack | ComposeStack


def stack_of(home: Path, ports: Ports) -> AnyStack:
    """Return the stack of a home directory, of the kind that STACK names (local, unless it says docker).

    Raises `LocalError` for any other kind.
    """
    wanted = os.environ.get("STACK") or "local"
    if wanted == "docker":
        return ComposeStack(home, ports)
    if wanted == "local":
        return Stack.of(home, ports)
    raise LocalError(f"STACK={wanted} is not known. Use STACK=local or STACK=docker, or leave STACK unset.")
