"""A private mongod as a one-member replica set, with accounts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from deploy import accounts
from deploy.local.daemons import Daemon
from deploy.local.programs import Programs
from deploy.replicaset import REPLICA_SET, ReplicaSet, database_url
from deploy.settings import Ports

LIMITS = ("--setParameter", "transactionLifetimeLimitSeconds=5")
"""MongoDB keeps a transaction whose client died for 60 s and up to 30 more; until then nobody else gets at the seats
that it had changed. Ours take a fraction of a second."""


@dataclass(frozen=True)
class MongoDB:
    """The database server of one home directory."""

    home: Path
    ports: Ports
    passwords: accounts.Passwords

    @property
    def daemon(self) -> Daemon:
        """Be mongod."""
        return Daemon("mongod", self.home)

    def url(self, user: str) -> str:
        """Return the address for an account."""
        return database_url(user, self.passwords, self._host)

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self.ports.mongo_port}"

    def start(self) -> None:
        """Start mongod, unless it runs; `wait` waits for it. Raises `PortTaken`."""
        if self.daemon.pid() is not None:
            return
        self.ports.ensure_free("mongo_port")
        data = self.home / "data" / "mongod"
        data.mkdir(parents=True, exist_ok=True)
        key = data.parent / "mongod.key"
        if not key.exists():
            accounts.write_private(key, accounts.new_key())
        options = {
            "--dbpath": str(data),
            "--bind_ip": "127.0.0.1",
            "--port": str(self.ports.mongo_port),
            "--replSet": REPLICA_SET,
            "--keyFile": str(key),
            "--oplogSize": "512",
            "--wiredTigerCacheSizeGB": "0.5",
            "--networkMessageCompressors": "snappy,zstd",  # zlib's let anybody read memory (CVE-2025-14847)
            "--setParameter": "diagnosticDataCollectionEnabled=false",
        }
        words = [word for option in options.items() for word in option]
        self.daemon.start(
            [str(Programs().find_mongod()), "--nounixsocket", *words, *LIMITS], {"PATH": os.environ.get("PATH", "")}
        )

    def wait(self) -> None:
        """Wait until mongod takes writes and knows its accounts; raise `StartFailed` where it does not come up."""
        ReplicaSet(self._host, (self._host,), self.passwords, self.daemon.wait_until).found()
