"""The commands behind `make up`, `down`, `reset`, `logs` and `status`: python -m deploy.local COMMAND."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.servers import ROOT
from deploy.local.settings import Ports
from deploy.stacks import AnyStack, kind_of, stack_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 where it failed."""
    options = _parser().parse_args(arguments)
    try:
        kind = kind_of(options.home, is_wanted=options.run is _up)
        stack = stack_of(options.home, Ports.free() if options.free_ports else Ports(), kind)
        return int(options.run(stack))
    except LocalError as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, default=ROOT / ".local", help="where data, logs and mails are kept")
    common.add_argument("--free-ports", action="store_true", help="use whatever ports are free, not the usual ones")
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, purpose) in _COMMANDS.items():
        commands.add_parser(name, help=purpose, parents=[common]).set_defaults(run=run)
    return parser


def _up(stack: AnyStack) -> int:
    stack.up()
    print(f"\nAddresses and accounts: {stack.env_file}\nMails arrive in:        {stack.mail_directory}")
    print(f"and can be read at:     {stack.mail_page_url}")
    return 0


def _down(stack: AnyStack) -> int:
    stack.down()
    print("The stack is down; its data is kept.")
    return 0


def _reset(stack: AnyStack) -> int:
    stack.reset()
    print("The stack is down and its data is wiped.")
    return 0


def _status(stack: AnyStack) -> int:
    works = stack.status()
    if works:
        print(f"Mails can be read at {stack.mail_page_url}")
    print("The stack works." if works else "The stack does not work: make up starts it, make logs tells more.")
    return 0 if works else 1


def _logs(stack: AnyStack) -> int:
    stack.logs()
    return 0


_COMMANDS = {
    "up": (_up, "start everything and load the five programmes"),
    "down": (_down, "stop everything, keep its data"),
    "reset": (_reset, "stop everything, wipe its data"),
    "logs": (_logs, "follow all logs"),
    "status": (_status, "show what runs"),
}

if __name__ == "__main__":
    sys.exit(main())
