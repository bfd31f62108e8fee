"""The page of the AsyncAPI document as a process of this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deploy.homes import ROOT
from deploy.local.daemons import Daemon
from deploy.settings import Ports
from deploy.web import answers_well


@dataclass(frozen=True)
class ContractPage:
    """The page of one home directory."""

    home: Path
    ports: Ports
    name: ClassVar[str] = "contract"

    @property
    def daemon(self) -> Daemon:
        """Be `deploy.contract.page`."""
        return Daemon(self.name, self.home)

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"http://127.0.0.1:{self.ports.contract_port}"

    def ensure_startable(self) -> None:
        """Raise `PortTaken` where another program listens on its port."""
        if self.daemon.pid() is None:
            self.ports.ensure_free("contract_port")

    def start(self) -> None:
        """Start the page, unless it runs; `wait` waits for it."""
        address = f"127.0.0.1:{self.ports.contract_port}"
        self.daemon.start([sys.executable, "-m", "deploy.contract.page", address], os.environ, cwd=ROOT)

    def wait(self) -> None:
        """Wait until the page answers; raise `StartFailed` where it does not come to that."""
        self.daemon.wait_until(lambda: answers_well(self.url))
