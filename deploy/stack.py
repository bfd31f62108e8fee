"""A stack: what both kinds of it, local processes and containers, can do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from deploy.endpoints import Endpoints


class Stack(Protocol):
    """Servers, services and catalogue, with all that they keep.

    What fails is raised as `StackError`, in words for the person at the terminal.
    """

    @property
    def home(self) -> Path:
        """Hold the files of this stack, and nothing of another's."""

    @property
    def env_file(self) -> Path:
        """Hold the addresses of a running stack, as KEY=value lines."""

    @property
    def mail_directory(self) -> Path:
        """Hold one `.eml` file per mail."""

    @property
    def mail_page_url(self) -> str:
        """Return the address of the page to read mails on."""

    @property
    def contract_url(self) -> str:
        """Return the address of the page of the AsyncAPI document."""

    @property
    def push_gateway(self) -> str | None:
        """Return the address at which runs that end tell of themselves; None where nobody is to be told."""

    def up(self) -> None:
        """Start what does not run, load the programmes, and write `env_file`."""

    def down(self) -> None:
        """Stop everything and keep its data."""

    def reset(self) -> None:
        """Stop everything and wipe its data, accounts and mails."""

    def status(self) -> bool:
        """Show what runs; tell whether the stack works."""

    def logs(self) -> None:
        """Follow all logs, until Ctrl-C."""

    def upgrade(self) -> None:
        """Replace the services by those of the code that is here, one after the other: who hears before who tells."""

    def start_servers(self) -> None:
        """Start the servers, and none of the services."""

    def start(self) -> None:
        """Start what does not run, as it is, and write `env_file`."""

    def stop_services(self) -> None:
        """Let the services finish what they are at, and stop them."""

    def start_services(self) -> None:
        """Start the services that were stopped."""

    def endpoints(self) -> Endpoints:
        """Return the servers as this machine reaches them."""

    def addresses(self) -> dict[str, str]:
        """Return what `env_file` tells."""
