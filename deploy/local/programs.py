"""Where the programs of the local stack are found; each can be set as INSTROOM_... or in .env."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from pydantic_settings import BaseSettings

from deploy.errors import StackError
from deploy.settings import FROM_ENVIRONMENT


class Programs(BaseSettings):
    """The server programs that are used; by default Debian's RabbitMQ and the mongod of the wheel."""

    model_config = FROM_ENVIRONMENT

    rabbitmq_server: Path = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    mongod: Path | None = None

    def find_rabbitmq(self) -> Path:
        """Return RabbitMQ's start script; raise `StackError` where it is not installed."""
        if not self.rabbitmq_server.exists():
            raise StackError(
                f"RabbitMQ is not installed: {self.rabbitmq_server} is not there. Run deploy/bootstrap, or name the "
                "script (the one in RabbitMQ's own bin directory) with INSTROOM_RABBITMQ_SERVER."
            )
        return self.rabbitmq_server

    def find_mongod(self) -> Path:
        """Return mongod: the one set, the wheel's, or the one on PATH; raise `StackError` where there is none."""
        on_path = shutil.which("mongod")
        candidates = (self.mongod, _mongod_of_wheel(), Path(on_path) if on_path else None)
        found = next((path for path in candidates if path is not None and os.access(path, os.X_OK)), None)
        if found is None:
            raise StackError("mongod is not installed. Run deploy/bootstrap, or name one with INSTROOM_MONGOD.")
        return found


def _mongod_of_wheel() -> Path | None:
    spec = find_spec("fiftyone")
    places = [Path(place) / "db/bin/mongod" for place in spec.submodule_search_locations or ()] if spec else []
    return next((place for place in places if place.exists()), None)
