"""The commands behind `make up`, `down`, `reset`, `logs` and `status`: python -m deploy.local COMMAND."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.servers import ROOT
from deploy.local.settings import Ports
from deploy.local.stack import Stack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 1 where it failed, 2 where it was asked for what does not exist."""
    options = _parser().parse_args(arguments)
    wanted = os.environ.get("STACK") or "local"
    if wanted != "local":
        print(_refusal(wanted), file=sys.stderr)
        return 2
    try:
        return int(options.run(Stack.of(options.home, Ports.free() if options.free_ports else Ports())))
    except LocalError as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _refusal(wanted: str) -> str:
    if wanted == "docker":
        return "STACK=docker comes with a later release. Until then: STACK=local, or leave STACK unset."
    return f"STACK={wanted} is not known. Use STACK=local, or leave STACK unset."


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, default=ROOT / ".local", help="where data, logs and mails are kept")
    common.add_argument("--free-ports", action="store_true", help="use whatever ports are free, not the usual ones")
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, purpose) in _COMMANDS.items():
        commands.add_parser(name, help=purpose, parents=[common]).set_defaults(run=run)
    return parser


def _up(stack: Stack) -> int:
    stack.up()
    print(f"\nAddresses and accounts: {stack.env_file}\nMails arrive in:        {stack.servers.mail.directory}")
    return 0


def _down(stack: Stack) -> int:
    stack.down()
    print("The stack is down; its data is kept.")
    return 0


def _reset(stack: Stack) -> int:
    stack.reset()
    print("The stack is down and its data is wiped.")
    return 0


def _status(stack: Stack) -> int:
    for daemon in stack.daemons:
        pid = daemon.pid()
        print(f"{daemon.name:14}{f'runs (process {pid})' if pid else 'is down'}")
    print("The stack works." if stack.is_up() else "The stack does not work: make up starts it, make logs tells more.")
    return 0 if stack.is_up() else 1


def _logs(stack: Stack) -> int:
    logs = [str(daemon.log_file) for daemon in stack.daemons if daemon.log_file.exists()]
    if not logs:
        raise LocalError("There are no logs yet: make up starts the stack.")
    os.execvp("tail", ["tail", "--lines=20", "-F", *logs])  # noqa: S606, S607  follows until Ctrl-C


_COMMANDS = {
    "up": (_up, "start everything and load the five programmes"),
    "down": (_down, "stop everything, keep its data"),
    "reset": (_reset, "stop everything, wipe its data"),
    "logs": (_logs, "follow all logs"),
    "status": (_status, "show what runs"),
}

if __name__ == "__main__":
    sys.exit(main())
