"""The services' databases as the commands read them: by name, through the chassis's seam, without service code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal, cast

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from chassis.errors import Unavailable
from chassis.mongo import Database, Driver, Mongo
from cli.servers import Servers
from cli.trouble import Exit, Trouble, without_password

Service = Literal["catalog", "enrolment", "notification"]
SERVICES: tuple[Service, ...] = ("catalog", "enrolment", "notification")

_REFUSALS = {
    13: "does not allow this account to do that",
    18: "refused the login: check the account and its password",
}
"""What MongoDB's error codes Unauthorized and AuthenticationFailed mean for the person at the terminal."""


@dataclass(frozen=True)
class Databases:
    """The database of each service; the names begin with `MONGO_DATABASE_PREFIX`, unless set `instroom`."""

    mongo: Mongo
    prefix: str

    def __getitem__(self, service: Service) -> Database:
        """Return the database of a service."""
        return self.mongo.database(f"{self.prefix}_{service}")


@asynccontextmanager
async def connected(servers: Servers) -> AsyncIterator[Databases]:
    """Connect to MongoDB; what goes wrong there is told as `Trouble`."""
    with _told_as_trouble(servers.database):
        mongo = Mongo(servers.database, driver=cast("Driver", servers.values.get("MONGO_DRIVER", "motor")))
        try:
            await mongo.ping()
            yield Databases(mongo, servers.values.get("MONGO_DATABASE_PREFIX", "instroom"))
        finally:
            await mongo.close()


@contextmanager
def _told_as_trouble(url: str) -> Iterator[None]:
    server = f"MongoDB ({without_password(url)})"
    try:
        yield
    except (Unavailable, ConnectionFailure) as error:
        raise Trouble(f"{server} does not answer. Is the stack up (`make up`)?", Exit.UNREACHABLE) from error
    except OperationFailure as error:
        raise Trouble(f"{server} {_REFUSALS.get(error.code or 0, 'refused a command')}.", Exit.UNREACHABLE) from error
    except PyMongoError as error:
        raise Trouble(f"{server} cannot be used: {type(error).__name__}.", Exit.UNREACHABLE) from error
