"""The commands behind `make up` and its siblings: python -m deploy COMMAND."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.backup.copying import back_up, restore
from deploy.errors import StackError
from deploy.homes import SANDBOX_HOME, USUAL_HOME
from deploy.kinds import kind_of, stack_of
from deploy.observability import runs
from deploy.settings import Ports, SandboxPorts
from deploy.stack import Stack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 where it failed."""
    options = _parser().parse_args(arguments)
    try:
        home = options.home or (SANDBOX_HOME if options.sandbox else USUAL_HOME)
        kind = kind_of(home, is_wanted=options.run in {_up, _restore})
        stack = stack_of(home, _ports(options), kind)
        return int(options.run(stack, options.folder))
    except StackError as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, help="where data, logs and mails are kept; else .local or .sandbox")
    common.add_argument("--sandbox", action="store_true", help="the stack on which anything may be tried")
    common.add_argument("--free-ports", action="store_true", help="use whatever ports are free, not the usual ones")
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, purpose) in _COMMANDS.items():
        command = commands.add_parser(name, help=purpose, parents=[common])
        command.set_defaults(run=run, folder=None)
        if run in {_backup, _restore}:
            optional = "?" if run is _backup else None
            command.add_argument("folder", type=Path, nargs=optional, help="of the backup")
    return parser


def _ports(options: argparse.Namespace) -> Ports:
    kind = SandboxPorts if options.sandbox else Ports
    return kind.free() if options.free_ports else kind()


def _up(stack: Stack, _: Path | None) -> int:
    stack.up()
    print(f"\nAddresses and accounts: {stack.env_file}\nMails arrive in:        {stack.mail_directory}")
    print(f"and can be read at:     {stack.mail_page_url}\nWhat travels, as a page: {stack.contract_url}")
    return 0


def _down(stack: Stack, _: Path | None) -> int:
    stack.down()
    print("The stack is down; its data is kept.")
    return 0


def _reset(stack: Stack, _: Path | None) -> int:
    stack.reset()
    print("The stack is down and its data is wiped.")
    return 0


def _status(stack: Stack, _: Path | None) -> int:
    works = stack.status()
    if works:
        print(f"Mails can be read at {stack.mail_page_url}, and what travels at {stack.contract_url}")
    print("The stack works." if works else "The stack does not work: make up starts it, make logs tells more.")
    return 0 if works else 1


def _logs(stack: Stack, _: Path | None) -> int:
    stack.logs()
    return 0


def _backup(stack: Stack, folder: Path | None) -> int:
    print(f"The backup is whole: {back_up(stack, folder)}")
    if trouble := runs.tell(stack.push_gateway, "backup", {"ended_timestamp_seconds": time.time()}):
        print(trouble, file=sys.stderr)
    print("It holds personal data and nobody's password. Keep it elsewhere, with your .env and services.env.")
    return 0


def _restore(stack: Stack, folder: Path) -> int:
    restore(stack, folder)
    print(f"\nThe stack is up with what was in {folder}. Every account that it makes itself has a new password:")
    print(stack.env_file)
    return 0


def _upgrade(stack: Stack, _: Path | None) -> int:
    stack.upgrade()
    print("Every service runs on the code that is here.")
    return 0


_COMMANDS = {
    "up": (_up, "start everything and load the five programmes"),
    "down": (_down, "stop everything, keep its data"),
    "reset": (_reset, "stop everything, wipe its data"),
    "logs": (_logs, "follow all logs"),
    "status": (_status, "show what runs"),
    "backup": (_backup, "copy databases, definitions and messages into a folder"),
    "restore": (_restore, "bring up an empty stack with what a backup holds"),
    "upgrade": (_upgrade, "replace the services by those of the code that is here, one after the other"),
}

if __name__ == "__main__":
    sys.exit(main())
