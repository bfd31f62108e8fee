"""Run the demonstration: a stack of its own, two acts, what came of them, and the audit."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from demo import screen
from demo.integrator import Integrator
from demo.play import first_act, second_act
from demo.story import story
from deploy.accounts import as_operator
from deploy.errors import StackError
from deploy.kinds import stack_of
from deploy.settings import Ports
from deploy.stack import Stack

HOME = Path(__file__).parents[1] / ".local" / "demo"
CANCELLATIONS = 11
MAILS_PATIENCE_S = 60.0
WIDTH = 110
"""Where the output goes to a file or a log."""


class Shell:
    """The `instroom` command, as an operator would run it against the demonstration's stack."""

    def __init__(self, stack: Stack) -> None:
        self._environment = {**os.environ, **as_operator(stack.addresses())}
        self._command = str(Path(sys.executable).with_name("instroom"))

    def read(self, *arguments: str) -> Any:
        """Run a command and return the JSON that it prints."""
        done = subprocess.run(
            [self._command, *arguments, "--json"], env=self._environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(done.stdout)

    def show(self, *arguments: str) -> int:
        """Run a command on this terminal and return its exit code."""
        return subprocess.run([self._command, *arguments], env=self._environment, check=False).returncode


async def play(console: Console, url: str) -> Integrator:
    """Play both acts; returns the world as the other systems saw it."""
    async with Integrator(url, "demo") as world:
        with screen.progress(console, "enrolling ", len(story()), world.counts) as advance:
            await first_act(world, advance)
        with screen.progress(console, "cancelling", CANCELLATIONS, world.counts) as advance:
            await second_act(world, advance)
        await mails_are_sent(world)
    return world


async def mails_are_sent(world: Integrator) -> None:
    """Wait until no further invitation is told of for a while."""
    deadline = time.monotonic() + MAILS_PATIENCE_S
    while time.monotonic() < deadline:
        before = world.counts["invite-sent"]
        await asyncio.sleep(2)
        if world.counts["invite-sent"] == before:
            return


def report(console: Console, world: Integrator, shell: Shell, mails: Path) -> None:
    """Show what came of it."""
    status = shell.read("status")
    console.print(screen.sessions(status), screen.reasons(world))
    console.print(screen.quarantine(shell.read("quarantine", "list")))
    waited = {
        request for request, (fact, *_) in world.answers.items() if fact["data"].get("reason") == "unknown-edition"
    }
    console.print(screen.latency([seconds for request, seconds in world.seconds.items() if request not in waited]))
    console.print(f"(without {len(waited)} for unknown editions, which wait in case the edition is still on its way)")
    letters = len(list(mails.glob("*.eml")))
    waiting = sum(row["mails"] for row in status["mails"] if row["state"] == "waiting")
    console.print(f"invitations sent: {world.counts['invite-sent']}; {waiting} wait until their session has a date")
    console.print(f"{letters} mails, with those about waiting lists and refusals, lie in {mails} as .eml files\n")


def main() -> int:
    """Run the demonstration; returns 0 where every promise holds."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    stack_of(HOME, Ports.free()).reset()
    stack = stack_of(HOME, Ports.free())
    try:
        stack.up()
        shell = Shell(stack)
        world = asyncio.run(play(console, stack.addresses()["RABBITMQ_URL"]))
        report(console, world, shell, stack.mail_directory)
        return shell.show("audit")
    except StackError as error:
        console.print(str(error), style="red", highlight=False)
        return 1
    finally:
        stack.down()


if __name__ == "__main__":
    sys.exit(main())
