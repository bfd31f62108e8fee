"""Make the project's MongoDB a replica set with accounts, and give RabbitMQ the definitions of this release.

Run as `python -m deploy.compose.founding`, before the services, in the network of MongoDB's own container, from which
alone it lets anybody in before there are accounts.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy import accounts
from deploy.compose.secrets import BROKER, DATABASE, MANAGEMENT, VOLUMES
from deploy.endpoints import Endpoints
from deploy.errors import StackError
from deploy.replicaset import ReplicaSet

PATIENCE_S = 60.0


def main(volumes: Path = VOLUMES) -> int:
    """Do both; return 1 where a server does not come up."""
    passwords = accounts.load_passwords(volumes / "all")
    ca = Path(os.environ["TLS_CA_FILE"]) if "TLS_CA_FILE" in os.environ else None
    try:
        ReplicaSet("127.0.0.1:27017", tuple(DATABASE.split(",")), passwords, _wait_until, ca).found()
        Endpoints(passwords, BROKER, MANAGEMENT, DATABASE, ca=ca).renew_definitions()
    except (TimeoutError, StackError) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    print("MongoDB is a replica set, and both servers know the accounts of the services.")
    return 0


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"MongoDB was not ready within {PATIENCE_S:.0f} s: docker compose logs mongodb.")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
