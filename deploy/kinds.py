"""The two kinds of stack, local processes and containers: which of them it is to be."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.compose.images import ImageSettings, engine_answers, missing_images
from deploy.compose.stack import ComposeStack
from deploy.errors import StackError
from deploy.local.stack import LocalStack
from deploy.settings import Ports
from deploy.stack import Stack


def stack_of(home: Path, ports: Ports, kind: str = "local") -> Stack:
    """Return the stack of a home directory, of the kind that STACK names, else of this one.

    Raises `StackError` for a kind that there is not.
    """
    wanted = os.environ.get("STACK") or kind
    if wanted == "docker":
        return ComposeStack(home, ports)
    if wanted == "local":
        return LocalStack.of(home, ports)
    raise StackError(f"STACK={wanted} is not known. Use STACK=local or STACK=docker, or leave STACK unset.")


def kind_of(home: Path, *, is_wanted: bool) -> str:
    """Return the kind of the stack that a home has; for one that is wanted and not there yet, the kind to make.

    That is containers, where an engine answers and has or gets the images; where it does not get them, says so.
    """
    if ComposeStack(home, Ports()).is_kept:
        return "docker"
    if os.environ.get("STACK") or not is_wanted or (home / "ports.json").exists() or not engine_answers():
        return "local"
    if missing := missing_images(ImageSettings()):
        print(f"{', '.join(missing)} cannot be pulled: taking local processes. (STACK=docker builds stand-ins.)")
        return "local"
    return "docker"
